// biome-ignore-all lint/suspicious/noExplicitAny: payloads hold properties of any entity.
/**
 * Payloads of writes: values as the database has them, whoever handed them over.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  JsonType,
  type Platform,
  ReferenceKind,
} from '@mikro-orm/core';
import { isPolymorphic } from '../compat.js';

export type Payload = Record<string, any>;

/** Values of the entity made values of the database, by the types of the properties. */
export function converted(
  data: Payload,
  properties: Record<string, EntityProperty>,
  platform: Platform,
  insideDocument = false,
): Payload {
  const result: Payload = {};
  for (const [key, value] of Object.entries(data)) {
    const prop = properties[key];
    result[key] =
      prop === undefined || value === undefined
        ? value
        : convertedValue(value, key, prop, platform, insideDocument);
  }
  return result;
}

function convertedValue(
  value: any,
  key: string,
  prop: EntityProperty,
  platform: Platform,
  insideDocument: boolean,
): unknown {
  if (value === null) {
    return null;
  }
  if (prop.embeddedProps) {
    const inDocument = insideDocument || prop.object === true;
    const convert = (item: any) =>
      item === null || typeof item !== 'object'
        ? item
        : converted(item, prop.embeddedProps as Record<string, EntityProperty>, platform, inDocument);
    return Array.isArray(value) ? value.map(convert) : convert(value);
  }
  if (isPolymorphic(prop)) {
    return value;
  }
  const context = { fromQuery: true, key, mode: 'query-data' } as const;
  if (prop.customType && !(insideDocument && prop.customType instanceof JsonType)) {
    return prop.customType.convertToDatabaseValue(value, platform, context as any);
  }
  if (prop.customTypes && Array.isArray(value)) {
    return value.map(
      (item, i) => prop.customTypes[i]?.convertToDatabaseValue(item, platform, context as any) ?? item,
    );
  }
  return value;
}

/** Takes the M:N relations out of a payload: they are rows of pivots. Returns the rest, and the keys to link by property. */
export function withoutLinks(
  meta: EntityMetadata,
  data: Payload,
): { data: Payload; links: [EntityProperty, unknown[][]][] } {
  const links: [EntityProperty, unknown[][]][] = [];
  let rest = data;
  for (const prop of meta.relations) {
    if (prop.kind === ReferenceKind.MANY_TO_MANY && data[prop.name]) {
      rest = rest === data ? { ...data } : rest;
      delete rest[prop.name];
      links.push([prop, (data[prop.name] as unknown[]).map((key) => (Array.isArray(key) ? key : [key]))]);
    }
  }
  return { data: rest, links };
}
