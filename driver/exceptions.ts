import { DeadlockException } from '@mikro-orm/core';
import type { EngineError } from './native/errors.js';

/**
 * Another transaction changed the same row first, or, for a serializable one,
 * anything that this one has read. Nothing of it was kept; run again, it may
 * succeed. PostgreSQL's 40001, and so a `DeadlockException`.
 */
export class WriteConflictException extends DeadlockException {
  /** The same transaction may succeed when it is run again. */
  readonly retryable = true;
  /** The collection of the row, where it was one row. */
  declare readonly collection?: string;
  /** The fields of the row's primary key and their values, where it was one row. */
  declare readonly key?: Readonly<Record<string, unknown>>;

  constructor(previous: EngineError) {
    super(previous);
    Object.assign(this, { key: keyOf(previous) });
  }
}

function keyOf({ fields, key }: EngineError): Record<string, unknown> | undefined {
  if (fields === undefined || key === undefined) {
    return undefined;
  }
  const values = JSON.parse(key) as unknown[];
  return Object.fromEntries(fields.map((field, i) => [field, values[i]]));
}
