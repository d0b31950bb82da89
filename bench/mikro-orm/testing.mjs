/**
 * What it costs to begin each test of a suite with the same data: 1,000 tests, 1,000 rows of seed, and each test commits.
 *
 *     npm run bench -- testing
 *
 * Measured is the reset alone, not what the test does, through MikroORM. PGlite is called directly.
 */
import { PGlite } from '@electric-sql/pglite';
import { BetterSqliteDriver, MikroORM as SqliteORM } from '@mikro-orm/better-sqlite';
import { EntitySchema } from '@mikro-orm/core';
import { CollectionStoreDriver, MikroORM } from 'collection-store-mikro-orm';
import { isolateTests } from 'collection-store-mikro-orm/testing';
import { median, microseconds, table } from '../report.mjs';

const TESTS = 1_000;
/** Suites that take long are cut: the cost of a reset is the same for each test. */
const FEWER_TESTS = 100;
const ROWS = 1_000;

const text = { type: 'string' };
const entities = () => [
  new EntitySchema({
    name: 'User',
    properties: {
      id: { type: 'number', primary: true },
      name: text,
      email: { ...text, unique: true },
      age: { type: 'number', index: true },
    },
  }),
];
const user = (n) => ({ name: `user ${n}`, email: `user${n}@example.com`, age: n % 90 });
const users = Array.from({ length: ROWS }, (_, n) => user(n));
const seed = (orm) => orm.em.fork().insertMany('User', users);

async function open(ORM, driver) {
  const orm = await ORM.init({ driver, entities: entities(), dbName: ':memory:' });
  await orm.schema.createSchema();
  await seed(orm);
  return orm;
}

/** A test of an application: changes rows, adds some, and commits. */
async function work(orm, n) {
  const em = orm.em.fork();
  for (const found of await em.find('User', { age: n % 90 })) {
    found.age = 100;
  }
  for (let i = 0; i < 10; i++) {
    em.create('User', user(ROWS + i));
  }
  await em.flush();
}

/** The median time of a reset, in nanoseconds. */
async function suite(tests, { before = () => {}, test, after, check }) {
  const times = [];
  for (let n = 0; n < tests; n++) {
    let time = 0;
    const timed = async (hook) => {
      const start = process.hrtime.bigint();
      await hook();
      time += Number(process.hrtime.bigint() - start);
    };
    await timed(before);
    await test(n);
    await timed(after);
    times.push(time);
  }
  if ((await check()) !== ROWS) throw new Error('The tests did not begin with the same data.');
  return median(times);
}

async function ours() {
  const orm = await open(MikroORM, CollectionStoreDriver);
  const hooks = {};
  isolateTests(orm, {
    beforeEach: (hook) => {
      hooks.before = hook;
    },
    afterEach: (hook) => {
      hooks.after = hook;
    },
  });
  const count = () => orm.em.fork().count('User');
  const time = await suite(TESTS, { ...hooks, test: (n) => work(orm, n), check: count });
  await orm.close();
  return time;
}

async function sqlite(reset) {
  const orm = await open(SqliteORM, BetterSqliteDriver);
  const after = async () => {
    await reset(orm);
    await seed(orm);
  };
  const count = () => orm.em.fork().count('User');
  const time = await suite(FEWER_TESTS, { test: (n) => work(orm, n), after, check: count });
  await orm.close();
  return time;
}

async function pglite() {
  const db = await PGlite.create();
  await db.exec(
    'create table "user" (id serial primary key, name text not null, email text not null unique, age int not null); create index on "user" (age)',
  );
  const insert = (from, to) => {
    const rows = Array.from({ length: to - from }, (_, i) => user(from + i));
    const values = rows.map(({ name, email, age }) => `('${name}', '${email}', ${age})`);
    return db.exec(`insert into "user" (name, email, age) values ${values.join()}`);
  };
  await insert(0, ROWS);
  const time = await suite(FEWER_TESTS, {
    test: async (n) => {
      await db.query('update "user" set age = 100 where age = $1', [n % 90]);
      await insert(ROWS, ROWS + 10);
    },
    after: async () => {
      await db.exec('truncate "user" restart identity');
      await insert(0, ROWS);
    },
    check: async () => (await db.query('select count(*)::int as count from "user"')).rows[0].count,
  });
  await db.close();
  return time;
}

const results = {
  'collection store: `isolateTests`': await ours(),
  'better-sqlite: `refreshDatabase` and seed': await sqlite((orm) => orm.schema.refreshDatabase()),
  'better-sqlite: `clear` and seed': await sqlite((orm) => orm.schema.clearDatabase()),
  'PGlite, without an ORM: `truncate` and seed': await pglite(),
};
const least = Math.min(...Object.values(results));
table(
  ['', 'reset, a test', ''],
  Object.entries(results).map(([name, time]) => [
    name,
    microseconds(time),
    time === least ? '' : `${Math.round(time / least).toLocaleString('en-GB')} x`,
  ]),
);
