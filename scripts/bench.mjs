/**
 * `npm run bench`: builds what is needed, then compares through MikroORM (`orm`) and runs the programs in `bench/` and
 * `bench/mikro-orm/`, or those whose names are given. `--quick`: `orm` alone, small and with few runs. `--work TEXT`: only
 * the work of `orm` with that in its title. `--processor`: ratios of the processor's time, which other work on the machine
 * disturbs less.
 */

import { readdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { compare, tableOf } from '../bench/orm/compare.mjs';
import { table } from '../bench/report.mjs';
import { build } from './lib/build.mjs';
import { install } from './lib/install.mjs';
import { place } from './lib/package.mjs';
import { at } from './lib/project.mjs';
import { Failure, main, run, step } from './lib/run.mjs';
import { runtime } from './lib/runtimes.mjs';

/** Not a benchmark: what they share. */
const helpers = new Set(['report.mjs']);
/** Programs that need MikroORM and a driver to compare with: they run with packages of their own. */
const compared = at('bench/mikro-orm');

const programsOf = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.mjs') && !helpers.has(name))
    .map((name) => ({ name: name.replace('.mjs', ''), folder }));
const all = [...programsOf(at('bench')), ...programsOf(compared)];

/** MikroORM's own protocol: 10 runs to warm up, 50 that count; slow work ends with its budget. */
const FULL = { warmUps: 10, runs: 50, budget: 6_000, limit: 900_000, sizes: [1_000, 100_000] };
const QUICK = { warmUps: 3, runs: 10, budget: 150, limit: 60_000, sizes: [1_000] };

/** Compares with MikroORM's own drivers. */
async function orm({ sizes, by, ...options }) {
  const [{ model }] = cpus();
  console.log(
    `${model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`,
  );
  for (const [core, name] of [
    ['6', 'node'],
    ['7', 'node22'],
  ]) {
    const { program, title } = await runtime(name);
    const folder = at('bench/orm', `core-${core}`);
    await install(folder);
    place(folder);
    for (const size of sizes) {
      step(`MikroORM ${core}, ${title}, ${size.toLocaleString('en-GB')} books`);
      const { results, leftOut } = await compare({ core, program, options: { ...options, size } });
      const { head, rows, lost } = tableOf(results, by);
      table(head, rows);
      for (const line of [...leftOut, ...lost]) console.log(`- ${line}`);
    }
  }
}

await main(async () => {
  const { values: options, positionals: wanted } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      work: { type: 'string' },
      processor: { type: 'boolean' },
    },
  });
  const programs = all.filter(
    ({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)),
  );
  const compares = wanted.length === 0 || wanted.includes('orm');
  if (programs.length === 0 && !compares) {
    throw new Failure(`No such benchmark. There are: orm, ${all.map(({ name }) => name).join(', ')}`);
  }
  await build();
  if (compares) {
    await orm({
      ...(options.quick ? QUICK : FULL),
      only: options.work,
      by: options.processor ? 'processor' : 'p50',
    });
  }
  if (options.quick && wanted.length === 0) return;
  if (programs.some(({ folder }) => folder === compared)) {
    await install(compared);
    place(compared);
  }
  for (const { name, folder } of programs) {
    step(name);
    await run(process.execPath, ['--expose-gc', `${folder}/${name}.mjs`], { cwd: folder });
  }
});
