/**
 * Random transactions of several threads, and whether what they saw of each other is what their level allows.
 *
 * `HISTORIES_SEED` repeats the decisions of a run, not how its threads were scheduled; `HISTORIES` says how many
 * transactions there are at each level.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MikroORM } from 'collection-store-mikro-orm';
import { KEYS, List, type Outcome, type Task, listsOf, open } from './histories.js';
import { type Committed, LEVELS, type Level, type Lists, anomaly } from './history.js';
import { Random } from './random.js';
import { Threads } from './threads.js';

const SEED = Number(process.env['HISTORIES_SEED'] ?? Date.now() % 2 ** 32);
const TRANSACTIONS = Number(process.env['HISTORIES'] ?? 1_500);
/** Many short histories rather than a long one: lists stay short, and cycles near their beginning. */
const ROUND = 300;

describe('random histories', () => {
  let orm: MikroORM;

  before(async () => {
    orm = await open();
    await orm.schema.createSchema();
  });
  after(() => orm.close());

  for (const [where, count, loops] of [
    ['in one thread', 1, 8],
    ['in four threads', 4, 3],
  ] as const) {
    describe(where, () => {
      const threads = new Threads<Task, Outcome>(new URL('./histories.worker.js', import.meta.url), count);
      after(() => threads.close());

      for (const level of LEVELS) {
        test(`are what ${level} allows`, async () => {
          console.log(`HISTORIES_SEED=${SEED}`);
          const random = new Random(SEED);
          const empty = await orm.em.getConnection().snapshot();
          let committed = 0;
          let failed = 0;
          for (let round = 0; round * ROUND < TRANSACTIONS; round++) {
            const transactions = Math.ceil(ROUND / count);
            const outcomes = await threads.run((thread) => ({
              level,
              seed: random.below(2 ** 32),
              transactions,
              loops,
              first: 1 + thread * transactions,
            }));
            const history = outcomes.flatMap((outcome) => outcome.history);
            const last = listsOf(await orm.em.fork().findAll(List), 0, KEYS);
            const wrong = anomaly(history, last, level);
            assert.equal(
              wrong,
              undefined,
              `HISTORIES_SEED=${SEED}, round ${round}: ${wrong}\n${JSON.stringify({ last, history })}`,
            );
            committed += history.length;
            failed += outcomes.reduce((all, outcome) => all + outcome.failed, 0);
            await orm.em.getConnection().restore(empty);
          }
          console.log(`${level}, ${where}: ${committed} transactions committed, ${failed} gave way`);
          assert.ok(committed > TRANSACTIONS / 4, 'much is committed');
          assert.ok(failed > 0, 'transactions meet');
        });
      }
    });
  }
});

describe('of known histories', () => {
  const found = (history: readonly Committed[], last: Lists) =>
    LEVELS.filter((level: Level) => anomaly(history, last, level) !== undefined);
  const everywhere = [...LEVELS];

  test('nothing is found where nothing is wrong', () => {
    const history = [
      { id: 1, reads: [[1, []]], appends: [1] },
      { id: 2, reads: [[1, [1]]], appends: [1, 2] },
      { id: 3, reads: [[2, [2]]], appends: [] },
    ] as const;
    assert.deepEqual(
      found(history, [
        [1, [1, 2]],
        [2, [2]],
      ]),
      [],
    );
  });

  test('appends that are lost, doubled, rolled back or in between are found', () => {
    const one = { id: 1, reads: [], appends: [1] };
    assert.deepEqual(found([one], [[1, []]]), everywhere);
    assert.deepEqual(found([one], [[1, [1, 1]]]), everywhere);
    assert.deepEqual(found([one], [[1, [1, 2]]]), everywhere);
    assert.deepEqual(found([one, { id: 2, reads: [[1, [3]]], appends: [] }], [[1, [1]]]), everywhere);
  });

  test('cycles of writes are found (G0, G1c)', () => {
    const both = [1, 2].map((id) => ({ id, reads: [], appends: [1, 2] }));
    assert.deepEqual(
      found(both, [
        [1, [1, 2]],
        [2, [2, 1]],
      ]),
      everywhere,
    );
    const circular = [
      { id: 1, reads: [[2, [2]]], appends: [1] },
      { id: 2, reads: [[1, [1]]], appends: [2] },
    ] as const;
    assert.deepEqual(
      found(circular, [
        [1, [1]],
        [2, [2]],
      ]),
      everywhere,
    );
  });

  test('read skew and lost updates are found above read committed (G-single)', () => {
    const skew = [
      { id: 1, reads: [], appends: [1, 2] },
      {
        id: 2,
        reads: [
          [1, []],
          [2, [1]],
        ],
        appends: [],
      },
    ] as const;
    const above = ['snapshot', 'serializable'];
    assert.deepEqual(
      found(skew, [
        [1, [1]],
        [2, [1]],
      ]),
      above,
    );
    const lost = [1, 2].map((id) => ({ id, reads: [[1, []]] as const, appends: [1] }));
    assert.deepEqual(found(lost, [[1, [1, 2]]]), above);
  });

  test('a fork that is longer than two transactions is found above read committed', () => {
    // Two readers see two independent writers in different orders.
    const fork = [
      { id: 1, reads: [], appends: [1] },
      { id: 2, reads: [], appends: [2] },
      {
        id: 3,
        reads: [
          [1, [1]],
          [2, []],
        ],
        appends: [],
      },
      {
        id: 4,
        reads: [
          [1, []],
          [2, [2]],
        ],
        appends: [],
      },
    ] as const;
    assert.deepEqual(
      found(fork, [
        [1, [1]],
        [2, [2]],
      ]),
      ['snapshot', 'serializable'],
    );
  });

  test('write skew is found among the serializable (G2)', () => {
    const skew = [1, 2].map((id) => ({
      id,
      reads: [
        [1, []],
        [2, []],
      ] as const,
      appends: [id],
    }));
    assert.deepEqual(
      found(skew, [
        [1, [1]],
        [2, [2]],
      ]),
      ['serializable'],
    );
  });
});
