// biome-ignore-all lint/suspicious/noExplicitAny: core's broadcaster keeps to itself whom it tells.
import type { EventType } from '@mikro-orm/core';
import { SAVEPOINT_EVENTS } from '../compat.js';

/** Whom to tell of what becomes of a transaction: of a nested one, only one of the majors tells anybody. */
export function listeners(broadcaster: any, nested: boolean): any {
  return nested && !SAVEPOINT_EVENTS ? undefined : broadcaster;
}

/** Tells the subscribers of core's broadcaster of an event. Where none of them listens to it, there is nothing to wait for. */
export function announce(broadcaster: any, event: EventType, ctx?: unknown): Promise<void> | undefined {
  return broadcaster === undefined || !isHeard(broadcaster, event)
    ? undefined
    : broadcaster.dispatchEvent(event, ctx);
}

function isHeard({ em }: any, event: EventType): boolean {
  const subscribers = em?.getEventManager?.().getSubscribers?.() as Iterable<object> | undefined;
  if (subscribers === undefined) {
    return true;
  }
  for (const subscriber of subscribers) {
    if (event in subscriber) {
      return true;
    }
  }
  return false;
}
