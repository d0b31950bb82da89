/** Lock modes: a transaction sees the store as it began, and conflicts of writes are found at its commit. */
import { LockMode, ValidationError } from '@mikro-orm/core';

const WAITING: ReadonlySet<unknown> = new Set([
  LockMode.PESSIMISTIC_READ,
  LockMode.PESSIMISTIC_WRITE,
  LockMode.PESSIMISTIC_PARTIAL_WRITE,
  LockMode.PESSIMISTIC_WRITE_OR_FAIL,
  LockMode.PESSIMISTIC_PARTIAL_READ,
  LockMode.PESSIMISTIC_READ_OR_FAIL,
]);

/** Refuses a lock mode that nobody knows, and a pessimistic one outside a transaction. */
export function checkLock(mode: unknown, ctx: unknown): void {
  if (mode === undefined || mode === null || mode === LockMode.NONE || mode === LockMode.OPTIMISTIC) {
    return;
  }
  if (!WAITING.has(mode)) {
    throw new ValidationError(`Unknown \`lockMode\` ${String(mode)}: use a member of LockMode.`);
  }
  if (!ctx) {
    throw ValidationError.transactionRequired();
  }
}
