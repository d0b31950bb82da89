/**
 * `collection-store-mikro-orm`: MikroORM with an embedded collection store.
 *
 * Everything of `@mikro-orm/core`, the decorators, and the classes of the driver.
 */
export * from '@mikro-orm/core';
export * from './CollectionStoreConnection.js';
export * from './CollectionStoreDriver.js';
export * from './CollectionStoreEntityManager.js';
export { CollectionStoreEntityManager as EntityManager } from './CollectionStoreEntityManager.js';
export * from './CollectionStoreEntityRepository.js';
export { CollectionStoreEntityRepository as EntityRepository } from './CollectionStoreEntityRepository.js';
export * from './CollectionStoreExceptionConverter.js';
export {
  CollectionStoreMikroORM,
  CollectionStoreMikroORM as MikroORM,
  type CollectionStoreMikroORMClass,
  type CollectionStoreOptions,
  type CollectionStoreOptions as Options,
  defineCollectionStoreConfig,
  defineCollectionStoreConfig as defineConfig,
} from './CollectionStoreMikroORM.js';
export * from './CollectionStorePlatform.js';
export * from './CollectionStoreSchemaGenerator.js';
export { check, computed, type RowFunction } from './model/computed.js';
export type { CollectionStoreDriverOptions } from './options/driver-options.js';
export { WriteConflictException } from './exceptions.js';
export {
  AfterCreate,
  AfterDelete,
  AfterUpdate,
  AfterUpsert,
  BeforeCreate,
  BeforeDelete,
  BeforeUpdate,
  BeforeUpsert,
  Check,
  CreateRequestContext,
  Embeddable,
  Embedded,
  EnsureRequestContext,
  Entity,
  Enum,
  Filter,
  Formula,
  Index,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  OnInit,
  OnLoad,
  PrimaryKey,
  Property,
  ReflectMetadataProvider,
  SerializedPrimaryKey,
  Transactional,
  Trigger,
  Unique,
} from './decorators.js';
export type { Change, Changes, ChangesOptions, ResetChange, RowChange } from './native/changes.js';
export type { DumpOptions, DumpProgress } from './dumps/format.js';
export type { FindByOptions, FinderKey, FinderOptions } from './reading/finders.js';
export type { CheckedStore, Finding } from './native/examination.js';
export type { Snapshot } from './native/engine.js';
export type { StoreFork } from './StoreFork.js';
export { PlanError, type PlanErrorCode } from './plan/errors.js';
