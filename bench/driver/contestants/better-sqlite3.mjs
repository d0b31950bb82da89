/** better-sqlite3, in memory. */
import { sql } from './sql.mjs';

export async function open(indexes) {
  const { default: Database } = await import('better-sqlite3');
  return sql(new Database(':memory:'), indexes);
}
