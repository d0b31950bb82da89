/**
 * Plans that insert, or change what is there already.
 */
import type { Expr, InsertPlan, JsonValue, OnConflict } from '../native/ir.js';
import { whereOf } from './filter.js';
import { rowsOf } from './insert.js';
import { type Column, columnsOf, findProp, type Model } from './model.js';
import { type Payload, writtenColumns } from './payload.js';
import { Shape } from './shape.js';
import type { Table } from './table.js';
import { walkWhere } from './where.js';
import {
  askedFor,
  extras,
  listed,
  namesOf,
  type ReturningOptions,
  ROW_NUMBER,
  returningOf,
  type Write,
  writeKey,
} from './write.js';

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

/** New rows, or changes where their unique key is taken. Rows handed back are keyed by column; `$row` tells which of the payloads each is. */
export function upsertOf(
  model: Model,
  rows: readonly Payload[],
  options: UpsertOptions = {},
): Write<InsertPlan> {
  const table = rowsOf(model, rows);
  const where = conflictWhere(model, options.where);
  const { unique, merge, exclude, ignore } = options;
  return {
    of: table.of,
    key: writeKey(
      ignore === true ? 'upsert or ignore' : 'upsert',
      table.key,
      listed(unique),
      JSON.stringify(merge ?? null),
      listed(exclude),
      extras(options),
      JSON.stringify(where ?? null),
    ),
    params: table.values,
    ir: () => {
      const known = new Set([...table.columns, ...lazyColumns(model)]);
      return {
        insert: {
          into: model.collection,
          fields: namesOf(table.columns),
          conflict: conflictOf(model, table, options, where),
          returning: [
            { field: ROW_NUMBER, as: 'number' },
            ...returningOf(
              model.primary,
              model.columns.filter((column) => !known.has(column)),
              askedFor(model, options.returning),
            ),
            ...(options.whole ?? []),
          ],
        },
      };
    },
  };
}

/** The columns that are loaded only when they are asked for. */
function lazyColumns(model: Model): readonly Column[] {
  return [...model.props.values()].filter(({ lazy }) => lazy === true).flatMap(columnsOf);
}

function conflictOf(model: Model, table: Table, options: UpsertOptions, where: Expr | undefined): OnConflict {
  const key =
    options.unique === undefined
      ? model.primary
      : options.unique.flatMap((name) => writtenColumns(model, name));
  const merge = mergedColumns(model, table, key, options);
  const fields = namesOf(key);
  return merge.length === 0
    ? { fields, action: 'ignore' }
    : { fields, action: 'merge', merge: namesOf(merge), ...(where && { where }) };
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
