/** `node:sqlite`, in memory or in a directory. */
import { fileIn, sql } from './sql.mjs';

export async function open(indexes, path) {
  const { DatabaseSync } = await import('node:sqlite');
  return sql(new DatabaseSync(fileIn(path)), indexes);
}
