/** libsql, in memory or in a directory. */
import { fileIn, sql } from './sql.mjs';

export async function open(indexes, path) {
  const { default: Database } = await import('libsql');
  return sql(new Database(fileIn(path)), indexes);
}
