/** The engine through its facade: everything that crosses, and what happens to what is closed. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ABSENT, Engine, type Row, type RowCursor } from '#driver/native/engine.js';
import { isEngineError } from '#driver/native/errors.js';
import type { FieldDef, FieldType, PlanIr, SchemaDef, Wire } from '#driver/native/ir.js';

const TYPES: [field: string, type: FieldType, wire: Wire][] = [
  ['id', 'int', 'number'],
  ['name', 'text', 'text'],
  ['age', 'int', 'number'],
  ['size', 'float', 'number'],
  ['big', 'bigint', 'bigint'],
  ['price', 'decimal', 'decimal'],
  ['ok', 'bool', 'bool'],
  ['born', 'date', 'date'],
  ['raw', 'bytes', 'bytes'],
  ['data', 'json', 'json'],
];

const schema: SchemaDef = {
  collections: [
    {
      name: 'thing',
      fields: TYPES.map(
        ([name, type]): FieldDef => ({ name, type, nullable: name !== 'id', autoIncrement: name === 'id' }),
      ),
      primary: ['id'],
      indexes: [{ name: 'thing_name', paths: [{ field: 'name', json: [] }], unique: true }],
      foreign: [],
    },
  ],
};

const fields = TYPES.map(([field]) => field);
const select = { fields: TYPES.map(([field, , as]) => ({ field, as })) };
const everything: PlanIr = {
  find: { from: 'thing', select, order: [{ path: { field: 'id' }, desc: false }] },
};
const byId: PlanIr = {
  find: { from: 'thing', select, where: { cmp: { op: 'eq', path: { field: 'id' }, value: { p: 0 } } } },
};
const insertNamed: PlanIr = {
  insert: { into: 'thing', fields: ['name'], returning: [{ field: 'id', as: 'number' }] },
};
const insertAll: PlanIr = { insert: { into: 'thing', fields } };
const counting: PlanIr = { count: { from: 'thing' } };

/** All rows of a cursor. */
async function rowsOf(cursor: RowCursor): Promise<Row[]> {
  const found: Row[] = [];
  for await (const rows of cursor) found.push(...rows);
  return found;
}

/** What a failing call throws. */
function failure(
  call: () => unknown,
): { code: string; message: string; fields?: readonly string[] } & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    assert.ok(isEngineError(error), String(error));
    return { ...error, message: error.message };
  }
  assert.fail('The call succeeded.');
}

describe('the engine', () => {
  let engine: Engine;

  beforeEach(() => {
    engine = Engine.open();
    engine.applySchema(schema);
  });

  afterEach(() => {
    engine.close();
  });

  const count = (session: Pick<Engine, 'count'> = engine): number => session.count(engine.compile(counting));
  const insert = (...names: string[]): number[] =>
    engine.write(engine.compile(insertNamed), names).rows.map((row) => row['id'] as number);

  test('stores every type and hands it back as it was', () => {
    const rows = [
      [
        1,
        'Ada',
        36,
        1.75,
        2n ** 62n,
        '10.50',
        true,
        new Date(-1),
        Buffer.from([0, 255]),
        { a: [1, { b: null }] },
      ],
      [
        2,
        'né',
        -1,
        -0.5,
        -(2n ** 63n),
        '-0.001',
        false,
        new Date(0),
        Buffer.alloc(0),
        [new Date(5), Buffer.from('x'), true],
      ],
      [3, '😀\0', 0, 1e300, 0n, '1e3', null, null, null, 'text'],
      [4, null, null, null, null, null, null, null, null, null],
    ];
    assert.equal(engine.write(engine.compile(insertAll), rows.flat()).affected, 4);
    const expected = rows.map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])));
    assert.deepStrictEqual(engine.find(engine.compile(everything)), expected);
    assert.deepStrictEqual(engine.find(engine.compile(byId), [2]), [expected[1]]);
    assert.deepStrictEqual(engine.find(engine.compile(byId), [99]), []);
  });

  test('keeps documents with any key', () => {
    const document: unknown = JSON.parse(
      '{"__proto__": {"admin": true}, "$set": {"": [0]}, "constructor": "x"}',
    );
    engine.write(engine.compile({ insert: { into: 'thing', fields: ['data'] } }), [document]);
    const [row] = engine.find(engine.compile(everything));
    assert.deepStrictEqual(row?.['data'], document);
    assert.equal((row?.['data'] as { admin?: unknown } | undefined)?.admin, undefined);
  });

  test('hands out rows of its own each time', () => {
    engine.write(engine.compile({ insert: { into: 'thing', fields: ['data'] } }), [{ list: [1] }]);
    const plan = engine.compile(everything);
    const [row] = engine.find<{ data: { list: number[] } }>(plan);
    row?.data.list.push(2);
    assert.deepStrictEqual(engine.find<{ data: unknown }>(plan)[0]?.data, { list: [1] });
  });

  test('reads any number of rows, over the bounds of chunks', () => {
    for (const rows of [0, 1, 255, 256, 257, 1024, 3000]) {
      engine.clear(undefined, { resetCounters: true });
      insert(...Array.from({ length: rows }, (_, i) => (i % 300 === 299 ? `Ж${i}` : `name ${i}`)));
      const found: { id: number; name: string }[] = engine.find(engine.compile(everything));
      assert.equal(found.length, rows);
      assert.ok(found.every(({ id, name }, i) => id === i + 1 && name.endsWith(String(i))));
    }
  });

  test('reads rows larger than its buffer, and than a chunk of text', () => {
    const large = Array.from({ length: 100_000 }, (_, i) => i);
    const long = `${'x'.repeat(2_000_000)}é`;
    const plan = engine.compile({ insert: { into: 'thing', fields: ['data'] } });
    engine.write(plan, ['small', large, long, { large, long }, 'last']);
    const found = engine.find<{ data: unknown }>(engine.compile(everything)).map(({ data }) => data);
    assert.deepStrictEqual(found, ['small', large, long, { large, long }, 'last']);
    assert.equal(count(), 5);
  });

  test('reads a cursor beside other calls, over the bounds of chunks, of the version that it was opened on', async () => {
    insert(...Array.from({ length: 1000 }, (_, i) => `name ${i}`));
    const plan = engine.compile(everything);
    const found: unknown[] = [];
    for await (const rows of await engine.open(plan)) {
      assert.ok(rows.length < 1000);
      engine.clear();
      insert(`late ${found.length}`);
      assert.equal(engine.find(plan).length, 1);
      found.push(...rows.map(({ id }) => id));
    }
    assert.deepEqual(
      found,
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
  });

  test('reads rows larger than its buffer from a cursor', async () => {
    const large = Array.from({ length: 100_000 }, (_, i) => i);
    const plan = engine.compile({ insert: { into: 'thing', fields: ['data'] } });
    engine.write(plan, [...Array.from({ length: 300 }, (_, i) => i), large, large, 'last']);
    const found = (await rowsOf(await engine.open(engine.compile(everything)))).map(({ data }) => data);
    assert.equal(found.length, 303);
    assert.deepStrictEqual(found.slice(299), [299, large, large, 'last']);
  });

  test('a cursor that is closed or broken off has no more rows', async () => {
    insert(...Array.from({ length: 1000 }, (_, i) => `name ${i}`));
    const plan = engine.compile(everything);
    const closed = await engine.open(plan);
    closed.close();
    closed.close();
    assert.deepEqual(await rowsOf(closed), []);
    const broken = await engine.open(plan);
    for await (const [row] of broken) if (row?.['id'] === 1) break;
    assert.deepEqual(await rowsOf(broken), []);
  });

  test('a cursor ends with its transaction, and with the store of its transaction', async () => {
    insert(...Array.from({ length: 1000 }, (_, i) => `name ${i}`));
    const plan = engine.compile(everything);
    const transaction = engine.begin();
    const ended = await transaction.open(plan);
    ended.assertOpen();
    transaction.rollback();
    assert.equal(failure(() => ended.assertOpen()).code, 'TRANSACTION_CLOSED');
    const orphan = await engine.begin().open(plan);
    const late = await engine.open(plan);
    engine.close();
    // The first chunk is here already; the next one is asked of the engine.
    await assert.rejects(rowsOf(orphan), { code: 'TRANSACTION_CLOSED' });
    await assert.rejects(rowsOf(late), { code: 'STORE_CLOSED' });
  });

  test('gives absent values their default', () => {
    const plan = engine.compile({
      insert: { into: 'thing', fields: ['id', 'name'], returning: [{ field: 'id', as: 'number' }] },
    });
    const { rows } = engine.write(plan, [ABSENT, 'a', 10, 'b', ABSENT, 'c']);
    assert.deepStrictEqual(rows, [{ id: 1 }, { id: 10 }, { id: 11 }]);
  });

  test('an error names what it is about and leaves everything as it was', () => {
    insert('taken');
    const before = engine.find(engine.compile(everything));
    const violation = failure(() => insert('free', 'taken'));
    assert.equal(violation.code, 'UNIQUE');
    assert.equal(violation['collection'], 'thing');
    assert.equal(violation['constraint'], 'thing_name');
    assert.deepStrictEqual(violation.fields, ['name']);

    const half = failure(() => insert('fine', 'half \ud800'));
    assert.equal(half.code, 'LONE_SURROGATE');
    assert.match(half.message, /^Field "name" of row 2: .*position 5/);
    assert.match(
      failure(() => insert('fine', Number.NaN as unknown as string)).message,
      /^Field "name" of row 2: NaN/,
    );
    assert.equal(failure(() => engine.find(engine.compile(byId), ['not a number'])).code, 'TYPE_MISMATCH');
    assert.equal(failure(() => engine.write(engine.compile(insertAll), [2n ** 64n])).code, 'OUT_OF_RANGE');
    const unknown = engine.compile({ count: { from: 'thong' } });
    assert.match(failure(() => engine.count(unknown)).message, /thong/);
    assert.equal(failure(() => engine.count(unknown)).code, 'COLLECTION_NOT_FOUND');
    const nonsense = { find: { form: 'thing' } } as unknown as PlanIr;
    assert.equal(failure(() => engine.compile(nonsense)).code, 'INVALID_PLAN');
    assert.deepStrictEqual(engine.find(engine.compile(everything)), before);
  });

  test('a value may use the engine while it is being packed', () => {
    const plan = engine.compile({ insert: { into: 'thing', fields: ['name', 'data'] } });
    insert('first');
    const value = {
      toJSON: () => ({ rows: engine.find(engine.compile(everything)).length, inserted: insert('inner') }),
    };
    engine.write(plan, ['outer', [value, 'after']]);
    const found = engine.find<{ name: string; data: unknown }>(engine.compile(everything));
    assert.deepStrictEqual(
      found.map(({ name, data }) => [name, data]),
      [
        ['first', null],
        ['inner', null],
        ['outer', [{ rows: 1, inserted: [2] }, 'after']],
      ],
    );
  });

  test('transactions show their writes to nobody before they commit', () => {
    const transaction = engine.begin();
    transaction.write(engine.compile(insertNamed), ['mine']);
    assert.deepStrictEqual([count(transaction), count()], [1, 0]);
    const savepoint = transaction.savepoint();
    transaction.write(engine.compile(insertNamed), ['more']);
    transaction.rollbackTo(savepoint);
    assert.equal(count(transaction), 1);
    transaction.release(savepoint);
    assert.equal(failure(() => transaction.rollbackTo(savepoint)).code, 'SAVEPOINT_NOT_FOUND');
    transaction.commit();
    assert.equal(count(), 1);
    const other = engine.begin();
    other.write(engine.compile(insertNamed), ['gone']);
    other.rollback();
    assert.equal(count(), 1);
  });

  test('a transaction that has ended refuses everything', () => {
    for (const end of ['commit', 'rollback'] as const) {
      const transaction = engine.begin();
      transaction[end]();
      assert.ok(transaction.closed);
      for (const use of [
        () => transaction.commit(),
        () => transaction.rollback(),
        () => transaction.savepoint(),
        () => transaction.find(engine.compile(everything)),
        () => transaction.write(engine.compile(insertNamed), ['late']),
        () => transaction.describe(),
      ]) {
        assert.equal(failure(use).code, 'TRANSACTION_CLOSED');
      }
    }
    assert.equal(count(), 0);
  });

  test('a read-only transaction refuses writes', () => {
    const transaction = engine.begin({ readOnly: true });
    assert.equal(failure(() => transaction.write(engine.compile(insertNamed), ['x'])).code, 'READ_ONLY');
    assert.equal(count(transaction), 0);
    transaction.rollback();
  });

  test('a closed store refuses everything, and its transactions end', () => {
    const transaction = engine.begin();
    const snapshot = engine.snapshot();
    const plan = engine.compile(everything);
    engine.close();
    engine.close();
    assert.ok(engine.closed);
    for (const use of [
      () => engine.find(plan),
      () => engine.begin(),
      () => engine.snapshot(),
      () => engine.restore(snapshot),
      () => engine.describe(),
      () => engine.applySchema(schema),
    ]) {
      assert.equal(failure(use).code, 'STORE_CLOSED');
    }
    assert.equal(failure(() => transaction.find(plan)).code, 'TRANSACTION_CLOSED');
    assert.equal(failure(() => transaction.commit()).code, 'TRANSACTION_CLOSED');
  });

  test('a store of a name is the same while one has it open', () => {
    const [one, two] = [Engine.open('shared'), Engine.open('shared')];
    one.applySchema(schema);
    one.write(one.compile(insertNamed), ['x']);
    one.close();
    assert.equal(count(two), 1);
    two.close();
    const three = Engine.open('shared');
    assert.deepStrictEqual(three.describe(), { collections: [] });
    three.close();
  });

  test('the CommonJS build reaches the same stores', () => {
    const require = createRequire(import.meta.url);
    const path = require.resolve('collection-store-mikro-orm').replace(/index\.js$/, 'native/engine.js');
    assert.match(path, /[\\/]cjs[\\/]/);
    const other = (require(path) as { Engine: typeof Engine }).Engine;
    assert.notEqual(other, Engine);
    const [one, two] = [Engine.open('both'), other.open('both')];
    one.applySchema(schema);
    two.write(two.compile(insertNamed), ['x']);
    assert.equal(count(one), 1);
    one.close();
    two.close();
  });

  test('snapshots bring the store back, as often as asked, and only theirs', () => {
    insert('kept');
    const snapshot = engine.snapshot();
    for (let round = 0; round < 3; round++) {
      assert.deepStrictEqual(insert('gone'), [2]);
      engine.restore(snapshot);
      assert.equal(count(), 1);
    }
    const stranger = Engine.open();
    assert.equal(failure(() => stranger.restore(snapshot)).code, 'FOREIGN_SNAPSHOT');
    stranger.close();
    snapshot.dispose();
    snapshot.dispose();
    assert.equal(failure(() => engine.restore(snapshot)).code, 'FOREIGN_SNAPSHOT');
  });

  test('schemas change and describe themselves', () => {
    assert.deepStrictEqual(engine.diffSchema(schema), []);
    assert.deepStrictEqual(
      engine.describe().collections.map(({ name }) => name),
      ['thing'],
    );
    assert.equal(failure(() => engine.createSchema(schema)).code, 'COLLECTION_EXISTS');
    const transaction = engine.begin();
    assert.ok(transaction.dropSchema(['thing']).length > 0);
    assert.deepStrictEqual(transaction.describe().collections, []);
    transaction.rollback();
    assert.equal(engine.describe().collections.length, 1);
    const wrong = { collections: [{ ...schema.collections[0], indices: [] }] } as unknown as SchemaDef;
    assert.equal(failure(() => engine.applySchema(wrong)).code, 'INVALID_SCHEMA');
    engine.dropSchema();
    assert.deepStrictEqual(engine.describe().collections, []);
  });

  test('a worker ended in the middle of a transaction leaves nothing behind', async () => {
    const shared = Engine.open('threads');
    shared.applySchema(schema);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const { Engine } = require(workerData.path);
       const engine = Engine.open('threads');
       engine.write(engine.compile(workerData.insert), ['committed']);
       const transaction = engine.begin();
       transaction.write(engine.compile(workerData.insert), ['open']);
       parentPort.postMessage('ready');
       for (;;) transaction.count(engine.compile(workerData.counting));`,
      {
        eval: true,
        workerData: {
          path: createRequire(import.meta.url)
            .resolve('collection-store-mikro-orm')
            .replace(/index\.js$/, 'native/engine.js'),
          insert: insertNamed,
          counting,
        },
      },
    );
    await new Promise((ready, fail) => worker.once('message', ready).once('error', fail));
    assert.equal(count(shared), 1);
    await worker.terminate();
    assert.equal(count(shared), 1);
    assert.deepStrictEqual(shared.write(shared.compile(insertNamed), ['open']).affected, 1);
    shared.close();
  });
});
