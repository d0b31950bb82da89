/**
 * Values of rows as JSON and back, without loss.
 *
 * What JSON cannot say is written as text by the type of its field; inside of
 * documents, which have no types, as an object of one key that begins with `$`.
 */
import { bytesOf, define } from '../native/document.js';
import type { FieldType, Wire } from '../native/ir.js';

/** What `JSON.parse` gives. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** How values of a type cross from the engine, and to and from JSON. */
export interface Form {
  readonly wire: Wire;
  write(value: unknown): Json;
  /** The value; throws an error that says what was expected instead. */
  read(json: Json): unknown;
}

/** The form of each type. Null is null in all of them. */
export const FORMS: Readonly<Record<FieldType, Form>> = {
  int: { wire: 'number', write: (value) => value as number, read: (json) => expect(json, 'number') },
  float: { wire: 'number', write: (value) => value as number, read: (json) => expect(json, 'number') },
  bigint: { wire: 'bigint', write: String, read: (json) => BigInt(expect(json, 'string')) },
  decimal: { wire: 'decimal', write: String, read: (json) => expect(json, 'string') },
  bool: { wire: 'bool', write: (value) => value as boolean, read: (json) => expect(json, 'boolean') },
  text: { wire: 'text', write: (value) => value as string, read: (json) => expect(json, 'string') },
  date: { wire: 'date', write: (value) => (value as Date).toISOString(), read: dateOf },
  bytes: { wire: 'bytes', write: (value) => base64(value as Uint8Array), read: bytesFrom },
  json: { wire: 'json', write: documentJson, read: readDocumentJson },
};

function documentJson(value: unknown): Json {
  if (typeof value === 'bigint') {
    return { $bigint: String(value) };
  }
  if (typeof value !== 'object' || value === null) {
    return value as Json;
  }
  if (value instanceof Date) {
    return { $date: value.toISOString() };
  }
  if (value instanceof Uint8Array) {
    return { $bytes: base64(value) };
  }
  if (Array.isArray(value)) {
    return value.map(documentJson);
  }
  const object = mapped(value, documentJson);
  return isTagged(object) ? { $object: object } : object;
}

function readDocumentJson(json: Json): unknown {
  if (typeof json !== 'object' || json === null) {
    return json;
  }
  if (Array.isArray(json)) {
    return json.map(readDocumentJson);
  }
  if (!isTagged(json)) {
    return mapped(json, readDocumentJson);
  }
  const [[tag, value]] = Object.entries(json) as [[string, Json]];
  switch (tag) {
    case '$bigint':
      return BigInt(expect(value, 'string'));
    case '$date':
      return dateOf(value);
    case '$bytes':
      return bytesFrom(value);
    case '$object':
      return mapped(expect(value, 'object'), readDocumentJson);
    default:
      throw new Error(`expected one of $bigint, $date, $bytes and $object, not ${tag}`);
  }
}

/** Whether an object might be taken for one that stands for a value. */
function isTagged(object: { [key: string]: Json }): boolean {
  const keys = Object.keys(object);
  return keys.length === 1 && keys[0]?.startsWith('$') === true;
}

function mapped<From, To>(object: object, change: (value: From) => To): { [key: string]: To } {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    define(result, key, change(value as From));
  }
  return result as { [key: string]: To };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function bytesFrom(json: Json): Uint8Array {
  const text = expect<string>(json, 'string');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) {
    throw new Error('expected bytes in base64');
  }
  return bytesOf(bytes.toString('latin1'));
}

function dateOf(json: Json): Date {
  const date = new Date(expect<string>(json, 'string'));
  if (Number.isNaN(date.getTime())) {
    throw new Error('expected a date in ISO 8601');
  }
  return date;
}

function expect<T>(json: unknown, type: string): T {
  if (typeof json !== type || json === null) {
    throw new Error(`expected a ${type}`);
  }
  return json as T;
}
