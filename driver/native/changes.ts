/** Reading committed changes, one after the other, as they come. */
import { binding, type Handle } from './binding.js';
import { Crossing, NO_CURSOR } from './crossing.js';
import { engineError } from './errors.js';
import { RowFactory } from './factory.js';
import { waits } from './waits.js';

/** A committed change of a row, in the order of the commits. Rows are as they are stored: by the names of their fields. */
export interface RowChange {
  /** The number of the commit; all its changes have the same. */
  readonly sequence: number;
  readonly type: 'insert' | 'update' | 'delete';
  readonly collection: string;
  /** The primary key, as it was before the change. */
  readonly key: Readonly<Record<string, unknown>>;
  /** The row before; absent for an insert. */
  readonly before?: Readonly<Record<string, unknown>>;
  /** The row after; absent for a delete. */
  readonly after?: Readonly<Record<string, unknown>>;
}

/** A commit that changed more than rows: the schema changed, a collection was cleared, or the store restored. What is known of it is to be read anew. */
export interface ResetChange {
  readonly sequence: number;
  readonly type: 'reset';
}

/** Something that was committed. */
export type Change = RowChange | ResetChange;

/** What to read. */
export interface ChangesOptions {
  /** The number of the commit behind which to begin; without it, with the next commit. */
  readonly from?: number | undefined;
  /** The collections, by name; all without it. */
  readonly collections?: readonly string[] | undefined;
}

const FACTORY = new RowFactory({ fields: [{ field: 'change', as: 'json' }] });

/**
 * Committed changes, to be iterated over once. It goes on until `return` is
 * called, as leaving a `for await` does, or the store is closed, and waits without
 * keeping the process alive. The store keeps the latest 100,000 changes for its
 * readers; the next call of one that falls behind further rejects with `TOO_FAR_BEHIND`.
 */
export class Changes implements AsyncIterableIterator<Change> {
  readonly #feed: Handle;
  readonly #onEnd: (changes: Changes) => void;
  #rows: Iterator<Change> | undefined;
  #cursor: Handle = NO_CURSOR;
  #wait = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  /** Calls of `next` that come before the last one is answered are answered in their order. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(store: Handle, options: ChangesOptions, onEnd: (changes: Changes) => void) {
    const from = options.from ?? undefined;
    if (from !== undefined && !(Number.isSafeInteger(from) && from >= 0)) {
      throw engineError(
        'INVALID_PLAN',
        `\`from\` must be the number of a commit, as the \`sequence\` of a change is, not ${String(from)}.`,
      );
    }
    this.#feed = binding().openChanges(store, from, options.collections && [...options.collections]);
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Change, undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** Ends the reading; a call that waits is told so. */
  async return(): Promise<IteratorResult<Change, undefined>> {
    this.close();
    return DONE;
  }

  /** Ends the reading at once. */
  close(): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#onEnd(this);
      waits().delete(this.#wait);
      binding().closeChanges(this.#feed, this.#wait);
      this.#wake?.();
    }
  }

  async #next(): Promise<IteratorResult<Change, undefined>> {
    try {
      while (!this.#ended) {
        const row = (this.#rows ?? this.#read())?.next();
        if (row !== undefined && !row.done) {
          return { done: false, value: row.value };
        }
        this.#rows = undefined;
        if (row === undefined) {
          await this.#committed();
        }
      }
      return DONE;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next changes, if there are any. */
  #read(): Iterator<Change> | undefined {
    if (this.#cursor === NO_CURSOR) {
      this.#cursor = binding().readChanges(this.#feed);
    }
    if (this.#cursor === NO_CURSOR) {
      return undefined;
    }
    const { rows, cursor } = Crossing.shared().next(this.#cursor, FACTORY);
    this.#cursor = cursor;
    this.#rows = rows.map(({ change }) => change as Change)[Symbol.iterator]();
    return this.#rows;
  }

  async #committed(): Promise<void> {
    const pending = waits();
    const wait = binding().waitForChanges(this.#feed);
    if (wait === 0) {
      return;
    }
    this.#wait = wait;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      pending.set(wait, () => resolve());
    });
    pending.delete(wait);
    this.#wake = undefined;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
