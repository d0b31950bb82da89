// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type what they hand to a driver differently.
/** What core writes through a driver: each a plan, run in one call of the engine, and the links in pivots that go with it. */
import {
  type EntityMetadata,
  type EntityProperty,
  getOnConflictReturningFields,
  type MetadataStorage,
  Utils,
} from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import type { Clause } from '../calls/call-text.js';
import type { Calls } from '../calls/calls.js';
import { PivotChanges } from './collections.js';
import { COUNTS_VERSIONS_ABOVE, entityNameOf, isSpread, pivotOf, processedWhere, rootOf } from '../compat.js';
import { dayProperties, withDays } from './dates.js';
import { unsupported } from '../errors.js';
import { type Key, primaryKeyOf } from '../model/keys.js';
import { classesAbove, keptIn } from '../model/spread.js';
import type { CompiledPlan, WriteResult } from '../native/engine.js';
import { pause } from '../native/pauses.js';
import { converted, type Payload, withoutLinks } from './payload.js';
import { isRelation, type Model } from '../plan/model.js';
import { describe } from '../plan/value.js';
import type { Row } from '../plan/part.js';
import type { Prepared } from '../plan/planner.js';
import { type ReturningOptions, ROW_NUMBER } from '../plan/write.js';
import { settled } from './settle.js';
import { andThen, type Soon } from '../soon.js';
import type { Spaces } from '../model/spaces.js';
import { withUnion } from '../reading/union-where.js';

/** The links of a row: of each M:N relation the keys that it leads to. */
type Links = [EntityProperty, unknown[][]][];

/** More values than these are inserted piece by piece, so that others have their turn while they are packed. */
const PIECE = 2_048;

/** The writes of one driver. */
export class Writes {
  readonly #driver: CollectionStoreDriver;
  readonly #spaces: Spaces;
  readonly #calls: Calls;

  constructor(driver: CollectionStoreDriver, spaces: Spaces, calls: Calls) {
    this.#driver = driver;
    this.#spaces = spaces;
    this.#calls = calls;
  }

  get #metadata(): MetadataStorage {
    return this.#driver.getMetadata();
  }

  /** Inserts rows, with the links of their M:N relations. */
  async insertMany(meta: EntityMetadata, data: any[], options: any): Promise<any> {
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    const { models, planner } = this.#spaces.get(options.schema);
    // Classes that share a collection may come in one batch, under the name of the first.
    const model = models.model(rootOf(meta));
    const links: [number, Links][] = [];
    const insert = (part: Payload[], from: number, given: any) => {
      const { rows, links: own } = this.#split(meta, part, options);
      links.push(...own.map(([i, links]): [number, Links] => [from + i, links]));
      const plan = (returning: ReturningOptions) => planner.insert(model, rows, returning);
      return this.#write('insert', meta, model, plan, () => [['values', part]], given);
    };
    const most = Math.ceil(PIECE / meta.props.length);
    const whole = data.length <= most || refersToItself(model);
    const done = this.#calls.patiently(options, (given) => {
      links.length = 0;
      return whole
        ? insert(data, 0, given)
        : this.#calls.together(given, (inner) =>
            inPieces(data, most, (part, from) => insert(part, from, inner)),
          );
    });
    const result = done instanceof Promise ? await done : done;
    const ids = this.#primaryKeys(meta, data, result.rows);
    for (const [i, own] of links) {
      await this.#link(meta, [ids[i]].flat(), own, 'none', options);
    }
    return {
      affectedRows: result.affected,
      insertId: ids[0],
      row: result.rows[0] ?? {},
      rows: result.rows,
      insertedIds: ids,
    };
  }

  /** Changes the rows that fulfil a condition. */
  async update(meta: EntityMetadata, where: any, data: any, options: any): Promise<any> {
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    if (typeof data !== 'object' || data === null || Array.isArray(data)) {
      throw unsupported(
        `What an update changes of ${meta.className} must be an object of properties, not ${describe(data)}.`,
      );
    }
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const { data: rest, links } = withoutLinks(meta, data);
    const payload = this.#payload(meta, rest, options);
    const own =
      options.convertCustomTypes === false
        ? where
        : processedWhere(this.#metadata, this.#driver.getPlatform(), meta, where);
    const condition = withUnion(own, options.unionWhere);
    const touch = isSpread(meta);
    const plan = (returning: ReturningOptions) =>
      planner.update(model, condition, payload, {
        touch,
        ...returning,
        ...(versionAbove(model) && { returning: model.primaryProps }),
      });
    const done = this.#update(
      meta,
      model,
      plan,
      () => changeClauses(withUnion(where, options.unionWhere), data),
      options,
    );
    const result = done instanceof Promise ? await done : done;
    const key = keyAfter(meta, where, data);
    if (links.length > 0) {
      await this.#link(meta, key, links, 'all', options);
    }
    return {
      affectedRows: result.affected,
      insertId: key.length > 1 ? key : key[0],
      row: result.rows[0] ?? {},
      rows: result.rows,
    };
  }

  /** Changes rows by their keys, each in its own way. */
  async updateMany(meta: EntityMetadata, where: any[], data: any[], options: any): Promise<any> {
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(rootOf(meta));
    const { rows, links } = this.#split(meta, data, options);
    const touch = isSpread(meta);
    const plan = (returning: ReturningOptions) =>
      planner.updateMany(model, where, rows, { touch, ...returning });
    const done = this.#update(meta, model, plan, () => changeClauses(where, data), options);
    const result = done instanceof Promise ? await done : done;
    for (const [i, own] of links) {
      await this.#link(meta, primaryKeyOf(meta, where[i]), own, 'all', options);
    }
    return {
      affectedRows: result.affected,
      insertId: undefined,
      row: result.rows[0] ?? {},
      rows: result.rows,
    };
  }

  /** Removes the rows that fulfil a condition. */
  async delete(meta: EntityMetadata, where: any, options: any): Promise<any> {
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(meta);
    const condition = withUnion(where, options.unionWhere);
    const prepared = planner.delete(model, condition);
    const clauses = (): Clause[] => [['where', condition]];
    const done = this.#calls.patiently(options, (given) =>
      this.#calls.write('delete', model, prepared, clauses, given),
    );
    const result = done instanceof Promise ? await done : done;
    return { affectedRows: result.affected, insertId: undefined, row: {}, rows: [] };
  }

  /** Inserts a copy of a row, with a primary key and a version of its own. */
  async clone(meta: EntityMetadata, where: any, overrides: any, options: any): Promise<any> {
    const row = await this.#driver.findOne(entityNameOf(meta), where, {
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
    const insertOptions = { processCollections: true, ...options, convertCustomTypes: false };
    if (!isSpread(meta)) {
      return this.insertMany(meta, [values], insertOptions);
    }
    const [root, ...below] = [meta, ...classesAbove(this.#metadata, meta)].reverse() as [
      EntityMetadata,
      ...EntityMetadata[],
    ];
    const result = await this.insertMany(root, [keptIn(root, values)], insertOptions);
    const names = meta.primaryKeys as string[];
    const parts = names.length > 1 ? result.insertId : [result.insertId];
    const key = Object.fromEntries(names.map((name, i) => [name, parts[i]]));
    for (const level of below) {
      await this.insertMany(level, [{ ...keptIn(level, values), ...key }], insertOptions);
    }
    return result;
  }

  /** Inserts rows, and changes those whose unique properties are there already. */
  async upsert(meta: EntityMetadata, where: any[], data: any[], options: any): Promise<any> {
    if (!this.#calls.isReady(options)) {
      await this.#calls.ready(options);
    }
    const { models, planner } = this.#spaces.get(options.schema);
    const model = models.model(rootOf(meta));
    const unique = uniqueProperties(meta, where[0], options.onConflictFields);
    const { rows, links } = this.#split(meta, data, options);
    const returning = getOnConflictReturningFields(meta as any, data[0], unique as any, options) as
      | string
      | string[];
    const conflict = {
      unique,
      ignore: ignores(options.onConflictAction),
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
    const done = this.#calls.patiently(options, (given) =>
      this.#write('upsert', meta, model, plan, clauses, given),
    );
    const result = done instanceof Promise ? await done : done;
    const written = result.rows.map(({ [ROW_NUMBER]: _, ...row }) => row);
    const complete = written.length === data.length;
    const ids = complete ? this.#primaryKeys(meta, data, written) : [];
    for (const [i, own] of links) {
      await this.#link(meta, complete ? [ids[i]].flat() : primaryKeyOf(meta, data[i]), own, 'all', options);
    }
    return {
      affectedRows: result.affected,
      insertId: ids[0],
      row: written[0],
      // Core takes them for those of the data, place by place: where one is missing, it reads all of them again.
      rows: complete ? written : [],
      insertedIds: ids,
    };
  }

  /** Rows as they are to be stored, and apart from them the links of those that have some, by their places. */
  #split(meta: EntityMetadata, data: Payload[], options: any): { rows: Payload[]; links: [number, Links][] } {
    const root = rootOf(meta);
    const links: [number, Links][] = [];
    const rows = data.map((row, i) => {
      if (options.processCollections === false) {
        return this.#payload(root, row, options);
      }
      const split = withoutLinks(meta, row);
      if (split.links.length > 0) {
        links.push([i, split.links]);
      }
      return this.#payload(root, split.data, options);
    });
    return { rows, links };
  }

  /** Writes the links of a row in the pivots of its M:N relations. */
  async #link(
    meta: EntityMetadata,
    owner: Key,
    links: Links,
    removed: 'all' | 'none',
    options: any,
  ): Promise<void> {
    for (const [prop, keys] of links) {
      const changes = new PivotChanges(this.#driver, pivotOf(this.#metadata, prop), options);
      changes.add(meta, prop, owner, keys, removed, true);
      await changes.write();
    }
  }

  #payload(meta: EntityMetadata, data: Payload, options: any): Payload {
    const payload =
      options.convertCustomTypes === false
        ? data
        : converted(data, meta.properties as any, this.#driver.getPlatform(), meta.className);
    const days = dayProperties(meta);
    return days.length > 0 ? withDays(payload, days) : payload;
  }

  #primaryKeys(meta: EntityMetadata, data: Payload[], rows: Row[]): unknown[] {
    const [name, ...more] = meta.primaryKeys as string[];
    const only = name === undefined || more.length > 0 ? undefined : (meta.properties as any)[name];
    if (only?.fieldNames.length === 1) {
      return data.map((row, i) => row[only.name] ?? rows[i]?.[only.fieldNames[0]]);
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
  ): Soon<WriteResult> {
    const run = (returning: ReturningOptions, inner: any): Soon<WriteResult> => {
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

  /** Runs an update, and what it counts up in classes above. */
  #update(
    meta: EntityMetadata,
    model: Model,
    plan: (returning: ReturningOptions) => Prepared<CompiledPlan> | undefined,
    clauses: () => readonly Clause[],
    options: any,
  ): Soon<WriteResult> {
    const counts = versionAbove(model) !== undefined;
    const update = (given: any): Soon<WriteResult> => {
      const written = this.#write('update', meta, model, plan, clauses, given);
      return counts ? andThen(written, (result) => this.#counted(meta, model, result, given)) : written;
    };
    return this.#calls.patiently(options, (given) =>
      counts ? this.#calls.together(given, update) : update(given),
    );
  }

  /** Counts up the version that a class above keeps, where there is one: it comes back with the rows that changed. */
  #counted(meta: EntityMetadata, model: Model, result: WriteResult, options: any): Soon<WriteResult> {
    const above = versionAbove(model);
    if (above === undefined || result.rows.length === 0) {
      return result;
    }
    const { planner } = this.#spaces.get(options.schema);
    const keys = result.rows.map((row) => model.primary.map(({ name }) => row[name]));
    const where = model.primary.length > 1 ? keys : keys.flat();
    const plan = (returning: ReturningOptions) =>
      planner.update(above, where, {}, { ...returning, touch: true, returning: above.primaryProps });
    const counted = this.#write('update', meta, above, plan, () => changeClauses(where, {}), options);
    return andThen(counted, ({ rows }) => {
      const byKey = new Map(
        rows.map((row) => [JSON.stringify(above.primary.map(({ name }) => row[name])), row]),
      );
      return {
        ...result,
        rows: result.rows.map((row, i) => ({ ...row, ...byKey.get(JSON.stringify(keys[i])) })),
      };
    });
  }
}

/** Whether rows of one insert may point at each other, so that they must come in one. */
function refersToItself(model: Model): boolean {
  return [...model.props.values()].some(
    (prop) => isRelation(prop) && prop.owner && prop.target().collection === model.collection,
  );
}

async function inPieces(
  data: Payload[],
  most: number,
  write: (part: Payload[], from: number) => Soon<WriteResult>,
): Promise<WriteResult> {
  let affected = 0;
  const written: Row[] = [];
  for (let from = 0; from < data.length; from += most) {
    if (from > 0) {
      await pause();
    }
    const piece = await write(data.slice(from, from + most), from);
    affected += piece.affected;
    // A piece of which all is known hands nothing back: those after it keep their places.
    piece.rows.forEach((row, i) => {
      written[from + i] = row;
    });
  }
  return { affected, rows: written };
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

function ignores(action: unknown): boolean {
  if (action !== undefined && action !== null && action !== 'merge' && action !== 'ignore') {
    throw unsupported(`onConflictAction is 'merge' or 'ignore', not ${JSON.stringify(action)}.`);
  }
  return action === 'ignore';
}

/** The primary key of what a condition by key has found, once a change is made. */
function keyAfter(meta: EntityMetadata, where: any, data: Payload): Key {
  const names = meta.primaryKeys as string[];
  if (!names.some((name) => name in data)) {
    return primaryKeyOf(meta, where);
  }
  const before = Utils.isPlainObject(where) ? (where as object) : { [names[0] as string]: where };
  return primaryKeyOf(meta, { ...before, ...data });
}
