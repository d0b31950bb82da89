/**
 * Calls and nested transactions that run side by side in one transaction.
 *
 * A nested transaction is a savepoint: what else is done in the outer one while
 * it is open would be rolled back with it. So that lets it come to its end first,
 * unless it is done by the nested one itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { TransactionContext as CoreContext } from '@mikro-orm/core';
import { engineError } from '../native/errors.js';
import { TransactionContext } from './transaction.js';

/**
 * The nested transaction that the running function is part of, where core does not know: a second storage, once it is
 * used, makes every promise of the process cost more.
 */
const running = new AsyncLocalStorage<TransactionContext>();

/** Runs the body of a transaction that no EntityManager has begun. */
export function runIn<T>(trx: TransactionContext, body: () => T): T {
  // Only nested ones are ever asked for.
  return trx.nested ? running.run(trx, body) : body();
}

/** A transaction inside another, once no other one is open in it. */
export function nestInTurn(
  parent: TransactionContext,
  timeout: number,
  within: unknown,
  readOnly: boolean,
): Promise<TransactionContext> {
  const inside = insideNested(parent, within);
  if (inside !== undefined) {
    return nestInTurn(inside, timeout, within, readOnly);
  }
  const nest = () => parent.nest(readOnly);
  return parent.busy ? whenFree(parent, timeout, nest) : Promise.resolve(nest());
}

/** Waits until no nested transaction is open in a transaction. */
export async function untilFree(
  trx: TransactionContext,
  timeout: number,
  contextName: string,
): Promise<void> {
  while (trx.busy && insideNested(trx, currentTransaction(contextName)) === undefined) {
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

/** The transaction of an EntityManager that the running function is part of: core knows it, by the name of the context. */
export function currentTransaction(contextName: string): unknown {
  return CoreContext.getEntityManager(contextName)?.getTransactionContext();
}

/** The innermost transaction that the running function is part of, where that is nested in this one and open. */
function insideNested(trx: TransactionContext, known: unknown): TransactionContext | undefined {
  const { nestedOne } = trx;
  if (nestedOne === undefined) {
    return undefined;
  }
  const [innermost] = [running.getStore(), known]
    .filter(TransactionContext.is)
    .filter((current) => current.isOpen && current.isWithin(nestedOne))
    .sort((a, b) => b.depth - a.depth);
  return innermost;
}
