/** `npm run bench`: builds what is needed, then runs the programs in `bench/`, or those whose names are given. */

import { readdirSync } from 'node:fs';
import { build } from './lib/build.mjs';
import { at } from './lib/project.mjs';
import { Failure, main, run, step } from './lib/run.mjs';

/** Not a benchmark: what they share. */
const helpers = new Set(['report.mjs']);
const all = readdirSync(at('bench')).filter((name) => name.endsWith('.mjs') && !helpers.has(name));

await main(async () => {
  const wanted = process.argv.slice(2);
  const programs = all.filter((name) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
  if (programs.length === 0) throw new Failure(`No such benchmark. There are: ${all.join(', ')}`);
  await build();
  for (const program of programs) {
    step(program.replace('.mjs', ''));
    await run(process.execPath, ['--expose-gc', at('bench', program)]);
  }
});
