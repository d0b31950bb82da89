/** Seeders and factories of `@mikro-orm/seeder` fill the store. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Factory, Seeder, SeedManager } from '@mikro-orm/seeder';
import {
  type Dictionary,
  EntitySchema,
  type EntityManager,
  MikroORM,
  defineConfig,
} from 'collection-store-mikro-orm';
import { coreMajor } from '../guide/project.js';

class Author {
  id!: number;
  name!: string;
  age!: number;
}

class Book {
  id!: number;
  title!: string;
  author!: Author;
}

const id = { type: 'number', primary: true } as const;
const AuthorSchema = new EntitySchema<Author>({
  class: Author,
  properties: { id, name: { type: 'string' }, age: { type: 'number' } },
});
const BookSchema = new EntitySchema<Book>({
  class: Book,
  properties: { id, title: { type: 'string' }, author: { kind: 'm:1', entity: () => Author } as never },
});

class AuthorFactory extends Factory<Author> {
  model = Author;

  definition(): Partial<Author> {
    return { name: 'Nobody', age: 40 };
  }
}

class AuthorSeeder extends Seeder {
  async run(em: EntityManager, context: Dictionary): Promise<void> {
    context['author'] = await new AuthorFactory(em as never).createOne({ name: 'Bachmann' });
  }
}

class BookSeeder extends Seeder {
  async run(em: EntityManager, context: Dictionary): Promise<void> {
    em.create(Book, { title: 'Malina', author: context['author'] } as Book);
  }
}

class LibrarySeeder extends Seeder {
  async run(em: EntityManager): Promise<void> {
    await this.call(em as never, [AuthorSeeder, BookSeeder]);
  }
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(
    defineConfig({
      entities: [AuthorSchema, BookSchema],
      dbName: ':memory:',
      extensions: [SeedManager as never],
      seeder: { seedersList: [LibrarySeeder, AuthorSeeder, BookSeeder] } as never,
    }),
  );
  await orm.schema.createSchema();
});

afterEach(() => orm.close(true));

async function library(): Promise<string[]> {
  const books = await orm.em.fork().find(Book, {}, { populate: ['author'] });
  return books.map(({ title, author }) => `${author.name}: ${title}`);
}

test('a seeder calls others, which share a context', async () => {
  await orm.seeder.seed(LibrarySeeder);
  assert.deepEqual(await library(), ['Bachmann: Malina']);
});

// Major 6 looks for files only, as the commands of the CLI do.
test('a seeder is found by its name', { skip: coreMajor === 6 }, async () => {
  await orm.seeder.seedString('LibrarySeeder');
  assert.deepEqual(await library(), ['Bachmann: Malina']);
});

test('a fresh schema is seeded', async () => {
  await orm.seeder.seed(LibrarySeeder);
  await orm.schema.refreshDatabase();
  await orm.seeder.seed(LibrarySeeder);
  assert.deepEqual(await library(), ['Bachmann: Malina']);
});

test('factories make entities, and create them in the store', async () => {
  const em = orm.em.fork();
  const factory = new AuthorFactory(em as never);
  const made = factory.makeOne({ age: 1 });
  assert.deepEqual([made.name, made.age], ['Nobody', 1]);
  assert.equal(await orm.em.fork().count(Author), 0);

  const numbered = new AuthorFactory(orm.em.fork() as never).each((author) => {
    author.name = 'Somebody';
  });
  const created = await numbered.create(3, { age: 50 });
  assert.deepEqual(
    created.map((author) => author.id),
    [1, 2, 3],
  );
  assert.equal(await orm.em.fork().count(Author, { name: 'Somebody', age: 50 }), 3);
});
