/** The level of the engine, in Rust: ours beside maps of the standard library, redb and SQLite. */
import { existsSync, readFileSync } from 'node:fs';
import { at } from '../../scripts/lib/project.mjs';
import { Failure, capture } from '../../scripts/lib/run.mjs';
import { contest, tableOf } from '../contest.mjs';
import { count, growth, markdown, notes } from '../report.mjs';

const folder = at('bench/engine');
const OURS = 'collection-store';
const FLOOR = 'btree-map';
/** Contestants and the crates that they are. */
const CONTESTANTS = { [OURS]: undefined, [FLOOR]: undefined, redb: 'redb', sqlite: 'rusqlite' };
/** Ten million rows are more than these can be asked to hold in 4 GiB. */
const NOT_LARGE = new Set([FLOOR, 'redb']);

const target = process.env.CARGO_TARGET_DIR ?? at('bench/engine/target');
const program = `${target}/release/engine-bench${process.platform === 'win32' ? '.exe' : ''}`;

async function build(tell) {
  tell('building bench/engine (some minutes the first time)');
  const { code, output } = await capture('cargo', ['build', '--release', '--locked'], { cwd: folder });
  if (code !== 0) throw new Failure(`bench/engine could not be built:\n${output}`);
}

/** The version of a crate, as it is locked. */
function versionOf(crate) {
  if (crate === undefined) return '';
  const lock = readFileSync(at('bench/engine/Cargo.lock'), 'utf8');
  const [, version] = new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`).exec(lock) ?? [];
  return version;
}

/** Measures every size; gives Markdown. */
export async function engine({ sizes, by, large, quick, ...options }, tell) {
  if (quick && !existsSync(program)) {
    return '- Left out of a quick run, as it is not built yet: `npm run bench -- engine` does.';
  }
  await build(tell);
  const parts = [];
  const tables = [];
  for (const size of sizes) {
    tell(`${count(size)} rows`);
    const contestants = Object.entries(CONTESTANTS)
      .filter(([name]) => !large || !NOT_LARGE.has(name))
      .map(([name, crate]) => ({
        name,
        version: versionOf(crate),
        ours: name === OURS,
        floor: name === FLOOR,
        command: { program, args: [name, JSON.stringify({ ...options, size })], cwd: folder },
      }));
    const done = await contest(contestants, options);
    const { head, rows, lost } = tableOf(done.results, by);
    tables.push(rows);
    parts.push(`### ${count(size)} rows`, markdown(head, rows), notes(done, lost));
  }
  return [...parts, ...growth('### How our cost grows', sizes, tables)].join('\n\n');
}
