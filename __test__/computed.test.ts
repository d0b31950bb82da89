// biome-ignore-all lint/suspicious/noExplicitAny: entities without classes have no types.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  Check,
  CheckConstraintViolationException,
  Collection,
  Embeddable,
  Embedded,
  Entity,
  EntitySchema,
  Formula,
  Index,
  ManyToOne,
  MikroORM,
  NotNullConstraintViolationException,
  OneToMany,
  PrimaryKey,
  Property,
  UniqueConstraintViolationException,
  check,
  computed,
  defineConfig,
} from 'collection-store-mikro-orm';

@Embeddable()
class Price {
  @Property({ type: 'number' })
  net!: number;

  @Property({ type: 'number' })
  tax!: number;

  @Property({ type: 'number', generated: computed((price: Price) => price.net + price.tax), nullable: true })
  gross?: number;
}

@Entity()
class Shop {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Formula(
    computed((shop: Shop) => shop.name.toUpperCase()),
    { type: 'string' },
  )
  loud?: string;

  @OneToMany({ entity: () => Item, mappedBy: 'shop' })
  items = new Collection<Item>(this);
}

@Entity()
@Check({ name: 'item_range', expression: check((item: Item) => item.count <= item.most) })
class Item {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', fieldName: 'the_code', unique: true })
  code!: string;

  @Property({ type: 'number', default: 1, check: check((item: Item) => item.count >= 0) })
  count!: number;

  @Property({ type: 'number', default: 10 })
  most!: number;

  @Property({ type: 'Date', nullable: true })
  soldAt?: Date | null;

  @Property({ type: 'string', lazy: true, nullable: true })
  notes?: string | null;

  @Property({
    type: 'string',
    fieldName: 'tag',
    generated: computed((item: Item) => `${item.id}-${item.code}`),
  })
  @Index()
  label!: string;

  @Property({
    type: 'string',
    nullable: true,
    unique: true,
    generated: computed((item: Item) => (item.notes ? item.notes.toLowerCase() : null)),
  })
  key?: string | null;

  @Formula(
    computed((item: Item) => item.soldAt?.getUTCFullYear() ?? null),
    { type: 'number' },
  )
  year?: number | null;

  @Formula(
    computed((item: Item) => item.notes?.length ?? 0),
    { type: 'number', lazy: true },
  )
  length?: number;

  @Embedded({ entity: () => Price, nullable: true })
  price?: Price | null;

  @ManyToOne({ entity: () => Shop, nullable: true })
  shop?: Shop | null;
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Shop, Item, Price], dbName: ':memory:' }));
  await orm.schema.createSchema();
});

afterEach(() => orm.close(true));

async function filled(): Promise<void> {
  const em = orm.em.fork();
  const shop = em.create(Shop, { id: 1, name: 'corner' } as never);
  em.create(Item, {
    code: 'a',
    notes: 'First',
    shop,
    soldAt: new Date('2020-05-05T00:00:00Z'),
    price: { net: 10, tax: 2 },
  } as never);
  em.create(Item, { code: 'b', count: 3, shop } as never);
  await em.flush();
}

describe('a formula that is a function', () => {
  test('is computed with every load', async () => {
    await filled();
    const items = await orm.em.fork().find(Item, {}, { orderBy: { id: 'asc' } });
    assert.deepEqual(
      items.map((item) => [item.year, item.length]),
      [
        [2020, undefined],
        [null, undefined],
      ],
    );
  });

  test('is computed in joined and selected relations alike', async () => {
    await filled();
    for (const strategy of ['joined', 'select-in'] as const) {
      const [item] = await orm.em
        .fork()
        .find(Item, { code: 'a' }, { populate: ['shop'], strategy: strategy as never });
      assert.equal(item?.shop?.loud, 'CORNER');
      const [shop] = await orm.em.fork().find(Shop, {}, { populate: ['items'], strategy: strategy as never });
      assert.deepEqual(
        shop?.items.getItems().map((one) => one.year),
        [2020, null],
      );
    }
  });

  test('is lazy where it is declared so, and alone where it is asked for alone', async () => {
    await filled();
    const [lazy] = await orm.em.fork().find(Item, { code: 'a' }, { populate: ['length'] as never });
    assert.equal(lazy?.length, 5);
    assert.equal(lazy?.notes, undefined);
    const [alone] = await orm.em.fork().find(Item, { code: 'a' }, { fields: ['year'] as never });
    assert.equal((alone as Item).year, 2020);
    assert.equal((alone as Item).code, undefined);
    const [without] = await orm.em.fork().find(Item, { code: 'a' }, { exclude: ['year'] as never });
    assert.equal((without as unknown as Item).year, undefined);
    assert.equal((without as unknown as Item).code, 'a');
  });

  test('cannot be queried by, ordered by, or written', async () => {
    const em = orm.em.fork();
    await assert.rejects(em.find(Shop, { loud: 'CORNER' }), /Shop\.loud is computed only when it is loaded/);
    await assert.rejects(em.find(Shop, {}, { orderBy: { loud: 'asc' } }), /Shop\.loud is computed only/);
    await assert.rejects(em.nativeUpdate(Shop, {}, { loud: 'X' }), /Shop\.loud is computed only/);
  });
});

describe('a generated value that is a function', () => {
  test('is stored with an insert, and known to the entity', async () => {
    const em = orm.em.fork();
    const item = em.create(Item, { code: 'a', price: { net: 10, tax: 2 } } as never);
    await em.flush();
    assert.equal(item.label, `${item.id}-a`);
    assert.equal(item.key ?? null, null);
    const found = await orm.em.fork().findOneOrFail(Item, { label: `${item.id}-a` });
    assert.equal(found.label, item.label);
    assert.equal(found.price?.gross, 12);
  });

  test('is what conditions and orders see', async () => {
    await filled();
    const em = orm.em.fork();
    assert.equal(await em.count(Item, { label: { $like: '%-b' } }), 1);
    const ordered = await em.find(Item, {}, { orderBy: { label: 'desc' } });
    assert.deepEqual(
      ordered.map((item) => item.code),
      ['b', 'a'],
    );
    assert.equal(await em.count(Item, { price: { gross: 12 } } as never), 1);
  });

  test('follows changes of entities', async () => {
    await filled();
    const em = orm.em.fork();
    const items = await em.find(Item, {}, { orderBy: { id: 'asc' } });
    const [first, second] = items as [Item, Item];
    first.code = 'x';
    await em.flush();
    assert.equal(first.label, `${first.id}-x`);
    first.code = 'y';
    second.code = 'z';
    await em.flush();
    assert.deepEqual([first.label, second.label], [`${first.id}-y`, `${second.id}-z`]);
    const stored = await orm.em.fork().find(Item, {}, { orderBy: { id: 'asc' } });
    assert.deepEqual(
      stored.map(({ label }) => label),
      [first.label, second.label],
    );
  });

  test('follows changes of many rows, each by its own', async () => {
    await filled();
    const em = orm.em.fork();
    assert.equal(
      await em.nativeUpdate(Item, { code: 'a' }, { notes: 'OTHER', price: { net: 1, tax: 1 } }),
      1,
    );
    assert.equal(await em.count(Item, { key: 'other' }), 1);
    assert.equal(await em.count(Item, { price: { gross: 2 } } as never), 1);
    await em.nativeUpdate(Item, {}, { notes: null });
    assert.equal(await em.count(Item, { key: null }), 2);
  });

  test('follows upserts', async () => {
    await filled();
    const em = orm.em.fork();
    const item = await em.upsert(Item, { code: 'a', notes: 'UP' } as never);
    assert.equal(item.key, 'up');
    assert.equal(await em.count(Item, { key: 'up' }), 1);
    const many = await em.upsertMany(Item, [
      { code: 'b', notes: 'B' },
      { code: 'c', notes: 'C' },
    ] as never);
    assert.deepEqual(
      many.map(({ key }) => key),
      ['b', 'c'],
    );
  });

  test('is part of constraints, whose violation undoes the write', async () => {
    await filled();
    const em = orm.em.fork();
    await assert.rejects(
      em.insertMany(Item, [
        { code: 'c', notes: 'new' },
        { code: 'd', notes: 'FIRST' },
      ] as never),
      UniqueConstraintViolationException,
    );
    assert.equal(await em.count(Item), 2);
    await assert.rejects(em.nativeUpdate(Item, {}, { notes: 'same' }), UniqueConstraintViolationException);
    assert.equal(await em.count(Item, { key: 'first' }), 1);
  });

  test('cannot be written', async () => {
    await filled();
    const em = orm.em.fork();
    await assert.rejects(em.nativeUpdate(Item, {}, { label: 'x' }), /Item\.label is computed/);
    await assert.rejects(em.insert(Item, { code: 'x', label: 'x' } as never), /Item\.label is computed/);
  });

  test('fills rows that were there before it', async () => {
    await orm.close(true);
    const before = new EntitySchema<any>({
      name: 'Note',
      properties: { id: { type: 'number', primary: true }, text: { type: 'string' } },
    });
    const after = new EntitySchema<any>({
      name: 'Note',
      properties: {
        id: { type: 'number', primary: true },
        text: { type: 'string' },
        size: { type: 'number', generated: computed((note) => note.text.length) },
      },
    });
    const old = await MikroORM.init(defineConfig({ entities: [before], dbName: 'generated-later' }));
    await old.schema.createSchema();
    await old.em.fork().insert('Note' as never, { id: 1, text: 'abc' } as never);
    orm = await MikroORM.init(defineConfig({ entities: [after], dbName: 'generated-later' }));
    await orm.schema.updateSchema();
    await old.close(true);
    assert.equal(await orm.em.fork().count('Note' as never, { size: 3 } as never), 1);
  });
});

describe('a check that is a function', () => {
  const violated = (name: RegExp) => (error: Error) => {
    assert.ok(error instanceof CheckConstraintViolationException, error.message);
    assert.match(error.message, name);
    return true;
  };

  test('refuses rows that do not fulfil it, however they are written', async () => {
    await filled();
    const em = orm.em.fork();
    await assert.rejects(em.insert(Item, { code: 'x', count: -1 } as never), violated(/Item\.count/));
    await assert.rejects(em.insert(Item, { code: 'x', count: 11 } as never), violated(/item_range/));
    await assert.rejects(em.nativeUpdate(Item, { code: 'a' }, { most: 0 }), violated(/item_range/));
    await assert.rejects(em.upsert(Item, { code: 'a', count: 12 } as never), violated(/item_range/));
    const item = await em.findOneOrFail(Item, { code: 'a' });
    item.count = 20;
    await assert.rejects(em.flush(), violated(/item_range/));
    const all = await orm.em.fork().find(Item, {}, { orderBy: { id: 'asc' } });
    assert.deepEqual(
      all.map(({ count, most }) => [count, most]),
      [
        [1, 10],
        [3, 10],
      ],
    );
  });

  test('undoes all rows of the write, and nothing before it in the transaction', async () => {
    await filled();
    await orm.em.fork().transactional(async (em) => {
      await em.nativeUpdate(Item, { code: 'a' }, { count: 2 });
      await assert.rejects(
        em.insertMany(Item, [{ code: 'x' }, { code: 'y', count: -1 }] as never),
        violated(/Item\.count/),
      );
    });
    const em = orm.em.fork();
    assert.equal(await em.count(Item), 2);
    assert.equal(await em.count(Item, { count: 2 }), 1);
  });
});

describe('rules of rows', () => {
  test('are for the classes that declare them', async () => {
    await orm.close(true);

    @Entity({ discriminatorColumn: 'kind', discriminatorValue: 'animal' })
    class Animal {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @Property({ type: 'string' })
      name!: string;

      @Property({ type: 'string' })
      kind!: string;
    }

    @Entity({ discriminatorValue: 'dog' })
    @Check({
      name: 'bark_length',
      expression: check((dog: { bark: string | null }) => dog.bark === null || dog.bark.length > 1),
    })
    class Dog extends Animal {
      @Property({ type: 'string' })
      bark!: string;

      @Property({ type: 'number', generated: computed((dog: Dog) => dog.bark.length) })
      volume!: number;

      @Formula(
        computed((dog: Dog) => dog.bark.toUpperCase()),
        { type: 'string' },
      )
      loud?: string;
    }

    @Entity({ discriminatorValue: 'cat' })
    class Cat extends Animal {}

    orm = await MikroORM.init(defineConfig({ entities: [Animal, Dog, Cat], dbName: ':memory:' }));
    await orm.schema.createSchema();
    const em = orm.em.fork();
    em.create(Dog, { name: 'Rex', bark: 'wow' } as never);
    em.create(Cat, { name: 'Tom' } as never);
    await em.flush();
    const all = await orm.em.fork().find(Animal, {}, { orderBy: { id: 'asc' } });
    assert.deepEqual(
      all.map((animal) => [animal.name, (animal as Dog).volume, (animal as Dog).loud]).sort(),
      [
        ['Rex', 3, 'WOW'],
        ['Tom', undefined, undefined],
      ],
    );
    await em.nativeUpdate(Animal, {}, { name: 'All' });
    assert.equal(await em.nativeUpdate(Dog, {}, { bark: 'wuff' } as never), 1);
    assert.equal(await em.count(Dog, { volume: 4 }), 1);
    await assert.rejects(em.nativeUpdate(Dog, {}, { bark: 'w' } as never), CheckConstraintViolationException);
  });

  test('may not depend on keys that change with another entity', async () => {
    await orm.close(true);
    const owner = new EntitySchema<any>({
      name: 'Owner',
      properties: { id: { type: 'number', primary: true } },
    });
    const owned = (rules: object) =>
      new EntitySchema<any>({
        name: 'Owned',
        properties: {
          id: { type: 'number', primary: true },
          owner: { kind: 'm:1', entity: () => owner, nullable: true, ...rules },
          twice: { type: 'number', generated: computed((row) => row.owner * 2) },
        },
      });
    for (const [rules, allowed] of [
      [{}, false],
      [{ updateRule: 'no action', deleteRule: 'restrict' }, true],
    ] as const) {
      orm = await MikroORM.init(defineConfig({ entities: [owner, owned(rules)], dbName: ':memory:' }));
      await orm.schema.createSchema();
      const em = orm.em.fork();
      await em.insert('Owner' as never, { id: 4 } as never);
      const insert = em.insert('Owned' as never, { id: 1, owner: 4 } as never);
      if (allowed) {
        await insert;
        assert.equal(await em.count('Owned' as never, { twice: 8 } as never), 1);
      } else {
        await assert.rejects(insert, /Owned depends on the relation owner/);
        await orm.close(true);
      }
    }
  });

  test('must give a value where one is needed, and at once', async () => {
    await orm.close(true);
    const made = (generated: (row: any) => unknown) =>
      new EntitySchema<any>({
        name: 'Made',
        properties: {
          id: { type: 'number', primary: true },
          value: { type: 'number', generated: computed(generated) },
        },
      });
    for (const [generated, error] of [
      [() => null, NotNullConstraintViolationException],
      [async () => 1, /promise/],
    ] as const) {
      orm = await MikroORM.init(defineConfig({ entities: [made(generated)], dbName: ':memory:' }));
      await orm.schema.createSchema();
      await assert.rejects(orm.em.fork().insert('Made' as never, { id: 1 } as never), error as never);
      assert.equal(await orm.em.fork().count('Made' as never), 0);
      await orm.close(true);
    }
    orm = await MikroORM.init(defineConfig({ entities: [Shop, Item, Price], dbName: ':memory:' }));
  });
});
