// biome-ignore-all lint/suspicious/noExplicitAny: conditions are what core hands to a driver.
import { PlanError } from '../plan/errors.js';
import { describe, isPlainObject } from '../plan/value.js';
import { apart } from '../plan/where.js';

/**
 * A condition, and those of `unionWhere`, of which one must hold. SQL asks for
 * keys among those that the branches find, so a row counts once whatever the
 * strategy; and the engine takes an index for each branch by itself.
 */
export function withUnion(where: any, branches: readonly unknown[] | undefined): any {
  if (branches && !Array.isArray(branches)) {
    throw new PlanError(
      'INVALID_OPERAND',
      `unionWhere is a list of conditions, not ${describe(branches)}`,
      'unionWhere',
    );
  }
  if (!branches?.length || branches.some(saysNothing)) {
    return where;
  }
  return { $and: [where ?? {}, { $or: apart(branches) }] };
}

/** A branch without a condition finds all rows, unlike an empty member of `$or`, which is passed over. */
function saysNothing(branch: unknown): boolean {
  return isPlainObject(branch) && Reflect.ownKeys(branch).length === 0;
}
