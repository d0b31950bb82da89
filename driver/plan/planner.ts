/**
 * Calls as plans with parameters. A plan is made once for each shape of call
 * and kept; a call of a known shape costs one walk over what it says.
 */
import type { Expr, PerGroup, PlanIr, RowLock, SelectField } from '../native/ir.js';
import { LruCache } from './cache.js';
import { allOf, whereOf } from './filter.js';
import { insertOf } from './insert.js';
import { type JoinFilter, shapeFilters } from './joined.js';
import type { Column, Model } from './model.js';
import { OrderBuilder, walkOrder } from './order.js';
import type { Payload } from './payload.js';
import type { Finish } from './part.js';
import {
  compileRequirements,
  compileSelect,
  type NestedOptions,
  requiredOf,
  type SelectOptions,
  shapeSelect,
} from './select.js';
import { Shape } from './shape.js';
import { updateManyOf, updateOf } from './update.js';
import { type UpsertOptions, upsertOf } from './upsert.js';
import { walkWhere } from './where.js';
import {
  listed,
  namesOf,
  type ReturningOptions,
  returningOf,
  ROW_NUMBER,
  type UpdateOptions,
  type Write,
  writeKey,
} from './write.js';

/** A call ready to run. */
export interface Prepared<P> {
  readonly plan: P;
  readonly params: unknown[];
}

/** A query ready to run. */
export interface PreparedFind<P> extends Prepared<P> {
  /** Gives each row its final form; absent where rows come back in it. */
  readonly finish: Finish | undefined;
}

/** What a query asks for. */
export interface FindOptions extends SelectOptions {
  readonly where?: unknown;
  readonly orderBy?: unknown;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** The exact opposite of the order, before pages are counted. */
  readonly reverse?: boolean | undefined;
  /** A page of each group, before the page of the whole result. */
  readonly per?: GroupPage | undefined;
  /** Filters of the relations that the condition follows. */
  readonly joinFilters?: readonly JoinFilter[] | undefined;
  /** Locks the rows until the transaction ends. */
  readonly lock?: RowLock | undefined;
}

/** What a count depends on besides its condition. */
export interface CountOptions {
  /** Relations that leave out rows for which nothing is found. */
  readonly nested?: readonly NestedOptions[] | undefined;
  /** Filters of the relations that the condition follows. */
  readonly joinFilters?: readonly JoinFilter[] | undefined;
}

/** A page of each group of rows. */
export interface GroupPage {
  /** The properties or columns that are equal within a group. */
  readonly by: readonly string[];
  readonly limit: number;
  readonly offset?: number | undefined;
}

interface CachedFind<P> {
  readonly plan: P;
  readonly finish: Finish | undefined;
}

/** Makes plans, with the engine's own form `P` of them, and keeps them. */
export class Planner<P> {
  readonly #compile: (ir: PlanIr) => P;
  readonly #capacity: number;
  /** By model rather than by its name in the key: the shortest keys, of the most frequent queries, are found fastest. */
  #finds = new WeakMap<Model, LruCache<CachedFind<P>>>();
  /** Of writes and counts, by model or, most of them, by the layout of what they write. */
  #others = new WeakMap<object, LruCache<P>>();

  /** Keeps at most `capacity` plans of queries for each model, and as many of each kind of writes. */
  constructor(compile: (ir: PlanIr) => P, capacity = 1000) {
    this.#compile = compile;
    this.#capacity = capacity;
  }

  /** Forgets all plans; needed when models change. */
  clear(): void {
    this.#finds = new WeakMap();
    this.#others = new WeakMap();
  }

  /** A query. */
  find(model: Model, options: FindOptions = {}): PreparedFind<P> {
    const { where, orderBy, limit, offset, reverse, per, lock, joinFilters } = options;
    const shape = new Shape('');
    walkWhere(model, where, shape);
    if (joinFilters !== undefined) {
      shapeFilters(shape, joinFilters);
    }
    if (orderBy !== undefined) {
      shape.mark('by');
      walkOrder(model, orderBy, shape);
    }
    shapeSelect(shape, model, options);
    if (limit !== undefined || offset !== undefined || reverse === true) {
      shape.mark(`page ${limit !== undefined} ${offset !== undefined} ${reverse === true}`);
    }
    if (per !== undefined) {
      shape.mark(`per ${per.offset !== undefined}`);
      walkOrder(model, groupOrder(per), shape);
    }
    if (lock !== undefined) {
      shape.mark(`lock ${lock.mode} ${lock.busy}`);
    }
    const { params } = shape;
    const known = cacheOf(this.#finds, model, this.#capacity);
    let cached = known.get(shape.key);
    if (cached === undefined) {
      cached = this.#compileFind(model, options);
      known.set(shape.key, cached);
    }
    if (limit !== undefined) {
      params.push(limit);
    }
    if (offset !== undefined) {
      params.push(offset);
    }
    if (per !== undefined) {
      params.push(per.limit);
      if (per.offset !== undefined) {
        params.push(per.offset);
      }
    }
    return { plan: cached.plan, params, finish: cached.finish };
  }

  #compileFind(model: Model, options: FindOptions): CachedFind<P> {
    const { where, orderBy, limit, offset, reverse, per, lock, joinFilters } = options;
    const { expr, nextParam, joined } = whereOf(model, where, 0, joinFilters);
    const { select, finish, conditions, nextParam: page } = compileSelect(model, options, nextParam);
    const order = new OrderBuilder(model, joined, select.nested);
    walkOrder(model, orderBy, order);
    const afterPage = page + (limit === undefined ? 0 : 1) + (offset === undefined ? 0 : 1);
    const all = [...(expr ? [expr] : []), ...conditions];
    const plan = this.#compile({
      find: {
        from: model.collection,
        ...(all.length > 0 && { where: allOf(all) }),
        ...(order.order.length > 0 && { order: order.order }),
        ...(limit !== undefined && { limit: { p: page } }),
        ...(offset !== undefined && { offset: { p: limit === undefined ? page : page + 1 } }),
        select,
        ...(reverse === true && { reverse }),
        ...(per !== undefined && { per: perGroup(model, per, afterPage) }),
        ...(lock !== undefined && { lock: lockOf(model, lock) }),
      },
    });
    return { plan, finish };
  }

  /** The number of rows that fulfil a condition, and have the relations that are required. */
  count(model: Model, where?: unknown, options: CountOptions = {}): Prepared<P> {
    return this.#filtered('count', model, where, options, (expr) => ({
      count: { from: model.collection, ...expr },
    }));
  }

  /** How many rows there are of each combination of some columns: rows of those columns and, in `$row`, their number. */
  countBy(
    model: Model,
    columns: readonly Column[],
    where?: unknown,
    options: CountOptions = {},
  ): Prepared<P> {
    const by: SelectField[] = [...returningOf(columns), { field: ROW_NUMBER, as: 'number' }];
    return this.#filtered(`count by ${listed(namesOf(columns))}`, model, where, options, (expr) => ({
      count: { from: model.collection, ...expr, by },
    }));
  }

  /** The end of rows that fulfil a condition; of all without one. */
  delete(model: Model, where?: unknown): Prepared<P> {
    return this.#filtered('delete', model, where, {}, (expr) => ({
      delete: { from: model.collection, ...expr },
    }));
  }

  #filtered(
    kind: string,
    model: Model,
    where: unknown,
    { nested: joined = [], joinFilters = [] }: CountOptions,
    ir: (where: { where?: Expr }) => PlanIr,
  ): Prepared<P> {
    const shape = new Shape(writeKey(kind, ''));
    const nested = requiredOf(joined);
    walkWhere(model, where, shape);
    shapeFilters(shape, joinFilters);
    shapeSelect(shape, model, { nested });
    return this.#prepared({
      of: model,
      key: shape.key,
      params: shape.params,
      ir: () => {
        const { expr, nextParam } = whereOf(model, where, 0, joinFilters);
        const all = [...(expr ? [expr] : []), ...compileRequirements(model, nested, nextParam)];
        return ir(all.length === 0 ? {} : { where: allOf(all) });
      },
    });
  }

  /** New rows. Hands back the primary key, and what the engine filled in. */
  insert(model: Model, rows: readonly Payload[], options?: ReturningOptions): Prepared<P> {
    return this.#prepared(insertOf(model, rows, options));
  }

  /** New rows, or changes where their unique key is taken. Hands back the columns not given, the primary key, and in `$row` the number of the payload. */
  upsert(model: Model, rows: readonly Payload[], options?: UpsertOptions): Prepared<P> {
    return this.#prepared(upsertOf(model, rows, options));
  }

  /** The same change to all rows that fulfil a condition; nothing where it would change nothing. */
  update(model: Model, where: unknown, data: Payload, options?: UpdateOptions): Prepared<P> | undefined {
    const write = updateOf(model, where, data, options);
    return write && this.#prepared(write);
  }

  /** A change of its own for each primary key; nothing where all would change nothing. */
  updateMany(
    model: Model,
    wheres: readonly unknown[],
    data: readonly Payload[],
    options?: UpdateOptions,
  ): Prepared<P> | undefined {
    const write = updateManyOf(model, wheres, data, options);
    return write && this.#prepared(write);
  }

  #prepared({ of, key, ir, params }: Write<PlanIr>): Prepared<P> {
    const known = cacheOf(this.#others, of, this.#capacity);
    let plan = known.get(key);
    if (plan === undefined) {
      plan = this.#compile(ir());
      known.set(key, plan);
    }
    return { plan, params };
  }
}

function cacheOf<Of extends object, T>(
  caches: WeakMap<Of, LruCache<T>>,
  of: Of,
  capacity: number,
): LruCache<T> {
  let cache = caches.get(of);
  if (cache === undefined) {
    cache = new LruCache(capacity);
    caches.set(of, cache);
  }
  return cache;
}

/** What groups rows is named as in an order. */
function groupOrder({ by }: GroupPage): unknown {
  return by.map((name) => ({ [name]: 'asc' }));
}

function perGroup(model: Model, per: GroupPage, nextParam: number): PerGroup {
  const groups = new OrderBuilder(model);
  walkOrder(model, groupOrder(per), groups);
  return {
    paths: groups.order.map(({ path }) => path),
    limit: { p: nextParam },
    ...(per.offset !== undefined && { offset: { p: nextParam + 1 } }),
  };
}

/** Where the classes of a hierarchy have collections of their own, the rows of an entity in all of them are locked, from the root on. */
function lockOf({ above = [], collection, below }: Model, lock: RowLock): RowLock {
  if (above.length === 0 && below === undefined) {
    return lock;
  }
  const upwards = [...(below?.classes ?? []).map(({ way }) => way.target().collection), collection];
  return { ...lock, of: [...upwards, ...above.map(({ target }) => target().collection)].reverse() };
}
