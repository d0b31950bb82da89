/** Migrations in files: written by the differences of the entities. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { coreMajor } from '../guide/project.js';
import {
  inFolders,
  Author,
  AuthorSchema,
  Book,
  BookSchema,
  OlderAuthor,
  folder,
  migratorOf,
  names,
  open,
} from './orm.js';

inFolders();

describe('migrations in files', () => {
  test('are written by the differences of the entities, and run', async () => {
    const orm = await open([AuthorSchema]);
    const migrator = migratorOf(orm);
    assert.equal(await migrator.checkSchema(), true);
    const first = await migrator.create();
    assert.match(first.code, /createCollection\(\{\s+name: 'author'/);
    assert.match(first.code, /async down\(\) \{\s+await this\.schema\.dropCollection\('author'\)/);
    assert.equal(await migrator.checkSchema(), false);
    assert.equal((await migrator.create()).fileName, '');
    assert.deepEqual(
      (await migrator.getPending()).map(({ name }) => `${name}.cjs`),
      [first.fileName],
    );
    await assert.rejects(orm.em.fork().count(Author), { name: 'TableNotFoundException' });

    const [done] = await migrator.up();
    assert.equal(`${done?.name}.cjs`, first.fileName);
    assert.deepEqual(await migrator.getPending(), []);
    assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
    await orm.em.fork().insert(Author, { id: 1, name: 'Bachmann' });

    const next = await open([OlderAuthor, BookSchema]);
    const second = await migratorOf(next).create(undefined, false, false, 'books');
    assert.match(second.fileName, /^Migration\d{14}_books\.cjs$/);
    assert.match(second.code, /addField\('author', \{ name: 'age', type: 'int', nullable: true \}\)/);
    assert.match(second.code, /addIndex\('author', .*unique: true/);
    assert.match(second.code, /createCollection\(\{\s+name: 'book'/);
    await migratorOf(next).up();
    assert.equal(await next.schema.getUpdateSchemaSQL(), '');
    await next.em.fork().insert(Book, { id: 1, title: 'Malina', author: 1 });
    assert.deepEqual(
      await names(next),
      [first, second].map(({ fileName }) => fileName.replace('.cjs', '')),
    );

    await migratorOf(next).down();
    assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
    assert.equal((await orm.em.fork().findOneOrFail(Author, 1)).name, 'Bachmann');
    assert.deepEqual(await names(orm), [first.fileName.replace('.cjs', '')]);
  });

  test('in the other forms of JavaScript and in TypeScript', async () => {
    const ts = await open([AuthorSchema], { emit: 'ts', path: './ts' });
    const { code, fileName } = await migratorOf(ts).create();
    assert.match(fileName, /\.ts$/);
    assert.match(code, /import \{ Migration \} from 'collection-store-mikro-orm\/migrations';/);
    assert.match(
      code,
      /export class Migration\d{14} extends Migration \{\n {2}override name = 'Migration\d{14}';/,
    );
    assert.match(code, /override async up\(\): Promise<void> \{\n {4}await this\.schema/);
    assert.equal(readFileSync(join(folder, 'ts', fileName), 'utf8'), code);

    const js = await open([AuthorSchema], { emit: 'js', path: './js' });
    assert.match((await migratorOf(js).create()).code, /^'use strict';\nconst \{ Migration \} = require/);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const esm = await open([AuthorSchema], { emit: 'js', path: './esm' });
    assert.match((await migratorOf(esm).create()).code, /export class Migration\d{14} extends/);
    await migratorOf(esm).up();
    assert.equal(await esm.em.fork().count(Author), 0);
  });

  test('blank ones are written to be filled in', async () => {
    const orm = await open([AuthorSchema]);
    const { code } = await migratorOf(orm).create(undefined, true);
    assert.match(code, /async up\(\) \{\s+\}/);
    assert.match(code, /async down\(\) \{\s+\}/);
    await migratorOf(orm).up();
    assert.equal((await names(orm)).length, 1);
  });

  test('the first one counts as executed where its collections are there', async () => {
    const orm = await open([AuthorSchema]);
    await orm.schema.createSchema();
    const { fileName } = await migratorOf(orm).create(undefined, false, true);
    assert.deepEqual(await names(orm), [fileName.replace('.cjs', '')]);
    assert.deepEqual(await migratorOf(orm).up(), []);
    await assert.rejects(migratorOf(orm).createInitial(), /there are migrations already/);
  });

  test('the first one is refused where only some of its collections are there', async () => {
    const one = await open([AuthorSchema]);
    await one.schema.createSchema();
    const both = await open([AuthorSchema, BookSchema]);
    await assert.rejects(
      migratorOf(both).createInitial(),
      /some collections of the entities are there already.*There are: author\./,
    );
    assert.deepEqual(readdirSync(join(folder, 'migrations')), []);
  });

  test('several are rolled up into one', { skip: coreMajor === 6 }, async () => {
    const orm = await open([AuthorSchema]);
    await migratorOf(orm).create(undefined, false, false, 'a');
    const next = await open([OlderAuthor, BookSchema]);
    await migratorOf(next).create(undefined, false, false, 'b');
    await migratorOf(next).up();
    const rollup = (next.migrator as unknown as { rollup(): Promise<{ code: string }> }).rollup.bind(
      next.migrator,
    );
    const { code } = await rollup();
    assert.match(code, /createCollection\(\{.*addField\('author'.*async down\(\)/s);
    assert.equal((await names(next)).length, 1);
    await migratorOf(next).down();
    assert.deepEqual(await names(next), []);
    await migratorOf(next).up();
    assert.equal(await next.schema.getUpdateSchemaSQL(), '');
  });

  test('without a snapshot the differences are those to the store', async () => {
    const orm = await open([AuthorSchema], { snapshot: false });
    await orm.schema.createSchema();
    assert.equal(await migratorOf(orm).checkSchema(), false);
    assert.equal((await migratorOf(orm).create()).fileName, '');
    const next = await open([OlderAuthor], { snapshot: false });
    assert.deepEqual(
      (await migratorOf(next).create()).diff.up.map((statement) => /schema\.(\w+)/.exec(statement)?.[1]),
      ['addField', 'addIndex'],
    );
    assert.deepEqual(
      readdirSync(join(folder, 'migrations')).filter((name) => name.startsWith('.')),
      [],
    );
  });
});
