// biome-ignore-all lint/suspicious/noExplicitAny: rows hold properties of any entity.
/**
 * Rows as functions of a row see them: plain objects of the values that
 * entities have, with the keys of relations and embedded objects as objects.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  JsonType,
  type Platform,
  ReferenceKind,
} from '@mikro-orm/core';
import type { Row } from '../plan/part.js';
import { isStored } from './properties.js';

/** Makes what functions see of a row keyed by properties. */
export type RowView = (row: Row) => any;

/** The view of the rows of an entity. */
export function rowViewOf(meta: EntityMetadata, platform: Platform): RowView {
  const own = meta.props.filter((prop) => !prop.embedded);
  return viewOf(
    own.map((prop): [string, EntityProperty] => [prop.name, prop]),
    platform,
  );
}

/** Of a view, the object that a property is in: the embedded one, or the row itself. */
export function holderIn(view: any, meta: EntityMetadata, prop: EntityProperty): any {
  if (!prop.embedded) {
    return view;
  }
  const holder = (meta.properties as Record<string, EntityProperty>)[prop.embedded[0]] as EntityProperty;
  const [, name] = holder.embedded ?? [undefined, holder.name];
  return holderIn(view, meta, holder)?.[name];
}

function viewOf(props: readonly (readonly [string, EntityProperty])[], platform: Platform): RowView {
  const readers = props.flatMap(([name, prop]) => {
    const read = readerOf(prop, platform);
    return read === undefined ? [] : [[name, read] as const];
  });
  return (row) => {
    const view: Record<string, unknown> = {};
    for (const [name, read] of readers) {
      view[name] = read(row);
    }
    return view;
  };
}

function readerOf(prop: EntityProperty, platform: Platform): RowView | undefined {
  if (prop.kind === ReferenceKind.EMBEDDED && !prop.object && !prop.array) {
    const view = viewOf(Object.entries(prop.embeddedProps as Record<string, EntityProperty>), platform);
    return (row) => {
      const object = view(row);
      const empty = Object.values(object).every((value) => value === null || value === undefined);
      return prop.nullable && empty ? null : object;
    };
  }
  return isStored(prop) ? (row) => fromDatabase(row[prop.name], prop, platform) : undefined;
}

function fromDatabase(value: any, prop: EntityProperty, platform: Platform, inDocument = false): unknown {
  if (value === null || value === undefined) {
    return value ?? null;
  }
  if (prop.embeddedProps) {
    const convert = (item: any) =>
      item === null || typeof item !== 'object'
        ? item
        : {
            ...item,
            ...Object.fromEntries(
              Object.entries(prop.embeddedProps as Record<string, EntityProperty>)
                .filter(([name]) => name in item)
                .map(([name, child]) => [name, fromDatabase(item[name], child, platform, true)]),
            ),
          };
    return Array.isArray(value) ? value.map(convert) : convert(value);
  }
  if (prop.customType && !(inDocument && prop.customType instanceof JsonType)) {
    return prop.customType.convertToJSValue(value, platform);
  }
  if (inDocument && prop.runtimeType === 'Date' && !(value instanceof Date)) {
    return new Date(value);
  }
  return value;
}
