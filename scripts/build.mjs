/** `npm run build`: the native binding and the driver, as far as something changed. */

import { build } from './lib/build.mjs';
import { main } from './lib/run.mjs';

await main(build);
