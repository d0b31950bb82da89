/** The built package as an installed one: what its users' `node_modules` holds, without the detour over a tarball. */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { binaries } from './build.mjs';
import { at, manifest } from './project.mjs';
import { fingerprint, files, isFresh, mark } from './stamp.mjs';

/** Puts the built package into the `node_modules` of a folder. */
export function place(folder) {
  const parts = ['package.json', 'index.js', 'index.d.ts', 'dist', ...binaries()];
  const target = join(folder, 'node_modules', manifest.name);
  const stamp = fingerprint(parts.flatMap((part) => files(at(part))));
  const stampFile = join(target, '.placed');
  if (isFresh(stampFile, stamp)) return;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const part of parts) cpSync(at(part), join(target, part), { recursive: true });
  mark(stampFile, stamp);
}
