// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/**
 * The relations that a query joins, as core's populate hints ask for it: to
 * load their rows along, or because a filter decides whether a key is seen.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  LoadStrategy,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import { isView, JOINS_IN_ENTITY_ORDER, MANDATORY_IS_INNER } from '../compat.js';
import { lazyProperties, namesBelow } from './fields.js';
import { allOf, conditionBelow, conditionWithout, isStrict, saysNothing } from './join-conditions.js';
import { polymorphicTargets } from '../model/polymorphic.js';
import type { PolymorphicFilters } from './polymorphic-filters.js';
import { isRelation, isToMany, type Model, type Polymorphic, type RelationProp } from '../plan/model.js';
import { type JoinFilter, joinedBy } from '../plan/joined.js';
import type { NestedOptions } from '../plan/select.js';
import { isPlainObject } from '../plan/value.js';

/** What core asks to populate. */
export interface PopulateHint {
  readonly field: string;
  readonly all?: boolean;
  readonly strategy?: string;
  /** A filter on the relation decides what is seen of it. */
  readonly filter?: boolean;
  readonly joinType?: string;
  /** Loads rows also where the property holds only a key. */
  readonly dataOnly?: boolean;
  readonly children?: readonly PopulateHint[];
}

/** What joins depend on besides the hints. */
export interface JoinOptions {
  /** The strategy where neither hint nor property names one. */
  readonly strategy: string;
  /** Conditions on the rows of relations: the caller's, and those of filters. */
  readonly where?: unknown;
  readonly filter?: unknown;
  readonly orderBy?: unknown;
  readonly fields?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Conditions of filters on the entities that polymorphic relations may lead to. */
  readonly polymorphicFilters?: PolymorphicFilters | undefined;
  /** The rows of relations are those that the condition of the query was fulfilled with. */
  readonly inferred?: boolean;
  /** Those rows are found by the condition of the query itself, rather than by what it says of each relation alone. */
  readonly matched?: boolean;
  /** A condition of the caller's leaves out rows here without a match, as those are members of a collection. */
  readonly members?: boolean;
}

/** The relations to join. */
export function joinsOf(
  meta: EntityMetadata,
  model: Model,
  hints: readonly PopulateHint[],
  options: JoinOptions,
): NestedOptions[] {
  const joins = new Map<RelationProp, { prop: EntityProperty; hint: PopulateHint }>();
  for (const hint of hints) {
    const prop = (meta.properties as any)[hint.field.split(':')[0] ?? ''] as EntityProperty | undefined;
    const relation = prop && model.props.get(prop.name);
    if (
      prop !== undefined &&
      relation !== undefined &&
      isRelation(relation) &&
      isJoined(prop, relation, hint, options.strategy)
    ) {
      const known = joins.get(relation)?.hint;
      const [wider, other] = known !== undefined && isReference(hint) ? [known, hint] : [hint, known];
      joins.set(relation, {
        prop,
        hint: { ...wider, filter: wider.filter === true || other?.filter === true },
      });
    }
  }
  return [...joins].map(([relation, { prop, hint }]) => joinOf(prop, relation, hint, options));
}

/** Hints for the relations that are not joined, but must be there and have a condition on their rows: where populating them leaves rows out, SQL joins those, too, with any other join. */
export function askedHints(
  meta: EntityMetadata,
  model: Model,
  where: unknown,
  nested: readonly NestedOptions[],
): PopulateHint[] {
  if (!MANDATORY_IS_INNER) {
    return [];
  }
  const joined = new Set(nested.map(({ prop }) => prop));
  return [...relationsOf(model)]
    .filter(([name, keyHere]) => {
      const prop = (meta.properties as any)[name] as EntityProperty;
      return (
        isToOne(prop) &&
        !prop.nullable &&
        !joined.has(name) &&
        !saysNothing(conditionBelow(where, name, keyHere))
      );
    })
    .map(([name]) => ({ field: `${name}:ref`, filter: true }));
}

/** Whether a hint is for the key alone. */
function isReference(hint: PopulateHint): boolean {
  return hint.field.endsWith(':ref');
}

function isToOne(prop: EntityProperty): boolean {
  return prop.kind === ReferenceKind.MANY_TO_ONE || prop.kind === ReferenceKind.ONE_TO_ONE;
}

function isJoined(
  prop: EntityProperty,
  relation: RelationProp,
  hint: PopulateHint,
  strategy: string,
): boolean {
  if (relation.polymorphic !== undefined && relation.pivot !== undefined) {
    // Members of several entities have their order in the rows of the pivot.
    return false;
  }
  if (
    relation.refused !== undefined ||
    relation.json.length > 0 ||
    isView(prop.targetMeta as EntityMetadata)
  ) {
    return false;
  }
  if (prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner) {
    return true;
  }
  if (isToOne(prop) && isReference(hint)) {
    return hint.filter === true;
  }
  if (hint.all || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.mapToPk)) {
    return false;
  }
  return isJoinStrategy(hint.strategy || (prop as any).strategy || strategy, prop);
}

function isJoinStrategy(strategy: string, prop: EntityProperty): boolean {
  return strategy === LoadStrategy.JOINED || (strategy === 'balanced' && isToOne(prop));
}

function joinOf(
  prop: EntityProperty,
  relation: RelationProp,
  hint: PopulateHint,
  options: JoinOptions,
): NestedOptions {
  const targets = polymorphicTargets(prop);
  if (relation.polymorphic !== undefined && targets !== undefined) {
    return polymorphicJoin(prop, relation.polymorphic, targets, hint, options);
  }
  const { name } = prop;
  const target = prop.targetMeta as EntityMetadata;
  const keyHere = relation.columns.length > 0;
  const filter = conditionBelow(options.filter, name, keyHere);
  const where = conditionBelow(options.where, name, keyHere);
  const { inferred = false, matched = false } = options;
  const orderBy = [options.orderBy && orderBelow(options.orderBy, name, target), ...ordersOf(prop, target)]
    .flat()
    .filter((order) => order !== undefined);
  const fields = namesBelow(options.fields, name);
  const exclude =
    options.exclude && (Utils.extractChildElements(options.exclude as string[], name) as string[]);
  const keyOnly = isReference(hint) || (prop.mapToPk === true && hint.dataOnly !== true);
  const children = hint.children ?? [];
  const nested = keyOnly
    ? []
    : joinsOf(target, relation.target(), children, {
        strategy: options.strategy,
        polymorphicFilters: options.polymorphicFilters,
        where,
        filter,
        orderBy,
        fields,
        exclude,
        inferred,
        matched,
        members: !inferred && relation.kind === '1:m',
      });
  const apart = keysHere(relation.target(), nested);
  const hidden = new Map([...apart, ...optionalRelations(target, relation.target())]);
  const asked = inferred ? (matched ? undefined : where) : conditionOnRows(relation, where, apart);
  return {
    prop: name,
    keyOnly,
    where: allOf([(prop as any).where, filterOnRows(relation.target(), filter, hidden), asked]),
    orderBy,
    required:
      requirementOf(prop, hint, filter) ??
      (options.members === true && leavesOut(relation, where) ? 'always' : undefined),
    fields,
    exclude: exclude?.length ? exclude : undefined,
    lazy: lazyProperties(target, children),
    nested,
    matched,
  };
}

/**
 * What a condition of the caller's says of the rows of a relation. As in SQL,
 * where what it says of relations further on stands with joins of their own,
 * only members of a collection are left out for the sake of those; and whatever
 * leads to a relation that must be there.
 */
function conditionOnRows(
  relation: RelationProp,
  where: unknown,
  apart: ReadonlyMap<string, boolean>,
): unknown {
  const model = relation.target();
  const relations = new Map([...relationsOf(model), ...apart]);
  const own = conditionWithout(where, relations);
  const further = [...relations].flatMap(([name, keyHere]) => {
    const next = model.props.get(name);
    const below = conditionBelow(where, name, keyHere);
    return next === undefined ||
      !isRelation(next) ||
      apart.has(name) ||
      !(relation.kind === '1:m' || isMandatory(next)) ||
      !leavesOut(next, below)
      ? []
      : [{ [name]: next.pivot === undefined ? conditionOnRows(next, below, new Map()) : below }];
  });
  return allOf([own, ...further]);
}

/** What a condition on rows to populate says of the relations that the condition of the query follows, where both are joined but once. */
export function populateFilters(model: Model, where: unknown, condition: unknown): readonly JoinFilter[] {
  const seen = new Set<string>();
  return joinedBy(model, where).flatMap(({ query, steps, prop }) => {
    const way = steps.filter((step) => step.prop.certain !== true).map((step) => step.prop);
    const path = way.map(({ name }) => name).join('.');
    if (query > 0 || seen.has(path)) {
      return [];
    }
    seen.add(path);
    const below = way.reduce(
      (said, { name, columns }) => conditionBelow(said, name, columns.length > 0),
      condition,
    );
    const said = conditionOnRows(prop, below, new Map());
    return saysNothing(said) ? [] : [{ query, steps, prop, where: said }];
  });
}

/** Whether what a condition says of a relation leaves out members of a collection that it leads on from. Of a pivot that is only what says which keys it holds. */
function leavesOut(relation: RelationProp, where: unknown): boolean {
  return relation.pivot === undefined
    ? !saysNothing(conditionWithout(where, relationsOf(relation.target())))
    : where !== undefined && !isPlainObject(where);
}

function isMandatory(relation: RelationProp): boolean {
  return !isToMany(relation) && !relation.nullable;
}

/** The relations of an entity to one other each, with whether their key is kept here. */
function relationsOf(model: Model): Map<string, boolean> {
  const relations = new Map<string, boolean>();
  for (const prop of model.props.values()) {
    if (isRelation(prop) && prop.polymorphic === undefined && prop.refused === undefined) {
      relations.set(prop.name, prop.columns.length > 0);
    }
  }
  return relations;
}

/**
 * A relation that may lead to several entities joins each of them. Conditions
 * on rows to populate do not reach them, as they do not where each entity is
 * loaded by a query of its own.
 */
function polymorphicJoin(
  prop: EntityProperty,
  { targets: relations }: Polymorphic,
  targets: ReadonlyMap<string, EntityMetadata>,
  hint: PopulateHint,
  options: JoinOptions,
): NestedOptions {
  const { name } = prop;
  const filters = hint.filter ? options.polymorphicFilters?.get(prop) : undefined;
  const fields = namesBelow(options.fields, name);
  const exclude =
    options.exclude && (Utils.extractChildElements(options.exclude as string[], name) as string[]);
  const keyOnly = isReference(hint);
  const children = keyOnly ? [] : (hint.children ?? []);
  return {
    prop: name,
    keyOnly,
    required: filters?.size ? 'unless absent' : undefined,
    targets: new Map(
      [...relations].map(([discriminator, relation]) => {
        const target = targets.get(discriminator) ?? (prop.targetMeta as EntityMetadata);
        const of = (names: readonly string[] | undefined) =>
          names?.filter((field) => hasProperty(target, field));
        return [
          discriminator,
          {
            prop: name,
            where: filters?.get(discriminator),
            fields: of(fields),
            exclude: exclude?.length ? of(exclude) : undefined,
            lazy: lazyProperties(target, children),
            nested: joinsOf(target, relation.target(), children, {
              strategy: options.strategy,
              polymorphicFilters: options.polymorphicFilters,
              fields: of(fields),
              exclude: of(exclude),
            }),
          },
        ];
      }),
    ),
  };
}

function hasProperty(meta: EntityMetadata, field: string): boolean {
  return field === '*' || (field.split(/[.:]/)[0] ?? '') in meta.properties;
}

/**
 * What a filter says of the rows of an entity themselves: some relations, these by name, have it said to their own. That
 * goes for relations inside of documents, too, which are not joined.
 */
export function filterOnRows(
  { props }: Pick<Model, 'props'>,
  filter: unknown,
  relations: ReadonlyMap<string, boolean>,
): unknown {
  const rest = conditionWithout(filter, relations);
  if (!isPlainObject(rest)) {
    return rest;
  }
  const entries = Object.entries(rest).flatMap(([name, said]): [string, unknown][] => {
    const prop = props.get(name);
    if (prop?.kind !== 'embedded' || !isPlainObject(said)) {
      return [[name, said]];
    }
    const held = [...prop.props].filter(([, child]) => isRelation(child) && child.json.length > 0);
    const left = filterOnRows(prop, said, new Map(held.map(([child]) => [child, true])));
    return saysNothing(left) ? [] : [[name, left]];
  });
  return Object.fromEntries(entries);
}

/** The relations that are joined further on, with whether their key is kept on this side. */
export function keysHere(model: Model, nested: readonly NestedOptions[]): ReadonlyMap<string, boolean> {
  return new Map(nested.map(({ prop }) => [prop, columnsHere(model, prop)]));
}

/** The relations that a filter hides rather than leave out a row for the sake of. */
function optionalRelations(meta: EntityMetadata, model: Model): [string, boolean][] {
  return meta.relations
    .filter((prop) => prop.nullable && isToOne(prop))
    .map((prop) => [prop.name, columnsHere(model, prop.name)]);
}

function columnsHere(model: Model, name: string): boolean {
  const prop = model.props.get(name);
  return prop !== undefined && isRelation(prop) && prop.columns.length > 0;
}

/** Whether rows are left out that have no row of the relation: the inner joins of the SQL drivers. */
function requirementOf(prop: EntityProperty, hint: PopulateHint, filter: unknown): NestedOptions['required'] {
  if (hint.joinType !== undefined) {
    return /inner/i.test(hint.joinType) ? 'always' : undefined;
  }
  if (!isToOne(prop)) {
    return undefined;
  }
  if (!prop.nullable) {
    return hint.filter || MANDATORY_IS_INNER ? 'always' : undefined;
  }
  return isStrict(filter) ? 'unless absent' : undefined;
}

/** The orders that a relation has by itself. The order that a collection keeps is that of its rows in the pivot, which they are found by. */
function ordersOf(prop: EntityProperty, target: EntityMetadata): any[] {
  if (prop.fixedOrder) {
    return [];
  }
  return JOINS_IN_ENTITY_ORDER ? [(prop as any).orderBy, (target as any).orderBy] : [(prop as any).orderBy];
}

/** What an order says of the rows of a relation. */
function orderBelow(orderBy: unknown, name: string, target: EntityMetadata): object[] {
  return [orderBy ?? []].flat().flatMap((item: any) => {
    const order = item[name];
    if (order === undefined) {
      return [];
    }
    return typeof order === 'object' && order !== null
      ? [order].flat()
      : (target.primaryKeys as string[]).map((key) => ({ [key]: order }));
  });
}
