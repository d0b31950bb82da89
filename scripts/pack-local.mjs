/** `npm run pack:local`: builds what is needed and writes the package's tarballs to `artifacts/`. */

import { statSync } from 'node:fs';
import { relative } from 'node:path';
import { build } from './lib/build.mjs';
import { pack } from './lib/pack.mjs';
import { root } from './lib/project.mjs';
import { main } from './lib/run.mjs';

await main(async () => {
  await build();
  const { main: tarball, platforms } = await pack();
  const paths = [tarball, ...platforms].map((path) => `./${relative(root, path)}`);
  for (const path of paths) console.log(`${path}  ${Math.ceil(statSync(path).size / 1024)} KiB`);
  console.log(`\nIn another project: npm install @mikro-orm/core ${[tarball, ...platforms].join(' ')}`);
});
