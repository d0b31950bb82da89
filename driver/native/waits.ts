/** Promises for what the native side tells of later, from whatever thread. */
import { binding } from './binding.js';
import { engineError } from './errors.js';

/** How a wait for a lock ends, as the native side numbers it. */
const GRANTED = 0;
const DEADLOCK = 1;

/** Who waits on this thread, by the number of the wait. */
let waiting: Map<number, (how: number) => void> | undefined;

/** Who waits on this thread; those that the native side has numbered may be added. */
export function waits(): Map<number, (how: number) => void> {
  if (waiting === undefined) {
    const pending = new Map<number, (how: number) => void>();
    binding().onWake((wait, how) => pending.get(wait)?.(how));
    waiting = pending;
  }
  return waiting;
}

/**
 * Waits for the locks that a transaction is to begin with, and for the one that
 * its last statement failed for, which is then to be run again; for each at most
 * so many milliseconds.
 *
 * Rejects with `LOCK_TIMEOUT` where that was not long enough, with `DEADLOCK`
 * where it never would be, and with its reason where the signal says stop.
 */
export async function waitForLock(transaction: number, timeout: number, signal?: AbortSignal): Promise<void> {
  const pending = waits();
  for (let wait = binding().waitForLock(transaction); wait !== 0; wait = binding().waitForLock(transaction)) {
    await ended(pending, transaction, wait, timeout, signal);
  }
}

async function ended(
  pending: Map<number, (how: number) => void>,
  transaction: number,
  wait: number,
  timeout: number,
  signal?: AbortSignal,
): Promise<void> {
  const giveUp = (then: () => void) => {
    // Unless it has ended already, and is about to be told so.
    if (binding().cancelWait(transaction, wait)) {
      then();
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;
  const how = await new Promise<number | undefined>((resolve, reject) => {
    pending.set(wait, resolve);
    // Also what keeps the process alive until the wait has ended.
    timer = setTimeout(() => giveUp(() => resolve(undefined)), timeout);
    stop = () => giveUp(() => reject(signal?.reason));
    signal?.addEventListener('abort', stop, { once: true });
  }).finally(() => {
    clearTimeout(timer);
    pending.delete(wait);
    signal?.removeEventListener('abort', stop as () => void);
  });
  if (how === undefined) {
    throw engineError(
      'LOCK_TIMEOUT',
      `A row is locked by another transaction, and was not given free within ${timeout} ms (\`lockTimeout\`).`,
    );
  }
  if (how === DEADLOCK) {
    throw engineError(
      'DEADLOCK',
      "Transactions wait for each other's locks, and this one, the youngest, gives way: run it again.",
    );
  }
  if (how !== GRANTED) {
    throw engineError('TRANSACTION_CLOSED', 'The transaction has ended while one of its calls was waiting.');
  }
}

/** So long a timer can be; it is there only to keep the process alive. */
const LONGEST = 2 ** 31 - 1;

/**
 * Waits until all that was committed in a store is kept as it was opened for;
 * nothing where it is already. Rejects with the cause where it cannot be kept.
 */
export function waitDurable(store: number): Promise<void> | undefined {
  const pending = waits();
  const wait = binding().waitDurable(store);
  if (wait === 0) {
    return undefined;
  }
  const alive = setTimeout(() => {}, LONGEST);
  return new Promise((resolve, reject) => {
    pending.set(wait, (how) => {
      clearTimeout(alive);
      pending.delete(wait);
      if (how === GRANTED) {
        resolve();
      } else {
        reject(failure(store));
      }
    });
  });
}

/** Why a store keeps nothing any more: asked again, the native side says it. */
function failure(store: number): unknown {
  try {
    binding().waitDurable(store);
  } catch (error) {
    return error;
  }
  return engineError('STORAGE', 'The disk failed before the commit was written to it.');
}
