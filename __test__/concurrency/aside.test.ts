/** Statements that are too long for the thread of JavaScript: they go on in another, and nobody can tell but by the time. */
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import {
  type EntityManager,
  Entity,
  IsolationLevel,
  MikroORM,
  PrimaryKey,
  Property,
  Unique,
  defineConfig,
} from 'collection-store-mikro-orm';
import { binding } from '#driver/native/binding.js';

@Entity()
class Reading {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  value!: number;

  @Unique()
  @Property({ type: 'string' })
  name!: string;
}

/** More than may be looked at on the thread of JavaScript, of which the first ones fit. */
const ROWS = 200;
const HERE = 100;

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Reading], dbName: ':memory:' }));
  await orm.schema.createSchema();
  await fork().insertMany(Reading, rows(1, ROWS));
  binding().setMost(HERE);
});
afterEach(() => orm.close(true));
after(() => binding().setMost());

const fork = () => orm.em.fork() as EntityManager;

function rows(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    id: from + i,
    value: from + i,
    name: `reading ${from + i}`,
  }));
}

/** What takes no time, but lets what was called before get to the engine. */
const short = () => fork().count(Reading);

/** Runs work and writes down when it was done. */
function noted(log: string[], name: string, work: Promise<unknown>): Promise<unknown> {
  return work.finally(() => log.push(name));
}

describe('a long statement', () => {
  for (const [name, long] of Object.entries({
    count: (em: EntityManager) => em.count(Reading, { value: { $gt: 0 } }),
    'find, unsorted': (em: EntityManager) => em.find(Reading, {}),
    'find, sorted': (em: EntityManager) => em.find(Reading, {}, { orderBy: { value: 'desc' }, limit: 1 }),
    'find that looks for what is not there': (em: EntityManager) => em.findOne(Reading, { value: -1 }),
    update: (em: EntityManager) => em.nativeUpdate(Reading, {}, { value: 0 }),
    delete: (em: EntityManager) => em.nativeDelete(Reading, { value: { $gt: 0 } }),
    'delete of everything': (em: EntityManager) => em.nativeDelete(Reading, {}),
    'insert of many': (em: EntityManager) => em.insertMany(Reading, rows(ROWS + 1, ROWS)),
    'upsert of many': (em: EntityManager) => em.upsertMany(Reading, rows(1, ROWS)),
  })) {
    test(`lets short ones pass: ${name}`, async () => {
      const log: string[] = [];
      const slow = noted(log, 'long', long(fork()));
      await noted(log, 'short', short());
      await slow;
      assert.deepEqual(log, ['short', 'long']);
    });
  }

  test('gives what a short one gives', async () => {
    const em = fork();
    assert.equal(await em.count(Reading, { value: { $gt: 10 } }), ROWS - 10);
    const found = await em.find(Reading, {}, { orderBy: { value: 'desc' } });
    assert.deepEqual(
      found.map(({ id }) => id),
      rows(1, ROWS).map(({ id }) => ROWS + 1 - id),
    );
    assert.equal(await em.nativeUpdate(Reading, { value: { $gt: 10 } }, { value: 0 }), ROWS - 10);
    assert.equal(await em.nativeDelete(Reading, { value: 0 }), ROWS - 10);
    assert.equal(await em.count(Reading), 10);
  });

  test('inserts more rows than it does at a time, all of them or none', async () => {
    binding().setMost();
    const many = rows(ROWS + 1, 10_000);
    const log: string[] = [];
    const inserting = noted(log, 'long', fork().insertMany(Reading, many));
    await noted(log, 'short', short());
    assert.deepEqual(
      await inserting,
      many.map(({ id }) => id),
    );
    assert.deepEqual(log, ['short', 'long']);
    assert.equal(await fork().count(Reading), ROWS + 10_000);
    await assert.rejects(fork().insertMany(Reading, [...rows(20_000, 5_000), ...rows(1, 1)]), {
      name: 'UniqueConstraintViolationException',
    });
    assert.equal(await fork().count(Reading), ROWS + 10_000);
  });

  test('fails as a short one does, and then nothing of it has happened', async () => {
    await assert.rejects(fork().insertMany(Reading, [...rows(ROWS + 1, ROWS), ...rows(1, 1)]), {
      name: 'UniqueConstraintViolationException',
    });
    assert.equal(await fork().count(Reading), ROWS);
  });

  test('sees the version of its transaction, whatever is committed meanwhile', async () => {
    await fork().transactional(
      async (em) => {
        assert.equal(await em.count(Reading), ROWS);
        const counting = em.count(Reading, { value: { $gt: 0 } });
        await fork().nativeDelete(Reading, { id: 1 });
        assert.equal(await counting, ROWS);
      },
      { isolationLevel: IsolationLevel.SNAPSHOT },
    );
  });

  test('waits for a row that others have locked', async () => {
    const holder = fork();
    await holder.begin();
    await holder.nativeUpdate(Reading, 7, { value: -7 });
    const long = fork().nativeUpdate(Reading, { value: { $ne: 0 } }, { value: 0 });
    await fork().count(Reading, { value: { $gt: 0 } });
    await holder.rollback();
    assert.equal(await long, ROWS);
    assert.equal(await fork().count(Reading, { value: 0 }), ROWS);
  });

  test('is given up by a signal, and its transaction goes on', async (t) => {
    const em = fork();
    if (!('stream' in em)) return t.skip('only MikroORM 7 knows signals');
    await em.begin();
    const stop = new AbortController();
    const counting = em.count(Reading, { value: { $gt: 0 } }, { signal: stop.signal } as object);
    stop.abort(new Error('enough'));
    await assert.rejects(counting, /enough/);
    assert.equal(await em.nativeUpdate(Reading, 1, { value: 0 }), 1);
    await em.commit();
    assert.equal((await fork().findOneOrFail(Reading, 1)).value, 0);
  });

  test('ends with its store', async () => {
    const counting = fork().count(Reading, { value: { $gt: 0 } });
    const inside = fork();
    await inside.begin();
    const changing = inside.nativeUpdate(Reading, {}, { value: 0 });
    const ends = Promise.allSettled([counting, changing]);
    await short();
    await orm.close(true);
    const [, changed] = await ends;
    assert.equal(changed.status, 'rejected');
    assert.match(String(changed.reason), /closed|ended/);
  });
});

describe('what a transaction does while a long statement of it goes on', () => {
  test('happens after it, in the order of the calls', async () => {
    await fork().transactional(async (em) => {
      const [changed, found, counted] = await Promise.all([
        em.nativeUpdate(Reading, {}, { value: 5 }),
        em.findOneOrFail(Reading, 1),
        em.count(Reading, { value: 5 }),
      ]);
      assert.deepEqual([changed, found.value, counted], [ROWS, 5, ROWS]);
    });
  });

  test('a commit waits for it', async () => {
    const em = fork();
    await em.begin();
    const changing = em.nativeUpdate(Reading, {}, { value: 5 });
    await short();
    await em.commit();
    assert.equal(await changing, ROWS);
    assert.equal(await fork().count(Reading, { value: 5 }), ROWS);
  });

  test('a rollback takes it back', async () => {
    const em = fork();
    await em.begin();
    const changing = em.nativeUpdate(Reading, {}, { value: -5 }).catch(() => undefined);
    await short();
    await em.rollback();
    await changing;
    assert.equal(await fork().count(Reading, { value: -5 }), 0);
    assert.equal(await fork().nativeUpdate(Reading, {}, { value: 6 }), ROWS, 'nobody has a lock any more');
  });

  test('a nested transaction is rolled back with its own long statements alone', async () => {
    await fork().transactional(async (em) => {
      await em.nativeUpdate(Reading, {}, { value: 5 });
      const nested = em.transactional(async (inner) => {
        await inner.nativeDelete(Reading, {});
        throw new Error('no');
      });
      const beside = em.count(Reading, { value: 5 });
      await assert.rejects(nested, /no/);
      assert.equal(await beside, ROWS);
    });
    assert.equal(await fork().count(Reading, { value: 5 }), ROWS);
  });

  test('savepoints keep to the order of the calls', async () => {
    const em = fork();
    await em.begin();
    const connection = orm.em.getConnection() as unknown as {
      createSavepoint(ctx: unknown, name: string): Promise<string>;
      rollbackToSavepoint(ctx: unknown, id: string): Promise<void>;
    };
    const ctx = em.getTransactionContext();
    const before = em.nativeUpdate(Reading, {}, { value: 5 });
    await short();
    const savepoint = await connection.createSavepoint(ctx, 'here');
    const behind = em.nativeDelete(Reading, {});
    await short();
    await connection.rollbackToSavepoint(ctx, savepoint);
    assert.deepEqual(await Promise.all([before, behind]), [ROWS, ROWS]);
    await em.commit();
    assert.equal(await fork().count(Reading, { value: 5 }), ROWS);
  });
});
