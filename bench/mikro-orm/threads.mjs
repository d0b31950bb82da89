/**
 * Readers in worker threads on one store, alone, beside a thread that computes and beside one that writes and commits
 * without a pause, through MikroORM; beside `@mikro-orm/better-sqlite` on a file with a write-ahead log, which is what
 * its threads can share.
 *
 *     npm run bench -- threads
 *
 * Each read finds the ten books of an author, with an entity manager of its own; each commit changes ten books. Where
 * there are more threads than cores, or others use them, the slowest reads are those in which a thread had to wait for
 * a core. Linux says how long that was; what is left of it has its cause in cold caches, or in the store. A thread that
 * computes takes a core, too, but nothing of the store: what it does to readers is not what the writer does to them.
 */
import { existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { setImmediate as turn } from 'node:timers/promises';
import { BetterSqliteDriver, MikroORM as SqliteORM } from '@mikro-orm/better-sqlite';
import { EntitySchema } from '@mikro-orm/core';
import { CollectionStoreDriver, MikroORM } from 'collection-store-mikro-orm';
import { table } from '../report.mjs';

const BOOKS = 10_000;
const AUTHORS = BOOKS / 10;
const READERS = [1, 2, 4, 8];
const SECONDS = 2;

const number = { type: 'number' };
const entities = () => [
  new EntitySchema({
    name: 'Book',
    properties: {
      id: { ...number, primary: true },
      title: { type: 'string' },
      author: { ...number, index: true },
      price: number,
    },
  }),
];

const open = {
  'collection store': (dbName) =>
    MikroORM.init({ driver: CollectionStoreDriver, entities: entities(), dbName }),
  'better-sqlite, file and WAL': async (dbName) => {
    const orm = await SqliteORM.init({ driver: BetterSqliteDriver, entities: entities(), dbName });
    await orm.em.getConnection().execute('pragma journal_mode = wal');
    await orm.em.getConnection().execute('pragma synchronous = off');
    return orm;
  },
};

const any = (below) => Math.floor(Math.random() * below);

/** How long this thread has waited for a core, in milliseconds, where the system says it. */
function waitedForCore() {
  const path = '/proc/thread-self/schedstat';
  if (!existsSync(path)) return () => 0;
  const file = openSync(path);
  const text = Buffer.alloc(100);
  return () => {
    const length = readSync(file, text, 0, text.length, 0);
    return Number(text.latin1Slice(0, length).split(' ')[1]) / 1e6;
  };
}

/** Reads until told to stop; how long each read took, in milliseconds, and how long it had a core or waited for others. */
async function read(orm, stopped) {
  const times = [];
  const own = [];
  const waited = waitedForCore();
  while (!stopped()) {
    for (let i = 0; i < 10; i++) {
      const before = waited();
      const start = performance.now();
      const books = await orm.em.fork().find('Book', { author: any(AUTHORS) });
      const time = performance.now() - start;
      times.push(time);
      own.push(Math.max(0, time - (waited() - before)));
      if (books.length !== 10) throw new Error(`An author has ${books.length} books.`);
    }
    await turn();
  }
  return { times, own };
}

/** Writes until told to stop; how many commits there were. */
async function write(orm, stopped) {
  let commits = 0;
  while (!stopped()) {
    const em = orm.em.fork();
    const at = any(BOOKS - 10);
    for (const book of await em.find('Book', { id: { $gt: at, $lte: at + 10 } })) book.price++;
    await em.flush();
    commits++;
    await turn();
  }
  return commits;
}

/** Takes a core as a writer does, and nothing else. */
async function compute(_, stopped) {
  while (!stopped()) {
    for (const until = performance.now() + 0.2; performance.now() < until; );
    await turn();
  }
}

/** What goes on beside the readers, and how it is called. */
const BESIDE = { '': '', compute: ' and a thread that computes', write: ' and a writer' };
const WORKS = { read, compute, write };

/** A thread: opens the store, and reads or writes between the messages to begin and to stop. */
async function serve({ contestant, dbName, work }) {
  const orm = await open[contestant](dbName);
  let running = false;
  parentPort.on('message', async (begin) => {
    running = begin;
    if (begin) parentPort.postMessage(await WORKS[work](orm, () => !running));
  });
  parentPort.postMessage('ready');
}

const hear = (worker) =>
  new Promise((done, fail) => {
    worker.once('message', done);
    worker.once('error', fail);
  });

async function measure(contestant, dbName, readers, other) {
  const works = [...Array(readers).fill('read'), ...(other ? [other] : [])];
  const workers = works.map(
    (work) => new Worker(new URL(import.meta.url), { workerData: { contestant, dbName, work } }),
  );
  await Promise.all(workers.map(hear));
  const run = async (seconds) => {
    const results = workers.map(hear);
    for (const worker of workers) worker.postMessage(true);
    await new Promise((done) => setTimeout(done, seconds * 1000));
    for (const worker of workers) worker.postMessage(false);
    return Promise.all(results);
  };
  await run(0.5); // Until the code is compiled.
  const results = await run(SECONDS);
  await Promise.all(workers.map((worker) => worker.terminate()));
  const reads = results.slice(0, readers);
  const all = (kind) => Float64Array.from(reads.flatMap((one) => one[kind])).sort();
  const at = (sorted, part) => sorted[Math.floor(sorted.length * part)];
  const [times, own] = [all('times'), all('own')];
  return {
    rate: times.length / SECONDS,
    p50: at(times, 0.5),
    p99: at(times, 0.99),
    own: at(own, 0.99),
    commits: other === 'write' ? results[readers] / SECONDS : undefined,
  };
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'threads-'));
  const many = (value) => Math.round(value).toLocaleString('en-GB');
  const micro = (value) => `${Math.round(value * 1000).toLocaleString('en-GB')} µs`;
  console.log(`${availableParallelism()} cores\n`);
  try {
    for (const contestant of Object.keys(open)) {
      const dbName = contestant === 'collection store' ? 'threads' : join(folder, 'threads.sqlite');
      const orm = await open[contestant](dbName);
      await orm.schema.createSchema();
      const books = Array.from({ length: BOOKS }, (_, i) => ({
        title: `book ${i}`,
        author: i % AUTHORS,
        price: i,
      }));
      await orm.em.fork().insertMany('Book', books);
      const rows = [];
      for (const readers of READERS) {
        for (const [other, and] of Object.entries(BESIDE)) {
          const { rate, p50, p99, own, commits } = await measure(contestant, dbName, readers, other);
          rows.push([
            `${readers} ${readers === 1 ? 'reader' : 'readers'}${and}`,
            many(rate),
            micro(p50),
            micro(p99),
            micro(own),
            commits === undefined ? '' : many(commits),
          ]);
        }
      }
      console.log(`${contestant}:\n`);
      table(['', 'reads/s', 'p50', 'p99', 'p99 without waits for a core', 'commits/s'], rows);
      console.log();
      await orm.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await (isMainThread ? main() : serve(workerData));
