import type { MigrationsOptions, Transaction } from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import { unsupported } from '../errors.js';
import type { CollectionDef } from '../native/ir.js';
import type { StoredRows } from '../StoredRows.js';
import type { MigrationRow } from './base.js';

/** Keeps the entries: which migrations were executed, in a collection of the store itself. */
export class MigrationStorage {
  #master: Transaction | undefined;

  constructor(
    protected readonly driver: CollectionStoreDriver,
    protected readonly options: MigrationsOptions,
  ) {}

  /** The names of the migrations that were executed, the first one first. */
  async executed(): Promise<string[]> {
    return (await this.getExecutedMigrations()).map(({ name }) => this.getMigrationName(name));
  }

  /** The entries, the first one first. */
  async getExecutedMigrations(): Promise<MigrationRow[]> {
    const rows = await this.#rows(this.#master);
    return rows === undefined ? [] : rows.find({}, { orderBy: { id: 'asc' } });
  }

  /** Adds an entry. */
  async logMigration({ name }: { name: string }, trx?: Transaction): Promise<void> {
    await this.ensureTable(trx);
    const rows = await this.#rows(trx ?? this.#master);
    await rows?.insert({ name: this.getMigrationName(name), executed_at: new Date() });
  }

  /** Removes an entry. */
  async unlogMigration({ name }: { name: string }, trx?: Transaction): Promise<void> {
    const rows = await this.#rows(trx ?? this.#master);
    const plain = this.getMigrationName(name);
    await rows?.delete({ name: { $in: [plain, `${plain}.js`, `${plain}.ts`] } });
  }

  /** Makes the collection of the entries where it is missing. */
  async ensureTable(trx?: Transaction): Promise<void> {
    const connection = this.driver.getConnection();
    if ((await this.#rows(trx ?? this.#master)) === undefined) {
      const target = { collections: [entries(this.#name)] };
      connection.traced(
        () => connection.session(trx ?? this.#master).createSchema(target),
        (changes) => ({ text: `create the migrations: ${changes?.join('; ') ?? ''}` }),
      );
    }
  }

  /** Works in a transaction from now on. */
  setMasterMigration(trx: Transaction): void {
    this.#master = trx;
  }

  unsetMasterMigration(): void {
    this.#master = undefined;
  }

  /** Refuses a name space to migrate: entries are of the whole store. */
  setRunSchema(schema?: string): void {
    if (schema) {
      throw unsupported(
        `Migrations are of the whole store, not of one schema ('${schema}'): name the collections in them as '${schema}.name'.`,
      );
    }
  }

  unsetRunSchema(): void {}

  /** The name of a migration, which may be given by its file. */
  getMigrationName(name: string): string {
    return name.replace(/\.[cm]?[jt]s$/, '');
  }

  get #name(): string {
    return this.options.tableName ?? 'mikro_orm_migrations';
  }

  /** The entries; nothing as long as they have no collection. Reading them makes none. */
  async #rows(trx: Transaction | undefined): Promise<StoredRows<MigrationRow> | undefined> {
    const connection = this.driver.getConnection();
    if (!connection.ready) {
      await connection.ensureConnection();
    }
    const there = connection
      .session(trx)
      .describe()
      .collections.some(({ name }) => name === this.#name);
    return there ? this.driver.getCollection<MigrationRow>(this.#name, trx) : undefined;
  }
}

function entries(name: string): CollectionDef {
  return {
    name,
    fields: [
      { name: 'id', type: 'int', nullable: false, autoIncrement: true },
      { name: 'name', type: 'text', nullable: false },
      { name: 'executed_at', type: 'date', nullable: false, default: { now: true } },
    ],
    primary: ['id'],
    indexes: [],
    foreign: [],
  };
}
