// biome-ignore-all lint/suspicious/noExplicitAny: collections and their owners are entities of any kind.
/**
 * Writes what changed in the collections of entities: foreign keys for 1:M,
 * rows of the pivots for M:N.
 */
import {
  type Collection,
  type EntityMetadata,
  type EntityProperty,
  helper,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import { discriminatorValueOf, entityNameOf, isPolymorphic, isSpread, pivotOf } from '../compat.js';
import { unsupported } from '../errors.js';
import { type Key, primaryKeyOf } from '../model/keys.js';
import { declaringClass } from '../model/spread.js';
import { type LinkKind, linkKindOf, memberColumns, polymorphicTargets } from '../model/polymorphic.js';

/** The condition that a primary key is one of these. */
export function keyIn(meta: EntityMetadata, keys: readonly Key[]): Record<string, unknown> {
  return meta.compositePK
    ? { [Utils.getPrimaryKeyHash(meta.primaryKeys)]: { $in: keys } }
    : { [meta.primaryKeys[0] as string]: { $in: keys.map(([key]) => key) } };
}

/** Writes the changes of collections. Both sides of an M:N link may come in one call: each link is written once. */
export async function syncCollections(
  driver: CollectionStoreDriver,
  collections: Iterable<Collection<any, any>>,
  options: any,
): Promise<void> {
  const pivots = new Map<EntityMetadata, PivotChanges>();
  for (const collection of collections) {
    const changes = changesOf(collection);
    if (collection.property.kind === ReferenceKind.ONE_TO_MANY) {
      await syncOneToMany(driver, collection, changes, options);
      continue;
    }
    const pivot = pivotOf(driver.getMetadata(), collection.property);
    let pivotChanges = pivots.get(pivot);
    if (pivotChanges === undefined) {
      pivotChanges = new PivotChanges(driver, pivot, options);
      pivots.set(pivot, pivotChanges);
    }
    pivotChanges.add(
      helper(collection.owner).__meta,
      collection.property,
      changes.owner,
      changes.added,
      changes.removed,
      collection.isInitialized(),
    );
  }
  for (const changes of pivots.values()) {
    await changes.write();
  }
}

interface CollectionChanges {
  readonly owner: Key;
  readonly added: readonly Key[];
  /** All that are linked, where it is not known which. */
  readonly removed: readonly Key[] | 'all';
}

function changesOf(collection: Collection<any, any>): CollectionChanges {
  const owner = helper(collection.owner).getPrimaryKeys(true) as Key;
  const keysOf = (items: Iterable<any>) => Array.from(items, (item) => memberKey(collection.property, item));
  const current = keysOf(collection.getItems(false));
  const snapshotItems = collection.getSnapshot();
  if (snapshotItems === undefined) {
    return { owner, added: current, removed: 'all' };
  }
  const snapshot = keysOf(snapshotItems);
  const inSnapshot = new Set(snapshot.map(hashOf));
  const inCurrent = new Set(current.map(hashOf));
  const removed = snapshot.filter((key) => !inCurrent.has(hashOf(key)));
  const added = current.filter((key) => !inSnapshot.has(hashOf(key)));
  const { owner: owns, fixedOrder } = collection.property;
  if (owns && fixedOrder) {
    const kept = snapshot.filter((key) => inCurrent.has(hashOf(key)));
    const appended = [...kept, ...added].every((key, i) => hashOf(key) === hashOf(current[i] as Key));
    if (!appended) {
      return { owner, added: current, removed: snapshot };
    }
  }
  return { owner, added, removed };
}

/** The key of a member; where members are of several entities, what says of which comes first. */
function memberKey(prop: EntityProperty, item: any): Key {
  const key = helper(item).getPrimaryKeys(true) as unknown as Key;
  const targets = prop.kind === ReferenceKind.MANY_TO_MANY ? polymorphicTargets(prop) : undefined;
  if (targets === undefined) {
    return key;
  }
  const { class: itemClass, className } = helper(item).__meta;
  for (const [discriminator, target] of targets) {
    if (itemClass === target.class || itemClass.prototype instanceof target.class) {
      return [discriminator, ...key];
    }
  }
  throw unsupported(
    `Cannot resolve discriminator value for ${className} in ${prop.name}: it is none of ${[...targets.values()].map((target) => target.className).join(', ')}.`,
  );
}

function hashOf(values: unknown): string {
  return JSON.stringify(values);
}

/** Gives the members their owner; where the collection was replaced unseen, takes it from those not in it any more, or removes them. */
async function syncOneToMany(
  driver: CollectionStoreDriver,
  collection: Collection<any, any>,
  { owner, added, removed }: CollectionChanges,
  options: any,
): Promise<void> {
  const prop = collection.property as EntityProperty;
  const target = prop.targetMeta as EntityMetadata;
  const writeOptions = { ...options, convertCustomTypes: false };
  const back = target.properties[prop.mappedBy] as EntityProperty;
  const holder = entityNameOf(declaringClass(driver.getMetadata(), target, back));
  const ownerKey = isPolymorphic(back)
    ? [discriminatorValueOf(back, collection.owner.constructor), ...owner]
    : owner.length > 1
      ? owner
      : owner[0];
  if (removed === 'all') {
    const others = {
      [prop.mappedBy]: { $eq: ownerKey },
      ...(added.length > 0 && { $not: keyIn(target, added) }),
    };
    // The class that holds the key of the owner may have others below that are no members.
    const left = isSpread(target) ? keyIn(target, await keysWhere(driver, target, others, options)) : others;
    if (prop.orphanRemoval) {
      await driver.nativeDelete(entityNameOf(isSpread(target) ? target.root : target), left, writeOptions);
    } else {
      await driver.nativeUpdate(holder, left, { [prop.mappedBy]: null }, writeOptions);
    }
  }
  if (added.length > 0 && !(removed === 'all' && prop.orphanRemoval)) {
    await driver.nativeUpdate(holder, keyIn(target, added), { [prop.mappedBy]: ownerKey }, writeOptions);
  }
}

async function keysWhere(
  driver: CollectionStoreDriver,
  meta: EntityMetadata,
  where: unknown,
  { ctx, schema }: any = {},
): Promise<Key[]> {
  const rows = await driver.find(entityNameOf(meta), where, { ctx, schema, fields: meta.primaryKeys });
  return rows.map((row: unknown) => primaryKeyOf(meta, row));
}

type Link = Record<string, unknown>;

/** The links to remove and to add in one pivot. */
export class PivotChanges {
  readonly #driver: CollectionStoreDriver;
  readonly #pivot: EntityMetadata;
  readonly #options: any;
  readonly #removed = new Map<string, Link>();
  readonly #added = new Map<string, Link>();
  /** Added to collections that were not loaded: the link may be there already. */
  readonly #ensured = new Map<string, Link>();

  constructor(driver: CollectionStoreDriver, pivot: EntityMetadata, options: any) {
    this.#driver = driver;
    this.#pivot = pivot;
    this.#options = {
      ctx: options?.ctx,
      schema: this.#schema(options),
      loggerContext: options?.loggerContext,
      signal: options?.signal,
      convertCustomTypes: false,
      processCollections: false,
    };
  }

  /** Notes the changes of one collection; keys as the database has them. */
  add(
    meta: EntityMetadata,
    prop: EntityProperty,
    owner: Key,
    added: readonly Key[],
    removed: readonly Key[] | 'all' | 'none',
    initialized: boolean,
  ): void {
    const links = new Links(meta, prop, owner);
    if (removed === 'all') {
      note(this.#removed, links.all());
    } else if (removed !== 'none') {
      for (const key of removed) {
        note(this.#removed, links.to(key));
      }
    }
    const additions = initialized ? this.#added : this.#ensured;
    for (const key of added) {
      note(additions, links.to(key), prop.owner);
    }
  }

  /** Removes first, so that links taken away and given again end up there. */
  async write(): Promise<void> {
    const name = entityNameOf(this.#pivot);
    for (const links of batches([...this.#removed.values()], this.#driver)) {
      await this.#driver.nativeDelete(name, { $or: links }, this.#options);
    }
    for (const links of batches([...this.#added.values()], this.#driver)) {
      await this.#driver.nativeInsertMany(name, links, this.#options);
    }
    for (const links of batches([...this.#ensured.values()], this.#driver)) {
      await this.#driver.nativeUpdateMany(name, [], links, {
        ...this.#options,
        upsert: true,
        onConflictAction: 'ignore',
      });
    }
  }

  #schema(options: any): string | undefined {
    return this.#pivot.schema === '*' ? options?.schema : undefined;
  }
}

/** Notes a link once. Those that the owner of the relation adds come in its order, whoever else has added them before. */
function note(links: Map<string, Link>, added: Link, inOrder = false): void {
  const hash = hashOf(Object.entries(added).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (inOrder) {
    links.delete(hash);
  }
  links.set(hash, added);
}

function link(columns: readonly string[], key: Key): Link {
  return Object.fromEntries(columns.map((column, i) => [column, key[i]]));
}

/** The rows of a pivot that belong to one collection. */
class Links {
  readonly #prop: EntityProperty;
  readonly #kind: LinkKind | undefined;
  readonly #owner: Link;

  constructor(meta: EntityMetadata, prop: EntityProperty, owner: Key) {
    this.#prop = prop;
    this.#kind = linkKindOf(meta, prop);
    this.#owner = {
      ...(this.#kind?.value !== undefined && { [this.#kind.column]: this.#kind.value }),
      ...link(prop.joinColumns, owner.flat(Number.POSITIVE_INFINITY)),
    };
  }

  /** What all of them hold. */
  all(): Link {
    return this.#owner;
  }

  /** The one that leads to a member. */
  to(member: Key): Link {
    const columns = this.#prop.inverseJoinColumns;
    if (this.#kind === undefined || this.#kind.value !== undefined) {
      return { ...this.#owner, ...link(columns, member.flat(Number.POSITIVE_INFINITY)) };
    }
    const [discriminator, ...key] = member;
    const target = polymorphicTargets(this.#prop)?.get(String(discriminator));
    if (target === undefined || key.length === 0) {
      throw notMember(this.#prop, member);
    }
    return {
      ...this.#owner,
      [this.#kind.column]: discriminator,
      ...link(memberColumns(this.#prop, target), key.flat(Number.POSITIVE_INFINITY)),
    };
  }
}

function notMember(prop: EntityProperty, member: Key): Error {
  const values = [...(polymorphicTargets(prop)?.keys() ?? [])];
  return unsupported(
    `Cannot resolve the discriminator value of ${prop.name} from '${member.join(', ')}': the same key may be of ${values.join(' or ')}. Pass a tuple such as ['${values[0]}', key].`,
  );
}

function batches<T>(items: T[], driver: CollectionStoreDriver): T[][] {
  const size: number = driver.config.get('batchSize');
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
