/**
 * A store whose schema is behind the entities: nothing happens to it by itself,
 * and the first use of what is missing says which entity asks for it.
 */
import type { EntityMetadata, MetadataStorage } from '@mikro-orm/core';
import { allMetadata, pivotOf } from '../compat.js';
import { type EngineError, isEngineError } from '../native/errors.js';

const ADVICE =
  'bring the store in line by orm.schema.update() (`mikro-orm schema:update --run`), or by a migration.';

/** Adds to an error of the engine about a missing collection or field who asks for it and what to do; other errors stay as they are. */
export function explainLag(error: unknown, storage: MetadataStorage): unknown {
  if (isEngineError(error) && error.collection !== undefined) {
    const who = whoAsks(error, error.collection, storage);
    if (who !== undefined) {
      error.message = `${error.message.replace(/[^.?]$/, '$&.')} ${who}: ${ADVICE}`;
    }
  }
  return error;
}

function whoAsks(error: EngineError, collection: string, storage: MetadataStorage): string | undefined {
  const [field] = error.fields ?? [];
  switch (error.code) {
    case 'COLLECTION_NOT_FOUND':
      return `${ownerOf(collection, storage)} has its rows there, and the store is older than that`;
    case 'FIELD_NOT_FOUND': {
      const property = field && propertyOf(collection, field, storage);
      return property && `${property} is kept there, and the store is older than that`;
    }
    case 'NOT_NULL': {
      const known = field === undefined || propertyOf(collection, field, storage) !== undefined;
      return known ? undefined : `${ownerOf(collection, storage)} has no property for the field any more`;
    }
    default:
      return undefined;
  }
}

/** The entity that has its rows in a collection, or the relation that has its links there. */
function ownerOf(collection: string, storage: MetadataStorage): string {
  const [meta] = entitiesIn(collection, storage);
  if (meta?.pivotTable !== true) {
    return meta?.className ?? 'An entity';
  }
  for (const owner of allMetadata(storage)) {
    const relation = owner.relations.find((prop) => prop.pivotTable && pivotOf(storage, prop) === meta);
    if (relation !== undefined) {
      return `${owner.className}.${relation.name}`;
    }
  }
  return meta.className;
}

function propertyOf(collection: string, field: string, storage: MetadataStorage): string | undefined {
  for (const meta of entitiesIn(collection, storage)) {
    const prop = meta.props.find(({ fieldNames }) => fieldNames?.includes(field));
    if (prop !== undefined) {
      return `${meta.className}.${prop.name}`;
    }
  }
  return undefined;
}

/** The entities whose rows are in a collection, in whatever name space. */
function entitiesIn(collection: string, storage: MetadataStorage): EntityMetadata[] {
  return allMetadata(storage).filter(
    ({ tableName, embeddable, virtual }) =>
      !embeddable && !virtual && (collection === tableName || collection.endsWith(`.${tableName}`)),
  );
}
