/**
 * Conditions on joined rows: core hands over one condition for all of them,
 * from which each relation takes what is about it.
 */
import { Utils } from '@mikro-orm/core';

type Condition = Record<string, unknown>;

/** What a condition says of the rows of a relation; nothing where it is about their number, or about other rows in the same breath. */
export function conditionBelow(condition: unknown, name: string, keyHere: boolean): unknown {
  if (!isCondition(condition)) {
    return undefined;
  }
  return allOf(
    Object.entries(condition).map(([key, value]) => {
      switch (key) {
        case name:
          return isAboutRows(value, keyHere) ? value : undefined;
        case '$and':
          return allOf(members(value).map((member) => conditionBelow(member, name, keyHere)));
        case '$or':
          return members(value).every((member) => isAbout(member, name, keyHere))
            ? { $or: members(value).map((member) => (member as Condition)[name]) }
            : undefined;
        default:
          return undefined;
      }
    }),
  );
}

/** A condition without what it says of the rows of some relations; these by name, with whether their key is kept here. */
export function conditionWithout(condition: unknown, relations: ReadonlyMap<string, boolean>): unknown {
  if (!isCondition(condition) || relations.size === 0) {
    return condition;
  }
  const entries = Object.entries(condition).flatMap(([key, value]): [string, unknown][] => {
    const keyHere = relations.get(key);
    if (keyHere !== undefined) {
      return isAboutRows(value, keyHere) ? [] : [[key, value]];
    }
    if (key === '$and') {
      return [[key, members(value).map((member) => conditionWithout(member, relations))]];
    }
    const taken =
      key === '$or' &&
      [...relations].some(([name, keyHere]) =>
        members(value).every((member) => isAbout(member, name, keyHere)),
      );
    return taken ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

/** The condition that all of these hold; those that say nothing are left out. */
export function allOf(conditions: readonly unknown[]): unknown {
  const [first, ...others] = conditions.filter((condition) => !saysNothing(condition));
  return others.length === 0 ? first : { $and: [first, ...others] };
}

/** Whether a condition says nothing. */
export function saysNothing(condition: unknown): boolean {
  return (
    condition === undefined ||
    condition === null ||
    (isCondition(condition) && Reflect.ownKeys(condition).length === 0)
  );
}

/** Whether a filter leaves out rows whose relation it does not let through, rather than only hiding the relation. */
export function isStrict(condition: unknown): boolean {
  return (
    isCondition(condition) && (condition['__strict'] === true || members(condition['$and']).some(isStrict))
  );
}

function isCondition(value: unknown): value is Condition {
  return Utils.isPlainObject(value);
}

function members(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

function isAbout(condition: unknown, name: string, keyHere: boolean): boolean {
  return (
    isCondition(condition) &&
    Object.keys(condition).length === 1 &&
    name in condition &&
    isAboutRows(condition[name], keyHere)
  );
}

/** Whether what is said of a relation is about its rows, rather than about a key kept here or about the number of rows. */
function isAboutRows(value: unknown, keyHere: boolean): boolean {
  if (!isCondition(value)) {
    return !keyHere;
  }
  const names = Object.keys(value);
  return (
    !names.some((name) => name === '$size' || QUANTIFIERS.has(name)) &&
    (!keyHere || names.some((name) => !name.startsWith('$') || GROUPS.has(name)))
  );
}

export const QUANTIFIERS: ReadonlySet<string> = new Set(['$some', '$none', '$every']);
const GROUPS: ReadonlySet<string> = new Set(['$and', '$or', '$not']);
