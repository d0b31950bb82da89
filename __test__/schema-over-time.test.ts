/** A store that is older than the entities: opening changes nothing, and what is missing is told at its first use. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

class Author {
  id!: number;
  name!: string;
  age?: number | null;
  books?: unknown;
}

class Book {
  id!: number;
  title!: string;
  author!: Author;
  readers?: unknown;
}

const id = { type: 'number', primary: true } as const;
const name = { type: 'string' } as const;

const Old = new EntitySchema<Author>({
  class: Author,
  tableName: 'writers',
  properties: { id, name } as never,
});
const New = new EntitySchema<Author>({
  class: Author,
  tableName: 'writers',
  properties: {
    id,
    name,
    age: { type: 'number', nullable: true, fieldName: 'years' },
    books: { kind: '1:m', entity: () => Book, mappedBy: 'author' },
  } as never,
});
const Books = new EntitySchema<Book>({
  class: Book,
  properties: {
    id,
    title: { type: 'string' },
    author: { kind: 'm:1', entity: () => Author },
    readers: { kind: 'm:n', entity: () => Author },
  } as never,
});
const Unread = new EntitySchema<Book>({
  class: Book,
  properties: {
    id,
    title: { type: 'string' },
    author: { kind: 'm:1', entity: () => Author },
  } as never,
});

let before: MikroORM;
let orm: MikroORM;
const open = (entities: unknown[], extra = {}) =>
  MikroORM.init(defineConfig({ entities: entities as never, dbName: 'schema-over-time', ...extra }));

beforeEach(async () => {
  before = await open([Old]);
  await before.schema.createSchema();
  await before.em.fork().insert(Author, { id: 1, name: 'Bachmann' });
  orm = await open([New, Books]);
});

afterEach(async () => {
  await orm.close(true);
  await before.close(true);
});

test('opening a store with other entities changes nothing', async () => {
  assert.match(await orm.schema.getUpdateSchemaSQL(), /add field writers\.years/);
  assert.equal((await before.schema.getUpdateSchemaSQL()).trim(), '');
  const [author] = await before.em.fork().find(Author, {});
  assert.equal(author?.name, 'Bachmann');
});

for (const debug of [false, true]) {
  describe(`what is missing is told, ${debug ? 'with' : 'without'} a log`, () => {
    beforeEach(async () => {
      await orm.close(true);
      orm = await open([New, Books], { debug, logger: () => {} });
    });

    const lacksAge = {
      name: 'InvalidFieldNameException',
      message:
        /unknown field "years" of collection "writers".* Author\.age .*orm\.schema\.update\(\).*schema:update --run.*migration/,
    };
    const lacksBooks = {
      name: 'TableNotFoundException',
      message: /unknown collection "book"; there are: writers\. Book .*orm\.schema\.update\(\)/,
    };

    test('a missing field, in queries and writes', async () => {
      const em = orm.em.fork();
      await assert.rejects(em.find(Author, {}), lacksAge);
      await assert.rejects(em.count(Author, { age: 1 }), lacksAge);
      await assert.rejects(em.find(Author, {}, { fields: ['id'], orderBy: { age: 'asc' } }), lacksAge);
      await assert.rejects(em.insert(Author, { id: 2, name: 'Jelinek', age: 1 }), lacksAge);
      await assert.rejects(em.nativeUpdate(Author, { id: 1 }, { age: 1 }), lacksAge);
      em.create(Author, { id: 3, name: 'Jelinek', age: 1 });
      await assert.rejects(em.flush(), lacksAge);
      assert.equal(await before.em.fork().count(Author), 1);
    });

    test('a missing collection, reached directly and through relations', async () => {
      const em = orm.em.fork();
      await assert.rejects(em.find(Book, {}), lacksBooks);
      await assert.rejects(em.insert(Book, { id: 1, title: 'Malina', author: 1 }), lacksBooks);
      await assert.rejects(
        em.find(Author, { books: { title: 'Malina' } } as never, { fields: ['id'] }),
        lacksBooks,
      );
    });

    test('a missing collection of links is told by its relation', async () => {
      const alone = await open([New, Unread]);
      await alone.schema.updateSchema();
      await alone.close(true);
      const lacksReaders = {
        name: 'TableNotFoundException',
        message: /unknown collection "book_readers".* Book\.readers .*orm\.schema\.update\(\)/,
      };
      const em = orm.em.fork();
      await assert.rejects(em.find(Book, { readers: { name: 'Ingeborg' } } as never), lacksReaders);
      await assert.rejects(
        em.insert(Book, {
          id: 1,
          title: 'Malina',
          author: 1,
          readers: [1],
        } as never),
        lacksReaders,
      );
    });

    test('a field that the entities have given up and that must not be null', async () => {
      await orm.schema.updateSchema();
      await assert.rejects(
        before.em.fork().insert(Author, { id: 2 } as Author),
        (error: Error) => !error.message.includes('schema.update'),
      );
      await orm.close(true);
      const Nameless = new EntitySchema<Author>({
        class: Author,
        tableName: 'writers',
        properties: { id } as never,
      });
      orm = await open([Nameless]);
      await assert.rejects(orm.em.fork().insert(Author, { id: 2 } as Author), {
        name: 'NotNullConstraintViolationException',
        message: /name.* Author has no property for the field.*orm\.schema\.update\(\)/,
      });
    });

    test('after an update all of it is there, and the rows are kept', async () => {
      await orm.schema.updateSchema();
      const em = orm.em.fork();
      await em.insert(Book, { id: 1, title: 'Malina', author: 1 });
      assert.equal(
        await em.count(Author, { name: 'Bachmann', age: null, books: { title: 'Malina' } } as never),
        1,
      );
    });
  });
}
