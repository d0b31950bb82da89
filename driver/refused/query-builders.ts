/** The ways to SQL that applications written for SQL drivers may take: each is refused by its name. */
import type { ServerException } from '@mikro-orm/core';
import { unsupported } from '../errors.js';

/** The refusal of a method that would build or run SQL. */
export function noSql(method: string, statement?: unknown): ServerException {
  const what = typeof statement === 'string' ? `: ${shorten(statement)}` : '';
  return unsupported(
    `${method} is not available: the collection store does not execute SQL${what}. Use the methods of the EntityManager instead: find with conditions, orders and populate, count, nativeUpdate, nativeDelete, upsert.`,
  );
}

/** The beginning of a long text. */
export function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
