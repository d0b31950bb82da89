/**
 * Rows of one write as a table: the columns that any of them has, and their
 * values, flat, as the engine takes them.
 */
import { ABSENT } from '../native/pack.js';
import { aligned, type Layout, layoutOf, type Sharing } from './layout.js';
import type { Column, Model } from './model.js';
import { classOf, type Payload } from './payload.js';
import { refuseSymbols } from './value.js';

/** Rows of one write. */
export interface Table {
  /** What plans for it are kept by: its layout, or its model. */
  readonly of: object;
  /** Tells the columns from those of other tables that have the same. */
  readonly key: string;
  readonly columns: readonly Column[];
  /** Rows times columns; `ABSENT` where a row says nothing. */
  readonly values: unknown[];
}

/** Lays payloads out as a table. */
export function tableOf(model: Model, rows: readonly Payload[], sharing: Sharing): Table {
  if (model.discriminator?.classes !== undefined) {
    return mixedTable(model, rows, sharing);
  }
  const layout = layoutOf(model, namesOf(model, rows), sharing);
  const width = layout.columns.length;
  const values = new Array<unknown>(rows.length * width).fill(ABSENT);
  for (let i = 0; i < rows.length; i++) {
    fill(values, i * width, layout, rows[i] as Payload);
  }
  return { of: layout, key: '', columns: layout.columns, values };
}

/** Rows of classes that keep properties of the same names in columns of their own. */
function mixedTable(model: Model, rows: readonly Payload[], sharing: Sharing): Table {
  const rowsByClass = new Map<Model, Payload[]>();
  const classes = rows.map((row) => {
    const rowClass = classOf(model, row);
    rowsByClass.set(rowClass, [...(rowsByClass.get(rowClass) ?? []), row]);
    return rowClass;
  });
  const present = [...rowsByClass.keys()];
  const { columns, layouts } = aligned(
    present.map((rowClass) =>
      layoutOf(rowClass, namesOf(rowClass, rowsByClass.get(rowClass) ?? []), sharing),
    ),
  );
  const values = new Array<unknown>(rows.length * columns.length).fill(ABSENT);
  rows.forEach((row, i) => {
    const layout = layouts[present.indexOf(classes[i] as Model)];
    if (layout !== undefined) {
      fill(values, i * columns.length, layout, row);
    }
  });
  return { of: model, key: keyOf(columns), columns, values };
}

/** Tells columns from others of the model. */
export function keyOf(columns: readonly Column[]): string {
  return columns.map(({ name }) => name).join('\u0001');
}

/** The names that say something in any of the rows. */
function namesOf(model: Model, rows: readonly Payload[]): string[] {
  const [only] = rows;
  if (only !== undefined && rows.length === 1) {
    refuseSymbols(only, model.name);
    return Object.keys(only).filter((name) => only[name] !== undefined);
  }
  const names = new Set<string>();
  for (const row of rows) {
    refuseSymbols(row, model.name);
    for (const name of Object.keys(row)) {
      if (row[name] !== undefined && !names.has(name)) {
        names.add(name);
      }
    }
  }
  return [...names];
}

function fill(values: unknown[], start: number, layout: Layout, row: Payload): void {
  for (const { name, path, target, places } of layout.cells) {
    const value = row[name];
    if (value === undefined) {
      continue;
    }
    const [place] = places;
    if (
      target.plain &&
      place !== undefined &&
      (value === null || typeof value === 'string' || typeof value === 'number')
    ) {
      values[start + place] = value;
      continue;
    }
    const parts = target.values(value, path);
    for (let i = 0; i < places.length; i++) {
      const at = start + (places[i] ?? 0);
      // What is only shared here yields to its owner, whichever comes first.
      if (parts[i] !== ABSENT && (i < target.own || values[at] === ABSENT)) {
        values[at] = parts[i];
      }
    }
  }
}
