/** Finds the binding, from the package or from a bundle it has been made part of. */
import { requireHere } from './require.js';

/** The generated loader at the root of the package, seen from `dist/<build>/native`. */
const IN_PACKAGE = '../../../index.js';
/** The same, seen from a bundle, which lies elsewhere. */
const BY_NAME = 'collection-store-mikro-orm/index.js';

/** Requires the generated loader of the binding. */
export function requireBinding(): unknown {
  let place = IN_PACKAGE;
  try {
    requireHere.resolve(place);
  } catch {
    place = BY_NAME;
  }
  return requireHere(place);
}
