/**
 * Conditions on one place: values, patterns and operators.
 */
import { PlanError } from './errors.js';
import type { Place, Sink, Test } from './sink.js';
import { describe, isPlainObject, isRaw, isRegExp, rawFragment, refuseSymbols } from './value.js';

/** Operators of MikroORM that mean something, but nothing the store does. */
const NOT_HERE: Readonly<Record<string, string>> = {
  $fulltext: 'there is no full text index; use $like, $ilike or $re',
  $size: 'counting members in a condition is not there yet',
  $elemMatch: 'conditions on the members of an array are not there yet',
};

const QUANTIFIERS: ReadonlySet<string> = new Set(['$some', '$none', '$every']);

/** Whether a key is an operator, known or not. */
export function isOperator(key: string): boolean {
  return key.charCodeAt(0) === 36;
}

/** Whether all keys of an object are operators, and there are any. */
export function isOperators(value: Record<string, unknown>): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every(isOperator);
}

/** Reports the condition that a place equals a value, matches a pattern, or does what operators say. */
export function walkPlace(sink: Sink, place: Place, value: unknown, path: string): void {
  if (value === null || value === undefined) {
    sink.isNull(place);
  } else if (typeof value !== 'object') {
    sink.test('eq', place, operand(value, path));
  } else if (isRegExp(value)) {
    sink.regex(place, value.source, value.flags);
  } else if (Array.isArray(value)) {
    walkOperator(sink, place, '$in', value, path);
  } else if (isPlainObject(value)) {
    walkOperators(sink, place, value, path);
  } else {
    sink.test('eq', place, operand(value, path));
  }
}

/**
 * Reports a condition on a place that holds a list, compared as a whole. Core
 * writes an equality with a list as `$in`, taking it for a list of values.
 */
export function walkList(sink: Sink, place: Place, value: unknown, path: string): void {
  if (Array.isArray(value)) {
    return walkOperator(sink, place, isListOfLists(value) ? '$in' : '$eq', value, path);
  }
  if (!isPlainObject(value)) {
    return walkPlace(sink, place, value, path);
  }
  const { $in, $nin, ...others } = value;
  walkOperators(sink, place, others, path);
  if ($in !== undefined) {
    walkOperator(sink, place, Array.isArray($in) && !isListOfLists($in) ? '$eq' : '$in', $in, path);
  }
  if ($nin !== undefined) {
    walkOperator(sink, place, Array.isArray($nin) && !isListOfLists($nin) ? '$ne' : '$nin', $nin, path);
  }
}

function isListOfLists(value: readonly unknown[]): boolean {
  return value.length > 0 && value.every(Array.isArray);
}

/** Reports what operators say of a place. */
export function walkOperators(
  sink: Sink,
  place: Place,
  operators: Record<string, unknown>,
  path: string,
): void {
  refuseSymbols(operators, path);
  for (const key of Object.keys(operators)) {
    if (!isOperator(key)) {
      throw new PlanError(
        'INVALID_CONDITION',
        `${path} is a single value: it has no property ${key} to query by`,
        path,
      );
    }
    if (key === '$re') {
      walkPattern(sink, place, operators[key], operators.$flags, path);
    } else if (key !== '$flags') {
      walkOperator(sink, place, key, operators[key], path);
    } else if (!('$re' in operators)) {
      throw new PlanError('INVALID_CONDITION', `$flags belongs to $re, which is missing (at ${path})`, path);
    }
  }
}

function walkOperator(sink: Sink, place: Place, operator: string, value: unknown, path: string): void {
  switch (operator) {
    case '$eq':
      return value === null || value === undefined
        ? sink.isNull(place)
        : sink.test('eq', place, operand(value, path));
    case '$ne':
      return value === null || value === undefined
        ? sink.isSet(place)
        : sink.test('ne', place, operand(value, path));
    case '$gt':
      return sink.test('gt', place, operand(value, path));
    case '$gte':
      return sink.test('gte', place, operand(value, path));
    case '$lt':
      return sink.test('lt', place, operand(value, path));
    case '$lte':
      return sink.test('lte', place, operand(value, path));
    case '$in':
      return walkIn(sink, place, value, operator, path);
    case '$nin':
      sink.open('not');
      walkIn(sink, place, value, operator, path);
      return sink.close();
    case '$exists':
      return expectBoolean(value, operator, path) ? sink.isSet(place) : sink.isNull(place);
    case '$not':
      sink.open('not');
      walkPlace(sink, place, value, path);
      return sink.close();
    case '$like':
      return sink.test('like', place, expectText(value, operator, path));
    case '$ilike':
      return sink.test('ilike', place, expectText(value, operator, path));
    case '$contains':
    case '$contained':
    case '$overlap':
      return sink.test(DOCUMENT_TESTS[operator], place, operand(value, path));
    case '$hasKey':
      return sink.test('hasKeys', place, [expectText(value, operator, path)]);
    case '$hasKeys':
    case '$hasSomeKeys':
      return sink.test(
        operator === '$hasKeys' ? 'hasKeys' : 'hasSomeKeys',
        place,
        expectTexts(value, operator, path),
      );
    default:
      throw refuseOperator(operator, path, true);
  }
}

const DOCUMENT_TESTS = {
  $contains: 'contains',
  $contained: 'contained',
  $overlap: 'overlap',
} as const satisfies Record<string, Test>;

function walkIn(sink: Sink, place: Place, value: unknown, operator: string, path: string): void {
  const values = expectArray(value, operator, path);
  if (values.length === 0) {
    return sink.constant(false);
  }
  for (const item of values) {
    operand(item, path);
  }
  sink.test('in', place, values);
}

function walkPattern(sink: Sink, place: Place, pattern: unknown, flags: unknown, path: string): void {
  if (flags !== undefined && typeof flags !== 'string') {
    throw new PlanError(
      'INVALID_OPERAND',
      `$flags needs a text of regular expression flags, not ${describe(flags)} (at ${path})`,
      path,
    );
  }
  if (isRegExp(pattern)) {
    sink.regex(place, pattern.source, flags ?? pattern.flags);
  } else {
    sink.regex(place, expectText(pattern, '$re', path), flags ?? '');
  }
}

/** The error for an operator that has no meaning where it stands. */
export function refuseOperator(operator: string, path: string, scalar: boolean): PlanError {
  if (operator === '$and' || operator === '$or') {
    return new PlanError(
      'INVALID_CONDITION',
      `Using group operators ($and/$or) inside scalar properties is not allowed, move the operator above. (property: ${path})`,
      path,
    );
  }
  if (scalar && QUANTIFIERS.has(operator)) {
    return new PlanError(
      'INVALID_CONDITION',
      `Collection operators can be used only inside a collection property context, but it was used for ${path}.`,
      path,
    );
  }
  const reason = NOT_HERE[operator];
  return reason === undefined
    ? new PlanError('UNKNOWN_OPERATOR', `There is no operator ${operator} (at ${path})`, path)
    : new PlanError('UNSUPPORTED', `The operator ${operator} is not supported (at ${path}): ${reason}`, path);
}

/** A value that may be compared with; refuses pieces of SQL. */
export function operand(value: unknown, path: string): unknown {
  if (typeof value === 'object' && isRaw(value)) {
    throw rawFragment(describe(value), path);
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new PlanError('INVALID_OPERAND', `A ${typeof value} is not a value to compare ${path} with`, path);
  }
  return value;
}

/** The list that an operator needs. */
export function expectArray(value: unknown, operator: string, path: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    if (isRaw(value)) {
      throw rawFragment(describe(value), path);
    }
    throw new PlanError(
      'INVALID_OPERAND',
      `${operator} needs an array, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

/** The truth value that an operator needs. */
export function expectBoolean(value: unknown, operator: string, path: string): boolean {
  // Core takes every operand through the type of its property: a bigint's makes a text of it.
  if (value === 'true' || value === 'false') {
    return value === 'true';
  }
  if (typeof value !== 'boolean') {
    throw new PlanError(
      'INVALID_OPERAND',
      `${operator} needs true or false, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

function expectText(value: unknown, operator: string, path: string): string {
  if (typeof value !== 'string') {
    throw new PlanError(
      'INVALID_OPERAND',
      `${operator} needs a text, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

function expectTexts(value: unknown, operator: string, path: string): readonly string[] {
  return expectArray(value, operator, path).map((item) => expectText(item, operator, path));
}
