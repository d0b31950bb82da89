import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type Change,
  type CollectionStoreConnection,
  type EntityManager,
  Entity,
  MikroORM,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @Property({ type: 'datetime', nullable: true })
  at?: Date;

  @Property({ type: 'json', nullable: true })
  tags?: unknown;
}

@Entity()
class Other {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

let orm: MikroORM;
let connection: CollectionStoreConnection;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Note, Other], dbName: ':memory:' }));
  await orm.schema.createSchema();
  connection = orm.em.getConnection() as unknown as CollectionStoreConnection;
});

afterEach(() => orm.close(true));

const fork = () => orm.em.fork() as EntityManager;
const insert = (id: number, text = 'a') => fork().insert(Note, { id, text } as never);

async function take(changes: AsyncIterator<Change>, count: number): Promise<Change[]> {
  const taken: Change[] = [];
  while (taken.length < count) {
    const { value, done } = await changes.next();
    assert.ok(!done);
    taken.push(value);
  }
  return taken;
}

describe('changes', () => {
  test('come with the rows before and after, in the order of the commits', async () => {
    const changes = connection.changes();
    const start = connection.sequence;
    const at = new Date('2026-01-01');
    const em = fork();
    em.create(Note, { id: 1, text: 'a', at, tags: [{ x: [1] }] });
    em.create(Note, { id: 2, text: 'b' });
    await em.flush();
    await fork().nativeUpdate(Note, 1, { text: 'c' });
    await fork().nativeDelete(Note, 2);
    const one = { id: 1, text: 'a', at, tags: [{ x: [1] }] };
    const two = { id: 2, text: 'b', at: null, tags: null };
    assert.deepEqual(await take(changes, 4), [
      { sequence: start + 1, type: 'insert', collection: 'note', key: { id: 1 }, after: one },
      { sequence: start + 1, type: 'insert', collection: 'note', key: { id: 2 }, after: two },
      {
        sequence: start + 2,
        type: 'update',
        collection: 'note',
        key: { id: 1 },
        before: one,
        after: { ...one, text: 'c' },
      },
      { sequence: start + 3, type: 'delete', collection: 'note', key: { id: 2 }, before: two },
    ]);
  });

  test('of a deletion of all rows are those of its rows', async () => {
    await fork().insertMany(Note, [1, 2, 3].map((id) => ({ id, text: `${id}` })) as never);
    const changes = connection.changes();
    await assert.rejects(
      fork().transactional(async (em) => {
        assert.equal(await em.nativeDelete(Note, {}), 3);
        assert.equal(await em.count(Note), 0);
        throw new Error('not so');
      }),
      /not so/,
    );
    assert.equal(await fork().count(Note, { text: '2' }), 1);
    assert.equal(await fork().nativeDelete(Note, {}), 3);
    assert.equal(await fork().nativeDelete(Note, {}), 0);
    assert.equal(await fork().count(Note, { text: '2' }), 0);
    const sequence = connection.sequence;
    assert.deepEqual(
      await take(changes, 3),
      [1, 2, 3].map((id) => {
        const before = { id, text: `${id}`, at: null, tags: null };
        return { sequence, type: 'delete', collection: 'note', key: { id }, before };
      }),
    );
  });

  test('are waited for, and end when the loop is left', async () => {
    const seen: number[] = [];
    const reading = (async () => {
      for await (const change of connection.changes()) {
        seen.push(change.sequence);
        if (seen.length === 3) {
          break;
        }
      }
    })();
    for (const id of [1, 2, 3, 4]) {
      await insert(id);
    }
    await reading;
    assert.equal(seen.length, 3);
  });

  test('are those of what is committed alone', async () => {
    const changes = connection.changes();
    const em = fork();
    await em.begin();
    await em.insert(Note, { id: 1, text: 'a' } as never);
    await insert(2);
    await em.rollback();
    await insert(3);
    assert.deepEqual(
      (await take(changes, 2)).map((change) => 'key' in change && change.key),
      [{ id: 2 }, { id: 3 }],
    );
  });

  test('can be those of some collections', async () => {
    const changes = connection.changes({ collections: ['other'] });
    await insert(1);
    await fork().insert(Other, { id: 7 } as never);
    const [change] = await take(changes, 1);
    assert.equal(change?.type === 'insert' && change.collection, 'other');
  });

  test('can begin behind a commit that is still kept', async () => {
    const keeping = connection.changes();
    await insert(1);
    const { sequence } = connection;
    await insert(2);
    const [change] = await take(connection.changes({ from: sequence }), 1);
    assert.deepEqual(change?.type === 'insert' && change.key, { id: 2 });
    await keeping.return();
  });

  test('that nobody kept are an error, as are those of the future', async () => {
    const { sequence } = connection;
    await insert(1);
    assert.throws(() => connection.changes({ from: sequence }), /are not kept/);
    assert.throws(() => connection.changes({ from: sequence + 10 }), /no version/);
  });

  test('are all told to each of several readers, whenever they read', async () => {
    const readers = [{}, { from: connection.sequence }, { collections: ['note', 'other'] }].map((options) =>
      connection.changes(options),
    );
    const waiting = readers[0]?.next() as Promise<{ value: Change }>;
    for (const id of [1, 2, 3]) await insert(id);
    const first = await waiting;
    const [others, ...all] = await Promise.all(readers.map((reader, at) => take(reader, at === 0 ? 2 : 3)));
    for (const seen of [[first.value, ...(others as Change[])], ...all]) {
      assert.deepEqual(
        seen.map((change) => change?.type === 'insert' && change.key),
        [1, 2, 3].map((id) => ({ id })),
      );
    }
  });

  test('of what there is none are refused by name', async () => {
    assert.throws(() => connection.changes({ collections: ['other', 'noet'] }), {
      name: 'TableNotFoundException',
      message: /noet/,
    });
    for (const from of [-1, 1.5, Number.NaN, '1', 1n]) {
      assert.throws(
        () => connection.changes({ from: from as number }),
        /`from` must be the number of a commit/,
      );
    }
  });

  test('say so when everything may have changed', async () => {
    const changes = connection.changes();
    const snapshot = await connection.snapshot();
    await insert(1);
    await connection.restore(snapshot);
    await orm.schema.clearDatabase();
    assert.deepEqual(
      (await take(changes, 3)).map(({ type }) => type),
      ['insert', 'reset', 'reset'],
    );
  });

  test('fall away for a reader that is too slow', async () => {
    const changes = connection.changes();
    const rows = Array.from({ length: 50_001 }, (_, id) => ({ id }));
    await fork().insertMany(Other, rows as never);
    await fork().nativeDelete(Other, {});
    await assert.rejects(changes.next(), /read the collections anew/);
    assert.deepEqual(await changes.next(), { done: true, value: undefined });
  });

  test('end with the store, also for who waits', async () => {
    const changes = connection.changes();
    const waiting = changes.next();
    await orm.close(true);
    assert.deepEqual(await waiting, { done: true, value: undefined });
  });

  test('end for who waits when somebody else ends them', async () => {
    const changes = connection.changes();
    const waiting = changes.next();
    await Promise.resolve();
    await changes.return();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    await insert(1);
  });
});
