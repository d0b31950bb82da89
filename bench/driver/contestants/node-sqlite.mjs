/** `node:sqlite`, in memory. */
import { sql } from './sql.mjs';

export async function open(indexes) {
  const { DatabaseSync } = await import('node:sqlite');
  return sql(new DatabaseSync(':memory:'), indexes);
}
