/** The tools for stores on disk, one a command. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from '../dumps/dump.js';
import type { DumpOptions } from '../dumps/format.js';
import { load } from '../dumps/load.js';
import { CompiledPlan, Engine, type StoreStatistics } from '../native/engine.js';
import { type CheckedStore, checkStore, type Watch } from '../native/examination.js';
import { table, type Terminal } from './terminal.js';

/** One of the tools. */
export interface Command {
  readonly summary: string;
  /** What it is given, in order. */
  readonly operands: readonly string[];
  /** Gives false where it has found something that is wrong. */
  run(operands: readonly string[], terminal: Terminal): Promise<unknown>;
}

/** All tools, by the names of their commands. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  info: {
    summary: 'Says what a store holds.',
    operands: ['store'],
    run: ([path = ''], terminal) => withStore(path, terminal, async (engine) => describe(engine, terminal)),
  },
  check: {
    summary: 'Reads all of a store and says what is wrong with it. Changes nothing.',
    operands: ['store'],
    async run([path = ''], terminal) {
      mustBeThere(path);
      return report(path, await checkStore(path, watch(terminal)), terminal);
    },
  },
  backup: {
    summary: 'Writes a copy of a store to a new directory.',
    operands: ['store', 'directory'],
    run: ([path = '', directory = ''], terminal) =>
      withStore(path, terminal, (engine) => engine.backup(directory)),
  },
  compact: {
    summary: 'Writes a checkpoint of a store, and removes the log that it replaces.',
    operands: ['store'],
    run: ([path = ''], terminal) =>
      withStore(path, terminal, async (engine) => {
        const before = bytesOf(path);
        await engine.checkpoint();
        terminal.print(`${path}: ${before} bytes before, ${bytesOf(path)} now.`);
      }),
  },
  dump: {
    summary: 'Writes a store to a new folder, as JSON lines, a file for each collection.',
    operands: ['store', 'folder'],
    run: ([path = '', folder = ''], terminal) =>
      withStore(path, terminal, (engine) => dump(engine, folder, progress(terminal))),
  },
  load: {
    summary: 'Adds the collections of a dump to a store, which is made where there is none.',
    operands: ['folder', 'store'],
    async run([folder = '', path = ''], terminal) {
      if (!existsSync(folder)) {
        throw new Error(`There is no folder ${folder}.`);
      }
      await withOpened(path, terminal, async (engine) => {
        const transaction = engine.begin();
        try {
          await load(transaction, folder, progress(terminal));
        } catch (error) {
          transaction.rollback();
          throw error;
        }
        transaction.commit();
        await engine.durable();
      });
    },
  },
};

function describe(engine: Engine, terminal: Terminal): void {
  const { path, sequence, checkpoint, checkpointBytes, logBytes } = engine.statistics() as StoreStatistics;
  terminal.print(`store       ${path}`);
  terminal.print(`commits     ${sequence}`);
  terminal.print(
    `checkpoint  ${checkpoint === 0 ? 'none' : `of commit ${checkpoint}, ${checkpointBytes} bytes`}`,
  );
  terminal.print(`log         ${logBytes} bytes`);
  terminal.print('');
  const rows = engine.describe().collections.map(({ name, fields, indexes }) => {
    const count = engine.count(new CompiledPlan({ count: { from: name } }));
    return [name, String(count), String(fields.length), String(indexes?.length ?? 0)];
  });
  table([['collection', 'rows', 'fields', 'indexes'], ...rows]).forEach(terminal.print);
}

/** Says what a check has found; gives whether all is well. */
function report(
  path: string,
  { sequence, collections, findings, more }: CheckedStore,
  terminal: Terminal,
): boolean {
  terminal.endProgress();
  const rows = collections.reduce((sum, one) => sum + one.rows, 0);
  const holds = `commit ${sequence}, ${rows} rows in ${collections.length} collections`;
  const width = Math.max(...findings.map(({ severity }) => severity.length));
  for (const { severity, message } of findings) {
    terminal.print(`${severity.padEnd(width)}  ${message}`);
  }
  if (more > 0) {
    terminal.print(`… and ${more} more that are alike`);
  }
  const damaged = findings.some(({ severity }) => severity === 'damage');
  const wrong = damaged || findings.some(({ severity }) => severity === 'violation');
  if (!wrong) {
    terminal.print(`${path} is whole: ${holds}.`);
    return true;
  }
  if (findings.length > 0) {
    terminal.print('');
  }
  if (damaged) {
    terminal.print(`${path} is damaged and cannot be opened. What can be read of it: ${holds}.`);
    terminal.print(
      'What is said of rows may follow from the damage. Restore a backup, or save what can be read:',
    );
    terminal.print(`  npx collection-store salvage ${quoted(path)} <new directory>`);
  } else {
    terminal.print(`${path} can be opened, but contradicts itself: ${holds}.`);
    terminal.print('Put the rows right, or keep those apart that contradict others:');
    terminal.print(`  npx collection-store salvage ${quoted(path)} <new directory>`);
  }
  return false;
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function watch(terminal: Terminal): Watch {
  return (step, done, total) => terminal.progress(step === 'files' ? 'bytes read' : 'rows', done, total);
}

function progress(terminal: Terminal): DumpOptions {
  return { onProgress: ({ collection, rows, total }) => terminal.progress(collection, rows, total) };
}

/** A tool that reads must not make a store where somebody has mistyped the name of one. */
function mustBeThere(path: string): void {
  if (!existsSync(path)) {
    throw new Error(`There is no directory ${path}.`);
  }
  if (!statSync(path).isDirectory()) {
    throw new Error(`${path} is not a directory.`);
  }
  if (!readdirSync(path).some((name) => /^(MANIFEST|log-|checkpoint-)/.test(name))) {
    throw new Error(`There is no store in ${path}.`);
  }
}

async function withStore(
  path: string,
  terminal: Terminal,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  mustBeThere(path);
  await withOpened(path, terminal, work);
}

async function withOpened(
  path: string,
  terminal: Terminal,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = await Engine.openPath(path);
  try {
    engine.statistics()?.notices.forEach(terminal.note);
    await work(engine);
  } finally {
    await engine.closeAside();
  }
}

function bytesOf(path: string): number {
  return readdirSync(path)
    .filter((name) => /^(log|checkpoint)-/.test(name))
    .reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}
