// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/** Filters of the entities that a condition leads through, as conditions on their rows. */
import type { EntityMetadata, EntityProperty, MetadataStorage } from '@mikro-orm/core';
import { entityNameOf, JOIN_FILTERS, metadataOf } from '../compat.js';
import { QUANTIFIERS, saysNothing } from './join-conditions.js';
import { type JoinFilter, joinedBy } from '../plan/joined.js';
import type { Model } from '../plan/model.js';
import { isPlainObject } from '../plan/value.js';
import { mergedFilters } from './polymorphic-filters.js';

/** Whether filters may concern a query by a condition; `added` says whether there are any beside those of entities. */
export function needsJoinFilters(
  meta: EntityMetadata,
  where: unknown,
  options: any,
  added: boolean,
): boolean {
  return (
    JOIN_FILTERS !== 'none' &&
    options.em !== undefined &&
    options.filters !== false &&
    meta.relations.length > 0 &&
    isPlainObject(where) &&
    (added || leadsToFilters(meta))
  );
}

/** The filters of the entities that a condition leads through. As in SQL, what one relation says of filters goes for those that are joined after it as well. */
export async function joinFilters(
  storage: MetadataStorage,
  meta: EntityMetadata,
  model: Model,
  where: unknown,
  options: any,
): Promise<readonly JoinFilter[]> {
  const filters: JoinFilter[] = [];
  let given = options.filters;
  let last = 0;
  for (const { query, steps, prop } of joinedBy(model, where)) {
    if (query !== last) {
      given = options.filters;
      last = query;
    }
    const before = steps.at(-2)?.prop.target();
    const owner = before === undefined ? meta : metadataOf(storage, before.name);
    const target = metadataOf(storage, prop.target().name);
    const own = (owner?.properties as Record<string, EntityProperty | undefined> | undefined)?.[prop.name];
    given = mergedFilters((own as any)?.filters, given);
    if (target === undefined) {
      continue;
    }
    const condition = await options.em.applyFilters(entityNameOf(target), {}, given, 'read');
    const kept = JOIN_FILTERS === 'own fields' ? ownFields(condition) : condition;
    if (!saysNothing(kept)) {
      filters.push({ query, steps, prop, where: kept });
    }
  }
  return filters;
}

/** A condition without what leads further: another join would be needed. */
function ownFields(condition: unknown): unknown {
  if (!isPlainObject(condition)) {
    return condition;
  }
  return Object.fromEntries(Object.entries(condition).filter(([, value]) => !leadsOn(value)));
}

function leadsOn(value: unknown): boolean {
  return (
    isPlainObject(value) && Object.keys(value).every((key) => !key.startsWith('$') || QUANTIFIERS.has(key))
  );
}

const known = new WeakMap<EntityMetadata, boolean>();

/** Whether relations lead from an entity, however far, to one with filters. */
function leadsToFilters(start: EntityMetadata): boolean {
  let leads = known.get(start);
  if (leads === undefined) {
    const reached = new Set([start]);
    leads = false;
    for (const meta of reached) {
      for (const prop of meta.relations as any[]) {
        const { targetMeta } = prop;
        leads ||= prop.filters !== undefined || Object.keys(targetMeta?.filters ?? {}).length > 0;
        if (targetMeta !== undefined) {
          reached.add(targetMeta);
        }
      }
    }
    known.set(start, leads);
  }
  return leads;
}
