// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/**
 * Core's options of a query as what the planner is asked for. What is not
 * there yet is refused: an option passed over would find other rows.
 */
import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import { unsupported } from '../errors.js';
import { lazyProperties, namesOf } from './fields.js';
import { inferredHints, isInferred, requireInferred } from './inferred.js';
import { saysNothing } from './join-conditions.js';
import { askedHints, joinsOf, type PopulateHint, populateFilters } from './joins.js';
import { lockOf } from '../transactions/locks.js';
import { PlanError } from '../plan/errors.js';
import type { JoinFilter } from '../plan/joined.js';
import { isRelation, type Model } from '../plan/model.js';
import type { CountOptions, FindOptions, GroupPage } from '../plan/planner.js';
import { walkOrder } from '../plan/order.js';
import type { NestedOptions } from '../plan/select.js';
import { Shape } from '../plan/shape.js';
import { describe, isPlainObject } from '../plan/value.js';
import { walkWhere } from '../plan/where.js';

/** Settings of the ORM that queries depend on. */
export interface FindDefaults {
  /** Whether 1:1 relations whose key is on the other side come with that key. */
  readonly joinsOwners: boolean;
  /** The loading strategy. */
  readonly strategy: string;
}

/** What a query asks for. Relations that it does not join core loads with queries of their own. */
export function findRequest(
  meta: EntityMetadata,
  model: Model,
  where: unknown,
  options: any,
  limit: number | undefined,
  defaults: FindDefaults,
): FindOptions {
  refuseCountOptions(meta, options);
  const { orderBy, offset, exclude } = options;
  const populate = hintsOf(options);
  const fields = options.fields ? fieldsOf(model, options) : undefined;
  refuseSql(model, populate);
  const named = joins(meta, model, populate, { ...options, fields }, defaults);
  const nested = isInferred(options.flags)
    ? [...inferred(meta, model, where, options, defaults, named), ...(named ?? [])]
    : named;
  return {
    where,
    orderBy,
    limit: rowsOf('limit', limit, meta.className),
    offset: rowsOf('offset', offset, meta.className),
    fields,
    exclude: exclude?.length > 0 ? exclude : undefined,
    lazy: lazyProperties(meta, populate),
    refs: defaults.joinsOwners ? inverseReferences(meta, populate, fields, nested) : undefined,
    nested,
    matches: nested?.some(({ matched }) => matched) ? matchedBy(options, where) : undefined,
    per: groupPage(options._partitionLimit),
    joinFilters: joinFiltersOf(model, where, options, nested),
    lock: lockOf(options.lockMode, options.ctx),
  };
}

/** A number of rows, also as a text of one. As in SQLite a negative limit is none, and a negative offset too. */
export function rowsOf(option: string, value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const rows = typeof value === 'string' && WHOLE.test(value) ? Number(value) : value;
  if (!Number.isInteger(rows)) {
    throw new PlanError(
      'INVALID_OPERAND',
      `${option} needs a number of rows, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return (rows as number) < 0 ? undefined : (rows as number);
}

const WHOLE = /^\s*[+-]?\d+\s*$/;

/** The condition that rows of relations are inferred from. */
function matchedBy({ _populateWhere, populateWhere }: any, where: unknown): unknown {
  return _populateWhere === 'infer' ? populateWhere : where;
}

/** Core's limit for each parent of a collection. */
export function groupPage(partition: any, by = partition?.partitionBy): GroupPage | undefined {
  return partition && { by: [by].flat(), limit: partition.limit, offset: partition.offset ?? undefined };
}

/** The properties to load. Core itself, which names none to populate, looks in vain for values that SQL would make. */
function fieldsOf(model: Model, { fields, populate }: any): readonly string[] {
  const names = namesOf(fields);
  return populate === undefined ? names.filter((name) => !isMadeBySql(model, name)) : names;
}

function isMadeBySql(model: Model, name: string): boolean {
  const prop = model.props.get(name);
  return prop?.kind === 'scalar' && prop.sql === true;
}

function refuseSql(model: Model, populate: readonly PopulateHint[]): void {
  for (const { field, all, children } of populate) {
    const prop = model.props.get(field);
    if (all !== true && isMadeBySql(model, field)) {
      const path = `${model.name}.${field}`;
      throw new PlanError('NOT_STORED', `${path} ${prop?.refused} and cannot be populated`, path);
    }
    if (children !== undefined && prop !== undefined && isRelation(prop) && prop.refused === undefined) {
      refuseSql(prop.target(), children);
    }
  }
}

/** What a count asks for: relations that leave out rows count as in a query. */
export function countRequest(
  meta: EntityMetadata,
  model: Model,
  where: unknown,
  options: any,
  defaults: FindDefaults,
): CountOptions {
  refuseCountOptions(meta, options);
  const nested = joins(meta, model, hintsOf(options), options, defaults);
  return { joinFilters: joinFiltersOf(model, where, options, nested), nested };
}

/** What rows have to fulfil besides that a condition follows relations to: what filters say, and a condition of the caller's on those to populate where they are the same. */
function joinFiltersOf(
  model: Model,
  where: unknown,
  options: any,
  nested: readonly NestedOptions[] = [],
): readonly JoinFilter[] | undefined {
  const { joinFilters = [], populateWhere, _populateWhere } = options;
  return nested.length > 0 && _populateWhere !== 'infer' && sharesJoins(options)
    ? [...joinFilters, ...populateFilters(model, where, populateWhere)]
    : joinFilters;
}

/** Whether the relations to populate are joined but once, as those that the condition follows. Of a page SQL takes the keys first, without what is populated. */
function sharesJoins({ populateWhere, _populateWhere, ofMembers, limit, offset }: any): boolean {
  return (
    (_populateWhere === 'infer' || (isPlainObject(populateWhere) && !saysNothing(populateWhere))) &&
    ofMembers !== true &&
    limit === undefined &&
    offset === undefined
  );
}

/** The joins of `$infer`: with the rows that fulfil the condition. Relations that are populated by name are so as they are without. */
function inferred(
  meta: EntityMetadata,
  model: Model,
  where: unknown,
  options: any,
  defaults: FindDefaults,
  named: readonly NestedOptions[] = [],
): NestedOptions[] {
  const hints = inferredHints(model, where, options.orderBy).filter(
    ({ field }) => !named.some(({ prop }) => prop === field),
  );
  const { populateFilter, polymorphicFilters, orderBy } = options;
  const conditions = {
    populateWhere: where,
    populateFilter,
    polymorphicFilters,
    orderBy,
    limit: options.limit,
    offset: options.offset,
    _populateWhere: 'infer',
  };
  const nested = joins(meta, model, hints, conditions, defaults) ?? [];
  requireInferred(model, hints, nested);
  return nested;
}

const NO_HINTS: readonly PopulateHint[] = [];

function hintsOf({ populate }: any): readonly PopulateHint[] {
  return Array.isArray(populate) ? populate : NO_HINTS;
}

function joins(
  meta: EntityMetadata,
  model: Model,
  populate: readonly PopulateHint[],
  options: any,
  { strategy }: FindDefaults,
): NestedOptions[] | undefined {
  if (populate.length === 0) {
    return undefined;
  }
  const { populateWhere: where, populateFilter: filter, polymorphicFilters, fields, exclude } = options;
  const orderBy = [options.orderBy ?? [], options.populateOrderBy ?? []].flat();
  // Joins take from conditions and orders what they know, and pass over the rest: unknown names are found here.
  if (options.populateOrderBy !== undefined) {
    walkOrder(model, options.populateOrderBy, new Shape(''));
  }
  if (isPlainObject(where)) {
    walkWhere(model, where, new Shape(''));
  }
  const joinOptions = {
    strategy: options.strategy ?? strategy,
    where,
    filter,
    polymorphicFilters,
    orderBy,
    fields,
    exclude,
    inferred: options._populateWhere === 'infer',
    matched: sharesJoins(options),
  };
  const nested = joinsOf(meta, model, populate, joinOptions);
  return nested.length === 0 || joinOptions.inferred
    ? nested
    : [...nested, ...joinsOf(meta, model, askedHints(meta, model, where, nested), joinOptions)];
}

/** Refuses what changes the result of a count and is not there yet. */
function refuseCountOptions(meta: EntityMetadata, options: any): void {
  const { groupBy, having } = options;
  if (groupBy !== undefined || (having !== undefined && !saysNothing(having))) {
    throw unsupported(
      `groupBy and having are about what SQL computes of groups of rows: load the rows and group them (at ${meta.className}).`,
    );
  }
  if (options.collation !== undefined) {
    throw unsupported(`Texts are compared by code points: there are no collations (at ${meta.className}).`);
  }
}

const inverseByMeta = new WeakMap<EntityMetadata, readonly EntityProperty[]>();

/** The 1:1 relations whose key is on the other side: without it an entity would not know whether there is one. */
function inverseReferences(
  meta: EntityMetadata,
  populate: readonly PopulateHint[],
  fields: readonly string[] | undefined,
  nested: readonly NestedOptions[] = [],
): readonly string[] | undefined {
  let props = inverseByMeta.get(meta);
  if (props === undefined) {
    props = meta.relations.filter((prop) => prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner);
    inverseByMeta.set(meta, props);
  }
  if (props.length === 0) {
    return undefined;
  }
  const populated = (name: string) =>
    populate.some((hint) => hint.all || hint.field === name || hint.field === `${name}:ref`);
  const chosen = (name: string) =>
    !fields?.length || fields.some((field) => field === '*' || field.split('.')[0] === name);
  const joined = new Set(nested.map(({ prop }) => prop));
  return props
    .map((prop) => prop.name as string)
    .filter((name, i) => !joined.has(name) && (populated(name) || (!props[i]?.lazy && chosen(name))));
}
