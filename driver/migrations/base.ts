// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type migrators differently.
/**
 * What the migrator builds on: core's own where it has one, umzug where
 * MikroORM itself builds on that.
 */
import type {
  Configuration,
  IMigrationGenerator,
  MaybePromise,
  MigrationsOptions,
  MigratorEvent,
  Transaction,
} from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import type { MigrationRunner } from './MigrationRunner.js';
import type { MigrationStorage } from './MigrationStorage.js';
import { CoreMigrator } from './core-migrator.js';
import { UmzugMigrator } from './UmzugMigrator.js';

/** A migration by its name, and by its file where it has one. */
export interface MigrationInfo {
  name: string;
  path?: string | undefined;
}

/** The entry of a migration that was executed. */
export interface MigrationRow {
  id: number;
  name: string;
  executed_at: Date;
}

/** Which migrations to run. Without any of it, `up` runs all that are pending and `down` reverts the last. */
export interface MigrateOptions {
  from?: string | number;
  to?: string | number;
  migrations?: string[];
  /** A transaction to run in, which the caller commits. */
  transaction?: Transaction;
  schema?: string;
}

/** What both bases have. */
export interface MigratorBase {
  readonly driver: CollectionStoreDriver;
  readonly config: Configuration;
  readonly options: MigrationsOptions;
  readonly generator: IMigrationGenerator;
  readonly storage: MigrationStorage;
  /** Makes what the commands need: folders, and the collection of the entries. */
  init(): Promise<void>;
  /** Finds out where the migrations lie. */
  resolvePaths(): Promise<void>;
  /** The migrations that were executed, the first one first. */
  getExecuted(options?: { schema?: string }): Promise<MigrationRow[]>;
  /** The migrations that were not executed yet. */
  getPending(options?: { schema?: string }): Promise<MigrationInfo[]>;
  up(options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]>;
  down(options?: string | string[] | MigrateOptions): Promise<MigrationInfo[]>;
  /** Counts a migration as executed without running it. */
  logMigration(name: string): Promise<void>;
  /** Forgets that a migration was executed, without reverting it. */
  unlogMigration(name: string): Promise<void>;
  on(event: MigratorEvent, listener: (event: MigrationInfo) => MaybePromise<void>): this;
  off(event: MigratorEvent, listener: (event: MigrationInfo) => MaybePromise<void>): this;
  createRunner(): MigrationRunner;
  createStorage(): MigrationStorage;
  getDefaultGenerator(): IMigrationGenerator;
}

/** The class to extend. */
export const Base: new (em: any) => MigratorBase = (CoreMigrator ?? UmzugMigrator) as any;
