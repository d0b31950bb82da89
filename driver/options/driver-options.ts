/** What a user may set for the collection store alone. */
import { type Configuration, ValidationError } from '@mikro-orm/core';
import { isolationOf } from '../transactions/isolation.js';
import type { Isolation } from '../native/engine.js';

/** What concerns the collection store alone. */
export interface CollectionStoreDriverOptions {
  /**
   * Refuses to start with entities that use SQL: formulas, checks, generated
   * columns, index expressions, views, triggers. Without it each is named by a
   * warning, and does nothing.
   */
  strict?: boolean;
  /** The level of isolation of transactions that name none. Those that a `flush()` opens for itself are not concerned. Default: `snapshot`. */
  isolationLevel?: 'read uncommitted' | 'read committed' | 'snapshot' | 'repeatable read' | 'serializable';
  /** How many milliseconds a call waits for a row that another transaction has locked. Default: 10,000. */
  lockTimeout?: number;
  /** After how many milliseconds without a call a transaction is rolled back. Default: never. */
  idleTransactionTimeout?: number;
  /** Options of other drivers say nothing here. */
  [option: string]: unknown;
}

/** The options of transactions, complete. */
export interface TransactionSettings {
  readonly isolation: Isolation;
  readonly lockTimeout: number;
  readonly idleTimeout: number | undefined;
}

const LOCK_TIMEOUT = 10_000;

/** The options of transactions; those that make no sense are refused. */
export function transactionSettings(config: Configuration): TransactionSettings {
  const options = (config.get('driverOptions') ?? {}) as CollectionStoreDriverOptions;
  return {
    isolation: isolationOf(options.isolationLevel ?? 'snapshot'),
    lockTimeout: milliseconds('lockTimeout', options.lockTimeout) ?? LOCK_TIMEOUT,
    idleTimeout: milliseconds('idleTransactionTimeout', options.idleTransactionTimeout),
  };
}

function milliseconds(name: string, value: unknown): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (typeof value !== 'number' || !(value >= 0) || value > 2 ** 31 - 1) {
    throw new ValidationError(
      `driverOptions.${name} must be a number of milliseconds, not ${String(value)}.`,
    );
  }
  return value;
}
