/** Where things are in the repository. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = resolve(fileURLToPath(import.meta.url), '../../..');

/** The absolute path of something in the repository. */
export const at = (...parts) => join(root, ...parts);

/** The package's manifest. */
export const manifest = JSON.parse(readFileSync(at('package.json'), 'utf8'));

/** What the matrix tests: each MikroORM with each runtime that it supports. */
export const matrix = [
  { core: '6.4', runtime: 'node' },
  { core: '6.6', runtime: 'node' },
  { core: '7', runtime: 'node22' },
  { core: '6.6', runtime: 'bun' },
  { core: '7', runtime: 'bun' },
];

/** The folder in which the tests of one MikroORM version run. */
export const coreFolder = (core) => at('__test__/matrix', `core-${core}`);

/** The versions of MikroORM in the matrix, oldest first. */
export const cores = [...new Set(matrix.map((cell) => cell.core))];
