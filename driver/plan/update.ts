/**
 * Plans that change rows: all that fulfil a condition alike, or each by its key.
 */
import type { Assignment, UpdateManyPlan, UpdatePlan } from '../native/ir.js';
import { ABSENT } from '../native/pack.js';
import { PlanError } from './errors.js';
import { whereOf } from './filter.js';
import { flattenKey, primaryParts } from './key.js';
import { type Column, columnsOf, findProp, type Model } from './model.js';
import type { Payload } from './payload.js';
import { Shape } from './shape.js';
import { keyOf, type Table, tableOf } from './table.js';
import { isPlainObject } from './value.js';
import { walkWhere } from './where.js';
import { askedFor, extras, namesOf, returningOf, type UpdateOptions, type Write, writeKey } from './write.js';

/** The same change to every row that matches; nothing where the payload changes nothing. The version goes up by itself. */
export function updateOf(
  model: Model,
  where: unknown,
  data: Payload,
  options: UpdateOptions = {},
): Write<UpdatePlan> | undefined {
  const table = given(model, tableOf(model, [cleared(data)], 'own'));
  if (table.columns.length === 0 && !isTouched(model, options)) {
    return undefined;
  }
  const shape = new Shape(writeKey('update', table.key, extras(options), ''));
  walkWhere(model, where, shape);
  const { params } = shape;
  const first = params.length;
  params.push(...table.values);
  return {
    of: table.of,
    key: shape.key,
    params,
    ir: () => {
      const { expr } = whereOf(model, where);
      const bump = bumpOf(model, table);
      const set: Assignment[] = table.columns.map((column, i) => ({
        field: column.name,
        value: { p: first + i },
      }));
      return {
        update: {
          in: model.collection,
          ...(expr && { where: expr }),
          set: bump === undefined ? set : [...set, bump],
          returning: [
            ...returningOf(
              bump === undefined ? [] : versionColumns(model),
              askedFor(model, options.returning),
            ),
            ...(options.whole ?? []),
          ],
        },
      };
    },
  };
}

/** Whether a change is one even where it says nothing. */
function isTouched(model: Model, { touch }: UpdateOptions): boolean {
  return touch === true && versionColumns(model).length > 0;
}

/** In a change `undefined` takes a value away, as `null` does; only names that are not there leave theirs as they are. */
function cleared(data: Payload): Payload {
  const names = Object.keys(data).filter((name) => data[name] === undefined);
  return names.length === 0 ? data : { ...data, ...Object.fromEntries(names.map((name) => [name, null])) };
}

/** A table of one row without the columns that the row says nothing of. */
function given(model: Model, table: Table): Table {
  if (!table.values.includes(ABSENT)) {
    return table;
  }
  const columns = table.columns.filter((_, i) => table.values[i] !== ABSENT);
  return {
    of: model,
    key: keyOf(columns),
    columns,
    values: table.values.filter((value) => value !== ABSENT),
  };
}

/** A change of its own for each key; nothing where the payloads change nothing. Rows handed back are keyed by column and hold their keys. */
export function updateManyOf(
  model: Model,
  wheres: readonly unknown[],
  data: readonly Payload[],
  options: UpdateOptions = {},
): Write<UpdateManyPlan> | undefined {
  if (wheres.length !== data.length) {
    throw new PlanError(
      'INVALID_DATA',
      `${wheres.length} conditions came with ${data.length} changes of ${model.name}`,
      model.name,
    );
  }
  const changes = tableOf(model, data.map(cleared), 'own');
  if (changes.columns.length === 0 && !isTouched(model, options)) {
    return undefined;
  }
  const keys = keysOf(model, wheres);
  return {
    of: changes.of,
    key: writeKey('updateMany', keyOf(keys.columns), changes.key, extras(options)),
    params: interleave(keys, changes, data.length),
    ir: () => {
      const bump = bumpOf(model, changes);
      return {
        updateMany: {
          in: model.collection,
          key: namesOf(keys.columns),
          set: namesOf(changes.columns),
          ...(bump && { bump }),
          returning: [
            ...returningOf(
              model.primary,
              bump === undefined ? [] : versionColumns(model),
              askedFor(model, options.returning),
            ),
            ...(options.whole ?? []),
          ],
        },
      };
    },
  };
}

/** The keys of a change as a table: each holds the whole primary key, and all hold the same columns besides. */
function keysOf(model: Model, wheres: readonly unknown[]): Table {
  const keys = tableOf(
    model,
    wheres.map((where) => keyPayload(model, where)),
    'fill',
  );
  const missing = model.primary.filter((column) => !keys.columns.includes(column));
  const partly = keys.columns.filter((_, i) =>
    keys.values.some((value, at) => value === ABSENT && at % keys.columns.length === i),
  );
  if (missing.length > 0 || partly.length > 0) {
    throw new PlanError(
      'INVALID_CONDITION',
      `A change by key of ${model.name} needs its whole primary key, and the same properties besides it for every row: ${namesOf([...missing, ...partly]).join(', ')} is missing`,
      model.name,
    );
  }
  return keys;
}

/** A condition on a key as a payload of its columns. */
function keyPayload(model: Model, where: unknown): Payload {
  const parts = primaryParts(model);
  const [first] = Object.values(isPlainObject(where) ? where : {});
  const names = isPlainObject(where) ? Object.keys(where) : [];
  if (names.length > 1 || (names[0] !== undefined && !names[0].includes('~~~'))) {
    return where as Payload;
  }
  const flat = flattenKey(parts, names.length === 1 ? first : where, model.name);
  return Object.fromEntries(model.primary.map((column, i) => [column.name, flat[i]]));
}

function interleave(left: Table, right: Table, rows: number): unknown[] {
  const [leftWidth, rightWidth] = [left.columns.length, right.columns.length];
  const values: unknown[] = [];
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < leftWidth; i++) {
      values.push(left.values[row * leftWidth + i]);
    }
    for (let i = 0; i < rightWidth; i++) {
      values.push(right.values[row * rightWidth + i]);
    }
  }
  return values;
}

type Bump = NonNullable<UpdateManyPlan['updateMany']['bump']>;

function bumpOf(model: Model, table: Table): Bump | undefined {
  const [column] = versionColumns(model);
  if (column === undefined || table.columns.includes(column)) {
    return undefined;
  }
  return column.type === 'date' || column.type === 'text'
    ? { field: column.name, now: true }
    : { field: column.name, inc: 1 };
}

function versionColumns(model: Model): readonly Column[] {
  const prop = model.version === undefined ? undefined : findProp(model, model.version);
  return prop === undefined || prop.holder !== undefined ? [] : columnsOf(prop);
}
