// What a savepoint, a rollback to it, a snapshot, a restore and a fork cost, at two sizes of the store.
import { Engine } from '../dist/esm/native/engine.js';
import { median, microseconds, table } from './report.mjs';

const SIZES = [1_000, 1_000_000];
const BATCH = 10_000;
const TRIALS = 2_000;

const user = {
  name: 'user',
  fields: [
    { name: 'id', type: 'int', nullable: false, autoIncrement: true },
    { name: 'name', type: 'text', nullable: false },
    { name: 'age', type: 'int', nullable: false },
  ],
  primary: ['id'],
  indexes: [{ name: 'user_age_index', paths: [{ field: 'age', json: [] }], unique: false }],
  foreign: [],
};

function filled(rows) {
  const engine = Engine.open();
  engine.applySchema({ collections: [user] });
  const insert = engine.compile({ insert: { into: 'user', fields: ['name', 'age'] } });
  for (let from = 0; from < rows; from += BATCH) {
    const values = [];
    for (let n = from; n < Math.min(from + BATCH, rows); n += 1) {
      values.push(`user ${n}`, n % 90);
    }
    engine.write(insert, values);
  }
  return engine;
}

/** The median time of `measured`, in nanoseconds, with unmeasured work around it. */
function time(measured, before = () => {}, after = () => {}) {
  const times = [];
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const state = before();
    const start = process.hrtime.bigint();
    const result = measured(state);
    times.push(Number(process.hrtime.bigint() - start));
    after(result, state);
  }
  return median(times);
}

const columns = SIZES.map((rows) => {
  const engine = filled(rows);
  const update = engine.compile({
    update: {
      in: 'user',
      where: { cmp: { op: 'eq', path: { field: 'id' }, value: { p: 0 } } },
      set: [{ field: 'age', value: { p: 1 } }],
    },
  });
  const change = (session) => session.write(update, [Math.ceil(rows / 2), 91]);
  const transaction = engine.begin();
  change(transaction);
  const results = {
    savepoint: time(
      () => transaction.savepoint(),
      undefined,
      (id) => transaction.release(id),
    ),
    'rollback to a savepoint': time(
      (id) => transaction.rollbackTo(id),
      () => {
        const id = transaction.savepoint();
        change(transaction);
        return id;
      },
      (_, id) => transaction.release(id),
    ),
    'begin and roll back': time(() => engine.begin().rollback()),
    snapshot: time(
      () => engine.snapshot(),
      undefined,
      (snapshot) => snapshot.dispose(),
    ),
  };
  transaction.rollback();
  const snapshot = engine.snapshot();
  results.restore = time(
    () => engine.restore(snapshot),
    () => change(engine),
  );
  results.fork = time(
    () => Engine.fork(snapshot, 'fork'),
    undefined,
    (fork) => fork.close(),
  );
  results['first change after a snapshot'] = time(
    () => change(engine),
    () => engine.snapshot(),
    (_, kept) => kept.dispose(),
  );
  engine.close();
  return results;
});

console.log(`Medians of ${TRIALS} trials.\n`);
table(
  ['', ...SIZES.map((rows) => `${rows.toLocaleString('en-GB')} rows`)],
  Object.keys(columns[0]).map((name) => [name, ...columns.map((results) => microseconds(results[name]))]),
);
