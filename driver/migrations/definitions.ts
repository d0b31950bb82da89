/** Definitions as migrations write them, and as the engine reads them. */
import type {
  CollectionDef,
  DefaultDef,
  FieldDef,
  FieldType,
  ForeignDef,
  IndexDef,
  Rule,
} from '../native/ir.js';

/** A field of a collection. */
export interface FieldDefinition {
  name: string;
  type: FieldType;
  /** Whether it may be null; it may not unless told so. */
  nullable?: boolean;
  /** What rows get that do not name it: `{ value: 1 }`, or `{ now: true }` for the time. */
  default?: DefaultDef;
  /** Whether rows that do not name it are numbered. */
  autoIncrement?: boolean;
  /** The only texts that it may hold. */
  oneOf?: readonly string[];
}

/** An index, or a unique constraint. */
export interface IndexDefinition {
  name: string;
  /** The fields, the most significant first; a list leads into a document: `['address', 'city']`. */
  fields: readonly (string | readonly string[])[];
  unique?: boolean;
}

/** A foreign key. */
export interface ForeignKeyDefinition {
  name: string;
  fields: readonly string[];
  /** The collection that it points at. */
  target: string;
  /** The fields that it points at: a primary key, or those of a unique index. */
  targetFields: readonly string[];
  onDelete?: Rule;
  onUpdate?: Rule;
  /** Checked when the transaction commits, and not at the end of each statement. */
  deferred?: boolean;
}

/** A collection. */
export interface CollectionDefinition {
  name: string;
  fields: readonly FieldDefinition[];
  /** The fields of the primary key. */
  primaryKey: readonly string[];
  indexes?: readonly IndexDefinition[];
  foreignKeys?: readonly ForeignKeyDefinition[];
}

export function collectionDef(collection: CollectionDefinition): CollectionDef {
  const { name, fields, primaryKey, indexes = [], foreignKeys = [] } = collection;
  return {
    name,
    fields: fields.map(fieldDef),
    primary: primaryKey,
    indexes: indexes.map(indexDef),
    foreign: foreignKeys.map(foreignDef),
  };
}

export function fieldDef(field: FieldDefinition): FieldDef {
  return { ...field, nullable: field.nullable === true };
}

export function indexDef({ name, fields, unique = false }: IndexDefinition): IndexDef {
  const paths = fields.map((path) => {
    const [field = '', ...json] = [path].flat() as string[];
    return { field, json };
  });
  return { name, paths, unique };
}

export function foreignDef(key: ForeignKeyDefinition): ForeignDef {
  return { onDelete: 'noAction', onUpdate: 'noAction', ...key };
}

/** A definition of the engine as a migration writes it: without what is understood. */
export function fieldDefinition({ nullable, ...field }: FieldDef): FieldDefinition {
  const { name, type, ...rest } = field;
  return { name, type, ...(nullable && { nullable }), ...rest };
}

export function indexDefinition({ name, paths, unique }: IndexDef): IndexDefinition {
  const fields = paths.map(({ field, json = [] }) => (json.length === 0 ? field : [field, ...json]));
  return { name, fields, ...(unique && { unique }) };
}

export function foreignKeyDefinition({
  onDelete,
  onUpdate,
  deferred,
  ...key
}: ForeignDef): ForeignKeyDefinition {
  return {
    ...key,
    ...(onDelete !== 'noAction' && { onDelete }),
    ...(onUpdate !== 'noAction' && { onUpdate }),
    ...(deferred && { deferred }),
  };
}

export function collectionDefinition(def: CollectionDef): CollectionDefinition {
  const { name, fields, primary, indexes, foreign } = def;
  return {
    name,
    fields: fields.map(fieldDefinition),
    primaryKey: primary,
    ...(indexes.length > 0 && { indexes: indexes.map(indexDefinition) }),
    ...(foreign.length > 0 && { foreignKeys: foreign.map(foreignKeyDefinition) }),
  };
}
