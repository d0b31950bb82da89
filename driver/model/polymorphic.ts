/**
 * Relations whose rows, or those of whose pivot, say which of several entities
 * a key is of.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  ReferenceKind,
} from '@mikro-orm/core';
import {
  allMetadata,
  discriminatorColumnOf,
  discriminatorValueOf,
  discriminatorValues,
  isPolymorphic,
  polymorphicEntities,
} from '../compat.js';

/** The entities that one relation may lead to, by what rows say of them; none for one that always leads to the same. */
export function polymorphicTargets(prop: EntityProperty): ReadonlyMap<string, EntityMetadata> | undefined {
  const targets = polymorphicEntities(prop);
  if (targets === undefined || (prop.kind === ReferenceKind.MANY_TO_MANY && targets.length < 2)) {
    return undefined;
  }
  if (prop.mappedBy) {
    // Each owner says of itself what it is.
    return new Map(
      targets.map((target) => [discriminatorValueOf(ownerOf(target, prop), target.class), target]),
    );
  }
  return new Map(
    discriminatorValues(prop).flatMap(([value, target]): [string, EntityMetadata][] => {
      const meta = targets.find((candidate) => candidate.class === target);
      return meta === undefined ? [] : [[value, meta]];
    }),
  );
}

/** What the rows of a pivot say besides keys, as seen from one side. */
export interface LinkKind {
  readonly column: string;
  /** Whose entity it tells: that of the collection's owner, or that of its members. */
  readonly of: 'owner' | 'member';
  /** What it says; members of several entities each have a value of their own. */
  readonly value?: string;
}

/** What the rows of the pivot of an M:N relation of an entity say besides keys; nothing where they hold only keys. */
export function linkKindOf(meta: EntityMetadata, prop: EntityProperty): LinkKind | undefined {
  if (!isPolymorphic(prop)) {
    return undefined;
  }
  const column = discriminatorColumnOf(prop);
  const isUnion = (candidate: EntityProperty) => (polymorphicEntities(candidate)?.length ?? 0) > 1;
  if (isUnion(prop)) {
    return { column, of: 'member' };
  }
  if (!prop.mappedBy) {
    return { column, of: 'owner', value: discriminatorValueOf(prop, meta.class) };
  }
  const target = prop.targetMeta as EntityMetadata;
  const owner = ownerOf(target, prop);
  return isUnion(owner)
    ? { column, of: 'owner', value: discriminatorValueOf(owner, meta.class) }
    : { column, of: 'member', value: discriminatorValueOf(owner, target.class) };
}

/** The entity that has a relation. */
export function entityOf(storage: MetadataStorage, prop: EntityProperty): EntityMetadata {
  const named = (meta: EntityMetadata) => (meta.properties as Record<string, EntityProperty>)[prop.name];
  const found = allMetadata(storage).find((meta) => named(meta) === prop);
  if (found === undefined) {
    throw new Error(`No entity has the relation ${prop.name}`);
  }
  return found;
}

/** The columns of a pivot that hold the keys of members of an entity. */
export function memberColumns(prop: EntityProperty, target: EntityMetadata): readonly string[] {
  return prop.mappedBy && polymorphicEntities(prop) !== undefined
    ? ownerOf(target, prop).joinColumns
    : prop.inverseJoinColumns;
}

function ownerOf(target: EntityMetadata, prop: EntityProperty): EntityProperty {
  return (target.properties as Record<string, EntityProperty>)[prop.mappedBy] as EntityProperty;
}
