/** Knowing whether work must be done again: a stamp is the hash of all that a result depends on. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './project.mjs';

/** All files below a folder (or the one file itself), sorted; `skip` leaves out names. */
export function files(path, skip = new Set(['node_modules'])) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !skip.has(entry.name))
    .flatMap((entry) => files(join(path, entry.name), skip))
    .sort();
}

/** The hash of the given files' names and contents, and of further texts. */
export function fingerprint(paths, ...texts) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  for (const text of texts) hash.update(String(text)).update('\0');
  return hash.digest('hex');
}

/** Whether a result carries this stamp. */
export function isFresh(stampFile, stamp) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
}

/** Marks a result as made from what the stamp stands for. */
export function mark(stampFile, stamp) {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}
