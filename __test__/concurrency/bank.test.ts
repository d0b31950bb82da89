/** Money that is moved by 16 loops in 4 threads at once neither comes nor goes, at any level of isolation. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { IsolationLevel } from 'collection-store-mikro-orm';
import { ACCOUNTS, Account, type Day, type Done, TOTAL, open } from './bank.js';
import { Threads } from './threads.js';

const THREADS = 4;
const TRANSFERS = 25;
/** How long money is moved at each level, at least; `BANK_SECONDS=10` says what was done. */
const SECONDS = Number(process.env['BANK_SECONDS'] ?? 0);

const threads = new Threads<Day, Done>(new URL('./bank.worker.js', import.meta.url), THREADS);
after(() => threads.close());

describe('money that is moved by 16 loops in 4 threads is all there', () => {
  for (const isolationLevel of [
    IsolationLevel.READ_COMMITTED,
    IsolationLevel.SNAPSHOT,
    IsolationLevel.SERIALIZABLE,
  ]) {
    test(`at ${isolationLevel}`, async () => {
      const name = `bank, ${isolationLevel}`;
      const orm = await open(name);
      await orm.schema.createSchema();
      await orm.em.fork().insertMany(
        Account,
        Array.from({ length: ACCOUNTS }, () => ({ balance: TOTAL / ACCOUNTS })),
      );

      const day = { name, isolationLevel, transfers: TRANSFERS, seconds: SECONDS };
      const done = await threads.run(() => day);

      const accounts = await orm.em.fork().findAll(Account);
      const sum = accounts.reduce((all, { balance }) => all + balance, 0);
      assert.equal(sum, TOTAL);
      assert.ok(
        accounts.some(({ balance }) => balance !== TOTAL / ACCOUNTS),
        'money was moved',
      );
      await orm.close();
      const sumOf = (of: (one: Done) => number) => done.reduce((all, one) => all + of(one), 0);
      const transfers = sumOf((one) => one.transfers);
      assert.ok(transfers >= THREADS * 4 * TRANSFERS);
      if (SECONDS > 0) {
        const looks = sumOf((one) => one.looks);
        const longest = Math.max(...done.map((one) => one.longest));
        console.log(
          `${isolationLevel}: ${transfers} transfers, ${looks} looks, longest ${Math.round(longest)} ms`,
        );
      }
    });
  }
});
