/**
 * Rows of a collection as they are stored: plain objects by the names of
 * fields, whatever entities say of them, or no longer say.
 */
import type { CollectionStoreConnection } from './CollectionStoreConnection.js';
import type { Calls } from './calls/calls.js';
import type { Clause } from './calls/call-text.js';
import { CompiledPlan, type WriteResult } from './native/engine.js';
import { engineError } from './native/errors.js';
import type { CollectionDef, FieldType, Wire } from './native/ir.js';
import type { Column, Model, Prop } from './plan/model.js';
import type { Payload } from './plan/payload.js';
import { type Prepared, Planner } from './plan/planner.js';

/** A row by the names of its fields. */
export type StoredRow = Record<string, unknown>;

/** Which of the rows, and in which order. */
export interface RowsOptions {
  /** Fields and directions, the most significant first: `{ name: 'asc', id: 'desc' }`. */
  orderBy?: Record<string, 'asc' | 'desc'> | readonly Record<string, 'asc' | 'desc'>[];
  limit?: number;
  offset?: number;
  /** The fields to fetch; all by default. The primary key always comes along. */
  fields?: readonly string[];
}

/** How a field comes back: whole 64-bit numbers as bigints, decimals as texts, dates as dates, documents as they are. */
const WIRES: Readonly<Record<FieldType, Wire>> = {
  int: 'number',
  bigint: 'bigint',
  float: 'number',
  decimal: 'decimal',
  bool: 'bool',
  text: 'text',
  date: 'date',
  bytes: 'bytes',
  json: 'json',
};

/** How many rows are changed in one call. */
const BATCH = 1000;

interface Known {
  readonly text: string;
  readonly model: Model;
  readonly planner: Planner<CompiledPlan>;
}

/**
 * The rows of one collection. Conditions have the operators of MikroORM's
 * (`{ age: { $gt: 18 } }`) over fields; `'field.key'` leads into documents.
 */
export class StoredRows<Row extends object = StoredRow> {
  /** The collection's name. */
  readonly name: string;
  readonly #connection: CollectionStoreConnection;
  readonly #calls: Calls;
  readonly #ctx: unknown;
  #known: Known | undefined;

  /** @internal */
  constructor(name: string, connection: CollectionStoreConnection, calls: Calls, ctx: unknown) {
    this.name = name;
    this.#connection = connection;
    this.#calls = calls;
    this.#ctx = ctx;
  }

  /** The rows that fulfil a condition, all without one. */
  async find(where: object = {}, options: RowsOptions = {}): Promise<Row[]> {
    const { model, planner } = await this.#ready();
    return (await this.#calls.find(
      model,
      planner.find(model, { where, ...options }),
      () => [
        ['where', where],
        ['order by', options.orderBy],
        ['limit', options.limit],
        ['offset', options.offset],
      ],
      this.#options,
    )) as Row[];
  }

  /** The first of the rows, or null. */
  async findOne(where: object = {}, options: Omit<RowsOptions, 'limit'> = {}): Promise<Row | null> {
    return (await this.find(where, { ...options, limit: 1 }))[0] ?? null;
  }

  /** How many rows fulfil a condition. */
  async count(where: object = {}): Promise<number> {
    const { model, planner } = await this.#ready();
    return this.#calls.count(model, planner.count(model, where), clauses(where), this.#options);
  }

  /** Inserts a row, or several; returns them with what the store filled in. */
  async insert(rows: Partial<Row> | readonly Partial<Row>[]): Promise<Row[]> {
    const { model, planner } = await this.#ready();
    const given = [rows].flat() as Payload[];
    const prepared = planner.insert(model, given, { returning: ['*'] });
    return (await this.#write('insert', model, prepared, () => [['rows', given]])).rows as Row[];
  }

  /** Gives the same values to all rows that fulfil a condition; returns how many there are. */
  async update(where: object, values: Partial<Row>): Promise<number> {
    const { model, planner } = await this.#ready();
    const prepared = planner.update(model, where, values as Payload);
    return this.#affected('update', model, prepared, () => [
      ['where', where],
      ['set', values],
    ]);
  }

  /**
   * Changes rows one by one: the function gets each and returns the fields to
   * change, or nothing to leave it as it is. Returns how many were changed.
   */
  async updateEach(
    change: (row: Row) => Partial<Row> | undefined | null | Promise<Partial<Row> | undefined | null>,
    where: object = {},
  ): Promise<number> {
    const { model, planner } = await this.#ready();
    const rows = this.#calls.stream(model, planner.find(model, { where }), clauses(where), this.#options);
    let keys: Payload[] = [];
    let changes: Payload[] = [];
    let changed = 0;
    const write = async () => {
      const prepared = keys.length === 0 ? undefined : planner.updateMany(model, keys, changes);
      changed += await this.#affected('update', model, prepared, () => [['rows', keys]]);
      keys = [];
      changes = [];
    };
    for await (const row of rows) {
      const key = Object.fromEntries(model.primary.map(({ name }) => [name, row[name]]));
      const values = await change(row as Row);
      if (values) {
        keys.push(key);
        changes.push(values as Payload);
      }
      if (keys.length === BATCH) {
        await write();
      }
    }
    await write();
    return changed;
  }

  /** Removes the rows that fulfil a condition, all for `{}`; returns how many. */
  async delete(where: object): Promise<number> {
    const { model, planner } = await this.#ready();
    return this.#affected('delete', model, planner.delete(model, where), clauses(where));
  }

  async #affected(
    verb: string,
    model: Model,
    prepared: Prepared<CompiledPlan> | undefined,
    told: () => Clause[],
  ): Promise<number> {
    return prepared === undefined ? 0 : (await this.#write(verb, model, prepared, told)).affected;
  }

  async #write(
    verb: string,
    model: Model,
    prepared: Prepared<CompiledPlan>,
    told: () => Clause[],
  ): Promise<WriteResult> {
    return this.#calls.patiently(this.#options, (options) =>
      this.#calls.write(verb, model, prepared, told, options),
    );
  }

  get #options(): object {
    return { ctx: this.#ctx };
  }

  /** The collection as it is now: a migration may have changed it since the last call. */
  async #ready(): Promise<Known> {
    await this.#calls.ready(this.#options);
    const { collections } = this.#connection.session(this.#ctx).describe();
    const def = collections.find(({ name }) => name === this.name);
    if (def === undefined) {
      throw this.#connection.converted(unknownCollection(this.name, collections));
    }
    const text = JSON.stringify(def);
    if (this.#known?.text !== text) {
      this.#known = { text, model: modelOf(def), planner: new Planner((ir) => new CompiledPlan(ir)) };
    }
    return this.#known;
  }
}

/** The error for a collection that is not there. */
export function unknownCollection(name: string, there: readonly CollectionDef[]): Error {
  const names = there.map((def) => def.name).join(', ') || 'none';
  return engineError('COLLECTION_NOT_FOUND', `unknown collection "${name}"; there are: ${names}`);
}

function clauses(where: object): () => Clause[] {
  return () => [['where', where]];
}

function modelOf({ name, fields, primary }: CollectionDef): Model {
  const columns = fields.map((field): Column => ({ ...field, wire: WIRES[field.type] }));
  return {
    name,
    collection: name,
    columns,
    primary: primary.map((key) => columns.find((column) => column.name === key) as Column),
    primaryProps: primary,
    props: new Map(
      columns.map((column): [string, Prop] => [
        column.name,
        { kind: 'scalar', name: column.name, column, nullable: column.nullable, json: [] },
      ]),
    ),
  };
}
