// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/**
 * Filters of the entities that a polymorphic relation may lead to. Core says
 * only that there are some: a condition of one entity fits no other.
 */
import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import { entityNameOf, isPolymorphic } from '../compat.js';
import type { PopulateHint } from './joins.js';
import { saysNothing } from './join-conditions.js';
import { polymorphicTargets } from '../model/polymorphic.js';

/** Conditions on the entities of relations, by what rows say of each. */
export type PolymorphicFilters = ReadonlyMap<EntityProperty, ReadonlyMap<string, unknown>>;

/** Whether the hints of a query are about filters on such relations. */
export function needsPolymorphicFilters(
  meta: EntityMetadata,
  { populate, polymorphicFilters }: any,
): boolean {
  return (
    Array.isArray(populate) &&
    populate.length > 0 &&
    polymorphicFilters === undefined &&
    propsOf(meta, populate).length > 0
  );
}

/** The options of a query with the conditions of filters on such relations. */
export async function withPolymorphicFilters(
  meta: EntityMetadata,
  options: any,
): Promise<any & { polymorphicFilters: PolymorphicFilters }> {
  const filters = new Map<EntityProperty, ReadonlyMap<string, unknown>>();
  for (const prop of options.em === undefined ? [] : propsOf(meta, options.populate)) {
    const conditions = new Map<string, unknown>();
    const given = mergedFilters((prop as any).filters, options.filters);
    for (const [discriminator, target] of polymorphicTargets(prop) ?? []) {
      const where = await options.em.applyFilters(entityNameOf(target), {}, given, 'read');
      if (!saysNothing(where)) {
        conditions.set(discriminator, where);
      }
    }
    filters.set(prop, conditions);
  }
  return { ...options, polymorphicFilters: filters };
}

function propsOf(meta: EntityMetadata, hints: readonly PopulateHint[]): EntityProperty[] {
  return hints.flatMap((hint) => {
    const name = hint.field.split(':')[0] ?? '';
    const prop = (meta.properties as Record<string, EntityProperty | undefined>)[name];
    if (prop === undefined || prop.kind === ReferenceKind.SCALAR || prop.kind === ReferenceKind.EMBEDDED) {
      return [];
    }
    const targets = isPolymorphic(prop) ? polymorphicTargets(prop) : undefined;
    const metas = targets === undefined ? [prop.targetMeta as EntityMetadata] : [...targets.values()];
    const further = hint.children?.length
      ? metas.flatMap((target) => propsOf(target, hint.children ?? []))
      : [];
    return targets !== undefined && hint.filter === true && prop.kind !== ReferenceKind.MANY_TO_MANY
      ? [prop, ...further]
      : further;
  });
}

/** What a call says of filters counts before what the property says. */
export function mergedFilters(own: any, given: any): any {
  if (!own || !given || own === true || given === true) {
    return given ?? own;
  }
  const named = (filters: any) =>
    Array.isArray(filters) ? Object.fromEntries(filters.map((name) => [name, true])) : filters;
  return { ...named(own), ...named(given) };
}
