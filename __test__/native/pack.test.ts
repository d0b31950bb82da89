/** Parameters on their way in: what is packed, what is refused and how it is named. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { readDocument, Source } from '#driver/native/document.js';
import { isEngineError } from '#driver/native/errors.js';
import { ABSENT, MAX_DEPTH, Packer, Tag } from '#driver/native/pack.js';
import { nameParameter } from '#driver/native/parameter.js';

const name = (parameter: number): string => `Parameter ${parameter}`;

/** Packs values and reads them back as the native side would. */
function passed(...values: unknown[]): unknown[] {
  return reread(new Packer(), values);
}

function reread(packer: Packer, values: unknown[]): unknown[] {
  const text = packer.pack(values, name);
  const source = new Source(packer.numbers, text);
  assert.equal(source.slot(), values.length);
  assert.equal(source.slot(), text.length);
  const read = values.map(() => readDocument(source));
  assert.equal(source.pos, text.length);
  return read;
}

function refused(value: unknown): { code: string; message: string } {
  const packer = new Packer();
  try {
    packer.pack(['before', value], name);
  } catch (error) {
    assert.ok(isEngineError(error), String(error));
    assert.deepStrictEqual(reread(packer, [1, 'after']), [1, 'after']);
    return { code: error.code, message: error.message };
  }
  assert.fail(`${String(value)} was packed`);
}

describe('packing', () => {
  test('keeps every kind of value', () => {
    const date = new Date('2024-02-29T12:00:00.123Z');
    const bytes = Buffer.from([0, 1, 128, 255]);
    const values = [
      null,
      true,
      false,
      0,
      -1.5,
      2 ** 60,
      '',
      'né',
      '😀\0',
      123n,
      -(2n ** 63n),
      date,
      bytes,
      [],
      {},
      [1, ['a', [null]]],
    ];
    assert.deepStrictEqual(passed(...values), values);
    const document = { a: { b: [{ when: date, data: bytes, big: 1n }] }, 'with space': 'x', '': 1 };
    assert.deepStrictEqual(passed(document), [document]);
    assert.deepStrictEqual(passed(new Uint8Array(bytes)), [bytes]);
    assert.deepStrictEqual(passed(undefined), [null]);
  });

  test('keeps keys that mean something elsewhere', () => {
    const document: unknown = JSON.parse(
      '{"__proto__": {"x": 1}, "$set": 2, "constructor": 3, "toString": null}',
    );
    const [read] = passed(document);
    assert.deepStrictEqual(read, document);
    assert.ok(Object.hasOwn(read as object, '__proto__'));
  });

  test('reads objects as JSON does', () => {
    class Point {
      #secret = 1;
      readonly x = 1;
      get hidden(): number {
        return this.#secret;
      }
    }
    const keys: string[] = [];
    const spoken = {
      toJSON(key: string) {
        keys.push(key);
        return { y: [1], toJSON: undefined };
      },
    };
    assert.deepStrictEqual(passed(new Point()), [{ x: 1 }]);
    assert.deepStrictEqual(passed(spoken, { inner: spoken }, [spoken]), [
      { y: [1] },
      { inner: { y: [1] } },
      [{ y: [1] }],
    ]);
    assert.deepStrictEqual(keys, ['', 'inner', '0']);
    assert.deepStrictEqual(passed({ gone: undefined, kept: null }, [undefined]), [{ kept: null }, [null]]);
    assert.deepStrictEqual(passed(Object('text'), Object(5), Object(false)), ['text', 5, false]);
    assert.deepStrictEqual(passed(Object.assign(Object.create(null), { bare: 1 })), [{ bare: 1 }]);
    assert.deepStrictEqual(passed(new URL('https://example.com/')), ['https://example.com/']);
    const shared = { same: true };
    assert.deepStrictEqual(passed([shared, shared]), [[shared, shared]]);
  });

  test('knows the dates and bytes of another realm', () => {
    const { date, bytes } = runInNewContext('({ date: new Date(5), bytes: new Uint8Array([1, 2]) })') as {
      date: Date;
      bytes: Uint8Array;
    };
    assert.deepStrictEqual(passed(date, { date }), [new Date(5), { date: new Date(5) }]);
    assert.deepStrictEqual(passed(bytes), [Buffer.from([1, 2])]);
  });

  test('marks absent values, which only a parameter can be', () => {
    const packer = new Packer();
    packer.pack([ABSENT], name);
    assert.deepStrictEqual([...packer.numbers.subarray(0, 3)], [1, 0, Tag.Absent]);
    assert.match(refused({ a: ABSENT }).message, /^Parameter 1 at a: .*symbol/);
  });

  test('refuses what is not data, and says where', () => {
    const cyclic: Record<string, unknown> = { list: [] };
    (cyclic['list'] as unknown[]).push({ again: cyclic });
    const cases: [unknown, string, RegExp][] = [
      [Number.NaN, 'NOT_FINITE', /^Parameter 1: NaN/],
      [
        { a: [0, { 'b c': Number.NEGATIVE_INFINITY }] },
        'NOT_FINITE',
        /^Parameter 1 at a\[1\]\["b c"\]: -Infinity/,
      ],
      [new Date(Number.NaN), 'NOT_FINITE', /^Parameter 1: an invalid Date/],
      [() => 1, 'TYPE_MISMATCH', /^Parameter 1: .*function/],
      [{ run() {} }, 'TYPE_MISMATCH', /^Parameter 1 at run: "run" is a function/],
      [Symbol('s'), 'TYPE_MISMATCH', /Symbol\(s\)/],
      [[new Map()], 'TYPE_MISMATCH', /^Parameter 1 at \[0\]: Map /],
      [new Set(), 'TYPE_MISMATCH', /Set /],
      [/x/, 'TYPE_MISMATCH', /RegExp /],
      [Promise.resolve(), 'TYPE_MISMATCH', /Promise /],
      [new Float32Array(2), 'TYPE_MISMATCH', /Float32Array /],
      [new ArrayBuffer(2), 'TYPE_MISMATCH', /ArrayBuffer /],
      [cyclic, 'TYPE_MISMATCH', /^Parameter 1 at list\[0\]\.again: the document contains itself/],
    ];
    for (const [value, code, message] of cases) {
      const error = refused(value);
      assert.equal(error.code, code);
      assert.match(error.message, message);
    }
  });

  test('bounds the depth of documents', () => {
    let document: unknown = 'core';
    for (let level = 0; level < MAX_DEPTH; level++)
      document = level % 2 === 0 ? [document] : { down: document };
    assert.deepStrictEqual(passed(document), [document]);
    assert.equal(refused([document]).code, 'OUT_OF_RANGE');
  });

  test('grows its buffer, and lets a large one go', () => {
    const packer = new Packer();
    const small = packer.numbers;
    const many = Array.from({ length: 200_000 }, (_, i) => i);
    assert.deepStrictEqual(reread(packer, [many, 'text']), [many, 'text']);
    assert.deepStrictEqual(reread(packer, many), many);
    assert.ok(packer.numbers.length > small.length);
    packer.shrink();
    assert.equal(packer.numbers.length, small.length);
    assert.deepStrictEqual(reread(packer, ['still', 1]), ['still', 1]);
  });

  test('a call made from inside a value does not disturb the outer one', () => {
    const packer = new Packer();
    const inner = (values: unknown[]): unknown => {
      const suspended = packer.suspend();
      try {
        return reread(packer, values);
      } finally {
        packer.shrink();
        if (suspended !== undefined) packer.resume(suspended);
      }
    };
    const large = Array.from({ length: 200_000 }, (_, i) => i);
    const value = {
      text: 'outer',
      toJSON: () => ({
        read: inner(['inner', { toJSON: () => inner([large.length]) }]),
        after: inner([large]) === undefined,
      }),
    };
    assert.deepStrictEqual(reread(packer, ['first', { at: [value] }, 'last']), [
      'first',
      { at: [{ read: ['inner', [200_000]], after: false }] },
      'last',
    ]);
    const failing = { toJSON: () => inner([Number.NaN]) };
    assert.throws(() => packer.pack([failing], name), /NaN/);
    assert.equal(packer.suspend(), undefined);
  });
});

describe('parameters in messages', () => {
  test('are named by the field they are for', () => {
    const insert = { insert: { into: 'user', fields: ['id', 'name'] } };
    assert.equal(nameParameter(insert, 0), 'Field "id" of row 1');
    assert.equal(nameParameter(insert, 3), 'Field "name" of row 2');
    const many = { updateMany: { in: 'user', key: ['id'], set: ['age'] } };
    assert.equal(nameParameter(many, 5), 'Field "age" of row 3');
    const find = {
      find: {
        from: 'user',
        where: {
          all: [
            {
              not: { cmp: { op: 'eq' as const, path: { field: 'data', json: ['a', 'b'] }, value: { p: 0 } } },
            },
            { tupleIn: { paths: [{ field: 'x' }, { field: 'y' }], values: { p: 1 } } },
          ],
        },
        limit: { p: 2 },
        select: { fields: [] },
      },
    };
    assert.equal(nameParameter(find, 0), 'Field "data.a.b"');
    assert.equal(nameParameter(find, 1), 'Field "x, y"');
    assert.equal(nameParameter(find, 2), 'Parameter 3');
    const update = { update: { in: 'user', set: [{ field: 'age', value: { p: 0 } }] } };
    assert.equal(nameParameter(update, 0), 'Field "age"');
  });
});
