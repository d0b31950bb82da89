/**
 * Formulas, generated values and checks written in JavaScript: functions of a
 * row, marked so that they are told apart from core's callbacks, which return
 * SQL.
 */
// biome-ignore-all lint/suspicious/noExplicitAny: a function says itself which row it takes.

/**
 * What `computed()` and `check()` return. Typed as the callbacks that core
 * takes in such places, so that it fits wherever a piece of SQL does.
 */
export type RowFunction = (...columns: any[]) => string;

/** What a marked function is for. */
type Use = 'value' | 'check';

/** The same in every copy of this package, of which a process may hold several: one for each kind of module. */
const FUNCTION = Symbol.for('collection-store-mikro-orm.row-function');

interface Marked {
  readonly use: Use;
  readonly run: (row: any) => unknown;
}

/**
 * A value made of the other properties of a row, for `@Formula()`, `formula`
 * and `generated`. A formula is computed whenever the property is loaded; a
 * generated value whenever the row is written, and is stored.
 *
 * The function gets a plain object of the row's own properties: values as
 * entities have them, relations as keys. It must not be asynchronous.
 */
export function computed<Row extends object = any>(compute: (row: Row) => unknown): RowFunction {
  return marked('value', compute);
}

/**
 * A condition that every written row must fulfil, for `@Check()` and `check`.
 * As in SQL, `null` and `undefined` stand for unknown, which is no violation.
 *
 * The function gets the row as that of `computed()` does.
 */
export function check<Row extends object = any>(
  holds: (row: Row) => boolean | null | undefined,
): RowFunction {
  return marked('check', holds);
}

function marked(use: Use, run: (row: any) => unknown): RowFunction {
  // Core calls the callbacks of checks and generated columns at discovery, and goes on with what they return.
  const marker: any = () => marker;
  return Object.defineProperty(marker, FUNCTION, { value: { use, run } satisfies Marked });
}

/** The function of a row behind what an entity says, if it is one for that use. */
export function rowFunction(value: unknown, use: Use): ((row: object) => unknown) | undefined {
  const found: Marked | undefined = typeof value === 'function' ? (value as any)[FUNCTION] : undefined;
  return found?.use === use ? found.run : undefined;
}
