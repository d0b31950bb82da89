/**
 * The finders of the collection store: orders and conditions that the
 * EntityManager's own `find` then runs, so that they take its options and
 * return managed entities.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  type FilterQuery,
  type FindOptions,
  ReferenceKind,
} from '@mikro-orm/core';

/** Options of a finder: those of `find`, and a condition. What the finder itself decides is left out. */
export type FinderOptions<
  Entity,
  Hint extends string = never,
  Fields extends string = '*',
  Excludes extends string = never,
> = Omit<FindOptions<Entity, Hint, Fields, Excludes>, 'orderBy' | 'limit' | 'offset'> & {
  /** Which entities are looked at; all without. */
  where?: FilterQuery<Entity>;
};

/** Options of a finder of many: those of `find`, and a condition. */
export type FindByOptions<
  Entity,
  Hint extends string = never,
  Fields extends string = '*',
  Excludes extends string = never,
> = FindOptions<Entity, Hint, Fields, Excludes> & Pick<FinderOptions<Entity>, 'where'>;

/** A property whose values a finder compares. */
export type FinderKey<Entity> = keyof Entity & string;

type Direction = 'asc' | 'desc';
type Order = Record<string, Direction>[];

/** The order in which rows were inserted, and last changed, which the engine keeps with each row. */
const INSERTED = '$inserted';
const UPDATED = '$updated';

/** From first to last: by the primary key where it is one integer, else by insertion. */
export function sequenceOrder(meta: EntityMetadata, direction: Direction): Order {
  const [key, ...more] = meta.getPrimaryProps();
  const counts =
    key !== undefined && more.length === 0 && key.kind === ReferenceKind.SCALAR && isInteger(key);
  return [{ [counts ? key.name : INSERTED]: direction }];
}

/** From oldest to newest: by the time of creation where a property holds it, then by insertion. */
export function creationOrder(meta: EntityMetadata, direction: Direction): Order {
  const declared =
    meta.props.find((prop) => prop.onCreate && !prop.onUpdate && holdsTime(prop)) ??
    timeProperty(meta, 'createdAt');
  return [...(declared ? [{ [declared.name]: direction }] : []), { [INSERTED]: direction }];
}

/** From longest unchanged to last changed: by the time of the update where a property holds it, then by the order of updates. */
export function updateOrder(meta: EntityMetadata, direction: Direction): Order {
  const declared =
    meta.props.find((prop) => prop.onUpdate && holdsTime(prop)) ?? timeProperty(meta, 'updatedAt');
  return [...(declared ? [{ [declared.name]: direction }] : []), { [UPDATED]: direction }];
}

/** From lowest to highest value of a property; entities without a value are left out by the condition. */
export function valueOrder(
  meta: EntityMetadata,
  key: string,
  direction: Direction,
): { where: Record<string, unknown>; orderBy: Order } {
  return {
    where: { [key]: { $ne: null } },
    orderBy: [{ [key]: direction }, ...sequenceOrder(meta, 'asc').filter((order) => !(key in order))],
  };
}

/** Both conditions, where there is a second one. */
export function bothConditions(condition: Record<string, unknown>, where: unknown): unknown {
  return where === undefined ? condition : { $and: [condition, where] };
}

function timeProperty(meta: EntityMetadata, name: string): EntityProperty | undefined {
  const prop = (meta.properties as Record<string, EntityProperty | undefined>)[name];
  return prop && prop.kind === ReferenceKind.SCALAR && prop.persist !== false ? prop : undefined;
}

function holdsTime(prop: EntityProperty): boolean {
  return (
    prop.persist !== false &&
    (prop.runtimeType === 'Date' || /^(date|time)/i.test(prop.columnTypes?.[0] ?? ''))
  );
}

function isInteger(prop: EntityProperty): boolean {
  return /^(big|small|tiny|medium)?int|^integer|serial/i.test(prop.columnTypes?.[0] ?? '');
}
