// biome-ignore-all lint/suspicious/noExplicitAny: expressions get and return what their entity says.
/**
 * Views: entities whose rows a function returns with every query. They are put
 * into a store of their own for as long as the query takes, which conditions,
 * orders and pages are asked of as of any other.
 */
import type { EntityMetadata } from '@mikro-orm/core';
import type { CollectionStoreDriver } from './CollectionStoreDriver.js';
import { unsupported } from './errors.js';
import { Engine } from './native/engine.js';
import type { CollectionDef } from './native/ir.js';
import type { Payload } from './plan/payload.js';
import { schemaOf } from './plan/schema.js';
import type { Space } from './spaces.js';
import { virtualResult } from './virtual.js';

/** Answers a query of a view, which runs with the options that it gets. */
export async function queryView<T>(
  driver: CollectionStoreDriver,
  meta: EntityMetadata,
  { models, planner }: Space,
  options: any,
  query: (options: any) => Promise<T>,
): Promise<T> {
  const rows = await virtualResult(driver, meta, {}, { ctx: options.ctx });
  if (!Array.isArray(rows)) {
    throw unsupported(`The expression of the view ${meta.className} did not return rows. Return an array.`);
  }
  const model = models.model(meta);
  const [collection] = schemaOf([model]).collections;
  const apart = Engine.open();
  try {
    apart.createSchema({ collections: [bare(collection as CollectionDef)] });
    if (rows.length > 0) {
      const { plan, params } = planner.insert(model, rows as Payload[]);
      apart.write(plan, params);
    }
    // Relations lead out of that store: core loads them by queries of their own.
    return await query({ ...options, populate: [], apart });
  } finally {
    apart.close();
  }
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
