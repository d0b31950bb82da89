/**
 * What a call and a row cost on their way from the engine to JavaScript objects:
 *
 *     node bench/crossing.mjs
 *     bun bench/crossing.mjs
 *
 * Needs a built package (`npm run build`). Times are the best of several rounds: what the code costs, not what the machine did besides.
 */
import { Engine } from '../dist/esm/native/engine.js';

const FIELDS = [
  ['id', 'int', 'number'],
  ['name', 'text', 'text'],
  ['email', 'text', 'text'],
  ['city', 'text', 'text'],
  ['age', 'int', 'number'],
  ['score', 'float', 'number'],
  ['active', 'bool', 'bool'],
  ['note', 'text', 'text'],
];
const ROWS = 10_000;
const ROUNDS = 9;

const engine = Engine.open();
engine.applySchema({
  collections: [
    {
      name: 'user',
      fields: FIELDS.map(([name, type]) => ({ name, type, nullable: name === 'note' })),
      primary: ['id'],
      indexes: [],
      foreign: [],
    },
  ],
});

const insert = engine.compile({ insert: { into: 'user', fields: FIELDS.map(([name]) => name) } });
const user = (i) => [
  i,
  `Person number ${i}`,
  `person${i}@example.com`,
  `City ${i % 100}`,
  i % 90,
  i / 3,
  i % 2 === 0,
  null,
];
const rows = Array.from({ length: ROWS }, (_, i) => user(i + 1)).flat();

const select = { fields: FIELDS.map(([field, , as]) => ({ field, as })) };
const byId = engine.compile({
  find: { from: 'user', where: { cmp: { op: 'eq', path: { field: 'id' }, value: { p: 0 } } }, select },
});
const page = engine.compile({ find: { from: 'user', limit: { p: 0 }, select } });
const count = engine.compile({ count: { from: 'user' } });
const inserting = engine.begin();

/** Nanoseconds of one call, the best round of several. */
function time(call) {
  let calls = 1;
  let elapsed = 0;
  while (elapsed < 30) {
    calls *= 2;
    elapsed = round(call, calls);
  }
  let best = elapsed / calls;
  for (let i = 0; i < ROUNDS; i++) {
    best = Math.min(best, round(call, calls) / calls);
  }
  return best * 1e6;
}

function round(call, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    call(i);
  }
  return performance.now() - start;
}

function report(title, nanoseconds, perCall) {
  const perRow = perCall > 1 ? `${(nanoseconds / perCall).toFixed(0).padStart(8)} ns a row` : '';
  console.log(`${title.padEnd(28)}${(nanoseconds / 1000).toFixed(2).padStart(10)} µs a call${perRow}`);
}

console.log(process.versions.bun ? `Bun ${process.versions.bun}` : `Node.js ${process.versions.node}`);
report(
  `insert ${ROWS} rows`,
  time(() => {
    inserting.clear();
    inserting.write(insert, rows);
  }),
  ROWS,
);
inserting.rollback();
engine.write(insert, rows);
report(
  'count',
  time(() => engine.count(count)),
  1,
);
report(
  'get by key',
  time((i) => engine.find(byId, [(i % ROWS) + 1])),
  1,
);
report(
  'find 100 rows',
  time(() => engine.find(page, [100])),
  100,
);
report(
  `find ${ROWS} rows`,
  time(() => engine.find(page, [ROWS])),
  ROWS,
);
engine.close();
