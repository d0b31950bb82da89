/**
 * Plans that insert.
 */
import type { InsertPlan, SelectField } from '../native/ir.js';
import { ABSENT } from '../native/pack.js';
import type { Column, Model } from './model.js';
import type { Payload } from './payload.js';
import { type Table, tableOf } from './table.js';
import {
  askedFor,
  extras,
  namesOf,
  type ReturningOptions,
  returningOf,
  type Write,
  writeKey,
} from './write.js';

/** New rows. Rows handed back are keyed by column, in the order given. */
export function insertOf(
  model: Model,
  rows: readonly Payload[],
  options: ReturningOptions = {},
): Write<InsertPlan> {
  const table = rowsOf(model, rows);
  const filled = filledIn(table);
  return {
    of: table.of,
    key: writeKey('insert', table.key, filled.join(), extras(options)),
    params: table.values,
    ir: () => ({
      insert: {
        into: model.collection,
        fields: namesOf(table.columns),
        returning: handedBack(model, table, filled, options),
      },
    }),
  };
}

/** Nothing where whoever inserts knows all that there is: it would be read back for nothing. */
function handedBack(
  model: Model,
  table: Table,
  filled: readonly number[],
  { returning, whole = [] }: ReturningOptions,
): SelectField[] {
  const unknown = [...made(model, table, filled), ...askedFor(model, returning)];
  const keyed = model.primary.every((column) => table.columns.includes(column));
  return unknown.length === 0 && keyed ? [...whole] : [...returningOf(model.primary, unknown), ...whole];
}

/** New rows as a table. A null for a column that takes none means its default. */
export function rowsOf(model: Model, rows: readonly Payload[]): Table {
  const table = tableOf(model, rows, 'fill');
  const [key] = model.primary;
  if (table.columns.length === 0 && key !== undefined) {
    // Without any column the number of rows would be lost.
    return { ...table, columns: [key], values: rows.map(() => ABSENT) };
  }
  const width = table.columns.length;
  for (const place of placesIn(table.columns).defaulted) {
    for (let at = place; at < table.values.length; at += width) {
      table.values[at] ??= ABSENT;
    }
  }
  return table;
}

/** The places of columns whose values the engine makes in at least one row. */
function filledIn({ columns, values }: Table): number[] {
  const width = columns.length;
  return placesIn(columns).made.filter((place) => {
    for (let at = place; at < values.length; at += width) {
      if (values[at] === ABSENT) {
        return true;
      }
    }
    return false;
  });
}

/** Where among columns those are that need a look at their values. */
interface Places {
  /** Of columns for which a null means their default. */
  readonly defaulted: readonly number[];
  /** Of columns whose values the engine makes where there are none. */
  readonly made: readonly number[];
}

const placesByColumns = new WeakMap<readonly Column[], Places>();

function placesIn(columns: readonly Column[]): Places {
  let places = placesByColumns.get(columns);
  if (places === undefined) {
    const whose = (test: (column: Column) => boolean) =>
      columns.flatMap((column, i) => (test(column) ? [i] : []));
    places = {
      defaulted: whose(
        (column) => column.autoIncrement === true || (!column.nullable && column.default !== undefined),
      ),
      made: whose(isMade),
    };
    placesByColumns.set(columns, places);
  }
  return places;
}

function isMade(column: Column): boolean {
  return column.default !== undefined || column.autoIncrement === true;
}

/** The columns whose values the engine makes, in all rows or in some. */
function made(model: Model, { columns }: Table, filled: readonly number[]): Column[] {
  return model.columns.filter((column) => {
    const at = columns.indexOf(column);
    return at < 0 ? isMade(column) : filled.includes(at);
  });
}
