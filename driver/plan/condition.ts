/**
 * Conditions as trees, each test with the scope whose row it is about, built
 * from what a walk reports.
 */
import type { Expr, Join, Operand, Path } from '../native/ir.js';
import type { Model, RelationProp } from './model.js';
import { conditionsByRow, lower } from './quantify.js';
import { Scope, type Step } from './scope.js';
import type { Comparison, Group, Place, Quantifier, Sink, Test } from './sink.js';

/** What a condition comes to; `undefined` is unknown. */
export type Truth = boolean | undefined;

/** A test of one row. */
export interface Leaf {
  readonly leaf: Expr;
  readonly scope: Scope;
  /** What it comes to when there is no row. */
  readonly withoutRow: Truth | Settled;
}

/** What is known without a row as long as a condition on the whole store holds, and unknown otherwise. */
export interface Settled {
  readonly when: Expr;
  readonly truth: boolean;
}

/** A condition that may be about rows of several scopes. */
export type Condition =
  | Leaf
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly const: boolean };

interface Frame {
  readonly members: Condition[];
  readonly end: (members: Condition[]) => Condition;
}

/** Builds the condition of a plan. */
export class ConditionBuilder implements Sink {
  /** The row that the condition is about. */
  readonly root: Scope;
  readonly #outer: Condition[] = [];
  readonly #frames: Frame[] = [];
  readonly #scopes: Scope[] = [];
  readonly #model: Model;
  /** Members that are queries of their own. */
  readonly #alone: ConditionBuilder[] = [];
  #required: readonly Expr[] = [];
  #scope: Scope;
  #members = this.#outer;
  #params: number;

  /** Parameters of the condition are numbered from `firstParam`. */
  constructor(model: Model, firstParam = 0) {
    this.#model = model;
    this.root = Scope.root(model);
    this.#scope = this.root;
    this.#params = firstParam;
  }

  /** The number of the first parameter after the condition's. */
  get nextParam(): number {
    return this.#params;
  }

  /** The condition as a whole, about rows of the root; nothing when every row fulfils it. */
  finish(): Expr | undefined {
    const own = lower({ all: this.#outer }, this.root);
    const exprs = own === undefined ? this.#required : [own, ...this.#required];
    return exprs.length === 0 ? undefined : and(exprs);
  }

  /** Adds to what rows of the root have to fulfil. */
  require(exprs: readonly Expr[]): void {
    this.#required = exprs;
  }

  /** This query, and those of its members that are queries of their own. */
  queries(): readonly ConditionBuilder[] {
    return [this, ...this.#alone];
  }

  /** What the condition says of the rows of its relations, whatever the other rows are. */
  rows(): ReadonlyMap<Scope, Expr> {
    return conditionsByRow({ all: this.#outer }, this.root, false);
  }

  /** The same of rows to many, and of those behind them, that are reached step by step from the root. */
  rowsOnTheWay(): ReadonlyMap<Scope, Expr> {
    return conditionsByRow({ all: this.#outer }, this.root, true);
  }

  /** The rows that the condition is about, each behind those that lead to it. */
  scopes(): Set<Scope> {
    const scopes = new Set<Scope>();
    const visit = (condition: Condition): void => {
      if ('leaf' in condition) {
        for (const scope of lineOf(condition.scope)) {
          scopes.add(scope);
        }
      } else if ('not' in condition) {
        visit(condition.not);
      } else if (!('const' in condition)) {
        ('all' in condition ? condition.all : condition.any).forEach(visit);
      }
    };
    this.#outer.forEach(visit);
    return scopes;
  }

  /** The rows at the end of some steps from the root. */
  scopeAt(steps: readonly Step[]): Scope {
    return steps.reduce((scope, { prop, branch }) => scope.follow(prop, branch), this.root);
  }

  open(group: Group): void {
    this.#push(GROUP_ENDS[group]);
  }

  close(): void {
    const frame = this.#frames.pop();
    if (frame !== undefined) {
      const condition = frame.end(this.#members);
      this.#members = this.#frames.at(-1)?.members ?? this.#outer;
      this.#members.push(condition);
    }
  }

  alone(walk: (sink: Sink) => void): void {
    const query = new ConditionBuilder(this.#model, this.#params);
    walk(query);
    this.#params = query.nextParam;
    this.#alone.push(query);
    this.#members.push({
      // Filters may still be added to it.
      get leaf() {
        return query.finish() ?? { const: true };
      },
      scope: this.root,
      withoutRow: undefined,
    });
  }

  enter(prop: RelationProp, branch: string, keyOnly = false): void {
    this.#scopes.push(this.#scope);
    this.#scope = this.#scope.follow(prop, branch);
    this.#scope.keyOnly &&= keyOnly;
  }

  leave(): void {
    this.#scope = this.#scopes.pop() ?? this.root;
  }

  quantify(prop: RelationProp, quantifier: Quantifier, target: Model): void {
    const scope = this.#scope;
    this.#scopes.push(scope);
    this.#scope = Scope.root(target);
    const member = this.#scope;
    this.#push((members) => {
      this.#scope = this.#scopes.pop() ?? this.root;
      const found = someOf(scope.follow(prop, ''), scope, quantifier, members, member);
      const wanted = quantifier === 'some';
      return {
        leaf: { related: { ...found, quantifier: wanted ? 'some' : 'none' } },
        scope,
        withoutRow: scope.parent && {
          when: nowhere(scope.join, { related: found }),
          truth: !wanted,
        },
      };
    });
  }

  size(prop: RelationProp, op: Comparison): void {
    const value = this.#param();
    const scope = this.#scope;
    const end = scope.follow(prop, '');
    const counted = sizeOf(end, scope, op, value);
    this.#members.push({
      leaf: counted,
      scope,
      withoutRow: scope.parent && { when: nowhere(scope.join, counted), truth: false },
    });
  }

  members(list: Place): void {
    const { scope, paths } = this.#scope.resolve([list]);
    this.#scopes.push(this.#scope);
    const member = Scope.root({ name: list.column.name });
    this.#scope = member;
    this.#push((members) => {
      this.#scope = this.#scopes.pop() ?? this.root;
      const where = lower({ all: members }, member) ?? { const: true };
      const [path] = paths as readonly [Path];
      return { leaf: { member: { path, where } }, scope, withoutRow: false };
    });
  }

  test(test: Test, place: Place): void {
    const value = this.#param();
    this.#leaf([place], ([path]) => testExpr(test, path, value), undefined);
  }

  regex(place: Place): void {
    const pattern = this.#param();
    const flags = this.#param();
    this.#leaf([place], ([path]) => ({ regex: { path, pattern, flags } }), undefined);
  }

  tuples(places: readonly Place[]): void {
    const values = this.#param();
    this.#leaf(places, (paths) => ({ tupleIn: { paths, values } }), undefined);
  }

  isNull(place: Place): void {
    this.#leaf([place], ([path]) => ({ null: path }), true);
  }

  isSet(place: Place): void {
    this.#leaf([place], ([path]) => ({ exists: path }), false);
  }

  constant(value: boolean): void {
    this.#members.push({ const: value });
  }

  #leaf(
    places: readonly Place[],
    test: (paths: readonly [Path, ...Path[]]) => Expr,
    withoutRow: Truth,
  ): void {
    const { scope, paths } = this.#scope.resolve(places);
    this.#members.push({ leaf: test(paths as readonly [Path, ...Path[]]), scope, withoutRow });
  }

  #push(end: Frame['end']): void {
    const members: Condition[] = [];
    this.#frames.push({ members, end });
    this.#members = members;
  }

  #param(): Operand {
    return { p: this.#params++ };
  }
}

/** A scope behind those that lead to it. */
function lineOf(scope: Scope): Scope[] {
  return scope.parent === undefined ? [scope] : [...lineOf(scope.parent), scope];
}

const GROUP_ENDS: Readonly<Record<Group, Frame['end']>> = {
  all: (members) => ({ all: members }),
  any: (members) => ({ any: members }),
  not: (members) => ({ not: { all: members } }),
};

type Related = Extract<Expr, { related: unknown }>['related'];

/**
 * The rows of a relation that decide about it, as "there is one". "Every row
 * fulfils it" is "no row makes it false", which also speaks rightly of
 * conditions on further relations of that row.
 */
function someOf(
  end: Scope,
  start: Scope,
  quantifier: Quantifier,
  members: readonly Condition[],
  member: Scope,
): Related {
  const condition: Condition = quantifier === 'every' ? { not: { all: members } } : { all: members };
  const filters = end.filter === undefined ? [] : [end.filter];
  const own = lower(condition, member);
  const related = {
    join: end.join,
    quantifier: 'some',
    where: and(own === undefined ? filters : [...filters, own]),
  } as const;
  const pivot = end.parent === start ? undefined : end.parent;
  return pivot === undefined ? related : { join: pivot.join, quantifier: 'some', where: { related } };
}

/** How many rows of a relation there are, compared with a number. */
function sizeOf(end: Scope, start: Scope, op: Comparison, value: Operand): Expr {
  const where = end.filter ?? { const: true };
  const pivot = end.parent === start ? undefined : end.parent;
  return pivot === undefined
    ? { counted: { join: end.join, where, op, value } }
    : {
        counted: {
          join: pivot.join,
          where: { related: { join: end.join, quantifier: 'some', where } },
          op,
          value,
        },
      };
}

/**
 * A condition on its relations holds for no row of a collection. SQL asks
 * whether the key is in the set of those that it holds for: a key of null is in
 * no empty set, for certain, and unknown to be in any other.
 */
function nowhere({ collection }: Join, where: Expr): Expr {
  return { related: { join: { collection, on: [] }, quantifier: 'none', where } };
}

function and(exprs: readonly Expr[]): Expr {
  const [only] = exprs;
  return only !== undefined && exprs.length === 1
    ? only
    : exprs.length === 0
      ? { const: true }
      : { all: exprs };
}

function testExpr(test: Test, path: Path, value: Operand): Expr {
  switch (test) {
    case 'in':
      return { in: { path, values: value } };
    case 'like':
      return { like: { path, pattern: value, fold: 'ascii' } };
    case 'ilike':
      return { like: { path, pattern: value, fold: 'unicode' } };
    case 'contains':
      return { contains: { path, value } };
    case 'contained':
      return { contained: { path, value } };
    case 'overlap':
      return { overlap: { path, value } };
    case 'hasKeys':
    case 'hasSomeKeys':
      return { hasKeys: { path, keys: value, any: test === 'hasSomeKeys' } };
    default:
      return { cmp: { op: test, path, value } };
  }
}
