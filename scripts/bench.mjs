/** `npm run bench`: builds what is needed, then runs the programs in `bench/` and `bench/mikro-orm/`, or those whose names are given. */

import { readdirSync } from 'node:fs';
import { build } from './lib/build.mjs';
import { install } from './lib/install.mjs';
import { place } from './lib/package.mjs';
import { at } from './lib/project.mjs';
import { Failure, main, run, step } from './lib/run.mjs';

/** Not a benchmark: what they share. */
const helpers = new Set(['report.mjs']);
/** Programs that need MikroORM and a driver to compare with: they run with packages of their own. */
const compared = at('bench/mikro-orm');

const programsOf = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.mjs') && !helpers.has(name))
    .map((name) => ({ name: name.replace('.mjs', ''), folder }));
const all = [...programsOf(at('bench')), ...programsOf(compared)];

await main(async () => {
  const wanted = process.argv.slice(2);
  const programs = all.filter(
    ({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)),
  );
  if (programs.length === 0) {
    throw new Failure(`No such benchmark. There are: ${all.map(({ name }) => name).join(', ')}`);
  }
  await build();
  if (programs.some(({ folder }) => folder === compared)) {
    await install(compared);
    place(compared);
  }
  for (const { name, folder } of programs) {
    step(name);
    await run(process.execPath, ['--expose-gc', `${folder}/${name}.mjs`], { cwd: folder });
  }
});
