/** Stores on a disk: commits that wait for it, beside those of SQLite, and what a large store takes; gives Markdown. */
import { capture, Failure } from '../../scripts/lib/run.mjs';
import { runtime } from '../../scripts/lib/runtimes.mjs';
import { time } from '../contest.mjs';
import { count, markdown, median, notes } from '../report.mjs';
import { folder, versionOf } from './level.mjs';

const OURS = 'collection-store';
const CONTESTANTS = {
  node22: [OURS, 'better-sqlite3', 'node-sqlite'],
  bun: [OURS, 'bun-sqlite'],
};
const WRITERS = [1, 16];

async function trial({ program }, file, args) {
  const { code, output } = await capture(program, ['--expose-gc', file, ...args], { cwd: folder });
  if (code !== 0) throw new Failure(`${file} ${args.join(' ')} failed:\n${output}`);
  return JSON.parse(output.split('\n').findLast((line) => line.startsWith('{')));
}

/** Everyone in turns, as the disk is not the same at all times; ratios are those of a turn. */
async function commits(found, contestants, { rounds, milliseconds }) {
  const rows = [];
  const results = new Map();
  for (const writers of WRITERS) {
    const turns = [];
    for (let turn = 0; turn < rounds; turn++) {
      const done = {};
      for (const name of contestants) {
        done[name] = await trial(found, 'commits.mjs', [name, String(writers), String(milliseconds)]);
        results.set(name, { version: [versionOf(name), done[name].version].filter(Boolean).join(' ') });
      }
      turns.push(done);
    }
    for (const name of contestants) {
      const of = (value) => median(turns.map((done) => value(done[name])));
      const ratio = median(turns.map((done) => done[OURS].rate / done[name].rate));
      rows.push([
        `${writers} ${writers === 1 ? 'writer' : 'writers'}, ${name}`,
        count(Math.round(of(({ rate }) => rate))),
        time(of(({ p50 }) => p50) * 1_000),
        time(of(({ p99 }) => p99) * 1_000),
        `${of(({ bytes }) => bytes).toFixed(0)}`,
        name === OURS ? '' : `${ratio.toFixed(1)} x`,
      ]);
    }
  }
  const head = ['', 'commits a second', 'median', 'p99', 'bytes a commit', 'ours are'];
  return [markdown(head, rows), notes({ results, leftOut: [] }, [])];
}

function table({ rows, replay, opened, checkpoint, alone, beside, image, bytes }) {
  const waits = ({ p50, p99 }) => `median ${time(p50 * 1_000)}, p99 ${time(p99 * 1_000)}`;
  const images = count(Math.round((replay.rows / replay.took) * 1_000));
  return markdown(
    [`${count(rows)} rows of 150 bytes, two indexes`, ''],
    [
      ['opening from a checkpoint', time(opened * 1_000)],
      [`opening from a log of ${count(replay.rows)} rows`, time(replay.took * 1_000)],
      ['row images of the log a second, indexes included', images],
      ['a checkpoint', time(checkpoint.alone * 1_000)],
      ['a checkpoint beside 16 writers', time(median(checkpoint.beside) * 1_000)],
      ['16 writers, each commit', waits(alone)],
      ['16 writers beside a checkpoint, each commit', waits(beside)],
      ['p99 beside a checkpoint, of that without', (beside.p99 / alone.p99).toFixed(2)],
      ['bytes written for a commit of one row, of its image', (bytes / image).toFixed(2)],
    ],
  );
}

/** Measures every runtime; gives Markdown. */
export async function durable(options, tell) {
  const parts = [];
  for (const [name, contestants] of Object.entries(CONTESTANTS)) {
    const found = await runtime(name);
    tell(`${found.title}, commits`);
    parts.push(`### ${found.title}`, ...(await commits(found, contestants, options)));
  }
  const found = await runtime('node22');
  tell(`${found.title}, ${count(options.rows)} rows`);
  parts.push(`### ${found.title}, ${count(options.rows)} rows`);
  parts.push(table(await trial(found, 'kept.mjs', [String(options.rows)])));
  return parts.join('\n\n');
}
