/** Tarballs as they would be published: the package, and this machine's binding as a platform package. */

import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { binaries } from './build.mjs';
import { at, manifest, root } from './project.mjs';
import { Failure, run } from './run.mjs';

const artifacts = at('artifacts');

/** Packs a folder and gives the tarball's path. */
async function packFolder(folder) {
  const output = await run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', artifacts], {
    cwd: folder,
    quiet: true,
  });
  const [{ filename }] = JSON.parse(output.slice(output.indexOf('[')));
  return at('artifacts', basename(filename));
}

/** A copy of the platform's folder in `npm/`, with its binding and the license. */
function stagePlatform(binary) {
  const platform = binary.slice(`${manifest.napi.binaryName}.`.length, -'.node'.length);
  const source = at('npm', platform);
  if (!existsSync(source))
    throw new Failure(`There is no package for ${platform} in npm/: napi create-npm-dirs makes them.`);
  const staged = at('.cache/pack', platform);
  rmSync(staged, { recursive: true, force: true });
  cpSync(source, staged, { recursive: true });
  cpSync(at(binary), `${staged}/${binary}`);
  cpSync(at('LICENSE'), `${staged}/LICENSE`);
  return staged;
}

/** Writes the tarballs of a built package to `artifacts/` and gives their paths. */
export async function pack() {
  rmSync(artifacts, { recursive: true, force: true });
  mkdirSync(artifacts, { recursive: true });
  const platforms = [];
  for (const binary of binaries()) platforms.push(await packFolder(stagePlatform(binary)));
  return { main: await packFolder(root), platforms };
}
