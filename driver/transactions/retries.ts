/** Running a transaction again that was in conflict with others. */
import { setTimeout as pause } from 'node:timers/promises';
import { ValidationError } from '@mikro-orm/core';
import { Attempts } from '../native/engine.js';

/** The longest pause before the first retry, in milliseconds; before each further one it is twice as long. */
const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 250;

/**
 * Runs work until it is in no conflict, at most so many times more. The pauses
 * are random, so that those who were in conflict do not meet again, and grow.
 * The caller's signal ends them. Each attempt is handed what those before it
 * have left, to begin with.
 */
export async function withRetries<T>(
  retries: number,
  work: (attempts: Attempts) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (!Number.isInteger(retries) || retries < 0) {
    throw new ValidationError(`\`retries\` must be how often to try again, not ${String(retries)}.`);
  }
  const attempts = new Attempts();
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work(attempts);
      } catch (error) {
        if (attempt >= retries || (error as { retryable?: unknown }).retryable !== true) {
          throw error;
        }
      }
      const time = Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
      await pause(time, undefined, { signal }).catch(() => undefined);
      signal?.throwIfAborted();
    }
  } finally {
    attempts.dispose();
  }
}
