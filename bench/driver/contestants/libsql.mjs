/** libsql, in memory. */
import { sql } from './sql.mjs';

export async function open(indexes) {
  const { default: Database } = await import('libsql');
  return sql(new Database(':memory:'), indexes);
}
