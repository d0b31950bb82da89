/**
 * What a query fetches, and the form its rows take: keyed by properties, keys
 * of relations as scalars or (nested) tuples, embedded objects by the names of
 * their properties.
 */
import type { Expr, NestedSelect, Select, SelectField } from '../native/ir.js';
import { chosen, type FormulaProp, isFormula } from './chosen.js';
import { allOf, type JoinedRows, matchesOf, whereOf } from './filter.js';
import { PlanError } from './errors.js';
import { keyPlaces, primaryParts, targetParts } from './key.js';
import {
  type Column,
  findProp,
  isRelation,
  isToMany,
  type Model,
  type Polymorphic,
  type Prop,
  type RelationProp,
  type Subclasses,
} from './model.js';
import { OrderBuilder, walkOrder } from './order.js';
import { fieldOf, type Finish, finishOf, isStored, nestKey, ownPart, type Part, type Row } from './part.js';
import { Scope } from './scope.js';
import type { Shape } from './shape.js';
import { walkWhere } from './where.js';
import { heldProps, partApart, type WholeRow, wholeRowOf } from './whole-row.js';

/** Which properties of an entity to fetch. */
export interface SelectOptions {
  /** Property names, dotted ones for parts of embedded objects, `*` for all; everything that is not lazy by default. Primary key and discriminator always come along. */
  readonly fields?: readonly string[] | undefined;
  /** Properties to leave out, named in the same way. */
  readonly exclude?: readonly string[] | undefined;
  /** Lazy properties to fetch all the same. */
  readonly lazy?: readonly string[] | undefined;
  /** Relations whose key is stored on the other side, to fetch as keys: 1:1 as one key or null, m:n as a list of keys. */
  readonly refs?: readonly string[] | undefined;
  /** Relations to fetch with their rows. */
  readonly nested?: readonly NestedOptions[] | undefined;
  /** A condition on the rows here: of relations that are matched, only the rows that it is fulfilled with are fetched. */
  readonly matches?: unknown;
}

/** A relation to fetch within the same query. */
export interface NestedOptions extends SelectOptions {
  readonly prop: string;
  /** Which of its rows. */
  readonly where?: unknown;
  readonly orderBy?: unknown;
  /** Fetches keys instead of rows. */
  readonly keyOnly?: boolean | undefined;
  /** Leaves out rows for which nothing is found: always, or unless they have no such relation anyway. */
  readonly required?: 'always' | 'unless absent' | undefined;
  /** Only those of its rows that a condition on the rows that lead here is fulfilled with. */
  readonly matched?: boolean | undefined;
  /** What to fetch of each entity that the relation may lead to, by discriminator; instead of what else is said here. */
  readonly targets?: ReadonlyMap<string, NestedOptions> | undefined;
}

/** Adds all that a selection depends on to the shape of a call. */
export function shapeSelect(shape: Shape, model: Model, options: SelectOptions): void {
  markNames(shape, 'fields', options.fields);
  markNames(shape, 'exclude', options.exclude);
  markNames(shape, 'lazy', options.lazy);
  markNames(shape, 'refs', options.refs);
  if (options.matches !== undefined) {
    shape.mark('matches');
    walkWhere(model, options.matches, shape);
  }
  for (const nested of options.nested ?? []) {
    const prop = relationOf(model, nested.prop);
    shape.mark(
      `nested ${nested.matched === true} ${nested.required ?? ''} ${nested.keyOnly === true ? 'key' : 'row'} ${nested.prop}`,
    );
    if (nested.targets === undefined) {
      shapeNested(shape, prop, nested);
    } else {
      for (const [discriminator, relation] of polymorphicOf(prop).targets) {
        shapeNested(shape, relation, nested.targets.get(discriminator) ?? { prop: nested.prop });
      }
    }
  }
}

function shapeNested(shape: Shape, prop: RelationProp, nested: NestedOptions): void {
  const target = prop.target();
  walkWhere(target, nested.where, shape);
  shape.mark('by');
  walkOrder(target, nested.orderBy, shape);
  shapeSelect(shape, target, nested);
  shape.mark('end');
}

function markNames(shape: Shape, kind: string, names: readonly string[] | undefined): void {
  if (names !== undefined) {
    shape.mark(kind + JSON.stringify(names));
  }
}

/** A selection as the engine has it. */
export interface CompiledSelect {
  readonly select: Select;
  /** Absent where rows come back in their final form. */
  readonly finish?: Finish;
  /** What rows must fulfil besides, for the sake of relations that are required unless they are absent. */
  readonly conditions: readonly Expr[];
  /** The number of the first parameter after the selection's. */
  readonly nextParam: number;
}

/** Builds what `shapeSelect` described. */
export function compileSelect(
  model: Model,
  options: SelectOptions,
  firstParam = 0,
  matched?: Matched,
): CompiledSelect {
  const parts = new Parts();
  const nested = options.nested ?? [];
  const refs = options.refs ?? [];
  const elsewhere = new Set([...nested.map(({ prop }) => prop), ...refs]);
  const fetched = new Set<Prop>();
  const formulas: FormulaProp[] = [];
  for (const prop of chosen(model, options)) {
    if (isFormula(prop)) {
      formulas.push(prop);
    } else if (!elsewhere.has(prop.name) || findProp(model, prop.name) !== prop) {
      fetched.add(prop);
      parts.add(prop.holder, ownPart(prop));
    }
  }
  const whole = formulas.length > 0 ? wholeRowOf(model, fetched) : undefined;
  if (whole !== undefined) {
    const held = heldProps(model).map((prop) => ({ holder: prop.holder, part: partApart(prop) }));
    for (const { holder, part } of held) {
      parts.add(holder, { ...part, hidden: true });
    }
    const read = (row: Row) => {
      const values = whole.read(row);
      for (const { holder, part } of held) {
        values[part.name] = part.read(row[holder.name] as Row);
      }
      return values;
    };
    for (const part of formulaParts(formulas, { ...whole, read })) {
      parts.add(undefined, part);
    }
  }
  for (const name of refs) {
    const prop = relationOf(model, name);
    parts.add(prop.holder, nestedPart(prop, { prop: name, keyOnly: true }, firstParam));
  }
  const matches = options.matches === undefined ? undefined : matchesOf(model, options.matches, firstParam);
  const rows = matches === undefined ? matched : { joined: matches.joined, scope: matches.joined.root };
  let nextParam = matches?.nextParam ?? firstParam;
  for (const item of nested) {
    const prop = relationOf(model, item.prop);
    const part =
      item.targets === undefined
        ? nestedPart(prop, item, nextParam, item.matched === true ? rowsBelow(rows, prop) : undefined)
        : polymorphicPart(prop, polymorphicOf(prop), item, nextParam);
    nextParam = part.nextParam;
    parts.add(prop.holder, part);
  }
  const own = parts.all();
  const further = model.below && belowOf(model.below, options.fields === undefined);
  const select = selectOf([...own, ...(further?.parts ?? [])], whole?.fields);
  const conditions = own.flatMap((part) => part.condition ?? []);
  const shown = own.filter((part) => part.hidden !== true);
  if (further !== undefined) {
    const finish = finishOf(shown);
    return { select, finish: (row) => further.finish(finish(row), row), conditions, nextParam };
  }
  return own.some((part) => part.read)
    ? { select, finish: finishOf(shown), conditions, nextParam }
    : { select, conditions, nextParam };
}

function selectOf(parts: readonly Part[], further: readonly SelectField[] = []): Select {
  return {
    fields: [...parts.flatMap((part) => part.fields ?? []), ...further],
    ...(parts.some((part) => part.nested?.length) && { nested: parts.flatMap((part) => part.nested ?? []) }),
  };
}

/** The parts of a selection, those that rows of classes above hold together in one row each. */
class Parts {
  readonly #own: Part[] = [];
  readonly #held = new Map<RelationProp, Part[]>();

  add(holder: RelationProp | undefined, part: Part): void {
    const group = holder === undefined ? this.#own : this.#held.get(holder);
    if (group !== undefined) {
      group.push(part);
    } else if (holder !== undefined) {
      this.#held.set(holder, [part]);
    }
  }

  all(): readonly Part[] {
    return [...this.#own, ...[...this.#held].flatMap(([holder, parts]) => heldParts(holder, parts))];
  }
}

/** Parts out of a row that holds them. */
function heldParts(holder: RelationProp, parts: readonly Part[]): readonly Part[] {
  const nested: NestedSelect = {
    ...way(holder),
    required: parts.some((part) => part.nested?.some(({ required }) => required)),
    select: selectOf(parts),
  };
  return parts.map(({ name, read, condition, hidden }, i) => ({
    name,
    ...(i === 0 && { nested: [nested] }),
    ...(hidden && { hidden }),
    ...(condition && { condition: related(way(holder), condition) }),
    read: (row) => {
      const held = row[holder.name] as Row | null;
      return held === null ? null : read === undefined ? held[name] : read(held);
    },
  }));
}

/** What rows go on with in the collections of classes below: the properties of those, and the name of the class. */
function belowOf(
  { property, value, classes }: Subclasses,
  whole: boolean,
): { readonly parts: readonly Part[]; readonly finish: (finished: Row, row: Row) => Row } {
  const partsByWay = new Map<string, readonly Part[]>();
  const parts = classes.map(({ way: to }): Part => {
    const target = to.target();
    const held = [...target.props.values()].filter(
      (prop) => whole && prop.holder === undefined && prop.lazy !== true && isStored(prop),
    );
    const own = [...new Set([...primaryParts(target), ...held])].map(ownPart);
    partsByWay.set(to.name, own.slice(primaryParts(target).length));
    return { name: to.name, nested: [{ ...way(to), required: false, select: selectOf(own) }] };
  });
  const formulas = new Map(
    classes.map((below) => [below, whole ? [...below.way.target().props.values()].filter(isFormula) : []]),
  );
  return {
    parts,
    finish: (finished, row) => {
      const found = classes.find((below) => below.value !== undefined && row[below.way.name] !== null);
      finished[property] = found?.value ?? value ?? null;
      for (const name of found?.lineage ?? []) {
        const held = row[name] as Row | null;
        for (const part of held === null ? [] : (partsByWay.get(name) ?? [])) {
          finished[part.name] = part.read === undefined ? held?.[part.name] : part.read(held as Row);
        }
      }
      for (const { name, compute } of (found && formulas.get(found)) ?? []) {
        finished[name] = compute(finished);
      }
      return finished;
    },
  };
}

function formulaParts(formulas: readonly FormulaProp[], whole: WholeRow): Part[] {
  // Several formulas of one row are asked for one after the other.
  let last: Row | undefined;
  let values: Row = {};
  return formulas.map(({ name, compute }) => ({
    name,
    read: (row) => {
      if (row !== last) {
        [last, values] = [row, whole.read(row)];
      }
      return compute(values);
    },
  }));
}

/** The rows that a condition is fulfilled with, and those among them that are fetched. */
interface Matched {
  readonly joined: JoinedRows;
  readonly scope: Scope;
}

function rowsBelow(rows: Matched | undefined, prop: RelationProp): Matched | undefined {
  return rows && { joined: rows.joined, scope: rows.scope.follow(prop, '') };
}

/** The relations among these that leave out rows. */
export function requiredOf(nested: readonly NestedOptions[]): NestedOptions[] {
  return nested.flatMap(({ prop, where, required, nested: further, targets }) =>
    required === undefined
      ? []
      : [
          {
            prop,
            where,
            required,
            fields: [],
            nested: requiredOf(further ?? []),
            ...(targets && { targets: requiredTargets(targets) }),
          },
        ],
  );
}

function requiredTargets(targets: ReadonlyMap<string, NestedOptions>): ReadonlyMap<string, NestedOptions> {
  const required = ({ prop, where, nested }: NestedOptions) => ({
    prop,
    where,
    fields: [],
    nested: requiredOf(nested ?? []),
  });
  return new Map([...targets].map(([discriminator, target]) => [discriminator, required(target)]));
}

/** What rows must fulfil for the sake of the relations to fetch with them, where nothing is fetched. */
export function compileRequirements(
  model: Model,
  nested: readonly NestedOptions[],
  firstParam: number,
): readonly Expr[] {
  const { select, conditions } = compileSelect(model, { fields: [], nested }, firstParam);
  return [...conditions, ...requirementsOf(select)];
}

function requirementsOf(select: Select): readonly Expr[] {
  return (select.nested ?? []).filter((nested) => nested.required).map(isFound);
}

/** That a nested selection finds something. */
function isFound(nested: NestedSelect): Expr {
  return related(nested, allOf([...(nested.where ? [nested.where] : []), ...requirementsOf(nested.select)]));
}

function related({ join, via }: Pick<NestedSelect, 'join' | 'via'>, where: Expr): Expr {
  const found: Expr = { related: { join, quantifier: 'some', where } };
  if (via === undefined) {
    return found;
  }
  const { where: here, collection, on } = via;
  const pivot = here === undefined ? found : allOf([here, found]);
  return { related: { join: { collection, on }, quantifier: 'some', where: pivot } };
}

/** Rows of one entity in those of another. */
interface Nested {
  readonly nested: NestedSelect;
  readonly read?: (row: Row) => unknown;
  readonly nextParam: number;
}

function nestedPart(
  prop: RelationProp,
  options: NestedOptions,
  firstParam: number,
  matched?: Matched,
): Part & { readonly nextParam: number } {
  const { nested, read, nextParam } = nestedOf(prop, options, firstParam, matched);
  return {
    name: prop.name,
    nested: [nested],
    ...(options.required === 'unless absent' && { condition: { any: [isAbsent(prop), isFound(nested)] } }),
    ...(read && { read }),
    nextParam,
  };
}

function nestedOf(prop: RelationProp, options: NestedOptions, firstParam: number, matched?: Matched): Nested {
  const target = prop.target();
  const where = whereOf(target, options.where, firstParam);
  const order = new OrderBuilder(target, where.joined);
  walkOrder(target, options.orderBy, order);
  const { select, finish, conditions, nextParam } =
    options.keyOnly === true
      ? { ...selectKey(prop), nextParam: where.nextParam }
      : compileSelect(target, options, where.nextParam, matched);
  const all = [where.expr, matched?.joined.at(matched.scope), ...conditions].filter(
    (expr) => expr !== undefined,
  );
  const { via, ...rest } = way(prop);
  const pivot = matched?.scope.parent;
  const pivoted = via && pivot && matched.joined.at(pivot);
  const nested: NestedSelect = {
    ...rest,
    ...(via && { via: pivoted === undefined ? via : { ...via, where: pivoted } }),
    required: options.required === 'always',
    ...(all.length > 0 && { where: allOf(all) }),
    ...(order.order.length > 0 && { order: order.order }),
    select,
  };
  return { nested, ...(finish && { read: readNested(prop, finish) }), nextParam };
}

/** What is fetched of one of the entities that a relation may lead to. */
interface NestedTarget extends Nested {
  readonly discriminator: string;
  /** Whether only some of its rows are asked for. */
  readonly filtered: boolean;
}

/** Rows of several entities under one name. */
function polymorphicPart(
  prop: RelationProp,
  polymorphic: Polymorphic,
  options: NestedOptions,
  firstParam: number,
): Part & { readonly nextParam: number } {
  let nextParam = firstParam;
  const targets = [...polymorphic.targets].map(([discriminator, relation]): NestedTarget => {
    const target = options.targets?.get(discriminator) ?? { prop: prop.name };
    const part = nestedOf({ ...relation, name: `${prop.name}~~~${discriminator}` }, target, nextParam);
    nextParam = part.nextParam;
    return { ...part, discriminator, filtered: target.where !== undefined };
  });
  const condition = requiredTarget(polymorphic.column, options.required, targets);
  const base = { name: prop.name, ...(condition && { condition }), nextParam };
  if (options.keyOnly === true) {
    return { ...ownPart(prop), ...base };
  }
  return {
    ...base,
    nested: targets.map(({ nested }) => nested),
    read: (row) => {
      for (const { discriminator, nested, read } of targets) {
        if (row[nested.name] !== null) {
          return polymorphic.row(discriminator, (read === undefined ? row[nested.name] : read(row)) as Row);
        }
      }
      return null;
    },
  };
}

/** That a row leads to what is asked of any entity; or of the one that it leads to, if something is asked of that. */
function requiredTarget(
  column: Column,
  required: NestedOptions['required'],
  targets: readonly NestedTarget[],
): Expr | undefined {
  if (required !== 'unless absent') {
    return required && { any: targets.map(({ nested }) => isFound(nested)) };
  }
  const path = { field: column.name };
  return allOf(
    targets
      .filter(({ filtered }) => filtered)
      .map(
        ({ discriminator, nested }): Expr => ({
          any: [{ null: path }, { cmp: { op: 'ne', path, value: { v: discriminator } } }, isFound(nested)],
        }),
      ),
  );
}

/** The key of a relation's target, as its rows are found. */
function selectKey(prop: RelationProp): Omit<CompiledSelect, 'finish'> & { finish: (row: Row) => unknown } {
  const parts = targetParts(prop);
  const columns = keyPlaces(parts, prop.name).map(({ column }) => column);
  const names = columns.map((column) => column.name);
  const fields = columns.map((column) => fieldOf(column, column.name));
  return { select: { fields }, finish: nestKey(parts, names, prop.name), conditions: [], nextParam: 0 };
}

/** That a row has no such relation, whatever filters say. */
function isAbsent(prop: RelationProp): Expr {
  return prop.columns.length > 0
    ? { any: prop.columns.map((column): Expr => ({ null: { field: column.name } })) }
    : { not: related(way(prop), { const: true }) };
}

function readNested(prop: RelationProp, read: (row: Row) => unknown): (row: Row) => unknown {
  return (row) => {
    const value = row[prop.name];
    if (isToMany(prop)) {
      return (value as Row[]).map(read);
    }
    return value === null ? null : read(value as Row);
  };
}

function way(prop: RelationProp): Pick<NestedSelect, 'name' | 'join' | 'via' | 'many'> {
  const [first, second] = Scope.way(prop);
  const many = isToMany(prop);
  return second === undefined
    ? { name: prop.name, join: first, many }
    : { name: prop.name, via: first, join: second, many };
}

function polymorphicOf(prop: RelationProp): Polymorphic {
  if (prop.polymorphic === undefined) {
    throw new PlanError('UNSUPPORTED', `${prop.name} leads to one entity only`, prop.name);
  }
  return prop.polymorphic;
}

function relationOf(model: Model, name: string): RelationProp {
  const prop = model.props.get(name);
  if (prop === undefined || !isRelation(prop)) {
    throw new PlanError(
      'UNKNOWN_PROPERTY',
      `${model.name} does not have a relation ${name} to populate`,
      `${model.name}.${name}`,
    );
  }
  if (prop.refused !== undefined) {
    throw new PlanError(
      'UNSUPPORTED',
      `${model.name}.${name} ${prop.refused} and cannot be populated`,
      `${model.name}.${name}`,
    );
  }
  return prop;
}
