/** The ways in which chapter 1 of MikroORM's guide says a property may be declared. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';
import {
  defineConfig,
  Entity,
  MikroORM,
  PrimaryKey,
  Property,
  t,
  TextType,
  types,
} from 'collection-store-mikro-orm';
import { coreMajor } from './project.js';

@Entity()
class BigintKey {
  @PrimaryKey({ type: 'bigint' })
  id!: string;
}

@Entity()
class UuidKey {
  @PrimaryKey({ type: 'uuid' })
  uuid = randomUUID();
}

@Entity()
class Texts {
  @PrimaryKey()
  id!: number;

  @Property({ type: 'text' })
  byName = '';

  @Property({ type: TextType })
  byClass = '';

  @Property({ type: t.text })
  byMap = '';

  @Property({ columnType: 'character varying(1000)' })
  byColumn = '';

  @Property({ columnType: 'decimal(10,2)', type: 'decimal' })
  amount = '0.00';
}

describe('properties as the guide declares them', () => {
  let orm: MikroORM;

  async function open(entity: new () => object): Promise<void> {
    orm = await MikroORM.init(defineConfig({ entities: [entity], dbName: ':memory:' }));
    await orm.schema.createSchema();
  }

  afterEach(() => orm.close(true));

  test('a bigint key is a text, beyond what a number can hold', async () => {
    await open(BigintKey);
    const first = new BigintKey();
    const second = new BigintKey();
    second.id = '9007199254740993';
    await orm.em.fork().persist(first).persist(second).flush();
    assert.equal(first.id, '1');
    const found = await orm.em.fork().findOneOrFail(BigintKey, '9007199254740993');
    assert.equal(found.id, '9007199254740993');
  });

  test('a uuid key is made by the initializer, for new entities only', async () => {
    await open(UuidKey);
    const entity = new UuidKey();
    await orm.em.fork().persist(entity).flush();
    const found = await orm.em.fork().findOneOrFail(UuidKey, entity.uuid);
    assert.equal(found.uuid, entity.uuid);
    assert.match(found.uuid, /^[0-9a-f-]{36}$/);
  });

  test('a type is given by name, by class, from the map, or by the column', async () => {
    await open(Texts);
    assert.equal(types, t);
    const texts = Object.assign(new Texts(), {
      byName: 'name',
      byClass: 'class',
      byMap: 'map',
      byColumn: 'column',
      amount: '12.50',
    });
    await orm.em.fork().persist(texts).flush();
    const found = await orm.em.fork().findOneOrFail(Texts, texts.id);
    assert.deepEqual(
      { ...found },
      {
        id: 1,
        byName: 'name',
        byClass: 'class',
        byMap: 'map',
        byColumn: 'column',
        amount: '12.50',
      },
    );
  });
});

describe('initialization', () => {
  let orm: MikroORM;

  afterEach(() => orm.close(true));

  test('at once: the store opens with its first use', async () => {
    orm = MikroORM.initSync(defineConfig({ entities: [UuidKey], dbName: ':memory:' }));
    await orm.schema.refreshDatabase();
    await orm.em.fork().persist(new UuidKey()).flush();
    assert.equal(await orm.em.fork().count(UuidKey), 1);
  });

  test('at once, and opened by `connect`', async () => {
    const options = defineConfig({ entities: [UuidKey], dbName: ':memory:' });
    orm = coreMajor === 6 ? MikroORM.initSync(options) : new MikroORM(options);
    await orm.connect();
    assert.equal(await orm.isConnected(), true);
  });
});
