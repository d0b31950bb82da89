/**
 * Classes that keep what each of them declares in a collection of its own: an
 * entity has a row of the same key in that of its class and in those of all
 * classes above.
 */
import type { EntityMetadata, EntityProperty, MetadataStorage } from '@mikro-orm/core';
import { classPropertyOf, isKeptAbove, isSpread, spreadBelow, spreadParentOf } from '../compat.js';
import { isRelation, type Model, type Prop, type RelationProp, type Subclasses } from '../plan/model.js';
import type { Columns } from './columns.js';
import { keyColumns, zip } from './properties.js';

/** The class among those above, or the one itself, whose collection has a place for a property. */
export function declaringClass(
  storage: MetadataStorage,
  meta: EntityMetadata,
  prop: EntityProperty,
): EntityMetadata {
  const parent = isKeptAbove(meta, prop) ? spreadParentOf(storage, meta) : undefined;
  return parent === undefined ? meta : declaringClass(storage, parent, prop);
}

/** The classes above one, the nearest first. */
export function classesAbove(storage: MetadataStorage, meta: EntityMetadata): EntityMetadata[] {
  const parent = spreadParentOf(storage, meta);
  return parent === undefined ? [] : [parent, ...classesAbove(storage, parent)];
}

/** The values of a row that its collection has a place for. */
export function keptIn(
  meta: EntityMetadata,
  row: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const properties = meta.properties as Record<string, EntityProperty | undefined>;
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => {
      const prop = properties[name];
      return prop !== undefined && name !== classPropertyOf(meta) && !isKeptAbove(meta, prop);
    }),
  );
}

/** What models of such classes hold besides. */
export class SpreadClasses {
  readonly #storage: MetadataStorage;
  readonly #columns: Columns;
  readonly #model: (meta: EntityMetadata) => Model;

  constructor(storage: MetadataStorage, columns: Columns, model: (meta: EntityMetadata) => Model) {
    this.#storage = storage;
    this.#columns = columns;
    this.#model = model;
  }

  /** The ways to the rows of the same key in the collections above, the nearest first. */
  above(meta: EntityMetadata): RelationProp[] {
    return classesAbove(this.#storage, meta).map((above) => ({
      ...this.#way(meta, above),
      owner: true,
      certain: true,
      foreign: { deleteRule: 'cascade', updateRule: 'cascade' },
    }));
  }

  /** A property that a collection above has the place for; nothing for one that a row has itself. */
  inherited(meta: EntityMetadata, prop: EntityProperty, above: readonly RelationProp[]): Prop | undefined {
    const declaring = declaringClass(this.#storage, meta, prop);
    if (declaring === meta) {
      return undefined;
    }
    const found = this.#model(declaring).props.get(prop.name);
    const holder = above.find(({ name }) => name === wayTo(declaring));
    return found === undefined || holder === undefined || this.#isReached(meta, found)
      ? undefined
      : { ...found, holder };
  }

  /** The classes below; nothing where there are none. */
  below(meta: EntityMetadata): Subclasses | undefined {
    const classes = isSpread(meta) ? spreadBelow(this.#storage, meta) : [];
    if (classes.length === 0) {
      return undefined;
    }
    return {
      property: classPropertyOf(meta) ?? '',
      ...classValue(meta),
      classes: classes.map((below) => {
        const above = classesAbove(this.#storage, below);
        return {
          way: { ...this.#way(meta, below), owner: false, nullable: true },
          ...classValue(below),
          lineage: [
            below,
            ...above.slice(
              0,
              above.findIndex(({ className }) => className === meta.className),
            ),
          ].map(wayTo),
        };
      }),
    };
  }

  /** Whether a relation leads on from the key, which rows of all classes have. */
  #isReached(meta: EntityMetadata, prop: Prop): boolean {
    if (prop.refused !== undefined) {
      return true;
    }
    const columns = this.#columns.of(meta);
    return (
      isRelation(prop) &&
      prop.columns.length === 0 &&
      (prop.pivot?.from ?? prop.join).every(([local]) => typeof local !== 'string' || columns.has(local))
    );
  }

  #way(meta: EntityMetadata, to: EntityMetadata): Omit<RelationProp, 'owner'> {
    return {
      kind: '1:1',
      name: wayTo(to),
      nullable: false,
      json: [],
      target: () => this.#model(to),
      columns: this.#columns.named(meta, keyColumns(meta)),
      join: zip(keyColumns(meta), keyColumns(to)),
    };
  }
}

/** No name of a property: brackets keep it apart. */
function wayTo(meta: EntityMetadata): string {
  return `[${meta.className}]`;
}

function classValue(meta: EntityMetadata): { value?: string } {
  return meta.abstract || meta.discriminatorValue === undefined
    ? {}
    : { value: String(meta.discriminatorValue) };
}
