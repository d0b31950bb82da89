/** Migrations run and are reverted each in one transaction with its entry, or all in one, whoever commits meanwhile. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { type CollectionStoreDriver } from 'collection-store-mikro-orm';
import { Migration } from 'collection-store-mikro-orm/migrations';
import { inFolders, Author, AuthorSchema, migratorOf, names, open, withClasses } from './orm.js';

inFolders();

describe('a migration happens as a whole, with its entry, or not at all', () => {
  const calls: string[] = [];

  class First extends Migration {
    override name = 'First';
    override async up(): Promise<void> {
      calls.push('up First');
      await this.schema.update();
      await this.getCollection('author').insert({ id: 1, name: 'first' });
    }
    override async down(): Promise<void> {
      calls.push('down First');
      await this.schema.dropCollection('author');
    }
  }

  class Second extends Migration {
    override name = 'Second';
    override async up(): Promise<void> {
      calls.push('up Second');
      await this.getCollection('author').insert({ id: 2, name: 'second' });
    }
    override async down(): Promise<void> {
      calls.push('down Second');
      await this.getCollection('author').delete({ id: 2 });
    }
  }

  class Fails extends Migration {
    override name = 'Fails';
    override async up(): Promise<void> {
      await this.schema.addField('author', { name: 'age', type: 'int', nullable: true });
      await this.em.nativeDelete(Author, {});
      throw new Error('on purpose');
    }
  }

  beforeEach(() => {
    calls.length = 0;
  });

  test('by default all that run together are one', async () => {
    const orm = await withClasses([First, Fails]);
    await assert.rejects(migratorOf(orm).up(), /on purpose/);
    assert.deepEqual(await names(orm), []);
    await assert.rejects(orm.em.fork().count(Author), { name: 'TableNotFoundException' });
  });

  test('each by itself, where allOrNothing is false', async () => {
    const orm = await withClasses([First, Fails], { allOrNothing: false });
    await assert.rejects(migratorOf(orm).up(), /on purpose/);
    assert.deepEqual(await names(orm), ['First']);
    assert.equal(await orm.em.fork().count(Author), 1);
    assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
  });

  test('none, where a migration says so', async () => {
    class Loose extends Migration {
      override name = 'Loose';
      override isTransactional(): boolean {
        return false;
      }
      override async up(): Promise<void> {
        await this.getCollection('author').insert({ id: 3, name: 'kept' });
        throw new Error('on purpose');
      }
    }
    const orm = await withClasses([First, Loose], { allOrNothing: false });
    await assert.rejects(migratorOf(orm).up(), /on purpose/);
    assert.deepEqual(await names(orm), ['First']);
    assert.equal(await orm.em.fork().count(Author), 2);
  });

  test('in a transaction of the caller', async () => {
    const orm = await withClasses([First, Second]);
    await assert.rejects(
      orm.em.fork().transactional(async (em) => {
        const done = await migratorOf(orm).up({ transaction: em.getTransactionContext() as never });
        assert.equal(done.length, 2);
        assert.equal(await em.count(Author), 2);
        throw new Error('rolled back');
      }),
      /rolled back/,
    );
    assert.deepEqual(await names(orm), []);
    await orm.em.fork().transactional(async (em) => {
      await migratorOf(orm).up({ to: 'First', transaction: em.getTransactionContext() as never });
    });
    assert.deepEqual(await names(orm), ['First']);
  });

  test('an EntityManager whose entities do not fit rolls all of it back', async () => {
    class Unfitting extends Migration {
      override name = 'Unfitting';
      override async up(): Promise<void> {
        this.em.create(Author, { id: 1, name: 'taken' });
        await this.em.flush();
      }
    }
    const orm = await withClasses([First, Unfitting], { allOrNothing: false });
    await assert.rejects(migratorOf(orm).up(), /author|Author/);
    assert.deepEqual(await names(orm), ['First']);
  });

  test('up and down to where they are told', async () => {
    const orm = await withClasses([First, Second]);
    const migrator = migratorOf(orm);
    await migrator.up({ to: 'First' });
    assert.deepEqual(await names(orm), ['First']);
    await migrator.up(['Second']);
    assert.deepEqual(await names(orm), ['First', 'Second']);
    await migrator.down({ to: 0 });
    assert.deepEqual(await names(orm), []);
    assert.deepEqual(calls, ['up First', 'up Second', 'down Second', 'down First']);
    await migrator.up();
    await migrator.down('Second');
    assert.deepEqual(await names(orm), ['First']);
    assert.deepEqual(
      (await migrator.getPending()).map(({ name }) => name),
      ['Second'],
    );
  });

  test('one without a way back says so, and stays', async () => {
    class OneWay extends Migration {
      override name = 'OneWay';
      override up(): void {}
    }
    const orm = await withClasses([OneWay]);
    await migratorOf(orm).up();
    await assert.rejects(migratorOf(orm).down(), /OneWay cannot be reverted/);
    assert.deepEqual(await names(orm), ['OneWay']);
  });

  test('listeners hear of each', async () => {
    const heard: string[] = [];
    const orm = await withClasses([First, Second]);
    const migrator = migratorOf(orm);
    const listener = ({ name }: { name: string }) => void heard.push(name);
    migrator.on('migrating', ({ name }) => void heard.push(`begin ${name}`));
    migrator.on('migrated', listener).on('reverted', listener);
    await migrator.up();
    migrator.off('reverted', listener);
    await migrator.down();
    assert.deepEqual(heard, ['begin First', 'First', 'begin Second', 'Second']);
  });

  test('entries are kept by updates of the schema, and can be written by hand', async () => {
    const orm = await withClasses([First, Second]);
    const migrator = migratorOf(orm);
    await migrator.up({ to: 'First' });
    await orm.schema.updateSchema();
    await orm.schema.dropSchema();
    assert.deepEqual(await names(orm), ['First']);
    assert.doesNotMatch(await orm.schema.getUpdateSchemaSQL(), /mikro_orm_migrations/);
    await migrator.logMigration('Second');
    await migrator.unlogMigration('First.ts');
    assert.deepEqual(await names(orm), ['Second']);
    const [row] = await migrator.getExecuted();
    assert.ok(row?.executed_at instanceof Date && row.id === 2);
    await orm.schema.dropSchema({ dropMigrationsTable: true } as never);
    assert.deepEqual(await names(orm), []);
  });

  test('a collection of the name that the options give, without changing it for those who only look', async () => {
    const orm = await withClasses([First], { tableName: 'steps' });
    assert.deepEqual(await migratorOf(orm).getExecuted(), []);
    assert.equal((await migratorOf(orm).getPending()).length, 1);
    await assert.rejects(orm.em.getDriver().getCollection('steps').count(), {
      name: 'TableNotFoundException',
    });
    await migratorOf(orm).up();
    assert.equal(await orm.em.getDriver().getCollection('steps').count(), 1);
  });

  test('the names of the other major work too', async () => {
    const orm = await withClasses([First]);
    const migrator = migratorOf(orm);
    assert.equal(await migrator.checkMigrationNeeded(), true);
    assert.equal((await migrator.getPendingMigrations()).length, 1);
    await migrator.up();
    assert.equal((await migrator.getExecutedMigrations()).length, 1);
    assert.equal(orm.config.getExtension('@mikro-orm/migrator'), migrator);
  });
});

describe('what cannot be', () => {
  test('a migration of SQL is told from those of the store', async () => {
    class Sql {
      addSql(): void {}
      up(): void {}
      down(): void {}
      reset(): void {}
      isTransactional(): boolean {
        return true;
      }
    }
    const orm = await withClasses([Sql as never]);
    await assert.rejects(
      migratorOf(orm).up(),
      /Sql is a migration of SQL.*collection-store-mikro-orm\/migrations/,
    );
  });

  test('one name space alone cannot be migrated', async () => {
    const orm = await withClasses([]);
    await assert.rejects(migratorOf(orm).up({ schema: 'tenant' }), /whole store.*'tenant'/);
  });

  test('without the migrator registered the error says how to', async () => {
    const orm = await open([AuthorSchema], {}, { extensions: [] });
    assert.throws(() => orm.migrator, /collection-store-mikro-orm\/migrations.*extensions: \[Migrator\]/);
  });
});

describe('others who commit while migrations run', () => {
  class Ages extends Migration {
    static meanwhile: (() => Promise<unknown>) | undefined;
    static runs = 0;
    override name = 'Ages';

    override async up(): Promise<void> {
      Ages.runs++;
      await this.schema.addField('author', { name: 'age', type: 'int', nullable: true });
      await Ages.meanwhile?.();
      await this.getCollection('author').update({}, { age: 30 });
    }
  }

  for (const allOrNothing of [true, false]) {
    test(`make them run again${allOrNothing ? '' : ', each by itself'}`, async () => {
      const orm = await withClasses([Ages], { allOrNothing });
      await orm.schema.createSchema();
      const authors = () => (orm.em.getDriver() as unknown as CollectionStoreDriver).getCollection('author');
      const insert = (name: string) => authors().insert({ name });
      Ages.runs = 0;
      Ages.meanwhile = () => (Ages.runs < 3 ? insert(`author ${Ages.runs}`) : Promise.resolve());
      const executed = await migratorOf(orm).up();
      assert.deepEqual(
        executed.map(({ name }) => name),
        ['Ages'],
      );
      assert.equal(Ages.runs, 3);
      assert.deepEqual(await names(orm), ['Ages']);
      const rows = await authors().find({});
      assert.deepEqual(
        rows.map(({ name, age }) => [name, age]),
        [
          ['author 1', 30],
          ['author 2', 30],
        ],
      );
      // Whoever never stops is in the way for good, and that is said.
      Ages.meanwhile = () => insert('again');
      Ages.runs = 0;
      await migratorOf(orm).unlogMigration('Ages');
      class Titles extends Ages {
        override name = 'Titles';

        override async up(): Promise<void> {
          Ages.runs++;
          await this.schema.addField('author', { name: 'title', type: 'text', nullable: true });
          await Ages.meanwhile?.();
        }
      }
      const other = await withClasses([Titles], { allOrNothing });
      await assert.rejects(migratorOf(other).up(), /conflicts with another/);
      assert.equal(Ages.runs, 11);
      assert.deepEqual(await names(other), []);
    });
  }
});
