/** One of the threads of random histories: loops of transactions that read lists and append to them. */
import { setImmediate as turn } from 'node:timers/promises';
import {
  DeadlockException,
  type EntityManager,
  LockMode,
  type MikroORM,
  UniqueConstraintViolationException,
} from 'collection-store-mikro-orm';
import { KEYS, List, type Outcome, type Task, listsOf, open } from './histories.js';
import type { Committed, Lists } from './history.js';
import { Random } from './random.js';
import { serve } from './threads.js';

class RolledBack extends Error {}

let orm: Promise<MikroORM> | undefined;

serve(async ({ level, seed, transactions, loops, first }: Task): Promise<Outcome> => {
  orm ??= open();
  const { em } = await orm;
  const history: Committed[] = [];
  let failed = 0;
  let next = first;
  const loop = async (random: Random) => {
    while (next < first + transactions) {
      const id = next++;
      try {
        const work = (trx: EntityManager) => run(trx, random, id, level === 'read committed');
        history.push(
          await (em.fork() as EntityManager).transactional(work, { isolationLevel: level as never }),
        );
      } catch (error) {
        if (error instanceof DeadlockException || error instanceof UniqueConstraintViolationException) {
          failed++;
        } else if (!(error instanceof RolledBack)) {
          throw error;
        }
      }
      await turn();
    }
  };
  const random = new Random(seed);
  await Promise.all(Array.from({ length: loops }, () => loop(new Random(random.below(2 ** 32)))));
  return { history, failed };
});

/** A few random reads and appends. */
async function run(em: EntityManager, random: Random, id: number, mustLock: boolean): Promise<Committed> {
  const reads: Lists[number][] = [];
  const appends: number[] = [];
  for (let steps = 1 + random.below(4); steps > 0; steps--) {
    const key = random.below(KEYS);
    if (random.below(2) === 0) {
      const seen = await read(em, random.below(3), key, Math.min(KEYS, key + 1 + random.below(4)));
      reads.push(...seen.filter(([key]) => !appends.includes(key)));
    } else if (!appends.includes(key)) {
      const lock = mustLock || random.below(2) === 0;
      reads.push([key, await append(em, key, id, lock)]);
      appends.push(key);
    }
    await turn();
  }
  if (random.below(10) === 0) {
    throw new RolledBack();
  }
  return { id, reads, appends };
}

/** Reads by the key, by a range of an index, or all. */
async function read(em: EntityManager, kind: number, from: number, to: number): Promise<Lists> {
  const options = { disableIdentityMap: true };
  switch (kind) {
    case 0:
      return listsOf(await em.find(List, { id: from }, options), from, from + 1);
    case 1:
      return listsOf(await em.find(List, { place: { $gte: from, $lt: to } }, options), from, to);
    default:
      return listsOf(await em.find(List, {}, options), 0, KEYS);
  }
}

/** Appends to a list, which is made if it is not there, and says what it was. */
async function append(em: EntityManager, key: number, id: number, lock: boolean): Promise<readonly number[]> {
  const list = await em.findOne(List, key, lock ? { lockMode: LockMode.PESSIMISTIC_WRITE } : {});
  const before = list?.ids ?? [];
  if (list) {
    list.ids = [...before, id];
  } else {
    em.create(List, { id: key, place: key, ids: [id] });
  }
  await em.flush();
  return before;
}
