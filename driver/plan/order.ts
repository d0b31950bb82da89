/**
 * The language of orders: walks an order of MikroORM once and reports its
 * criteria, without changing it.
 */
import type { Expr, JsonValue, NestedSelect, Order, Path, Step } from '../native/ir.js';
import { PlanError } from './errors.js';
import { decodeJsonKey } from './json-key.js';
import { keyPlaces, targetParts } from './key.js';
import { findEmbedded, findProp, type Model, type Prop, type RelationProp } from './model.js';
import { allOf, type JoinedRows } from './filter.js';
import { Scope } from './scope.js';
import { isPolymorphic } from './polymorphic.js';
import type { Place } from './sink.js';
import { describe, isPlainObject, isRaw, isRawKey, rawFragment, refuseSymbols } from './value.js';

/** Which way a criterion runs, and where nulls stand; nulls are lowest otherwise. */
export interface Direction {
  readonly desc: boolean;
  readonly nulls?: 'first' | 'last';
  /** The direction in one word, the same for all its spellings. */
  readonly name: string;
}

/** Listens to a walk over an order. */
export interface OrderSink {
  /** Follows a relation until `leave`. */
  enter(prop: RelationProp, branch: string): void;
  leave(): void;
  /** A criterion; with `values`, by the position in that list. */
  by(place: Place, direction: Direction, values: readonly unknown[] | undefined): void;
}

/** Reports the criteria of an order: an object, or a list of objects. */
export function walkOrder(model: Model, orderBy: unknown, sink: OrderSink): void {
  if (orderBy !== undefined && orderBy !== null) {
    walkEntity(sink, model, orderBy, model.name);
  }
}

function walkEntity(sink: OrderSink, model: Model, orderBy: unknown, path: string): void {
  for (const item of Array.isArray(orderBy) ? orderBy : [orderBy]) {
    if (!isPlainObject(item)) {
      throw isRaw(item)
        ? rawFragment(describe(item), path)
        : new PlanError(
            'INVALID_ORDER',
            `An order is an object of properties, not ${describe(item)} (at ${path})`,
            path,
          );
    }
    refuseSymbols(item, path);
    for (const name of Object.keys(item)) {
      walkEntry(sink, model, name, item[name], path);
    }
  }
}

function walkEntry(sink: OrderSink, model: Model, name: string, value: unknown, path: string): void {
  const prop = findProp(model, name);
  if (prop !== undefined) {
    return walkProp(sink, prop, value, `${path}.${name}`);
  }
  if (isRawKey(name)) {
    throw rawFragment(name, path);
  }
  const json = decodeJsonKey(name);
  if (json !== undefined) {
    const holder = findProp(model, json.field);
    if (holder?.kind === 'scalar') {
      return within(sink, holder.holder, () =>
        walkDocument(sink, holder, json.path, value, [path, json.field, ...json.path].join('.')),
      );
    }
  }
  const dot = name.indexOf('.');
  const first = dot > 0 ? findProp(model, name.slice(0, dot)) : undefined;
  if (first === undefined) {
    throw unknownProperty(`${path}.${name}`);
  }
  walkProp(sink, first, { [name.slice(dot + 1)]: value }, `${path}.${first.name}`);
}

function walkProp(sink: OrderSink, prop: Prop, value: unknown, path: string): void {
  if (prop.refused !== undefined) {
    throw new PlanError('NOT_STORED', `${path} ${prop.refused} and cannot be ordered by`, path);
  }
  within(sink, prop.holder, () => walkHeld(sink, prop, value, path));
}

/** Walks on at the row that holds a property. */
function within(sink: OrderSink, holder: RelationProp | undefined, walk: () => void): void {
  if (holder === undefined) {
    return walk();
  }
  sink.enter(holder, '');
  walk();
  sink.leave();
}

function walkHeld(sink: OrderSink, prop: Prop, value: unknown, path: string): void {
  switch (prop.kind) {
    case 'scalar':
      return walkDocument(sink, prop, [], value, path);
    case 'embedded':
      if (prop.array) {
        throw new PlanError(
          'INVALID_ORDER',
          `${path} is a list: rows cannot be ordered by its members`,
          path,
        );
      }
      for (const [name, member] of membersOf(value, path)) {
        const dot = name.indexOf('.');
        const child =
          findEmbedded(prop, name) ?? (dot > 0 ? findEmbedded(prop, name.slice(0, dot)) : undefined);
        if (child === undefined) {
          throw unknownProperty(`${path}.${name}`);
        }
        const whole = dot < 0 || findEmbedded(prop, name) !== undefined;
        walkProp(sink, child, whole ? member : { [name.slice(dot + 1)]: member }, `${path}.${name}`);
      }
      return;
    default:
      return walkRelation(sink, prop, value, path);
  }
}

function walkRelation(sink: OrderSink, prop: RelationProp, value: unknown, path: string): void {
  const below = isPlainObject(value) || Array.isArray(value);
  if (!below && isPolymorphic(prop)) {
    // Keys of different entities have no order among them.
    return sink.by({ column: prop.polymorphic.column, json: [] }, directionOf(value, path), undefined);
  }
  sink.enter(prop, '');
  if (below) {
    walkEntity(sink, prop.target(), value, path);
  } else {
    const direction = directionOf(value, path);
    for (const place of keyPlaces(targetParts(prop), path)) {
      sink.by(place, direction, undefined);
    }
  }
  sink.leave();
}

/** A scalar, or a place inside a document, which may be spelled as nested objects. */
function walkDocument(
  sink: OrderSink,
  prop: {
    readonly column?: Place['column'];
    readonly json: readonly string[];
    readonly customOrder?: readonly unknown[];
  },
  steps: readonly string[],
  value: unknown,
  path: string,
): void {
  const { column } = prop;
  if (column === undefined) {
    throw new PlanError('NOT_STORED', `${path} is not stored and cannot be ordered by`, path);
  }
  if (!isPlainObject(value)) {
    return sink.by(
      steps.length === 0 ? (prop as Place) : { column, json: [...prop.json, ...steps] },
      directionOf(value, path),
      steps.length === 0 ? prop.customOrder : undefined,
    );
  }
  if (column.type !== 'json') {
    throw unknownProperty(`${path}.${Object.keys(value).join(', ')}`);
  }
  for (const [name, member] of membersOf(value, path)) {
    // Dots separate steps here as in the keys of conditions.
    walkDocument(sink, prop, [...steps, ...name.split('.')], member, `${path}.${name}`);
  }
}

function membersOf(value: unknown, path: string): [string, unknown][] {
  if (!isPlainObject(value)) {
    throw new PlanError(
      'INVALID_ORDER',
      `${path} is an object: order by its properties, not by ${describe(value)}`,
      path,
    );
  }
  refuseSymbols(value, path);
  return Object.entries(value);
}

const DIRECTIONS: ReadonlyMap<string, Direction> = new Map<string, Direction>(
  [
    { desc: false, name: 'asc' },
    { desc: true, name: 'desc' },
    { desc: false, nulls: 'first', name: 'asc nulls first' } as const,
    { desc: false, nulls: 'last', name: 'asc nulls last' } as const,
    { desc: true, nulls: 'first', name: 'desc nulls first' } as const,
    { desc: true, nulls: 'last', name: 'desc nulls last' } as const,
  ].map((direction) => [direction.name, direction]),
);

function directionOf(value: unknown, path: string): Direction {
  const name = value === 1 ? 'asc' : value === -1 ? 'desc' : String(value).trim().toLowerCase();
  const direction = DIRECTIONS.get(name);
  if (direction === undefined) {
    throw new PlanError('INVALID_ORDER', `Invalid order direction: '${describe(value)}' (at ${path})`, path);
  }
  return direction;
}

function unknownProperty(path: string): PlanError {
  return new PlanError('UNKNOWN_PROPERTY', `Trying to order by not existing property ${path}`, path);
}

/** Builds the order of a plan. In SQL an order, the condition beside it and what is populated join a relation but once: the rows that one speaks of are those of the others. */
export class OrderBuilder implements OrderSink {
  readonly order: Order[] = [];
  readonly #joined: JoinedRows | undefined;
  readonly #populated: readonly NestedSelect[];
  readonly #scopes: Scope[] = [];
  #scope: Scope;

  constructor(model: Model, joined?: JoinedRows, populated: readonly NestedSelect[] = []) {
    this.#joined = joined;
    this.#populated = populated;
    this.#scope = joined?.root ?? Scope.root(model);
  }

  enter(prop: RelationProp, branch: string): void {
    this.#scopes.push(this.#scope);
    this.#scope = this.#scope.follow(prop, branch);
  }

  leave(): void {
    this.#scope = this.#scopes.pop() ?? this.#scope;
  }

  by(place: Place, { desc, nulls }: Direction, values: readonly unknown[] | undefined): void {
    const { scope, paths } = this.#scope.resolve([place]);
    const [path] = paths;
    if (path !== undefined) {
      const via = scope.line().map((scope, i, line) => this.#stepTo(scope, line[i + 1]));
      this.order.push({
        path: via.length > 0 ? ({ ...path, via } satisfies Path) : path,
        desc,
        ...(nulls && { nulls }),
        ...(values && { values: { v: values as readonly JsonValue[] } }),
      });
    }
  }

  #stepTo(scope: Scope, next: Scope | undefined): Step {
    const own = this.#rowsAt(scope);
    const member = scope.step === undefined && next !== undefined ? this.#isMember(next) : [];
    const where = [...own, ...member];
    return {
      ...scope.join,
      ...(where.length > 0 && { where: allOf(where) }),
      ...(scope.many && { many: true }),
    };
  }

  /** Which rows of a scope count. */
  #rowsAt(scope: Scope): readonly Expr[] {
    const exprs = [scope.filter, this.#joined?.at(scope), populatedAt(this.#populated, scope)?.where];
    return exprs.filter((expr) => expr !== undefined);
  }

  /** That a row of a pivot leads to a member that counts: without one it is no row of the relation. */
  #isMember(member: Scope): readonly Expr[] {
    const where = this.#rowsAt(member);
    const certain = where.length === 0 && member.step?.prop.pivot?.partial !== true;
    return certain ? [] : [{ related: { join: member.join, quantifier: 'some', where: allOf(where) } }];
  }
}

/** What is populated of the rows of a scope. */
function populatedAt(nested: readonly NestedSelect[], { step, parent }: Scope): NestedSelect | undefined {
  const names: string[] = [];
  for (let scope = step && parent; scope !== undefined; scope = scope.parent) {
    if (scope.step !== undefined) {
      names.unshift(scope.step.prop.name);
    }
  }
  let level = nested;
  for (const name of names) {
    level = level.find((found) => found.name === name)?.select.nested ?? [];
  }
  return step && level.find((found) => found.name === step.prop.name);
}
