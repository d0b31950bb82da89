/** The form of `require.ts` for the ESM build, which knows its place by another name. */
import { createRequire } from 'node:module';

/** Requires what is installed beside this package, or lies in it. */
export const requireHere: NodeJS.Require = createRequire(import.meta.url);
