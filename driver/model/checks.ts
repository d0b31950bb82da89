/** The checks that entities declare. */
import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { isKeptAbove } from '../compat.js';
import { rowFunction } from './computed.js';

/** A check: SQL, or a function of the row. */
export interface DeclaredCheck {
  readonly name: string;
  readonly property?: string;
  readonly expression: unknown;
}

/** The checks of an entity. Schemas of major 6 leave those of properties where they were written. */
export function checksOf(meta: EntityMetadata): DeclaredCheck[] {
  const ofProperties = meta.props.flatMap((prop): DeclaredCheck[] => {
    const { check } = prop as { check?: unknown };
    return rowFunction(check, 'check') === undefined || isKeptAbove(meta, prop)
      ? []
      : [
          {
            name: [meta.tableName, ...prop.fieldNames, 'check'].join('_'),
            property: prop.name,
            expression: check,
          },
        ];
  });
  const declared = (meta.checks as DeclaredCheck[]).filter(({ property }) => {
    const prop =
      property === undefined ? undefined : (meta.properties as Record<string, EntityProperty>)[property];
    return prop === undefined || !isKeptAbove(meta, prop);
  });
  return [...declared, ...ofProperties];
}
