/**
 * Plans that write: inserts, updates, changes by key, upserts and deletes.
 */
import type {
  Assignment,
  Expr,
  InsertPlan,
  JsonValue,
  OnConflict,
  SelectField,
  UpdateManyPlan,
  UpdatePlan,
} from '../native/ir.js';
import { ABSENT } from '../native/pack.js';
import { PlanError } from './errors.js';
import { whereOf } from './filter.js';
import { flattenKey, primaryParts } from './key.js';
import { type Column, columnsOf, findProp, type Model } from './model.js';
import { type Payload, writtenColumns } from './payload.js';
import { Shape } from './shape.js';
import { requireWholeKey, type Table, tableOf } from './table.js';
import { isPlainObject } from './value.js';
import { walkWhere } from './where.js';

/** A write ready to run: its shape, how to make the plan of that shape, and the parameters of this call. */
export interface Write<Ir> {
  readonly key: string;
  readonly ir: () => Ir;
  readonly params: unknown[];
}

/** What a write hands back. */
export interface ReturningOptions {
  /** Properties or columns to hand back besides what the write made itself; `*` for all columns. */
  readonly returning?: readonly string[] | undefined;
}

/** What an upsert does about rows that are there already. */
export interface UpsertOptions extends ReturningOptions {
  /** The properties of the unique key; the primary key by default. */
  readonly unique?: readonly string[] | undefined;
  /** Leaves such rows alone rather than changing them. */
  readonly ignore?: boolean | undefined;
  /** The properties to change; everything given but the key by default. */
  readonly merge?: readonly string[] | undefined;
  /** Properties not to change. */
  readonly exclude?: readonly string[] | undefined;
  /** Changes only rows that fulfil this. */
  readonly where?: unknown;
}

/** New rows. Rows handed back are keyed by column, in the order given. */
export function insertOf(
  model: Model,
  rows: readonly Payload[],
  options: ReturningOptions = {},
): Write<InsertPlan> {
  const table = rowsOf(model, rows);
  const returning = generated(model, table, options.returning);
  const shape = new Shape(`insert ${model.name}`);
  markFields(shape, table.columns, returning);
  return {
    key: shape.key,
    params: table.values,
    ir: () => ({
      insert: { into: model.collection, fields: names(table.columns), returning: returning.map(returned) },
    }),
  };
}

/** New rows as a table. A null for a column that takes none means its default. */
function rowsOf(model: Model, rows: readonly Payload[]): Table {
  const table = tableOf(model, rows, 'fill');
  const [key] = model.primary;
  if (table.columns.length === 0 && key !== undefined) {
    // Without any column the number of rows would be lost.
    return { columns: [key], values: rows.map(() => ABSENT) };
  }
  const width = table.columns.length;
  table.columns.forEach((column, i) => {
    if (column.autoIncrement === true || (!column.nullable && column.default !== undefined)) {
      for (let at = i; at < table.values.length; at += width) {
        table.values[at] ??= ABSENT;
      }
    }
  });
  return table;
}

/** The columns whose values the engine makes in at least one row, the primary key, and those asked for. */
function generated(model: Model, table: Table, asked: readonly string[] | undefined): Column[] {
  const width = table.columns.length;
  const made = model.columns.filter((column) => {
    if (column.default === undefined && column.autoIncrement !== true) {
      return false;
    }
    const at = table.columns.indexOf(column);
    return at < 0 || table.values.some((value, i) => i % width === at && value === ABSENT);
  });
  return [...new Set([...model.primary, ...made, ...askedFor(model, asked)])];
}

function askedFor(model: Model, asked: readonly string[] = []): readonly Column[] {
  return asked.flatMap((name) => {
    if (name === '*') {
      return model.columns;
    }
    const prop = findProp(model, name);
    if (prop === undefined) {
      throw new PlanError(
        'UNKNOWN_PROPERTY',
        `Entity '${model.name}' does not have property '${name}'`,
        `${model.name}.${name}`,
      );
    }
    return prop.json.length > 0 ? [] : columnsOf(prop);
  });
}

/** The name under which an upsert hands back the number of the row in the payloads, as ignored rows hand nothing back. */
export const ROW_NUMBER = '$row';

/** New rows, or changes where their unique key is taken. Rows handed back are keyed by column; `$row` tells which of the payloads each is. */
export function upsertOf(
  model: Model,
  rows: readonly Payload[],
  options: UpsertOptions = {},
): Write<InsertPlan> {
  const table = rowsOf(model, rows);
  const unique =
    options.unique === undefined
      ? model.primary
      : options.unique.flatMap((name) => writtenColumns(model, name));
  const merge = mergedColumns(model, table, unique, options);
  const returning = [
    ...new Set([
      ...model.primary,
      ...model.columns.filter((column) => !table.columns.includes(column)),
      ...askedFor(model, options.returning),
    ]),
  ];
  const where = conflictWhere(model, options.where);
  const shape = new Shape(`upsert ${model.name}`);
  markFields(shape, table.columns, returning);
  shape.mark(JSON.stringify([names(unique), names(merge), where ?? null]));
  const conflict: OnConflict =
    merge.length === 0
      ? { fields: names(unique), action: 'ignore' }
      : { fields: names(unique), action: 'merge', merge: names(merge), ...(where && { where }) };
  return {
    key: shape.key,
    params: table.values,
    ir: () => ({
      insert: {
        into: model.collection,
        fields: names(table.columns),
        conflict,
        returning: [{ field: ROW_NUMBER, as: 'number' }, ...returning.map(returned)],
      },
    }),
  };
}

function mergedColumns(
  model: Model,
  table: Table,
  unique: readonly Column[],
  options: UpsertOptions,
): readonly Column[] {
  if (options.ignore === true) {
    return [];
  }
  const expand = (name: string): readonly Column[] => {
    if (name === '*') {
      return table.columns;
    }
    const dot = name.indexOf('.');
    return writtenColumns(model, findProp(model, name) === undefined && dot > 0 ? dotted(model, name) : name);
  };
  if (options.merge !== undefined) {
    return [...new Set(options.merge.flatMap(expand))].filter((column) => table.columns.includes(column));
  }
  const excluded = new Set((options.exclude ?? []).flatMap(expand));
  return table.columns.filter((column) => !unique.includes(column) && !excluded.has(column));
}

/** The flattened name of a property of an embedded object. */
function dotted(model: Model, name: string): string {
  const [first = '', ...rest] = name.split('.');
  let prop = model.props.get(first);
  for (const step of rest) {
    prop = prop?.kind === 'embedded' && prop.inline && step !== '*' ? prop.props.get(step) : prop;
  }
  return prop?.name ?? name;
}

/** The condition with its values inside: the parameters of an upsert are its rows. */
function conflictWhere(model: Model, where: unknown): Expr | undefined {
  if (where === undefined) {
    return undefined;
  }
  const shape = new Shape('');
  walkWhere(model, where, shape);
  const { expr } = whereOf(model, where);
  return expr && (withConstants(expr, shape.params) as Expr);
}

function withConstants(node: unknown, params: readonly unknown[]): unknown {
  if (Array.isArray(node)) {
    return node.map((item) => withConstants(item, params));
  }
  if (typeof node !== 'object' || node === null) {
    return node;
  }
  const { p } = node as { p?: unknown };
  if (typeof p === 'number') {
    return { v: constant(params[p]) };
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withConstants(value, params)]));
}

function constant(value: unknown): JsonValue {
  if (value instanceof Date) {
    return value.toISOString();
  }
  return typeof value === 'bigint' ? String(value) : ((value ?? null) as JsonValue);
}

/** The same change to every row that matches; nothing where the payload changes nothing. The version goes up by itself. */
export function updateOf(
  model: Model,
  where: unknown,
  data: Payload,
  options: ReturningOptions = {},
): Write<UpdatePlan> | undefined {
  const table = tableOf(model, [data], 'own');
  const given = table.columns.filter((_, i) => table.values[i] !== ABSENT);
  if (given.length === 0) {
    return undefined;
  }
  const bump = bumpOf(model, table);
  const returning = [
    ...new Set([...(bump === undefined ? [] : versionColumns(model)), ...askedFor(model, options.returning)]),
  ];
  const shape = new Shape(`update ${model.name}`);
  walkWhere(model, where, shape);
  markFields(shape, given, returning);
  const condition = shape.params.length;
  return {
    key: shape.key,
    params: [...shape.params, ...table.values.filter((value) => value !== ABSENT)],
    ir: () => {
      const { expr } = whereOf(model, where);
      const set: Assignment[] = given.map((column, i) => ({
        field: column.name,
        value: { p: condition + i },
      }));
      return {
        update: {
          in: model.collection,
          ...(expr && { where: expr }),
          set: bump === undefined ? set : [...set, bump],
          returning: returning.map(returned),
        },
      };
    },
  };
}

type Bump = NonNullable<UpdateManyPlan['updateMany']['bump']>;

function bumpOf(model: Model, table: Table): Bump | undefined {
  const [column] = versionColumns(model);
  if (column === undefined || table.columns.includes(column)) {
    return undefined;
  }
  return column.type === 'date' || column.type === 'text'
    ? { field: column.name, now: true }
    : { field: column.name, inc: 1 };
}

function versionColumns(model: Model): readonly Column[] {
  const prop = model.version === undefined ? undefined : findProp(model, model.version);
  return prop === undefined ? [] : columnsOf(prop);
}

/** A change of its own for each key; nothing where the payloads change nothing. Rows handed back are keyed by column and hold their keys. */
export function updateManyOf(
  model: Model,
  wheres: readonly unknown[],
  data: readonly Payload[],
  options: ReturningOptions = {},
): Write<UpdateManyPlan> | undefined {
  if (wheres.length !== data.length) {
    throw new PlanError(
      'INVALID_DATA',
      `${wheres.length} conditions came with ${data.length} changes of ${model.name}`,
      model.name,
    );
  }
  const changes = tableOf(model, data, 'own');
  if (changes.columns.length === 0) {
    return undefined;
  }
  const keys = tableOf(
    model,
    wheres.map((where) => keyPayload(model, where)),
    'fill',
  );
  requireWholeKey(model, keys.columns);
  const bump = bumpOf(model, changes);
  const returning = [
    ...new Set([
      ...model.primary,
      ...(bump === undefined ? [] : versionColumns(model)),
      ...askedFor(model, options.returning),
    ]),
  ];
  const shape = new Shape(`updateMany ${model.name}`);
  markFields(shape, keys.columns, returning);
  markFields(shape, changes.columns, []);
  return {
    key: shape.key,
    params: interleave(keys, changes, data.length),
    ir: () => ({
      updateMany: {
        in: model.collection,
        key: names(keys.columns),
        set: names(changes.columns),
        ...(bump && { bump }),
        returning: returning.map(returned),
      },
    }),
  };
}

/** A condition on a key as a payload of its columns. */
function keyPayload(model: Model, where: unknown): Payload {
  const parts = primaryParts(model);
  const [first] = Object.values(isPlainObject(where) ? where : {});
  const names = isPlainObject(where) ? Object.keys(where) : [];
  if (names.length > 1 || (names[0] !== undefined && !names[0].includes('~~~'))) {
    return where as Payload;
  }
  const flat = flattenKey(parts, names.length === 1 ? first : where, model.name);
  return Object.fromEntries(model.primary.map((column, i) => [column.name, flat[i]]));
}

function interleave(left: Table, right: Table, rows: number): unknown[] {
  const [leftWidth, rightWidth] = [left.columns.length, right.columns.length];
  const values: unknown[] = [];
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < leftWidth; i++) {
      values.push(left.values[row * leftWidth + i]);
    }
    for (let i = 0; i < rightWidth; i++) {
      values.push(right.values[row * rightWidth + i]);
    }
  }
  return values;
}

function markFields(shape: Shape, columns: readonly Column[], returning: readonly Column[]): void {
  shape.mark(JSON.stringify([names(columns), names(returning)]));
}

function names(columns: readonly Column[]): string[] {
  return columns.map((column) => column.name);
}

function returned(column: Column): SelectField {
  return { field: column.name, as: column.wire };
}
