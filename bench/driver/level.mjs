/** The level of drivers: what a plan of the engine costs from JavaScript and back, beside other embedded stores. */
import { existsSync, readFileSync } from 'node:fs';
import { at } from '../../scripts/lib/project.mjs';
import { runtime } from '../../scripts/lib/runtimes.mjs';
import { contest, tableOf } from '../contest.mjs';
import { count, growth, markdown, notes } from '../report.mjs';

/** Where its programs and the packages of peers are. */
export const folder = at('bench/driver');

/** Who takes part in which runtime; names of packages but for ours, the floor and what a runtime has built in. */
const CONTESTANTS = {
  node22: ['collection-store', 'map', 'better-sqlite3', 'node-sqlite', 'libsql', 'lokijs'],
  bun: ['collection-store', 'map', 'better-sqlite3', 'bun-sqlite', 'libsql', 'lokijs'],
};
const BUILT_IN = new Set(['collection-store', 'map', 'node-sqlite', 'bun-sqlite']);
/** Ten million rows are more than these can be asked to hold. */
const NOT_LARGE = new Set(['map', 'lokijs']);

/** The version of a contestant's package; undefined where it is not installed. */
export function versionOf(name) {
  if (BUILT_IN.has(name)) return '';
  const manifest = at('bench/driver/node_modules', name, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** Those of a runtime with the command of a program of this folder. */
function contestantsOf(name, { program }, file, args, large = false) {
  return CONTESTANTS[name]
    .filter((contestant) => !large || !NOT_LARGE.has(contestant))
    .map((contestant) => ({
      name: contestant,
      version: versionOf(contestant),
      ours: contestant === 'collection-store',
      floor: contestant === 'map',
      command: { program, args: ['--expose-gc', file, contestant, ...args], cwd: folder },
    }));
}

/** Measures every runtime at every size; gives Markdown. */
export async function driver({ sizes, by, large, ...options }, tell) {
  const parts = [];
  for (const name of Object.keys(CONTESTANTS)) {
    const found = await runtime(name);
    const tables = [];
    for (const size of sizes) {
      tell(`${found.title}, ${count(size)} rows`);
      const contestants = contestantsOf(
        name,
        found,
        'trial.mjs',
        [JSON.stringify({ ...options, size })],
        large,
      );
      const done = await contest(contestants, options);
      const { head, rows, lost } = tableOf(done.results, by);
      tables.push(rows);
      parts.push(`### ${found.title}, ${count(size)} rows`, markdown(head, rows), notes(done, lost));
    }
    parts.push(...growth(`### ${found.title}, how our cost grows`, sizes, tables));
  }
  return parts.join('\n\n');
}

/** The memory that rows take in each contestant; gives Markdown. */
export async function memory({ rows, ...options }, tell) {
  const parts = [];
  for (const name of Object.keys(CONTESTANTS)) {
    const found = await runtime(name);
    tell(`${found.title}, ${count(rows)} rows`);
    const done = await contest(contestantsOf(name, found, 'memory.mjs', [String(rows)]), options);
    const ours = done.results.get('collection-store').bytes;
    const table = [...done.results].map(([contestant, { bytes }]) => [
      contestant,
      `${bytes.toFixed(0)} bytes`,
      (ours / bytes).toFixed(2),
    ]);
    parts.push(`### ${found.title}`, markdown(['', 'a row', 'ours is'], table), notes(done, []));
  }
  return parts.join('\n\n');
}
