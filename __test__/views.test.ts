/** Views whose rows a function returns; only major 7 has them. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import * as library from 'collection-store-mikro-orm';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

const only7 = { skip: !('PolymorphicRef' in library) };

class Sale {
  id!: number;
  region!: string;
  amount!: number;
}
class Region {
  name!: string;
  sales!: number;
  amount!: number | null;
}
class Goal {
  id!: number;
  region!: Region;
}

// biome-ignore lint/suspicious/noExplicitAny: the entities have no types that both majors know.
type Em = any;

async function byRegion(em: Em): Promise<object[]> {
  const regions = new Map<string, { name: string; sales: number; amount: number }>();
  for (const { region: name, amount } of await em.find(Sale, {})) {
    const known = regions.get(name) ?? { name, sales: 0, amount: 0 };
    regions.set(name, { name, sales: known.sales + 1, amount: known.amount + amount });
  }
  return [...regions.values()];
}

function schemas(expression: unknown): unknown[] {
  const id = { type: 'number', primary: true };
  return [
    new EntitySchema({
      class: Sale,
      properties: { id, region: { type: 'string' }, amount: { type: 'number' } },
    } as never),
    new EntitySchema({
      class: Region,
      tableName: 'region_view',
      view: true,
      expression,
      properties: {
        name: { type: 'string', primary: true },
        sales: { type: 'number' },
        amount: { type: 'number', nullable: true },
      },
    } as never),
    new EntitySchema({
      class: Goal,
      properties: { id, region: { kind: 'm:1', entity: () => Region } },
    } as never),
  ];
}

const opened: MikroORM[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((orm) => orm.close(true)));
});

async function shop(expression: unknown = byRegion): Promise<() => Em> {
  const orm = await MikroORM.init(
    defineConfig({ entities: schemas(expression) as never, dbName: ':memory:' }),
  );
  opened.push(orm);
  await orm.schema.createSchema();
  const em: Em = orm.em.fork();
  for (const [region, amount] of [
    ['north', 10],
    ['south', 5],
    ['north', 20],
    ['west', 7],
  ] as const) {
    em.create(Sale, { region, amount });
  }
  await em.flush();
  return () => orm.em.fork();
}

const names = (regions: readonly Region[]) => regions.map(({ name }) => name).join(' ');

test('conditions, orders and pages of a view', only7, async () => {
  const fork = await shop();
  assert.equal(names(await fork().find(Region, {}, { orderBy: { amount: 'desc' } })), 'north west south');
  assert.equal(
    names(await fork().find(Region, { amount: { $lt: 10 } }, { orderBy: { name: 1 } })),
    'south west',
  );
  assert.equal(names(await fork().find(Region, {}, { orderBy: { amount: 1 }, limit: 1, offset: 1 })), 'west');
  assert.equal(await fork().count(Region, { sales: 1 }), 2);
  const north = await fork().findOneOrFail(Region, 'north');
  assert.deepEqual([north.sales, north.amount], [2, 30]);
  assert.equal(await fork().findOne(Region, { name: 'east' }), null);
});

test('the rows of a view are streamed', only7, async () => {
  const fork = await shop();
  const found: Region[] = [];
  const options = { where: { amount: { $gt: 5 } }, orderBy: { amount: 'desc' } };
  for await (const region of fork().stream(Region, options)) found.push(region);
  assert.equal(names(found), 'north west');
  await assert.rejects(async () => {
    for await (const goal of fork().stream(Goal, { populate: ['region'] })) assert.fail(goal);
  }, /Goal\.region cannot be populated while streaming/);
});

test('a view shows what its transaction sees', only7, async () => {
  const fork = await shop();
  await fork().transactional(async (em: Em) => {
    await em.insert(Sale, { region: 'east', amount: 1 });
    assert.equal(await em.count(Region), 4);
    assert.equal(await fork().count(Region), 3);
  });
});

test('a relation to a view is loaded by a query of its own', only7, async () => {
  const fork = await shop();
  const em = fork();
  await em.insert(Goal, { region: 'north' });
  for (const strategy of ['select-in', 'joined']) {
    const goal = await fork().findOneOrFail(Goal, 1, { populate: ['region'], strategy });
    assert.equal(goal.region.amount, 30, strategy);
  }
});

test('rows of a view need no keys of their own', only7, async () => {
  const fork = await shop(() => [
    { name: 'a', sales: 1 },
    { name: 'a', sales: 2, amount: null },
  ]);
  assert.equal(await fork().count(Region, { name: 'a' }), 2);
  assert.equal(await fork().count(Region, { amount: null }), 2);
});

test('a view of SQL is refused by name', only7, async () => {
  const sql = await shop(() => 'select 1');
  await assert.rejects(sql().find(Region, {}), /expression of the view Region returned SQL/);
  const nothing = await shop(() => 1);
  await assert.rejects(nothing().find(Region, {}), /expression of the view Region did not return rows/);
});
