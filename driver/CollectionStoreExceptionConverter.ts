import {
  CheckConstraintViolationException,
  ConnectionException,
  DatabaseObjectExistsException,
  DeadlockException,
  type DriverException,
  ExceptionConverter,
  ForeignKeyConstraintViolationException,
  InvalidFieldNameException,
  LockWaitTimeoutException,
  NonUniqueFieldNameException,
  NotNullConstraintViolationException,
  ReadOnlyException,
  ServerException,
  SyntaxErrorException,
  TableExistsException,
  TableNotFoundException,
  UniqueConstraintViolationException,
} from '@mikro-orm/core';
import { WriteConflictException } from './exceptions.js';
import { type EngineError, type EngineErrorCode, isEngineError } from './native/errors.js';

type ExceptionClass = new (previous: EngineError) => DriverException;

const EXCEPTIONS: Partial<Record<EngineErrorCode, ExceptionClass>> = {
  UNIQUE: UniqueConstraintViolationException,
  FOREIGN_KEY: ForeignKeyConstraintViolationException,
  NOT_NULL: NotNullConstraintViolationException,
  CHECK: CheckConstraintViolationException,
  COLLECTION_NOT_FOUND: TableNotFoundException,
  COLLECTION_EXISTS: TableExistsException,
  FIELD_NOT_FOUND: InvalidFieldNameException,
  FIELD_DUPLICATE: NonUniqueFieldNameException,
  PATTERN_SYNTAX: SyntaxErrorException,
  READ_ONLY: ReadOnlyException,
  WRITE_CONFLICT: WriteConflictException,
  DEADLOCK: DeadlockException,
  LOCK_NOT_AVAILABLE: LockWaitTimeoutException,
  LOCK_TIMEOUT: LockWaitTimeoutException,
  STORE_EXISTS: DatabaseObjectExistsException,
  STORE_CLOSED: ConnectionException,
  CORRUPT: ConnectionException,
  STORAGE: ConnectionException,
  STORE_LOCKED: ConnectionException,
  NEWER_FORMAT: ConnectionException,
};

/** Makes core's exceptions of the engine's errors, by their codes. */
export class CollectionStoreExceptionConverter extends ExceptionConverter {
  /** The exception for an error; `retryable` is set where the same transaction may succeed when run again. */
  override convertException(exception: Error & Record<string, unknown>): DriverException {
    if (!isEngineError(exception)) {
      return super.convertException(exception);
    }
    // Errors that come from a thread have none in Bun, and core's exceptions read it.
    exception.stack ??= `${exception.name}: ${exception.message}`;
    const converted = new (EXCEPTIONS[exception.code] ?? ServerException)(exception);
    return exception.code === 'DEADLOCK' ? Object.assign(converted, { retryable: true }) : converted;
  }
}
