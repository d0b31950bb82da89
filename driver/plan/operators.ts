/**
 * Conditions on one place: values, patterns and operators.
 */
import { PlanError } from './errors.js';
import { memberPlace, walkMembers } from './members.js';
import { expectArray, expectBoolean, expectText, expectTexts, operand } from './operands.js';
import type { Place, Sink, Test } from './sink.js';
import { describe, isPlainObject, isRegExp, refuseSymbols } from './value.js';

/** Operators of MikroORM that mean something, but nothing the store does. */
const NOT_HERE: Readonly<Record<string, string>> = {
  $fulltext: 'there is no full text index; use $like, $ilike or $re',
};

const QUANTIFIERS: ReadonlySet<string> = new Set(['$some', '$none', '$every', '$size']);

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

/** Reports a condition on a document or a place in it: a value, operators, or an object that says the same of places inside. */
export function walkJson(sink: Sink, place: Place, value: unknown, path: string): void {
  if (!isPlainObject(value)) {
    return walkPlace(sink, place, value, path);
  }
  refuseSymbols(value, path);
  const names = Object.keys(value);
  if (isOperators(value)) {
    return walkOperators(sink, place, value, path);
  }
  for (const name of names) {
    if (isOperator(name)) {
      throw new PlanError(
        'INVALID_CONDITION',
        `${path} mixes the operator ${name} with names of its document: compare whole documents with $eq`,
        path,
      );
    }
    walkJson(sink, { column: place.column, json: [...place.json, name] }, value[name], `${path}.${name}`);
  }
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
        : sink.test('eq', place, comparable(place, value, path));
    case '$ne':
      return value === null || value === undefined
        ? sink.isSet(place)
        : sink.test('ne', place, comparable(place, value, path));
    case '$gt':
      return sink.test('gt', place, comparable(place, value, path));
    case '$gte':
      return sink.test('gte', place, comparable(place, value, path));
    case '$lt':
      return sink.test('lt', place, comparable(place, value, path));
    case '$lte':
      return sink.test('lte', place, comparable(place, value, path));
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
    case '$overlap':
      expectArray(value, operator, path);
      return sink.test('overlap', place, value);
    case '$contains':
    case '$contained':
      return sink.test(DOCUMENT_TESTS[operator], place, operand(value, path));
    case '$elemMatch':
      return walkElemMatch(sink, place, value, path);
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
} as const satisfies Record<string, Test>;

/** Reports that a document is a list with a member that fulfils a condition. */
function walkElemMatch(sink: Sink, place: Place, condition: unknown, path: string): void {
  if (place.column.type !== 'json') {
    throw new PlanError(
      'INVALID_CONDITION',
      `$elemMatch can only be used on JSON array properties, but '${path}' has type '${place.column.type}'`,
      path,
    );
  }
  walkMembers(sink, place, condition, path, (name, value) => {
    if (!MEMBER_NAME.test(name)) {
      throw new PlanError(
        'INVALID_CONDITION',
        `Invalid JSON property name: '${name}'. JSON property names must contain only alphanumeric characters and underscores. (at ${path})`,
        path,
      );
    }
    walkJson(sink, memberPlace([name]), value, `${path}.${name}`);
  });
}

/** The names that the ORM allows there. */
const MEMBER_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function walkIn(sink: Sink, place: Place, value: unknown, operator: string, path: string): void {
  const values = expectArray(value, operator, path);
  if (values.length === 0) {
    return sink.constant(false);
  }
  for (const item of values) {
    comparable(place, item, path);
  }
  sink.test('in', place, values);
}

/** A value that a place may be compared with: an object or a list only where it holds documents. */
function comparable(place: Place, value: unknown, path: string): unknown {
  if (place.column.type !== 'json' && (Array.isArray(value) || isPlainObject(value))) {
    throw new PlanError(
      'INVALID_OPERAND',
      `${path} holds single values and cannot be compared with ${describe(value)}: give the value itself`,
      path,
    );
  }
  return operand(value, path);
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
