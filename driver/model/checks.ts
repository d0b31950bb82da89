/** The checks that entities declare. */
import type { EntityMetadata } from '@mikro-orm/core';
import { rowFunction } from '../computed.js';

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
    return rowFunction(check, 'check') === undefined
      ? []
      : [
          {
            name: [meta.tableName, ...prop.fieldNames, 'check'].join('_'),
            property: prop.name,
            expression: check,
          },
        ];
  });
  return [...(meta.checks as DeclaredCheck[]), ...ofProperties];
}
