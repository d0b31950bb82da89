/** The commands of `@mikro-orm/cli` for migrations, in a project in JavaScript and in one in TypeScript. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { coreMajor, inBun, Project, program, shebangOptions, succeeded } from '../guide/project.js';

const config = (emit: string) => `
  import { defineConfig } from 'collection-store-mikro-orm';
  import { Migrator } from 'collection-store-mikro-orm/migrations';
  import { SeedManager } from '@mikro-orm/seeder';
  import { CitySchema } from './city.js';
  import { CitySeeder } from './seeder.js';
  export default defineConfig({
    entities: [CitySchema],
    dbName: 'commands',
    extensions: [Migrator, SeedManager],
    migrations: { path: './migrations', emit: '${emit}' },
    seeder: { path: '.', glob: 'seeder.js', defaultSeeder: 'CitySeeder', seedersList: [CitySeeder] },
  });
`;

const city = (...more: string[]) => `
  import { EntitySchema } from 'collection-store-mikro-orm';
  export class City {}
  export const CitySchema = new EntitySchema({
    class: City,
    properties: { ${["id: { type: 'number', primary: true }", "name: { type: 'string' }", ...more].join(', ')} },
  });
`;

const seeder = `
  import { Seeder } from '@mikro-orm/seeder';
  import { City } from './city.js';
  export class CitySeeder extends Seeder {
    async run(em) {
      em.create(City, { name: 'Wien' });
      await em.flush();
      console.log('cities:', await em.count(City));
    }
  }
`;

const path = program('@mikro-orm/cli', 'mikro-orm');

for (const emit of ['js', 'cjs']) {
  describe(`migrations as ${emit}`, () => {
    const project = new Project({
      'package.json': '{"type":"module","devDependencies":{"@mikro-orm/cli":"*"}}',
      'mikro-orm.config.js': config(emit),
      'city.js': city(),
      'seeder.js': seeder,
    });
    const cli = (...args: string[]) =>
      project.run([...(inBun ? [] : shebangOptions(path)), path, ...args], {
        MIKRO_ORM_CLI_USE_TS_NODE: '0',
        MIKRO_ORM_CLI_PREFER_TS: '0',
      });
    const run = async (...args: string[]) => succeeded(await cli(...args));
    const migrations = () =>
      readdirSync(join(project.folder, 'migrations')).filter((name) => !name.startsWith('.'));

    after(() => project.remove());

    test('create, check and pending', async () => {
      const needed = await cli('migration:check');
      assert.equal(needed.code, 1, needed.output);
      assert.match(needed.output, /Changes detected/);
      const output = await run('migration:create', '--dump', '--name', 'cities');
      assert.match(output, /createCollection.*city/s);
      assert.match(output, /dropCollection\('city'\)/);
      const [file = ''] = migrations();
      assert.match(file, new RegExp(`^Migration\\d{14}_cities\\.${emit}$`));
      assert.match(output, new RegExp(`${file} successfully created`));
      assert.match(await run('migration:check'), /No changes required/);
      assert.match(await run('migration:create'), /No changes required/);
      assert.match(await run('migration:pending'), /Migration\d{14}_cities/);
      assert.match(await run('migration:list'), /No migrations executed yet/);
    });

    test('up and down', async () => {
      writeFileSync(
        join(project.folder, 'city.js'),
        city("country: { type: 'string', nullable: true, unique: true }"),
      );
      // The names of files hold seconds.
      await new Promise((done) => setTimeout(done, 1000));
      await run('migration:create');
      assert.equal(migrations().length, 2);
      const last = readFileSync(join(project.folder, 'migrations', migrations().sort()[1] ?? ''), 'utf8');
      assert.match(last, /addField\('city', \{ name: 'country', type: 'text', nullable: true \}\)/);
      const up = await run('migration:up');
      assert.match(up, /Processing 'Migration\d{14}_cities'.*Applied 'Migration\d{14}'/s);
      assert.match(up, /Successfully migrated up to the latest version/);
      assert.match(await run('migration:down'), /Successfully migrated down/);
    });

    test('fresh, with seeds', async () => {
      const output = await run('migration:fresh', ...(coreMajor === 6 ? [] : ['--seed']));
      assert.match(output, /Dropped schema successfully/);
      assert.match(output, /Successfully migrated up/);
      assert.match(output, coreMajor === 6 ? /Applied/ : /cities: 1/);
    });

    test('log, unlog and rollup', { skip: coreMajor === 6 }, async () => {
      assert.match(await run('migration:log', '--name', 'Other'), /Successfully logged migration 'Other'/);
      assert.match(await run('migration:unlog', '--name', 'Other'), /Successfully unlogged/);
      const rollup = await cli('migration:rollup');
      assert.match(rollup.output, /At least 2 executed migrations/);
    });
  });
}

describe('migrations in TypeScript', () => {
  const project = new Project({
    'package.json': '{"type":"module","devDependencies":{"@mikro-orm/cli":"*"}}',
    'tsconfig.json': '{"compilerOptions":{"module":"nodenext","target":"es2022","strict":true}}',
    'mikro-orm.config.js': config('ts'),
    'city.js': city(),
    'seeder.js': seeder,
  });

  after(() => project.remove());

  test('are written in the folder of the sources, with a snapshot beside them', async () => {
    succeeded(
      await project.run([...(inBun ? [] : shebangOptions(path)), path, 'migration:create', '--initial'], {
        MIKRO_ORM_CLI_USE_TS_NODE: '0',
        MIKRO_ORM_CLI_PREFER_TS: '0',
      }),
    );
    const folder = join(project.folder, 'migrations');
    const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    assert.match(readFileSync(join(folder, file), 'utf8'), /override async up\(\): Promise<void> \{/);
    assert.ok(existsSync(join(folder, '.snapshot-commands.json')));
  });
});
