/**
 * The work that is measured through MikroORM.
 *
 * `run` is what is timed, over an entity manager of its own; `undo`, which is not, brings the data back. What `run` gives
 * must be the same for all contestants. A point operation takes less than a clock and a compiler that has not seen it yet
 * say anything about, so that one run of it is `times` of them, one after the other; what is told is the time of one.
 */
import { authorsOf, book, spread } from './model.mjs';

/** `at` is the place among the `times` of a run, `trial` another number for each operation of all runs.
 * @typedef {{ em: any, Author: any, Book: any, Tag: any, size: number, trial: number, at: number }} Context */

/** How often one run does a point operation. */
const POINT = { times: 100 };

const some = (context, trial) => 1 + spread(trial, context.size);
const removeNew = (em, { Book, size }) => em.nativeDelete(Book, { id: { $gt: size } });

const insert = (count) => ({
  async run({ em, Book, size, trial, at }) {
    for (let i = 0; i < count; i += 1) {
      const id = size + 1 + at * count + i;
      em.persist(em.create(Book, { id, ...book(trial + i, authorsOf(size)) }, { partial: true }));
    }
    await em.flush();
    return count;
  },
  undo: removeNew,
  rows: count,
});

const update = (count) => ({
  async run({ em, Book, size, trial }) {
    const books =
      count === 1
        ? [await em.findOneOrFail(Book, some({ size }, trial))]
        : await em.find(Book, { id: { $lte: count } });
    for (const one of books) one.rating = trial + one.id / 7;
    await em.flush();
    return books.length;
  },
  rows: count,
});

const remove = (count) => ({
  async before(em, { Book, size, times }) {
    const fresh = Array.from({ length: count * times }, (_, i) => ({
      id: size + 1 + i,
      ...book(i, authorsOf(size)),
    }));
    await em.insertMany(Book, fresh);
  },
  async run({ em, Book, size, at }) {
    const from = size + at * count;
    const books = await em.find(Book, { id: { $gt: from, $lte: from + count } });
    for (const one of books) em.remove(one);
    await em.flush();
    return books.length;
  },
  rows: count,
});

const find = (where, options) => ({
  run: (context) => context.em.find(context.Book, where(context), options?.(context)),
});

const populate = (entity, property, strategy) => ({
  run: ({ em, [entity]: type, trial }) =>
    em.find(
      type,
      { id: { $gt: trial % 5, $lte: 200 + (trial % 5) } },
      { populate: [property], ...(strategy && { strategy }) },
    ),
});

export const WORK = {
  'insert 1, flush': { ...insert(1), ...POINT },
  'insert 1,000, flush': insert(1_000),
  'insert 10,000, flush': { ...insert(10_000), slow: true },
  'findOne by key': {
    ...POINT,
    run: (context) => context.em.findOne(context.Book, some(context, context.trial)),
  },
  'find by unique index': {
    ...POINT,
    run: ({ em, Author, size, trial }) =>
      em.findOne(Author, { email: `author${spread(trial, authorsOf(size))}@example.com` }),
  },
  'find by index': find(({ trial }) => ({ price: spread(trial, 1_009) })),
  'find by composite index': find(({ trial }) => ({
    genre: `genre ${spread(trial, 20)}`,
    year: 1900 + spread(trial, 120),
  })),
  'range, ordered, limit 50': find(
    ({ trial }) => ({ price: { $gte: 100 + (trial % 50), $lt: 600 } }),
    () => ({ orderBy: { price: 'asc', id: 'asc' }, limit: 50 }),
  ),
  'deep offset, limit 50': find(
    () => ({}),
    ({ size, trial }) => ({
      orderBy: { id: 'asc' },
      limit: 50,
      offset: Math.floor(size * 0.9) + (trial % 20),
    }),
  ),
  'count over a range': {
    ...POINT,
    run: ({ em, Book, trial }) => em.count(Book, { price: { $gte: 100 + (trial % 50), $lt: 600 } }),
  },
  'find 10,000': find(({ size, trial }) => ({ id: { $gt: trial % 5, $lte: Math.min(size, 10_000) } })),
  'find 200 and populate 1:M, select-in': populate('Author', 'books', 'select-in'),
  'find 200 and populate 1:M, joined': populate('Author', 'books', 'joined'),
  'find 200 and populate M:N, select-in': populate('Book', 'tags', 'select-in'),
  'find 200 and populate M:N, joined': populate('Book', 'tags', 'joined'),
  'condition over m:1': find(({ trial }) => ({ author: { born: 1900 + (trial % 90) } })),
  'condition over 1:M': {
    run: ({ em, Author, trial }) => em.find(Author, { books: { price: trial % 1_009 } }),
  },
  'findOne, update 1, flush': { ...update(1), ...POINT },
  'update 10,000, flush': { ...update(10_000), slow: true },
  'upsert 1,000': {
    run: ({ em, Author, size, trial }) =>
      em
        .upsertMany(
          Author,
          Array.from({ length: Math.min(1_000, authorsOf(size)) }, (_, i) => ({
            id: i + 1,
            name: `author ${i}, ${trial}`,
            email: `author${i}@example.com`,
            born: 1900 + (i % 90),
          })),
        )
        .then((rows) => rows.length),
  },
  'remove 1': { ...remove(1), ...POINT },
  'find 1,000, remove them': remove(1_000),
  'nested transactions': {
    ...POINT,
    run: ({ em }) => em.transactional((outer) => outer.transactional(async () => 'done')),
  },
  'savepoint and rollback': {
    ...POINT,
    run: ({ em, Book, size, trial }) =>
      em.transactional(async (outer) => {
        await outer
          .transactional(async (inner) => {
            await inner.nativeUpdate(Book, { id: some({ size }, trial) }, { year: 1 });
            throw new Error('take it back');
          })
          .catch(() => undefined);
        return outer.count(Book, { id: some({ size }, trial), year: 1 });
      }),
  },
};
