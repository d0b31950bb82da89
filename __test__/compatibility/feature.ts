/**
 * How the features of MikroORM's documentation are declared and tested. What these tests find is written to
 * `docs/compatibility.md`: nothing is claimed there without a test here.
 */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import { coreMajor, coreVersion } from '../guide/project.js';

export { coreMajor };

/** What only one of the majors has a type for. */
// biome-ignore lint/suspicious/noExplicitAny: tests of one major are compiled with the types of the other, too
export type Loose = any;

/** What there is to say of a feature that does not simply work; a text may depend on `coreMajor`. */
export interface Verdict {
  /** The first release that has it. */
  readonly since?: '6.5' | '6.6' | '7';
  /** The last major that has it. */
  readonly until?: 6;
  /** How it differs from the SQL drivers: the test asserts what happens here. */
  readonly differs?: string | undefined;
  /** Why it is not here: the test asserts the refusal. */
  readonly notHere?: string | undefined;
  /** The failure that its test still ends in, of a feature that is not there yet. */
  readonly notYet?: RegExp | undefined;
  /** What else a reader should know. */
  readonly note?: string | undefined;
}

/** A feature as the results have it; one that failed is missing there. */
interface Result {
  readonly name: string;
  readonly status: 'works' | 'differs' | 'not here' | 'absent';
  readonly note?: string | undefined;
}

type Test = () => unknown;
type Declare = (name: string, ...rest: [Test] | [Verdict, Test]) => void;

const results = process.env['COMPATIBILITY_RESULTS'];
const opened: MikroORM[] = [];

/** A page of the documentation: its title, and its name in the address. Gives what declares its features, in order. */
export function page(title: string, slug: string): Declare {
  const declared: { result: Result; passed: boolean }[] = [];
  after(() => {
    if (results === undefined) return;
    mkdirSync(results, { recursive: true });
    const features = declared.filter(({ passed }) => passed).map(({ result }) => result);
    writeFileSync(
      join(results, `${title.replace(/\W+/g, '-')}.json`),
      JSON.stringify({ title, slug, features }),
    );
  });
  return (name, ...rest) => {
    const body = rest.pop() as Test;
    const verdict = (rest[0] ?? {}) as Verdict;
    if (!isThere(verdict)) {
      declared.push({ result: { name, status: 'absent' }, passed: true });
      return;
    }
    const { notYet, differs, note: more, notHere = notYet && 'Not there yet.' } = verdict;
    const status = notHere ? 'not here' : differs ? 'differs' : 'works';
    const told = [notHere ?? differs, more, sinceMinor(verdict)];
    const note = told.filter(Boolean).join(' ') || undefined;
    const entry = { result: { name, status, note } as const, passed: false };
    declared.push(entry);
    test(`${title}: ${name}`, async () => {
      try {
        if (notYet)
          await assert.rejects(async () => body(), { message: notYet }, 'It works: take `notYet` away.');
        else await body();
        entry.passed = true;
      } finally {
        await Promise.all(opened.splice(0).map((orm) => orm.close(true)));
      }
    });
  };
}

/** Whether the MikroORM of this run has a feature. */
function isThere(verdict: Verdict): boolean {
  const { since = '6', until = 7 }: { since?: string; until?: number } = verdict;
  const [major = 0, minor = 0] = coreVersion.split('.').map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = since.split('.').map(Number);
  return major <= until && (major > sinceMajor || (major === sinceMajor && minor >= sinceMinor));
}

function sinceMinor({ since }: Verdict): string | undefined {
  return since !== undefined && since !== '7' && coreMajor === 6 ? `Since ${since}.` : undefined;
}

/** Opens a private store for entities, with its schema; it is closed after the test. */
export async function open(entities: readonly unknown[], options: Loose = {}): Promise<Loose> {
  const orm: Loose = await MikroORM.init(
    defineConfig({ entities: [...entities], dbName: ':memory:', ...options } as Loose),
  );
  opened.push(orm);
  await (coreMajor === 6 ? orm.schema.createSchema() : orm.schema.create());
  return orm;
}

/** An entity without a class: `id`, an integer, is its key unless the properties have one. */
export function schema(name: string, properties: Loose, options: object = {}): Loose {
  const id = Object.values(properties).some((prop) => (prop as Loose).primary)
    ? {}
    : { id: { type: 'integer', primary: true } };
  return new EntitySchema({ name, properties: { ...id, ...properties }, ...options } as Loose);
}

/** Asserts that something is refused, or fails, with a message that matches. */
export async function refused(body: () => unknown, message: RegExp): Promise<void> {
  await assert.rejects(async () => body(), { message });
}

/** Asserts that entities start with a part in SQL, which a warning names, and do not where `strict` is asked for. */
export async function warned(entities: readonly unknown[], message: RegExp): Promise<Loose> {
  const { lines, options } = logs();
  const orm = await open(entities, options);
  assert.match(lines.join('\n'), message);
  await refused(() => open(entities, { driverOptions: { strict: true } }), message);
  return orm;
}

/** The values of a property of some entities, in their order. */
export function pick(items: Iterable<object>, key: string): Loose[] {
  return [...items].map((item: Loose) => item[key]);
}

/** What an ORM logs while something runs, line by line: with `debug` and `logger` of the options given here. */
export function logs(): { lines: string[]; options: { logger: (line: string) => void; colors: false } } {
  const lines: string[] = [];
  return { lines, options: { logger: (line) => lines.push(line), colors: false } };
}
