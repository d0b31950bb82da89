/**
 * Keys of entities: from the forms the ORM hands them over in to flat lists,
 * one value for each column.
 *
 * A key is a scalar, a tuple, a tuple of tuples where a part is a foreign key
 * itself, an object with the parts under their names, or an entity.
 */
import { PlanError } from './errors.js';
import { columnsOf, isRelation, keyProps, type Model, type Prop, type RelationProp } from './model.js';
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

/** The places that hold a key, flat. */
export function keyPlaces(parts: KeyParts, path: string): Place[] {
  return parts.flatMap((part) => {
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
}

/** How many columns a key has. */
export function keyWidth(parts: KeyParts): number {
  return parts.reduce((width, part) => width + Math.max(columnsOf(part).length, 1), 0);
}

/** Whether an array is one key rather than a list of keys. */
export function isTuple(parts: KeyParts, value: readonly unknown[]): boolean {
  const width = keyWidth(parts);
  if (width === 1) {
    return false;
  }
  if (value.length === width && value.every((part) => !Array.isArray(part) && typeof part !== 'object')) {
    return true;
  }
  return value.length === parts.length && parts.every((part, i) => isPart(part, value[i]));
}

function isPart(part: Prop, value: unknown): boolean {
  if (!Array.isArray(value)) {
    // An object under a scalar part can only be a key by itself: one of a list.
    return (
      isRelation(part) ||
      typeof value !== 'object' ||
      value === null ||
      value instanceof Date ||
      value instanceof Uint8Array
    );
  }
  return isRelation(part) && isTuple(targetParts(part), value);
}

/** A key as one value for each of its columns. */
export function flattenKey(parts: KeyParts, value: unknown, path: string): unknown[] {
  const flat: unknown[] = [];
  append(flat, parts, value, path);
  return flat;
}

function append(flat: unknown[], parts: KeyParts, value: unknown, path: string): void {
  if (isRaw(value)) {
    throw rawFragment(describe(value), path);
  }
  const [only] = parts;
  if (Array.isArray(value)) {
    return appendTuple(flat, parts, value, path);
  }
  if (typeof value === 'object' && value !== null && holdsKey(parts, value)) {
    for (const part of parts) {
      appendPart(flat, part, (value as Record<string, unknown>)[part.name], `${path}.${part.name}`);
    }
    return;
  }
  if (only === undefined || parts.length > 1 || isPlainObject(value)) {
    throw new PlanError(
      'INVALID_OPERAND',
      `${path} is a key of ${parts.map((part) => part.name).join(', ')}: ${describe(value)} is not one`,
      path,
    );
  }
  appendPart(flat, only, value, path);
}

function appendTuple(flat: unknown[], parts: KeyParts, value: readonly unknown[], path: string): void {
  if (value.length === parts.length) {
    parts.forEach((part, i) => {
      appendPart(flat, part, value[i], `${path}.${part.name}`);
    });
  } else if (value.length === keyWidth(parts) && !value.some(Array.isArray)) {
    flat.push(...value);
  } else {
    throw new PlanError(
      'INVALID_OPERAND',
      `${path} is a key of ${parts.map((part) => part.name).join(', ')}: ${describe(value)} is not one`,
      path,
    );
  }
}

function appendPart(flat: unknown[], part: Prop, value: unknown, path: string): void {
  if (value === undefined) {
    throw new PlanError('INVALID_OPERAND', `${path} is part of a key and has no value`, path);
  }
  if (!isRelation(part)) {
    flat.push(value);
  } else if (value === null) {
    flat.push(...part.columns.map(() => null));
  } else {
    append(flat, targetParts(part), value, path);
  }
}

/** Whether an object has every part of a key: an entity, a reference, or a plain key. */
export function holdsKey(parts: KeyParts, value: object): boolean {
  return !(value instanceof Date) && !ArrayBuffer.isView(value) && parts.every((part) => part.name in value);
}
