/** Loads the package of the decorators, which is there with major 7 only. */
import { requireHere } from './native/require.js';

/**
 * The exports of the package, or the reason why there are none. It has to be
 * found out at once: decorators are called while classes are defined.
 */
export function requireDecorators(): Record<string, unknown> | Error {
  try {
    return requireHere('@mikro-orm/decorators/legacy');
  } catch (error) {
    return error as Error;
  }
}
