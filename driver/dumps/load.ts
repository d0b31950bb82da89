import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompiledPlan, type Session } from '../native/engine.js';
import { engineError, isEngineError } from '../native/errors.js';
import type { CollectionDef } from '../native/ir.js';
import type { Soon } from '../soon.js';
import { BATCH, type DumpOptions, fileOf, MANIFEST, type Manifest, VERSION } from './format.js';
import { FORMS, type Json } from './values.js';

/**
 * Adds the collections of a dump, none of which may be there, with their rows.
 * Meant for a transaction: what fails leaves nothing behind when that is rolled back.
 */
export async function load(session: Session, folder: string, options: DumpOptions = {}): Promise<void> {
  const { collections, rows } = await manifestOf(folder);
  // Rows may point at such that come later: foreign keys are checked when all are there.
  session.createSchema({ collections: collections.map((def) => ({ ...def, foreign: [] })) });
  for (const def of collections) {
    await read(session, def, folder, rows[def.name] ?? 0, options);
  }
  await session.changeSchema({ collections }, { dropTables: false });
}

async function manifestOf(folder: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST), 'utf8');
  } catch (error) {
    throw engineError(
      'CORRUPT',
      `${folder} is no dump, or not a whole one: ${MANIFEST} cannot be read (${(error as Error).message}).`,
    );
  }
  const manifest = parsed(text, MANIFEST) as unknown as Manifest;
  if (manifest?.version !== VERSION || !Array.isArray(manifest.collections) || !manifest.rows) {
    throw engineError(
      'UNSUPPORTED',
      `${join(folder, MANIFEST)} is of version ${manifest?.version}, this release reads version ${VERSION}.`,
    );
  }
  return manifest;
}

async function read(
  session: Session,
  def: CollectionDef,
  folder: string,
  total: number,
  { onProgress }: DumpOptions,
): Promise<void> {
  const file = fileOf(def.name);
  const plan = new CompiledPlan({ insert: { into: def.name, fields: def.fields.map(({ name }) => name) } });
  let values: unknown[] = [];
  let count = 0;
  let written = 0;
  const write = async () => {
    if (count > written) {
      await within(`${file}, lines ${written + 1} to ${count}`, () => session.start(plan, values));
      values = [];
      written = count;
      onProgress?.({ collection: def.name, rows: count, total });
    }
  };
  for await (const line of linesOf(join(folder, file))) {
    count++;
    values.push(...rowOf(def, line, `${file}:${count}`));
    if (count - written === BATCH) {
      await write();
    }
  }
  await write();
  if (count !== total) {
    throw engineError(
      'CORRUPT',
      `${file} has ${count} rows, of the ${total} that were written: it is not whole.`,
    );
  }
}

/** The lines of a file. Only a line feed ends one: texts may hold the other separators that Unicode has. */
async function* linesOf(path: string): AsyncGenerator<string, void> {
  let begun: string[] = [];
  for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const [first = '', ...rest] = chunk.split('\n');
    begun.push(first);
    const last = rest.pop();
    if (last !== undefined) {
      yield begun.join('');
      yield* rest;
      begun = [last];
    }
  }
  const end = begun.join('');
  if (end !== '') {
    yield end;
  }
}

/** The values of a row in the order of the fields. */
function rowOf(def: CollectionDef, line: string, place: string): unknown[] {
  const row = parsed(line, place);
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw engineError('CORRUPT', `${place}: expected an object of the fields of ${def.name}.`);
  }
  const unknown = Object.keys(row).find((key) => !def.fields.some(({ name }) => name === key));
  if (unknown !== undefined) {
    throw engineError('CORRUPT', `${place}: ${def.name} has no field ${unknown}.`);
  }
  return def.fields.map(({ name, type }) => {
    const json = Object.hasOwn(row, name) ? (row[name] as Json) : null;
    try {
      return json === null ? null : FORMS[type].read(json);
    } catch (error) {
      const what = (error as Error).message;
      throw engineError('CORRUPT', `${place}: ${name}: ${what}, not ${JSON.stringify(json)?.slice(0, 80)}.`);
    }
  });
}

function parsed(text: string, place: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw engineError('CORRUPT', `${place} is not JSON: ${(error as Error).message}`);
  }
}

/** Says of the engine's errors where in the dump they come from. */
async function within(place: string, work: () => Soon<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isEngineError(error)) {
      error.message = `${place}: ${error.message}`;
    }
    throw error;
  }
}
