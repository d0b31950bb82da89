/**
 * What starting costs: loading the package beside MikroORM's core alone, and opening an empty store. Everything in
 * processes of its own, which take turns; medians.
 *
 *     npm run bench -- start
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { median, table } from '../report.mjs';

const PROCESSES = 15;
const require = createRequire(import.meta.url);

const load = (path) => `require(${JSON.stringify(path)});`;
const time = (code) => `const start = performance.now(); ${code} took = performance.now() - start;`;
const core = load(require.resolve('@mikro-orm/core'));
const ours = load(require.resolve('collection-store-mikro-orm'));
const root = dirname(require.resolve('collection-store-mikro-orm/package.json'));
const engine = `const { Engine } = ${load(join(root, 'dist/cjs/native/engine.js'))}`;

const PROGRAMS = {
  core: time(core),
  both: time(`${core} ${ours}`),
  first: `${engine} ${time('Engine.open();')}`,
  another: `${engine} for (let i = 0; i < 100; i += 1) Engine.open().close(); ${time('Engine.open();')}`,
};

/** Milliseconds that a program says it took, in a new process. */
function run(code) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['-e', `let took; ${code} console.log(took)`],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

const took = Object.fromEntries(Object.keys(PROGRAMS).map((name) => [name, []]));
for (let process = 0; process < PROCESSES; process += 1) {
  for (const [name, code] of Object.entries(PROGRAMS)) took[name].push(run(code));
}
const ms = (...times) =>
  `${median(times.length > 1 ? times[0].map((one, at) => one - times[1][at]) : times[0]).toFixed(2)} ms`;
table(
  ['', 'median'],
  [
    ["`require` of MikroORM's core alone", ms(took.core)],
    ['`require` of this package beside it, more than that', ms(took.both, took.core)],
    ['opening the first store of a process, which loads the binding', ms(took.first)],
    ['opening another empty store', ms(took.another)],
  ],
);
