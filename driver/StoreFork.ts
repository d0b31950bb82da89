import { Engine } from './native/engine.js';

/** A store that began as a copy of another, kept open: until `close`, and as long as anybody else has it open. */
export class StoreFork {
  readonly #engine: Engine;

  /** @internal */
  constructor(of: Engine, name: string) {
    const snapshot = of.snapshot();
    try {
      this.#engine = Engine.fork(snapshot, name);
    } finally {
      snapshot.dispose();
    }
  }

  /** What MikroORM opens it by: `dbName: fork.name`. */
  get name(): string {
    return this.#engine.name as string;
  }

  /** Lets the store go; whoever opened it by its name keeps it. Doing so twice does nothing. */
  close(): void {
    this.#engine.close();
  }

  /** The same as `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
