/**
 * What all writes have in common: a shape, a plan, parameters, and what comes
 * back.
 */
import type { SelectField } from '../native/ir.js';
import { PlanError } from './errors.js';
import { type Column, columnsOf, findProp, type Model } from './model.js';

/** A write ready to run: its shape, how to make the plan of that shape, and the parameters of this call. */
export interface Write<Ir> {
  /** What the plan is kept by. */
  readonly of: object;
  /** Tells the shape from others of the same. */
  readonly key: string;
  readonly ir: () => Ir;
  readonly params: unknown[];
}

/** What a write hands back. */
export interface ReturningOptions {
  /** Properties or columns to hand back besides what the write made itself; `*` for all columns. */
  readonly returning?: readonly string[] | undefined;
  /** Everything that the rows hold, besides. */
  readonly whole?: readonly SelectField[] | undefined;
}

/** What a change may be asked besides. */
export interface UpdateOptions extends ReturningOptions {
  /** Counts the version up even where nothing else changes. */
  readonly touch?: boolean;
}

/** The name under which an upsert hands back the number of the row in the payloads, as ignored rows hand nothing back. */
export const ROW_NUMBER = '$row';

const END = '\u0001';

/** The key of a call's shape, from all that its plan depends on but what it is kept by. A last empty part keeps what is appended apart. */
export function writeKey(kind: string, ...parts: readonly string[]): string {
  let key = kind;
  for (const part of parts) {
    // Twice, since names within a part are apart by one.
    key += END + END + part;
  }
  return key;
}

/** What is handed back besides what the write made, as a part of a shape. */
export function extras({ returning, whole }: ReturningOptions): string {
  return listed(returning) + (whole === undefined ? '' : ' and all');
}

/** Names as a part of a shape. */
export function listed(names: readonly string[] | undefined): string {
  return names === undefined || names.length === 0 ? '' : JSON.stringify(names);
}

/** Every column once, of several lists, handed back as it is. */
export function returningOf(...lists: readonly (readonly Column[])[]): SelectField[] {
  return [...new Set(lists.flat())].map((column) => ({ field: column.name, as: column.wire }));
}

/** The columns of the properties asked for. */
export function askedFor(model: Model, asked: readonly string[] = []): readonly Column[] {
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
    return prop.json.length > 0 || prop.holder !== undefined ? [] : columnsOf(prop);
  });
}

/** The names of columns. */
export function namesOf(columns: readonly Column[]): string[] {
  return columns.map((column) => column.name);
}
