/** One of the threads of the bank: loops that move money, and one that looks at all of it meanwhile. */
import assert from 'node:assert/strict';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { type EntityManager, IsolationLevel, LockMode } from 'collection-store-mikro-orm';
import { ACCOUNTS, Account, type Day, type Done, TOTAL, open } from './bank.js';
import { serve } from './threads.js';

const LOOPS = 4;

serve(async ({ name, isolationLevel, transfers, seconds }: Day): Promise<Done> => {
  const orm = await open(name);
  const fork = () => orm.em.fork() as EntityManager;
  const done: Done = { transfers: 0, looks: 0, longest: 0 };
  const until = performance.now() + seconds * 1000;

  const move = async () => {
    for (let moved = 0; moved < transfers || performance.now() < until; moved++) {
      const start = performance.now();
      await transfer(fork(), isolationLevel);
      done.longest = Math.max(done.longest, performance.now() - start);
      done.transfers++;
      // As a server does between requests: without it no timer and no lock that was given would be heard of.
      await turn();
    }
  };
  let moving = true;
  const look = async () => {
    while (moving) {
      await lookByTransaction(fork(), isolationLevel);
      await lookAtOnce(fork());
      done.looks++;
      await pause(1);
    }
  };
  const looking = look();
  await Promise.all(Array.from({ length: LOOPS }, move)).finally(() => {
    moving = false;
  });
  await looking;
  await orm.close();
  return done;
});

const random = (below: number) => Math.floor(Math.random() * below);

async function transfer(em: EntityManager, isolationLevel: IsolationLevel): Promise<void> {
  const from = 1 + random(ACCOUNTS);
  const to = 1 + ((from + random(ACCOUNTS - 1)) % ACCOUNTS);
  // Who reads the newest commit must lock what it goes on from; the others are told of a conflict.
  const lockMode = isolationLevel === IsolationLevel.READ_COMMITTED ? LockMode.PESSIMISTIC_WRITE : undefined;
  await em.transactional(
    async (trx) => {
      // In any order, so that some wait for each other.
      const payer = await trx.findOneOrFail(Account, from, { lockMode });
      const payee = await trx.findOneOrFail(Account, to, { lockMode });
      const amount = Math.min(payer.balance, 1 + random(20));
      payer.balance -= amount;
      payee.balance += amount;
    },
    { isolationLevel, retries: 10_000 },
  );
}

/** A transaction sees one moment, in however many statements; with read committed, each statement does. */
async function lookByTransaction(em: EntityManager, level: IsolationLevel): Promise<void> {
  const isolationLevel = level === IsolationLevel.READ_COMMITTED ? IsolationLevel.SNAPSHOT : level;
  await em.transactional(
    async (trx) => {
      const accounts: Account[] = [];
      for (let id = 1; id <= ACCOUNTS; id++) {
        accounts.push(await trx.findOneOrFail(Account, id));
      }
      audit(accounts);
    },
    { isolationLevel, readOnly: true },
  );
}

async function lookAtOnce(em: EntityManager): Promise<void> {
  audit(await em.findAll(Account));
}

function audit(accounts: readonly Account[]): void {
  for (const { id, balance } of accounts) {
    assert.ok(balance >= 0, `account ${id} is at ${balance}`);
  }
  assert.equal(
    accounts.reduce((all, { balance }) => all + balance, 0),
    TOTAL,
  );
}
