import { mkdir, open as openFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompiledPlan, type Engine, type RowCursor, type Session } from '../native/engine.js';
import { engineError } from '../native/errors.js';
import type { CollectionDef } from '../native/ir.js';
import type { Soon } from '../soon.js';
import { BATCH, type DumpOptions, fileOf, MANIFEST, type Manifest, VERSION } from './format.js';
import { FORMS, type Json } from './values.js';

/**
 * Writes all collections to a new or empty folder, a row a line. The rows are
 * those of the moment of the call, whatever is written meanwhile.
 */
export async function dump(engine: Engine, folder: string, options: DumpOptions = {}): Promise<void> {
  const version = engine.begin({ readOnly: true });
  try {
    const { collections } = version.describe();
    // Before anything is waited for: once it was read, the transaction keeps to its version.
    const rows = Object.fromEntries(
      collections.map(({ name }) => [name, version.count(new CompiledPlan({ count: { from: name } }))]),
    );
    await makeEmpty(folder);
    for (const def of collections) {
      await write(version, def, rows[def.name] as number, folder, options);
    }
    const manifest: Manifest = { version: VERSION, collections, rows };
    await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, {
      flush: true,
    } as object);
  } finally {
    version.rollback();
  }
}

function open(session: Session, def: CollectionDef): Soon<RowCursor> {
  const fields = def.fields.map(({ name, type }) => ({ field: name, as: FORMS[type].wire }));
  // In the order of insertion, which loading them makes the same again.
  const order = [{ path: { field: '$inserted' }, desc: false }];
  return session.open(new CompiledPlan({ find: { from: def.name, order, select: { fields } } }));
}

async function makeEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw engineError('UNSUPPORTED', `The folder ${folder} is not empty: dump to a new one.`);
  }
}

async function write(
  session: Session,
  def: CollectionDef,
  total: number,
  folder: string,
  { onProgress }: DumpOptions,
): Promise<void> {
  const file = await openFile(join(folder, fileOf(def.name)), 'wx');
  try {
    let lines: string[] = [];
    let done = 0;
    const flush = async () => {
      await file.write(lines.join(''));
      done += lines.length;
      lines = [];
      onProgress?.({ collection: def.name, rows: done, total });
    };
    for await (const rows of await open(session, def)) {
      for (const row of rows) {
        lines.push(`${JSON.stringify(lineOf(def, row))}\n`);
        if (lines.length === BATCH) {
          await flush();
        }
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
