/**
 * References that say themselves to which of several entities they lead: as a
 * tuple of a discriminator and a key, or an object of both.
 */
import { PlanError } from './errors.js';
import { foreignKey } from './key.js';
import type { Column, Polymorphic, RelationProp } from './model.js';
import { expectArray, expectBoolean } from './operands.js';
import { isOperators, refuseOperator } from './operators.js';
import type { Place, Sink } from './sink.js';
import { describe, isPlainObject, isRaw, rawFragment, refuseSymbols } from './value.js';

/** A relation that may lead to several entities. */
export type PolymorphicProp = RelationProp & { readonly polymorphic: Polymorphic };

/** Whether a relation may lead to several entities, and has the column that says to which. */
export function isPolymorphic(prop: RelationProp): prop is PolymorphicProp {
  return prop.polymorphic !== undefined && prop.columns.length > 0;
}

/** Whether what a condition says of such a relation is about the reference itself, rather than about what it leads to. */
export function isAboutReference(value: unknown): boolean {
  if (!isPlainObject(value) || isPair(value)) {
    return true;
  }
  const names = Object.keys(value);
  return names.length > 0 && isOperators(value) && !names.some((name) => GROUPS.has(name));
}

const GROUPS: ReadonlySet<string> = new Set(['$and', '$or', '$not']);

/** A reference as one value for each column of the relation. */
export function polymorphicKey(prop: PolymorphicProp, value: unknown, path: string): readonly unknown[] {
  if (isRaw(value)) {
    throw rawFragment(describe(value), path);
  }
  const [discriminator, key] = Array.isArray(value)
    ? [value[0], value.slice(1)]
    : isPair(value)
      ? [value.discriminator, value.id]
      : [undefined, undefined];
  const target = typeof discriminator === 'string' ? prop.polymorphic.targets.get(discriminator) : undefined;
  if (target === undefined) {
    throw notReference(prop, value, path);
  }
  const flat = foreignKey(target, Array.isArray(key) ? unwrapped(key) : key, path);
  if (flat.some((part) => part === null || part === undefined)) {
    throw new PlanError(
      'INVALID_OPERAND',
      `${path} has no value for a part of its key. Where the ORM has not found it in an entity, give a tuple such as ['${discriminator}', key].`,
      path,
    );
  }
  return [discriminator, ...flat];
}

/** Reports a condition on a reference: null, one, a list, or operators. */
export function walkReference(sink: Sink, prop: PolymorphicProp, value: unknown, path: string): void {
  if (isPlainObject(value) && isOperators(value)) {
    refuseSymbols(value, path);
    for (const name of Object.keys(value)) {
      walkOperator(sink, prop, name, value[name], path);
    }
  } else if (value === null || value === undefined) {
    sink.isNull(placeOf(prop.polymorphic.column));
  } else if (Array.isArray(value) && !isTuple(prop, value)) {
    walkList(sink, prop, value, path);
  } else {
    const key = polymorphicKey(prop, value, path);
    prop.columns.forEach((column, i) => {
      sink.test('eq', placeOf(column), key[i]);
    });
  }
}

function walkOperator(
  sink: Sink,
  prop: PolymorphicProp,
  operator: string,
  value: unknown,
  path: string,
): void {
  switch (operator) {
    case '$eq':
      return walkReference(sink, prop, value, path);
    case '$ne':
      return walkNot(sink, () => walkReference(sink, prop, value, path));
    case '$in':
      return walkList(sink, prop, expectArray(value, operator, path), path);
    case '$nin':
      return walkNot(sink, () => walkList(sink, prop, expectArray(value, operator, path), path));
    case '$exists':
      return expectBoolean(value, operator, path)
        ? sink.isSet(placeOf(prop.polymorphic.column))
        : sink.isNull(placeOf(prop.polymorphic.column));
  }
  throw COMPARISONS.has(operator)
    ? new PlanError(
        'UNSUPPORTED',
        `${operator} cannot compare references to several entities (at ${path}): query by their columns`,
        path,
      )
    : refuseOperator(operator, path, false);
}

const COMPARISONS: ReadonlySet<string> = new Set(['$gt', '$gte', '$lt', '$lte', '$like', '$ilike', '$re']);

/** References in a list; a single tuple may stand for a list of one. */
function walkList(sink: Sink, prop: PolymorphicProp, list: readonly unknown[], path: string): void {
  const values = isTuple(prop, list) ? [list] : list;
  if (values.length === 0) {
    return sink.constant(false);
  }
  sink.tuples(
    prop.columns.map(placeOf),
    values.map((value) => polymorphicKey(prop, value, path)),
  );
}

function walkNot(sink: Sink, walk: () => void): void {
  sink.open('not');
  walk();
  sink.close();
}

/** Whether an array is one reference rather than a list. */
function isTuple({ polymorphic }: PolymorphicProp, value: readonly unknown[]): boolean {
  return value.length > 1 && typeof value[0] === 'string' && polymorphic.targets.has(value[0]);
}

function isPair(value: unknown): value is { readonly discriminator: unknown; readonly id: unknown } {
  return typeof value === 'object' && value !== null && 'discriminator' in value && 'id' in value;
}

/** A key of one part may come as a list of that part. */
function unwrapped(key: readonly unknown[]): unknown {
  return key.length === 1 ? key[0] : key;
}

function placeOf(column: Column): Place {
  return { column, json: [] };
}

function notReference({ polymorphic }: PolymorphicProp, value: unknown, path: string): PlanError {
  const names = [...polymorphic.targets.keys()];
  return new PlanError(
    'INVALID_OPERAND',
    `${path} may lead to ${names.join(', ')}: ${describe(value)} does not say to which. Give a tuple such as ['${names[0]}', key], or an entity where the ORM takes one.`,
    path,
  );
}
