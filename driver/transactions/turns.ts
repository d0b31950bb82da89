/**
 * Calls and nested transactions that run side by side in one transaction.
 *
 * A nested transaction is a savepoint: what else is done in the outer one while
 * it is open would be rolled back with it. So that lets it come to its end first,
 * unless it is done by the nested one itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { engineError } from '../native/errors.js';
import type { TransactionContext } from './transaction.js';

/** The nested transaction that the running function is part of. */
const running = new AsyncLocalStorage<TransactionContext>();

/** Runs the body of a transaction. */
export function runIn<T>(trx: TransactionContext, body: () => T): T {
  // Only nested ones are ever asked for.
  return trx.nested ? running.run(trx, body) : body();
}

/** A transaction inside another, once no other one is open in it. */
export function nestInTurn(parent: TransactionContext, timeout: number): Promise<TransactionContext> {
  const inside = insideNested(parent);
  if (inside !== undefined) {
    return nestInTurn(inside, timeout);
  }
  return parent.busy ? whenFree(parent, timeout, () => parent.nest()) : Promise.resolve(parent.nest());
}

/** Waits until no nested transaction is open in a transaction. */
export async function untilFree(trx: TransactionContext, timeout: number): Promise<void> {
  while (trx.busy && insideNested(trx) === undefined) {
    await whenFree(trx, timeout, () => undefined);
  }
}

function whenFree<T>(trx: TransactionContext, timeout: number, then: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = engineError(
      'LOCK_TIMEOUT',
      `Another nested transaction is open in this transaction, and did not end within ${timeout} ms (\`lockTimeout\`).`,
    );
    let waits = true;
    const timer = setTimeout(() => {
      waits = false;
      reject(late);
    }, timeout);
    trx.whenFree(() => {
      if (!waits) {
        return;
      }
      clearTimeout(timer);
      try {
        resolve(then());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The innermost transaction that the running function is part of, where that is nested in this one and open. */
function insideNested(trx: TransactionContext): TransactionContext | undefined {
  const { nestedOne } = trx;
  if (nestedOne === undefined) {
    return undefined;
  }
  const current = running.getStore();
  return current?.isOpen && current.isWithin(nestedOne) ? current : undefined;
}
