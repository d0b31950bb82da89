// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core declare migrators differently.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { IMigrationGenerator, MikroORM } from '@mikro-orm/core';
import { MIGRATOR } from '../CollectionStorePlatform.js';
import { Engine, type SchemaOptions } from '../native/engine.js';
import type { SchemaDef } from '../native/ir.js';
import { withRetries } from '../transactions/retries.js';
import { EXPLICIT } from '../transactions/transaction.js';
import { Base, type MigrateOptions, type MigrationInfo, type MigrationRow } from './base.js';
import { JSMigrationGenerator, type MigrationDiff, TSMigrationGenerator } from './MigrationGenerator.js';
import { MigrationRunner, RETRIES } from './MigrationRunner.js';
import { MigrationStorage } from './MigrationStorage.js';
import { statements } from './steps.js';

/** A migration just written. */
export interface MigrationResult {
  /** The name of its file; empty where there is nothing to change, and no file. */
  fileName: string;
  code: string;
  diff: MigrationDiff;
}

/**
 * Creates migrations, runs and reverts them: `orm.migrator`, once registered
 * by `extensions: [Migrator]`.
 *
 * Has the names of both majors: `createMigration` is `create` in 7, and so on.
 */
export class Migrator extends Base {
  /** Makes the migrator known as `orm.migrator`. */
  static register(orm: MikroORM<any, any>): void {
    orm.config.registerExtension(MIGRATOR, () => new Migrator(orm.em));
    orm.config.registerExtension('@mikro-orm/migrator', () => orm.config.getExtension(MIGRATOR));
  }

  override createRunner(): MigrationRunner {
    return new MigrationRunner(this.driver, this.options);
  }

  override createStorage(): MigrationStorage {
    return new MigrationStorage(this.driver, this.options);
  }

  override getDefaultGenerator(): IMigrationGenerator {
    const Generator = this.options.emit === 'ts' ? TSMigrationGenerator : JSMigrationGenerator;
    return new Generator(this.driver, this.config.getNamingStrategy(), this.options);
  }

  /** The keeper of the entries. */
  getStorage(): MigrationStorage {
    return this.storage;
  }

  /**
   * Writes a migration that brings the schema in line with the entities; an
   * empty one if `blank`, the first one if `initial`. The schema it begins
   * with is that of the snapshot beside the migrations, else that of the store.
   */
  async create(path?: string, blank = false, initial = false, name?: string): Promise<MigrationResult> {
    if (initial) {
      return this.createInitial(path, name, blank);
    }
    await this.init();
    const { from, to } = await this.#difference();
    const diff = blank ? { up: [''], down: [''] } : bothWays(from, to);
    return diff.up.length === 0 ? { fileName: '', code: '', diff } : this.#write(diff, to, path, name);
  }

  /** Writes the first migration, from an empty store. Where the store has all of its collections already, it counts as executed. */
  async createInitial(path?: string, name?: string, blank = false): Promise<MigrationResult> {
    await this.init();
    if ((await this.getExecuted()).length > 0 || (await this.getPending()).length > 0) {
      throw new Error('The initial migration cannot be created: there are migrations already.');
    }
    const { collections } = await this.#stored();
    const to = merged({ collections: [] }, this.driver.schemaDef(), {});
    const there = to.collections.filter((def) => collections.some((old) => old.name === def.name));
    if (there.length > 0 && there.length < to.collections.length) {
      const names = there.map((def) => def.name).join(', ');
      throw new Error(
        `The initial migration cannot be created: some collections of the entities are there already, others are not. There are: ${names}.`,
      );
    }
    const diff = blank ? { up: [''], down: [''] } : bothWays({ collections: [] }, to);
    const result = await this.#write(diff, to, path, name);
    if (there.length > 0 && !blank) {
      await this.storage.logMigration({ name: result.fileName });
    }
    return result;
  }

  /** Whether the entities ask for another schema than that of the snapshot, or of the store where there is none. */
  async checkSchema(): Promise<boolean> {
    await this.resolvePaths();
    const { from, to } = await this.#difference();
    return statements(from, to).length > 0;
  }

  /** Runs migrations that were not executed, all of them unless told which. */
  override async up(options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]> {
    return this.#run(options, (given) => super.up(given));
  }

  /** Reverts migrations, the last one unless told which. */
  override async down(options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]> {
    return this.#run(options, (given) => super.down(given));
  }

  /** The same as `create`. */
  async createMigration(
    path?: string,
    blank?: boolean,
    initial?: boolean,
    name?: string,
  ): Promise<MigrationResult> {
    return this.create(path, blank, initial, name);
  }

  /** The same as `createInitial`. */
  async createInitialMigration(path?: string): Promise<MigrationResult> {
    return this.createInitial(path);
  }

  /** The same as `checkSchema`. */
  async checkMigrationNeeded(): Promise<boolean> {
    return this.checkSchema();
  }

  /** The same as `getExecuted`. */
  async getExecutedMigrations(): Promise<MigrationRow[]> {
    return this.getExecuted();
  }

  /** The same as `getPending`. */
  async getPendingMigrations(): Promise<MigrationInfo[]> {
    return this.getPending();
  }

  /** All in one transaction, as far as the options allow. */
  async #run(
    options: string | string[] | MigrateOptions | undefined,
    run: (options: MigrateOptions) => Promise<MigrationInfo[]>,
  ): Promise<MigrationInfo[]> {
    const given: MigrateOptions =
      typeof options === 'string' || Array.isArray(options)
        ? { migrations: [options].flat() }
        : { ...options };
    const { transactional, allOrNothing } = this.options;
    const done =
      transactional === false || allOrNothing === false || given.transaction
        ? await run(given)
        : await withRetries(RETRIES, () =>
            this.driver
              .getConnection()
              .transactional((transaction) => run({ ...given, transaction }), { [EXPLICIT]: true } as any),
          );
    if (done.length > 0) {
      await this.#followSnapshot(given.transaction);
    }
    return done;
  }

  async #write(
    diff: MigrationDiff,
    to: SchemaDef,
    path: string | undefined,
    name: string | undefined,
  ): Promise<MigrationResult> {
    const [code, fileName] = await this.generator.generate(diff, path, name);
    if (this.options.snapshot !== false) {
      writeSnapshot(this.#snapshotFile, to);
    }
    return { fileName, code, diff };
  }

  /** The schema to begin with, and the one to come to. */
  async #difference(): Promise<{ from: SchemaDef; to: SchemaDef }> {
    const known = this.options.snapshot === false ? undefined : readSnapshot(this.#snapshotFile);
    const from = known ?? (await this.#stored());
    const { dropTables, safe } = this.options;
    const to = merged(from, this.driver.schemaDef(), {
      dropTables: dropTables !== false,
      safe: safe === true,
    });
    return { from, to };
  }

  /** The schema of the store, without the entries. */
  async #stored(transaction?: unknown): Promise<SchemaDef> {
    const connection = this.driver.getConnection();
    if (!connection.ready) {
      await connection.ensureConnection();
    }
    const { collections } = connection.session(transaction).describe();
    return { collections: collections.filter(({ name }) => name !== this.options.tableName) };
  }

  /** Keeps the snapshot, where there is one, what the migrations led to. */
  async #followSnapshot(transaction: unknown): Promise<void> {
    const file = this.#snapshotFile;
    const known = this.options.snapshot === false ? undefined : readSnapshot(file);
    if (known === undefined) {
      return;
    }
    const stored = await this.#stored(transaction);
    if (statements(known, stored).length > 0) {
      try {
        writeSnapshot(file, stored);
      } catch {
        // Where migrations are only run, the files may be read-only.
      }
    }
  }

  get #snapshotFile(): string {
    const { emit, path = './migrations', pathTs, snapshotName } = this.options;
    const store = basename(String(this.config.get('dbName') ?? 'store').replaceAll('\\', '/')).replaceAll(
      ':',
      '',
    );
    return resolve(
      this.config.get('baseDir'),
      emit === 'ts' && pathTs ? pathTs : path,
      `${snapshotName ?? `.snapshot-${store}`}.json`,
    );
  }
}

/** The schema that a change leads to: as the engine changes it, and as it writes it. */
function merged(from: SchemaDef, target: SchemaDef, options: SchemaOptions): SchemaDef {
  const engine = Engine.open();
  try {
    engine.applySchema(from);
    engine.applySchema(target, options);
    return engine.describe();
  } finally {
    engine.close();
  }
}

function bothWays(from: SchemaDef, to: SchemaDef): MigrationDiff {
  return { up: statements(from, to), down: statements(to, from) };
}

function readSnapshot(file: string): SchemaDef | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SchemaDef) : undefined;
}

function writeSnapshot(file: string, schema: SchemaDef): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
}
