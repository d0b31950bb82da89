/**
 * Opening the store of a connection: one in memory, by its name, or one that is kept in a directory.
 */
import type { Configuration } from '@mikro-orm/core';
import { type StorePlace, storePlace } from './options/driver-options.js';
import type { Tracing } from './calls/tracing.js';
import { Engine } from './native/engine.js';

/** Names a store that nobody else can open. */
export const PRIVATE = ':memory:';
/** What other drivers take for a file: a path, or the name that files of SQLite have. */
const LIKE_A_FILE = /[/\\]|\.(?:db|db3|sqlite|sqlite3)$/i;

/** Opens the store that a configuration names, once for all who ask for it meanwhile. */
export class StoreOpening {
  readonly #config: Configuration;
  readonly #tracing: Tracing;
  readonly #place: StorePlace | undefined;
  /** A store that is kept in a directory, on its way. */
  #coming: Promise<Engine> | undefined;
  #warned = false;

  constructor(config: Configuration, tracing: Tracing) {
    this.#config = config;
    this.#tracing = tracing;
    this.#place = storePlace(config);
  }

  /** Whether the store is kept in a directory. */
  get kept(): boolean {
    return this.#place !== undefined;
  }

  /** The store, at once if it is in memory. */
  open(): Engine | Promise<Engine> {
    const place = this.#place;
    if (place === undefined) {
      return this.#openNamed();
    }
    this.#coming ??= this.#openKept(place).finally(() => {
      this.#coming = undefined;
    });
    return this.#coming;
  }

  /** Waits for a store that is on its way. Whoever opens it hears of it if that fails. */
  async arrival(): Promise<void> {
    await this.#coming?.catch(() => {});
  }

  #openNamed(): Engine {
    const name = this.#config.get('dbName') as string | undefined;
    if (name === undefined || name === PRIVATE) {
      return Engine.open();
    }
    if (LIKE_A_FILE.test(name) && !this.#warned) {
      this.#warned = true;
      this.#warn(
        `The store '${name}' is in memory, as dbName is but its name, and is gone with the process: to keep it in a directory, set driverOptions.path, or clientUrl to 'file:' and its path.`,
      );
    }
    return Engine.open(name);
  }

  async #openKept(place: StorePlace): Promise<Engine> {
    const engine = await this.#tracing.working(`open ${place.path}`, () =>
      Engine.openPath(place.path, place),
    );
    for (const notice of engine.statistics()?.notices ?? []) {
      this.#warn(`The store at ${place.path}: ${notice}`);
    }
    return engine;
  }

  /** What concerns the data themselves is told to those as well who have switched off logging. */
  #warn(message: string): void {
    this.#config.getLogger().warn('info', message, { enabled: true });
  }
}
