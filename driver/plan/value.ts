/**
 * Kinds of values in conditions and payloads, told apart without knowing the
 * classes they are made of.
 */
import { PlanError } from './errors.js';

/** An object whose properties are what it says: a literal, one without prototype, or the ORM's `PlainObject`. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // The prototype of a literal of another realm has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null || isPlainClass(prototype);
}

function isPlainClass(prototype: unknown): boolean {
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    if ((at as { constructor?: { name?: unknown } }).constructor?.name === 'PlainObject') {
      return true;
    }
  }
  return false;
}

/** Whether a value is a regular expression, also of another realm. */
export function isRegExp(value: unknown): value is RegExp {
  return value instanceof RegExp || Object.prototype.toString.call(value) === '[object RegExp]';
}

/** Whether a value is a piece of SQL or a query of its own. */
export function isRaw(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    ((value as { __raw?: unknown }).__raw === true || RAW_CLASSES.has((value as object).constructor?.name))
  );
}

const RAW_CLASSES: ReadonlySet<string | undefined> = new Set([
  'RawQueryFragment',
  'QueryBuilder',
  'NativeQueryBuilder',
]);

/** Whether a key of an object stands for a piece of SQL. */
export function isRawKey(key: string): boolean {
  return key.startsWith('[raw]: ');
}

/** Refuses keys that enumerating names would pass over: a condition must never be left out. */
export function refuseSymbols(value: object, path: string): void {
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, symbol)) {
      throw rawFragment(symbol.description ?? 'a symbol', path);
    }
  }
}

/** The refusal of a piece of SQL. */
export function rawFragment(what: string, path: string): PlanError {
  return new PlanError(
    'RAW_FRAGMENT',
    `Raw SQL fragments cannot be used here, there is no SQL underneath: ${shorten(what)} (at ${path}). Use conditions, orders and values of MikroORM instead.`,
    path,
  );
}

/** A value for a message, in few words. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'string') {
    return shorten(JSON.stringify(value));
  }
  if (typeof value === 'bigint') {
    return `${value}n`;
  }
  if (Array.isArray(value)) {
    return `an array of ${value.length}`;
  }
  if (isRaw(value) && typeof (value as { sql?: unknown }).sql === 'string') {
    return shorten((value as { sql: string }).sql);
  }
  if (isPlainObject(value)) {
    return shorten(`{ ${Object.keys(value).join(', ')} }`);
  }
  return Object.prototype.toString.call(value).slice(8, -1);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
