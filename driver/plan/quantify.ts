/**
 * From conditions about combinations of rows to nested conditions about one
 * row each.
 *
 * A condition holds for a root row when it is true for some combination of
 * rows of the relations it follows. "There is a row such that" is pushed
 * inwards as far as it goes: it passes `or` freely, and passes `and` where only
 * one side is about that row. Where both sides are, `and` is distributed over
 * `or` first.
 */
import type { Expr } from '../native/ir.js';
import type { Condition, Leaf } from './condition.js';
import type { Scope } from './scope.js';

/** A condition without `not` but in leaves. */
type Positive =
  | Leaf
  | { readonly all: readonly Positive[] }
  | { readonly any: readonly Positive[] }
  | { readonly const: boolean };

/** The condition on one row of the scope; nothing when every row fulfils it. */
export function lower(condition: Condition, scope: Scope): Expr | undefined {
  const expr = place(positive(condition, false), scope);
  return 'const' in expr && expr.const ? undefined : expr;
}

/**
 * What a condition says of the rows of its relations, whatever the other rows
 * are. Of what it says of rows and of those that lead to them in one breath,
 * they are asked for the latter: for any that the relations lead back to. On a
 * way each row knows those that it comes from, and is asked for these; there,
 * only relations to many and what is behind them is of interest.
 */
export function conditionsByRow(
  condition: Condition,
  scope: Scope,
  onTheWay: boolean,
): ReadonlyMap<Scope, Expr> {
  const rows = new Map<Scope, Expr>();
  const add = (scope: Scope, expr: Expr): void => {
    const known = rows.get(scope);
    rows.set(scope, known === undefined ? expr : { all: [known, expr] });
  };
  const visit = (condition: Positive, at: Scope, several: boolean): void => {
    for (const member of together('all' in condition ? condition.all : [condition], at, allOf)) {
      const child = onlyChild(member, at);
      if (child === undefined) {
        for (const row of rowsOf(member, at)) {
          const seen = new Map<Scope, Scope>();
          add(
            row,
            place(
              moved(member, (other) => other.seenFrom(row, onTheWay, seen)),
              row,
            ),
          );
        }
        continue;
      }
      if (several || child.many) {
        add(child, place(member, child));
      }
      visit(member, child, several || child.many);
    }
  };
  visit(positive(condition, false), scope, !onTheWay);
  return rows;
}

/** A condition on rows of other scopes. */
function moved(condition: Positive, to: (scope: Scope) => Scope): Positive {
  if ('const' in condition) {
    return condition;
  }
  if ('leaf' in condition) {
    return { ...condition, scope: to(condition.scope) };
  }
  return 'all' in condition
    ? { all: condition.all.map((member) => moved(member, to)) }
    : { any: condition.any.map((member) => moved(member, to)) };
}

function opposite(truth: Leaf['withoutRow']): Leaf['withoutRow'] {
  return typeof truth === 'object'
    ? { ...truth, truth: !truth.truth }
    : truth === undefined
      ? undefined
      : !truth;
}

/** Moves `not` down to the leaves, where unknown stays unknown. */
function positive(condition: Condition, negate: boolean): Positive {
  if ('not' in condition) {
    return positive(condition.not, !negate);
  }
  if ('const' in condition) {
    return { const: condition.const !== negate };
  }
  if ('leaf' in condition) {
    return negate
      ? {
          ...condition,
          leaf: { not: condition.leaf },
          withoutRow: opposite(condition.withoutRow),
        }
      : condition;
  }
  const members = ('all' in condition ? condition.all : condition.any).map((member) =>
    positive(member, negate),
  );
  return 'all' in condition === negate ? anyOf(members) : allOf(members);
}

function allOf(members: readonly Positive[]): Positive {
  const flat = members
    .flatMap((member) => ('all' in member ? member.all : [member]))
    .filter((member) => !isConst(member, true));
  return simplest(flat, { all: flat }, false);
}

function anyOf(members: readonly Positive[]): Positive {
  const flat = members
    .flatMap((member) => ('any' in member ? member.any : [member]))
    .filter((member) => !isConst(member, false));
  return simplest(flat, { any: flat }, true);
}

function simplest(members: readonly Positive[], group: Positive, settles: boolean): Positive {
  const [first] = members;
  if (first === undefined || members.some((member) => isConst(member, settles))) {
    return { const: first === undefined ? !settles : settles };
  }
  return members.length === 1 ? first : group;
}

function isConst(condition: Expr | Positive, value: boolean): boolean {
  return 'const' in condition && condition.const === value;
}

/** The condition as one about a row of the scope that all its leaves lie in or below. */
function place(condition: Positive, at: Scope): Expr {
  if ('const' in condition) {
    return condition;
  }
  const child = onlyChild(condition, at);
  if (child !== undefined) {
    return related(condition, child);
  }
  if ('leaf' in condition) {
    return condition.leaf;
  }
  if ('any' in condition) {
    return { any: together(condition.any, at, anyOf).map((member) => place(member, at)) };
  }
  const members = together(condition.all, at, allOf);
  const torn = members.find(
    (member) =>
      onlyChild(member, at) === undefined &&
      members.some((other) => other !== member && shareRow(member, other, at)),
  );
  if (torn === undefined || !('any' in torn)) {
    return { all: members.map((member) => place(member, at)) };
  }
  const others = members.filter((member) => member !== torn);
  return place(anyOf(torn.any.map((member) => allOf([...others, member]))), at);
}

/** There is a row of the scope that fulfils the condition, or none at all and the condition is content with that. */
function related(condition: Positive, scope: Scope): Expr {
  const own = place(condition, scope);
  if (scope.before) {
    return { before: own };
  }
  const where: Expr = scope.filter === undefined ? own : { all: [scope.filter, own] };
  const some: Expr = { related: { join: scope.join, quantifier: 'some', where } };
  const content = withoutRow(condition);
  if (scope.certain || isConst(content, false)) {
    return some;
  }
  const none: Expr = {
    related: { join: scope.join, quantifier: 'none', where: scope.filter ?? { const: true } },
  };
  return { any: [some, isConst(content, true) ? none : { all: [none, content] }] };
}

/** Members that are about one relation only become one member: for `and` they speak of the same row, for `or` it saves a look. */
function together(
  members: readonly Positive[],
  at: Scope,
  group: (members: readonly Positive[]) => Positive,
): Positive[] {
  const groups: Positive[][] = [];
  const byChild = new Map<Scope, Positive[]>();
  for (const member of members) {
    const child = onlyChild(member, at);
    const known = child && byChild.get(child);
    if (known !== undefined) {
      known.push(member);
      continue;
    }
    const begun = [member];
    groups.push(begun);
    if (child !== undefined) {
      byChild.set(child, begun);
    }
  }
  return groups.map((members) => group(members));
}

/** The scope below that the whole condition is about, if there is one. */
function onlyChild(condition: Positive, at: Scope): Scope | undefined {
  const leaves = leavesOf(condition);
  const child = leaves[0]?.scope.below(at);
  return child !== undefined && leaves.every((leaf) => leaf.scope.below(at) === child) ? child : undefined;
}

/** Whether two conditions are about the same row among several. A single row needs no such care. */
function shareRow(left: Positive, right: Positive, at: Scope): boolean {
  const rows = rowsOf(left, at);
  return [...rowsOf(right, at)].some((row) => rows.has(row));
}

function rowsOf(condition: Positive, at: Scope): Set<Scope> {
  const rows = new Set<Scope>();
  for (const leaf of leavesOf(condition)) {
    for (
      let scope: Scope | undefined = leaf.scope;
      scope !== undefined && scope !== at;
      scope = scope.parent
    ) {
      if (scope.many) {
        rows.add(scope);
      }
    }
  }
  return rows;
}

function leavesOf(condition: Positive): readonly Leaf[] {
  if ('leaf' in condition) {
    return [condition];
  }
  return 'const' in condition ? [] : ('all' in condition ? condition.all : condition.any).flatMap(leavesOf);
}

/** Whether a condition holds when there is no row of any scope that it is about. */
function withoutRow(condition: Positive): Expr {
  if ('const' in condition) {
    return condition;
  }
  if ('leaf' in condition) {
    const truth = condition.withoutRow;
    return typeof truth !== 'object'
      ? { const: truth === true }
      : truth.truth
        ? truth.when
        : { const: false };
  }
  const settles = 'any' in condition;
  const members = (settles ? condition.any : condition.all)
    .map(withoutRow)
    .filter((member) => !isConst(member, !settles));
  if (members.length === 0 || members.some((member) => isConst(member, settles))) {
    return { const: members.length === 0 ? !settles : settles };
  }
  return settles ? { any: members } : { all: members };
}
