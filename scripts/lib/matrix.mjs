/** The JavaScript tests in one cell of the matrix: a version of MikroORM and a runtime. */

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { resultsFolder } from './compatibility.mjs';
import { install } from './install.mjs';
import { place } from './package.mjs';
import { at, coreFolder, manifest } from './project.mjs';
import { capture, Failure, seconds, step } from './run.mjs';
import { runtime } from './runtimes.mjs';
import { files } from './stamp.mjs';
import { transpile } from './transpile.mjs';

const source = at('__test__');
const notTests = new Set(['node_modules', 'matrix']);
/** What is loaded before a test that is to run with every statement in a thread. */
const ASIDE = './out/aside.js';
/** No single test takes as many minutes on the slowest machine, unless it is told to. */
const MINUTES = 2;
const runLimit = 15 * 60_000;

/** The test files whose path holds one of the patterns (all without patterns), seen from `__test__`. */
export function findTests(patterns) {
  const all = files(source, notTests)
    .map((file) => relative(source, file))
    .filter((file) => file.endsWith('.test.ts'));
  const tests = all.filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  );
  if (tests.length === 0) {
    throw new Failure(
      patterns.length > 0
        ? `No test file's name holds ${patterns.join(' or ')}. There are:\n  ${all.join('\n  ')}`
        : 'There is no test file in __test__.',
    );
  }
  return tests;
}

/** Runs test files in a cell and counts. */
export async function runCell({ core, runtime: name }, tests, options) {
  const folder = coreFolder(core);
  await install(folder);
  const engine = await runtime(name);
  const version = JSON.parse(
    readFileSync(join(folder, 'node_modules/@mikro-orm/core/package.json'), 'utf8'),
  ).version;
  const title = `MikroORM ${version}, ${engine.title}`;
  step(title);

  place(folder);
  linkDriver(folder);
  transpile(source, join(folder, 'out'), notTests);
  const start = performance.now();
  const paths = tests.map((test) => `./out/${test.replaceAll('\\', '/').replace(/\.ts$/, '.js')}`);
  const runs = await (engine.kind === 'bun' ? runBun : runNode)(engine, folder, paths, options);
  const result = { title, passed: 0, failed: 0, skipped: 0, time: performance.now() - start };
  for (const { code, output, report } of runs) {
    const counts = count(report);
    // A run that failed without a failed test broke outside of them: it counts as one.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    if (counts.failed > 0 && !options.verbose) process.stdout.write(output);
    for (const key of ['passed', 'failed', 'skipped']) result[key] += counts[key];
  }
  if (result.passed + result.failed === 0) throw new Failure(`No test ran with ${title}.`);
  console.log(`${result.passed} passed, ${result.failed} failed in ${seconds(result.time)}`);
  return result;
}

/** Tests of the driver's parts import `#driver/...`: Node.js refuses such imports into `node_modules`, but not by way of a link. */
function linkDriver(folder) {
  const link = join(folder, 'driver');
  rmSync(link, { force: true });
  symlinkSync(join(folder, 'node_modules', manifest.name, 'dist/esm'), link, 'junction');
}

/** Node.js gives every test file a process of its own. */
async function runNode(engine, folder, paths, { name, verbose, aside, limit = MINUTES }) {
  const report = freshReport(folder, 'node');
  rmSync(resultsFolder(folder), { recursive: true, force: true });
  const args = [
    '--enable-source-maps',
    ...(aside ? ['--import', ASIDE] : []),
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${limit * 60_000}`,
    ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
    ...paths,
  ];
  return [
    {
      ...(await capture(engine.program, args, {
        cwd: folder,
        env: { COMPATIBILITY_RESULTS: resultsFolder(folder) },
        quiet: !verbose,
        timeout: runLimit,
      })),
      report,
    },
  ];
}

/** Bun would run all files in one process: each gets its own here, as in Node.js. */
async function runBun(engine, folder, paths, { name, verbose, aside, limit = MINUTES }) {
  const runs = [];
  const waiting = [...paths.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, path] = next;
      const report = freshReport(folder, `bun-${index}`);
      const args = [
        'test',
        ...(aside ? ['--preload', ASIDE] : []),
        `--timeout=${limit * 60_000}`,
        ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
        '--reporter=junit',
        `--reporter-outfile=${report}`,
        path,
      ];
      const run = await capture(engine.program, args, { cwd: folder, quiet: !verbose, timeout: runLimit });
      runs[index] = { ...run, report };
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return runs;
}

/** Where a runner writes its JUnit report; what an earlier run wrote there is gone. */
function freshReport(folder, name) {
  const path = join(folder, 'out', 'reports', `${name}.xml`);
  mkdirSync(join(path, '..'), { recursive: true });
  rmSync(path, { force: true });
  return path;
}

const testCase = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/** Counts the test cases of a JUnit report. */
function count(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(report)) return counts;
  const text = readFileSync(report, 'utf8');
  for (const [, attributes, body = ''] of text.matchAll(testCase)) {
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    // Node.js reports a file without a test as a test that passed.
    else if (!/ name="[^"]*\.test\.js"/.test(attributes)) counts.passed++;
  }
  return counts;
}
