// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/** Names of properties in the options of a query. */
import type { EntityMetadata } from '@mikro-orm/core';
import type { PopulateHint } from './joins.js';
import { describe, isRaw, rawFragment } from '../plan/value.js';

/** Names of properties, out of names and objects of names. */
export function namesOf(fields: readonly unknown[], prefix = ''): string[] {
  return fields.flatMap((field) => {
    if (isRaw(field)) {
      throw rawFragment(describe(field), 'fields');
    }
    if (typeof field === 'object' && field !== null) {
      return Object.entries(field).flatMap(([key, value]) => namesOf([value].flat(), `${prefix}${key}.`));
    }
    return [`${prefix}${String(field)}`];
  });
}

/** Those of dotted names that lead on from a property, without it. */
export function namesBelow(
  names: readonly string[] | undefined,
  name: string,
): readonly string[] | undefined {
  const below = names
    ?.filter((field) => field.startsWith(`${name}.`))
    .map((field) => field.slice(name.length + 1));
  return below?.length ? below : undefined;
}

/** The lazy properties that are asked for. */
export function lazyProperties(
  meta: EntityMetadata,
  populate: readonly PopulateHint[],
): string[] | undefined {
  return populate.length === 0
    ? undefined
    : meta.props
        .filter((prop) => prop.lazy && populate.some((hint) => hint.all || hint.field === prop.name))
        .map((prop) => prop.name);
}
