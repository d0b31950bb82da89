// biome-ignore-all lint/suspicious/noExplicitAny: expressions get and return what their entity says.
/** Virtual entities and views: their rows are what a function returns. */
import type { EntityMetadata } from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';
import { isView, rawSqlOf } from '../compat.js';
import { unsupported } from '../errors.js';

/** What the expression of a virtual entity returns; it gets the condition and the options. */
export async function virtualResult(
  driver: CollectionStoreDriver,
  meta: EntityMetadata,
  where: any,
  options: any,
): Promise<unknown> {
  const expression: any = meta.expression;
  const kind = isView(meta) ? 'view' : 'virtual entity';
  if (typeof expression !== 'function') {
    throw unsupported(
      `${meta.className} is a ${kind} of an SQL expression, which the collection store does not evaluate. Use a function that returns rows.`,
    );
  }
  const em = driver.createEntityManager();
  em.setTransactionContext(options.ctx);
  const result = await expression(em, where, options);
  if (typeof result === 'string' || rawSqlOf(result) !== undefined) {
    throw unsupported(
      `The expression of the ${kind} ${meta.className} returned SQL, which the collection store does not evaluate. Return rows.`,
    );
  }
  return result;
}
