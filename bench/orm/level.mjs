/** The level of ORMs: the same work through `em`, over MikroORM's own drivers and over a driver without an engine. */
import { existsSync, readFileSync } from 'node:fs';
import { install } from '../../scripts/lib/install.mjs';
import { place } from '../../scripts/lib/package.mjs';
import { at } from '../../scripts/lib/project.mjs';
import { capture } from '../../scripts/lib/run.mjs';
import { runtime } from '../../scripts/lib/runtimes.mjs';
import { contest, tableOf, time } from '../contest.mjs';
import { count, markdown, notes } from '../report.mjs';

const OURS = 'collection-store';
const FLOOR = 'null';
/** Who takes part with which MikroORM, and the runtime. */
const CONTESTS = [
  { core: '6', on: 'node', peers: ['better-sqlite', 'sqlite', 'libsql'] },
  { core: '7', on: 'node22', peers: ['sqlite', 'libsql', 'pglite'] },
];
const folder = at('bench/orm');

function versionOf(core, name) {
  if (name === OURS || name === FLOOR) return '';
  const manifest = at('bench/orm', `core-${core}`, 'node_modules/@mikro-orm', name, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** Installs a MikroORM with its drivers and puts this package beside them. */
async function prepare(core) {
  const target = at('bench/orm', `core-${core}`);
  await install(target);
  place(target);
}

/** Measures both majors at every size of some data, books or cities; gives Markdown. */
export async function orm({ data, sizes, by, ...options }, tell) {
  const parts = [];
  for (const { core, on, peers } of CONTESTS) {
    const { program, title } = await runtime(on);
    await prepare(core);
    for (const size of sizes) {
      const heading = `MikroORM ${versionOf(core, 'core')}, ${title}, ${count(size)} ${data}`;
      tell(heading);
      const contestants = [OURS, FLOOR, ...peers].map((name) => ({
        name: name === FLOOR ? 'null driver' : name,
        version: versionOf(core, name),
        ours: name === OURS,
        floor: name === FLOOR,
        command: {
          program,
          args: [
            '--expose-gc',
            'trial.mjs',
            `core-${core}`,
            name,
            JSON.stringify({ ...options, data, size }),
          ],
          cwd: folder,
        },
      }));
      const done = await contest(contestants, options);
      const { head, rows, lost } = tableOf(done.results, by);
      parts.push(`### ${heading}`, markdown(head, rows), notes(done, lost));
    }
  }
  return parts.filter(Boolean).join('\n\n');
}

/** The largest calls of the driver: how long the event loop stands still; gives Markdown. */
export async function loop({ rows }) {
  const { program } = await runtime('node22');
  await prepare('7');
  const { code, output } = await capture(program, ['--expose-gc', 'loop.mjs', 'core-7', String(rows)], {
    cwd: folder,
  });
  if (code !== 0) throw new Error(output);
  const results = JSON.parse(output.split('\n').findLast((line) => line.startsWith('[')));
  const shown = results.map(({ title, took, late, native, alone }) => [
    title,
    ...[took, late, native, alone].map((ms) => time(ms * 1_000)),
  ]);
  return markdown(
    ['', 'whole call', 'loop stands still', 'longest native call', 'without garbage collection'],
    shown,
  );
}
