/** Stores that are kept in a directory: what a promise said was saved is there when they are opened again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  type CollectionStoreConnection,
  EntitySchema,
  MikroORM,
  defineConfig,
} from 'collection-store-mikro-orm';
import { forkOrm } from 'collection-store-mikro-orm/testing';

class Account {
  id!: number;
  name!: string;
}

const entities = [
  new EntitySchema({
    class: Account,
    properties: { id: { type: 'number', primary: true }, name: { type: 'string', index: true } },
  }),
];

let directory: string;
const open: MikroORM[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'collection-store-'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((orm) => orm.close(true)));
  rmSync(directory, { recursive: true });
});

async function start(options: object): Promise<MikroORM> {
  const orm = await MikroORM.init(defineConfig({ entities, ...options }));
  open.push(orm);
  await orm.connect();
  return orm;
}

const connection = (orm: MikroORM) => orm.em.getConnection() as unknown as CollectionStoreConnection;

const names = async (orm: MikroORM) =>
  (await orm.em.fork().find(Account, {}, { orderBy: { id: 'asc' } })).map(({ name }) => name);

const places = {
  'driverOptions.path': () => ({ driverOptions: { path: directory } }),
  'a URL': () => ({ clientUrl: `file:${directory}` }),
};

for (const [how, place] of Object.entries(places)) {
  test(`what was saved is there when the store is opened again (${how})`, async () => {
    const first = await start(place());
    await first.schema.createSchema();
    const em = first.em.fork();
    em.create(Account, { name: 'flushed' });
    await em.flush();
    await em.insert(Account, { name: 'inserted' });
    await em.transactional(async (inner) => {
      await inner.insert(Account, { name: 'in a transaction' });
    });
    const { durability, sequence, synced, failed, path } = connection(first).statistics ?? {};
    assert.equal(durability, 'commit');
    assert.equal(failed, null);
    assert.equal(synced, sequence, 'each promise waited for the disk');
    assert.ok(path?.endsWith(directory.slice(-6)));
    await first.close();

    const second = await start(place());
    assert.deepEqual(await names(second), ['flushed', 'inserted', 'in a transaction']);
    assert.equal(await second.em.fork().insert(Account, { name: 'after' }), 4, 'numbers go on');
    await second.close();

    const third = await start(place());
    assert.equal(await third.em.fork().count(Account, { name: 'after' }), 1);
  });
}

test('many writers share their trips to the disk', async () => {
  const orm = await start({ driverOptions: { path: directory } });
  await orm.schema.createSchema();
  await Promise.all(
    Array.from({ length: 200 }, (_, at) => orm.em.fork().insert(Account, { name: `n${at}` })),
  );
  const { sequence, synced } = connection(orm).statistics ?? {};
  assert.equal(synced, sequence);
  assert.equal(await orm.em.fork().count(Account), 200);
});

for (const durability of ['interval', 'none'] as const) {
  test(`a store of durability ${durability} is complete once it was closed`, async () => {
    const options = { driverOptions: { path: directory, durability, syncInterval: 50 } };
    const first = await start(options);
    await first.schema.createSchema();
    await first.em.fork().insert(Account, { name: 'kept' });
    assert.equal(connection(first).statistics?.durability, durability);
    await first.close();
    assert.deepEqual(await names(await start(options)), ['kept']);
  });
}

test('a store in memory has no statistics', async () => {
  assert.equal(connection(await start({ dbName: ':memory:' })).statistics, undefined);
});

test('options that make no sense are refused', async () => {
  await assert.rejects(
    start({ driverOptions: { path: directory, durability: 'always' } }),
    /durability must be one of/,
  );
  await assert.rejects(
    start({ dbName: ':memory:', driverOptions: { durability: 'none' } }),
    /set driverOptions.path/,
  );
});

test('a fork for tests is in memory, and changes nothing in the directory', async () => {
  const first = await start(places['a URL']());
  await first.schema.createSchema();
  await first.em.fork().insert(Account, { id: 1, name: 'kept' } as never);
  const fork = await forkOrm(first);
  await fork.em.fork().insert(Account, { id: 2, name: 'forked' } as never);
  assert.deepEqual([await names(first), await names(fork as MikroORM)], [['kept'], ['kept', 'forked']]);
  await fork.close(true);
});

test('the event loop goes on while a store is opened and closed', async () => {
  const orm = await start({ driverOptions: { path: directory } });
  await orm.schema.createSchema();
  const rows = Array.from({ length: 20_000 }, (_, i) => ({ name: `account ${i}` }));
  await orm.em.fork().insertMany(Account, rows);
  assert.ok(await needsTheLoop(connection(orm).close()), 'closing');
  assert.ok(await needsTheLoop(connection(orm).connect()), 'opening');
  assert.equal(await orm.em.fork().count(Account), rows.length);
});

test('those who open and close at once get the same store, or none', async () => {
  const orm = await start({ driverOptions: { path: directory } });
  await orm.schema.createSchema();
  await orm.em.fork().insert(Account, { name: 'a' });
  await orm.close();
  await Promise.all([orm.connect(), orm.connect(), orm.connect()]);
  assert.deepEqual(await names(orm), ['a']);
  await orm.close();
  await Promise.all([orm.connect(), orm.close()]);
  assert.equal(await orm.isConnected(), false);
  await assert.rejects(names(orm), /The store is closed/);
  const [again] = await Promise.all([orm.connect().then(() => names(orm)), connection(orm).isConnected()]);
  assert.deepEqual(again, ['a']);
});

/** Whether work is done elsewhere, whose end only the event loop can tell of: no promise that follows another one does. */
async function needsTheLoop(work: Promise<unknown>): Promise<boolean> {
  let done = false;
  const end = work.then(() => {
    done = true;
  });
  for (let i = 0; i < 1_000; i += 1) {
    await undefined;
  }
  const goesOn = !done;
  await end;
  return goesOn;
}
