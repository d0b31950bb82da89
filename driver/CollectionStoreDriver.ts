// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type what they hand to a driver differently.
import {
  type Configuration,
  DatabaseDriver,
  EntityManagerType,
  type EntityMetadata,
  type EntityProperty,
  getOnConflictReturningFields,
  type MetadataStorage,
  Utils,
} from '@mikro-orm/core';
import { CollectionStoreConnection } from './CollectionStoreConnection.js';
import { CollectionStoreEntityManager } from './CollectionStoreEntityManager.js';
import { CollectionStoreMikroORM } from './CollectionStoreMikroORM.js';
import { CollectionStorePlatform } from './CollectionStorePlatform.js';
import type { Clause } from './call-text.js';
import { Calls } from './calls.js';
import { PivotChanges, syncCollections } from './collections.js';
import {
  COUNTS_VERSIONS_ABOVE,
  entityNameOf,
  isSpread,
  isView,
  pivotOf,
  processedWhere,
  rootOf,
} from './compat.js';
import { dayProperties, withDays } from './dates.js';
import { unsupported } from './errors.js';
import { countRequest, type FindDefaults, findRequest } from './find-options.js';
import { type Key, primaryKeyOf } from './keys.js';
import { checkLock } from './locks.js';
import { loadMembers } from './members.js';
import { metadataOrThrow } from './metadata.js';
import { classesAbove, keptIn } from './model/spread.js';
import type { CompiledPlan, Session, WriteResult } from './native/engine.js';
import type { SchemaDef } from './native/ir.js';
import { converted, type Payload, withoutLinks } from './payload.js';
import type { Model } from './plan/model.js';
import type { FindOptions, Prepared } from './plan/planner.js';
import type { Rules } from './plan/rules.js';
import { schemaOf } from './plan/schema.js';
import type { Row } from './plan/part.js';
import { type ReturningOptions, ROW_NUMBER } from './plan/write.js';
import { settleAll, settled } from './settle.js';
import { noSql } from './query-builders.js';
import { needsPolymorphicFilters, withPolymorphicFilters } from './polymorphic-filters.js';
import { Spaces } from './spaces.js';
import { reportSql } from './sql-parts.js';
import { eachUnmerged, joinedOptions, requireJoined } from './streaming.js';
import { queryView } from './views.js';
import { virtualResult } from './virtual.js';

/** Answers what core asks of a driver: each call is one plan, run in one call of the engine. */
export class CollectionStoreDriver extends DatabaseDriver<CollectionStoreConnection> {
  declare [EntityManagerType]: CollectionStoreEntityManager<this>;
  protected override readonly connection: CollectionStoreConnection;
  protected override readonly platform: CollectionStorePlatform;
  readonly #spaces: Spaces;
  readonly #calls: Calls;
  readonly #defaults: FindDefaults;
  readonly #warned = new Set<string>();

  constructor(config: Configuration) {
    super(config, ['collection-store-mikro-orm']);
    this.connection = new CollectionStoreConnection(config);
    this.platform = new CollectionStorePlatform();
    this.#spaces = new Spaces(config, this.platform, () => this.metadata);
    this.#calls = new Calls(this.connection, config);
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
  changeSchema(schema: string | undefined, change: (session: Session) => string[]): string[] {
    const { models, planner } = this.#spaces.get(schema);
    const ruled = models.stored().filter(({ rules }) => rules !== undefined);
    if (ruled.length === 0) {
      return change(this.connection.engine);
    }
    return this.#calls.together({}, (options) => {
      const changes = change(this.connection.session(options.ctx));
      for (const model of ruled) {
        settleAll(this.#calls, planner, model, model.rules as Rules, options);
      }
      return changes;
    });
  }

  override async find(entityName: any, where: any, options: any = {}): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    if (meta.virtual) {
      return this.findVirtual(entityName, where, options);
    }
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    if (isView(meta) && options.apart === undefined) {
      return queryView(this, meta, this.#spaces.get(options.schema), options, (given) =>
        this.find(entityName, where, given),
      );
    }
    if (needsPolymorphicFilters(meta, options)) {
      return this.find(entityName, where, await withPolymorphicFilters(meta, options));
    }
    const { first, last, before, after } = options;
    if ((first ?? last ?? before ?? after ?? undefined) === undefined) {
      return this.#find(meta, where, options, options.limit);
    }
    // Writes the limit of the page into the options that it gets.
    const pageOptions = { ...options };
    const page = this.processCursorOptions(meta as any, pageOptions, options.orderBy ?? {}) as {
      orderBy: unknown;
      where: unknown;
    };
    const rows = this.#find(
      meta,
      { $and: [where, page.where] },
      { ...pageOptions, orderBy: page.orderBy },
      pageOptions.limit,
    );
    return (first ?? undefined) === undefined && (last ?? undefined) !== undefined ? rows.reverse() : rows;
  }

  override async findOne(entityName: any, where: any, options: any = {}): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    if (meta.virtual) {
      const [found] = await this.findVirtual(entityName, where, { ...options, limit: 1 });
      return found ?? null;
    }
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    if (isView(meta) && options.apart === undefined) {
      return queryView(this, meta, this.#spaces.get(options.schema), options, (given) =>
        this.findOne(entityName, where, given),
      );
    }
    if (needsPolymorphicFilters(meta, options)) {
      return this.findOne(entityName, where, await withPolymorphicFilters(meta, options));
    }
    const [row] = this.#find(meta, where, options, 1);
    return row ?? null;
  }

  #find(meta: EntityMetadata, where: unknown, options: any, limit: number | undefined): Row[] {
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const request = findRequest(meta, model, where, options, limit, this.#defaults);
    return this.#calls.find(model, planner.find(model, request), () => findClauses(request), options);
  }

  override async count(entityName: any, where: any, options: any = {}): Promise<number> {
    const meta = metadataOrThrow(this.metadata, entityName);
    if (meta.virtual) {
      return this.countVirtual(entityName, where, options);
    }
    await this.#calls.ready(options);
    if (isView(meta) && options.apart === undefined) {
      return queryView(this, meta, this.#spaces.get(options.schema), options, (given) =>
        this.count(entityName, where, given),
      );
    }
    if (needsPolymorphicFilters(meta, options)) {
      return this.count(entityName, where, await withPolymorphicFilters(meta, options));
    }
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const { nested } = countRequest(meta, model, options, this.#defaults);
    return this.#calls.count(model, planner.count(model, where, nested), () => [['where', where]], options);
  }

  /** The rows that the expression of a virtual entity returns; it gets the condition and the options. */
  override async findVirtual(entityName: any, where: any, options: any): Promise<any> {
    const rows = await this.#virtual(entityName, where, options);
    return Array.isArray(rows) ? rows : [];
  }

  override async countVirtual(entityName: any, where: any, options: any): Promise<number> {
    const rows = await this.#virtual(entityName, where, options);
    return typeof rows === 'number' ? rows : Array.isArray(rows) ? rows.length : 0;
  }

  async #virtual(entityName: any, where: any, options: any): Promise<unknown> {
    await this.#calls.ready(options);
    return virtualResult(this, metadataOrThrow(this.metadata, entityName), where, options);
  }

  /** Rows one after the other, fetched as they are needed: those of the moment at which the first is asked for. */
  async *stream(entityName: any, where: any, options: any = {}): AsyncIterableIterator<any> {
    await this.#calls.ready(options);
    for (const row of await this.#rows(metadataOrThrow(this.metadata, entityName), where, options)) {
      yield row;
      options.signal?.throwIfAborted();
    }
  }

  async #rows(meta: EntityMetadata, where: any, options: any): Promise<Iterable<Row>> {
    const joined = joinedOptions(meta, options);
    if (isView(meta)) {
      requireJoined(meta, joined.populate);
    }
    const { first, last, before, after } = options;
    if (meta.virtual || isView(meta) || (first ?? last ?? before ?? after ?? undefined) !== undefined) {
      // All there at once: the rows of a function, and those of a page.
      return this.find(entityNameOf(meta), where, joined);
    }
    const complete = needsPolymorphicFilters(meta, joined)
      ? await withPolymorphicFilters(meta, joined)
      : joined;
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const request = findRequest(meta, model, where, complete, options.limit, this.#defaults);
    requireJoined(meta, joined.populate, request.nested);
    const prepared = planner.find(model, request);
    const rows = this.#calls.stream(model, prepared, () => findClauses(request), options);
    return options.mergeResults === false ? eachUnmerged(meta, rows, request.nested) : rows;
  }

  override async nativeInsert(entityName: any, data: any, options: any = {}): Promise<any> {
    return this.nativeInsertMany(entityName, [data], { processCollections: true, ...options });
  }

  override async nativeInsertMany(entityName: any, data: any[], options: any = {}): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    await this.#calls.ready(options);
    const { models, planner } = this.#spaces.get(options.schema);
    // Classes that share a collection may come in one batch, under the name of the first.
    const model = models.model(rootOf(meta));
    const parts = data.map((row) =>
      options.processCollections === false ? { data: row, links: [] } : withoutLinks(meta, row),
    );
    const rows = parts.map((part) => this.#payload(rootOf(meta), part.data, options));
    const plan = (returning: ReturningOptions) => planner.insert(model, rows, returning);
    const result = this.#write('insert', meta, model, plan, () => [['values', data]], options);
    const ids = this.#primaryKeys(meta, data, result.rows);
    for (const [i, { links }] of parts.entries()) {
      await this.#link(meta, [ids[i]].flat(), links, 'none', options);
    }
    return {
      affectedRows: result.affected,
      insertId: ids[0],
      row: result.rows[0] ?? {},
      rows: result.rows,
      insertedIds: ids,
    };
  }

  override async nativeUpdate(entityName: any, where: any, data: any, options: any = {}): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    if (options.upsert) {
      return this.#upsert(meta, [where], [data], options);
    }
    await this.#calls.ready(options);
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const { data: rest, links } = withoutLinks(meta, data);
    const payload = this.#payload(meta, rest, options);
    const condition =
      options.convertCustomTypes === false
        ? where
        : processedWhere(this.metadata, this.platform, meta, where);
    const touch = isSpread(meta);
    const plan = (returning: ReturningOptions) =>
      planner.update(model, condition, payload, {
        touch,
        ...returning,
        ...(versionAbove(model) && { returning: model.primaryProps }),
      });
    const result = this.#counted(
      meta,
      model,
      this.#write('update', meta, model, plan, () => changeClauses(where, data), options),
      options,
    );
    const key = primaryKeyOf(meta, {
      ...(Utils.isPlainObject(where) ? (where as object) : { [meta.primaryKeys[0] as string]: where }),
      ...data,
    });
    await this.#link(meta, key, links, 'all', options);
    return {
      affectedRows: result.affected,
      insertId: key.length > 1 ? key : key[0],
      row: result.rows[0] ?? {},
      rows: result.rows,
    };
  }

  override async nativeUpdateMany(
    entityName: any,
    where: any[],
    data: any[],
    options: any = {},
  ): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    if (options.upsert) {
      return this.#upsert(meta, where, data, options);
    }
    await this.#calls.ready(options);
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(rootOf(meta));
    const parts = data.map((row) =>
      options.processCollections === false ? { data: row, links: [] } : withoutLinks(meta, row),
    );
    const rows = parts.map((part) => this.#payload(rootOf(meta), part.data, options));
    const touch = isSpread(meta);
    const plan = (returning: ReturningOptions) =>
      planner.updateMany(model, where, rows, { touch, ...returning });
    const result = this.#counted(
      meta,
      model,
      this.#write('update', meta, model, plan, () => changeClauses(where, data), options),
      options,
    );
    for (const [i, { links }] of parts.entries()) {
      await this.#link(meta, primaryKeyOf(meta, where[i]), links, 'all', options);
    }
    return {
      affectedRows: result.affected,
      insertId: undefined,
      row: result.rows[0] ?? {},
      rows: result.rows,
    };
  }

  override async nativeDelete(entityName: any, where: any, options: any = {}): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    await this.#calls.ready(options);
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const result = this.#calls.write(
      'delete',
      model,
      planner.delete(model, where),
      () => [['where', where]],
      options,
    );
    return { affectedRows: result.affected, insertId: undefined, row: {}, rows: [] };
  }

  /** Inserts a copy of a row, with a primary key and a version of its own. */
  async nativeClone(entityName: any, where: any, overrides: any = {}, options: any = {}): Promise<any> {
    const meta = metadataOrThrow(this.metadata, entityName);
    const row = await this.findOne(entityName, where, {
      ctx: options.ctx,
      schema: options.schema,
      signal: options.signal,
    });
    if (row === null) {
      throw unsupported(`There is no ${meta.className} to clone with that condition.`);
    }
    const own = new Set(
      meta.props
        .filter(
          (prop) =>
            prop.autoincrement ||
            prop.version ||
            prop.formula ||
            prop.generated ||
            (prop.kind === '1:1' && !prop.owner),
        )
        .map((prop) => prop.name as string),
    );
    const copy = Object.fromEntries(Object.entries(row).filter(([name]) => !own.has(name)));
    const values = { ...copy, ...this.#payload(meta, overrides, options) };
    const insertOptions = { ...options, convertCustomTypes: false };
    if (!isSpread(meta)) {
      return this.nativeInsert(entityName, values, insertOptions);
    }
    const [root, ...below] = [meta, ...classesAbove(this.metadata, meta)].reverse() as [
      EntityMetadata,
      ...EntityMetadata[],
    ];
    const result = await this.nativeInsert(entityNameOf(root), keptIn(root, values), insertOptions);
    const names = meta.primaryKeys as string[];
    const parts = names.length > 1 ? result.insertId : [result.insertId];
    const key = Object.fromEntries(names.map((name, i) => [name, parts[i]]));
    for (const level of below) {
      await this.nativeInsert(entityNameOf(level), { ...keptIn(level, values), ...key }, insertOptions);
    }
    return result;
  }

  override async syncCollections(collections: any, options: any): Promise<void> {
    await this.#calls.ready(options ?? {});
    await syncCollections(this, collections, options);
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

  /** Waits for nobody: a transaction that loses a conflict learns it at its commit. */
  override async lockPessimistic(_entity: any, options: any): Promise<void> {
    checkLock(options.lockMode, options.ctx);
  }

  async #upsert(meta: EntityMetadata, where: any[], data: any[], options: any): Promise<any> {
    await this.#calls.ready(options);
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(rootOf(meta));
    const unique = uniqueProperties(meta, where[0], options.onConflictFields);
    const parts = data.map((row) =>
      options.processCollections === false ? { data: row, links: [] } : withoutLinks(meta, row),
    );
    const rows = parts.map((part) => this.#payload(rootOf(meta), part.data, options));
    const returning = getOnConflictReturningFields(meta as any, data[0], unique as any, options) as
      | string
      | string[];
    const conflict = {
      unique,
      ignore: options.onConflictAction === 'ignore',
      merge: options.onConflictMergeFields,
      exclude: options.onConflictExcludeFields,
      where: options.onConflictWhere,
      returning: [returning].flat(),
    };
    const plan = (whole: ReturningOptions) => planner.upsert(model, rows, { ...conflict, ...whole });
    const clauses = (): Clause[] => [
      ['values', data],
      ['unique', unique],
    ];
    const result = this.#write('upsert', meta, model, plan, clauses, options);
    const written = result.rows.map(({ [ROW_NUMBER]: _, ...row }) => row);
    const complete = written.length === data.length;
    const ids = complete ? this.#primaryKeys(meta, data, written) : [];
    for (const [i, { links }] of parts.entries()) {
      await this.#link(meta, complete ? [ids[i]].flat() : primaryKeyOf(meta, data[i]), links, 'all', options);
    }
    return {
      affectedRows: result.affected,
      insertId: ids[0],
      row: written[0],
      rows: written,
      insertedIds: ids,
    };
  }

  /** Writes the links of a row in the pivots of its M:N relations. */
  async #link(
    meta: EntityMetadata,
    owner: Key,
    links: [EntityProperty, unknown[][]][],
    removed: 'all' | 'none',
    options: any,
  ): Promise<void> {
    for (const [prop, keys] of links) {
      const changes = new PivotChanges(this, pivotOf(this.metadata, prop), options);
      changes.add(meta, prop, owner, keys, removed, true);
      await changes.write();
    }
  }

  #payload(meta: EntityMetadata, data: Payload, options: any): Payload {
    const payload =
      options.convertCustomTypes === false ? data : converted(data, meta.properties as any, this.platform);
    const days = dayProperties(meta);
    return days.length > 0 ? withDays(payload, days) : payload;
  }

  #primaryKeys(meta: EntityMetadata, data: Payload[], rows: Row[]): unknown[] {
    const [only, ...more] = meta.getPrimaryProps();
    const field = only?.fieldNames[0];
    if (only !== undefined && more.length === 0 && field !== undefined && only.fieldNames.length === 1) {
      return data.map((row, i) => row[only.name] ?? rows[i]?.[field]);
    }
    return data.map((row) => primaryKeyOf(meta, row));
  }

  /** Runs a write that is not a removal; there is no plan where it would change nothing. */
  #write(
    verb: string,
    meta: EntityMetadata,
    model: Model,
    plan: (returning: ReturningOptions) => Prepared<CompiledPlan> | undefined,
    clauses: () => readonly Clause[],
    options: any,
  ): WriteResult {
    const run = (returning: ReturningOptions, inner: any): WriteResult => {
      const prepared = plan(returning);
      return prepared === undefined
        ? { affected: 0, rows: [] }
        : this.#calls.write(verb, model, prepared, clauses, inner);
    };
    const { rules } = model;
    if (rules === undefined) {
      return run({}, options);
    }
    const { models, planner } = this.#spaces.get(options.schema);
    const root = models.model(rootOf(meta));
    return settled(this.#calls, planner, root, rules, (whole, inner) => run({ whole }, inner), options);
  }

  /** Counts up the version that a class above keeps, where there is one: it comes back with the rows that changed. */
  #counted(meta: EntityMetadata, model: Model, result: WriteResult, options: any): WriteResult {
    const above = versionAbove(model);
    if (above === undefined || result.rows.length === 0) {
      return result;
    }
    const { planner } = this.#spaces.get(options.schema);
    const keys = result.rows.map((row) => model.primary.map(({ name }) => row[name]));
    const where = model.primary.length > 1 ? keys : keys.flat();
    const plan = (returning: ReturningOptions) =>
      planner.update(above, where, {}, { ...returning, touch: true, returning: above.primaryProps });
    const { rows } = this.#write('update', meta, above, plan, () => changeClauses(where, {}), options);
    const byKey = new Map(
      rows.map((row) => [JSON.stringify(above.primary.map(({ name }) => row[name])), row]),
    );
    return {
      ...result,
      rows: result.rows.map((row, i) => ({ ...row, ...byKey.get(JSON.stringify(keys[i])) })),
    };
  }
}

/** The model of the class above that keeps the version of a class, where the driver is to count it up. */
function versionAbove(model: Model): Model | undefined {
  return model.version === undefined || COUNTS_VERSIONS_ABOVE
    ? undefined
    : model.props.get(model.version)?.holder?.target();
}

function changeClauses(where: unknown, data: unknown): Clause[] {
  return [
    ['set', data],
    ['where', where],
  ];
}

function findClauses({ where, orderBy, limit, offset, fields }: FindOptions): Clause[] {
  return [
    ['where', where],
    ['order by', orderBy],
    ['limit', limit],
    ['offset', offset],
    ['fields', fields],
  ];
}

function uniqueProperties(meta: EntityMetadata, where: unknown, asked: unknown): string[] {
  if (asked !== undefined) {
    if (!Array.isArray(asked)) {
      throw unsupported(
        `onConflictFields of ${meta.className} must be a list of properties, not a piece of SQL.`,
      );
    }
    return asked;
  }
  const names = Utils.isPlainObject(where)
    ? Object.keys(where as object).flatMap((key) => Utils.splitPrimaryKeys(key))
    : [];
  return names.length > 0 ? names : (meta.primaryKeys as string[]);
}
