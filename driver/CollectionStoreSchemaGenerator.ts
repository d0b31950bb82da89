// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core declare generators differently.
import type { MikroORM } from '@mikro-orm/core';
import type { CollectionStoreDriver } from './CollectionStoreDriver.js';
import { unsupported } from './errors.js';
import { Engine, type SchemaOptions, type Session } from './native/engine.js';
import type { SchemaDef } from './native/ir.js';
import type { Soon } from './soon.js';

/** What schema methods may be asked to look at. */
export interface SchemaScope {
  /** The name space of entities that do not name one, or leave it open with `'*'`. */
  schema?: string;
}

/** How far an update goes. */
export interface SchemaUpdateOptions extends SchemaScope {
  /** Only adds: removes no collection and no field. */
  safe?: boolean;
  /** Whether collections that no entity uses are removed; they are unless told otherwise. */
  dropTables?: boolean;
}

/** What a removal of the schema removes beside the collections of the entities. */
export interface SchemaDropOptions extends SchemaScope {
  /** Every collection, of whomever. */
  dropDb?: boolean;
  /** The entries of migrations that were executed, too. */
  dropMigrationsTable?: boolean;
}

/** What is made sure of beside the store being there. */
export interface SchemaEnsureOptions extends SchemaScope {
  /** Creates the schema in an empty store. */
  create?: boolean;
  /** Removes the rows of a store that is not empty. */
  clear?: boolean;
}

/**
 * Makes the collections, fields, indexes and constraints of the entities.
 *
 * Has the names of both majors: `createSchema` is `create` in 7, and so on.
 * Each call happens as a whole or not at all, and keeps data unless it says otherwise.
 */
export class CollectionStoreSchemaGenerator {
  readonly #driver: CollectionStoreDriver;
  readonly #em: any;
  readonly #ctx: unknown;

  /** Takes an EntityManager, or a driver alone, and the transaction to work in, if any. */
  constructor(emOrDriver: any, ctx?: unknown) {
    this.#ctx = ctx;
    this.#em = typeof emOrDriver?.getDriver === 'function' ? emOrDriver : undefined;
    this.#driver = this.#em?.getDriver() ?? emOrDriver;
  }

  /** Makes the generator known as `orm.schema`. */
  static register(orm: MikroORM<any, any>): void {
    orm.config.registerExtension(
      '@mikro-orm/schema-generator',
      () => new CollectionStoreSchemaGenerator(orm.em ?? orm.config.getDriver()),
    );
  }

  /** Creates what is missing. What is there stays as it is. */
  async create(options: SchemaScope = {}): Promise<void> {
    await this.#apply('create schema', options, { dropTables: false, safe: true });
  }

  /** Brings the schema in line with the entities and keeps data. New fields that must not be null are filled from their default, and refused where rows have none. */
  async update(options: SchemaUpdateOptions = {}): Promise<void> {
    await this.#apply('update schema', options, updateOptions(options));
  }

  /** Removes the collections of the entities, and their rows. */
  async drop(options: SchemaDropOptions = {}): Promise<void> {
    const session = await this.#session();
    await this.#traced('drop schema', () => {
      if (options.dropDb) {
        const names = session.describe().collections.map(({ name }) => name);
        session.dropSchema();
        return names;
      }
      return session.changeSchema(this.#without(session, options), { dropTables: true });
    });
    await this.#driver.getConnection().kept();
    this.#clearIdentityMap();
  }

  /** Drops the schema and creates it anew, without rows. */
  async refresh(options: SchemaDropOptions = {}): Promise<void> {
    await this.drop(options);
    await this.create(options);
  }

  /** Removes the rows of the entities' collections; the schema stays. */
  async clear(options: SchemaScope = {}): Promise<void> {
    const session = await this.#session();
    await this.#traced('clear', () => {
      const there = new Set(session.describe().collections.map(({ name }) => name));
      const names = this.#target(options)
        .collections.map(({ name }) => name)
        .filter((name) => there.has(name));
      session.clear(names);
      return names;
    });
    await this.#driver.getConnection().kept();
    this.#clearIdentityMap();
  }

  /** Makes sure of indexes and constraints, and of the collections they are on. */
  async ensureIndexes(options: SchemaScope = {}): Promise<void> {
    await this.#apply('ensure indexes', options, { dropTables: false, safe: true });
  }

  /** A store is there once it is open. Returns whether its schema was created, as `create` asks for an empty one. */
  async ensureDatabase(options: SchemaEnsureOptions = {}): Promise<boolean> {
    if (!options.create && !options.clear) {
      return false;
    }
    const session = await this.#session();
    if (session.describe().collections.length === 0) {
      if (options.create) {
        await this.create(options);
      }
      return true;
    }
    if (options.clear) {
      await this.clear(options);
    }
    return false;
  }

  /** The same as `create`. */
  async createSchema(options?: SchemaScope): Promise<void> {
    await this.create(options);
  }

  /** The same as `update`. */
  async updateSchema(options?: SchemaUpdateOptions): Promise<void> {
    await this.update(options);
  }

  /** The same as `drop`. */
  async dropSchema(options?: SchemaDropOptions): Promise<void> {
    await this.drop(options);
  }

  /** The same as `refresh`. */
  async refreshDatabase(options?: SchemaDropOptions): Promise<void> {
    await this.refresh(options);
  }

  /** The same as `clear`. */
  async clearDatabase(options?: SchemaScope): Promise<void> {
    await this.clear(options);
  }

  /** Does nothing: opening a store makes it. */
  async createDatabase(_name?: string): Promise<void> {}

  /** Removes every collection of the store, of whomever. */
  async dropDatabase(_name?: string): Promise<void> {
    await this.drop({ dropDb: true });
  }

  /** What `create` would do in an empty store, a change a line. */
  async getCreateSchemaSQL(options: SchemaScope = {}): Promise<string> {
    const empty = Engine.open();
    try {
      return lines(empty.diffSchema(this.#target(options)));
    } finally {
      empty.close();
    }
  }

  /** What `update` would do, a change a line; nothing where the schema is in line. */
  async getUpdateSchemaSQL(options: SchemaUpdateOptions = {}): Promise<string> {
    const session = await this.#session();
    return lines(session.diffSchema(this.#withEntries(session, options), updateOptions(options)));
  }

  /** What `update` would do; there is no way down. */
  async getUpdateSchemaMigrationSQL(
    options: SchemaUpdateOptions = {},
  ): Promise<{ up: string; down: string }> {
    return { up: await this.getUpdateSchemaSQL(options), down: '' };
  }

  /** What `drop` would do, a change a line. */
  async getDropSchemaSQL(options: SchemaScope = {}): Promise<string> {
    const session = await this.#session();
    return lines(session.diffSchema(this.#without(session, options), { dropTables: true }));
  }

  /** Refused: there is no SQL to execute. */
  async execute(sql: string): Promise<void> {
    throw unsupported(
      `The collection store does not execute SQL: ${sql.slice(0, 80)}. Use create, update, drop, refresh or clear.`,
    );
  }

  #target(options: SchemaScope): SchemaDef {
    return this.#driver.schemaDef(options.schema);
  }

  /** The schema that the entities ask for, and the entries of migrations where there are any. */
  #withEntries(session: Session, options: SchemaScope): SchemaDef {
    const { collections } = this.#target(options);
    const name = this.#entries;
    const entries = session.describe().collections.filter((def) => def.name === name);
    return collections.some((def) => def.name === name)
      ? { collections }
      : { collections: [...collections, ...entries] };
  }

  /** The schema as it is, without the collections of the entities. */
  #without(session: Session, options: SchemaDropOptions): SchemaDef {
    const mine = new Set(this.#target(options).collections.map(({ name }) => name));
    if (options.dropMigrationsTable) {
      mine.add(this.#entries);
    }
    return { collections: session.describe().collections.filter(({ name }) => !mine.has(name)) };
  }

  /** The name of the collection of the entries of migrations. */
  get #entries(): string {
    return this.#driver.config.get('migrations').tableName ?? '';
  }

  async #apply(text: string, scope: SchemaScope, options: SchemaOptions): Promise<void> {
    const target = this.#withEntries(await this.#session(), scope);
    await this.#traced(text, () =>
      this.#driver.changeSchema(scope.schema, (session) => session.changeSchema(target, options), this.#ctx),
    );
    await this.#driver.getConnection().kept();
  }

  async #session(): Promise<Session> {
    const connection = this.#driver.getConnection();
    // Not when it is opening, which may be what called this.
    if (!connection.opened) {
      await connection.ensureConnection();
    }
    return connection.session(this.#ctx);
  }

  async #traced(text: string, call: () => Soon<string[]>): Promise<void> {
    await this.#driver
      .getConnection()
      .traced(call, (changes) => ({ text: changes?.length ? `${text}: ${changes.join('; ')}` : text }));
  }

  /** Entities in the global identity map would stand for rows that are gone. */
  #clearIdentityMap(): void {
    if (this.#em === undefined) {
      return;
    }
    const { config } = this.#em;
    const allowed = config.get('allowGlobalContext');
    config.set('allowGlobalContext', true);
    this.#em.clear();
    config.set('allowGlobalContext', allowed);
  }
}

function updateOptions(options: SchemaUpdateOptions): SchemaOptions {
  return { dropTables: options.dropTables !== false && options.safe !== true, safe: options.safe === true };
}

function lines(changes: string[]): string {
  return changes.map((change) => `${change};\n`).join('');
}
