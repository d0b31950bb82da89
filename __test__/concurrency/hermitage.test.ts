/**
 * The anomalies of Hermitage (Martin Kleppmann), with the variants of its page on PostgreSQL: what each level allows, and
 * what it prevents. Calls that have to wait are begun, and awaited once the other transaction has ended.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type EntityManager,
  Entity,
  MikroORM,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Item {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number', index: true })
  value!: number;
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Item], dbName: ':memory:' }));
  await orm.schema.createSchema();
  await orm.em.fork().insertMany(Item, [
    { id: 1, value: 10 },
    { id: 2, value: 20 },
  ] as never);
});

afterEach(() => orm.close(true));

const COMMITTED = 'read committed';
const REPEATABLE = 'repeatable read';
const SERIALIZABLE = 'serializable';

/** A transaction, with one call for each statement of Hermitage. */
class Transaction {
  constructor(private readonly em: EntityManager) {}

  get = async (id: number): Promise<number | undefined> =>
    (await this.em.findOne(Item, id, { refresh: true }))?.value;

  find = async (where: object): Promise<number[]> =>
    (await this.em.find(Item, where, { orderBy: { id: 'asc' }, refresh: true } as never)).map(
      ({ value }) => value,
    );

  set = (id: number, value: number): Promise<number> => this.em.nativeUpdate(Item, { id }, { value });

  change = (where: object, value: number): Promise<number> => this.em.nativeUpdate(Item, where, { value });

  delete = (where: object): Promise<number> => this.em.nativeDelete(Item, where);

  insert = (id: number, value: number): Promise<unknown> => this.em.insert(Item, { id, value } as never);

  commit = (): Promise<void> => this.em.commit();

  rollback = (): Promise<void> => this.em.rollback();
}

async function begin(isolationLevel: string): Promise<Transaction> {
  const em = orm.em.fork() as EntityManager;
  await em.begin({ isolationLevel } as never);
  return new Transaction(em);
}

const committed = () => new Transaction(orm.em.fork() as EntityManager).find({});

/** A call that meets what another transaction has locked goes on when that has ended. */
async function afterwards<T>(call: Promise<T>, end: () => Promise<void>): Promise<PromiseSettledResult<T>> {
  const settled = Promise.allSettled([call]);
  await end();
  return (await settled)[0];
}

const conflict = { name: 'WriteConflictException', retryable: true };

function assertConflict(result: PromiseSettledResult<unknown>): void {
  assert.equal(result.status, 'rejected');
  assert.equal((result as PromiseRejectedResult).reason.name, conflict.name);
}

describe('G0, write cycles', () => {
  test('are prevented by read committed: the second write waits', async () => {
    const [one, two] = [await begin(COMMITTED), await begin(COMMITTED)];
    await one.set(1, 11);
    const waiting = two.set(1, 12);
    await one.set(2, 21);
    assert.equal((await afterwards(waiting, one.commit)).status, 'fulfilled');
    assert.deepEqual(await committed(), [11, 21]);
    await two.set(2, 22);
    await two.commit();
    assert.deepEqual(await committed(), [12, 22]);
  });

  for (const level of [REPEATABLE, SERIALIZABLE]) {
    test(`are prevented by ${level}: the second write is a conflict`, async () => {
      const [one, two] = [await begin(level), await begin(level)];
      await two.get(2);
      await one.set(1, 11);
      const waiting = two.set(1, 12);
      await one.set(2, 21);
      assertConflict(await afterwards(waiting, one.commit));
      await two.rollback();
      assert.deepEqual(await committed(), [11, 21]);
    });
  }
});

for (const level of ['read uncommitted', COMMITTED, REPEATABLE, SERIALIZABLE]) {
  describe(`${level} prevents`, () => {
    test('G1a, aborted reads', async () => {
      const [one, two] = [await begin(level), await begin(level)];
      await one.set(1, 101);
      assert.deepEqual(await two.find({}), [10, 20]);
      await one.rollback();
      assert.deepEqual(await two.find({}), [10, 20]);
      await two.commit();
    });

    test('G1b, intermediate reads', async () => {
      const [one, two] = [await begin(level), await begin(level)];
      await one.set(1, 101);
      assert.equal(await two.get(1), 10);
      await one.set(1, 11);
      await one.commit();
      assert.equal(await two.get(1), level.includes('committed') ? 11 : 10);
      await two.commit();
    });

    test('G1c, circular flow of information', async () => {
      const [one, two] = [await begin(level), await begin(level)];
      await one.set(1, 11);
      await two.set(2, 22);
      assert.equal(await one.get(2), 20);
      assert.equal(await two.get(1), 10);
      await one.commit();
      await (level === SERIALIZABLE ? assert.rejects(two.commit(), conflict) : two.commit());
    });
  });
}

describe('OTV, observed transaction vanishes', () => {
  test('is prevented by read committed', async () => {
    const [one, two, three] = [await begin(COMMITTED), await begin(COMMITTED), await begin(COMMITTED)];
    await one.set(1, 11);
    await one.set(2, 19);
    await afterwards(two.set(1, 12), one.commit);
    assert.equal(await three.get(1), 11);
    await two.set(2, 18);
    assert.equal(await three.get(2), 19);
    await two.commit();
    assert.deepEqual(await three.find({}), [12, 18]);
    await three.commit();
  });

  test('is prevented by repeatable read', async () => {
    const [one, two, three] = [await begin(REPEATABLE), await begin(REPEATABLE), await begin(REPEATABLE)];
    await one.set(1, 11);
    await one.set(2, 19);
    await afterwards(two.set(1, 12), one.commit);
    assert.equal(await three.get(1), 11);
    await two.set(2, 18);
    await two.commit();
    assert.deepEqual(await three.find({}), [11, 19]);
    await three.commit();
  });
});

describe('PMP, predicate-many-preceders', () => {
  const seen = async (level: string): Promise<number[]> => {
    const [one, two] = [await begin(level), await begin(level)];
    assert.deepEqual(await one.find({ value: 30 }), []);
    await two.insert(3, 30);
    await two.commit();
    const found = await one.find({ value: { $gte: 30 } });
    await one.commit();
    return found;
  };

  test('is allowed by read committed', async () => assert.deepEqual(await seen(COMMITTED), [30]));
  test('is prevented by repeatable read', async () => assert.deepEqual(await seen(REPEATABLE), []));
  test('is prevented by serializable', async () => assert.deepEqual(await seen(SERIALIZABLE), []));

  test('of a write is prevented by read committed: the statement runs on what it has waited for', async () => {
    const [one, two] = [await begin(COMMITTED), await begin(COMMITTED)];
    await one.set(2, 30);
    await one.set(1, 20);
    const deleted = await afterwards(two.delete({ value: 20 }), one.commit);
    assert.deepEqual(deleted, { status: 'fulfilled', value: 1 });
    await two.commit();
    assert.deepEqual(await committed(), [30]);
  });

  for (const level of [REPEATABLE, SERIALIZABLE]) {
    test(`of a write is prevented by ${level}: it is a conflict, unless nothing was seen before`, async () => {
      const [one, two, fresh] = [await begin(level), await begin(level), await begin(level)];
      await two.get(1);
      await one.set(2, 30);
      await one.set(1, 20);
      const deleting = two.delete({ value: 20 });
      const fromThen = fresh.delete({ value: 20 });
      assertConflict(await afterwards(deleting, one.commit));
      await two.rollback();
      assert.equal(await fromThen, 1);
      await fresh.commit();
      assert.deepEqual(await committed(), [30]);
    });
  }
});

describe('P4, lost updates', () => {
  const lose = async (level: string): Promise<PromiseSettledResult<number>> => {
    const [one, two] = [await begin(level), await begin(level)];
    await one.get(1);
    await two.get(1);
    await one.set(1, 11);
    const result = await afterwards(two.set(1, 11), one.commit);
    await (result.status === 'fulfilled' ? two.commit() : two.rollback());
    return result;
  };

  test('are allowed by read committed', async () =>
    assert.equal((await lose(COMMITTED)).status, 'fulfilled'));
  test('are prevented by repeatable read', async () => assertConflict(await lose(REPEATABLE)));
  test('are prevented by serializable', async () => assertConflict(await lose(SERIALIZABLE)));
});

describe('G-single, read skew', () => {
  const skewed = async (level: string): Promise<(number | undefined)[]> => {
    const [one, two] = [await begin(level), await begin(level)];
    const first = await one.get(1);
    await two.find({});
    await two.set(1, 12);
    await two.set(2, 18);
    await two.commit();
    const second = await one.get(2);
    await one.commit();
    return [first, second];
  };

  test('is allowed by read committed', async () => assert.deepEqual(await skewed(COMMITTED), [10, 18]));
  test('is prevented by repeatable read', async () => assert.deepEqual(await skewed(REPEATABLE), [10, 20]));
  test('is prevented by serializable', async () => assert.deepEqual(await skewed(SERIALIZABLE), [10, 20]));

  test('over predicates is allowed by read committed, prevented above', async () => {
    const over = async (level: string): Promise<number[]> => {
      const [one, two] = [await begin(level), await begin(level)];
      await one.find({ value: { $in: [10, 20] } });
      await two.change({ value: 10 }, 12);
      await two.commit();
      const found = await one.find({ value: { $in: [12, 30] } });
      await one.commit();
      await orm.em.fork().nativeUpdate(Item, { id: 1 }, { value: 10 });
      return found;
    };
    assert.deepEqual(await over(COMMITTED), [12]);
    assert.deepEqual(await over(REPEATABLE), []);
    assert.deepEqual(await over(SERIALIZABLE), []);
  });

  test('over the predicate of a write is allowed by read committed, a conflict above', async () => {
    for (const level of [COMMITTED, REPEATABLE, SERIALIZABLE]) {
      const [one, two] = [await begin(level), await begin(level)];
      assert.equal(await one.get(1), 10);
      await two.set(1, 12);
      await two.set(2, 18);
      await two.commit();
      if (level === COMMITTED) {
        assert.equal(await one.delete({ value: 20 }), 0);
      } else {
        await assert.rejects(one.delete({ value: 20 }), conflict);
      }
      await one.rollback();
      await orm.em.fork().nativeUpdate(Item, { id: 1 }, { value: 10 });
      await orm.em.fork().nativeUpdate(Item, { id: 2 }, { value: 20 });
    }
  });
});

describe('G2-item, write skew', () => {
  const skew = async (level: string): Promise<Transaction> => {
    const [one, two] = [await begin(level), await begin(level)];
    await one.find({ id: { $in: [1, 2] } });
    await two.find({ id: { $in: [1, 2] } });
    await one.set(1, 11);
    await two.set(2, 21);
    await one.commit();
    return two;
  };

  test('is allowed by repeatable read', async () => {
    await (await skew(REPEATABLE)).commit();
    assert.deepEqual(await committed(), [11, 21]);
  });

  test('is prevented by serializable', async () => {
    await assert.rejects((await skew(SERIALIZABLE)).commit(), {
      ...conflict,
      collection: 'item',
      key: { id: 1 },
    });
    assert.deepEqual(await committed(), [11, 20]);
  });
});

describe('G2, anti-dependency cycles', () => {
  const cycle = async (level: string): Promise<Transaction> => {
    const [one, two] = [await begin(level), await begin(level)];
    const where = { value: { $gte: 30, $lt: 50 } };
    assert.deepEqual([await one.find(where), await two.find(where)], [[], []]);
    await one.insert(3, 30);
    await two.insert(4, 42);
    await one.commit();
    return two;
  };

  test('are allowed by repeatable read', async () => {
    await (await cycle(REPEATABLE)).commit();
    assert.deepEqual(await committed(), [10, 20, 30, 42]);
  });

  test('are prevented by serializable', async () => {
    await assert.rejects((await cycle(SERIALIZABLE)).commit(), conflict);
    assert.deepEqual(await committed(), [10, 20, 30]);
  });

  test('of two edges are prevented by serializable', async () => {
    const one = await begin(SERIALIZABLE);
    assert.deepEqual(await one.find({}), [10, 20]);
    const two = await begin(SERIALIZABLE);
    await two.set(2, 25);
    await two.commit();
    const three = await begin(SERIALIZABLE);
    assert.deepEqual(await three.find({}), [10, 25]);
    await three.commit();
    await one.set(1, 0);
    await assert.rejects(one.commit(), conflict);
    assert.deepEqual(await committed(), [10, 25]);
  });

  test('are no false alarm where the ranges that were read did not change', async () => {
    // So many that the index is the way to find them.
    const many = Array.from({ length: 200 }, (_, i) => ({ id: 100 + i, value: 1000 + i }));
    await orm.em.fork().insertMany(Item, many as never);
    const [one, two] = [await begin(SERIALIZABLE), await begin(SERIALIZABLE)];
    await one.find({ value: { $gte: 10, $lt: 15 } });
    await two.find({ value: { $gte: 20, $lt: 25 } });
    await one.set(1, 11);
    await two.set(2, 21);
    await one.commit();
    await two.commit();
    assert.deepEqual((await committed()).slice(0, 2), [11, 21]);
  });

  test('of who has only read are none', async () => {
    const [one, two] = [await begin(SERIALIZABLE), await begin(SERIALIZABLE)];
    await one.find({});
    await two.set(1, 11);
    await two.commit();
    assert.deepEqual(await one.find({}), [10, 20]);
    await one.commit();
  });
});
