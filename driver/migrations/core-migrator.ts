/**
 * The migrator of core, which major 7 has. This is the form of the CommonJS
 * build; `core-migrator.esm.ts` takes its place in the other, so that each
 * extends the class of its copy of core.
 */
import { CORE_MIGRATES } from '../compat.js';

/** Core's own migrator to extend; nothing where there is none. */
export const CoreMigrator: unknown = CORE_MIGRATES
  ? require('@mikro-orm/core/migrations').AbstractMigrator
  : undefined;
