/** Finding the metadata of entities. */
import type { EntityMetadata, MetadataStorage } from '@mikro-orm/core';
import { isSpread, metadataOf } from '../compat.js';
import { unsupported } from '../errors.js';

/** @internal */
export function metadataOrThrow(storage: MetadataStorage, name: unknown): EntityMetadata {
  const meta = metadataOf(storage, name);
  if (meta === undefined) {
    throw unsupported(
      `There is no entity ${typeof name === 'string' ? name : ((name as { name?: string })?.name ?? String(name))} among the discovered ones.`,
    );
  }
  return meta;
}

/** Whether rows of an entity are kept in a collection. */
export function hasCollection(meta: EntityMetadata): boolean {
  return (
    !meta.virtual &&
    !meta.embeddable &&
    !(meta.abstract && !meta.root.discriminatorColumn && !isSpread(meta)) &&
    Boolean(meta.tableName)
  );
}
