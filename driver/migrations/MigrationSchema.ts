import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import {
  CollectionStoreSchemaGenerator,
  type SchemaUpdateOptions,
} from '../CollectionStoreSchemaGenerator.js';
import type { Session } from '../native/engine.js';
import { engineError, type EngineErrorCode } from '../native/errors.js';
import type { CollectionDef } from '../native/ir.js';
import { unknownCollection } from '../StoredRows.js';
import {
  type CollectionDefinition,
  collectionDef,
  collectionDefinition,
  type FieldDefinition,
  fieldDef,
  type ForeignKeyDefinition,
  foreignDef,
  type IndexDefinition,
  indexDef,
} from './definitions.js';

/**
 * Changes of the schema in a migration. Each keeps the rows, in the form that
 * they have afterwards, and is refused where they do not fit it.
 */
export class MigrationSchema {
  readonly #driver: CollectionStoreDriver;
  readonly #ctx: unknown;

  /** @internal */
  constructor(driver: CollectionStoreDriver, ctx: unknown) {
    this.#driver = driver;
    this.#ctx = ctx;
  }

  /** The collections that there are. */
  async describe(): Promise<CollectionDefinition[]> {
    return (await this.#session()).describe().collections.map(collectionDefinition);
  }

  /** Brings the schema in line with the entities as they are now, as `orm.schema.update()` does. */
  async update(options?: SchemaUpdateOptions): Promise<void> {
    await new CollectionStoreSchemaGenerator(this.#driver, this.#ctx).update(options);
  }

  /** Adds a collection. */
  async createCollection(collection: CollectionDefinition): Promise<void> {
    await this.#run(`create collection ${collection.name}`, (session) =>
      session.createSchema({ collections: [collectionDef(collection)] }),
    );
  }

  /** Gives a collection another name. Foreign keys that point at it follow; names of indexes and of keys stay. */
  async renameCollection(from: string, to: string): Promise<void> {
    await this.#run(`rename collection ${from} to ${to}`, (session) => session.renameCollection(from, to));
  }

  /** Removes a collection with its rows. Refused as long as foreign keys of others point at it. */
  async dropCollection(name: string): Promise<void> {
    await this.#run(`drop collection ${name}`, (session) => session.dropSchema([name]));
  }

  /** Adds a field. Rows get its default; without one it must be nullable where there are rows. */
  async addField(collection: string, field: FieldDefinition): Promise<void> {
    await this.#change(collection, (def) => {
      refuseTaken('FIELD_DUPLICATE', 'field', def, field.name, def.fields);
      return { ...def, fields: [...def.fields, fieldDef(field)] };
    });
  }

  /** Changes a field into another one of its name. Values of another type are converted. */
  async changeField(collection: string, field: FieldDefinition): Promise<void> {
    await this.#change(collection, (def) => {
      requireNamed('FIELD_NOT_FOUND', 'field', def, field.name, def.fields);
      return {
        ...def,
        fields: def.fields.map((old) => (old.name === field.name ? fieldDef(field) : old)),
      };
    });
  }

  /** Gives a field another name. The primary key, indexes and foreign keys follow; their names stay. */
  async renameField(collection: string, from: string, to: string): Promise<void> {
    await this.#run(`rename field ${collection}.${from} to ${to}`, (session) =>
      session.renameField(collection, from, to),
    );
  }

  /** Removes a field with its values. */
  async dropField(collection: string, name: string): Promise<void> {
    await this.#change(collection, (def) => ({
      ...def,
      fields: without('FIELD_NOT_FOUND', 'field', def, name, def.fields),
    }));
  }

  /** Makes these fields the primary key. */
  async changePrimaryKey(collection: string, fields: readonly string[]): Promise<void> {
    await this.#change(collection, (def) => ({ ...def, primary: fields }));
  }

  /** Adds an index, or a unique constraint. */
  async addIndex(collection: string, index: IndexDefinition): Promise<void> {
    await this.#change(collection, (def) => {
      refuseTaken('INVALID_SCHEMA', 'index', def, index.name, def.indexes);
      return { ...def, indexes: [...def.indexes, indexDef(index)] };
    });
  }

  /** Removes an index, or a unique constraint. */
  async dropIndex(collection: string, name: string): Promise<void> {
    await this.#change(collection, (def) => ({
      ...def,
      indexes: without('INVALID_SCHEMA', 'index', def, name, def.indexes),
    }));
  }

  /** Adds a foreign key. */
  async addForeignKey(collection: string, key: ForeignKeyDefinition): Promise<void> {
    await this.#change(collection, (def) => {
      refuseTaken('INVALID_SCHEMA', 'foreign key', def, key.name, def.foreign);
      return { ...def, foreign: [...def.foreign, foreignDef(key)] };
    });
  }

  /** Removes a foreign key. */
  async dropForeignKey(collection: string, name: string): Promise<void> {
    await this.#change(collection, (def) => ({
      ...def,
      foreign: without('INVALID_SCHEMA', 'foreign key', def, name, def.foreign),
    }));
  }

  async #change(name: string, change: (def: CollectionDef) => CollectionDef): Promise<void> {
    await this.#run(`change collection ${name}`, (session) => {
      const { collections } = session.describe();
      const def = collections.find((candidate) => candidate.name === name);
      if (def === undefined) {
        throw unknownCollection(name, collections);
      }
      return session.changeSchema({ collections: [change(def)] }, { dropTables: false });
    });
  }

  async #run(text: string, change: (session: Session) => unknown): Promise<void> {
    const session = await this.#session();
    await this.#driver.getConnection().traced(
      () => change(session),
      (changes) => ({ text: Array.isArray(changes) && changes.length > 0 ? changes.join('; ') : text }),
    );
  }

  async #session(): Promise<Session> {
    const connection = this.#driver.getConnection();
    if (!connection.ready) {
      await connection.ensureConnection();
    }
    return connection.session(this.#ctx);
  }
}

interface Named {
  readonly name: string;
}

function refuseTaken(
  code: EngineErrorCode,
  what: string,
  def: CollectionDef,
  name: string,
  list: readonly Named[],
): void {
  if (list.some((item) => item.name === name)) {
    throw engineError(code, `collection "${def.name}" has a ${what} "${name}" already`);
  }
}

function requireNamed(
  code: EngineErrorCode,
  what: string,
  def: CollectionDef,
  name: string,
  list: readonly Named[],
): void {
  if (!list.some((item) => item.name === name)) {
    const names = list.map((item) => item.name).join(', ') || 'none';
    throw engineError(code, `unknown ${what} "${name}" of collection "${def.name}"; there are: ${names}`);
  }
}

function without<Item extends Named>(
  code: EngineErrorCode,
  what: string,
  def: CollectionDef,
  name: string,
  list: readonly Item[],
): Item[] {
  requireNamed(code, what, def, name, list);
  return list.filter((item) => item.name !== name);
}
