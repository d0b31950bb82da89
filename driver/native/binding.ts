/**
 * The native side, typed, and loaded when it is first needed.
 */
import { requireBinding } from './loader.js';

/** Names something that lives on the native side of this thread: a store, transaction, plan, cursor or snapshot. Never reused. */
export type Handle = number;

/**
 * One caller's way to what is called most. To run plans, the functions share two
 * buffers with the caller, one for parameters and one for rows.
 */
export interface Channel {
  /** Says which buffers to use from now on. */
  attach(input: Float64Array, output: Float64Array): void;
  /** Runs a plan with the parameters in the input buffer and `text`; fills the output buffer and returns the text of its rows. */
  exec(session: Handle, plan: Handle, text: string): string;
  /** As `exec`, but of a plan that takes long there is only a cursor, for `runAside`. */
  start(session: Handle, plan: Handle, text: string): string;
  /** The next chunk of rows, in the same form. */
  next(cursor: Handle): string;
  /** Lets go of a cursor that will not be read to its end. */
  closeCursor(cursor: Handle): void;
  /**
   * Modes: 0 is read committed, 1 snapshot, 2 serializable, and 4 more for one that only reads. One of several attempts
   * is first to wait for its locks; 0 is none.
   */
  begin(store: Handle, mode: number, attempts: Handle): Handle;
  /** The number of the version made; of a patient caller where a lot was done -1, for `commitAside`. */
  commit(transaction: Handle, patient: boolean): number;
  rollback(transaction: Handle): void;
  /** One that only reads refuses writes until it ends. */
  savepoint(transaction: Handle, readOnly: boolean): number;
  rollbackTo(transaction: Handle, savepoint: number): void;
  release(transaction: Handle, savepoint: number): void;
}

/** An index that the store made by itself. */
export interface AutoIndex {
  readonly collection: string;
  /** Names of fields, with the keys inside documents behind them. */
  readonly paths: string[];
  readonly entries: number;
}

/** The functions of the native side. */
export interface NativeBinding {
  connect(): Channel;
  open(name?: string): Handle;
  /** Done in a thread. */
  openPath(path: string, durability: number, interval: number): Promise<Handle>;
  /** How many rows a plan that was started may look at before it goes on in a thread; as many as by default without a number. */
  setMost(most?: number): void;
  /** Runs the plan of a cursor in a thread. */
  runAside(cursor: Handle): Promise<void>;
  waitDurable(store: Handle): number;
  /** Done in a thread. */
  checkpoint(store: Handle): Promise<void>;
  /** Done in a thread. */
  backup(store: Handle, path: string): Promise<void>;
  /** Done in a thread; gives JSON. Steps: 0 files, 1 rows. */
  check(path: string, watch?: (step: number, done: number, total: number) => void): Promise<string>;
  /** Done in a thread; gives JSON. */
  salvage(
    from: string,
    to: string,
    watch?: (step: number, done: number, total: number) => void,
  ): Promise<string>;
  /** Done in a thread. */
  openView(path: string): Promise<Handle>;
  /** Done in a thread; gives JSON. */
  examine(store: Handle): Promise<string>;
  statistics(store: Handle): string | null;
  close(store: Handle): void;
  /** Brings what was committed to the disk in a thread; the handle is gone at once. */
  closeAside(store: Handle): Promise<void>;
  compile(plan: string): Handle;
  dropPlan(plan: Handle): void;
  newAttempts(): Handle;
  dropAttempts(attempts: Handle): void;
  /** Which function is told that a wait has ended, and how: 0 granted, 1 deadlock, 2 the transaction has ended. */
  onWake(told: (wait: number, how: number) => void): void;
  /** The number of the wait that has begun; 0 if there is nothing to wait for. To be called again when it has ended. */
  waitForLock(transaction: Handle): number;
  /** A reader of what is committed behind a version, without one behind the newest. */
  openChanges(store: Handle, from: number | undefined, collections: string[] | undefined): Handle;
  /** A cursor over what has been committed since it was last asked; 0 if nothing has. */
  readChanges(feed: Handle): Handle;
  /** The number of the wait that has begun; 0 if there are changes already. */
  waitForChanges(feed: Handle): number;
  closeChanges(feed: Handle, wait: number): void;
  /** The number of the newest version. */
  sequence(store: Handle): number;
  /** False if the wait has ended already. */
  cancelWait(transaction: Handle, wait: number): boolean;
  /** Done in a thread. */
  commitAside(transaction: Handle): Promise<number>;
  snapshot(store: Handle): Handle;
  restore(store: Handle, snapshot: Handle): void;
  /** A new store. */
  fork(snapshot: Handle, name: string): Handle;
  dropSnapshot(snapshot: Handle): void;
  /** A patient caller gets a promise where there is a lot of data. */
  applySchema(
    session: Handle,
    target: string,
    options: string,
    patient: boolean,
  ): string[] | Promise<string[]>;
  diffSchema(session: Handle, target: string, options: string): string[];
  createSchema(session: Handle, target: string): string[];
  renameCollection(session: Handle, from: string, to: string): void;
  renameField(session: Handle, collection: string, from: string, to: string): void;
  dropSchema(session: Handle, collections?: string[]): string[];
  clear(session: Handle, collections: string[] | undefined, resetCounters: boolean): void;
  describe(session: Handle): string;
  autoIndexes(session: Handle): AutoIndex[];
  setAutoIndex(store: Handle, on: boolean): void;
}

let loaded: NativeBinding | undefined;

/** The native side; throws an error that says what to do where there is none for this platform. */
export function binding(): NativeBinding {
  loaded ??= load();
  return loaded;
}

function load(): NativeBinding {
  try {
    return requireBinding() as NativeBinding;
  } catch (cause) {
    throw new Error(missing(cause), { cause });
  }
}

function missing(cause: unknown): string {
  const platform = platformName();
  return [
    `The native part of collection-store-mikro-orm could not be loaded on ${platform} (${runtimeName()}).`,
    `It comes in the package collection-store-mikro-orm-${platform}, an optional dependency. Possible solutions:`,
    '- Install again without --omit=optional or --no-optional. If node_modules or the lock file came from another platform, delete both first (https://github.com/npm/cli/issues/4828).',
    `- Install it by itself: npm install collection-store-mikro-orm-${platform}`,
    '- In a bundle, keep collection-store-mikro-orm external, so that it stays in node_modules.',
    '- If your platform is not among the published ones, build it from a clone of the repository, with Rust installed: npm run build',
    `Cause: ${cause instanceof Error ? cause.message : String(cause)}`,
  ].join('\n');
}

function runtimeName(): string {
  return process.versions['bun'] === undefined
    ? `Node.js ${process.versions.node}`
    : `Bun ${process.versions['bun']}`;
}

/** The platform as the packages of prebuilt binaries name it. */
function platformName(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'linux') {
    return `${base}-${usesGlibc() ? 'gnu' : 'musl'}`;
  }
  return process.platform === 'win32' ? `${base}-msvc` : base;
}

function usesGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime !== undefined;
}
