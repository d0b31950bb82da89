// biome-ignore-all lint/suspicious/noExplicitAny: functions of users take and return what they like.
/** Formulas, generated values and checks written in JavaScript, as the models have them. */
import type { EntityMetadata, EntityProperty, MetadataStorage, Platform } from '@mikro-orm/core';
import { allMetadata, isKeptAbove, rootOf, siblingColumnsOf } from '../compat.js';
import { rowFunction } from './computed.js';
import { unsupported } from '../errors.js';
import type { Column } from '../plan/model.js';
import type { Row } from '../plan/part.js';
import type { CheckRule, Generated, Rules } from '../plan/rules.js';
import { checksOf } from './checks.js';
import { isGenerated } from './properties.js';
import { holderIn, type RowView, rowViewOf } from './row-view.js';

/** What functions of rows depend on. */
export interface FunctionContext {
  readonly storage: MetadataStorage;
  readonly platform: Platform;
}

/** Computes a property when it is loaded, where its formula is a function of the row. */
export function formulaOf(
  { storage, platform }: FunctionContext,
  meta: EntityMetadata,
  prop: EntityProperty,
): ((row: Row) => unknown) | undefined {
  const compute = rowFunction(prop.formula, 'value');
  return compute && valueFor(storage, platform, meta, prop, compute, rowViewOf(meta, platform));
}

/**
 * The rules of the collection of a root entity; none where no row has any.
 * `unreliable` names the relations whose keys the store changes by itself.
 */
export function rulesOf(
  { storage, platform }: FunctionContext,
  root: EntityMetadata,
  columns: ReadonlyMap<string, Column>,
  unreliable: () => ReadonlySet<string>,
): Rules | undefined {
  const view = guarded(root, rowViewOf(root, platform), unreliable);
  const generated = root.props
    .filter((prop) => isGenerated(prop) && !isKeptAbove(root, prop))
    .map((prop): Generated => {
      const path = `${root.className}.${prop.name}`;
      if (prop.primary || siblingColumnsOf(prop)) {
        throw unsupported(
          `${path} is computed, and so cannot be ${prop.primary ? 'part of a primary key' : 'a property that sibling classes have too'}.`,
        );
      }
      return {
        name: prop.name,
        path,
        column: columns.get(prop.fieldNames[0] as string) as Column,
        required: !prop.nullable,
        compute: valueFor(storage, platform, root, prop, rowFunction(prop.generated, 'value') as any, view),
      };
    });
  const checks = checksOf(root).flatMap((check): CheckRule[] => {
    const holds = rowFunction(check.expression, 'check');
    if (holds === undefined) {
      return [];
    }
    // As in SQL, a check of an entity is one of the whole collection, whichever class declares it.
    const concerns = membership(
      storage,
      root,
      ({ properties }) => check.property === undefined || check.property in properties,
    );
    const path = [root.className, check.property].filter(Boolean).join('.');
    return [
      {
        name: check.name,
        path,
        holds: (row) => {
          const result = concerns(row) ? settled(holds(view(row)), path) : undefined;
          return result === null || result === undefined || Boolean(result);
        },
      },
    ];
  });
  return generated.length + checks.length > 0 ? { generated, checks } : undefined;
}

function valueFor(
  storage: MetadataStorage,
  platform: Platform,
  meta: EntityMetadata,
  prop: EntityProperty,
  compute: (row: object) => unknown,
  view: RowView,
): (row: Row) => unknown {
  const path = `${meta.className}.${prop.name}`;
  const concerns = membership(storage, meta, (other) => prop.name in other.properties);
  return (row) => {
    if (!concerns(row)) {
      return undefined;
    }
    const holder = holderIn(view(row), meta, prop);
    const value = holder ? settled(compute(holder), path) : undefined;
    return value !== null && value !== undefined && prop.customType
      ? prop.customType.convertToDatabaseValue(value, platform, { mode: 'query-data' } as any)
      : (value ?? null);
  };
}

/** Whether a row is of one of the classes that fulfil a condition, among those that share its collection. */
function membership(
  storage: MetadataStorage,
  meta: EntityMetadata,
  belongs: (meta: EntityMetadata) => boolean,
): (row: Row) => boolean {
  const root = rootOf(meta);
  const discriminator = root.discriminatorColumn as string | undefined;
  const classes = allMetadata(storage).filter(
    (other) => rootOf(other) === root && other.discriminatorValue !== undefined,
  );
  if (!discriminator || classes.every(belongs)) {
    return () => true;
  }
  const values = new Set(classes.filter(belongs).map((other) => String(other.discriminatorValue)));
  return (row) => values.has(String(row[discriminator]));
}

function settled(value: any, path: string): unknown {
  if (typeof value?.then === 'function') {
    throw unsupported(
      `The function of ${path} returned a promise: functions of rows must not be asynchronous.`,
    );
  }
  return value;
}

/** A view that refuses what a rule must not depend on, as rules are not asked again when the store changes a key. */
function guarded(root: EntityMetadata, view: RowView, unreliable: () => ReadonlySet<string>): RowView {
  let names: ReadonlySet<string> | undefined;
  return (row) => {
    names ??= unreliable();
    const seen = view(row);
    for (const name of names) {
      Object.defineProperty(seen, name, {
        configurable: true,
        get: () => {
          throw unsupported(
            `A check or generated value of ${root.className} depends on the relation ${name}, whose key changes when the other entity does. Give the relation \`updateRule: 'no action'\` and \`deleteRule: 'restrict'\`, or use a formula.`,
          );
        },
      });
    }
    return seen;
  };
}
