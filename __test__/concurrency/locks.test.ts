import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type EntityManager,
  Entity,
  IsolationLevel,
  LockMode,
  MikroORM,
  type Options,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Job {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  state = 'new';

  @Property({ type: 'number' })
  runs = 0;
}

let orm: MikroORM;

async function start(driverOptions: Options['driverOptions'] = {}): Promise<void> {
  orm = await MikroORM.init(defineConfig({ entities: [Job], dbName: ':memory:', driverOptions }));
  await orm.schema.createSchema();
  await orm.em.fork().insertMany(Job, [1, 2, 3, 4].map((id) => ({ id, state: 'new', runs: 0 })) as never);
}

beforeEach(() => start());
afterEach(() => orm.close(true));

const locked = (em: EntityManager, id: number, lockMode: LockMode) => em.findOneOrFail(Job, id, { lockMode });
const fork = () => orm.em.fork() as EntityManager;

/** A transaction that has begun, and what it is to be told when to end. */
async function holding(id: number, lockMode = LockMode.PESSIMISTIC_WRITE): Promise<EntityManager> {
  const em = fork();
  await em.begin();
  await locked(em, id, lockMode);
  return em;
}

/** Whether a promise is still open once everything that could settle it has had its turn. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  const later = new Promise((resolve) => setTimeout(resolve, 5, open));
  return (await Promise.race([promise.catch(() => undefined), later])) === open;
}

describe('rows that are locked', () => {
  test('are waited for by those who write them, in transactions and without', async () => {
    const holder = await holding(1);
    const alone = fork().nativeUpdate(Job, 1, { runs: 1 });
    const flushed = fork().transactional(
      async (em) => {
        (await em.findOneOrFail(Job, 1)).state = 'done';
      },
      { isolationLevel: 'read committed' as never },
    );
    assert.ok(await isPending(Promise.race([alone, flushed])));
    await holder.commit();
    await Promise.all([alone, flushed]);
    assert.deepEqual({ ...(await fork().findOneOrFail(Job, 1)) }, { id: 1, state: 'done', runs: 1 });
  });

  test('are read by those who do not lock them', async () => {
    const holder = await holding(1);
    await holder.nativeUpdate(Job, 1, { runs: 9 });
    assert.equal((await fork().findOneOrFail(Job, 1)).runs, 0);
    await holder.rollback();
  });

  test('are shared by readers and kept from writers', async () => {
    const [one, two] = [
      await holding(1, LockMode.PESSIMISTIC_READ),
      await holding(1, LockMode.PESSIMISTIC_READ),
    ];
    const writing = fork().nativeUpdate(Job, 1, { runs: 1 });
    await one.rollback();
    assert.ok(await isPending(writing));
    await two.rollback();
    assert.equal(await writing, 1);
  });

  test('are left out by those who take what is free, who get a full page', async () => {
    const holder = await holding(1);
    const taken = await fork().transactional((em) =>
      em.find(Job, {}, { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE, limit: 2, orderBy: { id: 'asc' } }),
    );
    assert.deepEqual(
      taken.map(({ id }) => id),
      [2, 3],
    );
    const last = await fork().transactional((em) =>
      em.find(
        Job,
        {},
        { lockMode: LockMode.PESSIMISTIC_PARTIAL_READ, offset: 1, orderBy: { state: 'asc', id: 'desc' } },
      ),
    );
    assert.deepEqual(
      last.map(({ id }) => id),
      [3, 2],
    );
    await holder.rollback();
  });

  test('are an error for those who do not wait', async () => {
    const holder = await holding(1);
    for (const mode of [LockMode.PESSIMISTIC_WRITE_OR_FAIL, LockMode.PESSIMISTIC_READ_OR_FAIL]) {
      await assert.rejects(
        fork().transactional((em) => locked(em, 1, mode)),
        { name: 'LockWaitTimeoutException', message: /row \(id\) = \(1\) of collection "job"/ },
      );
    }
    await holder.rollback();
  });

  test('are an error when that takes too long', async () => {
    await orm.close(true);
    await start({ lockTimeout: 10 });
    const holder = await holding(1);
    await assert.rejects(fork().nativeUpdate(Job, 1, { runs: 1 }), {
      name: 'LockWaitTimeoutException',
      message: /lockTimeout/,
    });
    await holder.rollback();
    assert.equal(await fork().nativeUpdate(Job, 1, { runs: 1 }), 1);
  });

  test('are waited for until the caller says stop, whose transaction goes on', async () => {
    const holder = await holding(1);
    const em = fork();
    await em.begin();
    for (const wait of [
      (options: object) => em.nativeUpdate(Job, 1, { runs: 1 }, options),
      (options: object) =>
        em.findOne(Job, 1, { lockMode: LockMode.PESSIMISTIC_WRITE, ...options }) as Promise<unknown>,
      (options: object) => fork().nativeUpdate(Job, 1, { runs: 1 }, options),
    ]) {
      const stop = new AbortController();
      const waiting = wait({ signal: stop.signal });
      assert.ok(await isPending(waiting));
      stop.abort(new RangeError('not that long'));
      await assert.rejects(waiting, /not that long/);
      await assert.rejects(wait({ signal: stop.signal }), /not that long/);
    }
    const next = fork().nativeUpdate(Job, 1, { runs: 2 });
    await holder.rollback();
    assert.equal(await next, 1, "who gave up is in nobody's way");
    assert.equal(await em.nativeUpdate(Job, 2, { runs: 3 }), 1);
    await em.commit();
  });

  test('are locked by `em.lock`', async () => {
    const holder = fork();
    await holder.begin();
    await holder.lock(await holder.findOneOrFail(Job, 1), LockMode.PESSIMISTIC_WRITE);
    const writing = fork().nativeDelete(Job, 1);
    assert.ok(await isPending(writing));
    await holder.rollback();
    assert.equal(await writing, 1);
  });

  test('are refused outside a transaction', async () => {
    await assert.rejects(locked(fork(), 1, LockMode.PESSIMISTIC_WRITE), /transaction/);
    await assert.rejects(locked(fork(), 1, 'strong' as never), /lockMode/);
  });

  test('are given free by a rollback to a savepoint', async () => {
    const em = fork();
    await em.begin();
    await assert.rejects(
      em.transactional(async (inner) => {
        await inner.nativeUpdate(Job, 1, { runs: 1 });
        throw new Error('no');
      }),
      /no/,
    );
    assert.equal(await fork().nativeUpdate(Job, 1, { runs: 5 }), 1);
    await em.rollback();
  });
});

test('of transactions that wait for each other the youngest gives way', async () => {
  const [old, young] = [await holding(1), await holding(2)];
  const waiting = old.nativeUpdate(Job, 2, { runs: 1 });
  await assert.rejects(young.nativeUpdate(Job, 1, { runs: 2 }), {
    name: 'DeadlockException',
    retryable: true,
  });
  await young.rollback();
  assert.equal(await waiting, 1);
  await old.commit();
  assert.deepEqual(
    (await fork().find(Job, { runs: { $gt: 0 } })).map(({ id, runs }) => [id, runs]),
    [[2, 1]],
  );
});

describe('a transaction in conflict', () => {
  const increase = async (em: EntityManager) => {
    const job = await em.findOneOrFail(Job, 1);
    job.runs++;
  };

  test('is run again, on a fresh fork, as often as asked', async () => {
    const tries: number[] = [];
    const work = Array.from({ length: 8 }, () =>
      fork().transactional(
        async (em) => {
          tries.push(0);
          await increase(em as EntityManager);
        },
        { retries: 50 },
      ),
    );
    await Promise.all(work);
    assert.equal((await fork().findOneOrFail(Job, 1)).runs, 8);
    assert.ok(tries.length >= 8);
  });

  test('fails when it was run often enough', async () => {
    let tries = 0;
    await assert.rejects(
      fork().transactional(
        async (em) => {
          // Each time another one: what was in the way once is locked from then on.
          const id = ++tries;
          const job = await em.findOneOrFail(Job, id);
          await fork().nativeUpdate(Job, id, { runs: 100 });
          job.runs++;
        },
        { retries: 2 },
      ),
      { name: 'WriteConflictException', retryable: true, collection: 'job', key: { id: 3 } },
    );
    assert.equal(tries, 3);
    await assert.rejects(
      fork().transactional(async () => {}, { retries: -1 }),
      /retries/,
    );
  });

  for (const isolationLevel of [IsolationLevel.SNAPSHOT, IsolationLevel.SERIALIZABLE]) {
    test(`gets through at ${isolationLevel}, however often others are faster`, async () => {
      let tries = 0;
      const others: Promise<unknown>[] = [];
      await fork().transactional(
        async (em) => {
          tries++;
          for (const id of [1, 2, 3]) {
            const job = await em.findOneOrFail(Job, id);
            // Not waited for: those who are behind the lock come after it.
            others.push(fork().nativeUpdate(Job, id, { runs: 10 }));
            await turn();
            job.runs++;
          }
        },
        { isolationLevel, retries: 100 },
      );
      assert.equal(tries, 4);
      await Promise.all(others);
      const jobs = await fork().find(Job, [1, 2, 3]);
      assert.deepEqual(
        jobs.map(({ runs }) => runs),
        [10, 10, 10],
      );
    });
  }

  test('gets through where it searches what others insert', async () => {
    const count = await fork().count(Job);
    let tries = 0;
    const others: Promise<unknown>[] = [];
    const seen = await fork().transactional(
      async (em) => {
        tries++;
        const jobs = await em.find(Job, { runs: { $gte: 0 } });
        others.push(fork().insert(Job, { state: `other ${tries}`, runs: 0 }));
        await turn();
        (jobs[0] as Job).runs = jobs.length;
        return jobs.length;
      },
      { isolationLevel: IsolationLevel.SERIALIZABLE, retries: 100 },
    );
    assert.equal(tries, 2);
    assert.equal(seen, count + 1);
    await Promise.all(others);
    assert.equal(await fork().count(Job), count + 2);
    // Nobody is kept waiting any more.
    await fork().insert(Job, { state: 'late', runs: 0 });
  });

  test('is not run again once the caller has said stop', async () => {
    const stop = new AbortController();
    let tries = 0;
    const failing = fork().transactional(
      async (em) => {
        tries++;
        await em.findOneOrFail(Job, 1);
        await fork().nativeUpdate(Job, 1, { runs: tries });
        stop.abort(new RangeError('enough'));
        throw Object.assign(new Error('conflict'), { retryable: true });
      },
      { retries: 1_000, signal: stop.signal } as never,
    );
    await assert.rejects(failing, /enough/);
    assert.equal(tries, 1);
  });

  test('says nothing of errors that are none', async () => {
    let tries = 0;
    const failing = fork().transactional(
      async () => {
        tries++;
        throw new Error('mine');
      },
      { retries: 3 },
    );
    await assert.rejects(failing, /mine/);
    assert.equal(tries, 1);
  });
});

describe('transactions nested side by side', () => {
  test('take turns, and one that fails takes nothing of the other', async () => {
    await fork().transactional(async (em) => {
      const results = await Promise.allSettled([
        em.transactional(async (inner) => {
          await inner.nativeUpdate(Job, 1, { runs: 1 });
          await inner.count(Job);
          throw new Error('no');
        }),
        em.transactional(async (inner) => {
          await inner.nativeUpdate(Job, 2, { runs: 2 });
        }),
        em.transactional(async (inner) => {
          await inner.nativeUpdate(Job, 3, { runs: 3 });
          await inner.transactional((innermost) => innermost.nativeUpdate(Job, 4, { runs: 4 }));
        }),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'fulfilled', 'fulfilled'],
      );
    });
    const jobs = await fork().find(Job, {}, { orderBy: { id: 'asc' } });
    assert.deepEqual(
      jobs.map(({ runs }) => runs),
      [0, 2, 3, 4],
    );
  });

  test('keep what the outer one does meanwhile', async () => {
    await fork().transactional(async (em) => {
      const failing = em.transactional(async (inner) => {
        await inner.count(Job);
        await inner.count(Job);
        throw new Error('no');
      });
      await Promise.allSettled([failing, em.nativeUpdate(Job, 2, { runs: 2 })]);
    });
    assert.equal((await fork().findOneOrFail(Job, 2)).runs, 2);
  });

  test('let the outer one be used inside', async () => {
    const em = fork();
    await em.transactional(async (outer) => {
      await outer.transactional(async () => {
        await outer.nativeUpdate(Job, 1, { runs: 1 });
        await outer.transactional((third) => third.nativeUpdate(Job, 2, { runs: 2 }));
      });
    });
    assert.deepEqual(
      (await fork().find(Job, { runs: { $gt: 0 } })).map(({ runs }) => runs),
      [1, 2],
    );
  });

  test('cannot ask for more isolation than the outer one has', async () => {
    await fork().transactional(async (em) => {
      const nested = em.transactional(async () => {}, { isolationLevel: 'serializable' as never });
      await assert.rejects(nested, /serializable.*snapshot/);
      await em.transactional(async () => {}, { isolationLevel: 'read committed' as never });
    });
  });
});

describe('a transaction that is left open', () => {
  test('is ended after the time that is set, and says so', async () => {
    await orm.close(true);
    const warnings: string[] = [];
    orm = await MikroORM.init(
      defineConfig({
        entities: [Job],
        dbName: ':memory:',
        driverOptions: { idleTransactionTimeout: 10 },
        logger: (message) => void warnings.push(message),
        debug: ['query'],
        colors: false,
      }),
    );
    await orm.schema.createSchema();
    await fork().insert(Job, { id: 1, state: 'new', runs: 0 } as never);
    const holder = await holding(1);
    assert.equal(await fork().nativeUpdate(Job, 1, { runs: 1 }), 1);
    await assert.rejects(holder.count(Job), /idleTransactionTimeout/);
    const warning = warnings.find((message) => message.includes('idleTransactionTimeout'));
    assert.match(String(warning), /began here(.|\n)*locks\.test/);
  });

  test('is not idle while one of its calls waits for a lock', async () => {
    await orm.close(true);
    const dbName = 'who waits is not idle';
    orm = await MikroORM.init(defineConfig({ entities: [Job], dbName }));
    await orm.schema.createSchema();
    await fork().insert(Job, { id: 1, state: 'new', runs: 0 } as never);
    const other = await MikroORM.init(
      defineConfig({ entities: [Job], dbName, driverOptions: { idleTransactionTimeout: 10 } }),
    );
    const holder = await holding(1);
    const waiting = other.em
      .fork()
      .transactional((em) => em.transactional((inner) => inner.nativeUpdate(Job, 1, { runs: 1 })));
    await Promise.race([waiting, new Promise((later) => setTimeout(later, 50))]);
    await holder.rollback();
    assert.equal(await waiting, 1);
    await other.close(true);
  });

  test('refuses options that make no sense', async () => {
    for (const driverOptions of [
      { lockTimeout: -1 },
      { idleTransactionTimeout: 'long' as never },
      { isolationLevel: 'high' as never },
    ]) {
      await assert.rejects(
        MikroORM.init(
          defineConfig({ entities: [Job], dbName: ':memory:', driverOptions, connect: false } as never),
        ),
        /lockTimeout|idleTransactionTimeout|isolation level/,
      );
    }
  });
});
