// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type these methods differently.
import { EntityRepository, type Loaded, type Primary } from '@mikro-orm/core';
import type { CollectionStoreEntityManager } from './CollectionStoreEntityManager.js';
import type { FindByOptions, FinderKey, FinderOptions } from './reading/finders.js';
import { noSql } from './refused/query-builders.js';

/** The default repository of the collection store: core's, and the store's own finders. */
export class CollectionStoreEntityRepository<Entity extends object> extends EntityRepository<Entity> {
  /** The first entity: by its primary key where that is an integer, else by insertion. */
  async first<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().first(this.#entityName, options);
  }

  /** The last entity: by its primary key where that is an integer, else by insertion. */
  async last<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().last(this.#entityName, options);
  }

  /** The entity created first: by a date that is set `onCreate`, else by `createdAt`, else by insertion. */
  async oldest<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().oldest(this.#entityName, options);
  }

  /** The entity changed last: by a date that is set `onUpdate`, else by `updatedAt`, else by the order of updates. */
  async latest<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().latest(this.#entityName, options);
  }

  /** The entity with the lowest value of a property; those without a value do not count. */
  async lowest<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    field: FinderKey<Entity>,
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().lowest(this.#entityName, field, options);
  }

  /** The entity with the highest value of a property; those without a value do not count. */
  async greatest<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    field: FinderKey<Entity>,
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().greatest(this.#entityName, field, options);
  }

  /** The entity with that primary key. */
  async findById<Hint extends string = never, Fields extends string = '*', Excludes extends string = never>(
    id: Primary<Entity>,
    options?: Omit<FinderOptions<Entity, Hint, Fields, Excludes>, 'where'>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().findById(this.#entityName, id, options);
  }

  /** The entities whose property has that value. */
  async findBy<
    Key extends FinderKey<Entity>,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    field: Key,
    value: Entity[Key] | Primary<NonNullable<Entity[Key]>> | null,
    options?: FindByOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes>[]> {
    return this.getEntityManager().findBy(this.#entityName, field, value, options);
  }

  /** The first entity whose property has that value, first as in `first`. */
  async findFirstBy<
    Key extends FinderKey<Entity>,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    field: Key,
    value: Entity[Key] | Primary<NonNullable<Entity[Key]>> | null,
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().findFirstBy(this.#entityName, field, value, options);
  }

  /** The last entity whose property has that value, last as in `last`. */
  async findLastBy<
    Key extends FinderKey<Entity>,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    field: Key,
    value: Entity[Key] | Primary<NonNullable<Entity[Key]>> | null,
    options?: FinderOptions<Entity, Hint, Fields, Excludes>,
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.getEntityManager().findLastBy(this.#entityName, field, value, options);
  }

  /** Refused: there is no SQL to build. */
  createQueryBuilder(..._args: unknown[]): never {
    throw noSql('createQueryBuilder');
  }

  /** Refused: there is no SQL to build. */
  qb(..._args: unknown[]): never {
    throw noSql('qb');
  }

  /** Refused: there is no SQL to build. */
  getKnex(..._args: unknown[]): never {
    throw noSql('getKnex');
  }

  /** Refused: there is no SQL to build. */
  getKysely(..._args: unknown[]): never {
    throw noSql('getKysely');
  }

  override getEntityManager(): CollectionStoreEntityManager {
    return super.getEntityManager() as unknown as CollectionStoreEntityManager;
  }

  get #entityName(): any {
    return this.entityName;
  }
}
