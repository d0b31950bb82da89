/** Lock modes of core as what the engine is to do with the rows of a find. */
import { LockMode, ValidationError } from '@mikro-orm/core';
import type { RowLock } from '../native/ir.js';

const LOCKS: ReadonlyMap<unknown, RowLock> = new Map([
  [LockMode.PESSIMISTIC_READ, { mode: 'shared', busy: 'wait' }],
  [LockMode.PESSIMISTIC_WRITE, { mode: 'exclusive', busy: 'wait' }],
  [LockMode.PESSIMISTIC_PARTIAL_READ, { mode: 'shared', busy: 'skip' }],
  [LockMode.PESSIMISTIC_PARTIAL_WRITE, { mode: 'exclusive', busy: 'skip' }],
  [LockMode.PESSIMISTIC_READ_OR_FAIL, { mode: 'shared', busy: 'fail' }],
  [LockMode.PESSIMISTIC_WRITE_OR_FAIL, { mode: 'exclusive', busy: 'fail' }],
]);

/** The lock of a mode, if it takes any; refuses a mode that nobody knows, and one that locks rows outside a transaction. */
export function lockOf(mode: unknown, ctx: unknown): RowLock | undefined {
  if (mode === undefined || mode === null || mode === LockMode.NONE || mode === LockMode.OPTIMISTIC) {
    return undefined;
  }
  const lock = LOCKS.get(mode);
  if (lock === undefined) {
    throw new ValidationError(`Unknown \`lockMode\` ${String(mode)}: use a member of LockMode.`);
  }
  if (!ctx) {
    throw ValidationError.transactionRequired();
  }
  return lock;
}
