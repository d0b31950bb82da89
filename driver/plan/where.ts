/**
 * The language of conditions: walks a condition of MikroORM once and reports
 * what it says, without changing it. A condition that is not understood is an
 * error that names it; none is ever passed over.
 */
import { PlanError } from './errors.js';
import { decodeJsonKey } from './json-key.js';
import { isTuple, type KeyParts, primaryParts, targetParts } from './key.js';
import { MemberSink, walkMembers } from './members.js';
import {
  type EmbeddedProp,
  findEmbedded,
  findProp,
  isRelation,
  isToMany,
  type Model,
  type Prop,
  type RelationProp,
  type ScalarProp,
} from './model.js';
import { expectArray, expectNumber, operand } from './operands.js';
import { isOperator, refuseOperator, walkJson, walkList, walkOperators, walkPlace } from './operators.js';
import { isAboutReference, isPolymorphic, walkReference } from './polymorphic.js';
import type { Comparison, Place, Sink } from './sink.js';
import { describe, isPlainObject, isRaw, isRawKey, rawFragment, refuseSymbols } from './value.js';
import { walkKey, walkKeyOperator } from './where-key.js';

/** Joins the names of a composite key in one key of a condition. */
const KEY_SEPARATOR = '~~~';

/**
 * Reports a condition on rows of a model. Nothing (`undefined`, `null`, `{}`)
 * is no condition. The mark of a strict filter, `__strict`, is not enumerable
 * and changes nothing here: it is about relations joined to be populated.
 */
export function walkWhere(model: Model, where: unknown, sink: Sink): void {
  if (typeof where === 'boolean') {
    throw new PlanError(
      'INVALID_CONDITION',
      `A condition is an object of properties, or a key, not ${describe(where)} (at ${model.name})`,
      model.name,
    );
  }
  if (where !== undefined && where !== null) {
    walkEntity(sink, model, primaryParts(model), where, model.name, '');
  }
}

/** A condition on a row: an object of properties, or a key. */
function walkEntity(
  sink: Sink,
  model: Model,
  key: KeyParts,
  where: unknown,
  path: string,
  branch: string,
): void {
  if (Array.isArray(where) && !isTuple(key, where) && where.some((item) => isCondition(key, item))) {
    return walkAlternatives(sink, model, key, where, path, branch);
  }
  if (!isPlainObject(where)) {
    return walkKey(sink, key, where, path);
  }
  refuseSymbols(where, path);
  for (const name of Object.keys(where)) {
    walkEntry(sink, model, key, name, where[name], path, branch);
  }
}

function walkEntry(
  sink: Sink,
  model: Model,
  key: KeyParts,
  name: string,
  value: unknown,
  path: string,
  branch: string,
): void {
  const prop = model.props.get(name);
  if (prop !== undefined) {
    return walkProp(sink, model, prop, value, `${path}.${name}`, branch);
  }
  switch (name) {
    case '$and':
      return walkAnd(sink, model, key, value, path);
    case '$or':
      return walkOr(sink, model, key, value, path);
    case '$not':
      return walkNot(sink, model, key, value, path);
  }
  if (isOperator(name)) {
    const among = name === '$in' || name === '$nin';
    if (among && Array.isArray(value) && value.some((item) => isCondition(key, item))) {
      sink.open(name === '$in' ? 'all' : 'not');
      walkAlternatives(sink, model, key, value, path, branch);
      return sink.close();
    }
    return walkKeyOperator(sink, key, name, value, path);
  }
  walkOtherName(sink, model, name, value, path, branch);
}

/** Whether an object is something else than a key: then all that it says is asked for. */
function isCondition(key: KeyParts, item: unknown): boolean {
  if (Array.isArray(item)) {
    return !isTuple(key, item) && item.some((member) => isCondition(key, member));
  }
  if (!isPlainObject(item)) {
    return false;
  }
  const names = Object.keys(item);
  return names.length > 0 && (names.length !== key.length || !key.every((part) => isKeyPart(part, item)));
}

function isKeyPart(part: Prop, item: Record<string, unknown>): boolean {
  const value = item[part.name];
  if (isRelation(part)) {
    return value !== undefined && !isCondition(targetParts(part), value);
  }
  return value !== undefined && !isPlainObject(value) && !Array.isArray(value);
}

function walkAlternatives(
  sink: Sink,
  model: Model,
  key: KeyParts,
  items: readonly unknown[],
  path: string,
  branch: string,
): void {
  sink.open('any');
  for (const item of items) {
    sink.open('all');
    walkEntity(sink, model, key, item, path, branch);
    sink.close();
  }
  sink.close();
}

/** Names that are not plainly a property's: of places in documents, of composite keys, of columns, and dotted ones. */
function walkOtherName(
  sink: Sink,
  model: Model,
  name: string,
  value: unknown,
  path: string,
  branch: string,
): void {
  if (isRawKey(name)) {
    throw rawFragment(name, path);
  }
  const json = decodeJsonKey(name);
  if (json !== undefined) {
    if (json.path.includes('$elemMatch')) {
      throw new PlanError(
        'UNSUPPORTED',
        `MikroORM knows the operator $elemMatch from version 7 on (at ${path}.${json.field})`,
        path,
      );
    }
    const holder = findProp(model, json.field);
    if (holder !== undefined && !isRelation(holder) && holder.column !== undefined) {
      const place = { column: holder.column, json: [...holder.json, ...json.path] };
      return within(sink, holder.holder, () =>
        walkJson(sink, place, value, [path, json.field, ...json.path].join('.')),
      );
    }
    throw unknownProperty(path, json.field);
  }
  if (name.includes(KEY_SEPARATOR)) {
    const parts = name.split(KEY_SEPARATOR).map((part) => {
      const prop = findProp(model, part);
      if (prop === undefined || prop.kind === 'embedded') {
        throw unknownProperty(path, part);
      }
      return prop;
    });
    const [first] = parts;
    if (parts.some(({ holder }) => holder !== first?.holder)) {
      throw new PlanError(
        'UNSUPPORTED',
        `${path}.${name} are properties of several classes: query by each of them`,
        `${path}.${name}`,
      );
    }
    return within(sink, first?.holder, () => walkKey(sink, parts, value, path));
  }
  const column = findProp(model, name);
  if (column !== undefined) {
    return walkProp(sink, model, column, value, `${path}.${name}`, branch);
  }
  const dot = name.indexOf('.');
  const first = dot < 0 ? undefined : findProp(model, name.slice(0, dot));
  if (first === undefined) {
    throw unknownProperty(path, name);
  }
  const rest = name.slice(dot + 1);
  if (first.kind === 'scalar') {
    const place = documentPlace(first, rest.split('.'), `${path}.${name}`);
    return within(sink, first.holder, () => walkJson(sink, place, value, `${path}.${name}`));
  }
  walkProp(sink, model, first, { [rest]: value }, `${path}.${first.name}`, branch);
}

function walkAnd(sink: Sink, model: Model, key: KeyParts, value: unknown, path: string): void {
  const members = expectArray(value, '$and', path);
  members.forEach((member, i) => {
    // Each of several members has rows of its own where it follows relations to many.
    walkEntity(sink, model, key, required(member, '$and', path), path, members.length > 1 ? String(i) : '');
  });
}

function walkOr(sink: Sink, model: Model, key: KeyParts, value: unknown, path: string): void {
  const all = expectArray(value, '$or', path);
  if (all.length === 0) {
    return walkEmptyGroup(sink, model);
  }
  const members = all.filter((member) => !isEmpty(model, member));
  if (members.length === 0) {
    return;
  }
  const isApart = APART.has(value as object);
  sink.open('any');
  for (const member of members) {
    const walk = (listener: Sink) =>
      walkEntity(listener, model, key, required(member, '$or', path), path, '');
    if (isApart) {
      sink.alone(walk);
    } else {
      sink.open('all');
      walk(sink);
      sink.close();
    }
  }
  sink.close();
}

const APART = new WeakSet<object>();

/** Alternatives for `$or` of which each is a query of its own: it shares no row of a relation with the conditions beside it. */
export function apart(alternatives: readonly unknown[]): readonly unknown[] {
  const list = [...alternatives];
  APART.add(list);
  return list;
}

function walkNot(sink: Sink, model: Model, key: KeyParts, value: unknown, path: string): void {
  if (isEmpty(model, value)) {
    return walkEmptyGroup(sink, model);
  }
  if (Array.isArray(value) && value.length === 0) {
    throw noCondition(value, '$not', path);
  }
  sink.open('not');
  walkEntity(sink, model, key, required(value, '$not', path), path, '');
  sink.close();
}

/** A group of nothing at all: no alternative holds, and nothing is not nothing. */
function walkEmptyGroup(sink: Sink, model: Model): void {
  if (model.emptyGroupsFail === true) {
    sink.constant(false);
  }
}

/** As in the SQL drivers an empty condition is none, also within a group and where it leads through relations, rather than one that all rows fulfil. */
function isEmpty(model: Model, value: unknown): boolean {
  return isPlainObject(value) && Reflect.ownKeys(value).every((name) => isNothing(model, name, value));
}

function isNothing(model: Model, name: string | symbol, within: Record<string, unknown>): boolean {
  if (typeof name === 'symbol') {
    return false;
  }
  const value = within[name];
  if (name === '$and') {
    return Array.isArray(value) && value.every((member) => isEmpty(model, member));
  }
  const prop = model.props.get(name);
  return (
    prop !== undefined && isRelation(prop) && prop.refused === undefined && isEmpty(prop.target(), value)
  );
}

function required(value: unknown, operator: string, path: string): unknown {
  if (value === undefined || value === null) {
    throw noCondition(value, operator, path);
  }
  return value;
}

function noCondition(value: unknown, operator: string, path: string): PlanError {
  return new PlanError(
    'INVALID_OPERAND',
    `${operator} needs a condition, not ${describe(value)} (at ${path})`,
    path,
  );
}

function walkProp(sink: Sink, model: Model, prop: Prop, value: unknown, path: string, branch: string): void {
  if (prop.refused !== undefined) {
    throw new PlanError('NOT_STORED', `${path} ${prop.refused} and cannot be queried by`, path);
  }
  within(sink, prop.holder, () => walkHeld(sink, model, prop, value, path, branch));
}

/** Walks on at the row that holds a property. */
function within(sink: Sink, holder: RelationProp | undefined, walk: () => void): void {
  if (holder === undefined) {
    return walk();
  }
  sink.enter(holder, '');
  walk();
  sink.leave();
}

function walkHeld(sink: Sink, model: Model, prop: Prop, value: unknown, path: string, branch: string): void {
  switch (prop.kind) {
    case 'scalar':
      return walkScalar(sink, prop, value, path);
    case 'embedded':
      return walkEmbedded(sink, model, prop, value, path);
    default:
      return walkRelation(sink, prop, value, path, branch);
  }
}

function walkScalar(sink: Sink, prop: ScalarProp, value: unknown, path: string): void {
  const { column } = prop;
  if (column === undefined) {
    throw new PlanError('NOT_STORED', `${path} is not stored and cannot be queried by`, path);
  }
  const place = prop as Place;
  if (prop.list === true) {
    return walkList(sink, place, value, path);
  }
  if (column.type !== 'json' || prop.single === true) {
    return walkPlace(sink, place, value, path);
  }
  walkJson(sink, place, value, path);
}

function documentPlace(
  prop: { readonly column?: Place['column']; readonly json: readonly string[] },
  steps: readonly string[],
  path: string,
): Place {
  if (prop.column?.type !== 'json') {
    throw new PlanError('UNKNOWN_PROPERTY', `Trying to query by not existing property ${path}`, path);
  }
  return { column: prop.column, json: [...prop.json, ...steps] };
}

const EMBEDDED_OPERATORS: ReadonlySet<string> = new Set(['$contains', '$contained', '$overlap']);

function walkEmbedded(sink: Sink, model: Model, prop: EmbeddedProp, value: unknown, path: string): void {
  if (value === null || value === undefined) {
    return walkNoEmbedded(sink, prop);
  }
  if (typeof value !== 'object' || isRaw(value)) {
    operand(value, path);
    throw new PlanError(
      'INVALID_OPERAND',
      `${path} is an embedded object: query by its properties, not by ${describe(value)}`,
      path,
    );
  }
  refuseSymbols(value, path);
  if (prop.array) {
    return walkEmbeddedList(sink, model, prop, value as Record<string, unknown>, path);
  }
  for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
    if (EMBEDDED_OPERATORS.has(name) && prop.column !== undefined) {
      walkOperators(sink, prop as Place, { [name]: member }, path);
    } else {
      walkEmbeddedEntry(sink, model, prop, name, member, path);
    }
  }
}

/** What is said of a list's objects without an operator is said of one and the same of them. */
function walkEmbeddedList(
  sink: Sink,
  model: Model,
  prop: EmbeddedProp,
  value: Record<string, unknown>,
  path: string,
): void {
  if (prop.column === undefined) {
    throw new PlanError('NOT_STORED', `${path} is not stored and cannot be queried by`, path);
  }
  const place = prop as Place;
  const member = new MemberSink(sink, place);
  const walk = (name: string, entry: unknown) => walkEmbeddedEntry(member, model, prop, name, entry, path);
  const { $not, $elemMatch, ...others } = value;
  const conditions = Object.entries(others);
  for (const [name, operand] of conditions.filter(([name]) => EMBEDDED_OPERATORS.has(name))) {
    walkOperators(sink, place, { [name]: operand }, path);
  }
  const own = Object.fromEntries(conditions.filter(([name]) => !EMBEDDED_OPERATORS.has(name)));
  walkMembers(sink, place, own, path, walk);
  if ('$elemMatch' in value) {
    walkMembers(sink, place, $elemMatch, path, walk);
  }
  if ('$not' in value) {
    walkMembers(sink, place, $not, path, walk, 'none');
  }
}

function walkEmbeddedEntry(
  sink: Sink,
  model: Model,
  prop: EmbeddedProp,
  name: string,
  value: unknown,
  path: string,
): void {
  if (isOperator(name)) {
    throw new PlanError(
      'INVALID_CONDITION',
      `Using operators inside embeddables is not allowed, move the operator above. (property: ${path}, operator: ${name})`,
      path,
    );
  }
  const json = decodeJsonKey(name);
  const holder = json && findEmbedded(prop, json.field);
  if (json !== undefined && holder?.kind === 'scalar') {
    const at = [path, json.field, ...json.path].join('.');
    return walkJson(sink, documentPlace(holder, json.path, at), value, at);
  }
  const child = findEmbedded(prop, name);
  const dot = name.indexOf('.');
  if (child === undefined && dot > 0) {
    const first = findEmbedded(prop, name.slice(0, dot));
    if (first !== undefined) {
      const rest = name.slice(dot + 1);
      if (first.kind === 'scalar') {
        return walkJson(
          sink,
          documentPlace(first, rest.split('.'), `${path}.${name}`),
          value,
          `${path}.${name}`,
        );
      }
      return walkProp(sink, model, first, { [rest]: value }, `${path}.${first.name}`, '');
    }
  }
  if (child === undefined) {
    throw notInEmbeddable(model, name, path);
  }
  if (child.kind === 'scalar' && (child.single === true || child.column?.type !== 'json')) {
    const inside = isPlainObject(value) ? Object.keys(value).find((key) => !isOperator(key)) : undefined;
    if (inside !== undefined) {
      throw notInEmbeddable(model, inside, `${path}.${name}`);
    }
  }
  walkProp(sink, model, child, value, `${path}.${name}`, '');
}

/** An embedded object is null when each of its parts is. */
function walkNoEmbedded(sink: Sink, prop: EmbeddedProp): void {
  if (prop.array && prop.column !== undefined) {
    return sink.isNull(prop as Place);
  }
  for (const child of prop.props.values()) {
    if (child.kind === 'embedded') {
      walkNoEmbedded(sink, child);
    } else if (isRelation(child)) {
      for (const column of child.columns) {
        sink.isNull({ column, json: child.json });
      }
    } else if (child.column !== undefined) {
      sink.isNull(child as Place);
    }
  }
}

function walkRelation(sink: Sink, prop: RelationProp, value: unknown, path: string, branch: string): void {
  if (isPlainObject(value)) {
    const names = Object.keys(value);
    const quantifiers = names.filter((name) => isQuantifier(name) || name === '$size');
    if (quantifiers.length > 0) {
      return walkQuantifiers(sink, prop, value, quantifiers.length < names.length, path);
    }
  }
  if (typeof value === 'boolean' && isToMany(prop)) {
    throw new PlanError(
      'INVALID_CONDITION',
      `A condition on rows of a relation is an object of their properties, or keys, not ${value} (at ${path}): ask by $some: {} or $none: {} whether there are any`,
      path,
    );
  }
  if (isPolymorphic(prop) && isAboutReference(value)) {
    return walkReference(sink, prop, value, path);
  }
  sink.enter(prop, branch, !isPlainObject(value) && !Array.isArray(value));
  walkEntity(sink, prop.target(), targetParts(prop), value ?? null, path, '');
  sink.leave();
}

type Quantified = '$some' | '$none' | '$every';

function isQuantifier(name: string): name is Quantified {
  return name === '$some' || name === '$none' || name === '$every';
}

const QUANTIFIERS = { $some: 'some', $none: 'none', $every: 'every' } as const;

function walkQuantifiers(
  sink: Sink,
  prop: RelationProp,
  value: Record<string, unknown>,
  mixed: boolean,
  path: string,
): void {
  if (!isToMany(prop)) {
    throw refuseOperator('$some', path, true);
  }
  if (mixed) {
    throw new PlanError(
      'INVALID_CONDITION',
      `Mixing collection operators with other filters is not allowed. (at ${path})`,
      path,
    );
  }
  refuseSymbols(value, path);
  const target = prop.target();
  for (const name of Object.keys(value)) {
    if (isQuantifier(name)) {
      sink.quantify(prop, QUANTIFIERS[name], target);
      // Core shortens a condition on the key alone, so null says that the key is null.
      const member = value[name] === null ? null : required(value[name], name, path);
      walkEntity(sink, target, targetParts(prop), member, path, '');
      sink.close();
    } else {
      walkSize(sink, prop, value[name], path);
    }
  }
}

const SIZES: ReadonlyMap<string, Comparison> = new Map([
  ['$eq', 'eq'],
  ['$ne', 'ne'],
  ['$gt', 'gt'],
  ['$gte', 'gte'],
  ['$lt', 'lt'],
  ['$lte', 'lte'],
]);

/** A condition on the number of rows of a relation: a number, or operators. */
function walkSize(sink: Sink, prop: RelationProp, size: unknown, path: string): void {
  if (!isPlainObject(size)) {
    return sink.size(prop, 'eq', expectNumber(size, '$size', path));
  }
  refuseSymbols(size, path);
  for (const [operator, value] of Object.entries(size)) {
    const op = SIZES.get(operator);
    if (op === undefined) {
      throw new PlanError(
        'INVALID_CONDITION',
        `$size is a number or takes ${[...SIZES.keys()].join(', ')}, not ${operator} (at ${path})`,
        path,
      );
    }
    sink.size(prop, op, expectNumber(value, operator, path));
  }
}

function notInEmbeddable(model: Model, name: string, path: string): PlanError {
  return new PlanError(
    'UNKNOWN_PROPERTY',
    `Invalid query for entity '${model.name}', property '${name}' does not exist in embeddable '${path}'`,
    `${path}.${name}`,
  );
}

function unknownProperty(path: string, name: string): PlanError {
  return new PlanError(
    'UNKNOWN_PROPERTY',
    `Trying to query by not existing property ${path}.${name}`,
    `${path}.${name}`,
  );
}
