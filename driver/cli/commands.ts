/** The tools for stores on disk, one a command. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from '../dumps/dump.js';
import type { DumpOptions } from '../dumps/format.js';
import { load } from '../dumps/load.js';
import { checkStore, CompiledPlan, Engine, type StoreStatistics } from '../native/engine.js';
import { table, type Terminal } from './terminal.js';

/** One of the tools. */
export interface Command {
  readonly summary: string;
  /** What it is given, in order. */
  readonly operands: readonly string[];
  run(operands: readonly string[], terminal: Terminal): Promise<void>;
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
      const { sequence, collections, notices } = await checkStore(path);
      notices.forEach(terminal.note);
      const rows = collections.reduce((sum, one) => sum + one.rows, 0);
      terminal.print(
        `${path} is whole: commit ${sequence}, ${rows} rows in ${collections.length} collections.`,
      );
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
