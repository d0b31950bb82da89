/** `npm run quickstart`: builds what is needed, then runs the example on real data. */

import { spawn } from 'node:child_process';
import { build } from './lib/build.mjs';
import { install, tool } from './lib/install.mjs';
import { at } from './lib/project.mjs';
import { main, run } from './lib/run.mjs';
import { files, fingerprint, isFresh, mark } from './lib/stamp.mjs';

const folder = at('examples/quickstart');

/** Compiles the example against the built package. */
async function compile() {
  const sources = files(folder, new Set(['node_modules', 'dist']));
  const stamp = fingerprint([...sources, ...files(at('dist/esm')).filter((file) => file.endsWith('.d.ts'))]);
  const stampFile = `${folder}/dist/.stamp`;
  if (isFresh(stampFile, stamp)) return;
  console.log('compiling the example');
  await run(process.execPath, [tool('typescript/bin/tsc'), '-p', folder]);
  mark(stampFile, stamp);
}

await main(async () => {
  await build();
  await install(folder);
  await compile();
  // The terminal is handed on, for the progress bar.
  const child = spawn(process.execPath, ['dist/main.js', ...process.argv.slice(2)], {
    cwd: folder,
    stdio: 'inherit',
  });
  process.exitCode = await new Promise((done) => child.on('close', (code) => done(code ?? 1)));
});
