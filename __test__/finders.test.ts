import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type EntityManager,
  Entity,
  MikroORM,
  PrimaryKey,
  PrimaryKeyProp,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

/** Has a date of its own for creation and for update. */
@Entity()
class Dated {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'datetime' })
  updatedAt!: Date;
}

/** Has neither a date nor an integer key: the store's own order counts. */
@Entity()
class Plain {
  [PrimaryKeyProp]?: 'code';

  @PrimaryKey({ type: 'string' })
  code!: string;

  @Property({ type: 'number', nullable: true })
  size?: number | null;
}

let orm: MikroORM;
let em: EntityManager;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Dated, Plain], dbName: ':memory:' }));
  await orm.schema.createSchema();
  em = orm.em.fork() as EntityManager;
});

afterEach(() => orm.close(true));

describe('with dates', () => {
  beforeEach(() =>
    em.insertMany(Dated, [
      { id: 1, createdAt: new Date(3_000), updatedAt: new Date(4_000) },
      { id: 2, createdAt: new Date(1_000), updatedAt: new Date(9_000) },
      { id: 3, createdAt: new Date(2_000), updatedAt: new Date(2_000) },
    ] as never),
  );

  test('oldest goes by creation, latest by update', async () => {
    assert.equal((await em.oldest(Dated))?.id, 2);
    assert.equal((await em.latest(Dated))?.id, 2);
    await em.nativeUpdate(Dated, { id: 3 }, { updatedAt: new Date(10_000) });
    assert.equal((await em.fork().latest(Dated))?.id, 3);
  });

  test('first and last go by an integer key', async () => {
    assert.equal((await em.first(Dated))?.id, 1);
    assert.equal((await em.last(Dated))?.id, 3);
  });
});

describe('without dates', () => {
  beforeEach(async () => {
    for (const [code, size] of [
      ['m', 5],
      ['z', null],
      ['a', 9],
    ] as const) {
      await em.insert(Plain, { code, size } as never);
    }
  });

  test('first, last and oldest go by insertion, latest by update', async () => {
    assert.equal((await em.first(Plain))?.code, 'm');
    assert.equal((await em.last(Plain))?.code, 'a');
    assert.equal((await em.oldest(Plain))?.code, 'm');
    assert.equal((await em.latest(Plain))?.code, 'a');
    await em.nativeUpdate(Plain, { code: 'z' }, { size: 1 });
    assert.equal((await em.fork().latest(Plain))?.code, 'z');
    assert.equal((await em.fork().last(Plain))?.code, 'a');
  });

  test('lowest and greatest leave out rows without a value', async () => {
    assert.equal((await em.lowest(Plain, 'size'))?.code, 'm');
    assert.equal((await em.greatest(Plain, 'size'))?.code, 'a');
  });

  test('by a field: all of them, the first and the last inserted', async () => {
    await em.insert(Plain, { code: 'b', size: 5 } as never);
    assert.deepEqual((await em.findBy(Plain, 'size', 5)).map((plain) => plain.code).sort(), ['b', 'm']);
    assert.equal((await em.findFirstBy(Plain, 'size', 5))?.code, 'm');
    assert.equal((await em.findLastBy(Plain, 'size', 5))?.code, 'b');
    assert.equal((await em.findById(Plain, 'z'))?.size, null);
    assert.equal(await em.findById(Plain, 'none'), null);
  });

  test('an unknown field is an error that names it', async () => {
    await assert.rejects(em.lowest(Plain, 'sizes' as never), /sizes/);
    await assert.rejects(em.findBy(Plain, 'sizes' as never, 1 as never), /sizes/);
  });

  test('an empty collection has none', async () => {
    assert.equal(await em.first(Dated), null);
    assert.equal(await em.latest(Dated), null);
    assert.equal(await em.lowest(Dated, 'id'), null);
  });
});
