/**
 * The condition of a plan, with what every row of a class fulfils.
 */
import type { Expr } from '../native/ir.js';
import { ConditionBuilder } from './condition.js';
import { addFilters, type JoinFilter } from './joined.js';
import type { Model, RelationProp } from './model.js';
import { classFilter, type Scope } from './scope.js';
import { walkWhere } from './where.js';

/** A condition as the engine has it. */
export interface CompiledWhere {
  /** Absent where every row fulfils it. */
  readonly expr?: Expr;
  /** The number of the first parameter after the condition's. */
  readonly nextParam: number;
  /** The rows that it joins, for ways that lead to them. */
  readonly joined: JoinedRows;
}

/** The rows that a condition joins. */
export interface JoinedRows {
  /** The rows that it is a condition on. */
  readonly root: Scope;
  /** What it says of the rows of a scope besides what these have to fulfil anyway; nothing where it says nothing. */
  at(scope: Scope): Expr | undefined;
}

/** Builds the condition on rows of a model, with parameters from `firstParam` on: first its own, then those of filters of the relations that it follows. */
export function whereOf(
  model: Model,
  where: unknown,
  firstParam = 0,
  filters: readonly JoinFilter[] = NO_FILTERS,
): CompiledWhere {
  const builder = new ConditionBuilder(model, firstParam);
  walkWhere(model, where, builder);
  const nextParam = addFilters(builder, filters);
  const exprs = [classFilter(model), builder.finish()].filter((expr) => expr !== undefined);
  const compiled = { nextParam, joined: joinedRows(builder) };
  return exprs.length === 0 ? compiled : { ...compiled, expr: allOf(exprs) };
}

function joinedRows(builder: ConditionBuilder): JoinedRows {
  let rows: ReadonlyMap<Scope, Expr> | undefined;
  return {
    root: builder.root,
    at: (scope) => {
      rows ??= builder.rowsOnTheWay();
      return rows.get(scope);
    },
  };
}

/** The rows that a condition joins where it joins each relation but once, for rows of a model that are handed out with the relations that it follows. */
export function matchesOf(
  model: Model,
  where: unknown,
  firstParam: number,
): { readonly joined: JoinedRows; readonly nextParam: number } {
  const builder = new SingleJoins(model, firstParam);
  walkWhere(model, where, builder);
  const rows = builder.rows();
  return { joined: { root: builder.root, at: (scope) => rows.get(scope) }, nextParam: builder.nextParam };
}

/** Members of `$and` speak of the same rows. */
class SingleJoins extends ConditionBuilder {
  override enter(prop: RelationProp): void {
    super.enter(prop, '');
  }
}

const NO_FILTERS: readonly JoinFilter[] = [];

/** That all conditions hold. */
export function allOf(exprs: readonly Expr[]): Expr {
  const [only] = exprs;
  return only !== undefined && exprs.length === 1
    ? only
    : exprs.length === 0
      ? { const: true }
      : { all: exprs };
}
