/** Commands of `@mikro-orm/cli` beside those of the guide: seeders, caches, dumps, and those that need SQL. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as chapter from '../guide/chapter.js';
import { coreMajor, inBun, Project, program, shebangOptions, succeeded } from '../guide/project.js';

const project = new Project({
  'package.json': '{"type":"module","devDependencies":{"@mikro-orm/cli":"*"}}',
  'mikro-orm.config.js': `
    import { defineConfig } from 'collection-store-mikro-orm';
    import { SeedManager } from '@mikro-orm/seeder';
    export default defineConfig({
      entities: ['./entities/*.js'],
      dbName: 'commands',
      extensions: [SeedManager],
      seeder: { path: './seeders', emit: 'js', defaultSeeder: 'CitySeeder' },
    });
  `,
  'entities/city.js': `
    import { EntitySchema } from 'collection-store-mikro-orm';
    export class City {}
    export const CitySchema = new EntitySchema({
      class: City,
      properties: { id: { type: 'number', primary: true }, name: { type: 'string', unique: true } },
    });
  `,
  'seeders/CitySeeder.js': `
    import { Seeder } from '@mikro-orm/seeder';
    import { City } from '../entities/city.js';
    export class CitySeeder extends Seeder {
      async run(em) {
        em.create(City, { name: 'Wien' });
        await em.flush();
        console.log('cities:', await em.count(City));
      }
    }
  `,
});

after(() => project.remove());

const path = program('@mikro-orm/cli', 'mikro-orm');
const environment = { MIKRO_ORM_CLI_USE_TS_NODE: '0', MIKRO_ORM_CLI_PREFER_TS: '0' };
const cli = (...args: string[]) =>
  project.run([...(inBun ? [] : shebangOptions(path)), path, ...args], environment);
const run = async (...args: string[]) => succeeded(await cli(...args));

test('a fresh schema is seeded', async () => {
  const output = await run('schema:fresh', '--run', '--seed');
  assert.match(output, /cities: 1/);
  assert.match(output, /Schema successfully dropped and recreated/);
  assert.match(await run('schema:create', '--run', '--seed', 'CitySeeder'), /cities: 1/);
});

test('seeder:create writes a seeder', async () => {
  assert.match(await run('seeder:create', 'river'), /successfully created/);
  assert.match(
    readFileSync(join(project.folder, 'seeders/RiverSeeder.js'), 'utf8'),
    /RiverSeeder extends Seeder/,
  );
});

test('schema:create --dump and schema:update --dump tell what they would do', async () => {
  for (const command of ['schema:create', 'schema:update']) {
    assert.match(await run(command, '--dump'), /city.*name/s);
  }
  assert.match(await run('schema:update', '--run'), /Schema successfully updated/);
  assert.doesNotMatch(await run('schema:drop', '--dump'), /city/);
});

test('cache:generate and cache:clear, with reflection', async () => {
  const guide = new Project(chapter.files(chapter.configWithOptions, 'collection-store-mikro-orm'));
  try {
    const bin = program('@mikro-orm/cli', inBun || coreMajor === 7 ? 'mikro-orm' : 'mikro-orm-esm');
    const command = async (...args: string[]) =>
      succeeded(await guide.run([...(inBun ? [] : shebangOptions(bin)), bin, ...args]));
    assert.match(await command('cache:generate', '--ts'), /metadata cache was successfully generated/);
    const cached = () => readdirSync(join(guide.folder, 'temp')).filter((name) => name.endsWith('.json'));
    assert.ok(cached().length > 0);
    assert.match(await command('cache:clear'), /[Mm]etadata cache was successfully cleared/);
    assert.deepEqual(cached(), []);
  } finally {
    guide.remove();
  }
});

test('discovery:export names the entities', { skip: coreMajor === 6 }, async () => {
  assert.match(await run('discovery:export', '--dump'), /CitySchema/);
});

test('commands for migrations and generated entities say what to do instead', async () => {
  const migration = await cli('migration:create');
  assert.notEqual(migration.code, 0);
  assert.match(migration.output, /orm\.schema\.update\(\)/);
  const generation = await cli('generate-entities', '--dump');
  assert.notEqual(generation.code, 0);
  assert.match(generation.output, /Write the entities/);
});
