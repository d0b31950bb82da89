/** Counting apart by properties: core has it from 7.1 on, the entity manager here with every core. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Entity,
  Filter,
  ManyToOne,
  MikroORM,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Shelf {
  @PrimaryKey({ type: 'string' })
  room!: string;

  @PrimaryKey({ type: 'number' })
  place!: number;
}

@Entity()
@Filter({ name: 'kept', cond: { lost: false }, default: true })
class Book {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  genre!: string;

  @Property({ type: 'number', nullable: true })
  year?: number | null;

  @Property({ type: 'boolean' })
  lost = false;

  @Property({ type: 'json', nullable: true })
  notes?: unknown;

  @ManyToOne({ entity: () => Shelf, nullable: true })
  shelf?: Shelf | null;
}

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Shelf, Book], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  await em.insertMany(Shelf, [
    { room: 'hall', place: 1 },
    { room: 'hall', place: 2 },
  ]);
  const book = (id: number, genre: string, year: number | null, shelf: unknown, lost = false) => ({
    id,
    genre,
    year,
    shelf,
    lost,
  });
  await em.insertMany(Book, [
    book(1, 'crime', 1930, ['hall', 1]),
    book(2, 'crime', 1930, ['hall', 2]),
    book(3, 'crime', null, ['hall', 2]),
    book(4, 'poems', 1930, null),
    book(5, 'poems', 1931, null, true),
  ] as never);
});

after(() => orm.close(true));

test('by one property, by several, and with conditions', async () => {
  const em = orm.em.fork();
  assert.deepEqual(await em.countBy(Book, 'genre'), { crime: 3, poems: 1 });
  assert.deepEqual(await em.countBy(Book, 'genre', { filters: false }), { crime: 3, poems: 2 });
  assert.deepEqual(await em.countBy(Book, ['genre', 'year']), {
    'crime~~~null': 1,
    'crime~~~1930': 2,
    'poems~~~1930': 1,
  });
  assert.deepEqual(await em.countBy(Book, 'genre', { where: { year: 1930 } }), { crime: 2, poems: 1 });
  assert.deepEqual(await em.countBy(Book, 'year', { where: { shelf: { place: 2 } } }), { null: 1, 1930: 1 });
  assert.deepEqual(await em.countBy(Book, 'genre', { where: { genre: 'none' } }), {});
});

test('by a relation whose key has two parts', async () => {
  const counts = await orm.em.fork().countBy(Book, 'shelf');
  assert.deepEqual(counts, { 'hall,1': 1, 'hall,2': 2, 'null,null': 1 });
});

test('in a transaction, with what it has not flushed yet', async () => {
  await orm.em.fork().transactional(async (em) => {
    em.create(Book, { id: 9, genre: 'poems', lost: false });
    assert.deepEqual(await em.countBy(Book, 'genre'), { crime: 3, poems: 2 });
    em.clear();
    await em.nativeDelete(Book, { id: 9 });
  });
});

test('what cannot be counted by is named', async () => {
  const em = orm.em.fork();
  await assert.rejects(em.countBy(Book, 'title' as never), /not existing property Book\.title/);
  await assert.rejects(em.countBy(Book, 'genre', { having: {} } as never), /having/);
});
