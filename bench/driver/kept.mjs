/**
 * A large store on a disk, `kept.mjs ROWS`: how long it takes to be opened and to make a checkpoint, what commits wait for
 * meanwhile, and how many bytes they write. The last line is JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from './contestants/collection-store.mjs';
import { TWO_INDEXES, batches, row } from './data.mjs';
import { percentile, written } from './disk.mjs';

const ROWS = Number(process.argv[2]);
/** So many rows stay in the log: more would be worth a checkpoint. */
const LOGGED = Math.min(300_000, ROWS / 2);
const WRITERS = 16;
const CHECKPOINTS = 5;
const ALONE = 3_000;

const path = mkdtempSync(join(tmpdir(), 'collection-store-kept-'));

async function timed(work) {
  const begun = performance.now();
  const value = await work();
  return { value, took: performance.now() - begun };
}

let store = await open(TWO_INDEXES, path, { durability: 'none' });
let loaded = 0;
for (const rows of batches(ROWS)) {
  store.insertMany(rows);
  loaded += rows.length;
  if (loaded === LOGGED) break;
}
const reopen = async () => {
  await store.close();
  const { value, took } = await timed(() => open(TWO_INDEXES, path));
  store = value;
  return took;
};
const { logBytes } = store.statistics();
const replayed = await reopen();
const replay = { rows: store.count(), bytes: logBytes, took: replayed };

for (const rows of batches(ROWS)) {
  if (rows[0].id > LOGGED) store.insertMany(rows);
}
await store.durable();
const checkpoint = await timed(() => store.checkpoint());
const { checkpointBytes } = store.statistics();
const opened = await reopen();

/** Commits of writers at a time, for as long as something else takes: what each of them waited. */
let next = ROWS + 1;
async function commits(during) {
  const took = [];
  let over = false;
  const writer = async () => {
    while (!over) {
      const begun = performance.now();
      store.insert(row(next++, ROWS));
      await store.durable();
      took.push(performance.now() - begun);
    }
  };
  const all = Promise.all(Array.from({ length: WRITERS }, writer));
  await during();
  over = true;
  await all;
  return took.sort((a, b) => a - b);
}
const pause = (milliseconds) => () => new Promise((done) => setTimeout(done, milliseconds));
await commits(pause(500));
const [alone, beside, checkpoints] = [[], [], []];
for (let n = 0; n < CHECKPOINTS; n++) {
  alone.push(...(await commits(pause(ALONE / CHECKPOINTS))));
  const took = await commits(async () => checkpoints.push((await timed(() => store.checkpoint())).took));
  beside.push(...took);
}
const waits = (took) => ({ commits: took.length, p50: percentile(took, 0.5), p99: percentile(took, 0.99) });

// A row of a checkpoint is its image behind two bytes of length.
const image = checkpointBytes / ROWS - 2;
const before = written();
const first = next;
for (; next < first + 2_000; next++) {
  store.insert(row(next, ROWS));
  await store.durable();
}
const bytes = (written() - before) / 2_000;

const expected = next - 1;
await reopen();
if (store.count() !== expected) throw new Error(`${expected} rows were inserted, ${store.count()} are there`);
await store.close();
rmSync(path, { recursive: true });
console.log(
  `\n${JSON.stringify({
    rows: ROWS,
    replay,
    opened,
    checkpoint: { alone: checkpoint.took, beside: checkpoints },
    alone: waits(alone),
    beside: waits(beside),
    image,
    bytes,
  })}`,
);
