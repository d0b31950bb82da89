/** Rows that are streamed; only major 7 has `em.stream`. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import * as library from 'collection-store-mikro-orm';
import { Collection, EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import { RowFactory } from '#driver/native/factory.js';

const only7 = { skip: !('PolymorphicRef' in library) };

class Author {
  id!: number;
  name!: string;
  books = new Collection<Book>(this);
}
class Book {
  id!: number;
  title!: string;
  author!: Author;
  tags = new Collection<Tag>(this);
  shelves = new Collection<Shelf>(this);
}
class Tag {
  id!: number;
  name!: string;
}
class Shelf {
  id!: number;
  books = new Collection<Book>(this);
}
class Reading {
  id!: number;
}
class Summary {
  title!: string;
}

const id = { type: 'number', primary: true };
const text = { type: 'string' };
const entities: unknown[] = [
  new EntitySchema({
    class: Author,
    properties: {
      id,
      name: text,
      books: { kind: '1:m', entity: () => Book, mappedBy: 'author' },
    },
  } as never),
  new EntitySchema({
    class: Book,
    properties: {
      id,
      title: text,
      author: { kind: 'm:1', entity: () => Author },
      tags: { kind: 'm:n', entity: () => Tag, strategy: 'select-in' },
      shelves: { kind: 'm:n', entity: () => Shelf, fixedOrder: true },
    },
  } as never),
  new EntitySchema({ class: Tag, properties: { id, name: text } } as never),
  new EntitySchema({
    class: Shelf,
    properties: { id, books: { kind: 'm:n', entity: () => Book, mappedBy: 'shelves' } },
  } as never),
  new EntitySchema({ class: Reading, properties: { id } } as never),
  new EntitySchema({
    class: Summary,
    expression: () => [{ title: 'a' }, { title: 'b' }],
    properties: { title: text },
  } as never),
];

// biome-ignore lint/suspicious/noExplicitAny: `stream` is not among the types of both majors.
type Em = any;

const READINGS = 2000;
const opened: MikroORM[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((orm) => orm.close(true)));
});

async function shop(options: object = {}): Promise<{ orm: MikroORM; em: Em }> {
  const orm = await MikroORM.init(
    defineConfig({ entities: entities as never, dbName: ':memory:', ...options }),
  );
  opened.push(orm);
  await orm.schema.createSchema();
  const em: Em = orm.em.fork();
  await em.insertMany(
    Author,
    ['Ann', 'Ben', 'Cid'].map((name, i) => ({ id: i + 1, name })),
  );
  await em.insertMany(
    Tag,
    ['x', 'y'].map((name, i) => ({ id: i + 1, name })),
  );
  await em.insertMany(Book, [
    { id: 1, title: 'A', author: 1, tags: [1, 2] },
    { id: 2, title: 'B', author: 1, tags: [] },
    { id: 3, title: 'C', author: 2, tags: [2] },
  ]);
  await em.insertMany(
    Reading,
    Array.from({ length: READINGS }, (_, i) => ({ id: i + 1 })),
  );
  return { orm, em: orm.em.fork() };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

const ids = (rows: readonly { id: number }[]) => rows.map((row) => row.id);

test('rows come in order, of the page and with the properties asked for', only7, async () => {
  const { em } = await shop();
  const down = await all<Reading>(em.stream(Reading, { orderBy: { id: 'desc' } }));
  assert.deepEqual(
    ids(down),
    Array.from({ length: READINGS }, (_, i) => READINGS - i),
  );
  const page = { where: { id: { $gt: 10 } }, orderBy: { id: 1 }, offset: 300, limit: 500 };
  assert.deepEqual(
    ids(await all<Reading>(em.stream(Reading, page))),
    Array.from({ length: 500 }, (_, i) => i + 311),
  );
  const [ann] = await all<Author>(em.stream(Author, { fields: ['id'], where: { name: 'Ann' } }));
  assert.deepEqual([ann?.id, ann?.name], [1, undefined]);
  assert.deepEqual(await all(em.stream(Author, { where: { id: 9 } })), []);
  assert.equal(em.getUnitOfWork().getIdentityMap().keys().length, 0);
});

/** Counts the rows that cross over from the native side. */
function countFetched(): { rows: number; stop(): void } {
  const { read } = RowFactory.prototype;
  const count = {
    rows: 0,
    stop: () => {
      RowFactory.prototype.read = read;
    },
  };
  RowFactory.prototype.read = function (numbers, text, rows, into) {
    count.rows += rows;
    read.call(this, numbers, text, rows, into);
  };
  return count;
}

test('only some of the rows are fetched ahead of the one that is asked for', only7, async () => {
  const { em } = await shop();
  const count = countFetched();
  try {
    const stream = em.stream(Reading, { orderBy: { id: 1 } });
    assert.equal(count.rows, 0);
    assert.equal((await stream.next()).value.id, 1);
    const ahead = count.rows;
    assert.ok(ahead > 0 && ahead <= READINGS / 4, `${ahead} rows`);
    for (let i = 0; i < ahead; i++) await stream.next();
    assert.ok(count.rows > ahead && count.rows <= 2 * ahead, `${count.rows} rows`);
    await stream.return();
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
    assert.ok(count.rows <= 2 * ahead);
  } finally {
    count.stop();
  }
});

test('a stream that is broken off lets the store go on', only7, async () => {
  const { em } = await shop();
  for (let i = 0; i < 50; i++) {
    for await (const reading of em.stream(Reading, { orderBy: { id: 1 } })) {
      if (reading.id === 3) break;
    }
  }
  await assert.rejects(async () => {
    for await (const _ of em.stream(Reading)) throw new RangeError('mine');
  }, RangeError);
  await em.nativeDelete(Reading, {});
  assert.equal(await em.count(Reading), 0);
});

test('a stream shows the version of its beginning, whatever happens meanwhile', only7, async () => {
  const { em, orm } = await shop();
  const found: number[] = [];
  for await (const reading of em.stream(Reading, { orderBy: { id: 1 } })) {
    if (found.length === 0) await orm.em.fork().nativeDelete(Reading, { id: { $lt: READINGS } });
    found.push(reading.id);
  }
  assert.equal(found.length, READINGS);
  assert.deepEqual(ids(await all<Reading>(em.stream(Reading))), [READINGS]);
});

test('a transaction streams what it wrote before', only7, async () => {
  const { em, orm } = await shop();
  await em.transactional(async (inner: Em) => {
    await inner.insert(Reading, { id: READINGS + 1 });
    const found: number[] = [];
    for await (const reading of inner.stream(Reading, { orderBy: { id: 1 } })) {
      if (found.length === 0) await inner.insert(Reading, { id: READINGS + 2 });
      found.push(reading.id);
    }
    assert.equal(found.length, READINGS + 1);
    const outside: Em = orm.em.fork();
    assert.equal((await all(outside.stream(Reading))).length, READINGS);
    assert.equal(await inner.count(Reading), READINGS + 2);
  });
});

test('streams run side by side and together with other calls', only7, async () => {
  const { em } = await shop();
  const up = em.stream(Reading, { orderBy: { id: 1 } });
  const down = em.stream(Reading, { orderBy: { id: -1 } });
  for (let i = 1; i <= READINGS; i++) {
    assert.equal((await up.next()).value.id, i);
    assert.equal((await down.next()).value.id, READINGS + 1 - i);
    if (i % 500 === 0) assert.equal((await em.findOne(Author, 1)).name, 'Ann');
  }
  assert.ok((await up.next()).done && (await down.next()).done);
});

for (const rows of [2, READINGS]) {
  test(`a stream of ${rows} rows ends with its transaction`, only7, async () => {
    const { em } = await shop();
    let stream: Em;
    await em.transactional(async (inner: Em) => {
      stream = inner.stream(Reading, { limit: rows });
      await stream.next();
    });
    await assert.rejects(() => stream.next(), /transaction has ended/);
    assert.ok((await stream.next()).done);
  });

  test(`a stream of ${rows} rows ends with its store`, only7, async () => {
    const { em, orm } = await shop();
    const stream = em.stream(Reading, { limit: rows });
    await stream.next();
    await orm.close(true);
    await assert.rejects(() => stream.next(), /store has been closed/);
    assert.ok((await stream.next()).done);
  });
}

test('populated relations come along whole, whatever their strategy is elsewhere', only7, async () => {
  const { em } = await shop();
  const authors = await all<Author>(
    em.stream(Author, {
      populate: ['books.tags'],
      orderBy: { id: 'desc', books: { id: 'desc', tags: { name: 1 } } },
    }),
  );
  assert.deepEqual(
    authors.map(({ name, books }) => [
      name,
      books.getItems().map(({ title, tags }) => `${title}${tags.getItems().map((tag) => tag.name)}`),
    ]),
    [
      ['Cid', []],
      ['Ben', ['Cy']],
      ['Ann', ['B', 'Ax,y']],
    ],
  );
  const [book] = await all<Book>(em.stream(Book, { populate: ['author'], where: { id: 3 } }));
  assert.equal(book?.author.name, 'Ben');
});

test('`populate: ["*"]` loads all relations that can be joined', only7, async () => {
  const { em } = await shop();
  const [ann] = await all<Author>(em.stream(Author, { populate: ['*'], orderBy: { id: 1 } }));
  assert.deepEqual(
    ann?.books.getItems().map(({ title }) => title),
    ['A', 'B'],
  );
});

test('`mergeResults: false` streams a row for each member', only7, async () => {
  const { em } = await shop();
  const rows = await all<Author>(
    em.stream(Author, {
      populate: ['books.tags'],
      orderBy: { id: 1, books: { id: 1, tags: { name: 1 } } },
      mergeResults: false,
    }),
  );
  assert.deepEqual(
    rows.map(
      ({ name, books }) =>
        name + books.getItems().map(({ title, tags }) => title + tags.getItems().map((tag) => tag.name)),
    ),
    ['AnnAx', 'AnnAy', 'AnnB', 'BenCy', 'Cid'],
  );
});

test('collections that keep an order come in it', only7, async () => {
  const { em } = await shop();
  await em.insertMany(
    Shelf,
    [1, 2, 3].map((id) => ({ id })),
  );
  const book = await em.findOneOrFail(Book, 1, { populate: ['shelves'] });
  book.shelves.set([3, 1, 2].map((id) => em.getReference(Shelf, id)));
  await em.flush();
  const [first] = await all<Book>(em.fork().stream(Book, { populate: ['shelves'], orderBy: { id: 1 } }));
  assert.deepEqual(ids(first?.shelves.getItems() ?? []), [3, 1, 2]);
});

test('a signal stops a stream between two rows', only7, async () => {
  const { em } = await shop();
  const stop = new RangeError('stop');
  const controller = new AbortController();
  const found: number[] = [];
  await assert.rejects(async () => {
    for await (const { id } of em.stream(Reading, { signal: controller.signal, orderBy: { id: 1 } })) {
      found.push(id);
      if (id === 2) controller.abort(stop);
    }
  }, stop);
  assert.deepEqual(found, [1, 2]);
  await assert.rejects(() => all(em.stream(Reading, { signal: controller.signal })), stop);
  await assert.rejects(() => all(em.fork({ signal: controller.signal }).stream(Reading)), stop);
});

test('virtual entities are streamed', only7, async () => {
  const { em } = await shop();
  assert.deepEqual(
    (await all<Summary>(em.stream(Summary))).map(({ title }) => title),
    ['a', 'b'],
  );
});

test('errors are those of queries', only7, async () => {
  const { em, orm } = await shop();
  await assert.rejects(() => all(em.stream(Reading, { where: { nothing: 1 } })), /nothing/);
  const stream = em.stream(Reading);
  await orm.schema.dropSchema();
  await assert.rejects(() => all(stream), { name: 'TableNotFoundException' });
});

test('a stream is logged when it begins', only7, async () => {
  const lines: string[] = [];
  const { em } = await shop({ debug: ['query'], colors: false, logger: (line: string) => lines.push(line) });
  lines.length = 0;
  const stream = em.stream(Author, { where: { name: 'Ben' } });
  await stream.next();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^\[query\].*find.*author.*took/i);
  await stream.return();
  assert.equal(lines.length, 1);
});
