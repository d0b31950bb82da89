// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core declare some of these methods differently.
import { type MikroORM, Platform, type Type } from '@mikro-orm/core';
import { CollectionStoreEntityRepository } from './CollectionStoreEntityRepository.js';
import { CollectionStoreExceptionConverter } from './CollectionStoreExceptionConverter.js';
import { CollectionStoreSchemaGenerator } from './CollectionStoreSchemaGenerator.js';
import { copyDocument } from './model/documents.js';
import { unsupported } from './errors.js';
import { encodeJsonKey } from './plan/json-key.js';

const TYPE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['jsonb', 'json'],
  ['timestamptz', 'datetime'],
  ['datetime2', 'datetime'],
  ['smalldatetime', 'datetime'],
  ['timetz', 'time'],
  ['int2', 'smallint'],
  ['int4', 'int'],
  ['int8', 'bigint'],
  ['serial', 'int'],
  ['smallserial', 'smallint'],
  ['bigserial', 'bigint'],
  ['real', 'float'],
  ['float4', 'float'],
  ['float8', 'double'],
  ['bool', 'boolean'],
  ['bit', 'boolean'],
  ['bytea', 'blob'],
  ['binary', 'blob'],
  ['varbinary', 'blob'],
  ['tinyblob', 'blob'],
  ['mediumblob', 'blob'],
  ['longblob', 'blob'],
  ['citext', 'text'],
  ['tinytext', 'text'],
  ['mediumtext', 'text'],
  ['longtext', 'text'],
  ['clob', 'text'],
  ['nvarchar', 'varchar'],
  ['nchar', 'char'],
  ['uniqueidentifier', 'uuid'],
]);

/** The key that the migrator of the store itself is registered by. */
export const MIGRATOR = 'collection-store-mikro-orm/migrator';

/** Extensions of MikroORM that write or read SQL: why they are refused, and what to do instead. */
const REFUSED_EXTENSIONS: ReadonlyMap<string, string> = new Map([
  [
    '@mikro-orm/migrator',
    "Migrations of @mikro-orm/migrations are SQL, which the collection store does not execute. It has migrations of its own: `import { Migrator } from 'collection-store-mikro-orm/migrations'`, and register it by `extensions: [Migrator]`. Without any, orm.schema.update() (`mikro-orm schema:update --run`) brings the schema in line with the entities, keeps the data, and fills new fields from their defaults.",
  ],
  [
    '@mikro-orm/entity-generator',
    'Entities are generated from the tables of an SQL database, which the collection store does not have. Write the entities, and make their collections by orm.schema.create() or orm.schema.update().',
  ],
]);

/** What core may expect of the store, and how values look between the two. */
export class CollectionStorePlatform extends Platform {
  protected override readonly exceptionConverter = new CollectionStoreExceptionConverter();

  /** M:N relations are kept in pivot collections. */
  override usesPivotTable(): boolean {
    return true;
  }

  /** Writes return the values that the engine made. */
  override usesReturningStatement(): boolean {
    return true;
  }

  /** Anything will do: core only knows the columns of relations for platforms that have one. */
  override getSchemaHelper(): unknown {
    return this;
  }

  override indexForeignKeys(): boolean {
    return true;
  }

  override getRepositoryClass(): any {
    return CollectionStoreEntityRepository;
  }

  override getSchemaGenerator(driver: any, em?: any): CollectionStoreSchemaGenerator {
    return new CollectionStoreSchemaGenerator(em ?? driver);
  }

  override lookupExtensions(orm: MikroORM): void {
    CollectionStoreSchemaGenerator.register(orm);
  }

  /** Those that need SQL are refused where they are asked for, registered or not: projects may have them for another database. */
  override getExtension<T>(extensionName: string, extensionKey: string, moduleName: string, em: any): T {
    const own = extensionKey === '@mikro-orm/migrator' && this.config.getExtension<T>(MIGRATOR);
    if (own) {
      return own;
    }
    const refusal = REFUSED_EXTENSIONS.get(extensionKey);
    if (refusal !== undefined) {
      throw unsupported(refusal);
    }
    return super.getExtension(extensionName, extensionKey, moduleName, em);
  }

  /** Parsed, not used: a store is not at an address. */
  getDefaultClientUrl(): string {
    return 'collection-store://localhost';
  }

  /** A copy: the document stays the entity's, and core compares with the copy. */
  override convertJsonToDatabaseValue(value: unknown): unknown {
    return copyDocument(value);
  }

  /** Documents come from the engine as values, a text among them as a text. */
  override convertJsonToJSValue(value: unknown): unknown {
    return value;
  }

  /** Spells a place inside a document so that the compiler of conditions reads it back, whatever the names hold. */
  override getSearchJsonPropertyKey(path: string[]): string {
    const [field = '', ...way] = path;
    return encodeJsonKey(way, field);
  }

  /** The types that other databases have other names for. */
  override getDefaultMappedType(type: string): Type<unknown> {
    return super.getDefaultMappedType(TYPE_ALIASES.get(this.extractSimpleType(type)) ?? type);
  }

  /** Dates inside documents come back as dates. */
  preservesDatesInsideJson(): boolean {
    return true;
  }

  /** Arrays are kept as arrays. */
  override marshallArray(values: any): any {
    return Array.isArray(values) ? [...values] : values;
  }

  override unmarshallArray(value: any): any {
    return value;
  }

  override getArrayDeclarationSQL(): string {
    return 'json';
  }

  override getDateTimeTypeDeclarationSQL(): string {
    return 'datetime';
  }

  /** Nulls are lowest, and `nulls first` and `nulls last` are honoured. */
  supportsNullsOrdering(): boolean {
    return true;
  }

  /** The branches of `unionWhere` are alternatives. */
  supportsUnionWhere(): boolean {
    return true;
  }

  sortsNullsLowest(): boolean {
    return true;
  }

  override cloneEmbeddable<T>(data: T): T {
    return copyDocument(data);
  }
}
