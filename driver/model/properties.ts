/** What core's metadata says of single properties, in the words of the models. */
import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { JoinPair } from '../plan/model.js';

/** The properties of the primary key. Early minors of 6 do not list those of pivots. */
export function primaryNames(meta: EntityMetadata): string[] {
  return meta.primaryKeys.length > 0
    ? (meta.primaryKeys as string[])
    : meta.props.filter((prop) => prop.primary).map((prop) => prop.name);
}

export function property(meta: EntityMetadata, name: string): EntityProperty {
  const prop =
    (meta.properties as Record<string, EntityProperty | undefined>)[name] ??
    (meta.root.properties as Record<string, EntityProperty | undefined>)[name];
  if (prop === undefined) {
    throw new Error(`${meta.className} has no property ${name}`);
  }
  return prop;
}

export function fieldNames(prop: EntityProperty): readonly string[] {
  return prop.fieldNames ?? [];
}

export function isStored(prop: EntityProperty): boolean {
  if (prop.persist === false || prop.formula || prop.generated) {
    return false;
  }
  switch (prop.kind) {
    case ReferenceKind.SCALAR:
    case ReferenceKind.MANY_TO_ONE:
      return true;
    case ReferenceKind.EMBEDDED:
      return prop.object === true || prop.array === true;
    case ReferenceKind.ONE_TO_ONE:
      return prop.owner === true;
    default:
      return false;
  }
}

/** The property whose column holds the document that a property is in, and the way there by stored names. */
export function documentHolder(
  meta: EntityMetadata,
  prop: EntityProperty,
): { prop: EntityProperty; json: string[] } | undefined {
  const json: string[] = [];
  let current = prop;
  while (current.embedded && current.object && current.persist === false) {
    json.unshift(fieldNames(current)[0] ?? current.embedded[1]);
    const parent = (meta.properties as Record<string, EntityProperty | undefined>)[current.embedded[0]];
    if (parent === undefined) {
      return undefined;
    }
    current = parent;
  }
  return { prop: current, json };
}

/** The columns of a relation's key, each with the column it refers to. */
export function keyPairs(prop: EntityProperty): JoinPair[] {
  return zip(prop.joinColumns ?? prop.fieldNames, prop.referencedColumnNames);
}

export function zip(left: readonly string[], right: readonly string[]): JoinPair[] {
  return left.map((name, i): JoinPair => [name, right[i] ?? name]);
}
