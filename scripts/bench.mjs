/**
 * `npm run bench`: builds what is needed, measures, and writes docs/benchmarks.md; with names of parts only those.
 *
 * `--quick`: the levels and the start alone, small and with few runs, in less than three minutes; writes nothing.
 * `--work TEXT`: only the work of the levels with that in its title; writes nothing.
 * `--processor`: ratios of the processor's time (orm), which other work on the machine disturbs less; writes nothing.
 * `--large`: more rows where there are levels of them: ten million at those of engine and driver, a million through MikroORM.
 */

import { parseArgs } from 'node:util';
import { durable } from '../bench/driver/durable.mjs';
import { driver, folder as peers, memory } from '../bench/driver/level.mjs';
import { engine } from '../bench/engine/level.mjs';
import { loop, orm } from '../bench/orm/level.mjs';
import { write } from '../bench/page.mjs';
import { build } from './lib/build.mjs';
import { install } from './lib/install.mjs';
import { place } from './lib/package.mjs';
import { at } from './lib/project.mjs';
import { Failure, capture, main, step } from './lib/run.mjs';

/** MikroORM's own protocol: 10 runs to warm up, 50 that count; slow work ends with its budget, in milliseconds. */
const FULL = { warmUps: 10, runs: 50, limit: 1_800_000 };
const QUICK = { quick: true, warmUps: 3, runs: 10, limit: 60_000 };
const SIZES = [1_000, 100_000, 1_000_000];
const LARGE = { sizes: [10_000_000], large: true, limit: 1_800_000 };

/** A program that prints Markdown; those of bench/mikro-orm have packages of their own to run with. */
const program = (path) => async () => {
  const folder = at(path, '..');
  if (path.startsWith('bench/mikro-orm/')) {
    await install(folder);
    place(folder);
  }
  const { code, output } = await capture(process.execPath, ['--expose-gc', at(path)], { cwd: folder });
  if (code !== 0) throw new Failure(`${path} failed:\n${output}`);
  return output;
};

/** The parts in the order of the page. `quick`: what replaces their options in a quick run, which leaves those without it out. */
const PARTS = {
  orm: {
    title: 'Through MikroORM',
    measure: orm,
    full: { data: 'books', sizes: [1_000, 100_000], budget: 1_500 },
    quick: { data: 'books', sizes: [1_000], budget: 100 },
    large: { sizes: [1_000_000] },
  },
  cities: {
    title: 'Real data: the cities of the world, through MikroORM',
    measure: orm,
    full: { data: 'cities', sizes: [138_398], budget: 3_000 },
  },
  driver: {
    title: 'The driver level, from JavaScript',
    measure: driver,
    full: { sizes: SIZES, budget: 2_000, limit: 300_000 },
    quick: { sizes: [10_000], budget: 100 },
    large: LARGE,
  },
  engine: {
    title: 'The engine, in Rust',
    measure: engine,
    full: { sizes: SIZES, budget: 2_000, limit: 300_000 },
    quick: { sizes: [10_000], budget: 50 },
    large: LARGE,
  },
  memory: { title: 'Memory', measure: memory, full: { rows: 1_000_000 }, quick: { rows: 100_000 } },
  start: { title: 'Start', measure: program('bench/mikro-orm/start.mjs'), quick: {} },
  loop: { title: 'The event loop', measure: loop, full: { rows: 1_000_000 }, quick: { rows: 10_000 } },
  durable: {
    title: 'Commits that wait for the disk, and what a large store on it takes',
    measure: durable,
    full: { rows: 1_000_000, rounds: 5, milliseconds: 2_000 },
    quick: { rows: 50_000, rounds: 1, milliseconds: 300 },
  },
  opening: {
    title: 'Opening and closing a store on a disk',
    measure: program('bench/mikro-orm/opening.mjs'),
  },
  savepoints: { title: 'Savepoints and snapshots', measure: program('bench/savepoints.mjs') },
  relations: { title: 'Relations through MikroORM', measure: program('bench/mikro-orm/relations.mjs') },
  beside: { title: 'Random questions beside SQLite', measure: program('bench/mikro-orm/beside.mjs') },
  threads: { title: 'Readers in threads', measure: program('bench/mikro-orm/threads.mjs') },
  testing: { title: 'Resetting a store between tests', measure: program('bench/mikro-orm/testing.mjs') },
};
const NAMES = Object.keys(PARTS);
/** The sections of the page: those with more rows stand behind the others. */
const SECTIONS = NAMES.flatMap((name) => (PARTS[name].large ? [name, `${name}-large`] : [name]));

await main(async () => {
  const { values: options, positionals: wanted } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      work: { type: 'string' },
      processor: { type: 'boolean', default: false },
    },
  });
  const unknown = wanted.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new Failure(`No such benchmark: ${unknown}. There are: ${NAMES.join(', ')}`);
  const chosen = NAMES.filter(
    (name) =>
      (wanted.length === 0 || wanted.includes(name)) &&
      !(options.quick && !PARTS[name].quick) &&
      !(options.large && !PARTS[name].large),
  );
  const partial = options.quick || options.processor || options.work !== undefined;
  await build();
  await install(peers);
  for (const name of chosen) {
    const { title, measure, full, quick, large } = PARTS[name];
    step(title);
    const body = await measure(
      {
        ...(options.quick ? { ...QUICK, ...quick } : { ...FULL, ...full }),
        ...(options.large && large),
        only: options.work,
        by: options.processor && name === 'orm' ? 'processor' : 'p50',
      },
      (what) => console.log(`${new Date().toTimeString().slice(0, 8)} ${what}`),
    );
    console.log(`\n${body.trim()}`);
    if (partial) continue;
    const command = `npm run bench -- ${name}${options.large ? ' --large' : ''}`;
    const section = options.large ? { name: `${name}-large`, title: `${title}: more rows` } : { name, title };
    await write({ ...section, command, body }, SECTIONS);
  }
});
