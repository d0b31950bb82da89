/**
 * The work that is measured at the level of drivers. `run` is what is timed, `times` of them one after the other; what it
 * gives must be the same for all contestants. `undo`, which is not timed, brings the data back.
 */
import { ageOf, cityOf, emailOf, nameOf, row, spread } from './data.mjs';

/** One run of a point operation is a thousand of them: one takes no longer than a clock, and a service has done thousands before. */
const POINT = { times: 1_000 };
const some = ({ size }, number) => 1 + spread(number, size);
const fresh = ({ size }, from, count) => Array.from({ length: count }, (_, i) => row(size + from + i, size));
const removeNew = ({ store, size }) => store.removeAbove(size);
/** The same shuffled keys for everybody, of rows that there are. */
const keys = ({ size }, count) => Array.from({ length: count }, (_, i) => 1 + ((i * 7) % size));

/** Each over a context of the store, its size and `number`, which no two operations have in common; `needs` names calls of the contestant. */
export const WORK = {
  'get by key': { ...POINT, needs: ['get'], run: (c) => c.store.get(some(c, c.number)) },
  'find by unique index': {
    ...POINT,
    needs: ['byUnique'],
    run: (c) => c.store.byUnique(emailOf(some(c, c.number))),
  },
  'find by index, 50 rows': {
    times: 10,
    needs: ['byIndex'],
    run: (c) => c.store.byIndex(cityOf(some(c, c.number), c.size)),
  },
  'find by composite index': {
    times: 10,
    needs: ['byComposite'],
    run(c) {
      const i = some(c, c.number);
      return c.store.byComposite(ageOf(i), nameOf(i, c.size));
    },
  },
  'read 10,000 rows': { rows: 10_000, needs: ['upTo'], run: (c) => c.store.upTo(10_000) },
  'range, ordered, limit 50': {
    times: 10,
    needs: ['range'],
    run: (c) => c.store.range(20 + (c.number % 20), 90, 50),
  },
  'deep offset, limit 50': {
    needs: ['page'],
    run: (c) => c.store.page(50, Math.floor(c.size * 0.9) + (c.number % 20)),
  },
  'order without an index, limit 50': {
    needs: ['filtered'],
    run: (c) => c.store.filtered(100 + (c.number % 50), 50),
  },
  'count over a range': {
    needs: ['countRange'],
    run: (c) => c.store.countRange(20 + (c.number % 20), 60),
  },
  'insert 1 in a transaction': {
    ...POINT,
    needs: ['insert'],
    run: (c) => c.store.insert(row(c.size + 1 + c.at, c.size)),
    undo: removeNew,
  },
  'insert 10,000': {
    prepare: (c) => fresh(c, 1, 10_000),
    needs: ['insertMany'],
    run: (c) => c.store.insertMany(c.prepared),
    undo: removeNew,
  },
  'update 1': { ...POINT, needs: ['update'], run: (c) => c.store.update(some(c, c.number), c.number / 7) },
  'update 10,000': {
    rows: 10_000,
    prepare: (c) => keys(c, 10_000).map((id) => ({ id, score: c.number + id / 7 })),
    needs: ['updateMany'],
    run: (c) => c.store.updateMany(c.prepared),
  },
  'upsert 1,000, half of them new': {
    prepare: (c) => [
      ...keys(c, 500).map((id) => ({ ...row(id, c.size), score: c.number })),
      ...fresh(c, 1, 500),
    ],
    needs: ['upsertMany'],
    run: (c) => c.store.upsertMany(c.prepared),
    undo: removeNew,
  },
  'remove 1': {
    ...POINT,
    before: ({ store, ...c }) => store.insertMany(fresh(c, 1, POINT.times)),
    needs: ['remove'],
    run: (c) => c.store.remove(c.size + 1 + c.at),
  },
  'savepoint, update, rollback to it': {
    ...POINT,
    needs: ['savepoint'],
    run: (c) => c.store.savepoint(some(c, c.number), -1) === -1,
  },
  'nested transaction, update': {
    ...POINT,
    needs: ['nested'],
    run: (c) => c.store.nested(some(c, c.number), c.number / 3),
  },
};
