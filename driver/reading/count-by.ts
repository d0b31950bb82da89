/** Counting rows apart by properties: what is counted by, and the keys of the answer. */
import { Utils } from '@mikro-orm/core';
import { PlanError } from '../plan/errors.js';
import { type Column, columnsOf, findProp, isRelation, type Model } from '../plan/model.js';
import type { Row } from '../plan/part.js';
import { ROW_NUMBER } from '../plan/write.js';

/** The columns of each property to count by. */
export function groupColumns(model: Model, names: readonly string[]): readonly (readonly Column[])[] {
  return names.map((name) => {
    const path = `${model.name}.${name}`;
    const prop = findProp(model, name);
    if (prop === undefined) {
      throw new PlanError('UNKNOWN_PROPERTY', `Trying to count by not existing property ${path}`, path);
    }
    const columns = columnsOf(prop);
    if (columns.length === 0 || prop.json.length > 0 || prop.holder !== undefined) {
      const reason =
        ('refused' in prop && prop.refused) ||
        (isRelation(prop) ? 'has no key in its row' : 'is not a field of its own');
      throw new PlanError('UNSUPPORTED', `${path} ${reason} and cannot be counted by`, path);
    }
    return columns;
  });
}

/** The numbers by the values counted by; those of several properties joined by `~~~`. */
export function countsOf(
  groups: readonly (readonly Column[])[],
  rows: readonly Row[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) {
    const values = groups.map((columns) => String(columns.map(({ name }) => nullAsText(row[name]))));
    counts[values.join(Utils.PK_SEPARATOR)] = row[ROW_NUMBER] as number;
  }
  return counts;
}

function nullAsText(value: unknown): unknown {
  return value ?? 'null';
}
