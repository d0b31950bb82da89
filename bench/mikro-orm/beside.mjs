/**
 * Random conditions, orders and populated relations through MikroORM, asked of `@mikro-orm/better-sqlite` as well:
 * every answer must be the same, row by row.
 *
 *     npm run bench -- beside
 *     SEED=7 npm run bench -- beside
 *
 * The seed is printed; questions that MikroORM makes invalid SQL of are passed over. A difference ends the program with
 * the question and both answers.
 */
import { deepStrictEqual } from 'node:assert/strict';
import { EntitySchema } from '@mikro-orm/core';
import { BetterSqliteDriver, MikroORM as SqliteORM } from '@mikro-orm/better-sqlite';
import { CollectionStoreDriver, MikroORM } from 'collection-store-mikro-orm';

const STORES = 20;
const QUESTIONS = 200;
const seed = Number(process.env.SEED ?? 1);

const id = { type: 'number', primary: true };
const number = { type: 'number', nullable: true };
const text = { type: 'string', nullable: true };

const entities = () => [
  new EntitySchema({
    name: 'Person',
    properties: {
      id,
      name: text,
      age: number,
      boss: { kind: 'm:1', entity: 'Person', nullable: true },
      team: { kind: '1:m', entity: 'Person', mappedBy: 'boss' },
      tasks: { kind: '1:m', entity: 'Task', mappedBy: 'owner' },
    },
  }),
  new EntitySchema({
    name: 'Task',
    properties: {
      id,
      name: text,
      points: number,
      owner: { kind: 'm:1', entity: 'Person' },
      labels: { kind: 'm:n', entity: 'Label', inversedBy: 'tasks' },
    },
  }),
  new EntitySchema({
    name: 'Label',
    properties: { id, name: text, tasks: { kind: 'm:n', entity: 'Task', mappedBy: 'labels' } },
  }),
];

const TEXTS = ['', 'a', 'Ab', 'b', 'zed', '100%'];
const MODEL = {
  Person: { numbers: ['age'], one: { boss: 'Person' }, many: { team: 'Person', tasks: 'Task' } },
  Task: { numbers: ['points'], one: { owner: 'Person' }, many: { labels: 'Label' } },
  Label: { numbers: [], one: {}, many: { tasks: 'Task' } },
};
const ROWS = { Person: 12, Task: 30, Label: 6 };

/** Numbers that look random and come again with the seed. */
function random(seed) {
  let state = (seed * 0x9e3779b1) >>> 0;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(next() * n);
  return { below, maybe: (chance) => next() < chance, pick: (list) => list[below(list.length)] };
}

function dataOf({ below, maybe, pick }) {
  const rows = (count, row) => Array.from({ length: count }, (_, i) => ({ id: i + 1, ...row(i) }));
  const orNull = (value) => (maybe(0.2) ? null : value);
  return {
    Person: rows(ROWS.Person, (i) => ({
      name: orNull(pick(TEXTS)),
      age: orNull(below(5)),
      boss: i === 0 ? null : orNull(1 + below(i)),
    })),
    Label: rows(ROWS.Label, () => ({ name: orNull(pick(TEXTS)) })),
    Task: rows(ROWS.Task, () => ({
      name: orNull(pick(TEXTS)),
      points: orNull(below(8)),
      owner: 1 + below(ROWS.Person),
      labels: Array.from({ length: ROWS.Label }, (_, i) => i + 1).filter(() => maybe(0.25)),
    })),
  };
}

/** Questions about an entity. */
function questionsOf({ below, maybe, pick }) {
  const scalar = (entity) => {
    const { numbers } = MODEL[entity];
    if (numbers.length > 0 && maybe(0.5)) {
      const value = () => below(8);
      return {
        [numbers[0]]: pick([
          value(),
          null,
          { $ne: value() },
          { $gt: value() },
          { $lte: value() },
          { $in: [value(), value()] },
          { $nin: [value(), value()] },
        ]),
      };
    }
    const value = () => pick(TEXTS);
    return {
      name: pick([
        value(),
        null,
        { $ne: null },
        { $ne: value() },
        { $like: '%b%' },
        { $in: [value(), value()] },
      ]),
    };
  };
  // Below a quantifier over M:N MikroORM 6 asks what $not says of the pivot, so that nothing is negated there.
  const where = (entity, depth = 0, negated = true) => {
    const { one, many } = MODEL[entity];
    const kind = depth > 2 ? 0 : below(10);
    if (kind >= 4 && kind < 6 && Object.keys(one).length > 0) {
      const name = pick(Object.keys(one));
      return { [name]: maybe(0.25) ? 1 + below(ROWS[one[name]]) : where(one[name], depth + 1, negated) };
    }
    if (kind >= 6 && kind < 8) {
      const name = pick(Object.keys(many));
      const quantifier = maybe(0.4) && pick(['$some', '$none', '$every']);
      const pivoted = entity === 'Label' || many[name] === 'Label';
      const members = where(many[name], depth + 1, negated && !(quantifier && pivoted));
      return { [name]: quantifier ? { [quantifier]: members } : members };
    }
    if (kind === 8 && negated) return { $not: where(entity, depth + 1) };
    if (kind === 9) {
      return {
        [pick(['$and', '$or'])]: [where(entity, depth + 1, negated), where(entity, depth + 1, negated)],
      };
    }
    return scalar(entity);
  };
  const direction = () => pick(['asc', 'desc', 'asc nulls last', 'desc nulls first']);
  const order = (entity, relations, depth = 0) => {
    const names = Object.keys(relations(entity));
    if (depth < 2 && names.length > 0 && maybe(0.5)) {
      const name = pick(names);
      return { [name]: order(relations(entity)[name], relations, depth + 1) };
    }
    return { [pick(['name', ...MODEL[entity].numbers])]: direction() };
  };
  const path = (entity, depth = 0) => {
    const relations = { ...MODEL[entity].one, ...MODEL[entity].many };
    const name = pick(Object.keys(relations));
    return depth < 1 && maybe(0.4) ? `${name}.${path(relations[name], depth + 1)}` : name;
  };
  const populated = (entity) => {
    if (maybe(0.6)) return {};
    const populate = [path(entity)];
    // Further on, SQL joins what is populated and what a condition follows together, and loads less than a query of its own would.
    return { populate, strategy: populate[0].includes('.') ? 'select-in' : pick(['joined', 'select-in']) };
  };
  return () => {
    const entity = pick(Object.keys(MODEL));
    // An order by relations to many is asked for with conditions that SQL can join as well, and without pages, which SQL picks in another order.
    const many = maybe(0.3);
    const relations = (name) => (many ? { ...MODEL[name].one, ...MODEL[name].many } : MODEL[name].one);
    const member = () => {
      const name = pick(Object.keys(MODEL[entity].many));
      return { [name]: scalar(MODEL[entity].many[name]) };
    };
    return {
      entity,
      where: many ? pick([() => ({}), () => scalar(entity), member])() : where(entity),
      options: {
        orderBy: [order(entity, relations), { id: 'asc' }],
        ...(!many && maybe(0.4) && { limit: 1 + below(5), offset: below(4) }),
        ...populated(entity),
      },
    };
  };
}

/** What was found, with what was loaded along; members in the order of their keys, as no order was asked for. */
function shown(found, depth = 0) {
  if (Array.isArray(found)) return found.map((entity) => shown(entity, depth));
  const { one, many } = MODEL[found.constructor.name] ?? MODEL[found.__meta.className];
  const relations = depth > 2 ? [] : [...Object.keys(one), ...Object.keys(many)];
  const values = relations.map((name) => {
    const value = found[name];
    if (value?.getItems !== undefined) {
      return value.isInitialized() ? shown(value.getItems(), depth + 1).sort(([a], [b]) => a - b) : undefined;
    }
    return value?.__helper.isInitialized() ? shown(value, depth + 1) : value?.id;
  });
  return [found.id, found.name, ...values];
}

async function open(ORM, driver, data) {
  const orm = await ORM.init({ driver, entities: entities(), dbName: ':memory:' });
  await orm.schema.createSchema();
  const em = orm.em.fork();
  for (const name of ['Person', 'Label', 'Task']) {
    await em.insertMany(name, data[name]);
  }
  return orm;
}

const answers = { same: 0, rows: 0, failed: 0 };
for (let number = 0; number < STORES; number += 1) {
  const chance = random(seed * 1_000 + number);
  const data = dataOf(chance);
  const orms = [
    await open(SqliteORM, BetterSqliteDriver, structuredClone(data)),
    await open(MikroORM, CollectionStoreDriver, structuredClone(data)),
  ];
  const question = questionsOf(chance);
  for (let i = 0; i < QUESTIONS; i += 1) {
    const { entity, where, options } = question();
    const answer = async (orm) =>
      shown(await orm.em.fork().find(entity, structuredClone(where), structuredClone(options)));
    const [sqlite, store] = orms;
    const expected = await answer(sqlite).catch(() => undefined);
    if (expected === undefined) {
      answers.failed += 1;
      continue;
    }
    const actual = await answer(store);
    const asked = JSON.stringify({ seed, store: number, entity, where, options });
    deepStrictEqual(
      actual,
      expected,
      `${asked}\nSQLite: ${JSON.stringify(expected)}\nhere:   ${JSON.stringify(actual)}`,
    );
    answers.same += 1;
    answers.rows += expected.length;
  }
  await Promise.all(orms.map((orm) => orm.close(true)));
}
console.log(
  `${answers.same} random questions of ${STORES} stores had the same answer here and from \`@mikro-orm/better-sqlite\`, ${answers.rows} rows in all (seed ${seed}); of ${answers.failed} more MikroORM makes SQL that SQLite refuses.`,
);
