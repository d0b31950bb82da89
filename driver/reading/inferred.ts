/** `populate: ['$infer']`: the relations that a condition follows, or an order by their rows, are loaded with the rows that were found by it. */
import { LoadStrategy, QueryFlag } from '@mikro-orm/core';
import { unsupported } from '../errors.js';
import type { PopulateHint } from './joins.js';
import { joinedBy } from '../plan/joined.js';
import { findProp, isRelation, isToMany, type Model, type RelationProp } from '../plan/model.js';
import type { NestedOptions } from '../plan/select.js';
import { isPlainObject } from '../plan/value.js';

/** Whether a query loads the relations that its condition follows. */
export function isInferred(flags: readonly string[] | undefined): boolean {
  return flags?.includes(QueryFlag.INFER_POPULATE) === true;
}

/** Hints for the relations that a condition and an order follow to more than a key kept here. */
export function inferredHints(model: Model, where: unknown, orderBy: unknown): readonly PopulateHint[] {
  const tree: HintTree = new Map();
  for (const { query, steps } of joinedBy(model, where)) {
    if (query > 0) {
      continue;
    }
    add(
      tree,
      steps.map(({ prop }) => prop.name),
    );
  }
  for (const path of ordered(model, orderBy)) {
    add(
      tree,
      path.map(({ name }) => name),
    );
  }
  return hintsOf(tree);
}

/** Refuses relations that cannot be joined: core would not load them later, as no hint of its own names them. */
export function requireInferred(
  model: Model,
  hints: readonly PopulateHint[],
  nested: readonly NestedOptions[],
): void {
  for (const { field, children = [] } of hints) {
    const join = nested.find(({ prop }) => prop === field);
    if (join === undefined) {
      throw unsupported(
        `${model.name}.${field} cannot be populated by '$infer', as its rows are read by a query of their own: name it in \`populate\`, with \`populateWhere: 'infer'\` for what the condition says of it.`,
      );
    }
    const prop = findProp(model, field);
    if (prop !== undefined && isRelation(prop)) {
      requireInferred(prop.target(), children, join.nested ?? []);
    }
  }
}

type HintTree = Map<string, HintTree>;

function add(tree: HintTree, names: readonly string[]): void {
  let level = tree;
  for (const name of names) {
    const below: HintTree = level.get(name) ?? new Map();
    level.set(name, below);
    level = below;
  }
}

function hintsOf(tree: HintTree): PopulateHint[] {
  return [...tree].map(([field, below]) => ({
    field,
    strategy: LoadStrategy.JOINED,
    children: hintsOf(below),
  }));
}

/** The relations that an order follows. */
function ordered(model: Model, orderBy: unknown): RelationProp[][] {
  return [orderBy ?? []].flat().flatMap((order) =>
    isPlainObject(order)
      ? Object.entries(order).flatMap(([name, below]) => {
          const prop = model.props.get(name);
          if (prop === undefined || !isRelation(prop) || !(isToMany(prop) || isPlainObject(below))) {
            return [];
          }
          return [[prop], ...ordered(prop.target(), below).map((path) => [prop, ...path])];
        })
      : [],
  );
}
