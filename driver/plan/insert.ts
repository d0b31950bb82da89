/**
 * Plans that insert.
 */
import type { InsertPlan } from '../native/ir.js';
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
    key: writeKey('insert', model, table.key, filled.join(), extras(options)),
    params: table.values,
    ir: () => ({
      insert: {
        into: model.collection,
        fields: namesOf(table.columns),
        returning: [
          ...returningOf(model.primary, made(model, table, filled), askedFor(model, options.returning)),
          ...(options.whole ?? []),
        ],
      },
    }),
  };
}

/** New rows as a table. A null for a column that takes none means its default. */
export function rowsOf(model: Model, rows: readonly Payload[]): Table {
  const table = tableOf(model, rows, 'fill');
  const [key] = model.primary;
  if (table.columns.length === 0 && key !== undefined) {
    // Without any column the number of rows would be lost.
    return { key: '', columns: [key], values: rows.map(() => ABSENT) };
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

/** The places of columns whose values the engine makes in at least one row. */
function filledIn({ columns, values }: Table): number[] {
  const width = columns.length;
  const places: number[] = [];
  columns.forEach((column, i) => {
    if (isMade(column)) {
      for (let at = i; at < values.length; at += width) {
        if (values[at] === ABSENT) {
          places.push(i);
          break;
        }
      }
    }
  });
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
