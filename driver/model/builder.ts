/**
 * Models from core's metadata: what each property of an entity is to the
 * engine. Made once per entity, when it is first used.
 */
import {
  Cascade,
  DeferMode,
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  type Platform,
  ReferenceKind,
} from '@mikro-orm/core';
import {
  allMetadata,
  EMPTY_GROUPS_FAIL,
  isForeignKey,
  discriminatorColumnOf,
  isPolymorphic,
  isSelfOrDescendant,
  isView,
  goesOn,
  pivotOf,
  polymorphicReference,
  rootOf,
  siblingColumnsOf,
  targetKeyOf,
  targetOf,
} from '../compat.js';
import { rowFunction } from './computed.js';
import { unsupported } from '../errors.js';
import { hasCollection } from './metadata.js';
import { polymorphicTargets } from './polymorphic.js';
import type {
  Discriminator,
  EmbeddedProp,
  ForeignSource,
  JoinPair,
  Model,
  Polymorphic,
  Prop,
  RelationProp,
  ScalarProp,
  Column,
} from '../plan/model.js';
import { fieldPairs, isRelation } from '../plan/model.js';
import type { Rules } from '../plan/rules.js';
import { followsTarget } from '../plan/schema.js';
import { Columns } from './columns.js';
import { isSingle } from './field-types.js';
import { indexesOf } from './indexes.js';
import {
  backPairs,
  documentHolder,
  fieldNames,
  isGenerated,
  isMadeBySql,
  keyColumns,
  keyPairs,
  pivotPairs,
  primaryNames,
  property,
  zip,
} from './properties.js';
import { formulaOf, rulesOf } from './row-functions.js';
import { declaringClass, SpreadClasses } from './spread.js';

/** What the builder needs to know beside the metadata. */
export interface ModelContext {
  readonly storage: MetadataStorage;
  readonly platform: Platform;
  /** The name space of entities that do not name one, or leave it open. */
  readonly schema: string | undefined;
  /** Whether relations are foreign keys to the engine. */
  readonly foreignKeys: boolean;
}

/** Makes the models of one metadata storage and one name space, and keeps them. */
export class ModelBuilder {
  readonly #context: ModelContext;
  readonly #models = new Map<EntityMetadata, Model>();
  readonly #links = new Map<EntityProperty, Model>();
  readonly #columns: Columns;
  readonly #rulesByRoot = new Map<EntityMetadata, Rules | undefined>();
  readonly #spread: SpreadClasses;

  constructor(context: ModelContext) {
    this.#context = context;
    this.#columns = new Columns(context.platform);
    this.#spread = new SpreadClasses(context.storage, this.#columns, (meta) => this.model(meta));
  }

  get storage(): MetadataStorage {
    return this.#context.storage;
  }

  /** The model of an entity that has a collection. */
  model(meta: EntityMetadata): Model {
    if (meta.virtual) {
      throw unsupported(`${meta.className} has no collection of its own: it is a virtual entity.`);
    }
    return this.queried(meta);
  }

  /** The model of an entity that queries are about, which may be a virtual one. */
  queried(meta: EntityMetadata): Model {
    let model = this.#models.get(meta);
    if (model === undefined) {
      model = this.#build(meta);
      this.#models.set(meta, model);
    }
    return model;
  }

  /** The models of all entities that have a collection, one for each collection, pivots among them. */
  stored(): Model[] {
    const roots = allMetadata(this.#context.storage).filter(
      (meta) => rootOf(meta) === meta && hasCollection(meta) && !isView(meta) && this.#inNameSpace(meta),
    );
    return roots.map((meta) => this.model(meta));
  }

  #inNameSpace(meta: EntityMetadata): boolean {
    const { schema } = this.#context;
    return meta.schema === '*'
      ? schema !== undefined
      : schema === undefined || meta.schema === undefined || meta.schema === schema;
  }

  #build(meta: EntityMetadata): Model {
    if (!hasCollection(meta) && !meta.virtual) {
      throw unsupported(`${meta.className} has no collection of its own: it is abstract or embeddable.`);
    }
    const props = new Map<string, Prop>();
    const above = this.#spread.above(meta);
    for (const prop of meta.props) {
      props.set(prop.name, this.#spread.inherited(meta, prop, above) ?? this.#prop(meta, prop));
    }
    for (const name of ['$inserted', '$updated']) {
      props.set(name, systemProp(name));
    }
    const columns = this.#columns.of(meta);
    const primaryProps = primaryNames(meta);
    const discriminator = this.#discriminator(meta);
    const rules = this.#rules(rootOf(meta));
    const below = this.#spread.below(meta);
    return {
      name: meta.className,
      collection: this.#collectionOf(meta),
      primary: [
        ...new Set(
          primaryProps.flatMap((name) => this.#columns.named(meta, fieldNames(property(meta, name)))),
        ),
      ],
      primaryProps,
      columns: [...columns.values()],
      props,
      ...(discriminator && { discriminator }),
      ...(above.length > 0 && { above }),
      ...(below && { below }),
      ...(meta.versionProperty && { version: meta.versionProperty }),
      indexes: indexesOf(meta),
      ...(rules && { rules }),
      emptyGroupsFail: EMPTY_GROUPS_FAIL,
    };
  }

  /** What is computed and checked with every write to the collection of a root entity. */
  #rules(root: EntityMetadata): Rules | undefined {
    if (!this.#rulesByRoot.has(root)) {
      const followers = () =>
        [...this.model(root).props.values()].filter((prop) => isRelation(prop) && followsTarget(prop));
      const rules = rulesOf(
        this.#context,
        root,
        this.#columns.of(root),
        () => new Set(followers().map(({ name }) => name)),
      );
      this.#rulesByRoot.set(root, rules);
    }
    return this.#rulesByRoot.get(root);
  }

  #collectionOf(meta: EntityMetadata): string {
    const schema = meta.schema && meta.schema !== '*' ? meta.schema : this.#context.schema;
    const name = meta.tableName || meta.className;
    return schema === undefined ? name : `${schema}.${name}`;
  }

  #prop(meta: EntityMetadata, prop: EntityProperty, json: readonly string[] = []): Prop {
    switch (prop.kind) {
      case ReferenceKind.SCALAR:
        return this.#scalar(meta, prop, json);
      case ReferenceKind.EMBEDDED:
        return this.#embedded(meta, prop, json);
      default:
        return this.#relation(meta, prop, json);
    }
  }

  #scalar(meta: EntityMetadata, prop: EntityProperty, json: readonly string[]): ScalarProp {
    const place = this.#place(meta, prop, json);
    const column = place && this.#columns.of(meta).get(place.field);
    const customOrder = prop.customOrder as readonly unknown[] | undefined;
    const compute = json.length === 0 ? formulaOf(this.#context, meta, prop) : undefined;
    return {
      kind: 'scalar',
      ...common(prop, place?.json ?? []),
      ...(column ? { column } : { refused: refusalOf(prop) }),
      ...(json.length > 0 && isSingle(prop) && { single: true }),
      ...(customOrder && { customOrder }),
      ...(compute && { compute }),
      ...(isGenerated(prop) && { computed: 'is computed from the row' }),
      ...(isMadeBySql(prop) && { sql: true }),
    };
  }

  #embedded(meta: EntityMetadata, prop: EntityProperty, json: readonly string[]): EmbeddedProp {
    const place = this.#place(meta, prop, json);
    const inline = prop.object !== true && prop.array !== true;
    const column = inline || place === undefined ? undefined : this.#columns.of(meta).get(place.field);
    const way = place?.json ?? [];
    const props = new Map<string, Prop>();
    for (const [name, child] of Object.entries(prop.embeddedProps as Record<string, EntityProperty>)) {
      props.set(
        name,
        inline ? this.#prop(meta, child) : this.#prop(meta, child, [...way, fieldNames(child)[0] ?? name]),
      );
    }
    return {
      kind: 'embedded',
      ...common(prop, way),
      inline,
      array: prop.array === true,
      ...(column && { column }),
      ...(!inline && column === undefined && { refused: refusalOf(prop) }),
      props,
    };
  }

  /** The column and the way into its document that hold a property. */
  #place(
    meta: EntityMetadata,
    prop: EntityProperty,
    json: readonly string[],
  ): { field: string; json: readonly string[] } | undefined {
    const [field] = fieldNames(prop);
    if (field === undefined || prop.formula || (prop.generated && !isGenerated(prop))) {
      return undefined;
    }
    if (prop.embedded && prop.object) {
      const holder = documentHolder(meta, prop);
      return (
        holder && {
          field: fieldNames(holder.prop)[0] ?? holder.prop.name,
          json: json.length > 0 ? json : holder.json,
        }
      );
    }
    return { field, json: [] };
  }

  #relation(meta: EntityMetadata, prop: EntityProperty, json: readonly string[]): RelationProp {
    const { storage } = this.#context;
    const place = this.#place(meta, prop, json);
    const base = { kind: prop.kind as RelationProp['kind'], ...common(prop, place?.json ?? []) };
    const targetMeta = targetOf(storage, prop);
    const target = () => this.model(targetMeta);
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
      const pivot = { collection: this.#collectionOf(declaring), from: join, to };
      return { ...base, owner: false, target, columns: [], join: [], pivot };
    }
    if (isPolymorphic(prop) && !prop.embedded) {
      return { ...base, owner: true, ...this.#polymorphic(meta, prop) };
    }
    if (prop.embedded && prop.object) {
      const column = place && this.#columns.of(meta).get(place.field);
      return { ...base, owner: true, target, columns: column ? [column] : [], join: [] };
    }
    const pairs = keyPairs(prop);
    const stored = this.#columns.of(meta);
    if (pairs.some(([local]) => !stored.has(local))) {
      return { ...base, owner: true, target, columns: [], join: [], refused: refusalOf(prop) };
    }
    const columns = this.#columns.named(
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
    const collection = this.#collectionOf(pivotMeta);
    const pairs = pivotPairs(meta, prop);
    const plain = (target: EntityMetadata, discriminator?: string) => ({
      target: () => this.model(target),
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
    const column = this.#columns.named(pivotMeta, [discriminatorColumnOf(prop)])[0] as Column;
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
    const [column, ...key] = this.#columns.named(meta, fieldNames(prop)) as [Column, ...Column[]];
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
        target: () => this.model(target),
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

  /**
   * The pivot of an M:N relation as seen from one side: rows of an `owner` and
   * a `member`, which may be one of several entities.
   */
  links(meta: EntityMetadata, prop: EntityProperty): Model {
    let links = this.#links.get(prop);
    if (links === undefined) {
      links = this.#linksOf(meta, prop);
      this.#links.set(prop, links);
    }
    return links;
  }

  #linksOf(meta: EntityMetadata, prop: EntityProperty): Model {
    const pivotMeta = pivotOf(this.#context.storage, prop);
    const relation = this.model(meta).props.get(prop.name) as RelationProp;
    const pivot = this.model(pivotMeta);
    const { from, to } = relation.pivot ?? { from: [], to: [] };
    const side = (name: string, target: () => Model, join: readonly JoinPair[]): RelationProp => ({
      kind: 'm:1',
      name,
      nullable: false,
      json: [],
      owner: true,
      target,
      columns: this.#columns.named(
        pivotMeta,
        fieldPairs(join).map(([local]) => local),
      ),
      join,
    });
    const owner = side(
      'owner',
      () => this.model(meta),
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

  #discriminator(meta: EntityMetadata): Discriminator | undefined {
    const root = rootOf(meta);
    if (!root.discriminatorColumn) {
      return undefined;
    }
    const { storage } = this.#context;
    const [column] = this.#columns.named(meta, fieldNames(property(root, root.discriminatorColumn)));
    const values = allMetadata(storage)
      .filter((other) => rootOf(other) === root && isSelfOrDescendant(storage, other, meta))
      .map((other) => other.discriminatorValue)
      .filter((value) => value !== undefined);
    return {
      column: column as Column,
      ...(meta.discriminatorValue !== undefined && { value: meta.discriminatorValue }),
      ...(meta !== root && { values }),
      ...(root.props.some((prop) => siblingColumnsOf(prop)) && { classes: this.#classes(root) }),
    };
  }

  #classes(root: EntityMetadata): ReadonlyMap<unknown, () => Model> {
    const classes = allMetadata(this.#context.storage).filter(
      (meta) => rootOf(meta) === root && meta.discriminatorValue !== undefined,
    );
    return new Map(classes.map((meta) => [meta.discriminatorValue, () => this.model(meta)]));
  }
}

/** What the engine keeps with each row: the order in which rows were inserted, and last changed. */
function systemProp(name: string): ScalarProp {
  return {
    kind: 'scalar',
    name,
    nullable: false,
    lazy: true,
    json: [],
    column: { name, type: 'int', wire: 'number', nullable: false },
  };
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

function refusalOf(prop: EntityProperty): string {
  if (rowFunction(prop.formula, 'value') !== undefined) {
    return 'is computed only when it is loaded (a `generated` property is stored)';
  }
  if (!isMadeBySql(prop)) {
    return 'is not stored';
  }
  return prop.generated
    ? 'is generated by SQL, which the collection store does not evaluate'
    : 'is an SQL formula, which the collection store does not evaluate';
}

function common(
  prop: EntityProperty,
  json: readonly string[],
): { name: string; nullable: boolean; lazy?: boolean; json: readonly string[] } {
  return { name: prop.name, nullable: prop.nullable === true, ...(prop.lazy && { lazy: true }), json };
}
