/** What conditions say of the relations to load: `$infer`, and names that there are not. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

// biome-ignore lint/suspicious/noExplicitAny: the paths of these entities are no types.
type Loose = any;

const id = { type: 'number', primary: true } as const;
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
    title: { type: 'string' },
    author: { kind: 'm:1', entity: () => Author },
    editor: { kind: 'm:1', entity: () => Author, nullable: true },
    tags: { kind: 'm:n', entity: () => Tag, owner: true },
  },
});
const Tag: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Tag',
  properties: { id, name: { type: 'string' } },
});

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Author, Book, Tag], dbName: ':memory:' }));
  const update = orm.schema as Loose;
  await (update.update ?? update.updateSchema).call(update);
  const em: Loose = orm.em.fork();
  const [ann, bob] = ['Ann', 'Bob'].map((name, i) => em.create(Author, { id: i + 1, name }));
  const [red, blue] = ['red', 'blue'].map((name, i) => em.create(Tag, { id: i + 1, name }));
  em.create(Book, { id: 1, title: 'A', author: ann, editor: bob, tags: [red, blue] });
  em.create(Book, { id: 2, title: 'B', author: ann, tags: [blue] });
  em.create(Book, { id: 3, title: 'C', author: bob, tags: [] });
  await em.flush();
});

afterEach(() => orm.close(true));

const find = (entity: EntitySchema, where: object, options: object): Promise<Loose[]> =>
  (orm.em.fork() as Loose).find(entity, where, { orderBy: { id: 1 }, ...options });

describe('`$infer`', () => {
  const populate = ['$infer'];

  test('loads the members that the condition holds for, along each relation that it follows', async () => {
    const authors = await find(Author, { books: { tags: { name: 'red' } } }, { populate });
    assert.equal(authors.length, 1);
    const books = authors[0].books.getItems();
    assert.deepEqual(
      books.map((book: Loose) => book.title),
      ['A'],
    );
    assert.deepEqual(
      books[0].tags.getItems().map((tag: Loose) => tag.name),
      ['red'],
    );
  });

  test('loads references, but not those whose key is all that is asked for', async () => {
    const [book] = await find(Book, { author: { name: 'Ann' } }, { populate });
    assert.equal(book.author.name, 'Ann');
    const [other] = await find(Book, { author: 1 }, { populate });
    assert.equal(other.author.name, undefined);
  });

  test('loads members of which a condition on a relation that is absent holds', async () => {
    const authors = await find(Author, { books: { editor: { name: null } } }, { populate });
    assert.deepEqual(
      authors.map(({ books }) => books.getItems().map((book: Loose) => [book.title, book.editor])),
      [[['B', null]], [['C', null]]],
    );
    const untagged = await find(Author, { books: { tags: { name: null } } }, { populate });
    assert.deepEqual(
      untagged.map(({ books }) => books.getItems().map((book: Loose) => [book.title, book.tags.count()])),
      [[['C', 0]]],
    );
  });

  test('leaves alone what the condition asks for without joining it', async () => {
    const [author] = await find(Author, { books: { $some: { title: 'A' } } }, { populate });
    assert.equal(author.books.isInitialized(), false);
  });

  test('goes with an order by related rows, and with other relations', async () => {
    const orderBy = { author: { name: 'desc' }, id: 'asc' };
    const books = await find(Book, { title: { $ne: 'B' } }, { populate: ['$infer', 'tags'], orderBy });
    assert.deepEqual(
      books.map((book) => [book.title, book.author.name, book.tags.length]),
      [
        ['C', 'Bob', 0],
        ['A', 'Ann', 2],
      ],
    );
  });

  test('leaves relations that are named to what is said of them', async () => {
    const options = { populate: ['$infer', 'tags'], populateWhere: { tags: { name: 'blue' } } };
    const [book] = await find(Book, { author: { name: 'Ann' } }, { ...options, strategy: 'joined' });
    assert.equal(book.author.name, 'Ann');
    assert.deepEqual(
      book.tags.getItems().map((tag: Loose) => tag.name),
      ['blue'],
    );
  });

  test('of alternatives, loads what goes with the row as a whole where that fulfils one', async () => {
    const members = async (where: object, name: string) =>
      (await find(Author, where, { populate })).map((author) => [
        author.name,
        author[name].getItems().map((item: Loose) => item.title),
      ]);
    const where = { $or: [{ name: 'Bob' }, { books: { title: 'A' } }] };
    assert.deepEqual(await members(where, 'books'), [
      ['Ann', ['A']],
      ['Bob', ['C']],
    ]);
    const deeper = { $or: [{ name: 'Bob' }, { books: { tags: { name: 'red' } } }] };
    assert.deepEqual(await members(deeper, 'books'), [
      ['Ann', ['A']],
      ['Bob', ['C']],
    ]);
    const books = await find(Book, { $or: [{ title: 'A' }, { tags: { name: 'red' } }] }, { populate });
    assert.deepEqual(
      books.map((book) => book.tags.length),
      [2],
    );
    const blue = await find(Book, { $or: [{ title: 'C' }, { tags: { name: 'blue' } }] }, { populate });
    assert.deepEqual(
      blue.map((book) => book.tags.getItems().map((tag: Loose) => tag.name)),
      [['blue'], ['blue'], []],
    );
  });

  test('does not change the page', async () => {
    const where = { books: { title: { $in: ['A', 'B', 'C'] } } };
    const authors = await find(Author, where, { populate, limit: 1 });
    assert.deepEqual(
      authors.map((author) => author.books.length),
      [2],
    );
  });
});

describe('`populateWhere`', () => {
  const titles = (author: Loose) => author.books.getItems().map((book: Loose) => book.title);
  const red = { books: { tags: { name: 'red' } } };

  test('joined, what it says of members of members leaves the members', async () => {
    for (const populate of [['books'], ['books.tags']]) {
      const options = { populate, populateWhere: red, strategy: 'joined' };
      const [ann, bob] = await find(Author, {}, options);
      assert.deepEqual(titles(ann), ['A', 'B']);
      assert.deepEqual(titles(bob), ['C']);
      if (populate[0] === 'books.tags') {
        const tags = ann.books.getItems().map((book: Loose) => book.tags.getItems().length);
        assert.deepEqual(tags, [1, 0]);
      }
    }
  });

  test('joined, what it says of a mandatory relation of members leaves out members', async () => {
    const populateWhere = { books: { author: { name: 'Ann' } } };
    const [ann, bob] = await find(Author, {}, { populate: ['books'], populateWhere, strategy: 'joined' });
    assert.deepEqual(titles(ann), ['A', 'B']);
    assert.deepEqual(titles(bob), []);
  });

  test('a relation further on does not hide the one that leads to it', async () => {
    const populateWhere = { author: { books: { title: 'C' } } };
    const books = await find(Book, {}, { populate: ['author'], populateWhere, strategy: 'joined' });
    assert.deepEqual(
      books.map((book) => book.author.name),
      ['Ann', 'Ann', 'Bob'],
    );
  });

  test('what is said of a collection as a whole is not said of its members', async () => {
    for (const strategy of ['joined', 'select-in']) {
      for (const [quantifier, found] of [
        ['$some', ['A']],
        ['$none', ['B', 'C']],
        ['$every', ['C']],
      ] as const) {
        const where = { tags: { [quantifier]: { name: 'red' } } };
        const books = await find(Book, where, { populate: ['tags'], populateWhere: 'infer', strategy });
        assert.deepEqual(
          books.map((book) => book.title),
          found,
        );
        assert.equal(books[0].tags.length, { A: 2, B: 1, C: 0 }[found[0]]);
      }
    }
  });
});

test('unknown names in what is said of populated relations are refused', async () => {
  for (const strategy of ['joined', 'select-in']) {
    const options = { populate: ['books'], strategy };
    await assert.rejects(find(Author, {}, { ...options, populateWhere: { nope: 1 } }), /Author\.nope/);
    await assert.rejects(find(Author, {}, { ...options, populateOrderBy: { nope: 1 } }), /Author\.nope/);
  }
});
