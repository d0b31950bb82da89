// biome-ignore-all lint/suspicious/noExplicitAny: options of transactions are typed by core without our own.
import type { MigrationsOptions, Transaction } from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import { unsupported } from '../errors.js';
import { withRetries } from '../transactions/retries.js';
import { EXPLICIT } from '../transactions/transaction.js';
import type { Migration } from './Migration.js';

/** How often the transaction of migrations is run again where others have committed meanwhile. */
export const RETRIES = 10;

/** Runs one migration, and writes its entry in the same transaction. */
export class MigrationRunner {
  #master: Transaction | undefined;

  constructor(
    protected readonly driver: CollectionStoreDriver,
    protected readonly options: MigrationsOptions,
  ) {}

  /** Runs a migration; `afterRun` is part of its transaction. */
  async run(
    migration: Migration,
    method: 'up' | 'down',
    afterRun?: (trx?: Transaction) => Promise<void>,
  ): Promise<void> {
    refuseSql(migration);
    if (this.options.transactional === false || !migration.isTransactional()) {
      migration.reset();
      await migration[method]();
      await afterRun?.();
      return;
    }
    const options = { ctx: this.#master, [EXPLICIT]: true } as any;
    const once = () =>
      this.driver.getConnection().transactional(async (trx) => {
        migration.reset();
        migration.setTransactionContext(trx);
        await migration[method]();
        await afterRun?.(trx);
      }, options);
    // Part of another transaction, it is that which is to be run again.
    await withRetries(this.#master === undefined ? RETRIES : 0, once);
  }

  /** Runs those to come inside of a transaction. */
  setMasterMigration(trx: Transaction): void {
    this.#master = trx;
  }

  unsetMasterMigration(): void {
    this.#master = undefined;
  }
}

/** Told by what it can do: the class may come from another copy of this package. */
function refuseSql(migration: object): void {
  if ('addSql' in migration) {
    throw unsupported(
      `${migration.constructor.name} is a migration of SQL, which the collection store does not execute: let it extend Migration of collection-store-mikro-orm/migrations, and change the schema by \`this.schema\`.`,
    );
  }
}
