/** `npm run typecheck`: the driver and the tests against every MikroORM of the matrix. */

import { install, tool } from './lib/install.mjs';
import { coreFolder, cores } from './lib/project.mjs';
import { Failure, capture, main, step } from './lib/run.mjs';

await main(async () => {
  await install();
  const broken = [];
  for (const core of cores) {
    step(`Types with MikroORM ${core}`);
    await install(coreFolder(core));
    const { code } = await capture(
      process.execPath,
      [tool('typescript/bin/tsc'), '-p', `${coreFolder(core)}/types.json`],
      {
        quiet: false,
      },
    );
    if (code !== 0) broken.push(core);
  }
  if (broken.length > 0) throw new Failure(`Types do not fit MikroORM ${broken.join(', ')}.`);
  console.log('ok');
});
