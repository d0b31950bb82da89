/**
 * Loads the package of the decorators, which is there with major 7 only. A
 * CommonJS module in every build, as it has to be found out at once whether the
 * package is there: decorators are called while classes are defined.
 */

/** The exports of the package, or the reason why there are none. */
export function requireDecorators(): Record<string, unknown> | Error {
  try {
    return require('@mikro-orm/decorators/legacy');
  } catch (error) {
    return error as Error;
  }
}
