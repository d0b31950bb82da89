/** Runs contestants, each in a process of its own, compares what they found, and makes tables of what they took. */
import { capture, Failure } from '../scripts/lib/run.mjs';

/** What a runtime says of a package whose native part is not to be had for this machine. */
const MISSING =
  /^.*?((?:Could not locate the bindings file|Cannot find (?:native )?(?:module|package)|No such built-in module|ERR_UNKNOWN_BUILTIN_MODULE|ERR_DLOPEN_FAILED|could not load native|is not yet supported in Bun)[^\n]*)/is;

async function trial({ program, args, cwd }, limit) {
  const { code, output } = await capture(program, args, { cwd, timeout: limit });
  return code === 0
    ? JSON.parse(output.split('\n').findLast((line) => line.startsWith('{')))
    : { failure: output.trim() };
}

/** Throws where two contestants did not find the same. */
function assertEqual(results) {
  const [[first, expected], ...others] = results;
  for (const [name, found] of others) {
    for (const [title, { digests }] of Object.entries(found.results)) {
      const other = expected.results[title]?.digests;
      // Slow work may end earlier with one than with another: what both did is compared.
      if (other && other.slice(0, digests.length).join() !== digests.slice(0, other.length).join()) {
        throw new Failure(`${name} and ${first} do not find the same in "${title}".`);
      }
    }
    const ends = [expected, found].map(({ everything }) => JSON.stringify(everything));
    if (ends[0] !== ends[1]) {
      throw new Failure(`${first} and ${name} do not hold the same at the end: ${ends.join(' and ')}`);
    }
  }
}

/**
 * Runs the contestants; gives the results of those that ran, and lines about those that did not.
 *
 * A contestant has a `name`, a `command`, whether it is one that must run (`ours`) or a floor (`floor`: it may leave work out
 * and is no peer), and the `version` of its package; without one it is not installed.
 */
export async function contest(contestants, { limit }) {
  const results = new Map();
  const leftOut = [];
  for (const { name, command, version, ours, floor } of contestants) {
    if (version === undefined) {
      leftOut.push(`${name} is left out: it could not be installed.`);
      continue;
    }
    const result = await trial(command, limit);
    if (result.failure === undefined) {
      results.set(name, {
        ...result,
        version: [version, result.version].filter(Boolean).join(' '),
        ours,
        floor,
      });
      continue;
    }
    // A peer that does not load or is too slow is left out; anything else is a failure of the run.
    const [, missing] = MISSING.exec(result.failure) ?? [];
    const [, slow] = /was ended by .*\(limit: (.*)\)/.exec(result.failure) ?? [];
    if (ours || !(missing || slow)) throw new Failure(`${name} failed:\n${result.failure}`);
    const why = slow ? `it is not done within ${slow}` : `it does not run here: ${missing.split('\n')[0]}`;
    leftOut.push(`${name} ${version} is left out: ${why}.`);
  }
  assertEqual([...results]);
  return { results, leftOut };
}

/** A time in microseconds, as people read it. */
export function time(us) {
  if (us === undefined) return '–';
  if (us >= 1_000) return `${(us / 1_000).toFixed(us >= 10_000 ? 1 : 2)} ms`;
  return `${us.toFixed(us >= 100 ? 0 : us >= 10 ? 1 : 2)} µs`;
}

/**
 * The table of a contest by medians of times (`p50`) or of the processor's (`processor`), and a line for each piece of work
 * in which some peer is faster.
 */
export function tableOf(results, by = 'p50') {
  const [[, ours]] = [...results].filter(([, result]) => result.ours);
  const others = [...results].filter(([, result]) => !result.ours);
  const lost = [];
  const rows = Object.entries(ours.results).map(([title, mine]) => {
    const ratios = others.map(([name, { results: theirs, floor }]) => {
      const other = theirs[title];
      if (other === undefined) return '–';
      const ratio = other[by] / mine[by];
      if (floor) return (1 / ratio).toFixed(2);
      if (ratio < 1) lost.push(`${title}: ${name} takes ${ratio.toFixed(2)} of our time`);
      return `${ratio.toFixed(1)} x`;
    });
    return [title, time(mine[by]), time(mine.p95), time(mine.p99), ...ratios];
  });
  const peaks = others.map(([, { peak }]) => `${peak} MB`);
  rows.push(['peak memory of the process', `${ours.peak} MB`, '', '', ...peaks]);
  const heads = others.map(([name, { floor }]) => (floor ? `of the ${name}` : `than ${name}`));
  return { head: ['', by === 'p50' ? 'median' : 'processor', 'p95', 'p99', ...heads], rows, lost };
}
