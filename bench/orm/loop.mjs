/**
 * How long the event loop stands still for large calls of the driver, in a process of its own: `loop.mjs CORE-FOLDER ROWS`;
 * the last line is JSON.
 *
 * Each call is told by what it takes, by the longest that the loop stood still meanwhile, which is what a server's other
 * requests wait for, and by its longest native call: the part of it that nothing can come between.
 */
import { createRequire } from 'node:module';
import { PerformanceObserver } from 'node:perf_hooks';
import { batches, row } from '../driver/data.mjs';

const [, , folder, given] = process.argv;
const ROWS = Number(given);
/** Native calls that are shorter, in milliseconds, are not written down. */
const SHORT = 0.02;
const { load } = await import(`./${folder}/load.mjs`);

/** The native calls of the call at hand, and the garbage collections meanwhile: from when to when. */
let calls = [];
let collected = [];
new PerformanceObserver((list) => collected.push(...list.getEntries())).observe({ entryTypes: ['gc'] });

/** Puts functions in the place of those of an object that write down when they ran. */
function watch(functions) {
  for (const [name, original] of Object.entries(functions)) {
    if (typeof original !== 'function') continue;
    functions[name] = (...args) => {
      const start = performance.now();
      const result = original.apply(functions, args);
      const end = performance.now();
      if (end - start > SHORT) calls.push({ start, end });
      if (name === 'connect') watch(result);
      return result;
    };
  }
}
watch(createRequire(import.meta.resolve(`./${folder}/load.mjs`))('collection-store-mikro-orm/index.js'));

const { EntitySchema } = await load('@mikro-orm/core');
const { MikroORM, CollectionStoreDriver } = await load('collection-store-mikro-orm');

const number = { type: 'number' };
const text = { type: 'string' };
const person = (indexes) =>
  new EntitySchema({
    name: 'Person',
    indexes: indexes.map((properties) => ({ properties })),
    properties: {
      id: { ...number, primary: true },
      name: text,
      email: { ...text, unique: true },
      city: { ...text, index: true },
      age: number,
      score: { type: 'double' },
      active: { type: 'boolean' },
      note: text,
    },
  });
const open = (indexes) =>
  MikroORM.init({ driver: CollectionStoreDriver, entities: [person(indexes)], dbName: 'loop' });

/** How much of a native call was garbage collection. */
function collectedWithin({ start, end }) {
  const parts = collected.map(({ startTime, duration }) =>
    Math.max(0, Math.min(end, startTime + duration) - Math.max(start, startTime)),
  );
  return parts.reduce((sum, part) => sum + part, 0);
}

const results = [];
/** Runs and tells of one call. */
async function tell(title, call) {
  gc();
  await new Promise((done) => setTimeout(done, 5));
  let last = performance.now();
  let late = 0;
  const tick = setInterval(() => {
    const now = performance.now();
    late = Math.max(late, now - last);
    last = now;
  }, 1);
  calls = [];
  collected = [];
  const start = performance.now();
  await call();
  const took = performance.now() - start;
  await new Promise((done) => setTimeout(done, 2));
  clearInterval(tick);
  const longest = (lengths) => Math.max(0, ...lengths);
  results.push({
    title,
    took,
    late,
    native: longest(calls.map(({ start, end }) => end - start)),
    alone: longest(calls.map((native) => native.end - native.start - collectedWithin(native))),
  });
}

const orm = await open([]);
const schemaOf = ({ schema }) => ({
  create: () => (schema.create ?? schema.createSchema).call(schema),
  update: () => (schema.update ?? schema.updateSchema).call(schema),
});
await schemaOf(orm).create();
const driver = orm.em.getDriver();
for (const rows of batches(ROWS)) await driver.nativeInsertMany('Person', rows);

const more = (from, count) => Array.from({ length: count }, (_, i) => row(ROWS + from + i, ROWS));
const find = (where, options) => () => driver.find('Person', where, options);
for (const [title, rows] of [
  ['insert 10,000', more(1, 10_000)],
  ['insert 100,000', more(20_000, 100_000)],
]) {
  await tell(title, () => driver.nativeInsertMany('Person', rows));
}
await tell('find 10,000 by key', find({ id: { $lte: 10_000 } }));
await tell('find 100,000 by key', find({ id: { $lte: 100_000 } }));
await tell('scan: count by a text that ends', () => driver.count('Person', { note: { $like: '%9999' } }));
await tell('scan: count by an expression', () => driver.count('Person', { note: /number 0+99/ }));
await tell('sort by a field without an index, first 50', find({}, { orderBy: { score: 'desc' }, limit: 50 }));
await tell('the same again: an index is made', find({}, { orderBy: { score: 'desc' }, limit: 50 }));
await tell('the same again', find({}, { orderBy: { score: 'desc' }, limit: 50 }));
await tell(
  'sort by two fields, 1,000 of the middle',
  find({ active: true }, { orderBy: [{ age: 'asc' }, { name: 'asc' }], limit: 1_000, offset: ROWS / 2 }),
);
await tell('count over a range of an index', () => driver.count('Person', { city: { $gt: 'City 2' } }));
const indexed = await open([['age', 'name']]);
await tell('build an index', () => schemaOf(indexed).update());
await indexed.close(true);
await tell('update every row', () => driver.nativeUpdate('Person', {}, { active: false }));
const keys = Array.from({ length: 10_000 }, (_, i) => i + 1);
const changes = keys.map((key) => ({ score: key }));
await tell('update 10,000 by key', () => driver.nativeUpdateMany('Person', keys, changes));
await tell('remove 100,000', () => driver.nativeDelete('Person', { id: { $gt: ROWS } }));
await tell('remove every row', () => driver.nativeDelete('Person', {}));
await orm.close(true);
console.log(JSON.stringify(results));
