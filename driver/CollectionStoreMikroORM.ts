// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type the life of MikroORM differently.
import { type Options as CoreOptions, MikroORM, defineConfig as defineCoreConfig } from '@mikro-orm/core';
import { CollectionStoreDriver } from './CollectionStoreDriver.js';
import type { CollectionStoreEntityManager } from './CollectionStoreEntityManager.js';
import { CONFIGURED_BY_CLI, SUBCLASS_INSTANCES } from './compat.js';
import { loadCliOptions } from './options/cli-options.js';
import type { CollectionStoreDriverOptions } from './options/driver-options.js';
import { defaultMetadataProvider } from './decorators.js';

/** An entity in a configuration: its class, its schema, or where it is to be found. */
type EntityInOptions = NonNullable<CoreOptions['entities']>[number];

/** The options of core, with entities in whatever list. */
type OptionsWith<Entities> = Omit<Partial<CoreOptions<CollectionStoreDriver>>, 'entities' | 'entitiesTs'> & {
  entities?: Entities;
  entitiesTs?: Entities;
  driverOptions?: CollectionStoreDriverOptions;
};

/** Configuration of MikroORM with the collection store. `dbName` alone is enough: the name of a store in memory. */
export type CollectionStoreOptions = OptionsWith<EntityInOptions[]>;

/** A configuration whose lists of entities may be read-only. */
export type AnyCollectionStoreOptions = OptionsWith<readonly EntityInOptions[]>;

/** MikroORM with the collection store. */
export type CollectionStoreMikroORM<EM extends CollectionStoreEntityManager = CollectionStoreEntityManager> =
  MikroORM<CollectionStoreDriver, EM>;

/** The static side of `CollectionStoreMikroORM`. */
export interface CollectionStoreMikroORMClass {
  new <EM extends CollectionStoreEntityManager = CollectionStoreEntityManager>(
    options: AnyCollectionStoreOptions,
  ): CollectionStoreMikroORM<EM>;
  readonly prototype: CollectionStoreMikroORM;
  /** Discovers the entities and opens the store. Without options, those of the CLI's configuration file are used. */
  init<EM extends CollectionStoreEntityManager = CollectionStoreEntityManager>(
    options?: AnyCollectionStoreOptions,
  ): Promise<CollectionStoreMikroORM<EM>>;
  /** As `init`, at once: without folders of entities and without a configuration file. */
  initSync<EM extends CollectionStoreEntityManager = CollectionStoreEntityManager>(
    options: AnyCollectionStoreOptions,
  ): CollectionStoreMikroORM<EM>;
}

class MikroORMWithCollectionStore extends (MikroORM as any) {
  /** The driver of major 6 where the options name none. */
  static get DRIVER(): typeof CollectionStoreDriver {
    return CollectionStoreDriver;
  }

  static async init(options?: any): Promise<any> {
    if (options === undefined && CONFIGURED_BY_CLI) {
      return super['init']();
    }
    return super['init'](withDefaults(options ?? (await loadCliOptions())));
  }

  static initSync(options: any): any {
    return SUBCLASS_INSTANCES
      ? new MikroORMWithCollectionStore(options)
      : super['initSync'](withDefaults(options));
  }

  constructor(options: any) {
    super(withDefaults(options));
  }
}

Object.defineProperty(MikroORMWithCollectionStore, 'name', { value: 'CollectionStoreMikroORM' });

export const CollectionStoreMikroORM: CollectionStoreMikroORMClass = MikroORMWithCollectionStore as any;

/** Types a configuration, and fills in the driver. */
export function defineCollectionStoreConfig(options: CollectionStoreOptions): CollectionStoreOptions;
export function defineCollectionStoreConfig(options: AnyCollectionStoreOptions): AnyCollectionStoreOptions;
export function defineCollectionStoreConfig(options: AnyCollectionStoreOptions): AnyCollectionStoreOptions {
  return withDefaults(options);
}

function withDefaults(options: any): any {
  // A Configuration, as core itself may hand one over, is complete already.
  if (typeof options?.getAll === 'function') {
    return options;
  }
  const metadataProvider = options?.metadataProvider ?? defaultMetadataProvider();
  const path = options?.driverOptions?.path;
  return defineCoreConfig({
    driver: CollectionStoreDriver,
    // Core wants a name: a store in a directory is known by that.
    ...(typeof path === 'string' && { dbName: path }),
    ...options,
    ...(metadataProvider && { metadataProvider }),
  } as any);
}
