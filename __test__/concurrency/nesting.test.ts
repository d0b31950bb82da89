/** How transactions are asked for, nested and ended, as users of MikroORM do it. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import * as library from 'collection-store-mikro-orm';
import {
  type CollectionStoreConnection,
  type EntityManager,
  Entity,
  LockMode,
  MikroORM,
  type Options,
  OptimisticLockError,
  PrimaryKey,
  Property,
  Transactional,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Page {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @Property({ type: 'number', version: true })
  version!: number;
}

@Entity()
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;
}

let orm: MikroORM;
const warnings: string[] = [];

async function start(options: Partial<Options> = {}): Promise<void> {
  orm = await MikroORM.init(
    defineConfig({
      entities: [Page, Note],
      dbName: ':memory:',
      logger: (message) => void warnings.push(message),
      colors: false,
      ...options,
    }),
  );
  await orm.schema.createSchema();
  const em = orm.em.fork();
  await em.insert(Page, { id: 1, text: 'first' } as never);
  await em.insert(Note, { id: 1, text: 'first' });
}

beforeEach(() => start());
afterEach(async () => {
  await orm.close(true);
  warnings.length = 0;
});

const fork = () => orm.em.fork() as EntityManager;
const connection = () => orm.em.getConnection() as unknown as CollectionStoreConnection;
const textOf = async (em: EntityManager = fork()) =>
  (await em.findOneOrFail(Note, 1, { disableIdentityMap: true })).text;
const write = (em: EntityManager, text: string) => em.nativeUpdate(Note, 1, { text });

/** Whether a transaction goes on seeing what it began with. */
async function keepsItsVersion(em: EntityManager): Promise<boolean> {
  const before = await textOf(em);
  await write(fork(), `${before} again`);
  return (await textOf(em)) === before;
}

describe('the level of a transaction', () => {
  const COMMITTED = 'read committed' as never;

  test('is asked for with `transactional`, `begin` and the decorator, and is a snapshot otherwise', async () => {
    assert.equal(await fork().transactional((em) => keepsItsVersion(em)), true);
    assert.equal(
      await fork().transactional((em) => keepsItsVersion(em), { isolationLevel: COMMITTED }),
      false,
    );
    const em = fork();
    await em.begin({ isolationLevel: COMMITTED });
    assert.equal(await keepsItsVersion(em), false);
    await em.commit();

    class Service {
      readonly em = orm.em as EntityManager;

      @Transactional({ isolationLevel: COMMITTED })
      async weak(): Promise<boolean> {
        return keepsItsVersion(this.em);
      }
    }
    assert.equal(await new Service().weak(), false);
  });

  test('has a default that options set', async () => {
    await orm.close(true);
    await start({ driverOptions: { isolationLevel: 'read committed' } as never });
    assert.equal(await fork().transactional((em) => keepsItsVersion(em)), false);
    assert.equal(
      await fork().transactional((em) => keepsItsVersion(em), { isolationLevel: 'snapshot' as never }),
      true,
    );
  });

  test('must be known', async () => {
    const isolationLevel = 'linearizable' as never;
    const unknown = /linearizable.*read uncommitted.*serializable/;
    await assert.rejects(
      fork().transactional(async () => {}, { isolationLevel }),
      unknown,
    );
    await assert.rejects(fork().begin({ isolationLevel }), unknown);
  });

  test('is read committed for the one that a flush opens: it does not fail because another was faster', async () => {
    const managers = [fork(), fork(), fork()];
    for (const [at, em] of managers.entries()) {
      (await em.findOneOrFail(Note, 1)).text = `by ${at}`;
    }
    for (const em of managers) await em.flush();
    assert.equal(await textOf(), 'by 2');
  });
});

describe('a transaction that only reads', () => {
  const readOnly = (work: (em: EntityManager) => Promise<unknown>) =>
    fork().transactional((em) => work(em), { readOnly: true });

  test('refuses whatever writes or locks', async () => {
    for (const work of [
      (em: EntityManager) => em.insert(Note, { id: 2, text: 'x' }),
      (em: EntityManager) => write(em, 'x'),
      (em: EntityManager) => em.nativeDelete(Note, {}),
      (em: EntityManager) => em.upsert(Note, { id: 1, text: 'x' }),
      async (em: EntityManager) => {
        (await em.findOneOrFail(Note, 1)).text = 'x';
      },
      (em: EntityManager) => em.findOne(Note, 1, { lockMode: LockMode.PESSIMISTIC_WRITE }),
      (em: EntityManager) => em.transactional((inner) => write(inner, 'x')),
    ]) {
      await assert.rejects(readOnly(work), /read-only/);
    }
    assert.equal(await fork().count(Note), 1);
    assert.equal(await textOf(), 'first');
  });

  test('refuses them also inside one that writes, which goes on', async () => {
    await fork().transactional(async (outer) => {
      await write(outer, 'outer');
      const inner = (work: (em: EntityManager) => Promise<unknown>) =>
        outer.transactional((em) => work(em), { readOnly: true });
      assert.equal(await inner((em) => textOf(em)), 'outer');
      await assert.rejects(
        inner((em) => write(em, 'inner')),
        { code: 'READ_ONLY' },
      );
      await assert.rejects(
        inner((em) => em.transactional((deeper) => write(deeper, 'deeper'))),
        { code: 'READ_ONLY' },
      );
      await outer.insert(Note, { id: 2, text: 'goes on' });
    });
    assert.equal(await textOf(), 'outer');
    assert.equal(await fork().count(Note), 2);
  });

  test('reads one version, and keeps nobody waiting', async () => {
    assert.equal(await readOnly((em) => keepsItsVersion(em)), true);
  });
});

describe('versions', () => {
  test('are compared by `em.lock`, by a find and by a flush', async () => {
    const em = fork();
    const page = await em.findOneOrFail(Page, 1);
    await em.lock(page, LockMode.OPTIMISTIC, 1);
    await fork().transactional(async (other) => {
      (await other.findOneOrFail(Page, 1)).text = 'second';
    });
    await assert.rejects(
      fork().findOne(Page, 1, { lockMode: LockMode.OPTIMISTIC, lockVersion: 1 }),
      OptimisticLockError,
    );
    await assert.rejects(em.lock(page, LockMode.OPTIMISTIC, 2), OptimisticLockError);
    page.text = 'third';
    await assert.rejects(em.flush(), OptimisticLockError);
    assert.equal((await fork().findOneOrFail(Page, 1)).text, 'second');
  });

  test('are no conflict that is tried again', async () => {
    let tries = 0;
    const failing = fork().transactional(
      async (em) => {
        tries++;
        const page = await em.findOneOrFail(Page, 1);
        page.version = 7;
        page.text = 'x';
      },
      { retries: 3 } as never,
    );
    await assert.rejects(failing);
    assert.equal(tries, 1);
  });
});

describe('nested transactions', () => {
  test('go to any depth, and each takes back what is its own', async () => {
    const DEPTH = 100;
    const down = async (em: EntityManager, depth: number): Promise<void> => {
      await em.insert(Note, { id: 100 + depth, text: `${depth}` });
      if (depth === DEPTH) return;
      const inner = em.transactional(async (next) => {
        await down(next, depth + 1);
        if (depth === DEPTH / 2) throw new RangeError('half');
      });
      await (depth === DEPTH / 2 ? assert.rejects(inner, /half/) : inner);
    };
    await fork().transactional((em) => down(em, 0));
    assert.equal(await fork().count(Note), 1 + DEPTH / 2 + 1);
  });

  test('take back what is done inside them first, also in the name of an outer one', async () => {
    await fork().transactional(async (outer) => {
      const fails = outer.transactional(async (middle) => {
        await middle.transactional(async (inner) => {
          await outer.insert(Note, { id: 2, text: 'outer' });
          assert.equal(await inner.count(Note), 2);
        });
        throw new RangeError('no');
      });
      await assert.rejects(fails, /no/);
      assert.equal(await outer.count(Note), 1);
    });
    assert.equal(await fork().count(Note), 1);
  });

  test('and savepoints with names stand side by side', async () => {
    const store = connection();
    await fork().transactional(async (em) => {
      const ctx = em.getTransactionContext();
      await write(em, 'before');
      const mark = await store.createSavepoint(ctx, 'mark');
      await em.transactional(async (inner) => {
        await write(inner, 'inner');
        const own = await store.createSavepoint(inner.getTransactionContext(), 'mark');
        await write(inner, 'inner again');
        await store.rollbackToSavepoint(inner.getTransactionContext(), own);
        assert.equal(await textOf(inner), 'inner');
      });
      assert.equal(await textOf(em), 'inner');
      await store.rollbackToSavepoint(ctx, mark);
      assert.equal(await textOf(em), 'before');
    });
    assert.equal(await textOf(), 'before');
  });

  test('end with the outer one, whoever ends first, and leave nothing', async () => {
    for (const end of ['commit', 'rollback'] as const) {
      const outer = fork();
      await outer.begin();
      const inner = outer.fork({ keepTransactionContext: true } as never) as EntityManager;
      await inner.begin({ ctx: outer.getTransactionContext() } as never);
      await write(inner, end);
      await outer[end]();
      await assert.rejects(write(inner, 'late'), { code: 'TRANSACTION_CLOSED' });
      await assert.rejects(inner.commit(), { code: 'TRANSACTION_CLOSED' });
      assert.equal(await textOf(), 'commit');
      assert.equal(await write(fork(), 'commit'), 1, 'no lock is left');
    }
    assert.deepEqual(warnings, []);
  });
});

const { TransactionPropagation: modes } = library as unknown as {
  TransactionPropagation?: Record<string, string>;
};
describe('propagation', { skip: modes === undefined }, () => {
  const nest = <T>(outer: EntityManager, propagation: string, work: (em: EntityManager) => Promise<T>) =>
    outer.transactional((em) => work(em), { propagation } as never);

  test('decides what the inner one sees of the outer, and shares with it', async () => {
    for (const [mode, sees, survives] of [
      ['required', true, false],
      ['nested', true, false],
      ['supports', true, false],
      ['mandatory', true, false],
      ['requires_new', false, true],
      ['not_supported', false, true],
    ] as const) {
      const id = 10 + mode.length;
      await assert.rejects(
        fork().transactional(async (outer) => {
          await outer.insert(Note, { id: 2, text: 'of the outer one' });
          await nest(outer, mode, async (inner) => {
            assert.equal((await inner.count(Note, { id: 2 })) === 1, sees, mode);
            await inner.insert(Note, { id, text: mode });
          });
          throw new RangeError('over');
        }),
        /over/,
      );
      assert.equal((await fork().nativeDelete(Note, { id })) === 1, survives, mode);
      assert.equal(await fork().count(Note, { id: 2 }), 0);
    }
  });

  test('refuses what a mode forbids', async () => {
    await assert.rejects(
      nest(fork(), 'mandatory', async () => {}),
      /transaction/,
    );
    await fork().transactional(async (outer) => {
      await assert.rejects(
        nest(outer, 'never', async () => {}),
        /transaction/,
      );
      await write(outer, 'goes on');
    });
    assert.equal(await textOf(), 'goes on');
  });

  test('of a new one lets it be run again by itself', async () => {
    let tries = 0;
    await fork().transactional(async (outer) => {
      await outer.insert(Note, { id: 2, text: 'outer' });
      const options = { propagation: 'requires_new', retries: 3 } as never;
      await outer.transactional(async (inner) => {
        await textOf(inner);
        if (tries++ === 0) await write(fork(), 'faster');
        await write(inner, 'inner');
      }, options);
    });
    assert.equal(tries, 2);
    assert.equal(await textOf(), 'inner');
    assert.equal(await fork().count(Note), 2);
  });
});

test('a transaction that is open when its store is closed is named with the place where it began', async () => {
  await orm.close(true);
  await start({ debug: ['query'] });
  const em = fork();
  await em.begin();
  await write(em, 'lost');
  await orm.close(true);
  const warning = warnings.find((message) => message.includes('its store is closed'));
  assert.match(String(warning), /began here(.|\n)*nesting\.test/);
  await assert.rejects(write(em, 'late'), { code: 'STORE_CLOSED' });
});
