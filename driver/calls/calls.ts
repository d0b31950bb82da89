// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/** Runs plans: each in one call of the engine, in the transaction that the options name, logged where calls are logged. */
import type { Configuration, MetadataStorage } from '@mikro-orm/core';
import type { CollectionStoreConnection } from '../CollectionStoreConnection.js';
import { type Clause, callText } from './call-text.js';
import type { CompiledPlan, Session, WriteResult } from '../native/engine.js';
import { type EngineErrorCode, engineError, isEngineError } from '../native/errors.js';
import type { Model } from '../plan/model.js';
import type { Prepared } from '../plan/planner.js';
import type { Row } from '../plan/part.js';
import { andThen, orElse, type Soon } from '../soon.js';
import { abortable } from './abortable.js';
import { explainLag } from './schema-lag.js';
import type { LoggedCall } from './tracing.js';
import { TransactionContext } from '../transactions/transaction.js';

/** What a prepared read answers with, before and after its rows get their final shape. */
type PreparedRead = Prepared<CompiledPlan> & { readonly finish?: ((row: Row) => Row) | undefined };

/** Where a driver runs what it has planned. */
export class Calls {
  readonly #connection: CollectionStoreConnection;
  readonly #config: Configuration;
  readonly #metadata: () => MetadataStorage;

  constructor(connection: CollectionStoreConnection, config: Configuration, metadata: () => MetadataStorage) {
    this.#connection = connection;
    this.#config = config;
    this.#metadata = metadata;
  }

  /** Whether a call with these options can run at once. */
  isReady(options: any): boolean {
    return this.#connection.ready && !options.signal && !isBusy(options.ctx);
  }

  /**
   * Waits until calls can run: opens the store with the first one, and lets a
   * nested transaction come to its end. Rejects where the caller's signal has said stop.
   */
  async ready(options: any): Promise<void> {
    options.signal?.throwIfAborted();
    if (!this.#connection.ready) {
      await this.#connection.ensureConnection();
    }
    if (isBusy(options.ctx)) {
      const trx = TransactionContext.from(options.ctx);
      await trx.back();
      await this.#connection.turn(trx);
    }
  }

  /**
   * Runs work that changes or locks rows, in one go. Where others have locked a
   * row, none of it has happened: it waits for that row, and begins anew. Outside
   * a transaction it then has one of its own, to wait in. What is done outside
   * a transaction is kept when this is done.
   */
  patiently<T>(options: any, work: (options: any) => Soon<T>): Soon<T> {
    let result: Soon<T>;
    try {
      result = work(options);
    } catch (error) {
      return this.#whenUnlocked(options, work, error);
    }
    return result instanceof Promise
      ? result.then(
          (value) => this.#kept(options, value),
          (error) => this.#whenUnlocked(options, work, error),
        )
      : this.#kept(options, result);
  }

  #kept<T>(options: any, result: T): Soon<T> {
    const kept = options.ctx ? undefined : this.#connection.kept();
    return kept === undefined ? result : kept.then(() => result);
  }

  #whenUnlocked<T>(options: any, work: (options: any) => Soon<T>, error: unknown): Promise<T> {
    if (!isLocked(error)) {
      throw error;
    }
    return options.ctx ? this.#again(options, work) : this.#inTransaction(options, work);
  }

  async #again<T>(options: any, work: (options: any) => Soon<T>): Promise<T> {
    for (;;) {
      // It may have said stop while the call was in a thread.
      options.signal?.throwIfAborted();
      await this.#connection.waitForLock(TransactionContext.from(options.ctx), options.signal);
      options.signal?.throwIfAborted();
      try {
        return await work(options);
      } catch (error) {
        if (!isLocked(error)) {
          throw error;
        }
      }
    }
  }

  async #inTransaction<T>(options: any, work: (options: any) => Soon<T>): Promise<T> {
    const trx = TransactionContext.of(this.#connection.engine.begin({ isolation: 'read committed' }));
    try {
      const result = await this.patiently({ ...options, ctx: trx }, work);
      await trx.commit();
      await this.#connection.kept();
      return result;
    } catch (error) {
      trx.rollback();
      throw this.#connection.converted(error);
    }
  }

  /** The rows of a read. */
  find(
    model: Model,
    { plan, params, finish }: PreparedRead,
    clauses: () => readonly Clause[],
    options: any,
    verb = 'find',
  ): Soon<Row[]> {
    const found = this.#run(
      (session) => session.start(plan, params),
      (result) => ({
        text: this.#text(verb, model, clauses()),
        ...(result && { results: result.rows.length }),
      }),
      options.logging,
      options,
    );
    const rows = ({ rows }: WriteResult): Row[] => (finish === undefined ? rows : rows.map(finish));
    return found instanceof Promise ? abortable(found.then(rows), options.signal) : rows(found);
  }

  /** The rows of a read one by one, as they were when the first was asked for. */
  async *stream(
    model: Model,
    { plan, params, finish }: PreparedRead,
    clauses: () => readonly Clause[],
    options: any,
  ): AsyncGenerator<Row, void> {
    const cursor = await this.#run(
      (session) => session.open(plan, params),
      () => ({ text: this.#text('find', model, clauses()) }),
      options.logging,
      options,
    );
    try {
      for await (const rows of cursor) {
        for (const row of rows) {
          cursor.assertOpen();
          yield finish === undefined ? row : finish(row);
        }
      }
    } catch (error) {
      throw this.#connection.converted(error);
    }
  }

  /** How many rows there are. */
  count(
    model: Model,
    { plan, params }: Prepared<CompiledPlan>,
    clauses: () => readonly Clause[],
    options: any,
  ): Soon<number> {
    const counted = this.#run(
      (session) => session.start(plan, params),
      (result) => ({
        text: this.#text('count', model, clauses()),
        ...(result && { results: result.affected }),
      }),
      options.logging,
      options,
    );
    return counted instanceof Promise
      ? abortable(
          counted.then(({ affected }) => affected),
          options.signal,
        )
      : counted.affected;
  }

  /** Runs a write. */
  write(
    verb: string,
    model: Model,
    { plan, params }: Prepared<CompiledPlan>,
    clauses: () => readonly Clause[],
    options: any,
  ): Soon<WriteResult> {
    return this.#run(
      (session) => session.start(plan, params),
      (result) => ({
        text: this.#text(verb, model, clauses()),
        ...(result && { affected: result.affected }),
      }),
      options.loggerContext ?? options.logging,
      options,
    );
  }

  /** Runs several calls as one: all of them happen, or none. */
  together<T>(options: any, work: (options: any) => Soon<T>): Soon<T> {
    const { ctx } = options;
    const begun = ctx
      ? this.#connection.nested(TransactionContext.from(ctx))
      : TransactionContext.of(this.#connection.engine.begin({ isolation: 'read committed' }));
    return andThen(begun, (trx) => {
      const result = orElse(
        () => work({ ...options, ctx: trx }),
        (error) => {
          trx.rollback();
          throw error;
        },
      );
      return andThen(result, (value) => {
        const committed = orElse(
          () => trx.commit(),
          (error) => {
            throw this.#connection.converted(error);
          },
        );
        return andThen(committed, () => value);
      });
    });
  }

  /** The exception for something that went wrong. */
  failure(code: EngineErrorCode, message: string): unknown {
    return this.#connection.converted(engineError(code, message));
  }

  #run<T>(
    call: (session: Session) => Soon<T>,
    describe: (result: T | undefined) => LoggedCall,
    context: any,
    options: any,
  ): Soon<T> {
    const { ctx, apart } = options;
    const away = ctx && apart === undefined ? TransactionContext.from(ctx).away : undefined;
    if (away !== undefined) {
      return away.then(() => this.#run(call, describe, context, options));
    }
    if (this.#connection.logs(context)) {
      return this.#connection.traced(() => this.#explained(call, apart, ctx), describe, context);
    }
    let result: Soon<T>;
    try {
      result = this.#explained(call, apart, ctx);
    } catch (error) {
      throw this.#connection.converted(error);
    }
    return result instanceof Promise ? result.catch((error) => this.#failed(error)) : result;
  }

  #failed(error: unknown): never {
    throw this.#connection.converted(error);
  }

  #explained<T>(call: (session: Session) => Soon<T>, apart: Session | undefined, ctx: unknown): Soon<T> {
    let result: Soon<T>;
    try {
      result = call(apart ?? this.#connection.session(ctx));
    } catch (error) {
      throw explainLag(error, this.#metadata());
    }
    return result instanceof Promise
      ? result.catch((error) => {
          throw explainLag(error, this.#metadata());
        })
      : result;
  }

  #text(verb: string, model: Model, clauses: readonly Clause[]): string {
    return callText(verb, model.collection, clauses, this.#config.getLogger().isEnabled('query-params'));
  }
}

/** Whether a row is locked by others. */
function isLocked(error: unknown): boolean {
  return isEngineError(error) && error.code === 'LOCKED';
}

function isBusy(ctx: unknown): boolean {
  if (ctx === undefined || ctx === null) {
    return false;
  }
  const { busy, away } = TransactionContext.from(ctx);
  return busy || away !== undefined;
}
