/**
 * Rows of one write as a table: the columns that any of them has, and their
 * values, flat, as the engine takes them.
 */
import { ABSENT } from '../native/pack.js';
import { PlanError } from './errors.js';
import type { Column, Model } from './model.js';
import { classOf, type Payload, targetOf } from './payload.js';
import { refuseSymbols } from './value.js';

/** Rows of one write. */
export interface Table {
  readonly columns: readonly Column[];
  /** Rows times columns; `ABSENT` where a row says nothing. */
  readonly values: unknown[];
}

/** What becomes of columns that several properties share. */
export type Sharing =
  /** A property that only shares a column fills it where no other does: a row is made whole. */
  | 'fill'
  /** Only the property that owns a column changes it. */
  | 'own';

/** Lays payloads out as a table. */
export function tableOf(model: Model, rows: readonly Payload[], sharing: Sharing): Table {
  const classes =
    model.discriminator?.classes === undefined ? undefined : rows.map((row) => classOf(model, row));
  const columns = columnsOfRows(model, rows, classes, sharing);
  const places = new Map([...columns.keys()].map((name, i) => [name, i]));
  const width = places.size;
  const values = new Array<unknown>(rows.length * width).fill(ABSENT);
  rows.forEach((row, i) => {
    fill(values, i * width, places, classes?.[i] ?? model, row, sharing);
  });
  return { columns: [...columns.values()], values };
}

function columnsOfRows(
  model: Model,
  rows: readonly Payload[],
  classes: readonly Model[] | undefined,
  sharing: Sharing,
): Map<string, Column> {
  const columns = new Map<string, Column>();
  const seen = new Set<string>();
  rows.forEach((row, i) => {
    refuseSymbols(row, model.name);
    for (const name of Object.keys(row)) {
      if (classes === undefined && seen.has(name)) {
        continue;
      }
      if (row[name] !== undefined) {
        seen.add(name);
        const target = targetOf(classes?.[i] ?? model, name);
        for (const column of sharing === 'own' ? target.columns.slice(0, target.own) : target.columns) {
          columns.set(column.name, column);
        }
      }
    }
  });
  return columns;
}

function fill(
  values: unknown[],
  start: number,
  places: ReadonlyMap<string, number>,
  model: Model,
  row: Payload,
  sharing: Sharing,
): void {
  for (const name of Object.keys(row)) {
    if (row[name] === undefined) {
      continue;
    }
    const target = targetOf(model, name);
    const own = target.values(row[name], `${model.name}.${name}`);
    for (let i = 0; i < (sharing === 'own' ? target.own : own.length); i++) {
      const column = target.columns[i];
      const place = column && places.get(column.name);
      if (place !== undefined && own[i] !== ABSENT && (i < target.own || values[start + place] === ABSENT)) {
        values[start + place] = own[i];
      }
    }
  }
}

/** Refuses a change by key that does not name the whole primary key. */
export function requireWholeKey(model: Model, columns: readonly Column[]): void {
  const missing = model.primary.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new PlanError(
      'INVALID_CONDITION',
      `A change by key of ${model.name} needs its whole primary key: ${missing.map((column) => column.name).join(', ')} is missing`,
      model.name,
    );
  }
}
