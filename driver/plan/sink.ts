/**
 * What a walk over a condition reports.
 *
 * The walk knows the language of conditions; who listens decides what becomes
 * of it: the shape and the parameters of a call on every call, the condition
 * itself only for a shape not met before. Both hear the same, so parameters
 * have the same numbers for both.
 */
import type { Column, Model, RelationProp } from './model.js';

/** A column, or a place inside its document by stored names. */
export interface Place {
  readonly column: Column;
  readonly json: readonly string[];
}

export type Group = 'all' | 'any' | 'not';

export type Comparison = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';

/** Tests of a place against one value. */
export type Test =
  | Comparison
  | 'in'
  | 'like'
  | 'ilike'
  | 'contains'
  | 'contained'
  | 'overlap'
  | 'hasKeys'
  | 'hasSomeKeys';

export type Quantifier = 'some' | 'none' | 'every';

/** Listens to a walk. Members reported within `not`, a relation or a quantifier must hold together. */
export interface Sink {
  /** Begins a group, which ends with `close`. */
  open(group: Group): void;
  close(): void;
  /** A condition that is a query of its own: it shares no row of a relation with what is beside it. */
  alone(walk: (sink: Sink) => void): void;
  /** Follows a relation until `leave`, for no more than the key of the row there or for more. Of a to-many relation, the same branch means the same row. */
  enter(prop: RelationProp, branch: string, keyOnly?: boolean): void;
  leave(): void;
  /** Begins a condition on how many rows of a relation match, which ends with `close`. */
  quantify(prop: RelationProp, quantifier: Quantifier, target: Model): void;
  /** Compares how many rows of a relation there are with a parameter. */
  size(prop: RelationProp, op: Comparison, size: number): void;
  /** Begins a condition that some member of a list fulfils, which ends with `close`. */
  members(list: Place): void;
  /** A test against a parameter. */
  test(test: Test, place: Place, value: unknown): void;
  /** A test against a regular expression; its source and its flags are parameters. */
  regex(place: Place, source: string, flags: string): void;
  /** Whether all places together are among the tuples of a parameter. */
  tuples(places: readonly Place[], tuples: readonly (readonly unknown[])[]): void;
  /** Whether a place is null or missing. */
  isNull(place: Place): void;
  /** Whether a place is neither. */
  isSet(place: Place): void;
  /** A condition that is settled. */
  constant(value: boolean): void;
}
