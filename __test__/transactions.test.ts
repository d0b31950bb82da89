import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type CollectionStoreConnection,
  type EntityManager,
  Entity,
  type EventSubscriber,
  IsolationLevel,
  MikroORM,
  PrimaryKey,
  Property,
  UniqueConstraintViolationException,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Account {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  balance!: number;

  @Property({ type: 'string', nullable: true })
  note?: string;
}

const events: string[] = [];

class Recorder implements EventSubscriber {
  beforeTransactionStart = async () => void events.push('beforeTransactionStart');
  afterTransactionStart = async () => void events.push('afterTransactionStart');
  beforeTransactionCommit = async () => void events.push('beforeTransactionCommit');
  afterTransactionCommit = async () => void events.push('afterTransactionCommit');
  beforeTransactionRollback = async () => void events.push('beforeTransactionRollback');
  afterTransactionRollback = async () => void events.push('afterTransactionRollback');
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(
    defineConfig({ entities: [Account], dbName: ':memory:', subscribers: [new Recorder()] }),
  );
  await orm.schema.createSchema();
  await orm.em.fork().insertMany(Account, [
    { id: 1, balance: 100 },
    { id: 2, balance: 50 },
  ] as never);
  events.length = 0;
});

afterEach(() => orm.close(true));

const connection = () => orm.em.getConnection() as unknown as CollectionStoreConnection;

async function balances(em: EntityManager = orm.em.fork() as EntityManager): Promise<number[]> {
  return (await em.find(Account, {}, { orderBy: { id: 'asc' } })).map((account) => account.balance);
}

const set = (em: { nativeUpdate: EntityManager['nativeUpdate'] }, id: number, balance: number) =>
  em.nativeUpdate(Account, { id }, { balance });

describe('isolation', () => {
  test('nobody sees what is not committed, everybody sees what is', async () => {
    const em = orm.em.fork();
    await em.begin();
    await set(em, 1, 7);
    assert.deepEqual(
      await balances(em.fork({ keepTransactionContext: true } as never) as EntityManager),
      [7, 50],
    );
    assert.deepEqual(await balances(), [100, 50]);
    await em.commit();
    assert.deepEqual(await balances(), [7, 50]);
  });

  test('an explicit transaction goes on seeing what it began with', async () => {
    await orm.em.fork().transactional(async (em) => {
      assert.equal(await em.count(Account), 2);
      await orm.em.fork().insert(Account, { id: 3, balance: 1 } as never);
      assert.equal(await em.count(Account), 2);
    });
    assert.equal(await orm.em.fork().count(Account), 3);
  });

  test('transactions that change different rows both commit', async () => {
    const [a, b] = [orm.em.fork(), orm.em.fork()];
    await a.begin();
    await b.begin();
    await set(a, 1, 1);
    await set(b, 2, 2);
    await a.commit();
    await b.commit();
    assert.deepEqual(await balances(), [1, 2]);
  });

  test('of two transactions that change the same row one gets a conflict', async () => {
    const [a, b] = [orm.em.fork(), orm.em.fork()];
    await a.begin();
    await b.begin();
    await b.count(Account);
    await set(a, 1, 1);
    await a.commit();
    await assert.rejects(() => set(b, 1, 2), {
      name: 'WriteConflictException',
      retryable: true,
      collection: 'account',
      key: { id: 1 },
    });
    await b.rollback();
    assert.deepEqual(await balances(), [1, 50]);
  });

  for (const isolationLevel of Object.values(IsolationLevel)) {
    test(`of two transactions that insert the same key at ${isolationLevel}, none waits and the later fails`, async () => {
      const [a, b] = [orm.em.fork(), orm.em.fork()];
      for (const em of [a, b]) {
        await em.begin({ isolationLevel });
        await em.insert(Account, { id: 3, balance: em === a ? 1 : 2 } as never);
        await set(em, em === a ? 1 : 2, 7);
      }
      await a.commit();
      await assert.rejects(b.commit(), (error: object) => {
        assert.ok(error instanceof UniqueConstraintViolationException);
        assert.ok(!('retryable' in error));
        return true;
      });
      assert.deepEqual(await balances(), [7, 50, 1], 'nothing of the other is left');
    });
  }

  test('flushes side by side both arrive', async () => {
    const work = [1, 2, 3, 4, 5].map(async (n) => {
      const em = orm.em.fork();
      em.persist(em.create(Account, { id: 100 + n, balance: n } as never));
      await em.flush();
    });
    await Promise.all(work);
    assert.equal(await orm.em.fork().count(Account), 7);
  });
});

describe('events', () => {
  test('of a commit', async () => {
    await orm.em.fork().transactional(async (em) => void (await set(em, 1, 5)));
    assert.deepEqual(events, [
      'beforeTransactionStart',
      'afterTransactionStart',
      'beforeTransactionCommit',
      'afterTransactionCommit',
    ]);
  });

  test('of a rollback', async () => {
    await assert.rejects(
      orm.em.fork().transactional(async () => {
        throw new Error('no');
      }),
      /no/,
    );
    assert.deepEqual(events, [
      'beforeTransactionStart',
      'afterTransactionStart',
      'beforeTransactionRollback',
      'afterTransactionRollback',
    ]);
  });
});

describe('savepoints', () => {
  test('rolling back keeps the savepoint and drops later ones', async () => {
    const store = connection();
    await orm.em.fork().transactional(async (em) => {
      const ctx = em.getTransactionContext();
      await set(em, 1, 1);
      const first = await store.createSavepoint(ctx, 'first');
      await set(em, 1, 2);
      const second = await store.createSavepoint(ctx, 'second');
      await set(em, 1, 3);
      await store.rollbackToSavepoint(ctx, first);
      assert.deepEqual(await balances(em as EntityManager), [1, 50]);
      await assert.rejects(store.rollbackToSavepoint(ctx, second), /savepoint/i);
      await set(em, 1, 4);
      await store.rollbackToSavepoint(ctx, first);
      await store.releaseSavepoint(ctx, first);
      await assert.rejects(store.releaseSavepoint(ctx, first), /savepoint/i);
    });
    assert.deepEqual(await balances(), [1, 50]);
  });

  test('a savepoint of another transaction is an error', async () => {
    const store = connection();
    await orm.em.fork().transactional(async (one) => {
      const foreign = await store.createSavepoint(one.getTransactionContext(), 'mine');
      await orm.em.fork().transactional(async (two) => {
        await assert.rejects(store.rollbackToSavepoint(two.getTransactionContext(), foreign), /savepoint/i);
      });
    });
  });

  test('a constraint that fails inside a transaction leaves it usable', async () => {
    await orm.em.fork().transactional(async (em) => {
      await assert.rejects(em.insert(Account, { id: 1, balance: 0 } as never), {
        name: 'UniqueConstraintViolationException',
      });
      await set(em, 1, 9);
    });
    assert.deepEqual(await balances(), [9, 50]);
  });
});

describe('an ended transaction', () => {
  test('cannot be used again', async () => {
    const em = orm.em.fork();
    await em.begin();
    const ctx = em.getTransactionContext();
    await em.commit();
    await assert.rejects(connection().createSavepoint(ctx, 'late'), /transaction/i);
    await assert.rejects(connection().commit(ctx), /transaction/i);
  });
});

describe('snapshots of the whole store', () => {
  test('bring back data and counters, whatever was committed in between', async () => {
    const store = connection();
    const snapshot = await store.snapshot();
    const em = orm.em.fork();
    const id = await em.insert(Account, { balance: 1 } as never);
    await em.nativeDelete(Account, { id: 1 });
    await store.restore(snapshot);
    assert.deepEqual(await balances(), [100, 50]);
    assert.equal(await orm.em.fork().insert(Account, { balance: 2 } as never), id);
    await store.restore(snapshot);
    assert.deepEqual(await balances(), [100, 50]);
  });

  test('bring back the schema', async () => {
    const store = connection();
    const snapshot = await store.snapshot();
    await (orm.schema as unknown as { dropSchema(): Promise<void> }).dropSchema();
    await assert.rejects(balances(), { name: 'TableNotFoundException' });
    await store.restore(snapshot);
    assert.deepEqual(await balances(), [100, 50]);
  });

  test('let go are refused', async () => {
    const snapshot = await connection().snapshot();
    snapshot.dispose();
    snapshot.dispose();
    await assert.rejects(connection().restore(snapshot), { code: 'FOREIGN_SNAPSHOT' });
    const used = await connection().snapshot();
    used[Symbol.dispose]();
    await assert.rejects(connection().restore(used), { code: 'FOREIGN_SNAPSHOT' });
  });

  test('make open transactions that have written conflict, and leave nothing of them', async () => {
    const snapshot = await connection().snapshot();
    const em = orm.em.fork();
    await em.begin();
    await em.nativeUpdate(Account, { id: 1 }, { balance: 7 });
    await connection().restore(snapshot);
    await assert.rejects(em.commit(), { name: 'WriteConflictException' });
    assert.deepEqual(await balances(), [100, 50]);
    const again = orm.em.fork();
    await again.transactional((trx) => trx.nativeUpdate(Account, { id: 1 }, { balance: 8 }));
    assert.deepEqual(await balances(), [8, 50]);
  });

  test('of another store are refused', async () => {
    const other = await MikroORM.init(defineConfig({ entities: [Account], dbName: ':memory:' }));
    await other.schema.createSchema();
    const foreign = await (other.em.getConnection() as unknown as CollectionStoreConnection).snapshot();
    await assert.rejects(connection().restore(foreign), /snapshot/i);
    for (const none of [undefined, null, {}, 7]) {
      await assert.rejects(connection().restore(none as never), { code: 'FOREIGN_SNAPSHOT' });
    }
    await other.close(true);
    assert.deepEqual(await balances(), [100, 50]);
  });
});

describe('forks of the whole store', () => {
  const open = (dbName: string) => MikroORM.init(defineConfig({ entities: [Account], dbName }));
  const balancesOf = async (of: MikroORM) =>
    (await of.em.fork().find(Account, {}, { orderBy: { id: 'asc' } })).map(({ balance }) => balance);

  test('begin as a copy and go their own way, with counters of their own', async () => {
    const fork = await connection().fork();
    const forked = await open(fork.name);
    const ids = await Promise.all(
      [orm, forked].map((of, i) => of.em.fork().insert(Account, { balance: i } as never)),
    );
    assert.equal(ids[0], ids[1]);
    assert.deepEqual(await balances(), [100, 50, 0]);
    fork.close();
    assert.deepEqual(await balancesOf(forked), [100, 50, 1]);
    await forked.em.fork().nativeDelete(Account, {});
    await forked.close(true);
    assert.deepEqual(await balances(), [100, 50, 0]);
  });

  test('hold what is committed', async () => {
    const em = orm.em.fork();
    await em.begin();
    await em.nativeUpdate(Account, {}, { balance: 7 });
    const fork = await connection().fork();
    await em.commit();
    const forked = await open(fork.name);
    assert.deepEqual(await balancesOf(forked), [100, 50]);
    await forked.close(true);
    fork.close();
  });

  test('live until the last who has them closes them', async () => {
    const fork = await connection().fork('transactions: a fork');
    for (let round = 0; round < 2; round++) {
      const forked = await open(fork.name);
      assert.equal((await balancesOf(forked)).length, 2 + round);
      await forked.em.fork().insert(Account, { balance: 1 } as never);
      await forked.close(true);
    }
    fork.close();
    fork.close();
    (await connection().fork('transactions: a fork')).close();
  });

  test('need a name that is free, and one to be found by', async () => {
    const fork = await connection().fork('transactions: taken');
    await assert.rejects(connection().fork('transactions: taken'), (error: Error & { code?: string }) => {
      assert.equal(error.name, 'DatabaseObjectExistsException');
      assert.equal(error.code, 'STORE_EXISTS');
      assert.match(error.message, /transactions: taken.*choose another name/);
      return true;
    });
    fork.close();
    await assert.rejects(connection().fork(':memory:'), /choose another name/);
  });

  test('have snapshots of their own', async () => {
    const fork = await connection().fork();
    const forked = await open(fork.name);
    await assert.rejects(
      (forked.em.getConnection() as unknown as CollectionStoreConnection).restore(
        await connection().snapshot(),
      ),
      { name: 'ServerException', code: 'FOREIGN_SNAPSHOT' },
    );
    await forked.close(true);
    fork.close();
  });
});

describe('stores by name', () => {
  test('two ORMs share a store while one is open', async () => {
    const open = () => MikroORM.init(defineConfig({ entities: [Account], dbName: 'shared-by-name' }));
    const one = await open();
    const two = await open();
    await one.schema.createSchema();
    await one.em.fork().insert(Account, { id: 1, balance: 1 } as never);
    assert.equal(await two.em.fork().count(Account), 1);
    await one.close(true);
    assert.equal(await two.em.fork().count(Account), 1);
    await two.close(true);
    const three = await open();
    await assert.rejects(three.em.fork().count(Account), { name: 'TableNotFoundException' });
    await three.close(true);
  });
});

test('a closed store says that it is closed, and opens again empty', async () => {
  assert.deepEqual(await orm.checkConnection(), { ok: true });
  await orm.close(true);
  assert.equal(await orm.isConnected(), false);
  const check = await orm.checkConnection();
  assert.ok(!check.ok);
  assert.match(check.reason, /connection/i);
  assert.match(String(check.error?.message), /store is closed/);
  await orm.connect();
  assert.deepEqual(await orm.checkConnection(), { ok: true });
  await orm.schema.createSchema();
  assert.deepEqual(await balances(), []);
});
