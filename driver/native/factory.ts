/**
 * Row factories: from packed chunks to plain objects.
 *
 * For each shape of row a function is generated that makes its objects by an
 * object literal, which is the fastest way there is.
 * Where generating code is not allowed, readers combined from closures do the
 * same more slowly.
 */
import { bytesOf, define, readDocument, Source } from './document.js';
import type { Select, Wire } from './ir.js';

/** A row, as a fresh object. */
export type Row = Record<string, unknown>;

/** Appends the rows of a chunk. */
export type RowReader = (source: Source, count: number, rows: Row[]) => void;

/** Where the rows begin in a chunk's numbers. */
export const HEADER_SLOTS = 4;

/** Makes the rows of one shape; the function for it is made with the first row. */
export class RowFactory {
  #read: RowReader | undefined;

  constructor(readonly select: Select = { fields: [] }) {}

  /** Appends the rows of a chunk. */
  read(numbers: Float64Array, text: string, count: number, rows: Row[]): void {
    if (count === 0) {
      return;
    }
    this.#read ??= readerFor(this.select);
    const source = new Source(numbers, text);
    source.at = HEADER_SLOTS;
    this.#read(source, count, rows);
  }
}

const MOST_READERS = 1000;
const readers = new Map<string, RowReader>();

/** One function for all plans that hand out the same shape. */
function readerFor(select: Select): RowReader {
  const source = readerSource(select);
  let reader = readers.get(source);
  if (reader === undefined) {
    reader = generateReader(source) ?? composeReader(select);
    if (readers.size >= MOST_READERS) {
      readers.clear();
    }
    readers.set(source, reader);
  }
  return reader;
}

type MakeReader = (json: typeof readDocument, bytes: typeof bytesOf) => RowReader;

/** Compiles a reader, where the process may generate code. */
export function generateReader(source: string): RowReader | undefined {
  let make: MakeReader;
  try {
    make = new Function('json', 'bytes', source) as MakeReader;
  } catch (error) {
    if (error instanceof EvalError) {
      return undefined;
    }
    throw error;
  }
  return make(readDocument, bytesOf);
}

/** The source text of a reader. Names of fields enter it as string literals only. */
export function readerSource(select: Select): string {
  return [
    "'use strict';",
    'return (source, count, rows) => {',
    'const numbers = source.numbers, text = source.text;',
    'let at = source.at, pos = source.pos, n = 0, value;',
    'for (let i = 0; i < count; i++) {',
    ...readRow(select, 'row', (row) => `rows.push(${row});`),
    '}',
    'source.at = at; source.pos = pos;',
    '};',
  ].join('\n');
}

/** Statements that read a row's parts into constants, and one that uses the literal made of them. */
function readRow(select: Select, prefix: string, use: (literal: string) => string): string[] {
  const fields = select.fields.map((field, i) => ({
    name: field.name ?? field.field,
    constant: `${prefix}_${i}`,
    wire: field.as,
  }));
  const nested = (select.nested ?? []).map((part, i) => ({ ...part, constant: `${prefix}_n${i}` }));
  const properties = [...fields, ...nested].map(({ name, constant }) => `${property(name)}: ${constant}`);
  return [
    ...fields.map(({ constant, wire }) => `const ${constant} = ${FIELD_SOURCE[wire]};`),
    ...nested.flatMap(({ constant, many, select }) =>
      many ? readMany(select, constant) : readOne(select, constant),
    ),
    use(`{ ${properties.join(', ')} }`),
  ];
}

function readOne(select: Select, constant: string): string[] {
  return [
    `let ${constant} = null;`,
    'if (numbers[at++] === 1) {',
    ...readRow(select, constant, (row) => `${constant} = ${row};`),
    '}',
  ];
}

function readMany(select: Select, constant: string): string[] {
  return [
    `const ${constant} = [];`,
    `for (let left = numbers[at++]; left > 0; left--) {`,
    ...readRow(select, constant, (row) => `${constant}.push(${row});`),
    '}',
  ];
}

/** In an object literal `"__proto__":` sets the prototype, `["__proto__"]:` makes a property. */
function property(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
}

const CUT = 'text.substring(pos, pos += n)';

const FIELD_SOURCE: Record<Wire, string> = {
  // NaN is null, and the only number that is not itself.
  number: '((n = numbers[at++]) === n ? n : null)',
  bool: '((n = numbers[at++]) === n ? n === 1 : null)',
  date: '((n = numbers[at++]) === n ? new Date(n) : null)',
  text: `((n = numbers[at++]) < 0 ? null : ${CUT})`,
  decimal: `((n = numbers[at++]) < 0 ? null : ${CUT})`,
  bigint: `((n = numbers[at++]) < 0 ? null : BigInt(${CUT}))`,
  bytes: `((n = numbers[at++]) < 0 ? null : bytes(${CUT}))`,
  json: '(source.at = at, source.pos = pos, value = json(source), at = source.at, pos = source.pos, value)',
};

type ValueReader = (source: Source) => unknown;

/** The same reader without generated code. */
export function composeReader(select: Select): RowReader {
  const row = composeRow(select);
  return (source, count, rows) => {
    for (let i = 0; i < count; i++) {
      rows.push(row(source));
    }
  };
}

function composeRow(select: Select): (source: Source) => Row {
  const properties: [name: string, read: ValueReader][] = [
    ...select.fields.map((field): [string, ValueReader] => [
      field.name ?? field.field,
      FIELD_READERS[field.as],
    ]),
    ...(select.nested ?? []).map((nested): [string, ValueReader] => {
      const row = composeRow(nested.select);
      return [
        nested.name,
        nested.many
          ? (source) => Array.from({ length: source.slot() }, () => row(source))
          : (source) => (source.slot() === 1 ? row(source) : null),
      ];
    }),
  ];
  return (source) => {
    const row: Row = {};
    for (const [name, read] of properties) {
      define(row, name, read(source));
    }
    return row;
  };
}

const FIELD_READERS: Record<Wire, ValueReader> = {
  number: numeric((n) => n),
  bool: numeric((n) => n === 1),
  date: numeric((n) => new Date(n)),
  text: textual((text) => text),
  decimal: textual((text) => text),
  bigint: textual(BigInt),
  bytes: textual(bytesOf),
  json: readDocument,
};

function numeric(convert: (n: number) => unknown): ValueReader {
  return (source) => {
    const n = source.slot();
    return Number.isNaN(n) ? null : convert(n);
  };
}

function textual(convert: (text: string) => unknown): ValueReader {
  return (source) => {
    const length = source.slot();
    return length < 0 ? null : convert(source.cut(length));
  };
}
