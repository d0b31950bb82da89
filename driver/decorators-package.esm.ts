/** The form of `decorators-package.ts` for the ESM build: whoever runs or bundles it finds the package as it finds core. */
import { DECORATORS_APART } from './compat.js';

/** The exports of the package, or the reason why there are none; nothing where core has the decorators itself. */
export const decoratorsPackage: Record<string, unknown> | Error | undefined = DECORATORS_APART
  ? // @ts-ignore: the package is there with major 7 only, which is also why bundlers had better not look for it.
    await import(/* webpackIgnore: true */ '@mikro-orm/decorators/legacy').catch((error: Error) => error)
  : undefined;
