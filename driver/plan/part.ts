/**
 * The properties that rows are made of: which columns each takes, and how its
 * value is made of them.
 */
import type { Expr, NestedSelect, SelectField } from '../native/ir.js';
import { readerOf } from './document.js';
import { inKeyOrder, type KeyParts, keyPlaces, targetParts } from './key.js';
import { type Column, columnsOf, isRelation, type Prop, type RelationProp } from './model.js';
import { isPolymorphic, type PolymorphicProp } from './polymorphic.js';

/** A row, keyed by properties. */
export type Row = Record<string, unknown>;

/** Gives a row its final form. */
export type Finish = (row: Row) => Row;

/** One property of a row. */
export interface Part {
  readonly name: string;
  readonly fields?: readonly SelectField[];
  readonly nested?: readonly NestedSelect[];
  readonly condition?: Expr;
  /** Fetched for the sake of others, and no property of the row handed out. */
  readonly hidden?: boolean;
  /** Makes the property's value; by default it is the row's already. */
  readonly read?: (row: Row) => unknown;
}

/** Makes the rows of these properties. */
export function finishOf(parts: readonly Part[]): Finish {
  return (row) => {
    const finished: Row = {};
    for (const { name, read } of parts) {
      finished[name] = read === undefined ? row[name] : read(row);
    }
    return finished;
  };
}

/** A property that is stored with the row. */
export function ownPart(prop: Prop): Part {
  const { name } = prop;
  const columns = columnsOf(prop);
  const [column] = columns;
  if (isRelation(prop) && isPolymorphic(prop)) {
    return referencePart(prop);
  }
  if (isRelation(prop) && columns.length > 1) {
    const names = columns.map((part) => `${name}~~~${part.name}`);
    const nest = nestForeignKey(prop, names);
    return { name, fields: columns.map((part, i) => fieldOf(part, names[i] ?? part.name)), read: nest };
  }
  const fields = column === undefined ? [] : [fieldOf(column, name)];
  const convert = prop.kind === 'embedded' ? readerOf(prop) : undefined;
  return convert === undefined ? { name, fields } : { name, fields, read: (row) => convert(row[name]) };
}

/** A reference that says itself of which entity it is. */
function referencePart(prop: PolymorphicProp): Part {
  const { name, columns, polymorphic } = prop;
  const names = columns.map((column) => `${name}~~~${column.name}`);
  const [discriminator = name, ...key] = names;
  const readers = new Map(
    [...polymorphic.targets].map(([value, relation]) => [value, nestForeignKey(relation, key)]),
  );
  return {
    name,
    fields: columns.map((column, i) => fieldOf(column, names[i] ?? column.name)),
    read: (row) => {
      const value = row[discriminator] as string | null;
      if (value === null) {
        return null;
      }
      const read = readers.get(value);
      return polymorphic.reference(value, read === undefined ? key.map((part) => row[part]) : read(row));
    },
  };
}

/** A column, handed out under a name. */
export function fieldOf(column: Column, name: string): SelectField {
  return { field: column.name, as: column.wire, ...(name !== column.name && { name }) };
}

/**
 * A key out of a row that has its columns under these names: a scalar, or a tuple with tuples for the foreign keys in it.
 * None is null; where other properties share columns of it, which hold values of theirs, core expects it undefined.
 */
export function nestKey(parts: KeyParts, names: readonly string[], path: string): (row: Row) => unknown {
  const columns = keyPlaces(parts, path).map(({ column }) => column);
  const readers = parts.map((part): ((row: Row) => unknown) => {
    const taken = columnsOf(part).map((column) => names[columns.indexOf(column)] ?? column.name);
    const [name = part.name] = taken;
    return isRelation(part) && taken.length > 1 ? nestForeignKey(part, taken) : (row) => row[name];
  });
  const [only] = readers;
  return (row) => {
    if (names.some((name) => row[name] === null)) {
      return names.every((name) => row[name] === null) ? null : undefined;
    }
    return only !== undefined && readers.length === 1 ? only(row) : readers.map((read) => read(row));
  };
}

/** The key that a relation refers to, out of a row that has the relation's columns under these names. */
function nestForeignKey(prop: RelationProp, names: readonly string[]): (row: Row) => unknown {
  return nestKey(targetParts(prop), inKeyOrder(prop, names), prop.name);
}

/** Whether a property has columns of its own, rather than being elsewhere or in a document. */
export function isStored(prop: Prop): boolean {
  return prop.refused === undefined && prop.json.length === 0 && columnsOf(prop).length > 0;
}
