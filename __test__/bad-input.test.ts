import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  Collection,
  Embeddable,
  Embedded,
  Entity,
  ManyToOne,
  MikroORM,
  OneToMany,
  PrimaryKey,
  Property,
  defineConfig,
  raw,
  sql,
} from 'collection-store-mikro-orm';
import { coreMajor } from './compatibility/feature.js';

@Embeddable()
class Place {
  @Property({ type: 'string', nullable: true })
  city?: string | null;
}

@Entity()
class Sample {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number', nullable: true })
  whole?: number | null;

  @Property({ type: 'bigint', nullable: true })
  big?: bigint | null;

  @Property({ type: 'string', nullable: true })
  text?: string | null;

  @Property({ type: 'json', nullable: true })
  doc?: unknown;

  @Embedded({ entity: () => Place, nullable: true })
  place?: Place | null;

  @Embedded({ entity: () => Place, object: true, nullable: true })
  spot?: Place | null;

  @Embedded({ entity: () => Place, array: true, nullable: true })
  spots?: Place[] | null;

  @ManyToOne({ entity: () => Sample, nullable: true })
  parent?: Sample | null;

  @OneToMany({ entity: () => Sample, mappedBy: 'parent' })
  children = new Collection<Sample>(this);
}

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Sample], dbName: ':memory:' }));
  await orm.schema.createSchema();
  await orm.em.fork().insert(Sample, { id: 1, whole: 1, parent: 1, text: `${'a'.repeat(60)}!` } as never);
});

after(() => orm.close(true));

/** Whatever is refused leaves the store as it was, and usable. */
async function refused(work: () => Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: Error) => {
    assert.match(error.message, message);
    return true;
  });
  const all = await orm.em.fork().find(Sample, {});
  assert.deepEqual(
    all.map((sample) => [sample.id, sample.whole]),
    [[1, 1]],
  );
}

describe('values that a field cannot hold', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const cases: [text: string, data: object, message: RegExp][] = [
    ['text for a number', { whole: 'many' }, /whole/],
    ['NaN', { whole: Number.NaN }, /whole|NaN/],
    ['an infinity', { whole: Number.POSITIVE_INFINITY }, /whole|finite|Infinity/],
    ['an integer beyond 64 bits', { big: 2n ** 63n }, /big/],
    ['a text with half a surrogate pair', { text: 'a\udc00b' }, /surrogate/],
    ['NaN in a document', { doc: { a: [1, Number.NaN] } }, /NaN|finite/],
    ['a text with half a surrogate pair in a document', { doc: { a: '\ud800' } }, /surrogate/],
    ['a document that contains itself', { doc: cyclic }, /circular|cyclic|itself|stack/i],
    ['an unknown property', { nope: 1 }, /nope/],
    ['an unknown property of an embedded object', { place: { nope: 1 } }, /Sample\.place\.nope/],
  ];

  for (const [text, data, message] of cases) {
    test(text, async () => {
      await refused(() => orm.em.fork().insert(Sample, data as never), message);
      await refused(() => orm.em.fork().nativeUpdate(Sample, { id: 1 }, data as never), message);
    });
  }
});

describe('what nothing can be made of', () => {
  const page = async (orderBy: unknown) => {
    const em = orm.em.fork() as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const options = { first: 1, orderBy };
    return coreMajor === 6
      ? em['findByCursor']?.(Sample, {}, options)
      : em['findByCursor']?.(Sample, { where: {}, ...options });
  };

  test('a value that a property cannot be compared with', async () => {
    const message = /collection "sample": text "old" cannot be compared with field "whole"/;
    const find = (where: object) => () => orm.em.fork().find(Sample, where as never);
    await refused(find({ whole: 'old' }), message);
    await refused(find({ parent: { whole: { $in: [1, 'old'] } } }), message);
  });

  test('changes that are no object', async () => {
    for (const data of [1, 'text', null, [{ whole: 2 }]]) {
      const update = () => orm.em.fork().nativeUpdate(Sample, { id: 1 }, data as never);
      await assert.rejects(update, Error);
    }
    await refused(
      () => orm.em.getDriver().nativeUpdate(Sample, { id: 1 }, 1 as never),
      /changes of Sample must be an object of properties, not 1/,
    );
  });

  test('an order of a page by an unknown property', async () => {
    await refused(() => page({ nope: 'asc' }), /Sample\.nope/);
    await refused(() => page([{ id: 'asc' }, { place: { nope: 'asc' } }]), /Sample\.place\.nope/);
  });

  test('a condition that is no object and no key', async () => {
    await refused(() => orm.em.fork().find(Sample, true as never), /condition/);
  });

  test('a condition on the rows of a relation that is no object and no key', async () => {
    await refused(() => orm.em.fork().find(Sample, { children: true } as never), /Sample\.children.*\$some/);
    await refused(() => orm.em.fork().find(Sample, { children: false } as never), /Sample\.children/);
  });

  test('what is inside of a single value in a document', async () => {
    const deep = { spot: { city: { street: 'x' } } } as never;
    await refused(
      () => orm.em.fork().find(Sample, deep),
      /'street' does not exist in embeddable 'Sample\.spot\.city'/,
    );
  });

  test('an order by the members of a list', async () => {
    const orderBy = { spots: { city: 'asc' } } as never;
    await refused(() => orm.em.fork().find(Sample, {}, { orderBy }), /Sample\.spots is a list/);
  });

  test('something else than a list for a list of embedded objects', async () => {
    for (const spots of [{}, { city: 'x' }, 3, 'text']) {
      await refused(
        () => orm.em.fork().nativeUpdate(Sample, 1, { spots } as never),
        /Sample\.spots is a list of embedded objects/,
      );
      await refused(
        () => orm.em.fork().insert(Sample, { id: 2, spots } as never),
        /Sample\.spots is a list of embedded objects/,
      );
    }
  });

  test('an unknown property in one of a list of conditions', async () => {
    for (const parent of [[{ id: 1, nope: 2 }], { $in: [{ id: 1, nope: 2 }] }, { $nin: [{ nope: 2 }] }]) {
      await refused(() => orm.em.fork().find(Sample, { parent } as never), /Sample\.parent\.nope/);
    }
  });

  test('all that a list of conditions says is asked for', async () => {
    const count = (parent: unknown) => orm.em.fork().count(Sample, { parent } as never);
    assert.equal(await count([{ id: 1, whole: 1 }]), 1);
    assert.equal(await count([{ id: 1, whole: 2 }]), 0);
    assert.equal(await count([{ id: 1, whole: 2 }, { whole: 1 }]), 1);
    assert.equal(await count({ $in: [{ id: 1, whole: 1 }] }), 1);
    assert.equal(await count({ $nin: [{ id: 1, whole: 2 }] }), 1);
    assert.equal(await count({ $nin: [{ id: 1, whole: 1 }] }), 0);
  });

  test('an unknown thing to do about a conflict', async () => {
    const onConflictAction = 'nope' as never;
    await refused(
      () => orm.em.fork().upsert(Sample, { id: 1 }, { onConflictAction }),
      /onConflictAction.*"nope"/,
    );
    await refused(
      () => orm.em.fork().upsertMany(Sample, [{ id: 1 }, { id: 2 }], { onConflictAction }),
      /onConflictAction.*"nope"/,
    );
  });
});

describe('SQL is refused by name', () => {
  test('raw fragments in conditions, data and orders', async () => {
    await refused(() => orm.em.fork().find(Sample, { [raw('lower(text)')]: 'x' } as never), /raw|SQL/i);
    await refused(() => orm.em.fork().find(Sample, { whole: raw('1 + 1') } as never), /raw|SQL/i);
    await refused(
      () => orm.em.fork().nativeUpdate(Sample, { id: 1 }, { whole: raw('whole + 1') } as never),
      /raw|SQL/i,
    );
    await refused(
      () => orm.em.fork().find(Sample, {}, { orderBy: { [raw('random()')]: 'asc' } as never }),
      /raw|SQL/i,
    );
  });

  test('statements', async () => {
    const execute = async () =>
      (orm.em.getConnection() as unknown as { execute(sql: string): Promise<unknown> }).execute('select 1');
    await refused(execute, /SQL/);
  });
});

describe('patterns', () => {
  test('that backtrack do not hang: they are answered or refused', async () => {
    const find = (pattern: RegExp) => orm.em.fork().find(Sample, { text: pattern } as never);
    // Linear with the right engine: it answers.
    assert.equal((await find(/^(a+)+$/)).length, 0);
    // A back-reference cannot be matched in linear time.
    await refused(() => find(/^(a|a)*\1b/), /expression|backtrack/i);
  });
});

describe('after close', () => {
  test('every use is an error that says so', async () => {
    const closed = await MikroORM.init(defineConfig({ entities: [Sample], dbName: ':memory:' }));
    await closed.schema.createSchema();
    const connection = closed.em.getConnection() as unknown as { snapshot(): Promise<unknown> };
    await closed.close(true);
    await assert.rejects(async () => connection.snapshot(), /closed|not connected/i);
  });
});

describe('what would write SQL', () => {
  type Methods = Record<string, (...args: unknown[]) => unknown>;
  const em = () => orm.em.fork() as unknown as Methods;
  const repository = () => orm.em.fork().getRepository(Sample) as unknown as Methods;
  const driver = () => orm.em.getDriver() as unknown as Methods;
  const connection = () => orm.em.getConnection() as unknown as Methods;
  const cases: [owner: string, methods: () => Methods, names: string[]][] = [
    ['the EntityManager', em, ['createQueryBuilder', 'qb', 'getKnex', 'getKysely', 'execute']],
    ['the repository', repository, ['createQueryBuilder', 'qb', 'getKnex', 'getKysely']],
    ['the driver', driver, ['createQueryBuilder', 'execute']],
    ['the connection', connection, ['getKnex', 'getKysely', 'execute']],
  ];

  for (const [owner, methods, names] of cases) {
    for (const name of names) {
      test(`${name} of ${owner} is refused by name, with what to use instead`, async () => {
        await refused(async () => methods()[name]?.('select 1'), new RegExp(`${name}.*SQL.*find`, 's'));
      });
    }
  }

  const fragments: [text: string, use: (forked: MikroORM['em']) => Promise<unknown>][] = [
    ['a value in $in', (forked) => forked.find(Sample, { whole: { $in: [raw('1')] } } as never)],
    ['an operand', (forked) => forked.find(Sample, { whole: { $gt: raw('1') } } as never)],
    ['a value of a template', (forked) => forked.find(Sample, { whole: sql`1 + 1` } as never)],
    ['a condition', (forked) => forked.find(Sample, raw('1 = 1') as never)],
    ['a condition of a count', (forked) => forked.count(Sample, { [raw('a')]: 1 } as never)],
    ['a condition of a removal', (forked) => forked.nativeDelete(Sample, { [raw('a')]: 1 } as never)],
    ['a member of $and', (forked) => forked.find(Sample, { $and: [{ [sql`a`]: 1 }] } as never)],
    [
      'a field',
      (forked) => forked.getDriver().find(Sample as never, {}, { fields: [raw('a as b')] as never }),
    ],
    ['a value to insert', (forked) => forked.insert(Sample, { whole: sql`1 + 1` } as never)],
    ['a value to upsert', (forked) => forked.upsert(Sample, { id: 1, whole: raw('1') } as never)],
    [
      'a value of an entity',
      async (forked) => {
        const sample = await forked.findOneOrFail(Sample, 1);
        sample.whole = raw('whole + 1') as never;
        await forked.flush();
      },
    ],
    [
      'the key of a conflict',
      (forked) => forked.upsert(Sample, { id: 1 } as never, { onConflictFields: raw('(id)') as never }),
    ],
    ['an order', (forked) => forked.find(Sample, {}, { orderBy: raw('random()') as never })],
    ['a list of orders', (forked) => forked.find(Sample, {}, { orderBy: [{ [sql`a`]: 'asc' }] as never })],
  ];
  for (const [text, use] of fragments) {
    test(`a fragment as ${text}`, async () => {
      await refused(() => use(orm.em.fork()), /SQL/);
    });
  }
});
