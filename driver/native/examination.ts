/** Examinations of stores: what is wrong with them, as a list. */
import { binding } from './binding.js';

/**
 * What a finding means: nothing is wrong, and opening the store puts something in order (`notice`); the store can be
 * opened, and what it holds contradicts itself (`violation`); it cannot be opened (`damage`).
 */
export type Severity = 'notice' | 'violation' | 'damage';

/** One thing that was found. */
export interface Finding {
  readonly severity: Severity;
  /** What it is, as a code: `checksum`, `gap`, `indexMissing`, `unique`, `foreignKey` and so on. */
  readonly kind: string;
  /** The file concerned. */
  readonly file?: string;
  /** From which byte of it on, and up to which. */
  readonly offset?: number;
  readonly end?: number;
  /** The commits concerned, the first and the last. */
  readonly versions?: readonly [number, number];
  readonly collection?: string;
  /** The field, index or foreign key concerned. */
  readonly constraint?: string;
  /** The primary key of the row concerned. */
  readonly key?: readonly unknown[];
  /** A sentence that says all of it. */
  readonly message: string;
}

/** What a store holds, and what is wrong with it. */
export interface CheckedStore {
  /** The number of the last commit. */
  readonly sequence: number;
  /** The collections, as far as they can be read. */
  readonly collections: readonly { readonly name: string; readonly rows: number }[];
  /** What was found, files first; of very many alike only some. */
  readonly findings: readonly Finding[];
  /** How many more there are. */
  readonly more: number;
}

/** Hears how much of how much is done, in bytes of files or in rows. */
export type Watch = (step: 'files' | 'rows', done: number, total: number) => void;

/**
 * Examines the store in a directory that nobody has open, and changes nothing there: every checksum, that the log has
 * no gap, and rows, indexes, foreign keys and counters. What is wrong is in the list that it resolves with; it rejects
 * where there is no store, or another process has it.
 */
export async function checkStore(path: string, watch?: Watch): Promise<CheckedStore> {
  return JSON.parse(await binding().check(path, watch && told(watch)));
}

/** What became of a damaged store: what is in the new one, and what was wrong with the other. */
export interface SalvagedStore extends CheckedStore {
  /** The commit up to which nothing is missing; `null` where something is of the checkpoint. */
  readonly whole: number | null;
  /** How many rows are kept apart, by collection; its number where its name is lost. */
  readonly apart: Readonly<Record<string, number>>;
  /** The file in the new directory that says what was lost and has the rows that are kept apart; `null` where nothing was lost. */
  readonly lost: string | null;
}

/**
 * Writes all that can be read of the store in a directory, which nobody has open, to another, new or empty, as a store
 * that can be opened. Changes nothing in the first. Rejects where nothing at all can be read.
 */
export async function salvageStore(from: string, to: string, watch?: Watch): Promise<SalvagedStore> {
  return JSON.parse(await binding().salvage(from, to, watch && told(watch)));
}

function told(watch: Watch) {
  return (step: number, done: number, total: number) => watch(step === 0 ? 'files' : 'rows', done, total);
}
