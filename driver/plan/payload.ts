/**
 * Payloads of writes: from values by property, or by column, to values by
 * column.
 */
import { ABSENT } from '../native/pack.js';
import { writerOf } from './document.js';
import { PlanError } from './errors.js';
import { foreignKey } from './key.js';
import {
  type Column,
  type EmbeddedProp,
  findProp,
  type Model,
  type Prop,
  type RelationProp,
} from './model.js';
import { isPolymorphic, polymorphicKey } from './polymorphic.js';
import { describe, isPlainObject, isRaw, isRawKey, rawFragment } from './value.js';

/** Values by property or column name. A name with `undefined` says nothing about its columns, as one that is not there. */
export type Payload = Readonly<Record<string, unknown>>;

/** What a name in a payload writes. */
export interface Target {
  readonly columns: readonly Column[];
  /** How many of them, from the first, belong to this name alone. The others are written only where nobody else does. */
  readonly own: number;
  /** One column whose value is the one given, where that is a text, a number or null. */
  readonly plain: boolean;
  /** One value for each column. */
  values(value: unknown, path: string): readonly unknown[];
}

const targetsByModel = new WeakMap<Model, Map<string, Target>>();

/** What a name writes in rows of a model. */
export function targetOf(model: Model, name: string): Target {
  let targets = targetsByModel.get(model);
  if (targets === undefined) {
    targets = new Map();
    targetsByModel.set(model, targets);
  }
  let target = targets.get(name);
  if (target === undefined) {
    target = makeTarget(model, name);
    targets.set(name, target);
  }
  return target;
}

/** The model of the class that a row says it is of. */
export function classOf(model: Model, row: Payload): Model {
  const { discriminator } = model;
  if (discriminator?.classes === undefined) {
    return model;
  }
  for (const prop of model.props.values()) {
    if (prop.kind === 'scalar' && prop.column?.name === discriminator.column.name) {
      return discriminator.classes.get(row[prop.name] ?? row[discriminator.column.name])?.() ?? model;
    }
  }
  return discriminator.classes.get(row[discriminator.column.name])?.() ?? model;
}

function makeTarget(model: Model, name: string): Target {
  const prop = findProp(model, name);
  const path = `${model.name}.${name}`;
  if (prop === undefined) {
    throw isRawKey(name) ? rawFragment(name, path) : unknownProperty(path);
  }
  if (prop.refused !== undefined) {
    throw new PlanError('NOT_STORED', `${path} ${prop.refused} and cannot be written`, path);
  }
  if (prop.kind === 'scalar' && prop.computed !== undefined) {
    throw new PlanError('INVALID_DATA', `${path} ${prop.computed} and cannot be written`, path);
  }
  if (prop.holder !== undefined) {
    throw new PlanError(
      'NOT_STORED',
      `${path} is kept in rows of ${prop.holder.target().name} and cannot be written in those of ${model.name}: write it there, or through entities`,
      path,
    );
  }
  return targetOfProp(prop, path);
}

function targetOfProp(prop: Prop, path: string): Target {
  switch (prop.kind) {
    case 'scalar':
      return scalarTarget(storedIn(prop.column, prop, path));
    case 'embedded':
      return prop.inline ? inlineTarget(prop, path) : documentTarget(storedIn(prop.column, prop, path), prop);
    default:
      return relationTarget(prop, path);
  }
}

function storedIn(column: Column | undefined, prop: Prop, path: string): Column {
  if (column === undefined || prop.json.length > 0) {
    throw new PlanError(
      'NOT_STORED',
      `${path} is ${column === undefined ? 'not stored' : 'part of a document: write the whole document'}`,
      path,
    );
  }
  return column;
}

function scalarTarget(column: Column): Target {
  return { columns: [column], own: 1, plain: true, values: (value, path) => [writable(value, path)] };
}

function documentTarget(column: Column, prop: EmbeddedProp): Target {
  const convert = writerOf(prop);
  return {
    columns: [column],
    own: 1,
    plain: false,
    values: (value, path) => {
      if (prop.array && value !== null && !Array.isArray(value) && !isRaw(value)) {
        throw new PlanError(
          'INVALID_DATA',
          `${path} is a list of embedded objects, not ${describe(writable(value, path))}`,
          path,
        );
      }
      return [convert === undefined ? writable(value, path) : convert(writable(value, path))];
    },
  };
}

/** An embedded object given as a whole, though its properties have columns of their own. */
function inlineTarget(prop: EmbeddedProp, path: string): Target {
  const members = [...prop.props]
    .filter(([, child]) => child.refused === undefined && !(child.kind === 'scalar' && child.computed))
    .map(([name, child]) => ({ name, target: targetOfProp(child, `${path}.${name}`) }));
  const columns = members.flatMap(({ target }) => target.columns);
  return {
    columns,
    own: columns.length,
    plain: false,
    values: (value, at) => {
      if (value === null) {
        return columns.map(() => null);
      }
      if (typeof value !== 'object' || Array.isArray(value) || isRaw(value)) {
        throw new PlanError(
          'INVALID_DATA',
          `${at} is an embedded object, not ${describe(writable(value, at))}`,
          at,
        );
      }
      const given = value as Payload;
      const unknown = isPlainObject(value)
        ? Object.keys(value).find((name) => !prop.props.has(name))
        : undefined;
      if (unknown !== undefined) {
        throw unknownProperty(`${at}.${unknown}`);
      }
      return members.flatMap(({ name, target }) =>
        given[name] === undefined
          ? target.columns.map(() => ABSENT)
          : target.values(given[name], `${at}.${name}`),
      );
    },
  };
}

function relationTarget(prop: RelationProp, path: string): Target {
  if (prop.columns.length === 0 || prop.json.length > 0) {
    throw new PlanError(
      'NOT_STORED',
      `${path} is stored on the other side of the relation and cannot be written here`,
      path,
    );
  }
  const own = prop.ownColumns ?? prop.columns;
  const shared = prop.columns.filter((column) => !own.includes(column));
  const columns = [...own, ...shared];
  const places = columns.map((column) => prop.columns.indexOf(column));
  return {
    columns,
    own: own.length,
    plain: columns.length === 1 && own.length === 1,
    values: (value, at) => {
      if (value === null) {
        // No target: shared columns keep what others say of them.
        return columns.map((_, i) => (i < own.length ? null : ABSENT));
      }
      const given = writable(value, at);
      const flat = isPolymorphic(prop) ? polymorphicKey(prop, given, at) : foreignKey(prop, given, at);
      return places.map((place) => flat[place]);
    },
  };
}

function unknownProperty(path: string): PlanError {
  return new PlanError('UNKNOWN_PROPERTY', `Trying to write not existing property ${path}`, path);
}

function writable(value: unknown, path: string): unknown {
  if (typeof value === 'object' && isRaw(value)) {
    throw rawFragment(describe(value), path);
  }
  if (typeof value === 'function' || (typeof value === 'symbol' && value !== ABSENT)) {
    throw new PlanError('INVALID_DATA', `A ${typeof value} cannot be stored in ${path}`, path);
  }
  return value;
}

/** The columns that a name writes by itself. */
export function writtenColumns(model: Model, name: string): readonly Column[] {
  const target = targetOf(model, name);
  return target.columns.slice(0, target.own);
}
