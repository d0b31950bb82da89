/**
 * Parameters on their way in: numbers into a buffer shared with the native
 * side, all text into one string.
 */
import { engineError, type EngineErrorCode } from './errors.js';

/** Stands for a value that is not given: the field's default in an insert, the field as it is in an update. */
export const ABSENT: unique symbol = Symbol.for('collection-store.absent');

/** What each packed value begins with. The native side has the same list. */
export const Tag = {
  Null: 0,
  False: 1,
  True: 2,
  Number: 3,
  Text: 4,
  Date: 5,
  Bytes: 6,
  Array: 7,
  Document: 8,
  BigInt: 9,
  Decimal: 10,
  Absent: 11,
} as const;

/** How deep documents may nest. The native side recurses over them with a stack of fixed size. */
export const MAX_DEPTH = 128;

const SMALLEST = 4096;
/** A buffer larger than this, in slots, is let go after the call that needed it. */
const LARGEST_KEPT = 1 << 17;

/** Names a parameter in messages, for instance by the field that it is for. */
export type ParameterNamer = (parameter: number) => string;

/** The unfinished work of an outer call, while a method of one of its values makes a call of its own. */
export interface SuspendedPacking {
  readonly numbers: Float64Array;
  readonly text: string;
  readonly depth: number;
  readonly keys: (string | number)[];
  readonly ancestors: object[];
}

/** Packs the parameters of one call after the other into a buffer that grows as needed. */
export class Packer {
  /** The buffer; a new one when the parameters needed more room. */
  numbers = allocate(SMALLEST);
  #text = '';
  #at = 0;
  #busy = false;
  #depth = 0;
  /** Where in the parameter the value at hand is; valid up to the depth. */
  #keys: (string | number)[] = [];
  #ancestors: object[] = [];

  /** Packs all parameters, after their number and the length of their text, and returns the text. */
  pack(params: readonly unknown[], name: ParameterNamer): string {
    const count = params.length;
    this.#busy = true;
    this.#text = '';
    this.#at = 2;
    let parameter = 0;
    try {
      for (; parameter < count; parameter++) {
        this.#value(params[parameter]);
      }
      this.numbers[0] = count;
      this.numbers[1] = this.#text.length;
      return this.#text;
    } catch (error) {
      if (error instanceof Refusal) {
        throw engineError(
          error.code,
          `${name(parameter)}${pathText(this.#keys, this.#depth)}: ${error.message}`,
        );
      }
      throw error;
    } finally {
      this.#busy = false;
      this.#depth = 0;
      this.#text = '';
    }
  }

  /** Puts the work at hand aside for a call made from inside a value's `toJSON` or getter; nothing where there is none. */
  suspend(): SuspendedPacking | undefined {
    if (!this.#busy) {
      return undefined;
    }
    const suspended = {
      numbers: this.numbers.slice(0, this.#at),
      text: this.#text,
      depth: this.#depth,
      keys: this.#keys,
      ancestors: this.#ancestors,
    };
    this.#keys = [];
    this.#ancestors = [];
    this.#depth = 0;
    return suspended;
  }

  /** Goes on with work put aside. */
  resume(suspended: SuspendedPacking): void {
    this.#at = suspended.numbers.length;
    this.#reserve(0);
    this.numbers.set(suspended.numbers);
    this.#text = suspended.text;
    this.#depth = suspended.depth;
    this.#keys = suspended.keys;
    this.#ancestors = suspended.ancestors;
    this.#busy = true;
  }

  /** Lets go of a buffer that one large call needed. */
  shrink(): void {
    if (this.numbers.length > LARGEST_KEPT) {
      this.numbers = allocate(SMALLEST);
    }
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value)) {
          throw new Refusal('NOT_FINITE', `${value} is not a number that can be stored or compared`);
        }
        this.#pair(Tag.Number, value);
        break;
      case 'string':
        this.#textual(Tag.Text, value);
        break;
      case 'boolean':
        this.#single(value ? Tag.True : Tag.False);
        break;
      case 'undefined':
        this.#single(Tag.Null);
        break;
      case 'bigint':
        this.#textual(Tag.BigInt, value.toString());
        break;
      case 'object':
        if (value === null) {
          this.#single(Tag.Null);
        } else {
          this.#object(value);
        }
        break;
      case 'symbol':
        if (value !== ABSENT || this.#depth > 0) {
          throw new Refusal('TYPE_MISMATCH', `${String(value)} is a symbol, which is not data`);
        }
        this.#single(Tag.Absent);
        break;
      default:
        throw new Refusal('TYPE_MISMATCH', `${functionName(value)} is a function, which is not data`);
    }
  }

  #object(value: object): void {
    const convert = (value as { toJSON?: unknown }).toJSON;
    if (typeof convert !== 'function' || isDate(value) || ArrayBuffer.isView(value)) {
      this.#structure(value);
      return;
    }
    const key = this.#depth > 0 ? String(this.#keys[this.#depth - 1]) : '';
    const converted: unknown = Reflect.apply(convert, value, [key]);
    // The result speaks for itself: as in JSON, its own `toJSON` is not asked again.
    if (typeof converted === 'object' && converted !== null) {
      this.#structure(converted);
    } else {
      this.#value(converted);
    }
  }

  #structure(value: object): void {
    if (Array.isArray(value)) {
      this.#array(value);
    } else if (isPlain(value)) {
      this.#document(value);
    } else if (isDate(value)) {
      this.#date(value);
    } else {
      this.#instance(value, kindOf(value));
    }
  }

  /** An object of a class, or a built-in one. */
  #instance(value: object, kind: string): void {
    if (ArrayBuffer.isView(value) && kind === 'Uint8Array') {
      this.#textual(Tag.Bytes, latin1(value));
    } else if (UNBOXED.has(kind)) {
      this.#value(value.valueOf());
    } else if (ArrayBuffer.isView(value) || UNSTORABLE.has(kind)) {
      const advice = 'convert it to an array, an object, text or a Uint8Array';
      throw new Refusal('TYPE_MISMATCH', `${kind} objects are not data that can be stored: ${advice}`);
    } else {
      this.#document(value);
    }
  }

  #date(value: Date): void {
    const time = value.getTime();
    if (Number.isNaN(time)) {
      throw new Refusal('NOT_FINITE', 'an invalid Date cannot be stored or compared');
    }
    this.#pair(Tag.Date, time);
  }

  #array(items: readonly unknown[]): void {
    const count = items.length;
    this.#enter(items);
    this.#pair(Tag.Array, count);
    for (let i = 0; i < count; i++) {
      this.#keys[this.#depth - 1] = i;
      this.#value(items[i]);
    }
    this.#leave();
  }

  /** Own enumerable properties under names, without those that are undefined. */
  #document(value: object): void {
    this.#enter(value);
    const counted = this.#at + 1;
    this.#pair(Tag.Document, 0);
    let count = 0;
    for (const key of Object.keys(value)) {
      const item = (value as Record<string, unknown>)[key];
      if (item !== undefined) {
        this.#reserve(1);
        this.numbers[this.#at++] = key.length;
        this.#text += key;
        this.#keys[this.#depth - 1] = key;
        this.#value(item);
        count++;
      }
    }
    this.numbers[counted] = count;
    this.#leave();
  }

  #enter(value: object): void {
    const depth = this.#depth;
    if (depth >= MAX_DEPTH) {
      throw new Refusal('OUT_OF_RANGE', `documents nest at most ${MAX_DEPTH} levels deep`);
    }
    for (let i = 0; i < depth; i++) {
      if (this.#ancestors[i] === value) {
        throw new Refusal('TYPE_MISMATCH', 'the document contains itself');
      }
    }
    this.#ancestors[depth] = value;
    this.#depth = depth + 1;
  }

  #leave(): void {
    this.#depth--;
  }

  #single(tag: number): void {
    this.#reserve(1);
    this.numbers[this.#at++] = tag;
  }

  #pair(tag: number, payload: number): void {
    this.#reserve(2);
    this.numbers[this.#at++] = tag;
    this.numbers[this.#at++] = payload;
  }

  #textual(tag: number, text: string): void {
    this.#pair(tag, text.length);
    this.#text += text;
  }

  #reserve(slots: number): void {
    const needed = this.#at + slots;
    if (needed > this.numbers.length) {
      const grown = allocate(Math.max(needed, this.numbers.length * 2));
      grown.set(this.numbers);
      this.numbers = grown;
    }
  }
}

/** Why a value cannot be packed, before it is known where it stands. */
class Refusal {
  constructor(
    readonly code: EngineErrorCode,
    readonly message: string,
  ) {}
}

const UNBOXED: ReadonlySet<string> = new Set(['Number', 'String', 'Boolean', 'BigInt']);

/** Built-in objects whose content is not in their properties: as documents they would silently be empty. */
const UNSTORABLE: ReadonlySet<string> = new Set([
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'RegExp',
  'Promise',
  'Error',
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Symbol',
]);

/** A buffer of its own memory: what `Float64Array` makes by itself may move when somebody looks at its `buffer`. */
export function allocate(slots: number): Float64Array {
  return new Float64Array(new ArrayBuffer(slots * Float64Array.BYTES_PER_ELEMENT));
}

/** The name of what an object is, which also holds for objects of another realm. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isDate(value: object): value is Date {
  return value instanceof Date || kindOf(value) === 'Date';
}

function latin1(bytes: ArrayBufferView): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function functionName(value: unknown): string {
  const name = (value as { name?: unknown }).name;
  return typeof name === 'string' && name !== '' ? `"${name}"` : 'the value';
}

function pathText(keys: readonly (string | number)[], depth: number): string {
  if (depth === 0) {
    return '';
  }
  const steps = keys
    .slice(0, depth)
    .map((key) =>
      typeof key === 'number' ? `[${key}]` : /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
    );
  const shown = steps.length > 12 ? [...steps.slice(0, 6), '…', ...steps.slice(-4)] : steps;
  return ` at ${shown.join('').replace(/^\./, '')}`;
}
