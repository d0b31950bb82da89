// biome-ignore-all lint/suspicious/noExplicitAny: expressions get and return what their entity says.
/**
 * Views and virtual entities: entities whose rows a function returns with every
 * query. They are put into a store of their own for as long as the query takes,
 * which conditions, orders and pages are asked of as of any other.
 */
import type { EntityMetadata } from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import { isView } from '../compat.js';
import { unsupported } from '../errors.js';
import { Engine } from '../native/engine.js';
import type { CollectionDef } from '../native/ir.js';
import { findProp, type Model } from '../plan/model.js';
import type { Payload } from '../plan/payload.js';
import { schemaOf } from '../plan/schema.js';
import type { Space } from '../model/spaces.js';
import { virtualResult } from './virtual.js';

/** Whether a function answers for the rows of an entity. */
export function isAnswered(meta: EntityMetadata): boolean {
  return meta.virtual === true || isView(meta);
}

/** Answers a query of such an entity, which runs with the options that it gets. */
export async function queryRows<T>(
  driver: CollectionStoreDriver,
  meta: EntityMetadata,
  { models, planner }: Space,
  where: any,
  options: any,
  query: (options: any) => Promise<T>,
): Promise<T> {
  const rows = isView(meta)
    ? await virtualResult(driver, meta, {}, { ctx: options.ctx })
    : await virtualResult(driver, meta, where, withoutPage(options));
  if (!Array.isArray(rows)) {
    const kind = isView(meta) ? 'view' : 'virtual entity';
    throw unsupported(
      `The expression of the ${kind} ${meta.className} did not return rows. Return an array.`,
    );
  }
  const model = models.queried(meta);
  const [collection] = schemaOf([model]).collections;
  const apart = Engine.open();
  try {
    apart.createSchema({ collections: [bare(collection as CollectionDef)] });
    if (rows.length > 0) {
      const { plan, params } = planner.insert(
        model,
        meta.virtual ? rows.map((row) => known(model, row)) : (rows as Payload[]),
      );
      apart.write(plan, params);
    }
    // Relations lead out of that store: core loads them by queries of their own.
    return await query({ ...options, populate: [], apart });
  } finally {
    apart.close();
  }
}

/**
 * What a function learns of a query. Pages are cut from the rows that it
 * returns, and a page of a page would be another one.
 */
function withoutPage(options: any): any {
  const { limit, offset, first, last, before, after, ...others } = options;
  return others;
}

/** Of what a function returned, what the entity has a place for. */
function known(model: Model, row: object): Payload {
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => {
      const prop = findProp(model, name);
      return prop !== undefined && prop.refused === undefined;
    }),
  );
}

/** The number of a row: nothing else in a view has to be there, or to be there once. */
const ROW = 'row~number';

function bare({ name, fields }: CollectionDef): CollectionDef {
  return {
    name,
    fields: [
      ...fields.map((field) => ({ name: field.name, type: field.type, nullable: true })),
      { name: ROW, type: 'int', nullable: false, autoIncrement: true },
    ],
    primary: [ROW],
    indexes: [],
    foreign: [],
  };
}
