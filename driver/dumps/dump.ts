import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompiledPlan, type RowCursor, type Session } from '../native/engine.js';
import { engineError } from '../native/errors.js';
import type { CollectionDef } from '../native/ir.js';
import { BATCH, type DumpOptions, fileOf, MANIFEST, type Manifest, VERSION } from './format.js';
import { FORMS, type Json } from './values.js';

interface Source {
  readonly def: CollectionDef;
  readonly rows: RowCursor;
  readonly total: number;
}

/**
 * Writes all collections to a new or empty folder, a row a line. The rows are
 * those of the moment of the call, whatever is written meanwhile.
 */
export async function dump(session: Session, folder: string, options: DumpOptions = {}): Promise<void> {
  // Before anything is waited for: the cursors are of one version, which they keep.
  const { collections } = session.describe();
  const sources = collections.map((def) => sourceOf(session, def));
  try {
    await makeEmpty(folder);
    for (const source of sources) {
      await write(source, join(folder, fileOf(source.def.name)), options);
    }
    const manifest: Manifest = {
      version: VERSION,
      collections,
      rows: Object.fromEntries(sources.map(({ def, total }) => [def.name, total])),
    };
    await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, {
      flush: true,
    } as object);
  } finally {
    for (const { rows } of sources) {
      rows.close();
    }
  }
}

function sourceOf(session: Session, def: CollectionDef): Source {
  const fields = def.fields.map(({ name, type }) => ({ field: name, as: FORMS[type].wire }));
  // In the order of insertion, which loading them makes the same again.
  const order = [{ path: { field: '$inserted' }, desc: false }];
  return {
    def,
    total: session.count(new CompiledPlan({ count: { from: def.name } })),
    rows: session.open(new CompiledPlan({ find: { from: def.name, order, select: { fields } } })),
  };
}

async function makeEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw engineError('UNSUPPORTED', `The folder ${folder} is not empty: dump to a new one.`);
  }
}

async function write({ def, rows, total }: Source, path: string, { onProgress }: DumpOptions): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let lines: string[] = [];
    let done = 0;
    const flush = async () => {
      await file.write(lines.join(''));
      done += lines.length;
      lines = [];
      onProgress?.({ collection: def.name, rows: done, total });
    };
    for (const row of rows) {
      lines.push(`${JSON.stringify(lineOf(def, row))}\n`);
      if (lines.length === BATCH) {
        await flush();
      }
    }
    await flush();
    await file.sync();
  } finally {
    await file.close();
  }
}

function lineOf(def: CollectionDef, row: Record<string, unknown>): Record<string, Json> {
  return Object.fromEntries(
    def.fields.map(({ name, type }) => {
      const value = row[name];
      return [name, value === null ? null : FORMS[type].write(value)];
    }),
  );
}
