/** Orders by relations to many: as in SQL, which joins them, a row stands where the first of its combinations with related rows does. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  Collection,
  Entity,
  ManyToMany,
  ManyToOne,
  MikroORM,
  OneToMany,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Shop {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany({ entity: () => Item, mappedBy: 'shop' })
  items = new Collection<Item>(this);

  @OneToMany({ entity: () => Guard, mappedBy: 'shop' })
  guards = new Collection<Guard>(this);
}

@Entity({ discriminatorColumn: 'job', abstract: true })
abstract class Person {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  age!: number;

  @ManyToOne({ entity: () => Shop })
  shop!: Shop;
}

@Entity()
class Guard extends Person {}

@Entity()
class Clerk extends Person {}

@Entity()
class Item {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  kind!: string;

  @Property({ type: 'number', nullable: true })
  price!: number | null;

  @ManyToOne({ entity: () => Shop })
  shop!: Shop;

  @ManyToMany({ entity: () => Label })
  labels = new Collection<Label>(this);
}

@Entity()
class Label {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(
    defineConfig({
      dbName: ':memory:',
      entities: [Shop, Item, Label, Person, Guard, Clerk],
      allowGlobalContext: false,
    }),
  );
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const label = (id: number, text: string) => em.create(Label, { id, text });
  const [red, blue, sale] = [label(1, 'red'), label(2, 'blue'), label(3, 'sale')];
  for (const id of [1, 2, 3, 4]) {
    em.create(Shop, { id });
  }
  const item = (id: number, shop: number, kind: string, price: number | null, labels: Label[]) =>
    em.create(Item, { id, shop, kind, price, labels } as never);
  item(1, 1, 'tea', 30, [red]);
  item(2, 1, 'cup', 10, [blue, sale]);
  item(3, 2, 'tea', 20, [sale]);
  item(4, 2, 'cup', 50, [red, blue]);
  item(5, 3, 'tea', 40, [blue]);
  item(6, 3, 'pot', null, []);
  em.create(Clerk, { id: 1, age: 20, shop: 1 } as never);
  em.create(Guard, { id: 2, age: 50, shop: 1 } as never);
  em.create(Guard, { id: 3, age: 40, shop: 2 } as never);
  em.create(Clerk, { id: 4, age: 70, shop: 3 } as never);
  await em.flush();
});

afterEach(() => orm.close(true));

const ids = async (where: object, orderBy: object, page: object = {}) =>
  (await orm.em.fork().find(Shop, where as never, { orderBy: orderBy as never, ...page })).map(
    ({ id }) => id,
  );

describe('the first combination', () => {
  test('upwards it is the least value, downwards the greatest', async () => {
    assert.deepEqual(await ids({}, { items: { price: 'asc' } }), [3, 4, 1, 2]);
    assert.deepEqual(await ids({}, { items: { price: 'desc' } }), [2, 3, 1, 4]);
    assert.deepEqual(await ids({}, { items: { price: 'asc nulls last' } }), [1, 2, 3, 4]);
  });

  test('two criteria speak of the same row', async () => {
    assert.deepEqual(await ids({}, [{ items: { kind: 'asc' } }, { items: { price: 'desc' } }]), [4, 2, 1, 3]);
    assert.deepEqual(await ids({}, [{ items: { kind: 'desc' } }, { items: { price: 'asc' } }]), [2, 1, 3, 4]);
  });

  test('by way of several relations', async () => {
    assert.deepEqual(await ids({}, { items: { labels: { text: 'desc' } } }), [1, 2, 3, 4]);
    assert.deepEqual(
      await ids({}, [{ items: { labels: { text: 'desc' } } }, { items: { price: 'desc' } }]),
      [2, 1, 3, 4],
    );
    const items = await orm.em
      .fork()
      .find(Item, {}, { orderBy: [{ shop: { items: { price: 'desc' } } }, { id: 'desc' }] });
    assert.deepEqual(
      items.map(({ id }) => id),
      [4, 3, 6, 5, 2, 1],
    );
  });
});

test('rows of other classes in the same collection do not count', async () => {
  assert.deepEqual(await ids({}, { guards: { age: 'asc nulls last' } }), [2, 1, 3, 4]);
  assert.deepEqual(await ids({}, { guards: { age: 'desc' } }), [1, 2, 3, 4]);
  assert.deepEqual(await ids({}, { guards: { age: 'asc nulls last' } }, { limit: 2 }), [2, 1]);
});

describe('a condition on the same relation', () => {
  test('says which rows count', async () => {
    assert.deepEqual(await ids({ items: { kind: 'tea' } }, { items: { price: 'asc' } }), [2, 1, 3]);
    assert.deepEqual(await ids({ items: { kind: 'cup' } }, { items: { price: 'asc' } }), [1, 2]);
    assert.deepEqual(
      await ids({ items: { $not: { kind: 'cup' } } }, { items: { price: 'desc' } }),
      [3, 1, 2],
    );
  });

  test('also on a page', async () => {
    const tea = { items: { kind: 'tea' } };
    assert.deepEqual(await ids(tea, { items: { price: 'asc' } }, { limit: 2 }), [2, 1]);
    assert.deepEqual(await ids(tea, { items: { price: 'desc' } }, { limit: 2, offset: 1 }), [1, 2]);
  });

  test('also further on', async () => {
    const sale = { items: { labels: { text: 'sale' } } };
    assert.deepEqual(await ids(sale, { items: { price: 'desc' } }), [2, 1]);
    assert.deepEqual(
      await ids(sale, [{ items: { labels: { text: 'asc' } } }, { items: { price: 'asc' } }]),
      [1, 2],
    );
  });

  test('or on the row that leads there', async () => {
    const first = { $or: [{ id: 1 }, { items: { kind: 'tea' } }] };
    assert.deepEqual(await ids(first, { items: { price: 'asc' } }), [1, 2, 3]);
    assert.deepEqual(await ids(first, { items: { price: 'desc' } }), [3, 1, 2]);
    assert.deepEqual(await ids(first, { items: { price: 'desc' } }, { limit: 2 }), [3, 2]);
    const none = { $or: [{ id: 4 }, { items: { kind: 'cup' } }] };
    assert.deepEqual(await ids(none, { items: { price: 'asc' } }), [4, 1, 2]);
    const sale = { $or: [{ id: { $in: [2, 3] } }, { items: { labels: { text: 'sale' } } }] };
    assert.deepEqual(
      await ids(sale, [{ items: { labels: { text: 'asc' } } }, { items: { price: 'asc' } }]),
      [3, 2, 1],
    );
  });

  test('or on the very row that the way there begins at', async () => {
    const items = async (where: object, orderBy: object, page: object = {}) =>
      (
        await orm.em
          .fork()
          .find(Item, where as never, { orderBy: [orderBy, { id: 'asc' }] as never, ...page })
      ).map(({ id }) => id);
    const price = { shop: { items: { price: 'asc' } } };
    const cup = { $or: [{ id: 2 }, { shop: { items: { kind: 'tea' } } }] };
    assert.deepEqual(await items(cup, price), [2, 3, 4, 1, 5, 6]);
    assert.deepEqual(await items(cup, price, { limit: 2, offset: 1 }), [3, 4]);
    assert.deepEqual(await items(cup, { shop: { items: { price: 'desc' } } }), [5, 6, 1, 2, 3, 4]);
    const red = { $or: [{ labels: { text: 'red' } }, { shop: { items: { kind: 'tea' } } }] };
    assert.deepEqual(await items(red, price), [1, 3, 4, 2, 5, 6]);
    const further = { $or: [{ id: 4 }, { shop: { items: { labels: { text: 'sale' } } } }] };
    assert.deepEqual(await items(further, { shop: { items: { labels: { text: 'asc' } } } }), [4, 1, 2, 3]);
  });

  test('members of $and, and quantifiers, have rows of their own', async () => {
    const both = { $and: [{ items: { kind: 'tea' } }, { items: { kind: 'cup' } }] };
    assert.deepEqual(await ids(both, { items: { price: 'asc' } }), [1, 2]);
    assert.deepEqual(
      await ids({ items: { $some: { kind: 'tea' } } }, { items: { price: 'asc' } }),
      [3, 1, 2],
    );
  });

  test('what is populated by a join says which rows count, too', async () => {
    const options = { populate: ['items'], populateWhere: { items: { kind: 'tea' } }, strategy: 'joined' };
    assert.deepEqual(await ids({}, { items: { price: 'desc' } }, options), [3, 1, 2, 4]);
  });

  test('an order of what is populated is not about the members of a collection', async () => {
    for (const strategy of ['joined', 'select-in']) {
      const options = { populate: ['items.labels'], populateOrderBy: { items: { price: 'desc' } }, strategy };
      const shops = await orm.em.fork().find(Shop, {}, { orderBy: { id: 'asc' }, ...options } as never);
      const labels = shops.map(
        (shop) => shop.items.getItems().flatMap((item) => item.labels.getItems()).length,
      );
      assert.deepEqual(labels, [3, 3, 1, 0]);
    }
  });
});
