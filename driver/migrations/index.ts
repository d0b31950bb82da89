/**
 * `collection-store-mikro-orm/migrations`: migrations of a store that lives long.
 *
 * The names of MikroORM's own packages of migrations: `Migrator` is the
 * extension to register, `Migration` the class that migrations extend.
 */
export { Migration } from './Migration.js';
export { JSMigrationGenerator, MigrationGenerator, TSMigrationGenerator } from './MigrationGenerator.js';
export { MigrationRunner } from './MigrationRunner.js';
export type {
  CollectionDefinition,
  FieldDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
} from './definitions.js';
export { MigrationSchema } from './MigrationSchema.js';
export { MigrationStorage } from './MigrationStorage.js';
export { Migrator, type MigrationResult } from './Migrator.js';
export type { MigrateOptions, MigrationInfo, MigrationRow } from './base.js';
export { type RowsOptions, type StoredRow, StoredRows } from '../StoredRows.js';
