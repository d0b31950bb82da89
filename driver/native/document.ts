/**
 * Values of documents on their way out, read from the packed stream.
 */
import { Tag } from './pack.js';

/** A chunk of packed rows and the place that is read next. */
export class Source {
  /** The next slot. */
  at = 0;
  /** The next character of the text. */
  pos = 0;

  constructor(
    readonly numbers: Float64Array,
    readonly text: string,
  ) {}

  /** The number in the next slot. */
  slot(): number {
    return this.numbers[this.at++] as number;
  }

  /** The next `length` characters. */
  cut(length: number): string {
    const start = this.pos;
    this.pos = start + length;
    return this.text.substring(start, this.pos);
  }
}

/** Bytes from text with one character each. Memory of their own, never a slice of a pool. */
export function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}

/** Sets a property as plain data, whatever its name. */
export function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** Reads one tagged value with everything in it. */
export function readDocument(source: Source): unknown {
  const tag = source.slot();
  switch (tag) {
    case Tag.Null:
      return null;
    case Tag.False:
      return false;
    case Tag.True:
      return true;
    case Tag.Number:
      return source.slot();
    case Tag.Text:
    case Tag.Decimal:
      return source.cut(source.slot());
    case Tag.Date:
      return new Date(source.slot());
    case Tag.Bytes:
      return bytesOf(source.cut(source.slot()));
    case Tag.BigInt:
      return BigInt(source.cut(source.slot()));
    case Tag.Array:
      return readArray(source);
    case Tag.Document:
      return readObject(source);
    default:
      throw new Error(
        `The engine sent a value of an unknown kind (${tag}): its native part and its JavaScript part are of different versions.`,
      );
  }
}

function readArray(source: Source): unknown[] {
  const count = source.slot();
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) {
    items.push(readDocument(source));
  }
  return items;
}

function readObject(source: Source): Record<string, unknown> {
  const count = source.slot();
  const object: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const key = source.cut(source.slot());
    define(object, key, readDocument(source));
  }
  return object;
}
