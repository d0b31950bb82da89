/** One contestant with one size in a process of its own: `trial.mjs CONTESTANT OPTIONS`; the last line is JSON. */
import { createHash } from 'node:crypto';
import { batches, INDEXES, NAMES } from './data.mjs';
import { WORK } from './work.mjs';

const [, , name, given] = process.argv;
const { size, warmUps, runs, budget, only } = JSON.parse(given);
const { open } = await import(`./contestants/${name}.mjs`);
const collect = globalThis.gc ?? (() => globalThis.Bun.gc(true));

/** What a result says: rows in the order of their keys, as not every order was asked for, and true as 1, as in SQLite. */
function digest(result) {
  const line = (row) =>
    row ? NAMES.map((field) => (field === 'active' ? +row[field] : row[field])).join() : row;
  const text =
    result && typeof result === 'object'
      ? [result]
          .flat()
          .sort((a, b) => a.id - b.id)
          .map(line)
          .join('\n')
      : String(result);
  return createHash('sha1').update(text).digest('hex').slice(0, 12);
}

function measure(work, store) {
  const { times = 1, run, prepare, before, undo } = work;
  const took = [];
  const digests = [];
  const began = performance.now();
  for (let trial = 0; trial < warmUps + runs; trial += 1) {
    const context = { store, size, number: trial * times, at: 0, prepared: undefined };
    before?.(context);
    context.prepared = prepare?.(context);
    let result;
    const start = performance.now();
    for (let at = 0; at < times; at += 1) {
      context.at = at;
      context.number = trial * times + at;
      result = run(context);
    }
    const time = ((performance.now() - start) * 1_000) / times;
    if (trial < 2) digests.push(digest(result));
    undo?.(context);
    if (trial >= warmUps) took.push(time);
    // Slow work gets fewer runs rather than hours.
    if (trial >= Math.min(warmUps, 1) && performance.now() - began > budget) {
      if (took.length === 0) took.push(time);
      break;
    }
  }
  took.sort((a, b) => a - b);
  const at = (part) => took[Math.min(took.length - 1, Math.floor(took.length * part))];
  return { runs: took.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), digests };
}

const started = performance.now();
const store = await open(Object.keys(INDEXES));
for (const rows of batches(size)) store.insertMany(rows);
const filled = performance.now() - started;

const results = {};
for (const [title, work] of Object.entries(WORK)) {
  if ((only && !title.includes(only)) || (work.rows ?? 0) > size) continue;
  if (!work.needs.every((call) => call in store)) continue;
  collect();
  results[title] = measure(work, store);
}
// What the work that ends by its budget, or that not everyone does, has written differs: scores are left out.
const rows = store.upTo(1_000).map((row) => ({ ...row, score: 0 }));
const everything = { count: store.count(), rows: digest(rows) };
const version = store.version?.();
store.close();
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(`\n${JSON.stringify({ results, everything, version, peak, filled })}`);
