/**
 * `npm test`: the Rust tests, then the same JavaScript test files with every MikroORM and runtime of the matrix.
 *
 *     npm test -- [file pattern...] [--core 6.4|6.6|7] [--runtime node|bun] [--name regex] [--rust] [--js] [--verbose] [--prebuilt] [--aside] [--limit minutes]
 *
 * Patterns, `--core`, `--runtime` and `--name` choose JavaScript tests and leave the Rust tests out; `--rust` and `--js`
 * run one language only. `--verbose` shows all that the runners print; without it only failures are shown.
 * `--prebuilt` takes the binding that is there, which another machine has built. With `--aside` every statement takes the
 * way of those that are too long for the thread of JavaScript. `--limit` lets a test take longer, up to 15 minutes, for
 * those that are told to do more.
 */

import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { checkCompatibility, columns } from './lib/compatibility.mjs';
import { install } from './lib/install.mjs';
import { findTests, runCell } from './lib/matrix.mjs';
import { matrix } from './lib/project.mjs';
import { runRust } from './lib/rust.mjs';
import { Failure, main, seconds, step } from './lib/run.mjs';

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    core: { type: 'string', multiple: true },
    runtime: { type: 'string', multiple: true },
    name: { type: 'string' },
    rust: { type: 'boolean', default: false },
    js: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    prebuilt: { type: 'boolean', default: false },
    aside: { type: 'boolean', default: false },
    limit: { type: 'string' },
  },
});

const chosen = patterns.length > 0 || options.core || options.runtime || options.name !== undefined;
const withRust = options.rust || (!options.js && !chosen);
const withJs = options.js || chosen || !options.rust;

/** Whether tests chosen by patterns, in some cells, are all that the compatibility page comes from. */
function tellCompatibility(tests, selected) {
  const ran = (wanted) =>
    selected.some(({ core, runtime }) => core === wanted.core && runtime === wanted.runtime);
  return (
    options.name === undefined &&
    columns.every(ran) &&
    findTests(['compatibility/']).every((test) => tests.includes(test))
  );
}

/** The cells of the matrix that `--core` and `--runtime` leave: `6` names both of its minors, `node` every Node.js. */
function cells() {
  const found = matrix.filter(
    ({ core, runtime }) =>
      (!options.core || options.core.some((wanted) => core === wanted || core.startsWith(`${wanted}.`))) &&
      (!options.runtime || options.runtime.some((wanted) => runtime.startsWith(wanted))),
  );
  if (found.length === 0) {
    const all = matrix.map(({ core, runtime }) => `--core ${core} --runtime ${runtime}`).join('\n  ');
    throw new Failure(`The matrix has no such cell. It has:\n  ${all}`);
  }
  return found;
}

await main(async () => {
  const selected = cells();
  const start = performance.now();
  const results = [];
  await install();
  if (withRust) {
    step('Rust tests');
    results.push(...(await runRust(options)));
  }
  if (withJs) {
    step('Build');
    await build(options);
    const tests = findTests(patterns);
    for (const cell of selected) {
      results.push(await runCell(cell, tests, options));
    }
    if (tellCompatibility(tests, selected) && results.every(({ failed }) => failed === 0)) {
      step('Compatibility page');
      checkCompatibility();
      console.log('ok');
    }
  }

  step(`Results after ${seconds(performance.now() - start)}`);
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const result of results) {
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    const verdict = result.failed > 0 ? 'FAILED' : 'ok';
    console.log(
      `${verdict.padEnd(7)}${result.title.padEnd(42)}${String(result.passed).padStart(6)} passed${result.failed ? `, ${result.failed} failed` : ''}${result.skipped ? `, ${result.skipped} skipped` : ''}  (${seconds(result.time)})`,
    );
  }
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0) process.exitCode = 1;
});
