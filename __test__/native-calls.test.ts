/** What keeps the driver fast, without timing anything: how often each call of the entity manager calls the native side. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, test } from 'node:test';
import {
  Collection,
  Entity,
  ManyToOne,
  MikroORM,
  OneToMany,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Author {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany({ entity: () => Book, mappedBy: 'author' })
  books = new Collection<Book>(this);
}

@Entity()
class Book {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number', index: true })
  price!: number;

  @ManyToOne({ entity: () => Author })
  author!: Author;
}

/** Everything that the native side was called for, in order. */
const calls: string[] = [];

type Functions = Record<string, (...given: never[]) => unknown>;

/** Puts functions in the place of those of an object that write down that they were called. */
function count(functions: Functions): void {
  for (const [name, original] of Object.entries(functions)) {
    if (typeof original !== 'function') continue;
    functions[name] = (...given) => {
      // Compiling happens once for each shape of a call, letting go whenever memory is collected.
      if (!/^(compile|drop\w+|connect)$/.test(name)) calls.push(name);
      const result = original.apply(functions, given);
      if (name === 'connect') count(result as Functions);
      return result;
    };
  }
}

// Both forms of the driver load this one; the shared buffers are connected when a store is first opened.
count(createRequire(import.meta.url)('collection-store-mikro-orm/index.js') as Functions);

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Author, Book], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const numbers = Array.from({ length: 100 }, (_, i) => i + 1);
  await em.insertMany(
    Author,
    numbers.map((id) => ({ id, name: `author ${id}` })),
  );
  await em.insertMany(
    Book,
    numbers.map((id) => ({ id, price: id % 10, author: id })),
  );
});

afterEach(() => orm.close(true));

type Em = MikroORM['em'];

const bookOf = (em: Em, id: number) => em.create(Book, { id, price: 1, author: em.getReference(Author, 1) });

const WORK: [title: string, work: (em: Em) => Promise<unknown>, expected: string][] = [
  ['findOne by key', (em) => em.findOne(Book, 1), 'start'],
  ['find by an index', (em) => em.find(Book, { price: 3 }), 'start'],
  ['find by a condition on a relation', (em) => em.find(Book, { author: { name: 'author 3' } }), 'start'],
  [
    'find in an order, a page',
    (em) => em.find(Book, {}, { orderBy: { price: 'asc' }, limit: 5, offset: 50 }),
    'start',
  ],
  ['count', (em) => em.count(Book, { price: { $gt: 3 } }), 'start'],
  ['findAndCount', (em) => em.findAndCount(Book, { price: { $gt: 3 } }, { limit: 5 }), 'start start'],
  ['populate, joined', (em) => em.find(Author, {}, { populate: ['books'], strategy: 'joined' }), 'start'],
  [
    'populate, select-in',
    (em) => em.find(Author, {}, { populate: ['books'], strategy: 'select-in' }),
    'start start',
  ],
  ['insert one', (em) => em.persist(bookOf(em, 101)).flush(), 'begin start commit'],
  [
    'insert 100 in one flush',
    (em) => em.persist(Array.from({ length: 100 }, (_, i) => bookOf(em, 101 + i))).flush(),
    'begin start commit',
  ],
  [
    'findOne, update, flush',
    async (em) => {
      (await em.findOneOrFail(Book, 1)).price = 99;
      await em.flush();
    },
    'start begin start commit',
  ],
  [
    'find 100, update all, flush',
    async (em) => {
      for (const book of await em.find(Book, {})) book.price += 100;
      await em.flush();
    },
    'start begin start commit',
  ],
  [
    'find 100, remove all, flush',
    async (em) => {
      for (const book of await em.find(Book, {})) em.remove(book);
      await em.flush();
    },
    'start begin start commit',
  ],
  ['update by a condition', (em) => em.nativeUpdate(Book, { price: 3 }, { price: 4 }), 'start'],
  ['delete by a condition', (em) => em.nativeDelete(Book, { price: 3 }), 'start'],
  [
    'nested transactions',
    (em) => em.transactional((outer) => outer.transactional(async () => undefined)),
    'begin commit',
  ],
  [
    'nested transactions, something done in the inner one',
    (em) =>
      em.transactional((outer) => outer.transactional((inner) => inner.nativeDelete(Book, { price: 3 }))),
    'begin savepoint start release commit',
  ],
];

for (const [title, work, expected] of WORK) {
  test(`${title}: ${expected}`, { skip: process.env['EVERYTHING_ASIDE'] !== undefined }, async () => {
    const em = orm.em.fork();
    calls.length = 0;
    await work(em);
    assert.equal(calls.join(' '), expected);
  });
}
