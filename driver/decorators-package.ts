/**
 * The package of the decorators, which is there with major 7 only. This is the
 * form of the CommonJS build; `decorators-package.esm.ts` takes its place in the
 * other, so that each has the decorators that belong to its copy of core.
 */
import { DECORATORS_APART } from './compat.js';

/** The exports of the package, or the reason why there are none; nothing where core has the decorators itself. */
export const decoratorsPackage: Record<string, unknown> | Error | undefined = DECORATORS_APART
  ? load()
  : undefined;

function load(): Record<string, unknown> | Error {
  try {
    return require('@mikro-orm/decorators/legacy');
  } catch (error) {
    return error as Error;
  }
}
