/**
 * What is wrong with a query, found before the engine is asked.
 */

/** Why a query cannot be compiled. */
export type PlanErrorCode =
  | 'UNKNOWN_PROPERTY'
  | 'UNKNOWN_OPERATOR'
  | 'INVALID_OPERAND'
  | 'INVALID_CONDITION'
  | 'INVALID_ORDER'
  | 'INVALID_DATA'
  | 'RAW_FRAGMENT'
  | 'NOT_STORED'
  | 'UNSUPPORTED';

/** A query or a payload that cannot be compiled. Nothing was read or written. */
export class PlanError extends Error {
  override readonly name = 'PlanError';

  /** `path` says where, from the root entity: `Author.books.title`. */
  constructor(
    readonly code: PlanErrorCode,
    message: string,
    readonly path: string,
  ) {
    super(message);
  }
}
