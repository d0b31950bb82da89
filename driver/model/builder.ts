/**
 * Models from core's metadata: what each property of an entity is to the
 * engine. Made once per entity, when it is first used.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  type Platform,
  ReferenceKind,
} from '@mikro-orm/core';
import {
  allMetadata,
  EMPTY_GROUPS_FAIL,
  isSelfOrDescendant,
  isView,
  rootOf,
  siblingColumnsOf,
} from '../compat.js';
import { unsupported } from '../errors.js';
import { hasCollection } from './metadata.js';
import type { Discriminator, EmbeddedProp, Model, Prop, ScalarProp, Column } from '../plan/model.js';
import { isRelation } from '../plan/model.js';
import type { Rules } from '../plan/rules.js';
import { followsTarget } from '../plan/schema.js';
import { Columns } from './columns.js';
import { isSingle } from './field-types.js';
import { indexesOf } from './indexes.js';
import {
  common,
  fieldNames,
  isGenerated,
  isMadeBySql,
  placeOf,
  primaryNames,
  property,
  refusalOf,
} from './properties.js';
import { Relations } from './relations.js';
import { formulaOf, rulesOf } from './row-functions.js';
import { SpreadClasses } from './spread.js';

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
  readonly #relations: Relations;
  readonly #spread: SpreadClasses;

  constructor(context: ModelContext) {
    this.#context = context;
    this.#columns = new Columns(context.platform);
    this.#relations = new Relations({
      storage: context.storage,
      foreignKeys: context.foreignKeys,
      columns: this.#columns,
      model: (meta) => this.model(meta),
      collectionOf: (meta) => this.#collectionOf(meta),
    });
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
        return this.#relations.of(meta, prop, json);
    }
  }

  #scalar(meta: EntityMetadata, prop: EntityProperty, json: readonly string[]): ScalarProp {
    const place = placeOf(meta, prop, json);
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
    const place = placeOf(meta, prop, json);
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

  /**
   * The pivot of an M:N relation as seen from one side: rows of an `owner` and
   * a `member`, which may be one of several entities.
   */
  links(meta: EntityMetadata, prop: EntityProperty): Model {
    let links = this.#links.get(prop);
    if (links === undefined) {
      links = this.#relations.links(meta, prop);
      this.#links.set(prop, links);
    }
    return links;
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
