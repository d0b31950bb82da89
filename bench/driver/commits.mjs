/**
 * Commits that wait for the disk: `commits.mjs CONTESTANT WRITERS MILLISECONDS`; the last line is JSON.
 *
 * Each commit inserts one row of 150 bytes into a collection with two indexes, and counts once it survives the loss of
 * power. Peers that know no waiting make the commits of all writers one after the other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TWO_INDEXES, row } from './data.mjs';
import { percentile, written } from './disk.mjs';

const [, , name, writers, milliseconds] = process.argv;
const SIZE = 1_000_000;
/** Before what counts: files have grown to what they keep, code is compiled. */
const WARM_UP = 2_000;

const path = mkdtempSync(join(tmpdir(), 'collection-store-commits-'));
const { open } = await import(`./contestants/${name}.mjs`);
const store = await open(TWO_INDEXES, path);
let next = 1;
const took = [];
let until = Infinity;
let count = WARM_UP;

async function writer() {
  while (next < count || performance.now() < until) {
    const begun = performance.now();
    store.insert(row(next++, SIZE));
    await store.durable?.();
    took.push(performance.now() - begun);
  }
}
const all = () => Promise.all(Array.from({ length: Number(writers) }, writer));

until = 0;
await all();
took.length = 0;
count = 0;
const before = written();
const begun = performance.now();
until = begun + Number(milliseconds);
await all();
const elapsed = performance.now() - begun;
const bytes = (written() - before) / took.length;
const expected = next - 1;
if (store.count() !== expected) throw new Error(`${expected} rows were inserted, ${store.count()} are there`);
const version = store.version?.();
await store.close();
rmSync(path, { recursive: true });
const rate = (took.length / elapsed) * 1_000;
const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
console.log(`\n${JSON.stringify({ rate, p50, p99, bytes, version })}`);
