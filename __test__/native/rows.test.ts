/** Row factories: what they read from a chunk that this file packs by itself. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { Source } from '#driver/native/document.js';
import {
  composeReader,
  generateReader,
  HEADER_SLOTS,
  readerSource,
  type Row,
  RowFactory,
} from '#driver/native/factory.js';
import type { Select, Wire } from '#driver/native/ir.js';

/** A small generator of numbers that a seed repeats. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

class Chunk {
  numbers: number[] = new Array(HEADER_SLOTS).fill(0);
  text = '';

  add(select: Select, row: Row): this {
    for (const field of select.fields) this.field(field.as, row[field.name ?? field.field]);
    for (const nested of select.nested ?? []) {
      const value = row[nested.name] as Row | Row[] | null;
      const rows = Array.isArray(value) ? value : value === null ? [] : [value];
      this.numbers.push(rows.length);
      for (const item of rows) this.add(nested.select, item);
    }
    return this;
  }

  source(): Source {
    const source = new Source(Float64Array.from(this.numbers), this.text);
    source.at = HEADER_SLOTS;
    return source;
  }

  private field(wire: Wire, value: unknown): void {
    if (wire === 'json') {
      this.document(value);
    } else if (wire === 'number' || wire === 'bool' || wire === 'date') {
      this.numbers.push(value === null ? Number.NaN : Number(value));
    } else {
      this.cut(
        wire === 'bytes' && value !== null ? (value as Buffer).toString('latin1') : (value as string | null),
      );
    }
  }

  private cut(value: unknown): void {
    this.numbers.push(value === null ? -1 : String(value).length);
    this.text += value === null ? '' : String(value);
  }

  private document(value: unknown): void {
    if (value === null) this.numbers.push(0);
    else if (typeof value === 'boolean') this.numbers.push(value ? 2 : 1);
    else if (typeof value === 'number') this.numbers.push(3, value);
    else if (value instanceof Date) this.numbers.push(5, value.getTime());
    else if (typeof value === 'string' || typeof value === 'bigint') {
      this.numbers.push(typeof value === 'string' ? 4 : 9);
      this.cut(value);
    } else if (Buffer.isBuffer(value)) {
      this.numbers.push(6);
      this.cut(value.toString('latin1'));
    } else if (Array.isArray(value)) {
      this.numbers.push(7, value.length);
      for (const item of value) this.document(item);
    } else {
      const entries = Object.entries(value as Row);
      this.numbers.push(8, entries.length);
      for (const [key, item] of entries) {
        this.cut(key);
        this.document(item);
      }
    }
  }
}

/** Reads with the generated reader and with the composed one, which must agree. */
function read(select: Select, chunk: Chunk, count: number): Row[] {
  const generated: Row[] = [];
  const composed: Row[] = [];
  generateReader(readerSource(select))?.(chunk.source(), count, generated);
  composeReader(select)(chunk.source(), count, composed);
  assert.deepStrictEqual(generated, composed);
  return generated;
}

const WIRES: Wire[] = ['number', 'bigint', 'decimal', 'bool', 'text', 'date', 'bytes', 'json'];

function randomValue(wire: Wire, random: (below: number) => number, depth = 0): unknown {
  if (random(5) === 0) return null;
  switch (wire) {
    case 'number':
      return random(2) === 0 ? random(1000) - 500 : random(1000) / 7;
    case 'bigint':
      return BigInt(random(2 ** 32)) * BigInt(random(2 ** 31)) * (random(2) === 0 ? 1n : -1n);
    case 'decimal':
      return `${random(1000)}.${random(100)}`;
    case 'bool':
      return random(2) === 0;
    case 'text':
      return ['', 'a', 'né', '😀\0', 'x'.repeat(random(40))][random(5)];
    case 'date':
      return new Date(random(2 ** 31) * 1000);
    case 'bytes':
      return Buffer.from(Array.from({ length: random(20) }, () => random(256)));
    case 'json':
      return randomDocument(random, depth);
  }
}

function randomDocument(random: (below: number) => number, depth: number): unknown {
  const kind = random(depth > 3 ? 5 : 7);
  const scalars: Wire[] = ['number', 'bool', 'text', 'date', 'bytes'];
  if (kind < 5) return randomValue(scalars[kind] as Wire, random);
  const items = Array.from({ length: random(4) }, () => randomDocument(random, depth + 1));
  const keys = ['a', '__proto__', '$set', '', 'constructor'];
  return kind === 5 ? items : objectOf(items.map((item, i) => [keys[i] as string, item]));
}

/** An object with own properties only, `__proto__` among them. */
function objectOf(entries: [string, unknown][]): Row {
  return Object.fromEntries(entries);
}

function randomSelect(random: (below: number) => number, depth = 0): Select {
  const names = ['id', 'name', '__proto__', "it's", 'a"b', 'line\nbreak\u2028', 'constructor', '$x'];
  const fields = names
    .slice(0, random(names.length + 1))
    .map((field) => ({ field, as: WIRES[random(WIRES.length)] as Wire }));
  const nested = Array.from({ length: depth > 2 ? 0 : random(3) }, (_, i) => ({
    name: `nested${i}`,
    join: { collection: 'other', on: [['a', 'b'] as const] },
    many: random(2) === 0,
    required: false,
    select: randomSelect(random, depth + 1),
  }));
  return { fields, nested };
}

function randomRow(select: Select, random: (below: number) => number): Row {
  return objectOf([
    ...select.fields.map((field): [string, unknown] => [field.field, randomValue(field.as, random)]),
    ...(select.nested ?? []).map((nested): [string, unknown] => {
      const rows = Array.from({ length: random(3) }, () => randomRow(nested.select, random));
      return [nested.name, nested.many ? rows : (rows[0] ?? null)];
    }),
  ]);
}

describe('row factories', () => {
  test('read back random rows of random shapes, generated and composed alike', (context) => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    context.diagnostic?.(`SEED=${seed}`);
    const random = randomFrom(seed);
    for (let round = 0; round < 300; round++) {
      const select = randomSelect(random);
      const rows = Array.from({ length: random(4) }, () => randomRow(select, random));
      const chunk = rows.reduce((packed: Chunk, row) => packed.add(select, row), new Chunk());
      assert.deepStrictEqual(read(select, chunk, rows.length), rows, `SEED=${seed}, round ${round}`);
    }
  });

  test('a field named __proto__ is data and changes no prototype', () => {
    const select: Select = { fields: [{ field: '__proto__', as: 'json' }] };
    const chunk = new Chunk().add(select, objectOf([['__proto__', { polluted: true }]]));
    const [row] = read(select, chunk, 1);
    assert.ok(row && Object.hasOwn(row, '__proto__'));
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
    assert.equal((row as { polluted?: unknown }).polluted, undefined);
  });

  test('a name given in the plan is the name of the property', () => {
    const select: Select = { fields: [{ field: 'user_name', name: 'userName', as: 'text' }] };
    assert.deepStrictEqual(read(select, new Chunk().add(select, { userName: 'Ada' }), 1), [
      { userName: 'Ada' },
    ]);
  });

  test('rows are appended, each a new object', () => {
    const select: Select = { fields: [{ field: 'id', as: 'number' }] };
    const factory = new RowFactory(select);
    const { numbers, text } = new Chunk().add(select, { id: 1 }).add(select, { id: 2 });
    const rows: Row[] = [{ id: 0 }];
    factory.read(Float64Array.from(numbers), text, 2, rows);
    factory.read(Float64Array.from(numbers), text, 2, rows);
    assert.deepStrictEqual(
      rows.map((row) => row['id']),
      [0, 1, 2, 1, 2],
    );
    assert.notEqual(rows[1], rows[3]);
  });

  test('bytes have memory of their own', () => {
    const select: Select = { fields: [{ field: 'data', as: 'bytes' }] };
    const [row] = read(select, new Chunk().add(select, { data: Buffer.from([1, 2, 255]) }), 1);
    assert.equal((row?.['data'] as Buffer | undefined)?.buffer.byteLength, 3);
  });

  test('an unknown kind of value is an error', () => {
    const chunk = new Chunk();
    chunk.numbers.push(99);
    assert.throws(
      () => composeReader({ fields: [{ field: 'x', as: 'json' }] })(chunk.source(), 1, []),
      /unknown kind \(99\)/,
    );
  });

  test('rows are read where no code may be generated', {
    skip: process.versions['bun'] !== undefined,
  }, () => {
    const module = new URL(
      '../../node_modules/collection-store-mikro-orm/dist/esm/native/factory.js',
      import.meta.url,
    );
    const script = `
      import { RowFactory } from ${JSON.stringify(module.href)};
      const rows = [];
      new RowFactory({ fields: [{ field: 'n', as: 'number' }, { field: 't', as: 'text' }] })
        .read(Float64Array.of(0, 0, 0, 0, 7, 2), 'ab', 1, rows);
      process.stdout.write(JSON.stringify(rows));`;
    const flags = ['--disallow-code-generation-from-strings', '--input-type=module'];
    const output = execFileSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' });
    assert.equal(output, '[{"n":7,"t":"ab"}]');
  });
});
