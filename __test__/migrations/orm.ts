/** What the tests of migrations share: entities, and an ORM with migrations in a folder of the test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import { type Migration, Migrator } from 'collection-store-mikro-orm/migrations';

export class Author {
  id!: number;
  name!: string;
  age?: number | null;
}

export class Book {
  id!: number;
  title!: string;
  author!: Author;
}

export const id = { type: 'number', primary: true } as const;
export const text = { type: 'string' } as const;
export const AuthorSchema = new EntitySchema<Author>({
  class: Author,
  properties: { id, name: text } as never,
});
export const OlderAuthor = new EntitySchema<Author>({
  class: Author,
  properties: { id, name: { ...text, unique: true }, age: { type: 'number', nullable: true } } as never,
});
export const BookSchema = new EntitySchema<Book>({
  class: Book,
  properties: { id, title: text, author: { kind: 'm:1', entity: () => Author } } as never,
});

export type Migrations = Record<string, unknown>;

const here = dirname(fileURLToPath(import.meta.url));
const opened: MikroORM[] = [];
export let folder: string;

/** An ORM with migrations in the folder of the test, on the store of the test. */
export async function open(entities: unknown[], migrations: Migrations = {}, more = {}): Promise<MikroORM> {
  const orm = await MikroORM.init(
    defineConfig({
      entities: entities as never,
      dbName: 'migrations-test',
      baseDir: folder,
      extensions: [Migrator],
      migrations: { path: './migrations', emit: 'cjs', silent: true, ...migrations } as never,
      ...more,
    }),
  );
  opened.push(orm);
  return orm;
}

export const migratorOf = (orm: MikroORM) => orm.migrator as unknown as Migrator;

/** An ORM whose migrations are the classes given. */
export const withClasses = (classes: (new (...args: never[]) => Migration)[], migrations: Migrations = {}) =>
  open([AuthorSchema], { migrationsList: classes, ...migrations });

export const names = async (orm: MikroORM) => (await migratorOf(orm).getExecuted()).map(({ name }) => name);

/** Gives each test of a file a folder, and closes what it has opened. */
export function inFolders(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(here, 'migrations-'));
    writeFileSync(join(folder, 'package.json'), '{}');
  });
  afterEach(async () => {
    for (const orm of opened.splice(0)) {
      await orm.close(true);
    }
    rmSync(folder, { recursive: true, force: true });
  });
}
