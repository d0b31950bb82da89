/**
 * Calls of the engine in words, for the log.
 */
import { inspect } from 'node:util';

/** Values are shown where the log shows parameters, and as `?` where not. */
export type ShowValues = boolean;

/** One part of the text of a call: a word, and what follows it. */
export type Clause = readonly [word: string, value: unknown];

/** A call in one line; clauses without a value, or with an empty one, are left out. */
export function callText(
  verb: string,
  collection: string,
  clauses: readonly Clause[],
  values: ShowValues,
): string {
  const parts = clauses
    .filter(([, value]) => !isEmpty(value))
    .map(([word, value]) => `${word} ${shown(value, values)}`);
  return [verb, collection, ...parts].join(' ');
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'object' &&
      !(value instanceof Date) &&
      Reflect.ownKeys(value).length === (Array.isArray(value) ? 1 : 0))
  );
}

function shown(value: unknown, values: ShowValues): string {
  return inspect(values ? value : masked(value), {
    breakLength: Number.POSITIVE_INFINITY,
    depth: 6,
    maxArrayLength: 10,
    maxStringLength: 60,
  });
}

class Mask {
  [inspect.custom](): string {
    return '?';
  }
}

const MASK = new Mask();

function masked(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === 'object' && item !== null) ? value.map(masked) : MASK;
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value))
  ) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, masked(member)]));
  }
  return MASK;
}
