/** Installing npm packages, only when what is asked for has changed. */

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { at, root } from './project.mjs';
import { run } from './run.mjs';
import { fingerprint, isFresh, mark } from './stamp.mjs';

/** Installs what the lock file of a folder names, unless just that is installed. */
export async function install(folder = root) {
  const stamp = fingerprint(
    ['package.json', 'package-lock.json'].map((name) => join(folder, name)).filter(existsSync),
    process.platform,
    process.arch,
  );
  const stampFile = join(folder, 'node_modules', '.installed');
  if (isFresh(stampFile, stamp)) return;
  console.log(`installing the packages of ${relative(root, folder) || 'the project'}`);
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, quiet: true });
  mark(stampFile, stamp);
}

/** The program that a package of the project installs: its path, to be run by this Node.js. */
export const tool = (...parts) => at('node_modules', ...parts);
