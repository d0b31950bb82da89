/** `npm run build`: the native binding and the driver, as far as something changed; `-- --driver`: the driver alone. */

import { parseArgs } from 'node:util';
import { build, buildDriverOnly } from './lib/build.mjs';
import { main } from './lib/run.mjs';

const { values: options } = parseArgs({ options: { driver: { type: 'boolean', default: false } } });

await main(() => (options.driver ? buildDriverOnly() : build()));
