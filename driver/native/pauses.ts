/** Pauses in long work, between which others have their turn. */
import { setImmediate } from 'node:timers';

/** After so many milliseconds of work there is a pause. */
const PIECE = 5;

/** Tells whether others have waited long enough, from now on. */
export function lateness(): () => boolean {
  const begun = performance.now();
  return () => performance.now() - begun > PIECE;
}

/** Lets others have their turn. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
