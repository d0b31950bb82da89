// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type what they hand to a driver differently.
import {
  type Configuration,
  DatabaseDriver,
  EntityManagerType,
  type EntityMetadata,
  type MetadataStorage,
} from '@mikro-orm/core';
import { CollectionStoreConnection } from './CollectionStoreConnection.js';
import { CollectionStoreEntityManager } from './CollectionStoreEntityManager.js';
import { CollectionStoreMikroORM } from './CollectionStoreMikroORM.js';
import { CollectionStorePlatform } from './CollectionStorePlatform.js';
import type { Clause } from './calls/call-text.js';
import { Calls } from './calls/calls.js';
import { syncCollections } from './writing/collections.js';
import { entityNameOf, isView, pivotOf } from './compat.js';
import { countsOf, groupColumns } from './reading/count-by.js';
import { countRequest, type FindDefaults, findRequest } from './reading/find-options.js';
import { joinFilters, needsJoinFilters } from './reading/join-filters.js';
import { lockOf } from './transactions/locks.js';
import { loadMembers } from './reading/members.js';
import { metadataOrThrow } from './model/metadata.js';
import type { Session } from './native/engine.js';
import type { SchemaDef } from './native/ir.js';
import type { FindOptions } from './plan/planner.js';
import type { Rules } from './plan/rules.js';
import { schemaOf } from './plan/schema.js';
import { Shape } from './plan/shape.js';
import { walkOrder } from './plan/order.js';
import type { Row } from './plan/part.js';
import type { Model } from './plan/model.js';
import { andThen, type Soon } from './soon.js';
import { settleAll } from './writing/settle.js';
import { noSql } from './refused/query-builders.js';
import { needsPolymorphicFilters, withPolymorphicFilters } from './reading/polymorphic-filters.js';
import { Spaces } from './model/spaces.js';
import { type StoredRow, StoredRows } from './StoredRows.js';
import { reportSql } from './refused/sql-parts.js';
import { eachUnmerged, joinedOptions, requireJoined } from './reading/streaming.js';
import { withUnion } from './reading/union-where.js';
import { isAnswered, queryRows } from './reading/views.js';
import { Writes } from './writing/writes.js';

/** Answers what core asks of a driver: each call is one plan, run in one call of the engine. */
export class CollectionStoreDriver extends DatabaseDriver<CollectionStoreConnection> {
  declare [EntityManagerType]: CollectionStoreEntityManager<this>;
  protected override readonly connection: CollectionStoreConnection;
  protected override readonly platform: CollectionStorePlatform;
  readonly #spaces: Spaces;
  readonly #calls: Calls;
  readonly #writes: Writes;
  readonly #defaults: FindDefaults;
  readonly #warned = new Set<string>();
  /** Whether filters were added to an EntityManager, which may concern any entity. */
  filtersAdded: boolean;

  constructor(config: Configuration) {
    super(config, ['collection-store-mikro-orm']);
    this.filtersAdded = Object.keys(config.get('filters') ?? {}).length > 0;
    this.connection = new CollectionStoreConnection(config);
    this.platform = new CollectionStorePlatform();
    this.#spaces = new Spaces(config, this.platform, () => this.metadata);
    this.#calls = new Calls(this.connection, config, () => this.metadata);
    this.#writes = new Writes(this, this.#spaces, this.#calls);
    this.#defaults = {
      joinsOwners: config.get('autoJoinOneToOneOwner') !== false,
      strategy: config.get('loadStrategy'),
    };
  }

  override createEntityManager(useContext?: boolean): any {
    const EntityManagerClass: any = this.config.get('entityManager', CollectionStoreEntityManager as any);
    return new EntityManagerClass(this.config, this, this.metadata, useContext);
  }

  override getPlatform(): CollectionStorePlatform {
    return this.platform;
  }

  override setMetadata(metadata: MetadataStorage): void {
    super.setMetadata(metadata);
    this.#spaces.clear();
    reportSql(this.config, metadata, this.#warned);
  }

  /** The class to inject, for frameworks that ask the driver for it. */
  getORMClass(): any {
    return CollectionStoreMikroORM;
  }

  /** The schema that the entities ask for. */
  schemaDef(schema?: string): SchemaDef {
    // Entities may have been discovered anew since.
    this.#spaces.clear();
    return schemaOf(this.#spaces.get(schema).models.stored());
  }

  /** Changes the schema of a session, and settles the rows there are by the rules that entities now have. */
  changeSchema(
    schema: string | undefined,
    change: (session: Session) => Soon<string[]>,
    ctx?: unknown,
  ): Soon<string[]> {
    const { models, planner } = this.#spaces.get(schema);
    const ruled = models.stored().filter(({ rules }) => rules !== undefined);
    if (ruled.length === 0) {
      return change(this.connection.session(ctx));
    }
    return this.#calls.together({ ctx }, (options) => {
      const settle = (models: readonly Model[]): Soon<void> => {
        const [model, ...others] = models;
        return (
          model &&
          andThen(settleAll(this.#calls, planner, model, model.rules as Rules, options), () => settle(others))
        );
      };
      return andThen(change(this.connection.session(options.ctx)), (changes) =>
        andThen(settle(ruled), () => changes),
      );
    });
  }

  /** The rows of a collection as they are stored, whatever entities say of it. Named by itself, or by an entity. */
  getCollection<StoredAs extends object = StoredRow>(
    nameOrEntity: string | object,
    ctx?: unknown,
  ): StoredRows<StoredAs> {
    const name =
      typeof nameOrEntity === 'string'
        ? nameOrEntity
        : this.#spaces.get(undefined).models.model(metadataOrThrow(this.metadata, nameOrEntity)).collection;
    return new StoredRows(name, this.connection, this.#calls, ctx);
  }

  override find(entityName: any, condition: any, options: any = {}): Promise<any> {
    const where = withUnion(condition, options.unionWhere);
    return this.#answer(entityName, where, options, (meta, given) => {
      const { first, last, before, after } = given;
      if ((first ?? last ?? before ?? after ?? undefined) === undefined) {
        return this.#find(meta, where, given, given.limit);
      }
      const { models } = this.#spaces.get(given.schema);
      // Core leaves out what it does not know.
      walkOrder(models.queried(meta), given.orderBy, new Shape(''));
      // Writes the limit of the page into the options that it gets.
      const pageOptions = { ...given };
      const page = this.processCursorOptions(meta as any, pageOptions, given.orderBy ?? {}) as {
        orderBy: unknown;
        where: unknown;
      };
      const rows = this.#find(
        meta,
        { $and: [where, page.where] },
        { ...pageOptions, orderBy: page.orderBy },
        pageOptions.limit,
      );
      const backwards = (first ?? undefined) === undefined && (last ?? undefined) !== undefined;
      return backwards ? andThen(rows, (found) => found.reverse()) : rows;
    });
  }

  override findOne(entityName: any, condition: any, options: any = {}): Promise<any> {
    const where = withUnion(condition, options.unionWhere);
    return this.#answer(entityName, where, options, (meta, given) =>
      andThen(this.#find(meta, where, given, 1), ([row]) => row ?? null),
    );
  }

  #find(meta: EntityMetadata, where: unknown, options: any, limit: number | undefined): Soon<Row[]> {
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.queried(meta);
    const request = findRequest(meta, model, where, options, limit, this.#defaults);
    return this.#calls.find(model, planner.find(model, request), () => findClauses(request), options);
  }

  override count(entityName: any, condition: any, options: any = {}): Promise<number> {
    const where = withUnion(condition, options.unionWhere);
    return this.#answer(entityName, where, options, (meta, given) => {
      const { models, planner } = this.#spaces.get(given.schema);
      const model = models.queried(meta);
      const prepared = planner.count(model, where, countRequest(meta, model, where, given, this.#defaults));
      return this.#calls.count(model, prepared, () => [['where', where]], given);
    });
  }

  /** How many rows there are of each combination of some properties' values, by the values. */
  countBy(
    entityName: any,
    names: readonly string[],
    where: any,
    options: any = {},
  ): Promise<Record<string, number>> {
    return this.#answer(entityName, where, options, (meta, given) => {
      const { models, planner } = this.#spaces.get(given.schema);
      const model = models.queried(meta);
      const groups = groupColumns(model, names);
      const request = countRequest(meta, model, where, given, this.#defaults);
      const prepared = planner.countBy(model, groups.flat(), where, request);
      const clauses = (): Clause[] => [
        ['where', where],
        ['by', names],
      ];
      const counted = this.#calls.find(model, prepared, clauses, given, 'count');
      return andThen(counted, (rows) => countsOf(groups, rows));
    });
  }

  /** Answers a query once all that it needs is there: the store is open, rows of functions are in one, filters are conditions. */
  async #answer<T>(
    entityName: any,
    where: any,
    options: any,
    query: (meta: EntityMetadata, options: any) => Soon<T>,
  ): Promise<T> {
    const meta = metadataOrThrow(this.metadata, entityName);
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    if (isAnswered(meta) && options.apart === undefined) {
      return queryRows(this, meta, this.#spaces.get(options.schema), where, options, (given) =>
        this.#answer(entityName, where, given, query),
      );
    }
    const given =
      needsPolymorphicFilters(meta, options) || needsJoinFilters(meta, where, options, this.filtersAdded)
        ? await this.#filtered(meta, where, options)
        : options;
    return given.lockMode === undefined
      ? query(meta, given)
      : this.#calls.patiently(given, (patient) => query(meta, patient));
  }

  /** The options of a query with the filters of relations that core knows nothing of. */
  async #filtered(meta: EntityMetadata, where: any, options: any): Promise<any> {
    const given = needsPolymorphicFilters(meta, options)
      ? await withPolymorphicFilters(meta, options)
      : options;
    if (!needsJoinFilters(meta, where, given, this.filtersAdded)) {
      return given;
    }
    const model = this.#spaces.get(given.schema).models.queried(meta);
    return { ...given, joinFilters: await joinFilters(this.metadata, meta, model, where, given) };
  }

  override findVirtual(entityName: any, where: any, options: any): Promise<any> {
    return this.find(entityName, where, options);
  }

  override countVirtual(entityName: any, where: any, options: any): Promise<number> {
    return this.count(entityName, where, options);
  }

  /** Rows one after the other, fetched as they are needed: those of the moment at which the first is asked for. */
  async *stream(entityName: any, where: any, options: any = {}): AsyncIterableIterator<any> {
    await this.#calls.ready(options);
    for await (const row of await this.#rows(metadataOrThrow(this.metadata, entityName), where, options)) {
      yield row;
      options.signal?.throwIfAborted();
    }
  }

  async #rows(meta: EntityMetadata, where: any, options: any): Promise<Iterable<Row> | AsyncIterable<Row>> {
    const joined = joinedOptions(meta, options);
    if (isView(meta)) {
      requireJoined(meta, joined.populate);
    }
    const { first, last, before, after } = options;
    if (isAnswered(meta) || (first ?? last ?? before ?? after ?? undefined) !== undefined) {
      // All there at once: the rows of a function, and those of a page.
      return this.find(entityNameOf(meta), where, joined);
    }
    const complete = await this.#filtered(meta, where, joined);
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const request = findRequest(meta, model, where, complete, options.limit, this.#defaults);
    requireJoined(meta, joined.populate, request.nested);
    const prepared = planner.find(model, request);
    const rows = this.#calls.stream(model, prepared, () => findClauses(request), options);
    return options.mergeResults === false ? eachUnmerged(meta, rows, request.nested) : rows;
  }

  override nativeInsert(entityName: any, data: any, options: any = {}): Promise<any> {
    return this.nativeInsertMany(entityName, [data], { processCollections: true, ...options });
  }

  override nativeInsertMany(entityName: any, data: any[], options: any = {}): Promise<any> {
    return this.#write(entityName, (meta) => this.#writes.insertMany(meta, data, options));
  }

  override nativeUpdate(entityName: any, where: any, data: any, options: any = {}): Promise<any> {
    return this.#write(entityName, (meta) =>
      options.upsert
        ? this.#writes.upsert(meta, [where], [data], options)
        : this.#writes.update(meta, where, data, options),
    );
  }

  override nativeUpdateMany(entityName: any, where: any[], data: any[], options: any = {}): Promise<any> {
    return this.#write(entityName, (meta) =>
      options.upsert
        ? this.#writes.upsert(meta, where, data, options)
        : this.#writes.updateMany(meta, where, data, options),
    );
  }

  override nativeDelete(entityName: any, where: any, options: any = {}): Promise<any> {
    return this.#write(entityName, (meta) => this.#writes.delete(meta, where, options));
  }

  /** Inserts a copy of a row, with a primary key and a version of its own. */
  nativeClone(entityName: any, where: any, overrides: any = {}, options: any = {}): Promise<any> {
    return this.#write(entityName, (meta) => this.#writes.clone(meta, where, overrides, options));
  }

  /** Not an async function: what waits for its promise would wait for two. */
  #write<T>(entityName: any, write: (meta: EntityMetadata) => Promise<T>): Promise<T> {
    try {
      return write(metadataOrThrow(this.metadata, entityName));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  override async syncCollections(collections: any, options: any): Promise<void> {
    const changed = [...collections];
    // Core asks with every flush, mostly for nothing.
    if (changed.length > 0) {
      await this.#calls.ready(options ?? {});
      await syncCollections(this, changed, options);
    }
  }

  /** The members of M:N collections by the key of their owner: their rows, or only their keys. */
  override async loadFromPivotTable(
    prop: any,
    owners: any[],
    where: any = {},
    orderBy?: any,
    ctx?: any,
    options: any = {},
    pivotJoin?: boolean,
  ): Promise<any> {
    if (owners.length === 0) {
      return {};
    }
    const given = { ...options, ctx };
    await this.#calls.ready(given);
    const loadOptions = needsPolymorphicFilters(prop.targetMeta, given)
      ? await withPolymorphicFilters(prop.targetMeta, given)
      : given;
    return loadMembers(
      {
        config: this.config,
        platform: this.platform,
        spaces: this.#spaces,
        calls: this.#calls,
        defaults: this.#defaults,
      },
      pivotOf(this.metadata, prop),
      { prop, owners, where, orderBy, options: loadOptions, keysOnly: pivotJoin === true },
    );
  }

  /** Refused: there is no SQL to build. */
  createQueryBuilder(..._args: unknown[]): never {
    throw noSql('createQueryBuilder');
  }

  /** Refused: there is no SQL to execute. */
  async execute(query?: unknown): Promise<never> {
    throw noSql('execute', query);
  }

  /** Locks the row of an entity. */
  override async lockPessimistic(entity: any, options: any): Promise<void> {
    const lock = lockOf(options.lockMode, options.ctx);
    if (lock === undefined) {
      return;
    }
    await this.#calls.ready(options);
    const { __meta: meta, __schema } = entity.__helper;
    const { models, planner } = this.#spaces.get(options.schema ?? __schema);
    const model = models.model(meta);
    const where = entity.__helper.getPrimaryKey(true);
    const request = { where, lock, fields: meta.primaryKeys };
    const clauses = (): Clause[] => [
      ['where', where],
      ['lock', options.lockMode],
    ];
    await this.#calls.patiently(options, (given) =>
      this.#calls.find(model, planner.find(model, request), clauses, given),
    );
  }
}

function findClauses({ where, orderBy, limit, offset, per, fields }: FindOptions): Clause[] {
  return [
    ['where', where],
    ['order by', orderBy],
    ['limit', limit],
    ['offset', offset],
    ['for each', per],
    ['fields', fields],
  ];
}
