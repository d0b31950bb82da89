/** What a user may set for the collection store alone. */
import { fileURLToPath } from 'node:url';
import { type Configuration, ValidationError } from '@mikro-orm/core';
import { isolationOf } from '../transactions/isolation.js';
import { DURABILITIES, type Durability, type Isolation } from '../native/engine.js';

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
  /** The directory that the store is kept in; `clientUrl: 'file:./data/app'` says the same. Without it the store is in memory. */
  path?: string;
  /**
   * When a commit counts as made: `commit`, when it is on the disk; `interval`, at once, and it is on the disk after
   * `syncInterval`; `none`, at once. Default: `commit`.
   */
  durability?: Durability;
  /** After how many milliseconds a commit is on the disk, for the durability `interval`. Default: 1000. */
  syncInterval?: number;
  /** Options of other drivers say nothing here. */
  [option: string]: unknown;
}

/** The options of transactions, complete. */
export interface TransactionSettings {
  readonly isolation: Isolation;
  readonly lockTimeout: number;
  readonly idleTimeout: number | undefined;
}

/** Where and how a store is kept. */
export interface StorePlace {
  readonly path: string;
  readonly durability: Durability;
  readonly interval: number;
}

/** Where the store is kept; nothing for one in memory. What makes no sense is refused. */
export function storePlace(config: Configuration): StorePlace | undefined {
  const options = (config.get('driverOptions') ?? {}) as CollectionStoreDriverOptions;
  const path = options.path ?? filePath(config.get('clientUrl') as string | undefined);
  const { durability = 'commit' } = options;
  if (!DURABILITIES.includes(durability)) {
    throw new ValidationError(
      `driverOptions.durability must be one of ${DURABILITIES.join(', ')}, not ${String(durability)}.`,
    );
  }
  const interval = milliseconds('syncInterval', options.syncInterval) ?? 1000;
  if (path === undefined) {
    if (options.durability !== undefined || options.syncInterval !== undefined) {
      throw new ValidationError(
        'driverOptions.durability and syncInterval are for stores that are kept in a directory: set driverOptions.path.',
      );
    }
    return undefined;
  }
  if (typeof path !== 'string' || path === '') {
    throw new ValidationError(`driverOptions.path must be the path of a directory, not ${String(path)}.`);
  }
  return { path, durability, interval };
}

/** The path of a URL `file:`, which may be relative: `file:./data`. */
function filePath(url: string | undefined): string | undefined {
  if (!url?.startsWith('file:')) {
    return undefined;
  }
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
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
