/**
 * Days: core keeps properties of the type `date` as text, `2025-01-31`, and
 * leaves it to the database to make that of a `Date`.
 */
import { DateType, type EntityMetadata, type EntityProperty } from '@mikro-orm/core';
import { rootOf } from '../compat.js';

/** Whether a property is declared as a `Date`. As such it is kept and comes back, whatever it is called in the database. */
export function isDate(prop: EntityProperty): boolean {
  return prop.runtimeType === 'Date';
}

/** The properties of an entity and its siblings that are kept as the text of a day. */
export function dayProperties(meta: EntityMetadata): readonly string[] {
  const root = rootOf(meta);
  let names = daysByMeta.get(root);
  if (names === undefined) {
    names = root.props
      .filter((prop) => prop.customType instanceof DateType && !isDate(prop))
      .map((prop) => prop.name);
    daysByMeta.set(root, names);
  }
  return names;
}

const daysByMeta = new WeakMap<EntityMetadata, readonly string[]>();

/** A payload with days in the place of dates, where it has any. */
export function withDays<Payload extends Readonly<Record<string, unknown>>>(
  data: Payload,
  names: readonly string[],
): Payload {
  const dates = names.filter((name) => isValidDate(data[name]));
  return dates.length === 0
    ? data
    : {
        ...data,
        ...Object.fromEntries(dates.map((name) => [name, (data[name] as Date).toISOString().slice(0, 10)])),
      };
}

function isValidDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
