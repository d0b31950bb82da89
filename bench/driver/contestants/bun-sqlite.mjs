/** `bun:sqlite`, in memory. */
import { sql } from './sql.mjs';

export async function open(indexes) {
  const { Database } = await import('bun:sqlite');
  return sql(new Database(':memory:'), indexes);
}
