/** The levels of isolation, as core and SQL name them. */
import { ValidationError } from '@mikro-orm/core';
import type { Isolation } from '../native/engine.js';

const LEVELS: Readonly<Record<string, Isolation>> = {
  'read uncommitted': 'read committed',
  'read committed': 'read committed',
  snapshot: 'snapshot',
  'repeatable read': 'snapshot',
  serializable: 'serializable',
};

const STRENGTH: readonly Isolation[] = ['read committed', 'snapshot', 'serializable'];

/** The level of a name; one that nobody knows is refused. */
export function isolationOf(name: unknown): Isolation {
  const level = typeof name === 'string' && Object.hasOwn(LEVELS, name) ? LEVELS[name] : undefined;
  if (level === undefined) {
    throw new ValidationError(
      `Unknown isolation level '${String(name)}': use a member of IsolationLevel (${Object.keys(LEVELS).join(', ')}).`,
    );
  }
  return level;
}

/** Whether a level promises more than another. */
export function isStronger(level: Isolation, other: Isolation): boolean {
  return STRENGTH.indexOf(level) > STRENGTH.indexOf(other);
}
