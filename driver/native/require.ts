/**
 * A `require` that sees the package from where this file lies.
 *
 * Bundlers and test runners that inline this package must not follow it: they
 * cannot inline native code, and a second copy of its loader would be a second
 * binding. This is the form of the CommonJS build; `require.esm.ts` takes its
 * place in the other.
 */
import { createRequire } from 'node:module';

/** Requires what is installed beside this package, or lies in it. */
export const requireHere: NodeJS.Require = createRequire(__filename);
