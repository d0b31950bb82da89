import type { Configuration, Transaction } from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import type { CollectionStoreEntityManager } from '../CollectionStoreEntityManager.js';
import type { StoredRow, StoredRows } from '../StoredRows.js';
import { MigrationSchema } from './MigrationSchema.js';

/**
 * One step of a store from one form to the next. Extend it with `up()`, and
 * with `down()` where there is a way back.
 *
 * All that happens through `schema`, `getCollection()` and `em` is one
 * transaction, together with the entry that says the migration was executed.
 */
export abstract class Migration {
  /** The name in the entries; that of the file or the class where there is none. */
  name?: string;

  protected ctx?: Transaction | undefined;
  #em: CollectionStoreEntityManager | undefined;
  #schema: MigrationSchema | undefined;

  constructor(
    protected readonly driver: CollectionStoreDriver,
    protected readonly config: Configuration,
  ) {}

  /** Brings the store to the next form. */
  abstract up(): Promise<void> | void;

  /** Brings it back. */
  down(): Promise<void> | void {
    throw new Error(`${this.name ?? this.constructor.name} cannot be reverted: it has no down().`);
  }

  /** Whether all of it happens or nothing; each call by itself where this is false. */
  isTransactional(): boolean {
    return true;
  }

  /** Collections, fields, indexes and foreign keys. */
  get schema(): MigrationSchema {
    this.#schema ??= new MigrationSchema(this.driver, this.ctx);
    return this.#schema;
  }

  /** The rows of a collection by the names of its fields, whatever entities say of it. Named by the collection, or by an entity. */
  getCollection<Row extends object = StoredRow>(nameOrEntity: string | object): StoredRows<Row> {
    return this.driver.getCollection<Row>(nameOrEntity, this.ctx);
  }

  /** An EntityManager in the transaction of the migration. What it persists needs a `flush()`. */
  getEntityManager(): CollectionStoreEntityManager {
    if (this.#em === undefined) {
      const em: CollectionStoreEntityManager = this.driver.createEntityManager();
      if (this.ctx !== undefined) {
        em.setTransactionContext(this.ctx);
      }
      this.#em = em;
    }
    return this.#em;
  }

  /** The same as `getEntityManager()`. */
  get em(): CollectionStoreEntityManager {
    return this.getEntityManager();
  }

  /** Forgets an earlier run. For the migrator. */
  reset(): void {
    this.setTransactionContext(undefined);
  }

  /** Says which transaction to run in. For the migrator. */
  setTransactionContext(ctx: Transaction | undefined): void {
    this.ctx = ctx;
    this.#em = undefined;
    this.#schema = undefined;
  }
}
