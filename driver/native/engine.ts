/**
 * The engine as the driver sees it: stores, transactions, plans and snapshots.
 *
 * Every call here is one call of the native side and is done when it returns, unless it gives a promise.
 */
import { type AutoIndex, binding, type Channel, type Handle, type NativeBinding } from './binding.js';
import { Changes, type ChangesOptions } from './changes.js';
import type { CheckedStore } from './examination.js';
import { type Chunk, Crossing } from './crossing.js';
import { engineError } from './errors.js';
import type { Row } from './factory.js';
import { type Attempts, CompiledPlan, RowCursor, Snapshot } from './held.js';
import type { PlanIr, SchemaDef } from './ir.js';
import type { Soon } from '../soon.js';
import { waitDurable, waitForLock } from './waits.js';

export type { AutoIndex } from './binding.js';
export { Attempts, CompiledPlan, RowCursor, Snapshot } from './held.js';
export { ABSENT } from './pack.js';
export type { Row } from './factory.js';

/** What a write did. */
export interface WriteResult {
  /** Rows inserted, changed or removed. */
  readonly affected: number;
  /** The rows of the plan's `returning`, in the order of the write; none without. */
  readonly rows: Row[];
}

/**
 * What a transaction sees of others. Under `read committed` each statement sees
 * the newest commit, and nobody else's writes are a conflict. Else all see the
 * version of the first, and where others have changed a row that it changes, or
 * under `serializable` anything it has read, that is a conflict.
 */
export type Isolation = 'read committed' | 'snapshot' | 'serializable';

const LEVELS: readonly Isolation[] = ['read committed', 'snapshot', 'serializable'];
/** What a transaction's mode is more by than its level where it only reads. */
const READ_ONLY = 4;
const NO_ATTEMPTS: Handle = 0;
/** What a commit gives that is to be made in a thread. */
const A_THREAD = -1;

/** How a transaction behaves. */
export interface BeginOptions {
  /** What the transaction sees of others; `snapshot` where it is not said. */
  readonly isolation?: Isolation;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** The work that this is one attempt at: before anything else, `waitForLock` is to be called. */
  readonly attempts?: Attempts | undefined;
}

/** When a commit counts as made in a store that is kept: on the disk, at once and soon on the disk, or at once. */
export type Durability = 'commit' | 'interval' | 'none';

/** All of them, by their numbers on the native side. */
export const DURABILITIES: readonly Durability[] = ['commit', 'interval', 'none'];

/** How a store is kept in a directory. */
export interface KeepOptions {
  /** When a commit counts as made; `commit` where it is not said. */
  readonly durability?: Durability;
  /** After how many milliseconds a commit is on the disk, for `interval`; 1000 where it is not said. */
  readonly interval?: number;
}

/** How the log of a store is doing. */
export interface StoreStatistics {
  /** The directory that the store is kept in. */
  readonly path: string;
  readonly durability: Durability;
  /** The number of the last commit. */
  readonly sequence: number;
  /** The number of the last commit that is on the disk for certain. */
  readonly synced: number;
  /** The bytes of the log behind the checkpoint. */
  readonly logBytes: number;
  /** The commit that the newest checkpoint is of; 0 for none. */
  readonly checkpoint: number;
  readonly checkpointBytes: number;
  /** When the log was last brought to the disk, since the store was opened, in milliseconds since 1970. */
  readonly syncedAt: number | null;
  /** When the newest checkpoint was made, if since the store was opened, in milliseconds since 1970. */
  readonly checkpointedAt: number | null;
  /** Why nothing can be written any more. */
  readonly failed: string | null;
  /** What was found when the store was opened that its owner should know. */
  readonly notices: readonly string[];
}

/** How a schema is changed into another. */
export interface SchemaOptions {
  /** Whether collections that the target does not name are removed, which they are unless this is false. */
  readonly dropTables?: boolean;
  /** Whether nothing at all is removed: no collection, no field. */
  readonly safe?: boolean;
}

/** Where plans run: the store itself, where each write commits by itself, or a transaction. */
export interface Session {
  /** The rows of a find, as new objects. */
  find<T extends object = Row>(plan: CompiledPlan, params?: readonly unknown[]): T[];
  /** The number that a count finds. */
  count(plan: CompiledPlan, params?: readonly unknown[]): number;
  /** Runs an insert, update or delete, as a whole or not at all. */
  write(plan: CompiledPlan, params?: readonly unknown[]): WriteResult;
  /**
   * As `find`, `count` and `write` all in one, in a thread where that takes long, and with pauses for others where there
   * are many rows. A transaction that is `away` meanwhile is to be left alone until it is back.
   */
  start(plan: CompiledPlan, params?: readonly unknown[]): Soon<WriteResult>;
  /** The rows of a find, to be read chunk by chunk; found in a thread where that takes long. */
  open(plan: CompiledPlan, params?: readonly unknown[]): Soon<RowCursor>;
  /** Changes the schema to the target, keeping data, and says what changed. */
  applySchema(target: SchemaDef, options?: SchemaOptions): string[];
  /** As `applySchema`, in a thread where there is a lot of data. A transaction that is `away` meanwhile is to be left alone until it is back. */
  changeSchema(target: SchemaDef, options?: SchemaOptions): Soon<string[]>;
  /** What `applySchema` would change, without doing so. */
  diffSchema(target: SchemaDef, options?: SchemaOptions): string[];
  /** Adds collections, none of which may be there, and says what changed. */
  createSchema(target: SchemaDef): string[];
  /** Gives a collection another name; foreign keys follow. */
  renameCollection(from: string, to: string): void;
  /** Gives a field another name; keys, indexes and foreign keys follow. */
  renameField(collection: string, from: string, to: string): void;
  /** Removes the named collections, without names all, and says what changed. */
  dropSchema(collections?: readonly string[]): string[];
  /** Removes every row of the named collections, without names of all. Auto-increment goes on unless told to begin again. */
  clear(collections?: readonly string[], options?: { readonly resetCounters?: boolean }): void;
  /** The schema as it is. */
  describe(): SchemaDef;
  /** The indexes that the store made by itself. */
  autoIndexes(): AutoIndex[];
}

abstract class HandleSession implements Session {
  protected readonly native: NativeBinding = binding();
  readonly #crossing = Crossing.shared();
  protected readonly channel: Channel = this.#crossing.channel;

  protected constructor(protected readonly handle: Handle) {}

  find<T extends object = Row>(plan: CompiledPlan, params: readonly unknown[] = NO_PARAMS): T[] {
    return this.#crossing.run(this.handle, plan, params).rows as T[];
  }

  start(plan: CompiledPlan, params: readonly unknown[] = NO_PARAMS): Soon<WriteResult> {
    const result = this.#crossing.start(this.handle, plan, params);
    if (result instanceof Promise) {
      this.leave(result);
    }
    return result;
  }

  open(plan: CompiledPlan, params: readonly unknown[] = NO_PARAMS): Soon<RowCursor> {
    const first = this.#crossing.open(this.handle, plan, params);
    const cursor = (chunk: Chunk) => new RowCursor(this.#crossing, plan, this, chunk);
    if (first instanceof Promise) {
      this.leave(first);
      return first.then(cursor);
    }
    return cursor(first);
  }

  /** Knows of a call that goes on in a thread, or with pauses. */
  protected leave(_until: Promise<unknown>): void {}

  /** Throws once the session has ended. @internal */
  abstract assertOpen(): void;

  count(plan: CompiledPlan, params: readonly unknown[] = NO_PARAMS): number {
    return this.#crossing.run(this.handle, plan, params).affected;
  }

  write(plan: CompiledPlan, params: readonly unknown[] = NO_PARAMS): WriteResult {
    return this.#crossing.run(this.handle, plan, params);
  }

  applySchema(target: SchemaDef, options: SchemaOptions = {}): string[] {
    return this.#applySchema(target, options, false) as string[];
  }

  changeSchema(target: SchemaDef, options: SchemaOptions = {}): Soon<string[]> {
    const changes = this.#applySchema(target, options, true);
    if (changes instanceof Promise) {
      this.leave(changes);
    }
    return changes;
  }

  #applySchema(target: SchemaDef, options: SchemaOptions, patient: boolean): Soon<string[]> {
    return this.native.applySchema(this.handle, JSON.stringify(target), JSON.stringify(options), patient);
  }

  diffSchema(target: SchemaDef, options: SchemaOptions = {}): string[] {
    return this.native.diffSchema(this.handle, JSON.stringify(target), JSON.stringify(options));
  }

  createSchema(target: SchemaDef): string[] {
    return this.native.createSchema(this.handle, JSON.stringify(target));
  }

  renameCollection(from: string, to: string): void {
    this.native.renameCollection(this.handle, from, to);
  }

  renameField(collection: string, from: string, to: string): void {
    this.native.renameField(this.handle, collection, from, to);
  }

  dropSchema(collections?: readonly string[]): string[] {
    return this.native.dropSchema(this.handle, collections && [...collections]);
  }

  clear(collections?: readonly string[], options: { readonly resetCounters?: boolean } = {}): void {
    this.native.clear(this.handle, collections && [...collections], options.resetCounters === true);
  }

  describe(): SchemaDef {
    return JSON.parse(this.native.describe(this.handle)) as SchemaDef;
  }

  autoIndexes(): AutoIndex[] {
    return this.native.autoIndexes(this.handle);
  }
}

/** An open store. */
export class Engine extends HandleSession {
  /** The name others find the store by; none for a private one. */
  readonly name: string | undefined;
  readonly #changes = new Set<Changes>();
  #closed = false;

  private constructor(
    handle: Handle,
    name: string | undefined,
    private readonly kept = false,
  ) {
    super(handle);
    this.name = name;
  }

  /** Opens the store of that name, the same for everyone while anyone has it open; a private one without a name. */
  static open(name?: string): Engine {
    return new Engine(binding().open(name), name);
  }

  /** Opens the store that is kept in a directory, or makes an empty one there, in a thread. */
  static async openPath(
    path: string,
    { durability = 'commit', interval = 1000 }: KeepOptions = {},
  ): Promise<Engine> {
    const handle = await binding().openPath(path, DURABILITIES.indexOf(durability), interval);
    return new Engine(handle, undefined, true);
  }

  /** Reads the store that is kept in a directory into one in memory, in a thread. Nothing is changed in the directory. */
  static async view(path: string): Promise<Engine> {
    return new Engine(await binding().openView(path), undefined);
  }

  /** Waits until all that was committed is kept as was asked for; nothing to wait for where it is, or nothing is kept. */
  durable(): Promise<void> | undefined {
    return this.kept ? waitDurable(this.handle) : undefined;
  }

  /** How the log is doing; nothing where nothing is kept. */
  statistics(): StoreStatistics | undefined {
    const statistics = this.native.statistics(this.handle);
    return statistics === null ? undefined : (JSON.parse(statistics) as StoreStatistics);
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Opens a new store, under a name that no open store has, that begins as a copy of what was kept. Costs nothing, however large it is. */
  static fork(snapshot: Snapshot, name: string): Engine {
    return new Engine(binding().fork(snapshot.handle, name), name);
  }

  /** Compiles a plan. Plans are worth keeping: one serves all calls of its shape, in every store. */
  compile(ir: PlanIr): CompiledPlan {
    return new CompiledPlan(ir);
  }

  /** Begins a transaction; any number may be open. */
  begin(options: BeginOptions = {}): NativeTransaction {
    return new NativeTransaction(
      this.channel.begin(
        this.handle,
        LEVELS.indexOf(options.isolation ?? 'snapshot') + (options.readOnly === true ? READ_ONLY : 0),
        options.attempts?.handle ?? NO_ATTEMPTS,
      ),
    );
  }

  /** Reads what is committed from now on, or behind an earlier commit that is still kept. */
  changes(options: ChangesOptions = {}): Changes {
    const changes = new Changes(this.handle, options, (ended) => this.#changes.delete(ended));
    this.#changes.add(changes);
    return changes;
  }

  /** The number of the last commit. */
  get sequence(): number {
    return this.native.sequence(this.handle);
  }

  /** Writes what is committed now to a directory, new or empty, as a store that can be opened. */
  async backup(path: string): Promise<void> {
    await this.native.backup(this.handle, path);
  }

  /** Goes through all that is committed, in a thread: rows, indexes, foreign keys and counters. */
  async check(): Promise<CheckedStore> {
    return JSON.parse(await this.native.examine(this.handle));
  }

  /** Writes a checkpoint of what is committed, in a thread, which takes the place of the log until then. */
  async checkpoint(): Promise<void> {
    await this.native.checkpoint(this.handle);
  }

  /** Keeps the store as it is now. Costs nothing, however large it is. */
  snapshot(): Snapshot {
    return new Snapshot(this.native.snapshot(this.handle));
  }

  /** Makes the store what it was at a snapshot of it. Open transactions conflict. */
  restore(snapshot: Snapshot): void {
    // Anything may be handed over by who uses no types.
    if (typeof (snapshot as Snapshot | undefined)?.handle !== 'number') {
      throw engineError(
        'FOREIGN_SNAPSHOT',
        'This is no snapshot of a collection store: pass what `snapshot()` has given.',
      );
    }
    this.native.restore(this.handle, snapshot.handle);
  }

  /** Switches the making of indexes by the store itself on, as it is at first, or off, which drops those there are. */
  setAutoIndex(on: boolean): void {
    this.native.setAutoIndex(this.handle, on);
  }

  /** Rolls back the transactions begun here and lets the store go. The last one to close a store ends it. Closing twice does nothing. */
  close(): void {
    if (this.#end()) {
      this.native.close(this.handle);
    }
  }

  /** Closes as `close` does, and brings what was committed to the disk in a thread. */
  async closeAside(): Promise<void> {
    if (this.#end()) {
      await this.native.closeAside(this.handle);
    }
  }

  /** Whether it was open until now. */
  #end(): boolean {
    if (this.#closed) {
      return false;
    }
    this.#closed = true;
    for (const changes of this.#changes) {
      changes.close();
    }
    return true;
  }

  override assertOpen(): void {
    if (this.#closed) {
      throw engineError('STORE_CLOSED', 'The store has been closed: open it again.');
    }
  }
}

/** A transaction: sees its own writes, shows them to nobody before `commit`. */
export class NativeTransaction extends HandleSession {
  #closed = false;
  #away: Promise<void> | undefined;

  /** @internal */
  constructor(handle: Handle) {
    super(handle);
  }

  /** Until when a call of it goes on in a thread, or with pauses, if one does. */
  get away(): Promise<void> | undefined {
    return this.#away;
  }

  protected override leave(until: Promise<unknown>): void {
    const back = () => {
      this.#away = undefined;
    };
    this.#away = until.then(back, back);
  }

  /** Whether the transaction has ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Makes the writes everybody's. Where that fails, the transaction is rolled back. */
  commit(): void {
    this.#end();
    this.channel.commit(this.handle, false);
  }

  /** As `commit`, in a thread where a lot was done. */
  complete(): Soon<unknown> {
    this.#end();
    const version = this.channel.commit(this.handle, true);
    return version === A_THREAD ? this.native.commitAside(this.handle) : version;
  }

  /** Forgets the writes. */
  rollback(): void {
    this.#end();
    this.channel.rollback(this.handle);
  }

  /**
   * Waits for the row that the last call failed for with `LOCKED`, at most so many milliseconds; the call is then to be
   * made again. One of several attempts waits so, when it begins, for what those before it were in conflict over.
   */
  waitForLock(timeout: number, signal?: AbortSignal): Promise<void> {
    return waitForLock(this.handle, timeout, signal);
  }

  /** Marks the present state, to come back to; one that only reads refuses writes until it ends. */
  savepoint(readOnly?: boolean): number {
    return this.channel.savepoint(this.handle, readOnly === true);
  }

  /** Goes back to a savepoint, which stays; later ones end. */
  rollbackTo(savepoint: number): void {
    this.channel.rollbackTo(this.handle, savepoint);
  }

  /** Ends a savepoint and later ones, keeping what was written. */
  release(savepoint: number): void {
    this.channel.release(this.handle, savepoint);
  }

  override assertOpen(): void {
    if (this.#closed) {
      throw engineError('TRANSACTION_CLOSED', 'The transaction has ended already: begin a new one.');
    }
  }

  #end(): void {
    this.assertOpen();
    this.#closed = true;
  }
}

const NO_PARAMS: readonly unknown[] = [];
