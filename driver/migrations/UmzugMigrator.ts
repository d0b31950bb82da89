// biome-ignore-all lint/suspicious/noExplicitAny: umzug is an optional package, seen without its types.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Configuration,
  type IMigrationGenerator,
  type MaybePromise,
  type MigrationsOptions,
  type MigratorEvent,
  type Transaction,
  Utils,
} from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import { unsupported } from '../errors.js';
import type { MigrateOptions, MigrationInfo, MigrationRow } from './base.js';
import type { Migration } from './Migration.js';
import type { MigrationRunner } from './MigrationRunner.js';
import type { MigrationStorage } from './MigrationStorage.js';

type Listener = (event: MigrationInfo) => MaybePromise<void>;
type MigrationClass = new (driver: CollectionStoreDriver, config: Configuration) => Migration;

/** What umzug runs. */
interface Runnable extends MigrationInfo {
  up(): Promise<void>;
  down(): Promise<void>;
}

/**
 * The base of the migrator in major 6, where MikroORM leaves it to umzug to
 * find migrations, to choose among them and to run them in order. Has the
 * names of core's own in 7.
 */
export abstract class UmzugMigrator {
  protected readonly driver: CollectionStoreDriver;
  protected readonly config: Configuration;
  protected readonly options: MigrationsOptions;
  protected readonly runner: MigrationRunner;
  protected readonly storage: MigrationStorage;
  protected readonly generator: IMigrationGenerator;
  readonly #listeners: [MigratorEvent, Listener][] = [];
  #umzug: Promise<any> | undefined;

  constructor(em: any) {
    this.driver = em.getDriver();
    this.config = em.config;
    this.options = this.config.get('migrations');
    this.runner = this.createRunner();
    this.storage = this.createStorage();
    const { generator: Generator, silent } = this.options as any;
    this.generator = Generator
      ? new Generator(this.driver, this.config.getNamingStrategy(), this.options)
      : this.getDefaultGenerator();
    if (!silent) {
      this.#logEvents();
    }
  }

  protected abstract createRunner(): MigrationRunner;
  protected abstract createStorage(): MigrationStorage;
  protected abstract getDefaultGenerator(): IMigrationGenerator;

  /** Calls a listener before or after each migration. */
  on(event: MigratorEvent, listener: Listener): this {
    this.#listeners.push([event, listener]);
    return this;
  }

  /** Calls a listener no longer. */
  off(event: MigratorEvent, listener: Listener): this {
    const at = this.#listeners.findIndex(([name, known]) => name === event && known === listener);
    if (at >= 0) {
      this.#listeners.splice(at, 1);
    }
    return this;
  }

  async getExecuted(): Promise<MigrationRow[]> {
    await this.init();
    return this.storage.getExecutedMigrations();
  }

  async getPending(): Promise<MigrationInfo[]> {
    await this.init();
    return (await this.#getUmzug()).pending();
  }

  async up(options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]> {
    return this.#run('up', options);
  }

  async down(options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]> {
    return this.#run('down', options);
  }

  async logMigration(name: string): Promise<void> {
    await this.init();
    await this.storage.logMigration({ name });
  }

  async unlogMigration(name: string): Promise<void> {
    await this.init();
    await this.storage.unlogMigration({ name });
  }

  protected async init(): Promise<void> {
    if (!this.options.migrationsList) {
      mkdirSync(this.#folder, { recursive: true });
    }
  }

  /** Nothing: the configuration of major 6 has found them out. */
  protected async resolvePaths(): Promise<void> {}

  get #folder(): string {
    const utils = Utils as any;
    const ts = this.config.get('preferTs', utils.detectTsNode()) && this.options.pathTs;
    return utils.absolutePath(ts ? this.options.pathTs : this.options.path, this.config.get('baseDir'));
  }

  async #run(method: 'up' | 'down', options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]> {
    await this.init();
    const umzug = await this.#getUmzug();
    const { transaction, schema, ...chosen } =
      typeof options === 'string' || Array.isArray(options) ? { migrations: options } : (options ?? {});
    this.storage.setRunSchema(schema);
    if (transaction === undefined) {
      return umzug[method](this.#named(chosen));
    }
    return this.#within(transaction, () => umzug[method](this.#named(chosen)));
  }

  async #within<T>(transaction: Transaction, work: () => Promise<T>): Promise<T> {
    this.runner.setMasterMigration(transaction);
    this.storage.setMasterMigration(transaction);
    try {
      return await work();
    } finally {
      this.runner.unsetMasterMigration();
      this.storage.unsetMasterMigration();
    }
  }

  /** Options by the names of migrations, which may be given as files and as the times in their names. */
  #named({ from, to, migrations }: any): any {
    const named = (name: unknown) => {
      const text = this.storage.getMigrationName(String(name));
      return /^\d{14}$/.test(text) ? this.options.fileName?.(text) : text;
    };
    return {
      ...(from && { from: named(from) }),
      ...(to !== undefined && { to: to === 0 ? 0 : named(to) }),
      ...(migrations && { migrations: [migrations].flat().map(named) }),
    };
  }

  #getUmzug(): Promise<any> {
    this.#umzug ??= this.#makeUmzug();
    return this.#umzug;
  }

  async #makeUmzug(): Promise<any> {
    const { Umzug } = await loadUmzug();
    const { migrationsList, glob } = this.options as any;
    const umzug = new Umzug({
      logger: undefined,
      migrations: migrationsList
        ? migrationsList.map((item: any) =>
            typeof item === 'function' ? this.#listed(item) : this.#listed(item.class, item.name),
          )
        : {
            glob: join(this.#folder, glob).replaceAll('\\', '/'),
            resolve: ({ name, path }: any) => this.#inFile(name, path),
          },
      // The entries are written in the transactions of the migrations, which umzug does not know.
      storage: {
        executed: () => this.storage.executed(),
        logMigration: async () => {},
        unlogMigration: async () => {},
      },
    });
    for (const name of ['migrating', 'migrated', 'reverting', 'reverted'] as const) {
      umzug.on(name, (event: MigrationInfo) => this.#emit(name, event));
    }
    return umzug;
  }

  async #emit(name: MigratorEvent, { name: migration, path }: MigrationInfo): Promise<void> {
    for (const [event, listener] of [...this.#listeners]) {
      if (event === name) {
        await listener({ name: migration, path });
      }
    }
  }

  #inFile(name: string, path: string): Runnable {
    return this.#runnable(
      name,
      async () => {
        const module = await (Utils as any).dynamicImport(path);
        const Class = Object.values(module).find((value) => typeof value === 'function') as
          | MigrationClass
          | undefined;
        if (Class === undefined) {
          throw new Error(`The migration ${path} exports no class.`);
        }
        return new Class(this.driver, this.config);
      },
      path,
    );
  }

  #listed(Class: MigrationClass, name?: string): Runnable {
    const migration = new Class(this.driver, this.config);
    return this.#runnable(name ?? migration.name ?? Class.name, async () => migration);
  }

  #runnable(given: string, load: () => Promise<Migration>, path?: string): Runnable {
    const name = this.storage.getMigrationName(given);
    return {
      name,
      path,
      up: async () => this.runner.run(await load(), 'up', (trx) => this.storage.logMigration({ name }, trx)),
      down: async () =>
        this.runner.run(await load(), 'down', (trx) => this.storage.unlogMigration({ name }, trx)),
    };
  }

  #logEvents(): void {
    const logger = this.config.getLogger();
    const log = (event: MigratorEvent, text: string) =>
      this.on(event, ({ name }) => logger.log('migrator', `${text} '${name}'`, { enabled: true }));
    log('migrating', 'Processing');
    log('migrated', 'Applied');
    log('reverting', 'Processing');
    log('reverted', 'Reverted');
  }
}

async function loadUmzug(): Promise<any> {
  const name = 'umzug';
  try {
    return await import(name);
  } catch (error) {
    throw unsupported(
      `Migrations with MikroORM 6 are run by umzug, which is not there (${(error as Error).message}): npm install umzug@3`,
    );
  }
}
