import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  Embeddable,
  Embedded,
  Entity,
  EntitySchema,
  Enum,
  MikroORM,
  PrimaryKey,
  Property,
  Type,
  defineConfig,
} from 'collection-store-mikro-orm';

enum Mood {
  Happy = 'happy',
  Sad = 'sad',
}

class Money {
  constructor(readonly cents: number) {}
}

class MoneyType extends Type<Money, string> {
  override convertToDatabaseValue(value: Money | string): string {
    return value instanceof Money ? `cents:${value.cents}` : value;
  }

  override convertToJSValue(value: string): Money {
    return new Money(Number(value.replace('cents:', '')));
  }

  override getColumnType(): string {
    return 'varchar(255)';
  }
}

@Embeddable()
class Address {
  @Property({ type: 'string' })
  street!: string;

  @Property({ type: 'string', nullable: true })
  city?: string;
}

@Entity()
class Everything {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number', nullable: true })
  whole?: number | null;

  @Property({ type: 'bigint', nullable: true })
  big?: bigint | string | number | null;

  @Property({ type: 'double', nullable: true })
  float?: number | null;

  @Property({ type: 'decimal', precision: 20, scale: 4, nullable: true })
  decimal?: string | number | null;

  @Property({ type: 'string', nullable: true })
  text?: string | null;

  @Property({ type: 'boolean', nullable: true })
  flag?: boolean | null;

  @Property({ type: 'datetime', nullable: true })
  at?: Date | null;

  @Property({ type: 'blob', nullable: true })
  bytes?: Buffer | Uint8Array | null;

  @Property({ type: 'json', nullable: true })
  doc?: unknown;

  @Property({ type: 'array', nullable: true })
  tags?: string[] | null;

  @Enum({ items: () => Mood, nullable: true })
  mood?: Mood | null;

  @Property({ type: MoneyType, nullable: true })
  price?: Money | null;

  @Embedded({ entity: () => Address, nullable: true })
  home?: Address | null;

  @Embedded({ entity: () => Address, object: true, nullable: true })
  work?: Address | null;

  @Embedded({ entity: () => Address, array: true, nullable: true })
  former?: Address[] | null;
}

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Everything, Address], dbName: ':memory:' }));
  await orm.schema.createSchema();
});

after(() => orm.close(true));

async function stored(data: Partial<Everything>): Promise<Everything> {
  const em = orm.em.fork();
  const entity = em.create(Everything, data as never);
  await em.persist(entity).flush();
  return orm.em.fork().findOneOrFail(Everything, entity.id);
}

async function roundTrip<K extends keyof Everything>(key: K, value: Everything[K]): Promise<Everything[K]> {
  return (await stored({ [key]: value }))[key];
}

describe('values come back as they went in', () => {
  test('numbers', async () => {
    for (const value of [
      0,
      1,
      -1,
      1.5,
      2 ** 31,
      -(2 ** 40),
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ]) {
      assert.equal(await roundTrip('whole', value), value);
    }
    for (const value of [0.1, -1e300, 5e-324, 3]) {
      assert.equal(await roundTrip('float', value), value);
    }
  });

  test('integers of 64 bits', async () => {
    for (const value of [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      assert.equal(BigInt((await roundTrip('big', value)) as bigint), value);
    }
  });

  test('decimals, exactly', async () => {
    for (const value of ['1.10', '12345678901234.5678', '-0.0001']) {
      assert.equal(Number(await roundTrip('decimal', value)), Number(value));
    }
    assert.equal(String(await roundTrip('decimal', '9007199254740993.0001')), '9007199254740993.0001');
  });

  test('texts, of any kind', async () => {
    for (const value of [
      '',
      'plain',
      'Grüße',
      'Привет',
      '日本語',
      '👍🏽 emoji',
      'a\0b',
      '\u{10FFFF}',
      'it\'s "quoted"',
      'x'.repeat(100_000),
    ]) {
      assert.equal(await roundTrip('text', value), value);
    }
  });

  test('booleans are booleans', async () => {
    assert.equal(await roundTrip('flag', true), true);
    assert.equal(await roundTrip('flag', false), false);
  });

  test('dates, to the millisecond', async () => {
    for (const value of [new Date(0), new Date('1969-07-20T20:17:40.123Z'), new Date(8.64e15)]) {
      const found = await roundTrip('at', value);
      assert.ok(found instanceof Date);
      assert.equal(found.getTime(), value.getTime());
    }
  });

  test('bytes', async () => {
    const value = Buffer.from([0, 1, 127, 128, 255]);
    assert.deepEqual([...((await roundTrip('bytes', value)) as Uint8Array)], [...value]);
  });

  test('documents, with any keys and nesting', async () => {
    const documents: unknown[] = [
      { a: 1, b: [1, 'two', null, { c: true }], d: { e: { f: 'g' } } },
      [],
      {},
      [[1, [2, [3]]]],
      { $set: 1, 'a.b': 2, '': 3, 'with space': 4 },
      JSON.parse('{"__proto__": {"x": 1}, "constructor": 2, "toString": 3}'),
      { text: 'a\0b 👍' },
      'just text',
      42,
      true,
    ];
    for (const value of documents) {
      const found = await roundTrip('doc', value);
      assert.equal(JSON.stringify(found), JSON.stringify(value));
    }
    assert.equal(({} as { x?: number }).x, undefined);
  });

  test('arrays, enums and custom types', async () => {
    assert.deepEqual(await roundTrip('tags', ['a', 'b,c', '']), ['a', 'b,c', '']);
    assert.deepEqual(await roundTrip('tags', []), []);
    assert.equal(await roundTrip('mood', Mood.Sad), Mood.Sad);
    const price = await roundTrip('price', new Money(1250));
    assert.ok(price instanceof Money);
    assert.equal(price.cents, 1250);
  });

  test('embedded objects, inline, as documents and in arrays', async () => {
    const address = { street: 'Main', city: 'Bern' };
    for (const key of ['home', 'work'] as const) {
      const found = await roundTrip(key, address as Address);
      assert.ok(found instanceof Address);
      assert.deepEqual({ ...found }, address);
    }
    const former = await roundTrip('former', [address, { street: 'Side' }] as Address[]);
    assert.equal(former?.length, 2);
    assert.ok(former?.[0] instanceof Address);
    assert.equal(former?.[1]?.street, 'Side');
  });

  test('null stays null', async () => {
    const entity = await stored({});
    for (const key of [
      'whole',
      'big',
      'float',
      'decimal',
      'text',
      'flag',
      'at',
      'bytes',
      'doc',
      'tags',
      'mood',
      'price',
    ] as const) {
      assert.equal(entity[key] ?? null, null, key);
    }
  });
});

describe('documents are copies', () => {
  test('changing what was stored, or what came back, changes nothing in the store', async () => {
    const doc = { list: [1] };
    const em = orm.em.fork();
    const entity = em.create(Everything, { doc } as never);
    await em.persist(entity).flush();
    doc.list.push(2);
    const first = (await orm.em.fork().findOneOrFail(Everything, entity.id)).doc as typeof doc;
    assert.deepEqual(first, { list: [1] });
    first.list.push(3);
    assert.deepEqual((await orm.em.fork().findOneOrFail(Everything, entity.id)).doc, { list: [1] });
  });

  test('a change in place is seen by the next flush', async () => {
    const { id } = await stored({ doc: { list: [1] } });
    const em = orm.em.fork();
    const entity = await em.findOneOrFail(Everything, id);
    (entity.doc as { list: number[] }).list.push(2);
    await em.flush();
    assert.deepEqual((await orm.em.fork().findOneOrFail(Everything, id)).doc, { list: [1, 2] });
  });
});

describe('conditions on values', () => {
  test('dates compare by time, decimals by value, custom types by what is stored', async () => {
    const { id } = await stored({
      at: new Date(1_000),
      decimal: '10.50',
      price: new Money(7),
      big: 2n ** 60n,
      text: 'find me',
    });
    const em = orm.em.fork();
    const count = (where: object) => em.count(Everything, { id, ...where } as never);
    assert.equal(await count({ at: new Date(1_000) }), 1);
    assert.equal(await count({ at: { $gt: new Date(999) } }), 1);
    assert.equal(await count({ at: { $lt: new Date(1_000) } }), 0);
    assert.equal(await count({ decimal: '10.5' }), 1);
    assert.equal(await count({ decimal: { $gt: '9' } }), 1);
    assert.equal(await count({ price: new Money(7) }), 1);
    assert.equal(await count({ big: 2n ** 60n }), 1);
    assert.equal(await count({ big: 2n ** 60n + 1n }), 0);
  });

  test('embedded fields and paths into documents', async () => {
    const { id } = await stored({
      home: { street: 'Main', city: 'Bern' },
      work: { street: 'Office', city: 'Thun' },
      doc: { a: { b: 5, list: ['x', 'y'] } },
    } as never);
    const em = orm.em.fork();
    const count = (where: object) => em.count(Everything, { id, ...where } as never);
    assert.equal(await count({ home: { city: 'Bern' } }), 1);
    assert.equal(await count({ home: { city: { $like: 'b%' } } }), 1);
    assert.equal(await count({ work: { city: 'Thun' } }), 1);
    assert.equal(await count({ work: { city: { $ne: 'Thun' } } }), 0);
    assert.equal(await count({ doc: { a: { b: 5 } } }), 1);
    assert.equal(await count({ doc: { a: { b: { $gt: 5 } } } }), 0);
    assert.equal(await count({ doc: { a: { missing: null } } }), 1);
  });

  test('paths into documents of embedded objects, and whether a bigint is there', async () => {
    const Label = new EntitySchema({
      name: 'Label',
      embeddable: true,
      properties: { notes: { type: 'json', nullable: true } },
    } as never);
    const box = { kind: 'embedded', entity: () => Label, nullable: true };
    const Box = new EntitySchema({
      name: 'Box',
      properties: {
        id: { type: 'number', primary: true },
        big: { type: 'bigint', nullable: true },
        inline: box,
        whole: { ...box, object: true },
      },
    } as never);
    const own = await MikroORM.init(
      defineConfig({ entities: [Label as never, Box as never], dbName: ':memory:' }),
    );
    try {
      await own.schema.createSchema();
      const label = { notes: { a: { b: 5 } } };
      const em = own.em.fork();
      await em.insert(Box, { id: 1, big: 7n, inline: label, whole: label } as never);
      await em.insert(Box, { id: 2 } as never);
      const ids = async (where: object) =>
        (await em.find(Box, where as never)).map((row) => (row as { id: number }).id);
      assert.deepEqual(await ids({ inline: { notes: { a: { b: 5 } } } }), [1]);
      assert.deepEqual(await ids({ inline: { notes: { a: { b: { $gt: 5 } } } } }), []);
      assert.deepEqual(await ids({ inline: { notes: { a: null } } }), [2]);
      assert.deepEqual(await ids({ whole: { notes: { a: { b: 5 } } } }), [1]);
      assert.deepEqual(await ids({ big: { $exists: true } }), [1]);
      assert.deepEqual(await ids({ big: { $exists: false } }), [2]);
    } finally {
      await own.close(true);
    }
  });
});
