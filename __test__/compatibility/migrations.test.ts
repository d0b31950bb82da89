/** The page of MikroORM's documentation about migrations. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Migration, Migrator } from 'collection-store-mikro-orm/migrations';
import { coreMajor, type Loose, open, page, refused, schema } from './feature.js';

const migrations = page('Migrations', 'migrations');
const Thing = schema('Thing', { name: { type: 'string' } });

class First extends Migration {
  override name = 'First';
  override async up(): Promise<void> {
    await this.schema.update();
    await this.getCollection('thing').insert({ name: 'first' });
  }
  override async down(): Promise<void> {
    await this.schema.dropCollection('thing');
  }
}

class Second extends Migration {
  override name = 'Second';
  override async up(): Promise<void> {
    const em: Loose = this.getEntityManager();
    em.create(Thing, { name: 'second' });
    await em.flush();
  }
  override async down(): Promise<void> {
    await this.getEntityManager().nativeDelete(Thing as Loose, { name: 'second' });
  }
}

const migrated = (options: Loose = {}): Promise<Loose> =>
  open([Thing], {
    extensions: [Migrator],
    migrations: { migrationsList: [First, Second], silent: true, ...options },
  } as Loose);
const executed = async (orm: Loose) => (await orm.migrator.getStorage().executed()).join();

/** Gives a folder for the files of migrations, which is gone afterwards. */
async function inFolder(run: (orm: Loose, files: () => string[]) => Promise<void>, options: Loose = {}) {
  const path = mkdtempSync(join(tmpdir(), 'migrations-'));
  const files = () => readdirSync(path).sort();
  try {
    const orm = await migrated({ migrationsList: undefined, path, pathTs: path, ...options });
    await orm.schema.dropSchema();
    await run(orm, files);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
const create = (orm: Loose, ...args: unknown[]) =>
  coreMajor === 6 ? orm.migrator.createMigration(...args) : orm.migrator.create(...args);

migrations('`Migration` with `up` and `down`, `isTransactional`', async () => {
  const orm = await migrated();
  await orm.migrator.up();
  assert.equal(await orm.em.fork().count(Thing), 2);
  await orm.migrator.down();
  assert.equal(await orm.em.fork().count(Thing), 1);
  assert.equal(new First(orm.em.getDriver(), orm.config).isTransactional(), true);
});
migrations(
  '`this.addSql`, `this.execute`',
  {
    notHere:
      'There is no SQL: `this.schema` changes the schema, `this.getCollection` the rows ([Migrations](migrations.md)).',
  },
  async () => {
    class Sql {
      addSql() {}
      up() {}
    }
    const orm = await migrated({ migrationsList: [Sql] });
    await refused(() => orm.migrator.up(), /Sql is a migration of SQL/);
  },
);
migrations(
  '`@mikro-orm/migrations`',
  { notHere: 'Its migrations are SQL: those of `collection-store-mikro-orm/migrations` take their place.' },
  async () => {
    const orm: Loose = await open([Thing]);
    await refused(() => orm.migrator, /Migrations of @mikro-orm\/migrations are SQL/);
  },
);
migrations('`this.getEntityManager()` in the transaction of the migration', async () => {
  const orm = await migrated();
  await orm.migrator.up({ migrations: ['First'] });
  await orm.migrator.up(['Second']);
  assert.equal(await orm.em.fork().count(Thing, { name: 'second' }), 1);
});
migrations('Creating migrations, the initial one, blank ones', async () => {
  await inFolder(async (orm, files) => {
    const { code } = await create(orm, undefined, false, true);
    assert.match(code, /createCollection/);
    assert.equal(files().filter((name) => name.endsWith('.ts')).length, 1);
    assert.match((await create(orm, undefined, true, false, 'blank')).fileName, /blank/);
  });
});
migrations('Snapshots', async () => {
  await inFolder(async (orm, files) => {
    await create(orm);
    assert.ok(files().some((name) => name.startsWith('.snapshot-')));
    assert.equal((await create(orm)).diff.up.length, 0);
  });
});
migrations('`allOrNothing`, one transaction for all', async () => {
  class Fails extends Migration {
    override name = 'Fails';
    override up(): void {
      throw new Error('on purpose');
    }
  }
  const orm = await migrated({ migrationsList: [First, Fails] });
  await assert.rejects(orm.migrator.up(), /on purpose/);
  assert.equal(await executed(orm), '');
  const each = await migrated({ migrationsList: [First, Fails], allOrNothing: false });
  await assert.rejects(each.migrator.up(), /on purpose/);
  assert.equal(await executed(each), 'First');
});
migrations('`migrator.up` and `down` with names, `to`, `from`, `to: 0`', async () => {
  const orm = await migrated();
  await orm.migrator.up({ to: 'First' });
  assert.equal(await executed(orm), 'First');
  await orm.migrator.up('Second');
  await orm.migrator.down({ to: 0 });
  assert.equal(await executed(orm), '');
});
migrations('Providing a transaction context', async () => {
  const orm = await migrated();
  await orm.em.transactional((em: Loose) => orm.migrator.up({ transaction: em.getTransactionContext() }));
  assert.equal(await executed(orm), 'First,Second');
});
migrations('`migrationsList`, classes and objects with names', async () => {
  const orm = await migrated({ migrationsList: [First, { name: 'Renamed', class: Second }] });
  await orm.migrator.up();
  assert.equal(await executed(orm), 'First,Renamed');
});
migrations('`fileName`, a custom `generator`', async () => {
  const { TSMigrationGenerator } = await import('collection-store-mikro-orm/migrations');
  class Generator extends TSMigrationGenerator {
    override generateMigrationFile(name: string): string {
      return `// ${name}`;
    }
  }
  await inFolder(
    async (orm) => {
      const { code, fileName } = await create(orm);
      assert.match(code, /^\/\/ Migration\d+$/);
      assert.match(fileName, /^own-\d+\.ts$/);
    },
    { generator: Generator, fileName: (time: string) => `own-${time}` },
  );
});
migrations('Listeners: `migrating`, `migrated`, `reverting`, `reverted`', async () => {
  const orm = await migrated();
  const heard: string[] = [];
  orm.migrator.on('migrated', ({ name }: Loose) => void heard.push(name));
  await orm.migrator.up();
  assert.deepEqual(heard, ['First', 'Second']);
});
migrations('`migrator.logMigration`, `unlogMigration`', { since: '7' }, async () => {
  const orm = await migrated();
  await orm.migrator.logMigration('First');
  assert.equal(await executed(orm), 'First');
  await orm.migrator.unlogMigration('First');
  assert.equal(await executed(orm), '');
});
migrations(
  'Runtime schema context (`up({ schema })`)',
  { since: '7', notHere: 'Migrations are of the whole store.' },
  async () => {
    const orm = await migrated();
    await refused(() => orm.migrator.up({ schema: 'tenant' }), /whole store/);
  },
);
migrations(
  'Commands: `migration:create`, `up`, `down`, `list`, `pending`, `check`, `fresh`',
  {
    note: 'Also tested with the command line; `rollup`, `log` and `unlog` in 7. For a store in memory run `orm.migrator.up()` where it is opened.',
  },
  async () => {
    const orm = await migrated();
    await orm.migrator.up();
    await orm.schema.dropSchema({ dropMigrationsTable: true });
    await orm.migrator.up();
    assert.equal(await executed(orm), 'First,Second');
  },
);
