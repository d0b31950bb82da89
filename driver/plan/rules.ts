/**
 * What is computed, and what must hold, whenever a row is written: functions
 * of the row as it is after the write.
 */
import type { Column, Model, ScalarProp } from './model.js';
import type { Row } from './part.js';

/** The rules of a collection. */
export interface Rules {
  readonly generated: readonly Generated[];
  readonly checks: readonly CheckRule[];
}

/** A stored value that is made of the others. */
export interface Generated {
  readonly name: string;
  readonly path: string;
  readonly column: Column;
  /** Whether a row without a value is refused. */
  readonly required: boolean;
  /** The value for a row keyed by properties, as the database has it; `undefined` for rows that do not have one. */
  readonly compute: (row: Row) => unknown;
}

/** A condition on every row. */
export interface CheckRule {
  readonly name: string;
  readonly path: string;
  /** Whether a row keyed by properties may be written. */
  readonly holds: (row: Row) => boolean;
}

/** A collection as no more than its columns: for writes of what properties may not be written with. */
export function byColumns({ name, collection, primary, columns }: Model): Model {
  return {
    name: `${name} by column`,
    collection,
    primary,
    primaryProps: primary.map((column) => column.name),
    columns,
    props: new Map(
      columns.map((column): [string, ScalarProp] => [
        column.name,
        { kind: 'scalar', name: column.name, column, nullable: column.nullable, json: [] },
      ]),
    ),
  };
}
