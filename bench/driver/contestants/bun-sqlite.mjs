/** `bun:sqlite`, in memory or in a directory. */
import { fileIn, sql } from './sql.mjs';

export async function open(indexes, path) {
  const { Database } = await import('bun:sqlite');
  return sql(new Database(fileIn(path)), indexes);
}
