/** What a dump consists of: a file of rows for each collection, and one that says what they are. */
import type { CollectionDef } from '../native/ir.js';

/** The file that says what the others are; it is written last, so a dump without one is not whole. */
export const MANIFEST = 'dump.json';

/** The version of the format that is written. */
export const VERSION = 1;

/** What the manifest holds. */
export interface Manifest {
  readonly version: number;
  readonly collections: readonly CollectionDef[];
  /** How many rows each collection has. */
  readonly rows: { readonly [collection: string]: number };
}

/** How far a dump or a load is. */
export interface DumpProgress {
  readonly collection: string;
  /** The rows done, and those that there are. */
  readonly rows: number;
  readonly total: number;
}

/** What a dump or a load may be asked besides. */
export interface DumpOptions {
  /** Hears after each batch of rows how far it is. */
  readonly onProgress?: (progress: DumpProgress) => void;
}

/** How many rows go together. */
export const BATCH = 1000;

/** The file of a collection's rows. Letters of names that file systems mind are escaped. */
export function fileOf(collection: string): string {
  return `${encodeURIComponent(collection).replaceAll('*', '%2A')}.jsonl`;
}
