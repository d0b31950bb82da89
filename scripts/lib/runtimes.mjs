/** The JavaScript runtimes of the matrix. All but this one come from npm and stay in their own folder. */

import { existsSync } from 'node:fs';
import { install } from './install.mjs';
import { at } from './project.mjs';
import { capture, Failure } from './run.mjs';

const fromNpm = {
  node22: { folder: at('tools/node22'), program: 'node/bin/node' },
  bun: { folder: at('tools/bun'), program: 'bun/bin/bun.exe' },
};

/** Installs a runtime where needed; gives its program, kind and version. */
export async function runtime(name) {
  let program = process.execPath;
  if (name !== 'node') {
    const { folder, program: path } = fromNpm[name];
    await install(folder);
    program = [`${folder}/node_modules/${path}`, `${folder}/node_modules/${path}.exe`].find(existsSync);
    if (!program) {
      throw new Failure(
        `The npm package of ${name} has no program for ${process.platform} ${process.arch}: its install script may be switched off (npm config get ignore-scripts).`,
      );
    }
  }
  const { code, output } = await capture(program, ['--version']);
  if (code !== 0) throw new Failure(`${program} does not run:\n${output}`);
  const kind = name === 'bun' ? 'bun' : 'node';
  const version = output.trim().replace(/^v/, '');
  return { name, kind, program, version, title: `${kind === 'bun' ? 'Bun' : 'Node.js'} ${version}` };
}
