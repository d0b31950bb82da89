/** `npm run compatibility`: writes `docs/compatibility.md` from what the tests of MikroORM's features find. */

import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { build } from './lib/build.mjs';
import { columns, compatibilityPage, renderCompatibility } from './lib/compatibility.mjs';
import { install } from './lib/install.mjs';
import { findTests, runCell } from './lib/matrix.mjs';
import { root } from './lib/project.mjs';
import { Failure, main } from './lib/run.mjs';

await main(async () => {
  await install();
  await build({ prebuilt: process.argv.includes('--prebuilt') });
  const tests = findTests(['compatibility/']);
  for (const cell of columns) {
    const { failed } = await runCell(cell, tests, {});
    if (failed > 0) throw new Failure('The page stays as it is: it is written when every test passes.');
  }
  writeFileSync(compatibilityPage, renderCompatibility());
  console.log(`wrote ${relative(root, compatibilityPage)}`);
});
