/** The form of `core-migrator.ts` for the ESM build. */
import { CORE_MIGRATES } from '../compat.js';

/** Core's own migrator to extend; nothing where there is none. */
export const CoreMigrator: unknown = CORE_MIGRATES
  ? // @ts-ignore: the module is there with major 7 only, which is also why bundlers had better not look for it.
    (await import(/* webpackIgnore: true */ '@mikro-orm/core/migrations')).AbstractMigrator
  : undefined;
