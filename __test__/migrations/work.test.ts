/** What a migration can do with schema and rows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { computed, EntitySchema } from 'collection-store-mikro-orm';
import { Migration, type StoredRow } from 'collection-store-mikro-orm/migrations';
import { inFolders, Author, OlderAuthor, id, text, migratorOf, names, open, withClasses } from './orm.js';

inFolders();

describe('what a migration can do', () => {
  class CreateAuthors extends Migration {
    override name = 'CreateAuthors';

    override async up(): Promise<void> {
      await this.schema.createCollection({
        name: 'author',
        fields: [
          { name: 'id', type: 'int', autoIncrement: true },
          { name: 'name', type: 'text' },
        ],
        primaryKey: ['id'],
      });
      await this.getCollection('author').insert([
        { name: 'Ingeborg Bachmann' },
        { name: 'Elfriede Jelinek' },
      ]);
    }

    override async down(): Promise<void> {
      await this.schema.dropCollection('author');
    }
  }

  test('rows move on where there are no entities any more', async () => {
    class SplitNames extends Migration {
      override name = 'SplitNames';

      override async up(): Promise<void> {
        await this.schema.addField('author', { name: 'first', type: 'text', nullable: true });
        const authors = this.getCollection<{ id: number; name: string; first: string | null }>('author');
        const changed = await authors.updateEach(({ name }) => {
          const [first = '', last = ''] = name.split(' ');
          return { first, name: last };
        });
        assert.equal(changed, 2);
        await this.schema.changeField('author', { name: 'first', type: 'text' });
        await this.schema.addIndex('author', { name: 'names', fields: ['name', 'first'], unique: true });
      }

      override async down(): Promise<void> {
        await this.getCollection('author').updateEach(({ name, first }) => ({ name: `${first} ${name}` }));
        await this.schema.dropIndex('author', 'names');
        await this.schema.dropField('author', 'first');
      }
    }

    const orm = await withClasses([CreateAuthors, SplitNames]);
    await migratorOf(orm).up('CreateAuthors');
    const authors = orm.em.getDriver().getCollection(Author);
    assert.equal(await authors.count({ name: { $like: '% %' } }), 2);
    await migratorOf(orm).up();
    assert.deepEqual(await authors.find({}, { orderBy: { name: 'asc' } }), [
      { id: 1, name: 'Bachmann', first: 'Ingeborg' },
      { id: 2, name: 'Jelinek', first: 'Elfriede' },
    ]);
    await assert.rejects(authors.insert({ name: 'Bachmann', first: 'Ingeborg' }), {
      name: 'UniqueConstraintViolationException',
    });
    await migratorOf(orm).down();
    assert.deepEqual(await authors.find({ id: 1 }), [{ id: 1, name: 'Ingeborg Bachmann' }]);
    assert.deepEqual(await names(orm), ['CreateAuthors']);
  });

  test('rows are found, counted, changed and removed by conditions', async () => {
    const seen: unknown[] = [];
    class Conditions extends Migration {
      override async up(): Promise<void> {
        const authors = this.getCollection('author');
        const [added] = await authors.insert({ name: 'Thomas Bernhard' });
        seen.push(added);
        seen.push(
          await authors.find({ id: { $gte: 2 } }, { fields: ['name'], orderBy: { id: 'desc' }, limit: 1 }),
        );
        seen.push(await authors.findOne({ name: /^Elf/ }), await authors.findOne({ id: 9 }));
        seen.push(await authors.update({ id: [1, 2] }, { name: 'x' }), await authors.count({ name: 'x' }));
        seen.push(await authors.delete({ name: 'x' }), await authors.count());
        seen.push(await authors.updateEach(() => undefined));
      }
    }
    const orm = await withClasses([CreateAuthors, Conditions]);
    await migratorOf(orm).up();
    assert.deepEqual(seen, [
      { id: 3, name: 'Thomas Bernhard' },
      [{ id: 3, name: 'Thomas Bernhard' }],
      { id: 2, name: 'Elfriede Jelinek' },
      null,
      2,
      2,
      2,
      1,
      0,
    ]);
  });

  test('values of every type are kept as they are', async () => {
    const row = {
      id: 1,
      big: 2n ** 60n,
      exact: '12345678901234567890.10',
      half: 0.5,
      yes: true,
      day: new Date(0),
      bytes: new Uint8Array([1, 2, 255]),
      doc: { list: [1, { deep: null }], when: new Date(1) },
      none: null,
    };
    class Values extends Migration {
      override async up(): Promise<void> {
        const types = { id: 'int', big: 'bigint', exact: 'decimal', half: 'float', yes: 'bool' } as const;
        const others = { day: 'date', bytes: 'bytes', doc: 'json', none: 'text' } as const;
        await this.schema.createCollection({
          name: 'value',
          fields: Object.entries({ ...types, ...others }).map(([name, type]) => ({
            name,
            type,
            nullable: name === 'none',
          })),
          primaryKey: ['id'],
        });
        const values = this.getCollection('value');
        await values.insert(row);
        await values.updateEach(({ id: _, ...rest }) => rest);
      }
    }
    const orm = await withClasses([Values]);
    await migratorOf(orm).up();
    const found = await orm.em
      .getDriver()
      .getCollection('value')
      .findOne({ doc: { $ne: null } });
    assert.deepEqual({ ...found, bytes: new Uint8Array(found?.bytes as Uint8Array) }, row);
  });

  test('rows that others have locked are waited for', async () => {
    const orm = await withClasses([CreateAuthors]);
    await migratorOf(orm).up();
    const authors = orm.em.getDriver().getCollection('author');
    let waiting: Promise<number> | undefined;
    await orm.em.fork().transactional(async (em) => {
      await em.nativeUpdate(Author, { id: 1 }, { name: 'locked' });
      waiting = authors.updateEach(({ name }) => ({ name: `${name}!` }), { id: 1 });
      await new Promise((done) => setTimeout(done, 20));
    });
    assert.equal(await waiting, 1);
    assert.deepEqual(await authors.find({ id: 1 }), [{ id: 1, name: 'Ingeborg Bachmann!' }]);
  });

  test('many rows are changed, each once', async () => {
    class Many extends Migration {
      override async up(): Promise<void> {
        const authors = this.getCollection('author');
        await authors.insert(Array.from({ length: 2500 }, (_, i) => ({ name: `${i}` })));
        assert.equal(await authors.updateEach(({ name }) => ({ name: `${name}!` })), 2502);
        assert.equal(await authors.count({ name: { $like: '%!' } }), 2502);
        assert.equal(await authors.count({ name: { $like: '%!!' } }), 0);
      }
    }
    const orm = await withClasses([CreateAuthors, Many]);
    await migratorOf(orm).up();
  });

  test('entities are used by an EntityManager in the same transaction', async () => {
    class Persist extends Migration {
      override async up(): Promise<void> {
        assert.equal(this.em, this.getEntityManager());
        this.em.create(Author, { name: 'Thomas Bernhard' } as Author);
        await this.em.flush();
        assert.equal(await this.em.count(Author), 3);
        assert.equal(await outside.em.fork().count(Author), 2);
        assert.equal(await this.getCollection(Author).count(), 3);
      }
    }
    const outside = await withClasses([CreateAuthors]);
    await migratorOf(outside).up();
    const orm = await withClasses([CreateAuthors, Persist]);
    await migratorOf(orm).up();
    assert.equal(await outside.em.fork().count(Author), 3);
  });

  test('the schema is brought in line with the entities', async () => {
    class Update extends Migration {
      override async up(): Promise<void> {
        await this.schema.update();
        await this.em.insert(Author, { id: 5, name: 'Haushofer', age: 49 });
      }
    }
    const orm = await open([OlderAuthor], { migrationsList: [CreateAuthors, Update] });
    await migratorOf(orm).up();
    assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
    assert.equal(await orm.em.fork().count(Author, { age: null }), 2);
  });

  test('an update makes generated values, in the same transaction', async () => {
    const Shouting = new EntitySchema<Author & { loud?: string }>({
      name: 'Shouting',
      tableName: 'author',
      properties: {
        id,
        name: text,
        loud: {
          type: 'string',
          nullable: true,
          generated: computed((row: Author) => row.name.toUpperCase()),
        },
      } as never,
    });
    const seen: unknown[] = [];
    class Update extends Migration {
      override async up(): Promise<void> {
        await this.schema.update();
        seen.push(await this.getCollection('author').findOne({ id: 1 }));
        throw new Error('on purpose');
      }
    }
    const orm = await open([Shouting], { migrationsList: [CreateAuthors, Update], allOrNothing: false });
    await assert.rejects(migratorOf(orm).up(), /on purpose/);
    assert.deepEqual(seen, [{ id: 1, name: 'Ingeborg Bachmann', loud: 'INGEBORG BACHMANN' }]);
    assert.deepEqual(await orm.em.getDriver().getCollection('author').findOne({ id: 1 }), {
      id: 1,
      name: 'Ingeborg Bachmann',
    });
  });

  test('collections, keys, indexes and foreign keys change', async () => {
    let described: unknown;
    class Schema extends Migration {
      override async up(): Promise<void> {
        await this.schema.createCollection({
          name: 'book',
          fields: [
            { name: 'isbn', type: 'text' },
            { name: 'no', type: 'int', default: { value: 1 } },
            { name: 'author_id', type: 'int', nullable: true },
            { name: 'meta', type: 'json', nullable: true },
          ],
          primaryKey: ['isbn'],
        });
        await this.schema.addForeignKey('book', {
          name: 'book_author',
          fields: ['author_id'],
          target: 'author',
          targetFields: ['id'],
          onDelete: 'setNull',
        });
        await this.schema.addIndex('book', { name: 'by_year', fields: [['meta', 'year'], 'no'] });
        await this.schema.changePrimaryKey('book', ['isbn', 'no']);
        await this.getCollection('book').insert({ isbn: 'a', author_id: 1, meta: { year: 1971 } });
        assert.equal(await this.getCollection('author').delete({ id: 1 }), 1);
        assert.deepEqual(await this.getCollection('book').findOne({ 'meta.year': 1971 }), {
          isbn: 'a',
          no: 1,
          author_id: null,
          meta: { year: 1971 },
        });
        described = (await this.schema.describe()).find(({ name }) => name === 'book');
        await this.schema.dropForeignKey('book', 'book_author');
        await this.schema.dropIndex('book', 'by_year');
      }
    }
    const orm = await withClasses([CreateAuthors, Schema]);
    await migratorOf(orm).up();
    assert.deepEqual(described, {
      name: 'book',
      fields: [
        { name: 'isbn', type: 'text' },
        { name: 'no', type: 'int', default: { value: 1 } },
        { name: 'author_id', type: 'int', nullable: true },
        { name: 'meta', type: 'json', nullable: true },
      ],
      primaryKey: ['isbn', 'no'],
      indexes: [{ name: 'by_year', fields: [['meta', 'year'], 'no'] }],
      foreignKeys: [
        {
          name: 'book_author',
          fields: ['author_id'],
          target: 'author',
          targetFields: ['id'],
          onDelete: 'setNull',
        },
      ],
    });
  });

  test('collections and fields get other names, and are reverted to the old ones', async () => {
    class Names extends Migration {
      override name = 'Names';

      override async up(): Promise<void> {
        await this.schema.createCollection({
          name: 'book',
          fields: [
            { name: 'id', type: 'int' },
            { name: 'by', type: 'int' },
          ],
          primaryKey: ['id'],
          foreignKeys: [{ name: 'book_by', fields: ['by'], target: 'author', targetFields: ['id'] }],
        });
        await this.getCollection('book').insert({ id: 1, by: 2 });
        await this.schema.renameCollection('author', 'writer');
        await this.schema.renameField('writer', 'id', 'no');
        await this.schema.renameField('book', 'by', 'writer_no');
        assert.deepEqual(await this.getCollection('writer').find({ no: 2 }), [
          { no: 2, name: 'Elfriede Jelinek' },
        ]);
        await assert.rejects(this.getCollection('writer').delete({ no: 2 }), {
          name: 'ForeignKeyConstraintViolationException',
        });
        await assert.rejects(this.schema.renameField('writer', 'nme', 'x'), {
          name: 'InvalidFieldNameException',
          message: /"nme".*"name"/,
        });
        await assert.rejects(this.schema.renameCollection('writer', 'book'), {
          name: 'TableExistsException',
        });
      }

      override async down(): Promise<void> {
        await this.schema.dropCollection('book');
        await this.schema.renameField('writer', 'no', 'id');
        await this.schema.renameCollection('writer', 'author');
      }
    }
    const orm = await withClasses([CreateAuthors, Names]);
    await migratorOf(orm).up();
    await assert.rejects(orm.em.fork().count(Author), { name: 'TableNotFoundException' });
    assert.equal(await orm.em.getDriver().getCollection('book').count({ writer_no: 2 }), 1);
    await migratorOf(orm).down();
    assert.equal((await orm.em.fork().findOneOrFail(Author, 2)).name, 'Elfriede Jelinek');
  });

  test('names that are not there are refused, with those that are', async () => {
    const refused: [string, (migration: Migration) => Promise<unknown>, RegExp][] = [
      [
        'TableNotFoundException',
        (m) => m.schema.addField('autor', { name: 'x', type: 'int' }),
        /"autor".*author/,
      ],
      ['TableNotFoundException', (m) => m.schema.dropCollection('autor'), /"autor"/],
      ['TableNotFoundException', (m) => m.getCollection('autor').count(), /"autor".*author/],
      [
        'TableExistsException',
        (m) =>
          m.schema.createCollection({
            name: 'author',
            fields: [{ name: 'id', type: 'int' }],
            primaryKey: ['id'],
          }),
        /author/,
      ],
      [
        'NonUniqueFieldNameException',
        (m) => m.schema.addField('author', { name: 'name', type: 'int' }),
        /author.*name/,
      ],
      [
        'InvalidFieldNameException',
        (m) => m.schema.dropField('author', 'nme'),
        /"nme" of collection "author".*name/,
      ],
      [
        'InvalidFieldNameException',
        (m) => m.schema.changeField('author', { name: 'nme', type: 'int' }),
        /"nme"/,
      ],
      [
        'ServerException',
        (m) => m.schema.dropIndex('author', 'x'),
        /unknown index "x" of collection "author"; there are: none/,
      ],
      ['ServerException', (m) => m.schema.addField('author', { name: 'born', type: 'date' }), /born.*2 rows/],
      [
        'ServerException',
        (m) => m.schema.changeField('author', { name: 'name', type: 'int' }),
        /name.*type.*1/,
      ],
      ['PlanError', (m) => m.getCollection('author').find({ nme: 1 }), /nme/],
      ['PlanError', (m) => m.getCollection('author').insert({ nme: 1 }), /nme/],
      ['PlanError', (m) => m.getCollection('author').updateEach(() => ({ nme: 1 })), /nme/],
    ];
    const seen: StoredRow[] = [];
    class Refused extends Migration {
      override async up(): Promise<void> {
        for (const [name, attempt, message] of refused) {
          await assert.rejects(attempt(this), (error: Error) => {
            assert.equal(error.name, name, error.message);
            assert.match(error.message, message);
            seen.push({ name });
            return true;
          });
        }
      }
    }
    const orm = await withClasses([CreateAuthors, Refused]);
    await migratorOf(orm).up();
    assert.equal(seen.length, refused.length);
  });
});
