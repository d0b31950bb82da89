// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type the contexts of logs differently.
/** What is told of calls of the engine: to the log, and as core's exceptions to who has made them. */
import { isEngineError } from '../native/errors.js';

/** What the `driver` logs beside the text of a call. */
export interface LoggedCall {
  readonly text: string;
  readonly results?: number;
  readonly affected?: number;
}

/** Where calls are told. */
export interface Audience {
  /** Whether calls are logged. */
  logs(context: any): boolean;
  /** Logs a call. */
  log(text: string, context: any): void;
  /** Core's exception for an error of the engine. */
  exception(error: unknown): unknown;
}

/** Runs calls of the engine, logs them where calls are logged, and makes core's exceptions of their errors. */
export class Tracing {
  constructor(private readonly audience: Audience) {}

  /** Runs a call. Where calls are not logged, that costs no more than the question. */
  traced<T>(call: () => T, describe: (result: Awaited<T> | undefined) => LoggedCall, context?: any): T {
    return this.audience.logs(context) ? this.#logged(call, describe, context) : this.#unlogged(call);
  }

  /** As `traced`, for work that takes its time. */
  async working<T>(text: string, work: () => Promise<T>): Promise<T> {
    const start = Date.now();
    try {
      const result = await this.converting(work);
      if (this.audience.logs(undefined)) {
        this.#log(start, { text }, undefined);
      }
      return result;
    } catch (error) {
      if (this.audience.logs(undefined)) {
        this.#log(start, { text }, { level: 'error' });
      }
      throw error;
    }
  }

  /** Core's exception for an error of the engine; any other error as it is, and what is only to be waited for. */
  converted(error: unknown): unknown {
    return isEngineError(error) && error.code !== 'LOCKED' ? this.audience.exception(error) : error;
  }

  /** What work gives, or core's exception for its error. */
  async converting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.converted(error);
    }
  }

  #logged<T>(call: () => T, describe: (result: Awaited<T> | undefined) => LoggedCall, context: any): T {
    const start = Date.now();
    const failed = (error: unknown): never => {
      // What is locked is waited for, and the call made again.
      if (!(isEngineError(error) && error.code === 'LOCKED')) {
        this.#log(start, describe(undefined), { ...context, level: 'error' });
      }
      throw this.converted(error);
    };
    const done = <R>(result: R): R => {
      this.#log(start, describe(result as Awaited<T>), context);
      return result;
    };
    let result: T;
    try {
      result = call();
    } catch (error) {
      return failed(error);
    }
    return result instanceof Promise ? (result.then(done, failed) as T) : done(result);
  }

  #unlogged<T>(call: () => T): T {
    try {
      const result = call();
      return result instanceof Promise ? (this.converting(() => result) as T) : result;
    } catch (error) {
      throw this.converted(error);
    }
  }

  #log(start: number, { text, ...numbers }: LoggedCall, context: any): void {
    this.audience.log(text, { ...context, ...numbers, took: Date.now() - start });
  }
}
