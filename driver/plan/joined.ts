/**
 * Filters of the relations that a condition follows.
 *
 * In SQL each relation is joined, and a filter of its entity stands with the
 * join: of a relation that is always there it leaves out the row that leads to
 * it, whatever else is said of that; of any other, only the related row.
 */
import type { Expr } from '../native/ir.js';
import { ConditionBuilder } from './condition.js';
import { isToMany, type Model, type RelationProp } from './model.js';
import type { Scope, Step } from './scope.js';
import type { Shape } from './shape.js';
import { walkWhere } from './where.js';

/** A relation that a condition follows to more than its key. */
export interface Joined {
  /** Which query of a condition does: 0 for itself, from 1 on those of its members that are queries of their own. */
  readonly query: number;
  /** The way to it from the root. */
  readonly steps: readonly Step[];
  /** The relation itself, the last of the steps. */
  readonly prop: RelationProp;
}

/** What the rows of such a relation have to fulfil besides. */
export interface JoinFilter extends Joined {
  readonly where: unknown;
}

/** The relations that a condition follows, in its order. */
export function joinedBy(model: Model, where: unknown): Joined[] {
  const builder = new ConditionBuilder(model);
  walkWhere(model, where, builder);
  return builder.queries().flatMap((query, number) =>
    [...query.scopes()].flatMap((scope) => {
      const { step } = scope;
      return step === undefined || step.prop.certain || isKey(scope)
        ? []
        : [{ query: number, steps: stepsTo(scope), prop: step.prop }];
    }),
  );
}

/** Whether a row is asked for no more than its key; owners of 1:1 relations are joined to the root anyway. */
function isKey({ step, depth, keyOnly }: Scope): boolean {
  return keyOnly && !(depth === 1 && step?.prop.kind === '1:1');
}

function stepsTo(scope: Scope): Step[] {
  const before = scope.parent === undefined ? [] : stepsTo(scope.parent);
  return scope.step === undefined ? before : [...before, scope.step];
}

/** Adds all that filters depend on to the shape of a call. */
export function shapeFilters(shape: Shape, filters: readonly JoinFilter[]): void {
  for (const { query, steps, prop, where } of filters) {
    shape.mark(`joined ${query} ${JSON.stringify(steps.map((step) => [step.prop.name, step.branch]))}`);
    walkWhere(prop.target(), where, shape);
    shape.mark('end');
  }
}

/** Restricts the rows of a condition by filters, and those of the root for the sake of relations that are always there. Returns the number of the first parameter after theirs. */
export function addFilters(builder: ConditionBuilder, filters: readonly JoinFilter[]): number {
  let { nextParam } = builder;
  if (filters.length === 0) {
    return nextParam;
  }
  const queries = builder.queries();
  for (const { query, steps, prop, where } of filters) {
    const filter = new ConditionBuilder(prop.target(), nextParam);
    walkWhere(prop.target(), where, filter);
    nextParam = filter.nextParam;
    const expr = filter.finish();
    if (expr !== undefined) {
      queries[query]?.scopeAt(steps).restrict(expr);
    }
  }
  for (const query of queries) {
    query.require(requiredBy(query));
  }
  return nextParam;
}

/** What the root has to fulfil for the sake of relations that are always there. */
function requiredBy(query: ConditionBuilder): Expr[] {
  const exprs: Expr[] = [];
  // From the innermost on: what a row here needs is known before the row that leads here is asked for it.
  for (const scope of [...query.scopes()].sort((one, other) => other.depth - one.depth)) {
    if (scope.filtered && isAlwaysThere(scope)) {
      const { join, parent, filter: where = { const: true } } = scope;
      const there: Expr = { related: { join, quantifier: 'some', where } };
      if (parent?.parent === undefined) {
        exprs.push(there);
      } else {
        parent.restrict(there);
      }
    }
  }
  return exprs;
}

function isAlwaysThere({ step }: Scope): boolean {
  return step !== undefined && !isToMany(step.prop) && !step.prop.nullable;
}
