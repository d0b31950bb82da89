/**
 * `collection-store-mikro-orm/testing`: tests that start from the same data, whatever those before them did.
 */
import type { CollectionStoreConnection } from './CollectionStoreConnection.js';
import {
  CollectionStoreMikroORM,
  type CollectionStoreMikroORM as CollectionStoreOrm,
  type AnyCollectionStoreOptions,
} from './CollectionStoreMikroORM.js';
import { unsupported } from './errors.js';
import type { Snapshot } from './native/engine.js';
import { requireHere } from './native/require.js';
import type { StoreFork } from './StoreFork.js';

/** The hooks of a test runner: its module has them, and so have the globals of most. */
export interface TestHooks {
  beforeEach(hook: () => Promise<void>): unknown;
  afterEach(hook: () => Promise<void>): unknown;
}

/** What is used of a MikroORM. */
export interface TestedOrm {
  readonly em: {
    getUnitOfWork(useContext?: boolean): { clear(): void };
    getDriver(): { getConnection(): object };
  };
  readonly config: {
    getAll(): object;
    getResultCacheAdapter(): { clear(): void | Promise<void> };
  };
}

/** A test that goes on, and the store as it was before. */
interface Running {
  readonly snapshot: Promise<Snapshot>;
  readonly name: string | undefined;
}

/** What `node:test` hands to hooks: the test's names with those of what it is in, where the version has it. */
interface NodeTestContext {
  readonly diagnostic?: unknown;
  readonly fullName?: string;
}

/**
 * Puts the whole store back after each test, whatever it committed: data, schema and counters. Each test starts from
 * what its suites have seeded, in `beforeAll` of whatever depth, and with an empty identity map and result cache.
 *
 * To be called before other hooks are registered: where the ORM is made in one of them, with a function that gives it.
 * The hooks are found where the runner has global ones, and those of `bun:test` and `node:test` always; others are
 * given: `isolateTests(orm, { beforeEach, afterEach })`.
 */
export function isolateTests(orm: TestedOrm | (() => TestedOrm), hooks: TestHooks = hooksOfRunner()): void {
  const running: Running[] = [];
  const tested = () => (typeof orm === 'function' ? orm() : orm);

  // Without parameters of their own: runners take a hook that has one for a hook with a callback.
  hooks.beforeEach(async (...args: readonly unknown[]) => {
    const context = args[0] as NodeTestContext | undefined;
    const name = context?.fullName;
    const outer = running.at(-1);
    if (outer !== undefined && !isInside(context, outer)) {
      throw unsupported(
        'Two tests run at the same time on a store that is put back after each of them. Let them run one after another, or give each an ORM of its own: `await forkOrm(orm)`.',
      );
    }
    const { connection, forget } = partsOf(tested());
    const snapshot = connection.snapshot();
    // At once: others may begin before the snapshot is there.
    running.push({ snapshot, name });
    await snapshot;
    await forget();
  });

  hooks.afterEach(async () => {
    const test = running.pop();
    if (test !== undefined) {
      const { connection, forget } = partsOf(tested());
      const snapshot = await test.snapshot;
      await connection.restore(snapshot);
      snapshot.dispose();
      await forget();
    }
  });
}

/**
 * A MikroORM as another, or of these options, on a store of its own that begins as a copy of the other's: as it is
 * where one is given, else of the store that is open under the `dbName` of the options, in whatever thread. The copy
 * costs the same however much there is, is in memory also where the other is kept in a directory, and is gone when the
 * ORM is closed.
 */
export async function forkOrm(from: TestedOrm | AnyCollectionStoreOptions): Promise<CollectionStoreOrm> {
  const given = 'em' in from ? (from as TestedOrm) : undefined;
  const options = (given?.config.getAll() ?? from) as AnyCollectionStoreOptions;
  const fork = await (given === undefined ? forkOfOpen(options) : partsOf(given).connection.fork());
  try {
    const orm = await CollectionStoreMikroORM.init({ ...inMemory(options), dbName: fork.name });
    // Major 7 opens a store with its first use, when the fork may be gone.
    await orm.connect();
    return orm;
  } finally {
    fork.close();
  }
}

/** The options without what keeps a store in a directory: a fork is in memory. */
function inMemory({
  clientUrl,
  driverOptions = {},
  ...options
}: AnyCollectionStoreOptions): AnyCollectionStoreOptions {
  const { path: _path, durability: _durability, syncInterval: _interval, ...others } = driverOptions;
  return {
    ...options,
    ...(clientUrl !== undefined && !clientUrl.startsWith('file:') && { clientUrl }),
    driverOptions: others,
  };
}

/** A fork of the store of a name, which somebody must have filled: one without a schema is nobody's. */
async function forkOfOpen(options: AnyCollectionStoreOptions): Promise<StoreFork> {
  const orm = await CollectionStoreMikroORM.init(options);
  try {
    const { connection } = partsOf(orm);
    await connection.ensureConnection();
    if (connection.engine.describe().collections.length === 0) {
      throw unsupported(
        `There is nothing to fork in a store named '${options.dbName}': open it, create the schema and seed it before, in the same process, and keep it open.`,
      );
    }
    return await connection.fork();
  } finally {
    await orm.close(true);
  }
}

/** Whether a test begins inside of one that goes on: as subtests of `node:test` do. */
function isInside(context: NodeTestContext | undefined, outer: Running): boolean {
  if (typeof context?.diagnostic !== 'function') {
    return false;
  }
  // Versions that do not tell names do not tell those apart that run at the same time.
  return context.fullName === undefined || context.fullName.startsWith(`${outer.name} > `);
}

function partsOf(orm: TestedOrm | undefined) {
  const connection = orm?.em.getDriver().getConnection() as CollectionStoreConnection | undefined;
  if (orm === undefined || typeof connection?.snapshot !== 'function') {
    throw unsupported(
      orm === undefined
        ? 'There is no ORM yet when a test begins: where it is made in a hook, give a function, `isolateTests(() => orm)`.'
        : 'Only stores of CollectionStoreDriver can be put back or forked: this ORM has another driver.',
    );
  }
  return {
    connection,
    forget: async () => {
      // Its own one: where a context is asked for, none but a request's may be used.
      orm.em.getUnitOfWork(false).clear();
      await orm.config.getResultCacheAdapter().clear();
    },
  };
}

function hooksOfRunner(): TestHooks {
  const globals = globalThis as Partial<TestHooks>;
  if (typeof globals.beforeEach === 'function' && typeof globals.afterEach === 'function') {
    return globals as TestHooks;
  }
  if (process.env['VITEST'] !== undefined || process.env['JEST_WORKER_ID'] !== undefined) {
    throw unsupported(
      'The test runner has no global hooks here: import them from it, and give them, `isolateTests(orm, { beforeEach, afterEach })`.',
    );
  }
  return requireHere(process.versions['bun'] === undefined ? 'node:test' : 'bun:test') as TestHooks;
}
