/**
 * Conditions on keys: a row's own, or that of the row a relation leads to.
 */
import { PlanError } from './errors.js';
import { flattenKey, isTuple, type KeyParts, keyPlaces } from './key.js';
import { expectArray, expectBoolean } from './operands.js';
import { isOperators, refuseOperator, walkOperators, walkPlace } from './operators.js';
import type { Place, Sink } from './sink.js';
import { isPlainObject, refuseSymbols } from './value.js';

/** Reports a condition on a whole key: null, one key, a list of keys, or operators. */
export function walkKey(sink: Sink, key: KeyParts, value: unknown, path: string): void {
  if (isPlainObject(value) && isOperators(value)) {
    refuseSymbols(value, path);
    for (const name of Object.keys(value)) {
      walkKeyOperator(sink, key, name, value[name], path);
    }
    return;
  }
  const places = keyPlaces(key, path);
  const [place] = places;
  if (place !== undefined && places.length === 1) {
    return walkPlace(
      sink,
      place,
      Array.isArray(value) ? value.map((item) => single(key, item, path)) : single(key, value, path),
      path,
    );
  }
  if (value === null || value === undefined) {
    return walkNoKey(sink, places);
  }
  if (Array.isArray(value) && !isTuple(key, value)) {
    return walkKeyIn(sink, key, places, value, path);
  }
  const flat = flattenKey(key, value, path);
  places.forEach((part, i) => {
    walkPlace(sink, part, flat[i], path);
  });
}

/** Reports what an operator says of a key. With one column it is that column's; of composite keys only equality has a meaning. */
export function walkKeyOperator(
  sink: Sink,
  key: KeyParts,
  operator: string,
  value: unknown,
  path: string,
): void {
  const places = keyPlaces(key, path);
  const [place] = places;
  if (place !== undefined && places.length === 1) {
    const list = operator === '$in' || operator === '$nin' ? expectArray(value, operator, path) : undefined;
    const operand =
      list === undefined ? single(key, value, path) : list.map((item) => single(key, item, path));
    return walkOperators(sink, place, { [operator]: operand }, path);
  }
  switch (operator) {
    case '$eq':
      return walkKey(sink, key, value, path);
    case '$in':
      return walkKeyIn(sink, key, places, keyList(key, value, operator, path), path);
    case '$ne':
    case '$not':
      return walkNot(sink, () => walkKey(sink, key, value, path));
    case '$nin':
      return walkNot(sink, () => walkKeyIn(sink, key, places, keyList(key, value, operator, path), path));
    case '$exists':
      return expectBoolean(value, operator, path)
        ? walkNot(sink, () => walkNoKey(sink, places))
        : walkNoKey(sink, places);
  }
  throw COMPARISONS.has(operator)
    ? new PlanError(
        'UNSUPPORTED',
        `${operator} cannot compare composite keys (at ${path}): query by their parts`,
        path,
      )
    : refuseOperator(operator, path, false);
}

const COMPARISONS: ReadonlySet<string> = new Set(['$gt', '$gte', '$lt', '$lte', '$like', '$ilike', '$re']);

/** The value of a key with one column, also out of an object, an entity, or the tuples that core puts objects in, one around another each time it looks at them. */
function single(key: KeyParts, value: unknown, path: string): unknown {
  if (Array.isArray(value) && value.length === 1) {
    return single(key, value[0], path);
  }
  if (typeof value !== 'object' || value === null || (isPlainObject(value) && isOperators(value))) {
    return value;
  }
  return flattenKey(key, value, path)[0];
}

/** A composite key is null when one of its parts is: it refers to nothing then. */
function walkNoKey(sink: Sink, places: readonly Place[]): void {
  sink.open('any');
  for (const place of places) {
    sink.isNull(place);
  }
  sink.close();
}

function walkKeyIn(
  sink: Sink,
  key: KeyParts,
  places: readonly Place[],
  values: readonly unknown[],
  path: string,
): void {
  if (values.length === 0) {
    sink.constant(false);
  } else {
    sink.tuples(
      places,
      values.map((value) => flattenKey(key, value, path)),
    );
  }
}

function walkNot(sink: Sink, walk: () => void): void {
  sink.open('not');
  walk();
  sink.close();
}

/** The keys of a list; a single composite key may stand for a list of one. */
function keyList(key: KeyParts, value: unknown, operator: string, path: string): readonly unknown[] {
  const values = expectArray(value, operator, path);
  return isTuple(key, values) ? [values] : values;
}
