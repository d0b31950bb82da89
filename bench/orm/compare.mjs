/** Runs every contestant of one MikroORM, each in processes of its own, and compares what they found. */
import { existsSync, readFileSync } from 'node:fs';
import { at } from '../../scripts/lib/project.mjs';
import { capture, Failure } from '../../scripts/lib/run.mjs';

const OURS = 'collection-store';
const CONTESTANTS = {
  6: [OURS, 'null', 'better-sqlite', 'sqlite', 'libsql'],
  7: [OURS, 'null', 'sqlite', 'libsql', 'pglite'],
};

/** The title of each contestant's installed package, or why it is left out. */
function versionOf(folder, name) {
  if (name === OURS || name === 'null') return '';
  const manifest = at('bench/orm', folder, 'node_modules/@mikro-orm', name, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

async function trial(program, folder, name, options) {
  const { code, output } = await capture(
    program,
    ['--expose-gc', 'trial.mjs', folder, name, JSON.stringify(options)],
    { cwd: at('bench/orm'), timeout: options.limit },
  );
  if (code !== 0) return { failure: output.trim() };
  return JSON.parse(output.trim().split('\n').at(-1));
}

/** Throws where two contestants did not find the same. */
function assertEqual(results) {
  const [[first, expected], ...others] = results;
  for (const [name, found] of others) {
    for (const [title, { digests }] of Object.entries(found.results)) {
      const other = expected.results[title]?.digests;
      if (other && other.slice(0, digests.length).join() !== digests.slice(0, other.length).join()) {
        throw new Failure(`${name} and ${first} do not find the same in "${title}".`);
      }
    }
    if (JSON.stringify(found.everything) !== JSON.stringify(expected.everything)) {
      const said = [expected, found].map(({ everything }) => JSON.stringify(everything)).join(' and ');
      throw new Failure(`${first} and ${name} do not hold the same at the end: ${said}`);
    }
  }
}

/** Measures; gives the contestants that ran, with their results, and lines about those that did not. */
export async function compare({ core, program, options }) {
  const folder = `core-${core}`;
  const results = new Map();
  const leftOut = [];
  for (const name of CONTESTANTS[core]) {
    const version = versionOf(folder, name);
    if (version === undefined) {
      leftOut.push(`@mikro-orm/${name} is left out: it could not be installed.`);
      continue;
    }
    const result = await trial(program, folder, name, options);
    if (result.failure !== undefined) {
      // A peer whose own native part is missing is left out; anything else is a failure of the run.
      const [, missing] =
        /^.*?((?:Could not locate the bindings file|Cannot find (?:module|package)|ERR_DLOPEN_FAILED|could not load native)[^\n]*)/is.exec(
          result.failure,
        ) ?? [];
      if (name === OURS || name === 'null' || missing === undefined) {
        throw new Failure(`${name} failed:\n${result.failure}`);
      }
      leftOut.push(
        `@mikro-orm/${name} ${version} is left out, it does not load here: ${missing.split('\n')[0]}`,
      );
      continue;
    }
    results.set(name, result);
  }
  assertEqual([...results]);
  return { results, leftOut };
}

const time = (us) =>
  us === undefined
    ? '–'
    : us >= 10_000
      ? `${(us / 1_000).toFixed(1)} ms`
      : us >= 1_000
        ? `${(us / 1_000).toFixed(2)} ms`
        : `${us.toFixed(0)} µs`;

/** The rows of the table of one comparison, by the medians of times (`p50`) or of the processor's (`processor`), and the titles of the work in which some peer is faster. */
export function tableOf(results, by = 'p50') {
  const names = [...results.keys()];
  const ours = results.get(OURS);
  const lost = [];
  const rows = Object.keys(ours.results).map((title) => {
    const mine = ours.results[title];
    const ratios = names
      .filter((name) => name !== OURS)
      .map((name) => {
        const other = results.get(name).results[title];
        if (other === undefined) return '–';
        const ratio = other[by] / mine[by];
        if (name !== 'null' && ratio < 1)
          lost.push(`${title}: ${name} takes ${ratio.toFixed(2)} of the time`);
        return name === 'null' ? `${(1 / ratio).toFixed(2)}` : `${ratio.toFixed(1)} x`;
      });
    return [title, time(mine[by]), time(mine.p95), time(mine.p99), ...ratios];
  });
  rows.push([
    'peak memory of the process',
    `${ours.peak} MB`,
    '',
    '',
    ...names.filter((name) => name !== OURS).map((name) => `${results.get(name).peak} MB`),
  ]);
  const others = names
    .filter((name) => name !== OURS)
    .map((name) => (name === 'null' ? 'of the null driver' : `than ${name}`));
  return { head: ['', by === 'p50' ? 'median' : 'processor', 'p95', 'p99', ...others], rows, lost };
}
