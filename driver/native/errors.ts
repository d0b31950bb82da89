/**
 * Errors of the engine, told apart by their `code`.
 */

/** What can go wrong; the same codes as the engine's own. */
export const ENGINE_ERROR_CODES = [
  'UNIQUE',
  'FOREIGN_KEY',
  'NOT_NULL',
  'CHECK',
  'COLLECTION_NOT_FOUND',
  'COLLECTION_EXISTS',
  'FIELD_NOT_FOUND',
  'FIELD_DUPLICATE',
  'TYPE_MISMATCH',
  'OUT_OF_RANGE',
  'NOT_FINITE',
  'LONE_SURROGATE',
  'PATTERN_SYNTAX',
  'PATTERN_TOO_COMPLEX',
  'INVALID_PLAN',
  'INVALID_SCHEMA',
  'WRITE_CONFLICT',
  'DEADLOCK',
  'LOCKED',
  'LOCK_NOT_AVAILABLE',
  'LOCK_TIMEOUT',
  'TOO_FAR_BEHIND',
  'TRANSACTION_CLOSED',
  'TRANSACTION_BUSY',
  'READ_ONLY',
  'SAVEPOINT_NOT_FOUND',
  'STORE_EXISTS',
  'STORE_CLOSED',
  'FOREIGN_SNAPSHOT',
  'CORRUPT',
  'STORAGE',
  'STORE_LOCKED',
  'NEWER_FORMAT',
  'UNSUPPORTED',
  'INTERNAL',
] as const;

/** What went wrong. */
export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** An error thrown by the engine, or by its facade in the engine's name. */
export interface EngineError extends Error {
  readonly code: EngineErrorCode;
  /** The collection concerned, where there is one. */
  readonly collection?: string;
  /** The constraint or index concerned, where there is one. */
  readonly constraint?: string;
  /** The fields concerned, where there are any. */
  readonly fields?: readonly string[];
  /** The primary key of the row concerned as a JSON array of its values, where there is one. */
  readonly key?: string;
}

const CODES: ReadonlySet<unknown> = new Set(ENGINE_ERROR_CODES);

/** Makes an error of the same form as the engine's own. */
export function engineError(code: EngineErrorCode, message: string, fields?: readonly string[]): EngineError {
  return Object.assign(new Error(message), { code }, fields && { fields });
}

/** Whether an error comes from the engine. Tells by the code alone, since test runners give each file an `Error` of its own. */
export function isEngineError(error: unknown): error is EngineError {
  return typeof error === 'object' && error !== null && CODES.has((error as { code?: unknown }).code);
}
