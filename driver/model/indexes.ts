/** The indexes that an entity asks for. */
import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { isKeptAbove } from '../compat.js';
import type { IndexSource } from '../plan/model.js';
import { isStored } from './properties.js';

export function indexesOf(meta: EntityMetadata): IndexSource[] {
  const single = meta.props
    .filter((prop) => (isStored(prop) || (prop.embedded && prop.object)) && !isKeptAbove(meta, prop))
    .flatMap((prop) => [...indexOf(prop, prop.index, false), ...indexOf(prop, prop.unique, true)]);
  const composite = [
    ...meta.indexes.map((index) => ({ ...index, unique: false })),
    ...meta.uniques.map((index) => ({ ...index, unique: true })),
  ].filter(
    (index) => index.properties !== undefined && !index.expression && !(index.unique && isPartial(index)),
  );
  return [
    ...single,
    ...composite.map(({ name, properties, unique }) => ({
      ...(typeof name === 'string' && { name }),
      properties: [properties].flat() as string[],
      unique,
    })),
  ];
}

/** Whether an index is for some rows only. One that is not unique may as well hold all. */
export function isPartial(index: object): boolean {
  return 'where' in index && index.where !== undefined;
}

function indexOf(
  prop: EntityProperty,
  declared: boolean | string | undefined,
  unique: boolean,
): IndexSource[] {
  return declared
    ? [{ ...(typeof declared === 'string' && { name: declared }), properties: [prop.name], unique }]
    : [];
}
