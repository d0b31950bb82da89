/** The tools for stores on disk, one a command. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from '../dumps/dump.js';
import type { DumpOptions } from '../dumps/format.js';
import { load } from '../dumps/load.js';
import { CompiledPlan, Engine } from '../native/engine.js';
import { isEngineError } from '../native/errors.js';
import {
  type CheckedStore,
  checkStore,
  type Finding,
  type SalvagedStore,
  salvageStore,
  type Watch,
} from '../native/examination.js';
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
    run: ([path = ''], terminal) =>
      withView(path, terminal, async (engine) => describe(path, engine, terminal)),
  },
  check: {
    summary: 'Reads all of a store and says what is wrong with it. Changes nothing.',
    operands: ['store'],
    async run([path = ''], terminal) {
      mustBeThere(path);
      return report(path, await checkStore(path, watch(terminal)), terminal);
    },
  },
  salvage: {
    summary: 'Writes what can be read of a damaged store to a new directory. Changes nothing in the store.',
    operands: ['store', 'directory'],
    async run([path = '', directory = ''], terminal) {
      mustBeThere(path);
      return reportSalvage(directory, await salvageStore(path, directory, watch(terminal)), terminal);
    },
  },
  backup: {
    summary: 'Writes a copy of a store to a new directory.',
    operands: ['store', 'directory'],
    run: ([path = '', directory = ''], terminal) =>
      withView(path, terminal, (engine) =>
        growing(directory, bytesOf(path), terminal, () => engine.backup(directory)),
      ).catch((error) => {
        throw isEngineError(error) && error.code === 'STORE_LOCKED'
          ? new Error(`${error.message}. It can make a backup of itself: await connection.backup(directory)`)
          : error;
      }),
  },
  compact: {
    summary: 'Writes a checkpoint of a store, and removes the log that it replaces.',
    operands: ['store'],
    run: ([path = ''], terminal) =>
      withStore(path, terminal, async (engine) => {
        const before = bytesOf(path);
        await growing(path, before, terminal, () => engine.checkpoint());
        terminal.print(`${path}: ${before} bytes before, ${bytesOf(path)} now.`);
      }),
  },
  dump: {
    summary: 'Writes a store to a new folder, as JSON lines, a file for each collection.',
    operands: ['store', 'folder'],
    run: ([path = '', folder = ''], terminal) =>
      withView(path, terminal, (engine) => dump(engine, folder, progress(terminal))),
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
        await transaction.complete();
        await engine.durable();
      });
    },
  },
};

function describe(path: string, engine: Engine, terminal: Terminal): void {
  const files = (kind: string) => readdirSync(path).filter((name) => name.startsWith(kind));
  terminal.print(`store       ${realpathSync(path)}`);
  terminal.print(`commits     ${engine.sequence}`);
  terminal.print(
    `checkpoint  ${files('checkpoint-').length === 0 ? 'none' : `${bytesOf(path, 'checkpoint-')} bytes`}`,
  );
  terminal.print(`log         ${bytesOf(path, 'log-')} bytes`);
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
  const holds = summary(sequence, collections);
  list(findings, more, terminal);
  const damaged = findings.some(({ severity }) => severity === 'damage');
  const wrong = damaged || findings.some(({ severity }) => severity === 'violation');
  if (!wrong) {
    terminal.print(`${path} is whole: ${holds}.`);
    return true;
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

/** Says what a salvage has made and what was lost; gives whether all was saved. */
function reportSalvage(
  directory: string,
  { sequence, whole, collections, findings, more, apart, lost }: SalvagedStore,
  terminal: Terminal,
): boolean {
  terminal.endProgress();
  list(findings, more, terminal);
  terminal.print(`${directory} has ${summary(sequence, collections)}.`);
  if (lost === null) {
    terminal.print('Nothing was lost.');
    return true;
  }
  if (whole === null) {
    terminal.print('Something is missing of the checkpoint, and so perhaps of every commit.');
  } else if (whole < sequence) {
    terminal.print(`Nothing is missing up to commit ${whole}. Rows of later ones are as new as can be had,`);
    terminal.print('but not of one moment: what was changed together may be there in part.');
  } else {
    terminal.print(`Nothing is missing up to commit ${whole}.`);
  }
  for (const [collection, rows] of Object.entries(apart)) {
    terminal.print(`${rows} rows of ${collection} contradict what is left, and are kept apart.`);
  }
  terminal.print(`What was lost, and the rows that are kept apart: ${join(directory, lost)}`);
  return false;
}

function list(findings: readonly Finding[], more: number, terminal: Terminal): void {
  const width = Math.max(...findings.map(({ severity }) => severity.length));
  for (const { severity, message } of findings) {
    terminal.print(`${severity.padEnd(width)}  ${message}`);
  }
  if (more > 0) {
    terminal.print(`… and ${more} more that are alike`);
  }
  if (findings.length > 0) {
    terminal.print('');
  }
}

function summary(sequence: number, collections: CheckedStore['collections']): string {
  const rows = collections.reduce((sum, one) => sum + one.rows, 0);
  return `commit ${sequence}, ${rows} rows in ${collections.length} collections`;
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

/** For tools that only read: the store is in memory, and nothing is changed in its directory. */
async function withView(
  path: string,
  terminal: Terminal,
  work: (engine: Engine) => Promise<void>,
): Promise<void> {
  mustBeThere(path);
  terminal.progress('reading the store');
  const engine = await Engine.view(path);
  try {
    await work(engine);
  } finally {
    engine.close();
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

/** The bytes of a store's files, all or those of one kind; 0 where there are none yet. */
function bytesOf(path: string, kind = ''): number {
  const names = existsSync(path) ? readdirSync(path) : [];
  return names
    .filter((name) => /^(log|checkpoint)-/.test(name) && name.startsWith(kind))
    .reduce((sum, name) => sum + (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Shows, while a store writes files, how far these have grown to about so many bytes. */
async function growing(
  path: string,
  total: number,
  terminal: Terminal,
  work: () => Promise<void>,
): Promise<void> {
  const before = bytesOf(path);
  const show = () => {
    // What is replaced goes before the end.
    const written = Math.max(0, bytesOf(path) - before);
    terminal.progress('bytes written', Math.min(written, total), total);
  };
  const timer = setInterval(show, 100);
  try {
    await work();
  } finally {
    clearInterval(timer);
    terminal.endProgress();
  }
}
