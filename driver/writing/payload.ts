// biome-ignore-all lint/suspicious/noExplicitAny: payloads hold properties of any entity.
/**
 * Payloads of writes: values as the database has them, whoever handed them over.
 */
import {
  ArrayType,
  type EntityMetadata,
  type EntityProperty,
  JsonType,
  type Platform,
  ReferenceKind,
} from '@mikro-orm/core';
import { isPolymorphic } from '../compat.js';
import { PlanError } from '../plan/errors.js';
import { describe, isRaw } from '../plan/value.js';

export type Payload = Record<string, any>;

/** Values of what stands at a path, an entity or an embedded object, made values of the database, by the types of the properties. */
export function converted(
  data: Payload,
  properties: Record<string, EntityProperty>,
  platform: Platform,
  path: string,
  insideDocument = false,
): Payload {
  const result: Payload = {};
  for (const [key, value] of Object.entries(data)) {
    const prop = properties[key];
    result[key] =
      prop === undefined || value === undefined
        ? value
        : convertedValue(value, key, prop, platform, path, insideDocument);
  }
  return result;
}

function convertedValue(
  value: any,
  key: string,
  prop: EntityProperty,
  platform: Platform,
  path: string,
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
        : converted(
            item,
            prop.embeddedProps as Record<string, EntityProperty>,
            platform,
            `${path}.${key}`,
            inDocument,
          );
    return Array.isArray(value) ? value.map(convert) : convert(value);
  }
  if (isPolymorphic(prop)) {
    return value;
  }
  const context = { fromQuery: true, key, mode: 'query-data' } as const;
  if (prop.customType && !(insideDocument && prop.customType instanceof JsonType)) {
    const stored = prop.customType.convertToDatabaseValue(value, platform, context as any);
    // Said to be from a query, what is no list passes the type, which could not read it again.
    if (prop.customType instanceof ArrayType && stored === value && !Array.isArray(value) && !isRaw(value)) {
      const at = `${path}.${key}`;
      throw new PlanError('INVALID_DATA', `${at} is a list, not ${describe(value)}: give an array`, at);
    }
    return stored;
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
    const members = data[prop.name];
    if (prop.kind === ReferenceKind.MANY_TO_MANY && members) {
      if (!Array.isArray(members)) {
        const path = `${meta.className}.${prop.name}`;
        throw new PlanError(
          'INVALID_DATA',
          `${path} is a collection, not ${describe(members)}: give a list of the keys of its members`,
          path,
        );
      }
      rest = rest === data ? { ...data } : rest;
      delete rest[prop.name];
      links.push([prop, (members as unknown[]).map((key) => (Array.isArray(key) ? key : [key]))]);
    }
  }
  return { data: rest, links };
}
