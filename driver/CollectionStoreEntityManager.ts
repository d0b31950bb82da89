// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type these methods differently.
import {
  type EntityKey,
  EntityManager,
  type EntityName,
  type EntityRepository,
  type GetRepository,
  type Loaded,
  type Primary,
  type TransactionOptions,
} from '@mikro-orm/core';
import type { CollectionStoreDriver } from './CollectionStoreDriver.js';
import type { CollectionStoreEntityRepository } from './CollectionStoreEntityRepository.js';
import { metadataOf } from './compat.js';
import { unsupported } from './errors.js';
import {
  bothConditions,
  creationOrder,
  type FindByOptions,
  type FinderKey,
  type FinderOptions,
  sequenceOrder,
  updateOrder,
  valueOrder,
} from './reading/finders.js';
import { noSql } from './refused/query-builders.js';
import { withRetries } from './transactions/retries.js';
import { EXPLICIT, type Explicit } from './transactions/transaction.js';
import { currentTransaction } from './transactions/turns.js';

/** The EntityManager of the collection store: core's, and the store's own finders. */
export class CollectionStoreEntityManager<
  Driver extends CollectionStoreDriver = CollectionStoreDriver,
> extends EntityManager<Driver> {
  /**
   * As core's. With `retries` the callback is run again, so many times at most and on a fresh fork, when the transaction
   * was in conflict with others; a nested transaction is run again with the outer one.
   */
  override transactional<T>(
    cb: (em: this) => T | Promise<T>,
    options: TransactionOptions & { retries?: number } = {},
  ): Promise<T> {
    // Core's transactions are told apart from the one that a flush opens for itself, which never fails because of others.
    const explicit: any = { ...options, [EXPLICIT]: this.#explicit() };
    const { retries = 0, propagation, signal } = explicit;
    const transact = (given: any) => super.transactional(cb as any, given) as Promise<T>;
    if (
      retries === 0 ||
      (propagation !== 'requires_new' && (this.getContext(false) as any).getTransactionContext())
    ) {
      return transact(explicit);
    }
    return withRetries(
      retries,
      (attempts) => transact({ ...explicit, clear: true, [EXPLICIT]: { ...explicit[EXPLICIT], attempts } }),
      signal,
    );
  }

  /** As core's. */
  override async begin(options: any = {}): Promise<void> {
    return super.begin({ ...options, [EXPLICIT]: this.#explicit() });
  }

  /**
   * How many entities there are of each value of a property, or of each combination of the values of several:
   * by the values as texts, joined by `~~~`.
   */
  async countBy<Entity extends object>(
    entityName: EntityName<Entity>,
    groupBy: EntityKey<Entity> | readonly EntityKey<Entity>[],
    options: any = {},
  ): Promise<Record<string, number>> {
    const em: any = this.getContext(false);
    const given = { ...options };
    // Returns the options, or changes those that it gets.
    const { where = {}, having, ...rest } = em.prepareOptions(given) ?? given;
    if (having !== undefined) {
      throw unsupported(
        '`having` of countBy() compares what SQL computes, which the collection store does not evaluate: leave out of the counts what is not wanted.',
      );
    }
    await em.tryFlush(entityName, rest);
    const condition = await em.processWhere(entityName, where, rest, 'read');
    const ctx = em.getTransactionContext();
    return em.getDriver().countBy(entityName, [groupBy].flat(), condition, { ...rest, ctx, em });
  }

  /** The first entity: by its primary key where that is an integer, else by insertion. */
  async first<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.#one(entityName, options.where, sequenceOrder(this.#metadataOf(entityName), 'asc'), options);
  }

  /** The last entity: by its primary key where that is an integer, else by insertion. */
  async last<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.#one(entityName, options.where, sequenceOrder(this.#metadataOf(entityName), 'desc'), options);
  }

  /** The entity created first: by a date that is set `onCreate`, else by `createdAt`, else by insertion. */
  async oldest<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.#one(entityName, options.where, creationOrder(this.#metadataOf(entityName), 'asc'), options);
  }

  /** The entity changed last: by a date that is set `onUpdate`, else by `updatedAt`, else by the order of updates. */
  async latest<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.#one(entityName, options.where, updateOrder(this.#metadataOf(entityName), 'desc'), options);
  }

  /** The entity with the lowest value of a property; those without a value do not count. */
  async lowest<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    field: FinderKey<Entity>,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    const { where, orderBy } = valueOrder(this.#metadataOf(entityName), field, 'asc');
    return this.#one(entityName, bothConditions(where, options.where), orderBy, options);
  }

  /** The entity with the highest value of a property; those without a value do not count. */
  async greatest<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    field: FinderKey<Entity>,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    const { where, orderBy } = valueOrder(this.#metadataOf(entityName), field, 'desc');
    return this.#one(entityName, bothConditions(where, options.where), orderBy, options);
  }

  /** The entity with that primary key. */
  async findById<
    Entity extends object,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    id: Primary<Entity>,
    options: Omit<FinderOptions<Entity, Hint, Fields, Excludes>, 'where'> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.findOne(entityName as any, id as any, options as any) as any;
  }

  /** The entities whose property has that value. */
  async findBy<
    Entity extends object,
    Key extends FinderKey<Entity>,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    field: Key,
    value: Entity[Key] | Primary<NonNullable<Entity[Key]>> | null,
    options: FindByOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes>[]> {
    const { where, ...findOptions } = options;
    const orderBy = sequenceOrder(this.#metadataOf(entityName), 'asc');
    return this.find(
      entityName as any,
      bothConditions({ [field]: value }, where) as any,
      { orderBy, ...findOptions } as any,
    ) as any;
  }

  /** The first entity whose property has that value, first as in `first`. */
  async findFirstBy<
    Entity extends object,
    Key extends FinderKey<Entity>,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    field: Key,
    value: Entity[Key] | Primary<NonNullable<Entity[Key]>> | null,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.#one(
      entityName,
      bothConditions({ [field]: value }, options.where),
      sequenceOrder(this.#metadataOf(entityName), 'asc'),
      options,
    );
  }

  /** The last entity whose property has that value, last as in `last`. */
  async findLastBy<
    Entity extends object,
    Key extends FinderKey<Entity>,
    Hint extends string = never,
    Fields extends string = '*',
    Excludes extends string = never,
  >(
    entityName: EntityName<Entity>,
    field: Key,
    value: Entity[Key] | Primary<NonNullable<Entity[Key]>> | null,
    options: FinderOptions<Entity, Hint, Fields, Excludes> = {},
  ): Promise<Loaded<Entity, Hint, Fields, Excludes> | null> {
    return this.#one(
      entityName,
      bothConditions({ [field]: value }, options.where),
      sequenceOrder(this.#metadataOf(entityName), 'desc'),
      options,
    );
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

  /** Refused: views in SQL are not kept. */
  async refreshMaterializedView(..._args: unknown[]): Promise<never> {
    throw noSql('refreshMaterializedView');
  }

  /** Refused: there is no SQL to execute. */
  async execute(query?: unknown): Promise<never> {
    throw noSql('execute', query);
  }

  override getRepository<
    Entity extends object,
    Repository extends EntityRepository<Entity> = CollectionStoreEntityRepository<Entity>,
  >(entityName: EntityName<Entity>): GetRepository<Entity, Repository> {
    return super.getRepository(entityName as any) as any;
  }

  /** Left to the driver, which adds the discriminator to a condition of the user's own rather than overwriting it. */
  protected override applyDiscriminatorCondition(_entityName: any, where: any): any {
    return where;
  }

  /** Made where a transaction is asked for: not all engines know the place any more after a pause, nor core what it is in. */
  #explicit(): Explicit {
    return {
      place: this.config.get('debug') ? new Error('A transaction') : undefined,
      within: currentTransaction(this.name),
    };
  }

  async #one(entityName: any, where: unknown, orderBy: unknown, options: object): Promise<any> {
    const { where: _, ...findOptions } = options as { where?: unknown };
    const [entity] = await this.find(
      entityName,
      (where ?? {}) as any,
      { ...findOptions, orderBy, limit: 1 } as any,
    );
    return entity ?? null;
  }

  #metadataOf(entityName: any): any {
    const meta = metadataOf(this.getMetadata() as any, entityName);
    // For an unknown entity core has the better message.
    return meta ?? (this.getMetadata() as any).get(entityName);
  }
}

// Not as a method, whose overloads the two majors type differently: those of core stay.
CollectionStoreEntityManager.prototype.addFilter = function (
  this: CollectionStoreEntityManager,
  ...args: any[]
): void {
  this.getDriver().filtersAdded = true;
  (EntityManager.prototype.addFilter as any).apply(this, args);
};
