/**
 * What operators are given: values to compare with, lists, texts.
 */
import { PlanError } from './errors.js';
import { describe, isRaw, rawFragment } from './value.js';

/** A value that may be compared with; refuses pieces of SQL. */
export function operand(value: unknown, path: string): unknown {
  if (typeof value === 'object' && isRaw(value)) {
    throw rawFragment(describe(value), path);
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new PlanError('INVALID_OPERAND', `A ${typeof value} is not a value to compare ${path} with`, path);
  }
  return value;
}

/** The list that an operator needs. */
export function expectArray(value: unknown, operator: string, path: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    if (isRaw(value)) {
      throw rawFragment(describe(value), path);
    }
    throw new PlanError(
      'INVALID_OPERAND',
      `Invalid query: ${operator} operator expects an array value, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

/** The truth value that an operator needs. */
export function expectBoolean(value: unknown, operator: string, path: string): boolean {
  // Core takes every operand through the type of its property: a bigint's makes a text of it.
  if (value === 'true' || value === 'false') {
    return value === 'true';
  }
  if (typeof value !== 'boolean') {
    throw new PlanError(
      'INVALID_OPERAND',
      `${operator} needs true or false, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

/** The number that an operator needs. */
export function expectNumber(value: unknown, operator: string, path: string): number {
  if (typeof value !== 'number') {
    throw new PlanError(
      'INVALID_OPERAND',
      `${operator} needs a number, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

/** The text that an operator needs. */
export function expectText(value: unknown, operator: string, path: string): string {
  if (typeof value !== 'string') {
    throw new PlanError(
      'INVALID_OPERAND',
      `${operator} needs a text, not ${describe(value)} (at ${path})`,
      path,
    );
  }
  return value;
}

/** The list of texts that an operator needs. */
export function expectTexts(value: unknown, operator: string, path: string): readonly string[] {
  return expectArray(value, operator, path).map((item) => expectText(item, operator, path));
}
