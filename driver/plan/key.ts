/**
 * Keys of entities: from the forms the ORM hands them over in to flat lists,
 * one value for each column.
 *
 * A key is a scalar, a tuple, a tuple of tuples where a part is a foreign key
 * itself, an object with the parts under their names, or an entity.
 */
import { PlanError } from './errors.js';
import {
  columnsOf,
  fieldPairs,
  isRelation,
  keyProps,
  type Model,
  type Prop,
  type RelationProp,
} from './model.js';
import type { Place } from './sink.js';
import { describe, isPlainObject, isRaw, rawFragment } from './value.js';

/** The parts of a key, in the order of a tuple. */
export type KeyParts = readonly Prop[];

/** The parts of the primary key of a model. */
export function primaryParts(model: Model): KeyParts {
  let parts = partsByModel.get(model);
  if (parts === undefined) {
    parts = keyProps(model);
    partsByModel.set(model, parts);
  }
  return parts;
}

const partsByModel = new WeakMap<Model, KeyParts>();

/** The parts of the key that a relation refers to. */
export function targetParts(prop: RelationProp): KeyParts {
  const target = prop.target();
  return prop.targetProps === undefined ? primaryParts(target) : keyProps(target, prop.targetProps);
}

/** The places that hold a key, flat: each once, though parts of a key may share columns. */
export function keyPlaces(parts: KeyParts, path: string): Place[] {
  const places = parts.flatMap((part) => {
    const columns = columnsOf(part);
    if (columns.length === 0) {
      throw new PlanError(
        'NOT_STORED',
        `${path}.${part.name} ${part.refused ?? 'is not stored on this side'} and cannot be part of a key`,
        path,
      );
    }
    return columns.map((column) => ({ column, json: part.json }));
  });
  return uniquePlaces(parts)?.map((at) => places[at] as Place) ?? places;
}

const uniqueByParts = new WeakMap<KeyParts, readonly number[] | null>();

/** Where each column of a key comes first, counted over the columns of all parts; absent when none comes twice. */
function uniquePlaces(parts: KeyParts): readonly number[] | undefined {
  let places = uniqueByParts.get(parts);
  if (places === undefined) {
    const names = parts.flatMap((part) =>
      columnsOf(part).map(({ name }) => JSON.stringify([name, ...part.json])),
    );
    const first = names.flatMap((name, at) => (names.indexOf(name) === at ? [at] : []));
    places = first.length < names.length ? first : null;
    uniqueByParts.set(parts, places);
  }
  return places ?? undefined;
}

/** How many columns a key has. */
export function keyWidth(parts: KeyParts): number {
  return (
    uniquePlaces(parts)?.length ??
    parts.reduce((width, part) => width + Math.max(columnsOf(part).length, 1), 0)
  );
}

/** Values for the columns of a relation, out of those for the key that it refers to. */
function inColumnOrder<T>(prop: RelationProp, key: readonly T[]): readonly T[] {
  return foreignOrder(prop)?.map((at) => key[at] as T) ?? key;
}

/** Values for the key that a relation refers to, out of those for the columns of the relation. */
export function inKeyOrder<T>(prop: RelationProp, columns: readonly T[]): readonly T[] {
  const order = foreignOrder(prop);
  return order === undefined ? columns : order.map((_, at) => columns[order.indexOf(at)] as T);
}

const orderByProp = new WeakMap<RelationProp, readonly number[] | null>();

/** Which column of the target's key each column of a relation refers to; absent when they come in the same order. */
function foreignOrder(prop: RelationProp): readonly number[] | undefined {
  if (prop.columns.length < 2) {
    return undefined;
  }
  let order = orderByProp.get(prop);
  if (order === undefined) {
    const names = keyPlaces(targetParts(prop), prop.name).map(({ column }) => column.name);
    const found = fieldPairs(prop.join).map(([, target]) => names.indexOf(target));
    order = found.every((at, i) => at === i) || found.includes(-1) ? null : found;
    orderByProp.set(prop, order);
  }
  return order ?? undefined;
}

/** Whether an array is one key rather than a list of keys. */
export function isTuple(parts: KeyParts, value: readonly unknown[]): boolean {
  const width = keyWidth(parts);
  if (width === 1) {
    return false;
  }
  const flat = value.length === width || value.length === spreadWidth(parts);
  if (flat && value.every((part) => !Array.isArray(part) && typeof part !== 'object')) {
    return true;
  }
  return value.length === parts.length && parts.every((part, i) => isPart(part, value[i]));
}

function isPart(part: Prop, value: unknown): boolean {
  if (!Array.isArray(value)) {
    // An object under a scalar part can only be a key by itself: one of a list.
    return isRelation(part) || isSingle(value) || value === undefined;
  }
  return isRelation(part) && isTuple(targetParts(part), value);
}

/** Whether a value fills one column. */
function isSingle(value: unknown): boolean {
  return (
    value === null ||
    (typeof value !== 'object' && value !== undefined) ||
    value instanceof Date ||
    value instanceof Uint8Array
  );
}

/** A key as one value for each of its columns. */
export function flattenKey(parts: KeyParts, value: unknown, path: string): readonly unknown[] {
  if (isRaw(value)) {
    throw rawFragment(describe(value), path);
  }
  const [only] = parts;
  if (Array.isArray(value)) {
    return flattenTuple(parts, value, path);
  }
  if (typeof value === 'object' && value !== null && holdsKey(parts, value)) {
    if (isPlainObject(value) && Object.keys(value).length > parts.length) {
      throw notKey(parts, value, path);
    }
    return flattenParts(
      parts,
      parts.map((part) => (value as Record<string, unknown>)[part.name]),
      path,
    );
  }
  if (only === undefined || parts.length > 1 || isPlainObject(value)) {
    throw notKey(parts, value, path);
  }
  return flattenPart(only, value, path);
}

/** A tuple has a value for each part, or one for each column, or one for each column of each part. */
function flattenTuple(parts: KeyParts, value: readonly unknown[], path: string): readonly unknown[] {
  const flat = value.every(isSingle);
  if (flat && value.length === keyWidth(parts)) {
    return value;
  }
  if (value.length === parts.length) {
    return flattenParts(parts, value, path);
  }
  if (flat && value.length === spreadWidth(parts)) {
    return flattenParts(parts, nested(parts, value), path);
  }
  throw notKey(parts, value, path);
}

function notKey(parts: KeyParts, value: unknown, path: string): PlanError {
  const names = parts.map((part) => part.name).join(', ');
  return new PlanError(
    'INVALID_OPERAND',
    `${path} is a key of ${names}: ${describe(value)} is not one`,
    path,
  );
}

/** How many values a key has when those of shared columns are repeated for each part. */
function spreadWidth(parts: KeyParts): number {
  return parts.reduce((width, part) => width + (isNested(part) ? spreadWidth(targetParts(part)) : 1), 0);
}

/** Values that are repeated for each part, as a tuple of tuples. */
function nested(parts: KeyParts, values: readonly unknown[]): unknown[] {
  let at = 0;
  return parts.map((part) => {
    if (!isNested(part)) {
      return values[at++];
    }
    const key = targetParts(part);
    const start = at;
    at += spreadWidth(key);
    return nested(key, values.slice(start, at));
  });
}

function isNested(part: Prop): part is RelationProp {
  return isRelation(part) && part.columns.length > 1;
}

function flattenParts(parts: KeyParts, values: readonly unknown[], path: string): readonly unknown[] {
  const flat = parts.flatMap((part, i) => flattenPart(part, values[i], `${path}.${part.name}`));
  return uniquePlaces(parts)?.map((at) => flat[at]) ?? flat;
}

function flattenPart(part: Prop, value: unknown, path: string): readonly unknown[] {
  if (value === undefined) {
    throw new PlanError('INVALID_OPERAND', `${path} is part of a key and has no value`, path);
  }
  if (!isRelation(part)) {
    return [value];
  }
  return value === null ? part.columns.map(() => null) : foreignKey(part, value, path);
}

/** The key that a relation refers to as one value for each column of the relation. */
export function foreignKey(prop: RelationProp, value: unknown, path: string): readonly unknown[] {
  return inColumnOrder(prop, flattenKey(targetParts(prop), value, path));
}

/** Whether an object has every part of a key: an entity, a reference, or a plain key. */
export function holdsKey(parts: KeyParts, value: object): boolean {
  return !(value instanceof Date) && !ArrayBuffer.isView(value) && parts.every((part) => part.name in value);
}
