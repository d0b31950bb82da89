/**
 * Two ways to find the rows of a condition, for comparison: the plan's
 * expression over tables, and the condition itself over combinations of joined
 * rows, as SQL would take it.
 */
import type { Expr, JoinEnd, Operand, Path } from '#driver/native/ir.js';
import { isToMany, type JoinPair, type Model, type RelationProp } from '#driver/plan/model.js';

export type Row = Readonly<Record<string, unknown>>;
export type Tables = Readonly<Record<string, readonly Row[]>>;
/** `null` is unknown. */
type Truth = boolean | null;

function and(truths: readonly Truth[]): Truth {
  return truths.includes(false) ? false : truths.includes(null) ? null : true;
}

function or(truths: readonly Truth[]): Truth {
  return truths.includes(true) ? true : truths.includes(null) ? null : false;
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

function compare(op: string, left: unknown, right: unknown): Truth {
  if (left === null || left === undefined || right === null || right === undefined) return null;
  const [a, b] = [left as number, right as number];
  const results: Record<string, boolean> = {
    eq: a === b,
    ne: a !== b,
    gt: a > b,
    gte: a >= b,
    lt: a < b,
    lte: a <= b,
  };
  return results[op] as boolean;
}

function among(value: unknown, list: readonly unknown[]): Truth {
  return or(list.map((item) => compare('eq', value, item)));
}

function joined(
  tables: Tables,
  collection: string,
  row: Row | null,
  pairs: readonly JoinPair[],
): readonly Row[] {
  const at = (end: JoinEnd, of: Row) => (typeof end === 'string' ? of[end] : end.v);
  return (tables[collection] as readonly Row[]).filter(
    (other) =>
      row !== null &&
      pairs.every(([local, target]) => compare('eq', at(local, row), at(target, other)) === true),
  );
}

/** What an expression of a plan comes to. Takes only what `randomWhere` can ask. */
export function evaluate(expr: Expr, row: Row, tables: Tables, params: readonly unknown[]): Truth {
  const value = (path: Path): unknown => row[path.field];
  const operand = (of: Operand): unknown => ('p' in of ? params[of.p] : of.v);
  const inner = (part: Expr, of = row): Truth => evaluate(part, of, tables, params);
  if ('all' in expr) return and(expr.all.map((part) => inner(part)));
  if ('any' in expr) return or(expr.any.map((part) => inner(part)));
  if ('not' in expr) return not(inner(expr.not));
  if ('const' in expr) return expr.const;
  if ('null' in expr) return value(expr.null) === null;
  if ('exists' in expr) return value(expr.exists) !== null;
  if ('cmp' in expr) return compare(expr.cmp.op, value(expr.cmp.path), operand(expr.cmp.value));
  if ('in' in expr) return among(value(expr.in.path), operand(expr.in.values) as unknown[]);
  if ('tupleIn' in expr) {
    const tuple = expr.tupleIn.paths.map(value);
    return or(
      (operand(expr.tupleIn.values) as unknown[][]).map((key) =>
        and(key.map((part, i) => compare('eq', tuple[i], part))),
      ),
    );
  }
  if ('related' in expr) {
    const { join, quantifier, where } = expr.related;
    const truths = joined(tables, join.collection, row, join.on).map((member) => inner(where, member));
    return quantifier === 'some'
      ? truths.includes(true)
      : quantifier === 'none'
        ? !truths.includes(true)
        : !truths.includes(false);
  }
  throw new Error(`Not evaluated here: ${JSON.stringify(expr)}`);
}

/** A row of the model for each way to follow the condition's relations; `null` where there is none. */
type Combination = ReadonlyMap<string, Row | null>;

interface JoinedRelation {
  readonly path: string;
  readonly parent: string;
  readonly prop: RelationProp;
}

type Where = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Where {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isQuantified = (value: unknown): value is Where =>
  isObject(value) && Object.keys(value).some((key) => key === '$some' || key === '$none' || key === '$every');

const isKeyCondition = (value: unknown): boolean => !isObject(value) || '$ne' in value || '$in' in value;

/** The path of a relation; those to many have one for each member of an `$and` of several. */
function pathOf(parent: string, prop: RelationProp, branch: string): string {
  return `${parent}${isToMany(prop) ? branch : ''}.${prop.name}`;
}

function relationsIn(model: Model, where: Where, path: string, branch = ''): JoinedRelation[] {
  return Object.entries(where).flatMap(([key, value]): JoinedRelation[] => {
    if (key === '$and' || key === '$or') {
      const members = value as Where[];
      return members.flatMap((member, i) =>
        relationsIn(model, member, path, key === '$and' && members.length > 1 ? `[${i}]` : ''),
      );
    }
    if (key === '$not') return relationsIn(model, value as Where, path);
    const prop = model.props.get(key);
    if (prop === undefined || prop.kind === 'scalar' || prop.kind === 'embedded' || isQuantified(value))
      return [];
    const own = { path: pathOf(path, prop, branch), parent: path, prop };
    return [own, ...(isKeyCondition(value) ? [] : relationsIn(prop.target(), value as Where, own.path))];
  });
}

function members(prop: RelationProp, row: Row | null, tables: Tables): readonly Row[] {
  const { collection } = prop.target();
  if (prop.pivot === undefined) return joined(tables, collection, row, prop.join);
  const { from, to } = prop.pivot;
  return joined(tables, prop.pivot.collection, row, from).flatMap((link) =>
    joined(tables, collection, link, to),
  );
}

function combinations(
  relations: readonly JoinedRelation[],
  base: Combination,
  tables: Tables,
): Combination[] {
  return relations.reduce<Combination[]>(
    (all, { path, parent, prop }) =>
      all.flatMap((combination) => {
        if (combination.has(path)) return [combination];
        const rows = members(prop, combination.get(parent) ?? null, tables);
        return (rows.length > 0 ? rows : [null]).map((row) => new Map([...combination, [path, row]]));
      }),
    [base],
  );
}

/** Whether a row fulfils a condition of properties, relations, groups and quantifiers. */
export function fulfils(model: Model, where: Where, row: Row, tables: Tables): boolean {
  return combinations(relationsIn(model, where, ''), new Map([['', row]]), tables).some(
    (combination) => truth(model, where, '', combination, tables) === true,
  );
}

function truth(
  model: Model,
  where: Where,
  path: string,
  rows: Combination,
  tables: Tables,
  branch = '',
): Truth {
  const row = rows.get(path) ?? null;
  return and(
    Object.entries(where).map(([key, value]): Truth => {
      if (key === '$and') {
        const list = value as Where[];
        return and(
          list.map((member, i) => truth(model, member, path, rows, tables, list.length > 1 ? `[${i}]` : '')),
        );
      }
      if (key === '$or')
        return or((value as Where[]).map((member) => truth(model, member, path, rows, tables)));
      if (key === '$not') return not(truth(model, value as Where, path, rows, tables));
      const prop = model.props.get(key);
      if (prop?.kind === 'scalar')
        return scalarTruth(row === null ? null : row[prop.column?.name as string], value);
      const relation = prop as RelationProp;
      const target = relation.target();
      if (isQuantified(value)) {
        const some = (of: Row | null, condition: Where) =>
          members(relation, of, tables).some((member) => fulfils(target, condition, member, tables));
        const somewhere = (condition: Where) =>
          (tables[model.collection] as readonly Row[]).some((other) => some(other, condition));
        // As in SQL: is the row's key in the set of those that have such members? Null is in no empty set.
        const inSet = (condition: Where): Truth =>
          row !== null ? some(row, condition) : somewhere(condition) ? null : false;
        const results: Record<string, (condition: Where) => Truth> = {
          $some: inSet,
          $none: (condition) => not(inSet(condition)),
          $every: (condition) => not(inSet({ $not: condition })),
        };
        return and(
          Object.entries(value).map(([name, condition]) =>
            (results[name] as (typeof results)[string])(condition as Where),
          ),
        );
      }
      const there = pathOf(path, relation, branch);
      if (!isKeyCondition(value)) return truth(target, value as Where, there, rows, tables);
      const member = rows.get(there) ?? null;
      const keys = target.primary.map((column) => (member === null ? null : member[column.name]));
      return keyTruth(keys, value);
    }),
  );
}

function scalarTruth(value: unknown, condition: unknown): Truth {
  const own = value ?? null;
  if (condition === null) return own === null;
  if (!isObject(condition)) return compare('eq', own, condition);
  return and(
    Object.entries(condition).map(([operator, operand]): Truth => {
      if (operator === '$ne' && operand === null) return own !== null;
      if (operator === '$in') return among(own, operand as unknown[]);
      if (operator === '$nin') return not(among(own, operand as unknown[]));
      if (operator === '$exists') return (own !== null) === operand;
      return compare(operator.slice(1), own, operand);
    }),
  );
}

function keyTruth(key: readonly unknown[], condition: unknown): Truth {
  const equals = (other: unknown) =>
    and((Array.isArray(other) ? other : [other]).map((part, i) => compare('eq', key[i], part)));
  if (condition === null) return key.includes(null);
  if (!isObject(condition)) return equals(condition);
  return '$ne' in condition ? !key.includes(null) : or((condition.$in as unknown[]).map(equals));
}
