/**
 * Relations from core's metadata: which columns lead to which, through which
 * pivot, and to which of several entities.
 */
import {
  Cascade,
  DeferMode,
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  ReferenceKind,
} from '@mikro-orm/core';
import {
  discriminatorColumnOf,
  goesOn,
  isForeignKey,
  isPolymorphic,
  pivotOf,
  polymorphicReference,
  targetKeyOf,
  targetOf,
} from '../compat.js';
import { unsupported } from '../errors.js';
import {
  type Column,
  type ForeignSource,
  fieldPairs,
  type JoinPair,
  type Model,
  type Polymorphic,
  type Prop,
  type RelationProp,
} from '../plan/model.js';
import type { Columns } from './columns.js';
import { polymorphicTargets } from './polymorphic.js';
import {
  backPairs,
  common,
  fieldNames,
  keyColumns,
  keyPairs,
  pivotPairs,
  placeOf,
  property,
  refusalOf,
  zip,
} from './properties.js';
import { declaringClass } from './spread.js';

/** What relations need to know of the models around them. */
export interface RelationContext {
  readonly storage: MetadataStorage;
  /** Whether relations are foreign keys to the engine. */
  readonly foreignKeys: boolean;
  readonly columns: Columns;
  /** The model of an entity. */
  readonly model: (meta: EntityMetadata) => Model;
  /** The collection of an entity. */
  readonly collectionOf: (meta: EntityMetadata) => string;
}

/** Makes what models say of relations. */
export class Relations {
  readonly #context: RelationContext;

  constructor(context: RelationContext) {
    this.#context = context;
  }

  /** What a relation of an entity is, also one inside of a document. */
  of(meta: EntityMetadata, prop: EntityProperty, json: readonly string[]): RelationProp {
    const { storage } = this.#context;
    const place = placeOf(meta, prop, json);
    const base = { kind: prop.kind as RelationProp['kind'], ...common(prop, place?.json ?? []) };
    const targetMeta = targetOf(storage, prop);
    const target = () => this.#context.model(targetMeta);
    if (prop.kind === ReferenceKind.MANY_TO_MANY) {
      return { ...base, owner: prop.owner === true, ...this.#linked(meta, prop, targetMeta) };
    }
    const owns =
      prop.kind === ReferenceKind.MANY_TO_ONE ||
      (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner === true);
    if (!owns) {
      const owner = property(targetMeta, prop.mappedBy);
      const join = backPairs(meta, owner);
      const declaring = declaringClass(storage, targetMeta, owner);
      if (declaring === targetMeta) {
        return { ...base, owner: false, target, columns: [], join };
      }
      const to = zip(keyColumns(declaring), keyColumns(targetMeta));
      const pivot = { collection: this.#context.collectionOf(declaring), from: join, to, partial: true };
      return { ...base, owner: false, target, columns: [], join: [], pivot };
    }
    if (isPolymorphic(prop) && !prop.embedded) {
      return { ...base, owner: true, ...this.#polymorphic(meta, prop) };
    }
    if (prop.embedded && prop.object) {
      const column = place && this.#context.columns.of(meta).get(place.field);
      return { ...base, owner: true, target, columns: column ? [column] : [], join: [] };
    }
    const pairs = keyPairs(prop);
    const stored = this.#context.columns.of(meta);
    if (pairs.some(([local]) => !stored.has(local))) {
      return { ...base, owner: true, target, columns: [], join: [], refused: refusalOf(prop) };
    }
    const columns = this.#context.columns.named(
      meta,
      pairs.map(([local]) => local),
    );
    const own =
      prop.ownColumns && prop.ownColumns.length < columns.length
        ? columns.filter((column) => prop.ownColumns.includes(column.name))
        : undefined;
    const targetKey = targetKeyOf(prop);
    // The key of a row that goes on from a class above refers to the row there, and that one to others.
    const foreign = prop.primary && goesOn(meta) ? undefined : this.#foreign(prop);
    return {
      ...base,
      owner: true,
      target,
      columns,
      join: pairs,
      ...(own && { ownColumns: own }),
      ...(targetKey && { targetProps: [targetKey] }),
      ...(foreign && { foreign }),
    };
  }

  /** What a relation through a pivot consists of. */
  #linked(
    meta: EntityMetadata,
    prop: EntityProperty,
    targetMeta: EntityMetadata,
  ): Pick<RelationProp, 'target' | 'columns' | 'join' | 'pivot' | 'polymorphic'> {
    const { storage } = this.#context;
    const pivotMeta = pivotOf(storage, prop);
    const collection = this.#context.collectionOf(pivotMeta);
    const pairs = pivotPairs(meta, prop);
    const plain = (target: EntityMetadata, discriminator?: string) => ({
      target: () => this.#context.model(target),
      columns: [],
      join: [],
      pivot: { collection, from: pairs.from, to: pairs.to(target, discriminator) },
    });
    const targets = polymorphicTargets(prop);
    const [first] = targets ?? [];
    if (targets === undefined || first === undefined) {
      return plain(targetMeta);
    }
    const kind = prop.kind as RelationProp['kind'];
    const column = this.#context.columns.named(pivotMeta, [discriminatorColumnOf(prop)])[0] as Column;
    const relations = [...targets].map(([discriminator, target]): [string, RelationProp] => [
      discriminator,
      { kind, ...common(prop, []), owner: prop.owner === true, ...plain(target, discriminator) },
    ]);
    return { ...plain(first[1], first[0]), polymorphic: polymorphicOf(column, relations, targets) };
  }

  /** What a relation to one of several entities consists of, whose rows say to which. */
  #polymorphic(
    meta: EntityMetadata,
    prop: EntityProperty,
  ): Pick<RelationProp, 'target' | 'columns' | 'join' | 'polymorphic'> {
    const targets = polymorphicTargets(prop) ?? new Map();
    const [column, ...key] = this.#context.columns.named(meta, fieldNames(prop)) as [Column, ...Column[]];
    return this.#oneOf(prop, column, key, targets);
  }

  #oneOf(
    prop: EntityProperty,
    column: Column,
    key: readonly Column[],
    targets: ReadonlyMap<string, EntityMetadata>,
  ): Pick<RelationProp, 'target' | 'columns' | 'join' | 'polymorphic'> {
    const targetKey = targetKeyOf(prop);
    const kind = prop.kind as RelationProp['kind'];
    const names = key.map(({ name }) => name);
    const relations = [...targets].map(([discriminator, target]): [string, RelationProp] => [
      discriminator,
      {
        kind,
        ...common(prop, []),
        owner: true,
        target: () => this.#context.model(target),
        columns: key,
        join: [[column.name, { v: discriminator }], ...zip(names, keyColumns(target, targetKey))],
        ...(targetKey && { targetProps: [targetKey] }),
      },
    ]);
    const [first] = relations;
    if (first === undefined) {
      throw unsupported(`The relation ${prop.name} leads to no entity.`);
    }
    const { target, join } = first[1];
    return {
      target,
      columns: [column, ...key],
      join,
      polymorphic: polymorphicOf(column, relations, targets),
    };
  }

  /** The pivot of an M:N relation as seen from one side. */
  links(meta: EntityMetadata, prop: EntityProperty): Model {
    const pivotMeta = pivotOf(this.#context.storage, prop);
    const relation = this.#context.model(meta).props.get(prop.name) as RelationProp;
    const pivot = this.#context.model(pivotMeta);
    const { from, to } = relation.pivot ?? { from: [], to: [] };
    const side = (name: string, target: () => Model, join: readonly JoinPair[]): RelationProp => ({
      kind: 'm:1',
      name,
      nullable: false,
      json: [],
      owner: true,
      target,
      columns: this.#context.columns.named(
        pivotMeta,
        fieldPairs(join).map(([local]) => local),
      ),
      join,
    });
    const owner = side(
      'owner',
      () => this.#context.model(meta),
      from.map(([here, there]): JoinPair => [there, here]),
    );
    const member = side('member', relation.target, to);
    const { polymorphic } = relation;
    const props = new Map<string, Prop>(pivot.props);
    props.set('owner', owner);
    props.set(
      'member',
      polymorphic === undefined
        ? member
        : {
            ...member,
            columns: [polymorphic.column, ...member.columns],
            polymorphic: {
              ...polymorphic,
              targets: new Map(
                [...polymorphic.targets].map(([value, to]) => [
                  value,
                  side('member', to.target, to.pivot?.to ?? []),
                ]),
              ),
            },
          },
    );
    return { ...pivot, props };
  }

  #foreign(prop: EntityProperty): ForeignSource | undefined {
    if (!this.#context.foreignKeys || !isForeignKey(prop)) {
      return undefined;
    }
    const cascades = (kind: Cascade) =>
      prop.cascade?.some((cascade) => cascade === kind || cascade === Cascade.ALL) ?? false;
    return {
      ...(prop.foreignKeyName && { name: prop.foreignKeyName }),
      ...(prop.deleteRule && { deleteRule: prop.deleteRule }),
      ...(prop.updateRule && { updateRule: prop.updateRule }),
      ...(prop.deferMode === DeferMode.INITIALLY_DEFERRED && { deferred: true }),
      cascadeRemove: cascades(Cascade.REMOVE),
      cascadePersist: cascades(Cascade.PERSIST),
    };
  }
}

/** What a relation that may lead to several entities knows of them. */
function polymorphicOf(
  column: Column,
  relations: readonly [string, RelationProp][],
  targets: ReadonlyMap<string, EntityMetadata>,
): Polymorphic {
  return {
    column,
    targets: new Map(relations),
    reference: polymorphicReference,
    // Core asks a row for its class by this name.
    row: (discriminator, row) =>
      Object.defineProperty(row, 'constructor', {
        value: targets.get(discriminator)?.class,
        enumerable: false,
        configurable: true,
      }),
  };
}
