// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type contexts and options differently.
import { randomUUID } from 'node:crypto';
import { Connection, EventType } from '@mikro-orm/core';
import { type LoggedCall, Tracing } from './calls/tracing.js';
import { CONNECTIONS_PREPARE, NOT_CONNECTED } from './compat.js';
import { transactionSettings } from './options/driver-options.js';
import { dump } from './dumps/dump.js';
import type { DumpOptions } from './dumps/format.js';
import { load } from './dumps/load.js';
import { unsupported } from './errors.js';
import { announce, listeners } from './transactions/events.js';
import { isolationOf, isStronger } from './transactions/isolation.js';
import type { Changes, ChangesOptions } from './native/changes.js';
import type { CheckedStore } from './native/examination.js';
import type { Engine, Isolation, Session, Snapshot, StoreStatistics } from './native/engine.js';
import { engineError } from './native/errors.js';
import { StoreFork } from './StoreFork.js';
import { PRIVATE, StoreOpening } from './StoreOpening.js';
import { noSql, shorten } from './refused/query-builders.js';
import { andThen, type Soon } from './soon.js';
import { OpenTransactions } from './transactions/open-transactions.js';
import { EXPLICIT, type Explicit, TransactionContext } from './transactions/transaction.js';
import { nestInTurn, runIn, untilFree } from './transactions/turns.js';

/** The connection to a store: opens and closes it, and runs transactions. */
export class CollectionStoreConnection extends Connection {
  readonly #settings = transactionSettings(this.config);
  readonly #open = new OpenTransactions(this.#settings.idleTimeout, (message) =>
    this.logger.warn('query', message),
  );
  readonly #tracing = new Tracing({
    logs: (context) => this.logs(context),
    log: (text, context) => this.logQuery(text, context),
    exception: (error) => this.platform.getExceptionConverter().convertException(error as any),
  });
  readonly #store = new StoreOpening(this.config, this.#tracing);
  #engine: Engine | undefined;
  #closed = false;
  /** What core does with a store that has been opened. */
  #opening: Promise<void> | undefined;

  /**
   * Opens the store named by `dbName`: the same for all who open it, private to this connection for `':memory:'`. With
   * a `path` it is the store that is kept in that directory.
   */
  override async connect(options?: { skipOnConnect?: boolean }): Promise<void> {
    this.#closed = false;
    const opened = this.#engine ?? this.#store.open();
    const engine = opened instanceof Promise ? await opened : opened;
    // Of those who have waited for it, the first goes on with it.
    if (this.#engine === undefined) {
      this.#engine = engine;
      this.connected = true;
      if (CONNECTIONS_PREPARE && options?.skipOnConnect !== true) {
        this.#opening = (this as any).onConnect();
      }
    }
    try {
      await this.#opening;
    } finally {
      this.#opening = undefined;
    }
  }

  /** Opens the store with the first use; once closed, it stays so until `connect`. */
  override async ensureConnection(): Promise<void> {
    if (this.#closed) {
      throw this.converted(notOpen(true));
    }
    await this.connect();
  }

  /** Whether the store is open. */
  get opened(): boolean {
    return this.#engine !== undefined;
  }

  /** Whether the store is open and nothing is left to be done before its use. */
  get ready(): boolean {
    return this.#engine !== undefined && this.#opening === undefined;
  }

  /** Whether the store is open; of one that is on its way, whether it has come. */
  override async isConnected(): Promise<boolean> {
    await this.#store.arrival();
    return this.#engine !== undefined;
  }

  override async checkConnection(): Promise<{ ok: true } | { ok: false; reason: string; error?: Error }> {
    return this.#engine === undefined
      ? { ok: false, reason: NOT_CONNECTED, error: this.converted(notOpen(this.#closed)) as Error }
      : { ok: true };
  }

  /** Rolls back what is open and lets the store go; the last one to close it ends it. */
  override async close(_force?: boolean): Promise<void> {
    await this.#store.arrival();
    const engine = this.#engine;
    this.#open.close();
    this.#engine = undefined;
    this.#closed = true;
    this.connected = false;
    if (engine !== undefined && this.#store.kept) {
      await this.#tracing.converting(() => engine.closeAside());
    } else {
      engine?.close();
    }
  }

  getDefaultClientUrl(): string {
    return 'collection-store://localhost';
  }

  /** Nothing: a store is not at an address. */
  getClientUrl(): string {
    return '';
  }

  /** The open store. */
  get engine(): Engine {
    if (this.#engine === undefined) {
      throw this.converted(notOpen(this.#closed));
    }
    return this.#engine;
  }

  /** Where calls run: in the transaction, or in the store, where each commits by itself. */
  session(ctx?: unknown): Session {
    return ctx ? TransactionContext.from(ctx).session : this.engine;
  }

  override async transactional<T>(cb: (trx: any) => Promise<T>, options: any = {}): Promise<T> {
    const begun = this.#begin(options, options[EXPLICIT] === undefined);
    const trx = begun instanceof Promise ? await begun : begun;
    try {
      // Core runs the body of a transaction of an EntityManager in a context of its own.
      const result = await (options[EXPLICIT] === undefined ? runIn(trx, () => cb(trx)) : cb(trx));
      const committed = this.#commit(trx, options.eventBroadcaster, options.loggerContext);
      if (committed !== undefined) {
        await committed;
      }
      return result;
    } catch (error) {
      try {
        await this.rollback(trx, options.eventBroadcaster, options.loggerContext);
      } catch (rollbackError) {
        this.logger.warn('query', `Failed to roll back a transaction: ${(rollbackError as Error).message}`);
      }
      throw error;
    }
  }

  override async begin(options: any = {}): Promise<any> {
    return this.#begin(options, false);
  }

  override async commit(ctx: any, eventBroadcaster?: any, loggerContext?: any): Promise<void> {
    return this.#commit(TransactionContext.from(ctx), eventBroadcaster, loggerContext);
  }

  #commit(trx: TransactionContext, eventBroadcaster: any, loggerContext: any): Soon<void> {
    if (trx.rolledBack) {
      return;
    }
    const events = listeners(eventBroadcaster, trx.nested);
    const announced = announce(events, EventType.beforeTransactionCommit, trx);
    const back = announced === undefined ? trx.back() : announced.then(() => trx.back());
    return back === undefined
      ? this.#commitNow(trx, events, loggerContext)
      : back.then(() => this.#commitNow(trx, events, loggerContext));
  }

  #commitNow(trx: TransactionContext, events: any, loggerContext: any): Soon<void> {
    const committed = this.traced(
      () => trx.commit(),
      () => ({ text: trx.nested ? `release savepoint ${trx.name}` : 'commit' }),
      loggerContext,
    );
    const kept = andThen(committed, () => (trx.nested ? undefined : this.kept()));
    return andThen(kept, () => announce(events, EventType.afterTransactionCommit, trx));
  }

  override async rollback(ctx: any, eventBroadcaster?: any, loggerContext?: any): Promise<void> {
    const trx = TransactionContext.from(ctx);
    const events = listeners(eventBroadcaster, trx.nested);
    await announce(events, EventType.beforeTransactionRollback, ctx);
    if (trx.nested) {
      await trx.back();
    }
    this.traced(
      () => trx.rollback(),
      () => ({ text: trx.nested ? `rollback to savepoint ${trx.name}` : 'rollback' }),
      loggerContext,
    );
    await announce(events, EventType.afterTransactionRollback, ctx);
  }

  /** Marks the present state of a transaction and returns the id of the mark. Costs the same however much the store holds. */
  async createSavepoint(ctx: unknown, name: string): Promise<string> {
    const trx = TransactionContext.from(ctx);
    await trx.back();
    return this.traced(
      () => trx.createSavepoint(name),
      () => ({ text: `savepoint ${name}` }),
    );
  }

  /** Forgets what the transaction did since a savepoint. The savepoint stays, later ones end. */
  async rollbackToSavepoint(ctx: unknown, id: string): Promise<void> {
    const trx = TransactionContext.from(ctx);
    await trx.back();
    this.traced(
      () => trx.rollbackToSavepoint(id),
      () => ({ text: `rollback to savepoint ${id}` }),
    );
  }

  /** Ends a savepoint and later ones; what was done since stays part of the transaction. */
  async releaseSavepoint(ctx: unknown, id: string): Promise<void> {
    const trx = TransactionContext.from(ctx);
    await trx.back();
    this.traced(
      () => trx.releaseSavepoint(id),
      () => ({ text: `release savepoint ${id}` }),
    );
  }

  /** Keeps the whole store as it is now, committed data only. Costs the same however much it holds. */
  async snapshot(): Promise<Snapshot> {
    await this.ensureConnection();
    return this.traced(
      () => this.engine.snapshot(),
      () => ({ text: 'snapshot' }),
    );
  }

  /** Makes the store what it was at a snapshot. Entities loaded before know nothing of it: use a fresh `em.fork()`. */
  async restore(snapshot: Snapshot): Promise<void> {
    await this.ensureConnection();
    this.traced(
      () => this.engine.restore(snapshot),
      () => ({ text: 'restore' }),
    );
    await this.kept();
  }

  /**
   * A store of its own that begins as a copy of this one, committed data only. Costs the same however much it holds.
   * It has the given name, which no open store may have, and without one a name nobody else has: `dbName: fork.name`
   * opens it.
   */
  async fork(name = `fork ${randomUUID()}`): Promise<StoreFork> {
    if (name === PRIVATE) {
      throw unsupported(
        `A fork needs a name by which it can be opened, and a store named '${PRIVATE}' cannot: choose another name, or none.`,
      );
    }
    await this.ensureConnection();
    return this.traced(
      () => new StoreFork(this.engine, name),
      () => ({ text: `fork ${name}` }),
    );
  }

  /**
   * Writes the whole store as it is now, committed data only, to a new or empty directory, as a store that can be opened
   * as `driverOptions.path`. Goes on beside other work; what it promises is on the disk. A store in memory is kept so, too.
   */
  async backup(directory: string): Promise<void> {
    if (!this.ready) {
      await this.ensureConnection();
    }
    await this.#tracing.working(`backup ${directory}`, () => this.engine.backup(directory));
  }

  /**
   * Goes through all that is committed now: that rows are as their collections say, that indexes and rows agree, unique
   * constraints, foreign keys and the counters of generated keys. Whatever is wrong is in the list that it resolves with,
   * which is empty as long as memory and the engine are right. Goes on beside other work. The files of a store are
   * checked by `npx collection-store check`, when it is closed.
   */
  async check(): Promise<CheckedStore> {
    if (!this.ready) {
      await this.ensureConnection();
    }
    return this.#tracing.working('check', () => this.engine.check());
  }

  /**
   * Writes the whole store as it is now, committed data only, to a new or empty folder: a file of JSON lines for each
   * collection, and `dump.json`, which says what they are. Goes on beside other work.
   */
  async dump(folder: string, options?: DumpOptions): Promise<void> {
    if (!this.ready) {
      await this.ensureConnection();
    }
    await this.#tracing.working(`dump ${folder}`, () => dump(this.engine, folder, options));
  }

  /** Adds the collections of a dump with their rows, all of them or none. None of them may be there. */
  async load(folder: string, options?: DumpOptions): Promise<void> {
    if (!this.ready) {
      await this.ensureConnection();
    }
    const trx = this.engine.begin();
    try {
      await this.#tracing.working(`load ${folder}`, () => load(trx, folder, options));
    } catch (error) {
      trx.rollback();
      throw error;
    }
    await this.traced(
      () => trx.complete(),
      () => ({ text: 'commit' }),
    );
    await this.kept();
  }

  /** Waits until all that was committed is on the disk, where commits count as made only then; nothing to wait for elsewhere. */
  kept(): Promise<void> | undefined {
    try {
      return this.#engine?.durable()?.catch((error) => {
        throw this.converted(error);
      });
    } catch (error) {
      throw this.converted(error);
    }
  }

  /** How the log of the store is doing; nothing where the store is in memory alone. */
  get statistics(): StoreStatistics | undefined {
    return this.engine.statistics();
  }

  /**
   * What is committed, change by change in the order of the commits: from now on, or behind the commit `from`, of some
   * collections or of all. To be read with `for await`; each change has its `sequence`, by which to go on later. The
   * latest 100,000 changes are kept while somebody reads: who falls behind further gets an error.
   */
  changes(options: ChangesOptions = {}): Changes {
    return this.traced(
      () => this.engine.changes(options),
      () => ({ text: 'changes' }),
    );
  }

  /** The number of the last commit: what is read behind it is what comes. */
  get sequence(): number {
    return this.engine.sequence;
  }

  /** Refused: there is no query text to execute. */
  override async execute(query: any): Promise<any> {
    throw noSql('execute', query);
  }

  /** Refused: there is no SQL to build. */
  getKnex(..._args: unknown[]): never {
    throw noSql('getKnex');
  }

  /** Refused: there is no SQL to build. */
  getKysely(..._args: unknown[]): never {
    throw noSql('getKysely');
  }

  /** Runs a stored function by the JavaScript that it declares; one that is SQL alone is refused. */
  async callRoutine(routine: any, args: any = {}): Promise<any> {
    if (typeof routine.bodyJs !== 'function') {
      throw unsupported(
        `The collection store does not execute SQL: the routine ${routine.name} has no \`bodyJs\`. Declare one, or call a function of the application.`,
      );
    }
    const convert = this as any;
    const values = routine.params.map((param: any) => [
      param.name,
      convert.convertRoutineInbound(args[param.name], param),
    ]);
    return convert.convertRoutineOutbound(
      routine.bodyJs(Object.fromEntries(values)),
      routine.returnCustomType,
    );
  }

  /** Refused: there is no SQL to load. */
  async loadFile(path: string): Promise<void> {
    throw unsupported(`The collection store does not load SQL dumps (${path}). Use a seeder instead.`);
  }

  /** Refused: there is no SQL to load. */
  async executeDump(dump: string): Promise<void> {
    throw unsupported(
      `The collection store does not execute SQL dumps: ${shorten(dump)}. Use a seeder instead.`,
    );
  }

  /** Whether calls are logged; where not, a call costs no more than this question. */
  logs(context?: any): boolean {
    return this.logger.isEnabled('query', context) || this.#slowQueryThreshold !== undefined;
  }

  /** Runs a call of the engine, logs it where calls are logged, and makes core's exceptions of its errors. */
  traced<T>(call: () => T, describe: (result: Awaited<T> | undefined) => LoggedCall, context?: any): T {
    return this.#tracing.traced(call, describe, context);
  }

  /** Waits for the row that a call in a transaction failed for, unless the caller's signal says stop. */
  waitForLock(trx: TransactionContext, signal?: AbortSignal): Promise<void> {
    const { lockTimeout } = this.#settings;
    return this.#tracing.converting(() => trx.waiting(() => trx.session.waitForLock(lockTimeout, signal)));
  }

  /** Waits until no transaction nested in this one is open. */
  turn(trx: TransactionContext): Promise<void> {
    return this.#tracing.converting(() =>
      untilFree(trx, this.#settings.lockTimeout, this.config.get('contextName')),
    );
  }

  /** Core's exception for an error of the engine; any other error as it is, and what is only to be waited for. */
  converted(error: unknown): unknown {
    return this.#tracing.converted(error);
  }

  #begin(options: any, flush: boolean): Soon<TransactionContext> {
    const asked = options.isolationLevel ? isolationOf(options.isolationLevel) : undefined;
    if (options.sessionContext && Object.keys(options.sessionContext).length > 0) {
      throw unsupported(
        'The collection store has no session variables and no row level security: remove `sessionContext`.',
      );
    }
    const { ctx, eventBroadcaster } = options;
    const events = listeners(eventBroadcaster, Boolean(ctx));
    const ready = ctx || this.ready ? undefined : this.ensureConnection();
    const isolation = asked ?? (flush ? 'read committed' : this.#settings.isolation);
    const begin = () =>
      ctx ? this.#nest(TransactionContext.from(ctx), asked, options) : this.#start(isolation, options);
    const announced =
      ready === undefined
        ? announce(events, EventType.beforeTransactionStart, ctx)
        : ready.then(() => announce(events, EventType.beforeTransactionStart, ctx));
    return andThen(announced === undefined ? begin() : announced.then(begin), (trx) =>
      andThen(announce(events, EventType.afterTransactionStart, trx), () => trx),
    );
  }

  #start(isolation: Isolation, options: any): Soon<TransactionContext> {
    const readOnly = options.readOnly === true;
    const { place, attempts } = (options[EXPLICIT] ?? {}) as Partial<Explicit>;
    const trx = this.traced(
      () => TransactionContext.of(this.engine.begin({ isolation, readOnly, attempts }), isolation),
      () => ({ text: readOnly ? 'begin read only' : 'begin' }),
      options.loggerContext,
    );
    this.#open.add(trx, place);
    return attempts === undefined ? trx : this.#prepared(trx, options.signal);
  }

  /** A transaction that begins with locks, when it has them. */
  async #prepared(trx: TransactionContext, signal: AbortSignal | undefined): Promise<TransactionContext> {
    try {
      await this.waitForLock(trx, signal);
      return trx;
    } catch (error) {
      trx.rollback();
      throw error;
    }
  }

  #nest(parent: TransactionContext, asked: Isolation | undefined, options: any): Soon<TransactionContext> {
    if (asked !== undefined && isStronger(asked, parent.isolation)) {
      throw unsupported(
        `A nested transaction cannot be '${options.isolationLevel}' inside one that is '${parent.isolation}': ask for it where the outer one begins.`,
      );
    }
    const readOnly = options.readOnly === true;
    const turn = parent.busy ? this.#nestInTurn(parent, options[EXPLICIT]?.within, readOnly) : undefined;
    return andThen(turn, (nested) =>
      this.traced(
        () => nested ?? parent.nest(readOnly),
        () => ({ text: `savepoint trx${parent.depth + 1}` }),
        options.loggerContext,
      ),
    );
  }

  /** A transaction nested in another, once no other is open in it. */
  nested(parent: TransactionContext): Soon<TransactionContext> {
    return parent.busy || parent.away !== undefined
      ? andThen(parent.back(), () => this.#nestInTurn(parent, undefined, false))
      : parent.nest();
  }

  #nestInTurn(parent: TransactionContext, within: unknown, readOnly: boolean): Promise<TransactionContext> {
    return this.#tracing.converting(() => nestInTurn(parent, this.#settings.lockTimeout, within, readOnly));
  }

  get #slowQueryThreshold(): number | undefined {
    return (this.config as any).get('slowQueryThreshold');
  }
}

function notOpen(closed: boolean): Error {
  return engineError(
    'STORE_CLOSED',
    closed
      ? 'The store is closed: call `orm.connect()` to open it again.'
      : 'The store is not open: call `orm.connect()` to open it.',
  );
}
