import { engineError } from '../native/errors.js';
import type { Attempts, Isolation, NativeTransaction } from '../native/engine.js';
import type { Soon } from '../soon.js';

/** The place, among the options of a transaction, of what is known of one that the user asked for. Core hands all options on. */
export const EXPLICIT: unique symbol = Symbol('explicit transaction');

/** What is known of a transaction that the user asked for. */
export interface Explicit {
  /** While debugging, an error made where that was. */
  readonly place: Error | undefined;
  /** The transaction that the function which did so is part of. */
  readonly within: unknown;
  /** The work that it is one attempt at, if it will be made again. */
  readonly attempts?: Attempts;
}

/**
 * What core holds as the context of a transaction: the transaction itself, or,
 * for a nested one, a savepoint of it.
 */
export class TransactionContext {
  readonly #native: NativeTransaction;
  readonly #parent: TransactionContext | undefined;
  /** Of a nested one, the savepoint, once anything was done inside it. */
  #savepoint: number | undefined;
  /** Of the outermost, savepoints of all by the ids handed out. */
  #savepoints: Map<string, number> | undefined;
  #state: 'open' | 'committed' | 'rolled back' | 'left idle' = 'open';
  /** The nested transaction that is open. */
  #nested: TransactionContext | undefined;
  /** The transaction that was open in the outer one when this one began inside it. */
  #before: TransactionContext | undefined;
  /** Who waits for the nested one to end. */
  #queue: (() => void)[] | undefined;

  /** Whether writes are refused in a nested one. */
  readonly #readOnly: boolean;
  /** How many transactions this one is nested in. */
  readonly depth: number;
  /** What it sees of others. */
  readonly isolation: Isolation;
  /** When the last call was made, where anybody asks. */
  lastUsed: number | undefined;
  /** How many of its calls wait, those of nested ones among them. */
  #waits = 0;
  /** What is to be done when the whole transaction has ended. */
  onEnd: (() => void) | undefined;

  private constructor(
    native: NativeTransaction,
    isolation: Isolation,
    parent?: TransactionContext,
    readOnly = false,
  ) {
    this.#native = native;
    this.#parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.isolation = isolation;
    this.#readOnly = readOnly;
  }

  /** The context of a transaction just begun. */
  static of(native: NativeTransaction, isolation: Isolation = 'snapshot'): TransactionContext {
    return new TransactionContext(native, isolation);
  }

  /** Whether this is the context of a transaction of a collection store. */
  static is(context: unknown): context is TransactionContext {
    return typeof context === 'object' && context !== null && #native in context;
  }

  /** The context that core handed back. Anything else is refused. */
  static from(context: unknown): TransactionContext {
    if (TransactionContext.is(context)) {
      return context;
    }
    throw engineError(
      'TRANSACTION_CLOSED',
      'This is no transaction of the collection store: pass what `em.getTransactionContext()` returns inside a transaction.',
    );
  }

  /** Where the calls of this transaction run. */
  get session(): NativeTransaction {
    this.#use();
    this.#mark();
    return this.#native;
  }

  /** Sees to it that this one goes on and all that it is nested in. */
  #use(): void {
    if (this.#state !== 'open') {
      throw engineError('TRANSACTION_CLOSED', ENDED[this.#state]);
    }
    if (this.#parent !== undefined) {
      this.#parent.#use();
    }
    if (this.lastUsed !== undefined) {
      this.lastUsed = Date.now();
    }
  }

  /**
   * Sets the savepoints that are still to be set, from the outside in: of this one, of what it is nested in, and of what
   * is open in it, as that takes back what is done now. Where nothing is done inside, none is ever needed.
   */
  #mark(): void {
    this.#setSavepoint();
    for (let nested = this.#nested; nested !== undefined; nested = nested.#nested) {
      nested.#setSavepoint();
    }
  }

  #setSavepoint(): void {
    if (this.#parent !== undefined && this.#savepoint === undefined) {
      this.#parent.#setSavepoint();
      this.#savepoint = this.#native.savepoint(this.#readOnly);
    }
  }

  /** Waits in one of its calls. */
  async waiting<T>(wait: () => Promise<T>): Promise<T> {
    const outermost = this.#outermost;
    outermost.#waits++;
    try {
      return await wait();
    } finally {
      outermost.#waits--;
      if (outermost.lastUsed !== undefined) {
        outermost.lastUsed = Date.now();
      }
    }
  }

  /** Whether no call was made since a time, nor is one waiting. */
  isIdle(since: number): boolean {
    return (
      this.#waits === 0 && this.away === undefined && this.lastUsed !== undefined && this.lastUsed <= since
    );
  }

  get #outermost(): TransactionContext {
    return this.#parent ? this.#parent.#outermost : this;
  }

  /** Whether a nested transaction is open: what the outer one does meanwhile would share its fate. */
  get busy(): boolean {
    return this.#nested !== undefined;
  }

  /** Until when one of its calls goes on in a thread, or with pauses, if one does: nothing may be done in it before. */
  get away(): Promise<void> | undefined {
    return this.#native.away;
  }

  /** Waits until none of its calls goes on in a thread. */
  back(): Soon<void> {
    return this.away?.then(() => this.back());
  }

  /** Whether this is that transaction or nested in it, however deep. */
  isWithin(other: TransactionContext): boolean {
    return this === other || (this.#parent?.isWithin(other) ?? false);
  }

  /** The nested transaction that is open, if any. */
  get nestedOne(): TransactionContext | undefined {
    return this.#nested;
  }

  /** Calls back when no nested transaction is open; who asks first is called first. */
  whenFree(callback: () => void): void {
    this.#queue ??= [];
    this.#queue.push(callback);
  }

  /** Whether this is a savepoint rather than the whole transaction. */
  get nested(): boolean {
    return this.#parent !== undefined;
  }

  /** The name of the savepoint of a nested transaction. */
  get name(): string {
    return `trx${this.depth}`;
  }

  /** Whether the transaction goes on. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether the transaction was rolled back. */
  get rolledBack(): boolean {
    return this.#state === 'rolled back' || this.#state === 'left idle';
  }

  /** Rolls back what nobody has used for too long. */
  abandon(): void {
    this.rollback();
    this.#state = 'left idle';
  }

  /** A transaction inside this one. */
  nest(readOnly?: boolean): TransactionContext {
    this.#use();
    if (this.#nested !== undefined) {
      // Its savepoint comes before those of this one.
      this.#mark();
    }
    const nested = new TransactionContext(this.#native, this.isolation, this, readOnly);
    nested.#before = this.#nested;
    this.#nested = nested;
    return nested;
  }

  /** Makes what was done part of the outer transaction, of the store for the outermost. Where that fails, it is rolled back. */
  commit(): Soon<void> {
    this.#use();
    try {
      if (!this.nested) {
        this.#state = 'rolled back';
        const completed = this.#native.complete();
        if (completed instanceof Promise) {
          return completed.then(() => {
            this.#state = 'committed';
          });
        }
      } else if (this.#savepoint !== undefined) {
        this.#native.release(this.#savepoint);
      }
      this.#state = 'committed';
    } finally {
      this.#ended();
    }
  }

  /** Forgets what was done. */
  rollback(): void {
    if (this.rolledBack) {
      return;
    }
    try {
      this.#use();
      this.#state = 'rolled back';
      if (!this.nested) {
        this.#native.rollback();
      } else if (this.#savepoint !== undefined) {
        this.#native.rollbackTo(this.#savepoint);
        this.#native.release(this.#savepoint);
      }
    } finally {
      this.#ended();
    }
  }

  /** Lets whoever waited for the end of this transaction go on, one after the other. */
  #ended(): void {
    this.onEnd?.();
    const parent = this.#parent;
    if (parent !== undefined && parent.#nested === this) {
      parent.#nested = this.#before?.isOpen ? this.#before : undefined;
      while (parent.#nested === undefined && parent.#queue?.length) {
        parent.#queue.shift()?.();
      }
    }
  }

  /** Marks the present state and returns the id to come back with. */
  createSavepoint(name: string): string {
    const savepoint = this.session.savepoint();
    const id = `${name}#${savepoint}@${identities.of(this.#native)}`;
    const outermost = this.#outermost;
    outermost.#savepoints ??= new Map();
    outermost.#savepoints.set(id, savepoint);
    return id;
  }

  /** Goes back to a savepoint, which stays; later ones end. */
  rollbackToSavepoint(id: string): void {
    this.session.rollbackTo(this.#savepointOf(id));
  }

  /** Ends a savepoint and later ones, keeping what was written. */
  releaseSavepoint(id: string): void {
    this.session.release(this.#savepointOf(id));
    this.#outermost.#savepoints?.delete(id);
  }

  #savepointOf(id: string): number {
    const savepoint = this.#outermost.#savepoints?.get(id);
    if (savepoint === undefined) {
      throw engineError(
        'SAVEPOINT_NOT_FOUND',
        `There is no savepoint '${id}' in this transaction: it was released, or belongs to another one.`,
      );
    }
    return savepoint;
  }
}

/** What a transaction that has ended says. */
const ENDED = {
  committed: 'The transaction is committed already: begin a new one.',
  'rolled back': 'The transaction is rolled back already: begin a new one.',
  'left idle':
    'The transaction was rolled back because no call was made in it for too long (`idleTransactionTimeout`): begin a new one.',
} as const;

/** Numbers objects, so that ids of different transactions differ. */
class Identities {
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  of(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = ++this.#last;
      this.#numbers.set(object, number);
    }
    return number;
  }
}

const identities = new Identities();
