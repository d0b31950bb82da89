/** `populateWhere` and `populateOrderBy` of joined relations that the condition and the order of the query follow, too: SQL joins them but once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import type { Loose } from './compatibility/feature.js';

const id = { type: 'integer', primary: true } as const;

const Author: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Author',
  properties: {
    id,
    name: { type: 'string' },
    books: { kind: '1:m', entity: () => Book, mappedBy: 'author' },
  },
});
const Book: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Book',
  properties: {
    id,
    kind: { type: 'string' },
    price: { type: 'integer' },
    author: { kind: 'm:1', entity: () => Author },
    tags: { kind: 'm:n', entity: () => Tag, owner: true },
  },
});
const Tag: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Tag',
  properties: { id, label: { type: 'string' } },
});

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Author, Book, Tag], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const [ann, bob, cid] = ['Ann', 'Bob', 'Cid'].map((name, i) => em.create(Author, { id: i + 1, name }));
  const [old, rare] = ['old', 'rare'].map((label, i) => em.create(Tag, { id: i + 1, label }));
  const book = (id: number, author: unknown, kind: string, price: number, tags: unknown[]) =>
    em.create(Book, { id, author, kind, price, tags });
  book(1, ann, 'novel', 10, [old]);
  book(2, ann, 'novel', 30, [old, rare]);
  book(3, ann, 'play', 20, [rare]);
  book(4, bob, 'novel', 5, [rare]);
  book(5, bob, 'play', 40, []);
  await em.flush();
  assert.ok(cid);
});

after(() => orm.close(true));

async function found(where: object, options: object): Promise<[string, number[]][]> {
  const given = { populate: ['books'], strategy: 'joined', orderBy: { id: 'asc' }, ...options };
  const authors = await orm.em.fork().find<Loose>(Author, where, given as Loose);
  return authors.map(({ name, books }) => [
    name,
    books
      .getItems()
      .map(({ id }: { id: number }) => id)
      .sort(),
  ]);
}

test('rows fulfil both conditions, and authors without any are left out', async () => {
  const novels = { books: { kind: 'novel' } };
  assert.deepEqual(await found(novels, { populateWhere: { books: { price: { $gt: 8 } } } }), [
    ['Ann', [1, 2]],
  ]);
  assert.deepEqual(await found(novels, { populateWhere: { books: { price: { $lt: 6 } } } }), [['Bob', [4]]]);
  assert.deepEqual(await found(novels, { populateWhere: { books: { tags: { label: 'rare' } } } }), [
    ['Ann', [1, 2]],
    ['Bob', [4]],
  ]);
});

test('what else fulfils the condition keeps authors', async () => {
  const where = { $or: [{ books: { kind: 'novel' } }, { name: 'Cid' }] };
  assert.deepEqual(await found(where, { populateWhere: { books: { price: { $gt: 8 } } } }), [
    ['Ann', [1, 2]],
    ['Cid', []],
  ]);
});

test('further relations that the condition follows count only with the rows that are populated', async () => {
  const rare = { books: { tags: { label: 'rare' } } };
  assert.deepEqual(await found(rare, { populateWhere: { books: { kind: 'play' } } }), [['Ann', [3]]]);
  assert.deepEqual(await found(rare, { populateWhere: { books: { tags: { label: 'old' } } } }), []);
});

test('counts agree with what is found', async () => {
  const options = {
    populate: ['books'],
    strategy: 'joined',
    populateWhere: { books: { price: { $gt: 8 } } },
  };
  const [rows, count] = await orm.em
    .fork()
    .findAndCount<Loose>(Author, { books: { kind: 'novel' } }, options as Loose);
  assert.deepEqual([rows.length, count], [1, 1]);
});

test('a condition without relations in common, other strategies and pages are as they were', async () => {
  const cheap = { populateWhere: { books: { price: { $lt: 15 } } } };
  const all: [string, number[]][] = [
    ['Ann', [1]],
    ['Bob', [4]],
  ];
  assert.deepEqual(await found({ name: { $ne: 'Cid' } }, cheap), all);
  assert.deepEqual(await found({ books: { kind: 'play' } }, { ...cheap, strategy: 'select-in' }), all);
  assert.deepEqual(await found({ books: { kind: 'play' } }, { ...cheap, limit: 2 }), all);
});

test('rows come in the order of the query, then in that of what is populated', async () => {
  const books = async (options: object) => {
    const given = { populate: ['books'], strategy: 'joined', ...options };
    const [ann] = await orm.em.fork().find<Loose>(Author, { name: 'Ann' }, given as Loose);
    return ann.books.getItems().map((book: { id: number }) => book.id);
  };
  const byKind = { orderBy: { books: { kind: 'desc' } } };
  assert.deepEqual(await books({ ...byKind, populateOrderBy: { books: { price: 'desc' } } }), [3, 2, 1]);
  assert.deepEqual(await books({ ...byKind, populateOrderBy: { books: { price: 'asc' } } }), [3, 1, 2]);
  assert.deepEqual(await books({ populateOrderBy: { books: { price: 'desc' } } }), [2, 3, 1]);
});
