/** The Rust tests. */

import { capture, Failure } from './run.mjs';

const resultLine = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm;

/**
 * The linker of Linux takes a test program with the binding in it. Others miss Node-API's functions, which only a
 * running Node.js has: there the engine is tested without it.
 */
const features = process.platform === 'linux' ? [] : ['--no-default-features'];

/** All tests, and those of schedules, which a model of threads decides. */
const runs = [features, ['--no-default-features', '--features', 'shuttle', '--lib', 'schedules']];

/** Runs `cargo test` and counts, for each run. */
export async function runRust(options) {
  const results = [];
  for (const args of runs) results.push(await test(['test', '--locked', '--no-fail-fast', ...args], options));
  return results;
}

async function test(args, { verbose }) {
  const start = performance.now();
  const { code, output } = await capture('cargo', args, { quiet: !verbose });
  const result = {
    title: `cargo ${args.join(' ')}`,
    passed: 0,
    failed: 0,
    skipped: 0,
    time: performance.now() - start,
  };
  for (const [, passed, failed, ignored] of output.matchAll(resultLine)) {
    result.passed += Number(passed);
    result.failed += Number(failed);
    result.skipped += Number(ignored);
  }
  if (code !== 0 && !verbose) process.stdout.write(output);
  if (code !== 0 && result.failed === 0) throw new Failure(`cargo test failed with exit code ${code}`);
  if (code === 0 && result.passed === 0) throw new Failure('cargo test ran no test');
  console.log(`${result.passed} passed`);
  return result;
}
