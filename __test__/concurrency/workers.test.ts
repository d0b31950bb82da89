/** Worker threads share the stores of their process, and may end at any time. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Project, succeeded } from '../guide/project.js';

/** How many workers are ended in the middle of a transaction: 500 take a minute or so. */
const WORKERS = Number(process.env['WORKERS'] ?? 20);
const engine = new URL('./native/engine.js', import.meta.resolve('collection-store-mikro-orm')).href;

const model = `
  import { EntitySchema, MikroORM } from 'collection-store-mikro-orm';
  export class Account {}
  const id = { type: 'number', primary: true };
  const AccountSchema = new EntitySchema({ class: Account, properties: { id, balance: { type: 'number' } } });
  export const open = (options) => MikroORM.init({ entities: [AccountSchema], dbName: 'shared', ...options });
`;

const project = new Project({
  'package.json': '{"type":"module"}',
  'model.mjs': model,
  /** Does what it is asked for, and says when it is done. */
  'worker.mjs': `
    import { parentPort } from 'node:worker_threads';
    import { LockMode } from 'collection-store-mikro-orm';
    import { Account, open } from './model.mjs';
    const orm = await open();
    const em = orm.em.fork();
    const tasks = {
      add: () => em.transactional(async (trx) => {
        const account = await trx.findOneOrFail(Account, 1, { lockMode: LockMode.PESSIMISTIC_WRITE });
        account.balance += 1;
      }),
      read: async () => (await orm.em.fork().findOneOrFail(Account, 1)).balance,
      hold: async () => {
        await em.begin();
        await em.nativeUpdate(Account, { id: 1 }, { balance: -1 });
        await em.findOneOrFail(Account, 1, { lockMode: LockMode.PESSIMISTIC_WRITE });
      },
      close: async () => {
        await orm.close();
        parentPort.close();
      },
    };
    parentPort.on('message', async (task) => parentPort.postMessage({ done: task, result: await tasks[task]() }));
    parentPort.postMessage({ done: 'open' });
  `,
  'main.mjs': `
    import assert from 'node:assert/strict';
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    import { LockMode } from 'collection-store-mikro-orm';
    import { Account, open } from './model.mjs';

    const orm = await open({ driverOptions: { lockTimeout: 20_000 } });
    await orm.schema.createSchema();
    await orm.em.fork().insert(Account, { balance: 0 });
    const balance = async () => (await orm.em.fork().findOneOrFail(Account, 1)).balance;

    const start = async () => {
      const worker = new Worker(new URL('./worker.mjs', import.meta.url));
      await once(worker, 'message');
      return worker;
    };
    const ask = async (worker, task) => {
      const answer = once(worker, 'message');
      worker.postMessage(task);
      const [{ done, result }] = await answer;
      assert.equal(done, task);
      return result;
    };

    const workers = [await start(), await start()];
    for (let round = 0; round < 10; round++) {
      await Promise.all(workers.map((worker) => ask(worker, 'add')));
    }
    assert.equal(await balance(), 20);
    for (const worker of workers) assert.equal(await ask(worker, 'read'), 20);

    const changes = orm.em.getConnection().changes({ collections: ['account'] })[Symbol.asyncIterator]();
    const change = changes.next();
    await ask(workers[1], 'add');
    const { before, after } = (await change).value;
    assert.deepEqual([before.balance, after.balance], [20, 21]);
    await changes.return();
    await orm.em.fork().nativeUpdate(Account, { id: 1 }, { balance: 100 });
    for (const worker of workers) assert.equal(await ask(worker, 'read'), 100);

    // Ended where it holds a lock: whoever waits for it gets it, and nothing is left of its writes.
    await ask(workers[0], 'hold');
    const waits = orm.em.fork().transactional(async (em) => {
      const account = await em.findOneOrFail(Account, 1, { lockMode: LockMode.PESSIMISTIC_WRITE });
      account.balance += 1;
    });
    await new Promise((done) => setTimeout(done, 20));
    await workers[0].terminate();
    await waits;
    assert.equal(await balance(), 101);

    // Closed where it holds one.
    await ask(workers[1], 'hold');
    const ended = once(workers[1], 'exit');
    workers[1].postMessage('close');
    await ended;
    await orm.em.fork().nativeUpdate(Account, { id: 1 }, { balance: 7 });
    assert.equal(await balance(), 7);
    await orm.close();

    const again = await open();
    assert.deepEqual(await again.schema.getUpdateSchemaSQL() === '', false, 'the last to close it ended the store');
    await again.close();
    console.log('exits by itself');
  `,
  /** In the middle of a transaction: idle, with a lock or waiting for it, in the middle of calls, of calls in a thread, reading changes, with a collection locked to try again. */
  'busy.mjs': `
    import { parentPort, workerData } from 'node:worker_threads';
    import { binding } from '${engine.replace('engine.js', 'binding.js')}';
    import { Attempts, Engine } from '${engine}';
    const engine = Engine.open('crowded');
    const [id, balance] = ['id', 'balance'].map((field) => ({ field, as: 'number' }));
    const one = { cmp: { op: 'eq', path: { field: 'id' }, value: { p: 0 } } };
    const update = engine.compile({ update: { in: 'account', where: one, set: [{ field: 'balance', value: { p: 1 } }] } });
    const locked = engine.compile({ find: { from: 'account', where: one, select: { fields: [id] }, lock: { mode: 'exclusive', busy: 'wait' } } });
    const all = engine.compile({ find: { from: 'account', select: { fields: [id, balance] } } });
    const transaction = engine.begin({ isolation: 'serializable' });
    transaction.write(update, [1 + (workerData % 900), -1]);
    const cursor = (await transaction.open(all))[Symbol.asyncIterator]();
    await cursor.next();
    const snapshot = engine.snapshot();
    const fork = workerData % 3 === 0 ? Engine.fork(snapshot, 'fork ' + workerData) : undefined;
    const ready = () => parentPort.postMessage('ready');
    const kinds = {
      async idle() { ready(); },
      async waits() {
        ready();
        for (;;) {
          try {
            transaction.find(locked, [1000]);
            break;
          } catch (error) {
            if (error.code !== 'LOCKED') throw error;
            await transaction.waitForLock(60_000);
          }
        }
      },
      async works() { ready(); for (;;) { transaction.write(update, [1 + (workerData % 900), -2]); transaction.find(all); } },
      async commits() { ready(); for (;;) { const own = engine.begin({ isolation: 'read committed' }); own.write(update, [950, 1]); own.commit(); } },
      async repeats() {
        const insert = engine.compile({ insert: { into: 'noted', fields: ['balance'] } });
        const noted = engine.compile({ find: { from: 'noted', select: { fields: [id] } } });
        const attempts = (globalThis.attempts = new Attempts());
        for (let attempt = 0; attempt < 2; attempt++) {
          const own = (globalThis.own = engine.begin({ isolation: 'serializable', attempts }));
          await own.waitForLock(60_000);
          own.find(noted);
          own.write(insert, [1]);
          if (attempt > 0) break;
          engine.write(insert, [2]);
          try {
            own.commit();
          } catch (error) {
            if (error.code !== 'WRITE_CONFLICT') throw error;
          }
        }
        try {
          engine.write(insert, [3]);
          throw new Error('others are to wait');
        } catch (error) {
          if (error.code !== 'LOCKED') throw error;
        }
        ready();
      },
      async isAway() {
        binding().setMost(0);
        ready();
        for (;;) {
          await transaction.start(update, [1 + (workerData % 900), -3]);
          await Promise.all([transaction.start(all), engine.start(all)]);
        }
      },
      async feeds() { ready(); for await (const change of engine.changes()) { globalThis.last = change; } },
    };
    setInterval(() => {}, 1000);
    const names = Object.keys(kinds);
    await kinds[names[workerData % names.length]]();
    globalThis.kept = [transaction, cursor, snapshot, fork];
  `,
  'crowd.mjs': `
    import assert from 'node:assert/strict';
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    import { Engine } from '${engine}';

    const engine = Engine.open('crowded');
    const [id, balance] = ['id', 'balance'].map((field) => ({ field, as: 'number' }));
    const int = (name, more) => ({ name, type: 'int', nullable: false, ...more });
    engine.applySchema({ collections: ['account', 'noted'].map((name) => ({
      name, fields: [int('id', { autoIncrement: true }), int('balance')], primary: ['id'], indexes: [], foreign: [],
    })) });
    engine.write(
      engine.compile({ insert: { into: 'account', fields: ['balance'] } }),
      Array.from({ length: 1000 }, () => 1),
    );
    const all = engine.compile({ find: { from: 'account', select: { fields: [id, balance] } } });

    const live = async (number) => {
      const worker = new Worker(new URL('./busy.mjs', import.meta.url), { workerData: number });
      const failed = new Promise((_, fail) => worker.on('error', fail));
      await Promise.race([once(worker, 'message'), failed]);
      await new Promise((done) => setTimeout(done, number % 7));
      await Promise.race([worker.terminate(), failed]);
    };
    const total = ${WORKERS};
    const memory = [];
    for (let number = 0; number < total; number += 4) {
      await Promise.all([0, 1, 2, 3].map((more) => live(number + more)));
      globalThis.gc?.();
      memory.push(process.memoryUsage().rss / 2 ** 20);
    }
    // Nothing of theirs is left: no write, no lock, no fork.
    for (const row of engine.find(all)) assert.equal(row.balance, 1, 'account ' + row.id);
    const transaction = engine.begin();
    transaction.find(engine.compile({ find: { from: 'account', select: { fields: [id] }, lock: { mode: 'exclusive', busy: 'fail' } } }));
    transaction.rollback();
    engine.write(engine.compile({ insert: { into: 'noted', fields: ['balance'] } }), [4]);
    const snapshot = engine.snapshot();
    for (let number = 0; number < total; number += 3) Engine.fork(snapshot, 'fork ' + number).close();
    engine.close();
    const middle = memory[Math.floor(memory.length / 3)];
    assert.ok(memory.at(-1) - middle < 64, 'memory grows: ' + memory);
    console.log(total + ' workers ended; MB: ' + memory.filter((_, i) => i % Math.ceil(memory.length / 10) === 0).map(Math.round).join(' ') + ', at last ' + Math.round(memory.at(-1)) + '; grew by ' + Math.round(memory.at(-1) - middle));
  `,
});

after(() => project.remove());

test('workers see the commits of each other, and what they leave open ends with them', async () => {
  assert.match(succeeded(await project.run(['main.mjs'])), /exits by itself/);
});

test(`${WORKERS} workers are ended in the middle of transactions, and nothing is left of them`, async () => {
  const output = succeeded(await project.run(['crowd.mjs']));
  assert.match(output, new RegExp(`${WORKERS} workers ended`));
  if (process.env['WORKERS']) {
    console.log(output);
  }
});
