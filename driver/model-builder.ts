/**
 * Models from core's metadata: what each property of an entity is to the
 * engine. Made once per entity, when it is first used.
 */
import {
  ArrayType,
  BigIntType,
  BlobType,
  BooleanType,
  Cascade,
  DateTimeType,
  DateType,
  DecimalType,
  DoubleType,
  type EntityMetadata,
  type EntityProperty,
  FloatType,
  IntegerType,
  JsonType,
  MediumIntType,
  type MetadataStorage,
  type Platform,
  ReferenceKind,
  SmallIntType,
  TinyIntType,
  type Type,
  Uint8ArrayType,
  UnknownType,
} from '@mikro-orm/core';
import {
  allMetadata,
  isForeignKey,
  isPolymorphic,
  isSelfOrDescendant,
  metadataOf,
  pivotOf,
  rootOf,
  siblingColumnsOf,
  targetKeyOf,
  targetOf,
  unknownKindOf,
} from './compat.js';
import { isDate } from './dates.js';
import { columnDefault } from './defaults.js';
import { unsupported } from './errors.js';
import type { FieldType, Wire } from './native/ir.js';
import type {
  Column,
  Discriminator,
  EmbeddedProp,
  ForeignSource,
  IndexSource,
  JoinPair,
  Model,
  Prop,
  RelationProp,
  ScalarProp,
} from './plan/model.js';

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
  readonly #columns = new Map<EntityMetadata, Map<string, Column>>();

  constructor(context: ModelContext) {
    this.#context = context;
  }

  /** The model of an entity. */
  model(meta: EntityMetadata): Model {
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
      (meta) => rootOf(meta) === meta && hasCollection(meta) && this.#inNameSpace(meta),
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
    const kind = unknownKindOf(meta);
    if (kind !== undefined) {
      throw unsupported(`${meta.className} cannot be stored yet: it uses ${kind}, which is not there yet.`);
    }
    if (!hasCollection(meta)) {
      throw unsupported(
        `${meta.className} has no collection of its own: ${meta.virtual ? 'it is a virtual entity' : 'it is abstract or embeddable'}.`,
      );
    }
    const props = new Map<string, Prop>();
    for (const prop of meta.props) {
      props.set(prop.name, this.#prop(meta, prop));
    }
    for (const name of ['$inserted', '$updated']) {
      props.set(name, systemProp(name));
    }
    const columns = this.#columnsOf(meta);
    const primaryProps = primaryNames(meta);
    const discriminator = this.#discriminator(meta);
    return {
      name: meta.className,
      collection: this.#collectionOf(meta),
      primary: [
        ...new Set(primaryProps.flatMap((name) => this.#named(meta, fieldNames(property(meta, name))))),
      ],
      primaryProps,
      columns: [...columns.values()],
      props,
      ...(discriminator && { discriminator }),
      ...(meta.versionProperty && { version: meta.versionProperty }),
      indexes: indexesOf(meta),
    };
  }

  #collectionOf(meta: EntityMetadata): string {
    const schema = meta.schema && meta.schema !== '*' ? meta.schema : this.#context.schema;
    return schema === undefined ? meta.tableName : `${schema}.${meta.tableName}`;
  }

  /** Every column of the collection that an entity lives in, by name. Columns that relations share come once. */
  #columnsOf(meta: EntityMetadata): Map<string, Column> {
    const root = rootOf(meta);
    let columns = this.#columns.get(root);
    if (columns === undefined) {
      columns = new Map();
      this.#columns.set(root, columns);
      for (const prop of root.props) {
        if (isStored(prop)) {
          for (const column of this.#columnsFor(root, prop)) {
            const shared = columns.get(column.name);
            columns.set(
              column.name,
              shared === undefined || shared.nullable
                ? { ...column, ...shared, nullable: column.nullable && (shared?.nullable ?? true) }
                : shared,
            );
          }
        }
      }
    }
    return columns;
  }

  #columnsFor(meta: EntityMetadata, prop: EntityProperty): Column[] {
    const names = siblingColumnsOf(prop) ?? fieldNames(prop);
    return names.map((name, i) => {
      const type = this.#fieldType(prop, i);
      const defaultValue = columnDefault(meta, prop, type);
      return {
        name,
        type,
        wire: WIRES[type],
        nullable: prop.nullable === true,
        ...(defaultValue && { default: defaultValue }),
        ...(prop.autoincrement && { autoIncrement: true }),
      };
    });
  }

  #fieldType(prop: EntityProperty, i: number): FieldType {
    if (prop.kind === ReferenceKind.EMBEDDED) {
      return 'json';
    }
    const referred = prop.kind === ReferenceKind.SCALAR ? undefined : this.#referredType(prop, i);
    if (referred !== undefined) {
      return referred;
    }
    if (
      prop.enum &&
      !prop.array &&
      prop.items?.some((item) => typeof item === 'string') &&
      prop.items.some((item) => typeof item !== 'string')
    ) {
      return 'json';
    }
    const columnType = prop.columnTypes?.[i] ?? prop.columnTypes?.[0];
    const mapped =
      columnType === undefined ? prop.customType : this.#context.platform.getMappedType(columnType);
    if (isDate(prop) && mapped instanceof DateType) {
      return 'date';
    }
    const type = mapped === undefined ? 'json' : fieldTypeOf(mapped);
    // What the engine counts up is a number, also under a key that is declared as text.
    return prop.autoincrement && type !== 'bigint' ? 'int' : type;
  }

  /** The type of the column that a column of a foreign key refers to. */
  #referredType(prop: EntityProperty, i: number): FieldType | undefined {
    const name = prop.referencedColumnNames?.[i];
    if (name === undefined || !prop.targetMeta) {
      return undefined;
    }
    const referred = rootOf(prop.targetMeta).props.find(
      (other) => other !== prop && isStored(other) && fieldNames(other).includes(name),
    );
    return referred && this.#fieldType(referred, fieldNames(referred).indexOf(name));
  }

  /** The columns of an entity's collection with those names. */
  #named(meta: EntityMetadata, names: readonly string[]): Column[] {
    const columns = this.#columnsOf(meta);
    return names.map((name) => {
      const column = columns.get(name);
      if (column === undefined) {
        throw new Error(`${meta.className} has no stored column ${name}`);
      }
      return column;
    });
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
    const column = place && this.#columnsOf(meta).get(place.field);
    const customOrder = prop.customOrder as readonly unknown[] | undefined;
    return {
      kind: 'scalar',
      ...common(prop, place?.json ?? []),
      ...(column ? { column } : { refused: refusalOf(prop) }),
      ...(customOrder && { customOrder }),
    };
  }

  #embedded(meta: EntityMetadata, prop: EntityProperty, json: readonly string[]): EmbeddedProp {
    const place = this.#place(meta, prop, json);
    const inline = prop.object !== true && prop.array !== true;
    const column = inline || place === undefined ? undefined : this.#columnsOf(meta).get(place.field);
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
    if (field === undefined || prop.formula || prop.generated) {
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
    if (isPolymorphic(prop)) {
      const refused = 'is a polymorphic relation, which is not there yet';
      return {
        ...base,
        owner: prop.owner === true,
        target: () => this.model(meta),
        columns: [],
        join: [],
        refused,
      };
    }
    const targetMeta = targetOf(storage, prop);
    const target = () => this.model(targetMeta);
    if (prop.kind === ReferenceKind.MANY_TO_MANY) {
      return {
        ...base,
        owner: prop.owner === true,
        target,
        columns: [],
        join: [],
        pivot: this.#pivot(meta, prop, targetMeta),
      };
    }
    const owns =
      prop.kind === ReferenceKind.MANY_TO_ONE ||
      (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner === true);
    if (!owns) {
      const owner = property(targetMeta, prop.mappedBy);
      const join = keyPairs(owner).map(([local, referenced]): JoinPair => [referenced, local]);
      return { ...base, owner: false, target, columns: [], join };
    }
    if (prop.embedded && prop.object) {
      const column = place && this.#columnsOf(meta).get(place.field);
      return { ...base, owner: true, target, columns: column ? [column] : [], join: [] };
    }
    const pairs = keyPairs(prop);
    const stored = this.#columnsOf(meta);
    if (pairs.some(([local]) => !stored.has(local))) {
      return { ...base, owner: true, target, columns: [], join: [], refused: refusalOf(prop) };
    }
    const columns = this.#named(
      meta,
      pairs.map(([local]) => local),
    );
    const own =
      prop.ownColumns && prop.ownColumns.length < columns.length
        ? columns.filter((column) => prop.ownColumns.includes(column.name))
        : undefined;
    const targetKey = targetKeyOf(prop);
    const foreign = this.#foreign(prop);
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

  #pivot(meta: EntityMetadata, prop: EntityProperty, targetMeta: EntityMetadata): RelationProp['pivot'] {
    const pivot = pivotOf(this.#context.storage, prop);
    const keyOf = (entity: EntityMetadata) => entity.getPrimaryProps().flatMap((key) => fieldNames(key));
    const from = zip(keyOf(meta), prop.joinColumns);
    const to = zip(prop.inverseJoinColumns, keyOf(targetMeta));
    return { collection: this.#collectionOf(pivot), from, to };
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
    const [column] = this.#named(meta, fieldNames(property(root, root.discriminatorColumn)));
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

/** Whether rows of an entity are kept in a collection. */
export function hasCollection(meta: EntityMetadata): boolean {
  return (
    !meta.virtual &&
    !meta.embeddable &&
    !(meta.abstract && !meta.root.discriminatorColumn) &&
    Boolean(meta.tableName)
  );
}

const WIRES: Readonly<Record<FieldType, Wire>> = {
  int: 'number',
  // As text: core's own type makes of it what the property is to hold.
  bigint: 'decimal',
  float: 'number',
  decimal: 'decimal',
  bool: 'bool',
  text: 'text',
  date: 'date',
  bytes: 'bytes',
  json: 'json',
};

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

type TypeClass = abstract new (...args: never[]) => Type<unknown>;

const FIELD_TYPES: readonly (readonly [TypeClass, FieldType])[] = [
  [IntegerType, 'int'],
  [SmallIntType, 'int'],
  [TinyIntType, 'int'],
  [MediumIntType, 'int'],
  [BigIntType, 'bigint'],
  [DecimalType, 'decimal'],
  [FloatType, 'float'],
  [DoubleType, 'float'],
  [BooleanType, 'bool'],
  [DateTimeType, 'date'],
  [BlobType, 'bytes'],
  [Uint8ArrayType, 'bytes'],
  [JsonType, 'json'],
  [ArrayType, 'json'],
  // A type that core has no name for may hold anything.
  [UnknownType, 'json'],
];

/** Everything that is not one of these is text: texts, enums, keys, and dates and times without the other. */
function fieldTypeOf(type: Type<unknown>): FieldType {
  return FIELD_TYPES.find(([typeClass]) => type instanceof typeClass)?.[1] ?? 'text';
}

/** The properties of the primary key. Early minors of 6 do not list those of pivots. */
function primaryNames(meta: EntityMetadata): string[] {
  return meta.primaryKeys.length > 0
    ? (meta.primaryKeys as string[])
    : meta.props.filter((prop) => prop.primary).map((prop) => prop.name);
}

function property(meta: EntityMetadata, name: string): EntityProperty {
  const prop =
    (meta.properties as Record<string, EntityProperty | undefined>)[name] ??
    (meta.root.properties as Record<string, EntityProperty | undefined>)[name];
  if (prop === undefined) {
    throw new Error(`${meta.className} has no property ${name}`);
  }
  return prop;
}

function fieldNames(prop: EntityProperty): readonly string[] {
  return prop.fieldNames ?? [];
}

function isStored(prop: EntityProperty): boolean {
  if (prop.persist === false || prop.formula || prop.generated) {
    return false;
  }
  switch (prop.kind) {
    case ReferenceKind.SCALAR:
    case ReferenceKind.MANY_TO_ONE:
      return true;
    case ReferenceKind.EMBEDDED:
      return prop.object === true || prop.array === true;
    case ReferenceKind.ONE_TO_ONE:
      return prop.owner === true;
    default:
      return false;
  }
}

function refusalOf(prop: EntityProperty): string {
  if (prop.formula && prop.kind === ReferenceKind.SCALAR) {
    return 'is an SQL formula, which the collection store does not evaluate';
  }
  return prop.generated
    ? 'is generated by SQL, which the collection store does not evaluate'
    : 'is not stored';
}

function common(
  prop: EntityProperty,
  json: readonly string[],
): { name: string; nullable: boolean; lazy?: boolean; json: readonly string[] } {
  return { name: prop.name, nullable: prop.nullable === true, ...(prop.lazy && { lazy: true }), json };
}

/** The property whose column holds the document that a property is in, and the way there by stored names. */
function documentHolder(
  meta: EntityMetadata,
  prop: EntityProperty,
): { prop: EntityProperty; json: string[] } | undefined {
  const json: string[] = [];
  let current = prop;
  while (current.embedded && current.object && current.persist === false) {
    json.unshift(fieldNames(current)[0] ?? current.embedded[1]);
    const parent = (meta.properties as Record<string, EntityProperty | undefined>)[current.embedded[0]];
    if (parent === undefined) {
      return undefined;
    }
    current = parent;
  }
  return { prop: current, json };
}

/** The columns of a relation's key, each with the column it refers to. */
function keyPairs(prop: EntityProperty): JoinPair[] {
  return zip(prop.joinColumns ?? prop.fieldNames, prop.referencedColumnNames);
}

function zip(left: readonly string[], right: readonly string[]): JoinPair[] {
  return left.map((name, i): JoinPair => [name, right[i] ?? name]);
}

function indexesOf(meta: EntityMetadata): IndexSource[] {
  const single = meta.props
    .filter((prop) => isStored(prop) || (prop.embedded && prop.object))
    .flatMap((prop) => [...indexOf(prop, prop.index, false), ...indexOf(prop, prop.unique, true)]);
  const composite = [
    ...meta.indexes.map((index) => ({ ...index, unique: false })),
    ...meta.uniques.map((index) => ({ ...index, unique: true })),
  ].filter((index) => index.properties !== undefined && !index.expression);
  return [
    ...single,
    ...composite.map(({ name, properties, unique }) => ({
      ...(typeof name === 'string' && { name }),
      properties: [properties].flat() as string[],
      unique,
    })),
  ];
}

function indexOf(
  prop: EntityProperty,
  declared: boolean | string | undefined,
  unique: boolean,
): IndexSource[] {
  return declared
    ? [{ ...(typeof declared === 'string' && { name: declared }), properties: [prop.name], unique }]
    : [];
}

/** @internal */
export function metadataOrThrow(storage: MetadataStorage, name: unknown): EntityMetadata {
  const meta = metadataOf(storage, name);
  if (meta === undefined) {
    throw unsupported(
      `There is no entity ${typeof name === 'string' ? name : ((name as { name?: string })?.name ?? String(name))} among the discovered ones.`,
    );
  }
  return meta;
}
