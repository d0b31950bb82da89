/** The transactions of a connection that have not ended, and what becomes of those that nobody uses any more. */
import type { TransactionContext } from './transaction.js';

/** Transactions that are open. */
export class OpenTransactions {
  /** With the place where each began, where that is to be known. */
  readonly #open = new Map<TransactionContext, Error | undefined>();
  readonly #idleTimeout: number | undefined;
  readonly #report: (message: string) => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(idleTimeout: number | undefined, report: (message: string) => void) {
    this.#idleTimeout = idleTimeout;
    this.#report = report;
  }

  /** Keeps an eye on a transaction until it ends. */
  add(trx: TransactionContext, place: Error | undefined): void {
    this.#open.set(trx, place);
    trx.onEnd = () => this.#remove(trx);
    if (this.#idleTimeout !== undefined) {
      trx.lastUsed = Date.now();
      this.#timer ??= setInterval(
        () => this.#endIdle(this.#idleTimeout as number),
        Math.max(1, this.#idleTimeout / 4),
      );
      this.#timer.unref?.();
    }
  }

  /** Says of each that is still open that it was left so, as its store is closed. */
  close(): void {
    for (const [trx, place] of this.#open) {
      this.#report(`A transaction is rolled back because its store is closed.${began(place)}`);
      this.#remove(trx);
    }
  }

  #remove(trx: TransactionContext): void {
    this.#open.delete(trx);
    if (this.#timer !== undefined && this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #endIdle(timeout: number): void {
    const since = Date.now() - timeout;
    for (const [trx, place] of this.#open) {
      if (trx.isIdle(since)) {
        trx.abandon();
        this.#report(
          `A transaction is rolled back because no call was made in it for ${timeout} ms (\`idleTransactionTimeout\`).${began(place)}`,
        );
      }
    }
  }
}

function began(place: Error | undefined): string {
  const stack = place?.stack?.split('\n').slice(1).join('\n');
  return stack === undefined
    ? ' With `debug` on, the place where it began is said here.'
    : ` It began here:\n${stack}`;
}
