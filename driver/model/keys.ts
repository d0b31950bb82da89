// biome-ignore-all lint/suspicious/noExplicitAny: keys come in rows of any kind.
/** Primary keys in what core hands to a driver. */
import { type EntityMetadata, Utils } from '@mikro-orm/core';

/** A primary key, flat. */
export type Key = readonly unknown[];

/** The primary key in an object of properties, flat but for foreign keys in it. */
export function primaryKeyOf(meta: EntityMetadata, data: any): Key {
  if (!Utils.isPlainObject(data)) {
    return [data].flat();
  }
  const row = data as Record<string, unknown>;
  const joined = meta.compositePK ? row[Utils.getPrimaryKeyHash(meta.primaryKeys)] : undefined;
  return Array.isArray(joined) ? joined : (meta.primaryKeys as string[]).map((name) => row[name]);
}
