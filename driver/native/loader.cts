/**
 * Loads the binding. A CommonJS module in every build, so that the ESM and the
 * CommonJS build both reach the one copy of it through `require`, which
 * bundlers follow too.
 */

/** Requires the generated loader at the root of the package, seen from `dist/<build>/native`. */
export function requireBinding(): unknown {
  return require('../../../index.js');
}
