/**
 * What differs between the majors of MikroORM, told apart by feature.
 *
 * The only file that knows: everything else is written against what both have.
 */
// biome-ignore-all lint/suspicious/noExplicitAny: the two majors type these things differently.
import * as core from '@mikro-orm/core';
import type { EntityMetadata, EntityProperty, MetadataStorage } from '@mikro-orm/core';

const library = core as unknown as Record<string, any>;

/** Entities are named by their classes, decorators live in a package of their own, connections open with the first use. */
const MAJOR_7: boolean = typeof library['PolymorphicRef'] === 'function';

/** How core names an entity to a driver: by the name of its class (6), by the class (7), and by its schema. */
export type AnyEntityName = any;

/** What core exports under a name, if this major has it. */
export function coreExport<T = unknown>(name: string): T {
  return library[name];
}

/** The metadata of an entity by any of its names. */
export function metadataOf(storage: MetadataStorage, name: AnyEntityName): EntityMetadata | undefined {
  if (MAJOR_7 && typeof name !== 'string') {
    return (storage as any).find(name);
  }
  const className: string = typeof name === 'string' ? name : (name?.meta?.className ?? name?.name);
  if (MAJOR_7) {
    return allMetadata(storage).find((meta) => meta.className === className);
  }
  return (storage as any).find(className);
}

/** The metadata of all entities, those of pivots among them. */
export function allMetadata(storage: MetadataStorage): EntityMetadata[] {
  const all: Record<string, EntityMetadata> | Map<unknown, EntityMetadata> = (storage as any).getAll();
  return all instanceof Map ? [...all.values()] : Object.values(all);
}

/** How to name an entity to core and to drivers. */
export function entityNameOf(meta: EntityMetadata): AnyEntityName {
  return MAJOR_7 ? meta.class : meta.className;
}

/** The metadata a relation leads to. */
export function targetOf(storage: MetadataStorage, prop: EntityProperty): EntityMetadata {
  return prop.targetMeta ?? (storage as any).get(prop.type);
}

/** The metadata of the pivot of an M:N relation. */
export function pivotOf(storage: MetadataStorage, prop: EntityProperty): EntityMetadata {
  // An inverse side that a class inherits may leave it to its owner to name the pivot.
  return (storage as any).get(
    prop.pivotEntity ?? (prop.targetMeta as any)?.properties[prop.mappedBy]?.pivotEntity,
  );
}

/** The entity whose collection an entity lives in: itself, unless it shares that of a class it extends. */
export function rootOf(meta: EntityMetadata): EntityMetadata {
  if (isSpread(meta)) {
    return meta;
  }
  // The root of an entity discovered through a pivot may be an earlier copy of it.
  return meta.root.className === meta.className ? meta : meta.root;
}

/** Whether an entity is another one, or extends it however far away. */
export function isSelfOrDescendant(
  storage: MetadataStorage,
  meta: EntityMetadata,
  ancestor: EntityMetadata,
): boolean {
  for (
    let current: EntityMetadata | undefined = meta;
    current !== undefined;
    current = current.extends ? metadataOf(storage, current.extends) : undefined
  ) {
    if (current === ancestor || current.class === ancestor.class) {
      return true;
    }
  }
  return false;
}

/** Whether a class and those it extends have a collection each, and an entity a row in each of them. */
export function isSpread(meta: EntityMetadata): boolean {
  return (meta as any).inheritanceType === 'tpt';
}

/** Whether rows of an entity go on from rows of the class that it extends, and have the keys of those. */
export function goesOn(meta: EntityMetadata): boolean {
  return (meta as any).tptParent !== undefined;
}

/** The class that an entity extends, where that one keeps what it declares in a collection of its own. */
export function spreadParentOf(storage: MetadataStorage, meta: EntityMetadata): EntityMetadata | undefined {
  const parent = (meta as any).tptParent as EntityMetadata | undefined;
  return parent && (metadataOf(storage, entityNameOf(parent)) ?? parent);
}

/** The classes that extend an entity, however far away, and have a collection each; the farthest first. */
export function spreadBelow(storage: MetadataStorage, meta: EntityMetadata): EntityMetadata[] {
  const levels: EntityMetadata[][] = [];
  for (let level = [meta]; level.length > 0; ) {
    level = level.flatMap((above) =>
      ((above as any).tptChildren ?? []).map(
        (child: EntityMetadata) => metadataOf(storage, entityNameOf(child)) ?? child,
      ),
    );
    levels.unshift(level);
  }
  return levels.flat();
}

/** Whether the collection of an entity has no place for a property, as one of a class that it extends has. */
export function isKeptAbove(meta: EntityMetadata, prop: EntityProperty): boolean {
  const parent = (meta as any).tptParent as EntityMetadata | undefined;
  return parent !== undefined && !prop.primary && (parent.properties as any)[prop.name] !== undefined;
}

/** The property under which core expects the name of a row's class, where its classes have a collection each. */
export function classPropertyOf(meta: EntityMetadata): string | undefined {
  return (meta.root as any).tptDiscriminatorColumn;
}

/** Whether core itself asks to count up the version that a class above keeps; minors that do not leave it to the driver. */
export const COUNTS_VERSIONS_ABOVE: boolean = 'hasOptimisticLock' in core.EntityMetadata.prototype;

/** Whether an entity shows rows of others, which only major 7 has. */
export function isView(meta: EntityMetadata): boolean {
  return Boolean((meta as any).view);
}

/** Whether the rows of a relation, or of its pivot, say which entity the key on one side is of. */
export function isPolymorphic(prop: EntityProperty): boolean {
  return (prop as any).polymorphic === true;
}

/** The entities that one relation may lead to, for one that names several. */
export function polymorphicEntities(prop: EntityProperty): readonly EntityMetadata[] | undefined {
  return (prop as any).polymorphTargets;
}

/** What the rows of a polymorphic relation say of its entities, each with the entity's class. */
export function discriminatorValues(prop: EntityProperty): [value: string, target: any][] {
  return Object.entries((prop as any).discriminatorMap ?? {});
}

/** The column that says which entity a key is of. */
export function discriminatorColumnOf(prop: EntityProperty): string {
  return (prop as any).discriminatorColumn;
}

/** What the rows of a polymorphic relation say of a class, or of the one it extends. */
export function discriminatorValueOf(prop: EntityProperty, target: any): string {
  const values = discriminatorValues(prop);
  for (let current = target; current; current = Object.getPrototypeOf(current)) {
    const found = values.find(([, candidate]) => candidate === current);
    if (found !== undefined) {
      return found[0];
    }
  }
  return (prop as any).discriminatorValue;
}

/** A key with what says which entity it is of, as core hands it over and takes it. */
export function polymorphicReference(discriminator: string, key: unknown): object {
  return new library['PolymorphicRef'](discriminator, key);
}

/** The columns of a property that sibling classes of one collection keep in columns of their own. */
export function siblingColumnsOf(prop: EntityProperty): string[] | undefined {
  return (prop as any).stiFieldNames;
}

/** Whether a relation is to be checked as a foreign key. */
export function isForeignKey(prop: EntityProperty): boolean {
  return (prop as any).createForeignKeyConstraint !== false && prop.persist !== false;
}

/** The property of the target that a relation refers to, where that is not its primary key. */
export function targetKeyOf(prop: EntityProperty): string | undefined {
  return (prop as any).targetKey;
}

/** The SQL of a raw fragment, as a value or as a key; nothing for anything else. */
export function rawSqlOf(value: unknown): string | undefined {
  if (
    value === null ||
    (typeof value !== 'object' && typeof value !== 'string' && typeof value !== 'symbol')
  ) {
    return undefined;
  }
  const fragments = library['RawQueryFragment'];
  return fragments?.getKnownFragment?.(value, false)?.sql;
}

/** Whether savepoints have transaction events of their own. */
export const SAVEPOINT_EVENTS: boolean = MAJOR_7;

/** Whether a connection makes sure of database and indexes itself when it opens. */
export const CONNECTIONS_PREPARE: boolean = MAJOR_7;

/** What the SQL drivers of each major say of a connection that is not open. */
export const NOT_CONNECTED: string = MAJOR_7
  ? 'Connection not established'
  : 'Unable to acquire a connection';

/** Whether the decorators and the provider that reads their types are a package of their own. */
export const DECORATORS_APART: boolean = MAJOR_7;

/** The class that was last decorated as an entity, or as part of one, under a name. */
export function decoratedClass(name: string): any {
  const all: Record<string, any> = (library['MetadataStorage'] as any).getMetadata();
  const found = Object.values(all)
    .reverse()
    .find((meta) => meta.className === name && meta.class);
  if (found === undefined) {
    throw new Error(
      `Relation target '${name}' is not the name of a decorated class: import its module before the entities are discovered, or name the class by a function.`,
    );
  }
  return found.class;
}

/** Whether rows that are joined stand in the order of their entity, if it has one. */
export const JOINS_IN_ENTITY_ORDER: boolean = MAJOR_7;

/** Whether populating a mandatory relation leaves out rows whose relation does not match: from the minor on that can balance strategies. */
export const MANDATORY_IS_INNER: boolean = 'BALANCED' in library['LoadStrategy'];

/** Whether the filter handed over with the members of a collection is about those members, rather than about what the collection's owner is part of. */
export const MEMBERS_ARE_FILTERED: boolean = MAJOR_7;

/** Whether no row fulfils `{ $or: [] }` and `{ $not: {} }`; 6 passes them over. */
export const EMPTY_GROUPS_FAIL: boolean = MAJOR_7;

/** Whether `MikroORM` makes instances of the class that `init` is called on. */
export const SUBCLASS_INSTANCES: boolean = MAJOR_7;

/** Whether core itself runs migrations, and leaves to drivers what they are; in 6 each package of migrations does, with umzug. */
export const CORE_MIGRATES: boolean = MAJOR_7;

/** Whether core itself finds the configuration file of the CLI. */
export const CONFIGURED_BY_CLI: boolean = !MAJOR_7;

/** A condition with values of the entity made values of the database, by the types of the properties. */
export function processedWhere(
  storage: MetadataStorage,
  platform: any,
  meta: EntityMetadata,
  where: unknown,
): unknown {
  return library['QueryHelper'].processWhere({
    where,
    entityName: entityNameOf(meta),
    metadata: storage,
    platform,
    convertCustomTypes: true,
    root: true,
  });
}

/** The key of an owner of collections as the database has it: 7 hands over values of the entity, 6 those of the database. */
export function databaseKeyOf(
  owner: EntityMetadata,
  key: readonly unknown[],
  platform: any,
): readonly unknown[] {
  if (!MAJOR_7) {
    return key;
  }
  const types = owner.getPrimaryProps().flatMap((prop) => prop.customTypes ?? [prop.customType]);
  return key.map((value, i) =>
    types[i] && value != null
      ? types[i].convertToDatabaseValue(value, platform, { mode: 'query' } as any)
      : value,
  );
}

/**
 * What filters of the entities that a condition leads through are good for: the early minors of 6 know none, the later
 * ones take what they say of the entity's own fields.
 */
export const JOIN_FILTERS: 'none' | 'own fields' | 'whole' = MAJOR_7
  ? 'whole'
  : 'TransactionPropagation' in library
    ? 'own fields'
    : 'none';
