/**
 * The rows a condition speaks about: the root's, and those of each relation it
 * follows.
 *
 * As in SQL, following a relation joins it from the left: a condition is about
 * combinations of rows, one of each scope, and a scope without a row counts as
 * one row of nulls.
 */
import type { Expr, Join, Path } from '../native/ir.js';
import { PlanError } from './errors.js';
import { fieldPairs, isToMany, type JoinPair, type Model, type RelationProp } from './model.js';
import type { Place } from './sink.js';

/** A relation that is followed, in one branch of a condition. */
export interface Step {
  readonly prop: RelationProp;
  readonly branch: string;
}

/** A row that a condition is about. */
export class Scope {
  readonly parent: Scope | undefined;
  /** How many relations lead here. */
  readonly depth: number;
  /** The relation that leads here, for messages. */
  readonly name: string;
  readonly #join: Join | undefined;
  /** Whether the parent's row may have several rows here. */
  readonly many: boolean;
  /** Whether every row of the parent has a row here. */
  readonly certain: boolean;
  /** What a row here has to fulfil besides. */
  #filter: Expr | undefined;
  /** The relation, and the branch of the condition, that was followed here; none for the root and for rows in between. */
  step: Step | undefined;
  /** Whether the row here is the one that the parent's was reached from. */
  before = false;
  /** Whether nothing but the key of the row here was asked for. */
  keyOnly = true;
  /** Whether a filter was added to what rows here have to fulfil anyway. */
  filtered = false;
  /** The parent's paths that hold the same as columns here. */
  readonly #copies: ReadonlyMap<string, Path> | undefined;
  readonly #children = new Map<string, Scope>();
  /** The collection of the rows; none where they are members of a list. */
  readonly #collection: string | undefined;

  private constructor(
    name: string,
    parent?: Scope,
    join?: Join,
    many = false,
    copies?: ReadonlyMap<string, Path>,
    filter?: Expr,
    certain = false,
    collection = join?.collection,
  ) {
    this.name = name;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.#join = join;
    this.many = many;
    this.#copies = copies;
    this.#filter = filter;
    this.certain = certain;
    this.#collection = collection;
  }

  /** What a row here has to fulfil besides. */
  get filter(): Expr | undefined {
    return this.#filter;
  }

  /** Adds to what a row here has to fulfil besides. */
  restrict(filter: Expr): void {
    this.#filter = this.#filter === undefined ? filter : { all: [this.#filter, filter] };
    this.filtered = true;
  }

  /** The scope of a model's rows. */
  static root({ name, collection }: Pick<Model, 'name'> & Partial<Pick<Model, 'collection'>>): Scope {
    return new Scope(name, undefined, undefined, false, undefined, undefined, false, collection);
  }

  /** The way here from the parent. */
  get join(): Join {
    if (this.#join === undefined) {
      throw new PlanError(
        'UNSUPPORTED',
        `${this.name} is a relation kept inside of a document: only its key can be asked for, other properties of its target cannot yet.`,
        this.name,
      );
    }
    return this.#join;
  }

  /** The joins along a relation: to its target, or to the pivot and from there to the target. */
  static way(prop: RelationProp): [Join, Join?] {
    const { collection } = prop.target();
    return prop.pivot === undefined
      ? [{ collection, on: prop.join }]
      : [
          { collection: prop.pivot.collection, on: prop.pivot.from },
          { collection, on: prop.pivot.to },
        ];
  }

  /** The scope at the end of a relation. One to-many relation has one for each branch of a condition. */
  follow(prop: RelationProp, branch: string): Scope {
    const name = `${isToMany(prop) ? branch : ''}/${prop.name}`;
    let scope = this.#children.get(name);
    if (scope === undefined) {
      scope = this.#step(prop);
      scope.step = { prop, branch };
      this.#children.set(name, scope);
    }
    return scope;
  }

  #step(prop: RelationProp): Scope {
    const target = prop.target();
    const filter = classFilter(target);
    const name = `${this.name}.${prop.name}`;
    const [join, onward] = Scope.way(prop);
    if (onward !== undefined) {
      const copies = prop.pivot?.partial === true ? undefined : copiesOf(onward.on);
      return new Scope(name, new Scope(name, this, join, true), onward, false, copies, filter);
    }
    if (prop.json.length > 0) {
      const [column] = prop.columns;
      const [key] = target.primary;
      const copies = new Map(column && key ? [[key.name, { field: column.name, json: prop.json }]] : []);
      return new Scope(name, this, undefined, false, copies, filter);
    }
    return new Scope(
      name,
      this,
      join,
      prop.kind === '1:m',
      prop.owner ? copiesOf(prop.join) : undefined,
      filter,
      prop.certain,
    );
  }

  /**
   * The scope nearest to the root that knows places here, with their paths
   * there: what a foreign key holds needs no look at the row it refers to.
   */
  resolve(places: readonly Place[]): { readonly scope: Scope; readonly paths: readonly Path[] } {
    let scope: Scope = this;
    let paths = places.map(pathOf);
    while (scope.parent !== undefined) {
      const copies = paths.map((path) =>
        path.json === undefined ? scope.#copies?.get(path.field) : undefined,
      );
      if (!copies.every((path) => path !== undefined)) {
        break;
      }
      paths = copies;
      scope = scope.parent;
    }
    return { scope, paths };
  }

  /**
   * The rows here as one further on finds them: on the way, the one that it comes from; otherwise all that the relations
   * that lead to it lead back to. `seen` holds those that it found before.
   */
  seenFrom(row: Scope, onTheWay: boolean, seen: Map<Scope, Scope>): Scope {
    const { parent } = this;
    if (this === row || this.below(row)?.parent === row) {
      return this;
    }
    let scope = seen.get(this);
    if (scope === undefined) {
      const next = row.below(this);
      scope =
        next?.parent === this
          ? this.#behind(next, next.seenFrom(row, onTheWay, seen), onTheWay)
          : new Scope(
              this.name,
              parent?.seenFrom(row, onTheWay, seen),
              this.#join,
              this.many,
              this.#copies,
              this.#filter,
              this.certain,
            );
      seen.set(this, scope);
    }
    return scope;
  }

  /** The rows here, behind those that one relation leads to. */
  #behind(next: Scope, from: Scope, onTheWay: boolean): Scope {
    const collection = this.#collection ?? '';
    const on = next.join.on.map(([local, target]) => [target, local] as const);
    const many = !next.many && !onTheWay;
    const behind = new Scope(this.name, from, { collection, on }, many, undefined, undefined, true);
    behind.before = onTheWay;
    return behind;
  }

  /** The scopes that lead here from the root, and this one. */
  line(): Scope[] {
    return this.parent === undefined ? [] : [...this.parent.line(), this];
  }

  /** The scope directly below an ancestor on the way here; nothing when this is the ancestor itself. */
  below(ancestor: Scope): Scope | undefined {
    let scope: Scope = this;
    while (scope.depth > ancestor.depth + 1 && scope.parent !== undefined) {
      scope = scope.parent;
    }
    return scope === ancestor ? undefined : scope;
  }
}

/** The condition that leaves out rows of other classes in the same collection. */
export function classFilter(model: Model): Expr | undefined {
  const { discriminator } = model;
  if (discriminator?.values === undefined) {
    return undefined;
  }
  const path = { field: discriminator.column.name };
  const [value] = discriminator.values;
  return discriminator.values.length === 1 && value !== undefined
    ? { cmp: { op: 'eq', path, value: { v: value } } }
    : { in: { path, values: { v: discriminator.values } } };
}

/** A place as a path of the plan. */
export function pathOf({ column, json }: Place): Path {
  return json.length > 0 ? { field: column.name, json } : { field: column.name };
}

/** None where not every row leads to the target: of the others the key says nothing of it. */
function copiesOf(pairs: readonly JoinPair[]): ReadonlyMap<string, Path> | undefined {
  return pairs.some(([, target]) => typeof target !== 'string')
    ? undefined
    : new Map(fieldPairs(pairs).map(([local, target]) => [target, { field: local }]));
}
