/**
 * The memory that rows take, of one contestant in a process of its own: `memory.mjs CONTESTANT ROWS`; the last line is JSON.
 *
 * What is told is by how much the memory of the process grows from the open, empty store to the full one, each after its
 * garbage is collected.
 */
import { batches, TWO_INDEXES } from './data.mjs';

const [, , name, rows] = process.argv;
const { open } = await import(`./contestants/${name}.mjs`);

async function resident() {
  for (let i = 0; i < 5; i += 1) {
    globalThis.gc ? gc() : Bun.gc(true);
    await new Promise((done) => setTimeout(done, 20));
  }
  return process.memoryUsage.rss();
}

// The garbage of making rows is there before it is looked at, and stays as much.
for (const batch of batches(100_000)) if (batch.length === 0) throw new Error('No rows');
const store = await open(TWO_INDEXES);
const before = await resident();
for (const batch of batches(Number(rows))) store.insertMany(batch);
const after = await resident();
if (store.count() !== Number(rows)) throw new Error('Rows are missing');
const bytes = (after - before) / Number(rows);
console.log(JSON.stringify({ bytes, version: store.version?.(), results: {}, everything: store.count() }));
