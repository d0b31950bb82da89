/** Conditions on the members of lists, and on how many rows a collection has. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  Collection,
  Embeddable,
  Embedded,
  Entity,
  ManyToMany,
  ManyToOne,
  MikroORM,
  OneToMany,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';
import { coreMajor } from './compatibility/feature.js';

@Embeddable()
class Room {
  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'number', nullable: true })
  beds?: number | null;
}

@Embeddable()
class Stay {
  @Property({ type: 'string', fieldName: 'town' })
  city!: string;

  @Property({ type: 'number', nullable: true })
  nights?: number | null;

  @Property({ type: 'Date', nullable: true })
  since?: Date | null;

  @Embedded(() => Room, { object: true, nullable: true })
  room?: Room | null;

  @Embedded(() => Room, { array: true, nullable: true })
  others?: Room[] | null;
}

@Entity()
class Guest {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'json', nullable: true })
  tags?: unknown;

  @Embedded(() => Stay, { array: true, nullable: true })
  stays?: Stay[] | null;

  @ManyToOne(() => Guest, { nullable: true })
  host?: Guest | null;

  @OneToMany(
    () => Guest,
    (guest) => guest.host,
  )
  visitors = new Collection<Guest>(this);

  @ManyToMany(() => Guest)
  friends = new Collection<Guest>(this);
}

const guests = [
  {
    id: 1,
    name: 'Ann',
    tags: [
      { name: 'red', n: 1 },
      { name: 'blue', n: 5, deep: { x: 1 } },
    ],
    stays: [
      {
        city: 'Oslo',
        nights: 2,
        since: new Date(0),
        room: { name: 'low', beds: 1 },
        others: [{ name: 'o', beds: 3 }],
      },
      { city: 'Rome', nights: 5 },
    ],
  },
  {
    id: 2,
    name: 'Bob',
    tags: [{ name: 'red', n: 7 }, 'blue', null],
    stays: [{ city: 'Oslo', nights: 9 }],
    host: 1,
  },
  { id: 3, name: 'Cid', tags: [], stays: [], host: 1 },
  { id: 4, name: 'Dan', tags: { name: 'red', n: 1 }, stays: [{ city: 'Bern', nights: null }] },
  { id: 5, name: 'Eve' },
];

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(
    defineConfig({ entities: [Guest, Stay, Room], dbName: ':memory:', serialization: { forceObject: true } }),
  );
  await orm.schema.createSchema();
  const em = orm.em.fork();
  await em.insertMany(Guest, guests as never);
  const [ann, , cid] = await em.find(Guest, {}, { populate: ['friends'], orderBy: { id: 'asc' } });
  ann?.friends.set([em.getReference(Guest, 2), em.getReference(Guest, 3)]);
  cid?.friends.set([em.getReference(Guest, 1)]);
  await em.flush();
});

after(() => orm.close(true));

type Loose = never;

async function ids(where: object): Promise<number[]> {
  const em = orm.em.fork();
  const found = await em.find(Guest, where as Loose, { orderBy: { id: 'asc' } });
  assert.equal(await em.count(Guest, where as Loose), found.length);
  return found.map(({ id }) => id);
}

async function each(cases: readonly (readonly [where: object, expected: readonly number[]])[]) {
  for (const [where, expected] of cases) {
    assert.deepEqual(await ids(where), expected, JSON.stringify(where));
  }
}

async function refused(where: object, message: RegExp) {
  await assert.rejects(ids(where), message, JSON.stringify(where));
}

describe('$elemMatch', { skip: coreMajor === 6 }, () => {
  const tags = (condition: object) => ({ tags: { $elemMatch: condition } });

  test('asks one member for everything', () =>
    each([
      [tags({ name: 'red' }), [1, 2]],
      [tags({ n: { $gt: 4 } }), [1, 2]],
      [tags({ name: 'red', n: { $gt: 4 } }), [2]],
      [tags({ $or: [{ name: 'blue' }, { n: 7 }] }), [1, 2]],
      [tags({ $and: [{ name: 'blue' }, { n: 5 }] }), [1]],
      [tags({ name: { $in: ['blue', 'green'] } }), [1]],
      [tags({ name: { $like: 're%' }, n: { $ne: 1 } }), [2]],
    ]));

  test('knows nothing of what a member lacks', () =>
    each([
      [tags({ $not: { name: 'red' } }), [1]],
      [tags({ name: null }), [2]],
      [tags({ deep: { $exists: true } }), [1]],
      [tags({ missing: { $ne: 1 } }), []],
    ]));

  test('is never unknown itself', () =>
    each([
      [{ $not: tags({ name: 'red' }) }, [3, 4, 5]],
      [{ $not: tags({ missing: 1 }) }, [1, 2, 3, 4, 5]],
    ]));

  test('stands beside other conditions', () =>
    each([
      [{ ...tags({ name: 'red' }), name: 'Bob' }, [2]],
      [{ $and: [tags({ name: 'red' }), tags({ name: 'blue' })] }, [1]],
      [{ $or: [tags({ name: 'blue' }), { id: 5 }] }, [1, 5]],
      [{ host: tags({ name: 'blue' }) }, [2, 3]],
      [{ friends: { $some: tags({ n: 7 }) } }, [1]],
    ]));

  test('says nothing when empty', () =>
    each([
      [tags({}), [1, 2, 3, 4, 5]],
      [tags({ $or: [] }), [1, 2, 3, 4, 5]],
      [tags({ $or: [{}], $not: {} }), [1, 2, 3, 4, 5]],
    ]));

  test('names what is wrong', async () => {
    await refused(
      { name: { $elemMatch: { a: 1 } } },
      /can only be used on JSON array properties, but 'Guest\.name'/,
    );
    await refused(tags({ "x'; --": 1 }), /Invalid JSON property name: 'x'; --'/);
    await refused(tags({ $near: 1 }), /Invalid JSON property name: '\$near'/);
    await refused({ tags: { $elemMatch: 'red' } }, /Guest\.tags/);
    await refused(tags({ $or: ['red'] }), /Guest\.tags/);
    await refused(tags({ name: { $near: 1 } }), /\$near/);
  });
});

test('$elemMatch is refused by name where core takes it for a name', { skip: coreMajor !== 6 }, () =>
  refused({ tags: { $elemMatch: { name: 'red', n: 7 } } }, /\$elemMatch from version 7 on/),
);

describe('Lists of embedded objects', () => {
  const stays = (condition: object) => ({ stays: condition });

  test('have one object that fulfils all conditions', () =>
    each([
      [stays({ city: 'Oslo' }), [1, 2]],
      [stays({ city: 'Oslo', nights: { $gt: 3 } }), [2]],
      [stays({ $elemMatch: { city: 'Rome', nights: 5 } }), [1]],
      [stays({ city: 'Rome', $elemMatch: { city: 'Oslo', nights: 2 } }), [1]],
      [stays({ $or: [{ city: 'Rome' }, { nights: 9 }] }), [1, 2]],
      [stays({ $and: [{ city: 'Rome' }, { nights: 9 }] }), []],
      [{ $and: [stays({ city: 'Rome' }), stays({ nights: 2 })] }, [1]],
      [stays({ city: { $in: ['Bern', 'Rome'] } }), [1, 4]],
      [stays({ city: { $in: [] } }), []],
      [stays({ city: { $nin: [] } }), [1, 2, 4]],
      [stays({ nights: null }), [4]],
      [stays({ nights: { $ne: null } }), [1, 2]],
      [stays({ since: new Date(0) }), [1]],
    ]));

  test('have no object that fulfils what stands in $not', () =>
    each([
      [stays({ $not: { city: 'Oslo' } }), [3, 4, 5]],
      [stays({ city: 'Oslo', $not: { nights: { $gt: 8 } } }), [1]],
      [stays({ $or: [{ $not: { city: 'Oslo' } }] }), [1, 4]],
      [stays({ $not: {} }), [1, 2, 3, 4, 5]],
      [stays({ $or: [{}] }), [1, 2, 3, 4, 5]],
    ]));

  test('may hold objects and lists', () =>
    each([
      [stays({ room: { name: 'low' } }), [1]],
      [stays({ room: { name: 'low', beds: 2 } }), []],
      [stays({ room: null, city: 'Rome' }), [1]],
      [stays({ others: { beds: 3 } }), [1]],
      [stays({ city: 'Rome', others: { beds: 3 } }), []],
      [stays({ others: { $not: { beds: 3 } } }), [1, 2, 4]],
    ]));

  test('name what is wrong', async () => {
    await refused(stays({ street: 'x' }), /'street' does not exist in embeddable/);
    await refused(stays({ city: { $in: 'Oslo' } }), /\$in operator expects an array value/);
    await refused(stays({ $not: 'Oslo' }), /Guest\.stays/);
    await refused(stays({ $near: 1 }), /\$near/);
  });
});

describe('$size', () => {
  const visitors = (size: unknown) => ({ visitors: { $size: size } });
  const friends = (size: unknown) => ({ friends: { $size: size } });

  test('counts the rows of a collection', () =>
    each([
      [visitors(2), [1]],
      [visitors(0), [2, 3, 4, 5]],
      [visitors({ $gt: 0 }), [1]],
      [visitors({ $gte: 0, $lt: 2 }), [2, 3, 4, 5]],
      [visitors({ $ne: 2 }), [2, 3, 4, 5]],
      [visitors({ $lte: 2 }), [1, 2, 3, 4, 5]],
      [friends(2), [1]],
      [friends({ $gte: 1 }), [1, 3]],
      [friends({ $eq: 0 }), [2, 4, 5]],
    ]));

  test('stands beside other conditions', () =>
    each([
      [{ visitors: { $size: 2, $some: { name: 'Bob' } } }, [1]],
      [{ $not: visitors(2) }, [2, 3, 4, 5]],
      [{ $or: [visitors(2), friends(1)] }, [1, 3]],
      [{ host: visitors(2) }, [2, 3]],
      [{ host: visitors({ $gt: 2 }) }, []],
      [{ friends: { $some: friends(1) } }, [1]],
    ]));

  test('names what is wrong', async () => {
    await refused(
      { name: { $size: 1 } },
      /Collection operators can be used only inside a collection property/,
    );
    await refused(
      { host: { $size: 1 } },
      /Collection operators can be used only inside a collection property/,
    );
    await refused({ visitors: { $size: 1, name: 'Bob' } }, /Mixing collection operators/);
    await refused(visitors('two'), /\$size needs a number/);
    await refused(visitors({ $in: [1] }), /\$size/);
    await refused(visitors({ $gt: null }), /\$gt needs a number/);
  });
});
