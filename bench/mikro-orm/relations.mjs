/**
 * Relations through MikroORM, beside `@mikro-orm/better-sqlite`: 10,000 authors, 100,000 books, 50 tags, all in memory.
 *
 *     npm run bench -- relations
 *
 * Times are the best of several rounds, each with an entity manager of its own; the drivers take turns.
 */
import { EntitySchema } from '@mikro-orm/core';
import { BetterSqliteDriver, MikroORM as SqliteORM } from '@mikro-orm/better-sqlite';
import { CollectionStoreDriver, MikroORM } from 'collection-store-mikro-orm';
import { table } from '../report.mjs';

const AUTHORS = 10_000;
const BOOKS = 100_000;
const TAGS = 50;
const ROUNDS = 9;

const number = { type: 'number' };
const text = { type: 'string' };
const id = { ...number, primary: true };

const entities = () => [
  new EntitySchema({
    name: 'Author',
    properties: {
      id,
      name: text,
      born: number,
      books: { kind: '1:m', entity: 'Book', mappedBy: 'author' },
    },
  }),
  new EntitySchema({
    name: 'Book',
    properties: {
      id,
      title: text,
      price: number,
      author: { kind: 'm:1', entity: 'Author' },
      tags: { kind: 'm:n', entity: 'Tag', inversedBy: 'books' },
    },
  }),
  new EntitySchema({
    name: 'Tag',
    properties: { id, name: text, books: { kind: 'm:n', entity: 'Book', mappedBy: 'tags' } },
  }),
];

/** Spreads numbers so that neighbours are not alike. */
const spread = (i, below) => (i * 7_919) % below;

async function open(ORM, driver) {
  const orm = await ORM.init({ driver, entities: entities(), dbName: ':memory:' });
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const rows = (count, row) => Array.from({ length: count }, (_, i) => ({ id: i + 1, ...row(i) }));
  await em.insertMany(
    'Tag',
    rows(TAGS, (i) => ({ name: `tag ${i}` })),
  );
  await em.insertMany(
    'Author',
    rows(AUTHORS, (i) => ({ name: `author ${spread(i, AUTHORS)}`, born: 1900 + (i % 100) })),
  );
  const books = rows(BOOKS, (i) => ({
    title: `book ${spread(i, BOOKS)}`,
    price: spread(i, 1_000),
    author: 1 + spread(i, AUTHORS),
    tags: i % 5 === 0 ? [1 + (i % TAGS)] : [],
  }));
  for (let at = 0; at < BOOKS; at += 1_000) {
    await em.insertMany('Book', books.slice(at, at + 1_000));
  }
  return orm;
}

const CASES = {
  'authors by a condition on 100,000 books (1 % match)': (em) =>
    em.find('Author', { books: { price: { $lt: 10 } } }),
  'count of authors with a book above a price': (em) =>
    em.count('Author', { books: { $some: { price: { $gte: 995 } } } }),
  'authors without a cheap book': (em) =>
    em.find('Author', { books: { $none: { price: { $lt: 700 } } } }, { limit: 100 }),
  'books of authors born in one year': (em) => em.find('Book', { author: { born: 1950 } }),
  'books with one of two tags, by title': (em) =>
    em.find('Book', { tags: { name: ['tag 5', 'tag 15'] } }, { orderBy: { title: 'asc' }, limit: 50 }),
  'first 50 of 100,000 books in the order of their authors': (em) =>
    em.find('Book', {}, { orderBy: { author: { name: 'asc' }, id: 'asc' }, limit: 50 }),
  'the same, page in the middle': (em) =>
    em.find('Book', {}, { orderBy: { author: { name: 'asc' }, id: 'asc' }, limit: 50, offset: 50_000 }),
  '1,000 books with their authors, joined': (em) =>
    em.find('Book', { id: { $lte: 1_000 } }, { populate: ['author'], strategy: 'joined' }),
  '1,000 books with their authors, select-in': (em) =>
    em.find('Book', { id: { $lte: 1_000 } }, { populate: ['author'], strategy: 'select-in' }),
  '10,000 authors with their 100,000 books, joined': (em) =>
    em.find('Author', {}, { populate: ['books'], strategy: 'joined' }),
  '10,000 authors with their 100,000 books, select-in': (em) =>
    em.find('Author', {}, { populate: ['books'], strategy: 'select-in' }),
  '5,000 books with their tags, select-in': (em) =>
    em.find('Book', { id: { $lte: 5_000 } }, { populate: ['tags'], strategy: 'select-in' }),
};

async function best(orms, work) {
  const times = orms.map(() => Number.POSITIVE_INFINITY);
  const sizes = new Set();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, orm] of orms.entries()) {
      const em = orm.em.fork();
      globalThis.gc?.();
      const start = performance.now();
      const result = await work(em);
      times[at] = Math.min(times[at], performance.now() - start);
      sizes.add(Array.isArray(result) ? result.length : result);
    }
  }
  if (sizes.size !== 1) throw new Error(`The drivers do not agree: ${[...sizes].join(', ')}`);
  return times;
}

const orms = [await open(MikroORM, CollectionStoreDriver), await open(SqliteORM, BetterSqliteDriver)];
const rows = [];
for (const [name, work] of Object.entries(CASES)) {
  const [ours, sqlite] = await best(orms, work);
  rows.push([name, `${ours.toFixed(2)} ms`, `${sqlite.toFixed(2)} ms`, `${(sqlite / ours).toFixed(1)} x`]);
}
table(['', 'collection store', 'better-sqlite', 'faster'], rows);
await Promise.all(orms.map((orm) => orm.close(true)));
