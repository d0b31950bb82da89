// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/** Runs plans: each in one call of the engine, in the transaction that the options name, logged where calls are logged. */
import type { Configuration, MetadataStorage } from '@mikro-orm/core';
import type { CollectionStoreConnection, LoggedCall } from '../CollectionStoreConnection.js';
import { type Clause, callText } from './call-text.js';
import type { CompiledPlan, Session, WriteResult } from '../native/engine.js';
import { type EngineErrorCode, engineError, isEngineError } from '../native/errors.js';
import type { Model } from '../plan/model.js';
import type { Prepared } from '../plan/planner.js';
import type { Row } from '../plan/part.js';
import { explainLag } from './schema-lag.js';
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
      await this.#connection.turn(TransactionContext.from(options.ctx));
    }
  }

  /**
   * Runs work that changes or locks rows, in one go. Where others have locked a
   * row, none of it has happened: it waits for that row, and begins anew. Outside
   * a transaction it then has one of its own, to wait in. What is done outside
   * a transaction is kept when this is done.
   */
  patiently<T>(options: any, work: (options: any) => T): T | Promise<T> {
    try {
      const result = work(options);
      const kept = options.ctx ? undefined : this.#connection.kept();
      return kept === undefined ? result : kept.then(() => result);
    } catch (error) {
      if (!isLocked(error)) {
        throw error;
      }
    }
    return options.ctx ? this.#again(options, work) : this.#inTransaction(options, work);
  }

  async #again<T>(options: any, work: (options: any) => T): Promise<T> {
    for (;;) {
      await this.#connection.waitForLock(TransactionContext.from(options.ctx), options.signal);
      options.signal?.throwIfAborted();
      try {
        return work(options);
      } catch (error) {
        if (!isLocked(error)) {
          throw error;
        }
      }
    }
  }

  async #inTransaction<T>(options: any, work: (options: any) => T): Promise<T> {
    const trx = TransactionContext.of(this.#connection.engine.begin({ isolation: 'read committed' }));
    try {
      const result = await this.patiently({ ...options, ctx: trx }, work);
      trx.commit();
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
  ): Row[] {
    const rows = this.#run(
      (session) => session.find(plan, params),
      (found) => ({ text: this.#text(verb, model, clauses()), ...(found && { results: found.length }) }),
      options.logging,
      options,
    );
    return finish === undefined ? rows : rows.map(finish);
  }

  /** The rows of a read one by one, as they were when the first was asked for. */
  *stream(
    model: Model,
    { plan, params, finish }: PreparedRead,
    clauses: () => readonly Clause[],
    options: any,
  ): Generator<Row, void> {
    const cursor = this.#run(
      (session) => session.open(plan, params),
      () => ({ text: this.#text('find', model, clauses()) }),
      options.logging,
      options,
    );
    try {
      for (const row of cursor) {
        yield finish === undefined ? row : finish(row);
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
  ): number {
    return this.#run(
      (session) => session.count(plan, params),
      (results) => ({
        text: this.#text('count', model, clauses()),
        ...(results !== undefined && { results }),
      }),
      options.logging,
      options,
    );
  }

  /** Runs a write. */
  write(
    verb: string,
    model: Model,
    { plan, params }: Prepared<CompiledPlan>,
    clauses: () => readonly Clause[],
    options: any,
  ): WriteResult {
    return this.#run(
      (session) => session.write(plan, params),
      (result) => ({
        text: this.#text(verb, model, clauses()),
        ...(result && { affected: result.affected }),
      }),
      options.loggerContext ?? options.logging,
      options,
    );
  }

  /** Runs several calls as one: all of them happen, or none. */
  together<T>(options: any, work: (options: any) => T): T {
    const { ctx } = options;
    const engine = ctx ? undefined : this.#connection.engine;
    const trx = engine
      ? TransactionContext.of(engine.begin({ isolation: 'read committed' }))
      : TransactionContext.from(ctx).nest();
    let result: T;
    try {
      result = work({ ...options, ctx: trx });
    } catch (error) {
      trx.rollback();
      throw error;
    }
    try {
      trx.commit();
    } catch (error) {
      throw this.#connection.converted(error);
    }
    return result;
  }

  /** The exception for something that went wrong. */
  failure(code: EngineErrorCode, message: string): unknown {
    return this.#connection.converted(engineError(code, message));
  }

  #run<T>(
    call: (session: Session) => T,
    describe: (result: T | undefined) => LoggedCall,
    context: any,
    { ctx, apart }: any,
  ): T {
    const traces = this.#connection.logs(context);
    try {
      return traces
        ? this.#connection.traced(() => this.#explained(call, apart, ctx), describe, context)
        : this.#explained(call, apart, ctx);
    } catch (error) {
      throw traces ? error : this.#connection.converted(error);
    }
  }

  #explained<T>(call: (session: Session) => T, apart: Session | undefined, ctx: unknown): T {
    try {
      return call(apart ?? this.#connection.session(ctx));
    } catch (error) {
      throw explainLag(error, this.#metadata());
    }
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
  return ctx !== undefined && ctx !== null && TransactionContext.from(ctx).busy;
}
