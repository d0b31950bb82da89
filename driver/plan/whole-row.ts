/**
 * Everything that a row holds, for functions that make something of it: read
 * along with what was asked for, under names that nothing else has.
 */
import type { SelectField } from '../native/ir.js';
import type { Model, Prop } from './model.js';
import { finishOf, isStored, ownPart, type Part, type Row } from './part.js';

/** How to come by all that a row holds. */
export interface WholeRow {
  /** What to fetch besides what is fetched anyway. */
  readonly fields: readonly SelectField[];
  /** All of it, keyed by properties, out of a row as it was fetched. */
  readonly read: (row: Row) => Row;
}

const PREFIX = '=';

/** The whole row beside properties that are fetched anyway. */
export function wholeRowOf(model: Model, fetched: ReadonlySet<Prop> = new Set()): WholeRow {
  const parts: Part[] = [];
  const fields: SelectField[] = [];
  for (const prop of model.props.values()) {
    if (!isStored(prop) || prop.name.startsWith('$')) {
      continue;
    }
    const part = ownPart(prop);
    if (fetched.has(prop)) {
      parts.push(part);
      continue;
    }
    const own = part.fields ?? [];
    fields.push(...own.map((field) => ({ ...field, name: PREFIX + nameOf(field) })));
    parts.push({ name: prop.name, read: (row) => readApart(part, own, row) });
  }
  return { fields, read: finishOf(parts) };
}

/** The value of a property whose columns were fetched under names of their own. */
function readApart({ name, read }: Part, fields: readonly SelectField[], row: Row): unknown {
  const own: Row = {};
  for (const field of fields) {
    own[nameOf(field)] = row[PREFIX + nameOf(field)];
  }
  return read === undefined ? own[name] : read(own);
}

function nameOf({ name, field }: SelectField): string {
  return name ?? field;
}

/** A row as it was fetched, without what came along for the sake of the whole. */
export function withoutWhole(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith(PREFIX)));
}
