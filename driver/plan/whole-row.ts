/**
 * Everything that a row holds, for functions that make something of it: read
 * along with what was asked for, under names that nothing else has.
 */
import type { SelectField } from '../native/ir.js';
import type { Model, Prop, RelationProp } from './model.js';
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
    if (!isStored(prop) || prop.holder !== undefined || prop.name.startsWith('$')) {
      continue;
    }
    const part = ownPart(prop);
    if (fetched.has(prop)) {
      parts.push(part);
      continue;
    }
    const { fields: own, read } = partApart(prop);
    fields.push(...own);
    parts.push({ name: prop.name, read });
  }
  return { fields, read: finishOf(parts) };
}

/** A property that is kept with the row of a class above. */
type HeldProp = Prop & { readonly holder: RelationProp };

/** The properties that rows of classes above hold. */
export function heldProps(model: Model): readonly HeldProp[] {
  return [...model.props.values()].filter(
    (prop): prop is HeldProp => prop.holder !== undefined && isStored(prop),
  );
}

/** A property whose columns are fetched under names of their own. */
export function partApart(prop: Prop): Required<Pick<Part, 'name' | 'fields' | 'read'>> {
  const part = ownPart(prop);
  const own = part.fields ?? [];
  return {
    name: prop.name,
    fields: own.map((field) => ({ ...field, name: PREFIX + nameOf(field) })),
    read: (row) => readApart(part, own, row),
  };
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
