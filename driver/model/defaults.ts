/**
 * What a column holds when an insert does not say: JavaScript values as they
 * are, and the few words of SQL that core writes for the others.
 */
import type { EntityProperty, Platform } from '@mikro-orm/core';
import { rawSqlOf } from '../compat.js';
import type { DefaultDef, FieldType, JsonValue } from '../native/ir.js';

/** What SQL calls the time of the insert. */
const NOW = /^(current_timestamp|now|localtimestamp|current_date|getdate|sysdate)\b/i;

/** The default of a property's column; none for one without, and for those core fills in itself. */
export function columnDefault(
  prop: EntityProperty,
  type: FieldType,
  platform: Platform,
): DefaultDef | undefined {
  const { default: value, defaultRaw } = prop as { default?: unknown; defaultRaw?: string };
  if (type === 'date' && typeof value === 'string' && NOW.test(value)) {
    return { now: true };
  }
  if (value !== undefined && value !== null && rawSqlOf(value) === undefined && !prop.version) {
    return { value: plainValue(prop, storedValue(prop, value, platform), type) };
  }
  return defaultRaw === undefined ? undefined : literalDefault(defaultRaw, type);
}

/** Whether the default of a property can be told without SQL, as that of one without any can. */
export function hasEvaluableDefault(prop: EntityProperty): boolean {
  const { default: value, defaultRaw } = prop as { default?: unknown; defaultRaw?: string };
  const plain = value !== undefined && value !== null && rawSqlOf(value) === undefined;
  return (
    plain ||
    prop.version === true ||
    defaultRaw === undefined ||
    isNull(bare(defaultRaw)) ||
    literalDefault(defaultRaw, 'text') !== undefined
  );
}

/** A default as its property's type stores it. Types that say `any`, those of documents among them, get it as it is to be stored. */
function storedValue(prop: EntityProperty, value: unknown, platform: Platform): unknown {
  const type = prop.customType;
  return type && (Array.isArray(value) || type.compareAsType() !== 'any')
    ? type.convertToDatabaseValue(value, platform)
    : value;
}

function plainValue(prop: EntityProperty, value: unknown, type: FieldType): JsonValue {
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (typeof value === 'bigint') {
    return String(value);
  }
  // As in SQL, a document may be given by its JSON text.
  if (type === 'json' && typeof value === 'string' && prop.customType) {
    return parseJson(value) ?? value;
  }
  return value as JsonValue;
}

/** An SQL literal without its brackets and its type. */
function bare(sql: string): string {
  return sql
    .trim()
    .replace(/^\((.*)\)$/s, '$1')
    .replace(/::[\w ]+(\[])?$/, '');
}

function isNull(literal: string): boolean {
  return /^null$/i.test(literal);
}

/** The value of an SQL literal, as core and users write them for defaults; none of any other expression. */
function literalDefault(sql: string, type: FieldType): DefaultDef | undefined {
  const literal = bare(sql);
  if (isNull(literal)) {
    return undefined;
  }
  if (NOW.test(literal)) {
    return { now: true };
  }
  if (/^(true|false)$/i.test(literal)) {
    return { value: literal.toLowerCase() === 'true' };
  }
  const quoted = /^'(.*)'$/s.exec(literal)?.[1]?.replaceAll("''", "'");
  if (quoted !== undefined) {
    return { value: type === 'json' ? (parseJson(quoted) ?? quoted) : quoted };
  }
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(literal)) {
    return { value: type === 'decimal' || type === 'bigint' || type === 'text' ? literal : Number(literal) };
  }
  return undefined;
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
