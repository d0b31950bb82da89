import { engineError } from './native/errors.js';
import type { NativeTransaction } from './native/engine.js';

/** The mark, among the options of a transaction, of one that the user asked for. Core hands all options on. */
export const EXPLICIT: unique symbol = Symbol('explicit transaction');

/**
 * What core holds as the context of a transaction: the transaction itself, or,
 * for a nested one, a savepoint of it.
 */
export class TransactionContext {
  readonly #native: NativeTransaction;
  readonly #parent: TransactionContext | undefined;
  readonly #savepoint: number | undefined;
  /** Savepoints by the ids handed out, for the whole of the transaction. */
  readonly #savepoints: Map<string, number>;
  #state: 'open' | 'committed' | 'rolled back' = 'open';

  /** How many transactions this one is nested in. */
  readonly depth: number;

  private constructor(native: NativeTransaction, parent?: TransactionContext, savepoint?: number) {
    this.#native = native;
    this.#parent = parent;
    this.#savepoint = savepoint;
    this.#savepoints = parent ? parent.#savepoints : new Map();
    this.depth = parent ? parent.depth + 1 : 0;
  }

  /** The context of a transaction just begun. */
  static of(native: NativeTransaction): TransactionContext {
    return new TransactionContext(native);
  }

  /** The context that core handed back. Anything else is refused. */
  static from(context: unknown): TransactionContext {
    if (typeof context === 'object' && context !== null && #native in context) {
      return context as TransactionContext;
    }
    throw engineError(
      'TRANSACTION_CLOSED',
      'This is no transaction of the collection store: pass what `em.getTransactionContext()` returns inside a transaction.',
    );
  }

  /** Where the calls of this transaction run. */
  get session(): NativeTransaction {
    if (this.#state !== 'open') {
      throw engineError('TRANSACTION_CLOSED', `The transaction is ${this.#state} already: begin a new one.`);
    }
    this.#parent?.session;
    return this.#native;
  }

  /** Whether this is a savepoint rather than the whole transaction. */
  get nested(): boolean {
    return this.#savepoint !== undefined;
  }

  /** The name of the savepoint of a nested transaction. */
  get name(): string {
    return `trx${this.depth}`;
  }

  /** Whether the transaction was rolled back. */
  get rolledBack(): boolean {
    return this.#state === 'rolled back';
  }

  /** A transaction inside this one. */
  nest(): TransactionContext {
    const name = `trx${this.depth + 1}`;
    return new TransactionContext(this.#native, this, this.session.savepoint(name));
  }

  /** Makes what was done part of the outer transaction, of the store for the outermost. Where that fails, it is rolled back. */
  commit(): void {
    const { session } = this;
    if (this.#savepoint === undefined) {
      this.#state = 'rolled back';
      session.commit();
    } else {
      session.release(this.#savepoint);
    }
    this.#state = 'committed';
  }

  /** Forgets what was done. */
  rollback(): void {
    if (this.rolledBack) {
      return;
    }
    const { session } = this;
    this.#state = 'rolled back';
    if (this.#savepoint === undefined) {
      session.rollback();
    } else {
      session.rollbackTo(this.#savepoint);
      session.release(this.#savepoint);
    }
  }

  /** Marks the present state and returns the id to come back with. */
  createSavepoint(name: string): string {
    const savepoint = this.session.savepoint(name);
    const id = `${name}#${savepoint}@${identities.of(this.#native)}`;
    this.#savepoints.set(id, savepoint);
    return id;
  }

  /** Goes back to a savepoint, which stays; later ones end. */
  rollbackToSavepoint(id: string): void {
    this.session.rollbackTo(this.#savepointOf(id));
  }

  /** Ends a savepoint and later ones, keeping what was written. */
  releaseSavepoint(id: string): void {
    this.session.release(this.#savepointOf(id));
    this.#savepoints.delete(id);
  }

  #savepointOf(id: string): number {
    const savepoint = this.#savepoints.get(id);
    if (savepoint === undefined) {
      throw engineError(
        'SAVEPOINT_NOT_FOUND',
        `There is no savepoint '${id}' in this transaction: it was released, or belongs to another one.`,
      );
    }
    return savepoint;
  }
}

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
