import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  Cascade,
  Collection,
  Entity,
  ManyToMany,
  ManyToOne,
  MikroORM,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
class Person {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToOne({ entity: () => Person, nullable: true })
  parent?: Person | null;

  @OneToMany({ entity: () => Person, mappedBy: 'parent' })
  children = new Collection<Person>(this);

  @OneToOne({ entity: () => Passport, mappedBy: 'owner', nullable: true })
  passport?: Passport | null;

  @OneToMany({ entity: () => Pet, mappedBy: 'keeper', orphanRemoval: true, cascade: [Cascade.PERSIST] })
  pets = new Collection<Pet>(this);

  @ManyToMany({ entity: () => Club, inversedBy: 'members' })
  clubs = new Collection<Club>(this);
}

@Entity()
class Passport {
  @PrimaryKey({ type: 'string' })
  number!: string;

  @OneToOne({ entity: () => Person, inversedBy: 'passport' })
  owner!: Person;
}

@Entity()
class Pet {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToOne({ entity: () => Person })
  keeper!: Person;
}

@Entity()
class Club {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany({ entity: () => Person, mappedBy: 'clubs' })
  members = new Collection<Person>(this);
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Person, Passport, Pet, Club], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const ann = em.create(Person, { name: 'Ann' } as never);
  const bob = em.create(Person, { name: 'Bob', parent: ann } as never);
  const cid = em.create(Person, { name: 'Cid', parent: ann } as never);
  em.create(Passport, { number: 'P1', owner: ann } as never);
  ann.pets.add(
    em.create(Pet, { name: 'Rex', keeper: ann } as never),
    em.create(Pet, { name: 'Tom', keeper: ann } as never),
  );
  const chess = em.create(Club, { name: 'Chess' } as never);
  const golf = em.create(Club, { name: 'Golf' } as never);
  ann.clubs.add(chess, golf);
  bob.clubs.add(chess);
  em.persist([ann, bob, cid]);
  await em.flush();
});

afterEach(() => orm.close(true));

const person = (name: string, populate: string[] = [], em = orm.em.fork()) =>
  em.findOneOrFail(Person, { name }, { populate: populate as never });

const names = (items: Iterable<{ name: string }>) => [...items].map((item) => item.name).sort();

describe('loading', () => {
  for (const strategy of ['select-in', 'joined'] as const) {
    test(`every kind of relation, ${strategy}`, async () => {
      const em = orm.em.fork();
      const ann = await em.findOneOrFail(
        Person,
        { name: 'Ann' },
        { populate: ['children', 'passport', 'pets', 'clubs.members'] as never, strategy },
      );
      assert.deepEqual(names(ann.children), ['Bob', 'Cid']);
      assert.equal(ann.passport?.number, 'P1');
      assert.deepEqual(names(ann.pets), ['Rex', 'Tom']);
      assert.deepEqual(names(ann.clubs), ['Chess', 'Golf']);
      const chess = [...ann.clubs].find((club) => club.name === 'Chess');
      assert.deepEqual(names(chess?.members ?? []), ['Ann', 'Bob']);
    });
  }

  test('to-one as a reference until it is populated', async () => {
    const bob = await person('Bob');
    assert.equal(bob.parent?.id, 1);
    const populated = await person('Bob', ['parent']);
    assert.equal(populated.parent?.name, 'Ann');
    const ann = await person('Ann');
    assert.equal(ann.parent, null);
  });

  test('the other side of one to one is known without asking', async () => {
    assert.equal((await person('Ann')).passport?.number, 'P1');
    assert.equal((await person('Bob')).passport ?? null, null);
  });

  test('collections on demand: init, count, matching', async () => {
    const ann = await person('Ann');
    assert.equal(await ann.clubs.loadCount(), 2);
    assert.equal(await ann.pets.loadCount(), 2);
    assert.deepEqual(names(await ann.pets.init()), ['Rex', 'Tom']);
    assert.deepEqual(names(await ann.clubs.matching({ where: { name: 'Golf' } as never })), ['Golf']);
  });
});

describe('quantifiers below a relation without a row', () => {
  // Ann has no parent. The SQL drivers ask whether the parent's key is among those that count: null is in no empty
  // set, for certain, and unknown to be in any other.
  const cases: [string, object, string[]][] = [
    ['$none of nobody', { pets: { $none: { name: 'Nemo' } } }, ['Ann', 'Bob', 'Cid']],
    ['$none of somebody', { pets: { $none: { name: 'Rex' } } }, []],
    ['$every that nothing breaks', { pets: { $every: { name: { $ne: 'Nemo' } } } }, ['Ann', 'Bob', 'Cid']],
    ['$every that something breaks', { pets: { $every: { name: 'Rex' } } }, []],
    ['$some of nobody, negated', { $not: { pets: { $some: { name: 'Nemo' } } } }, ['Ann', 'Bob', 'Cid']],
    ['$some of somebody', { pets: { $some: { name: 'Rex' } } }, ['Bob', 'Cid']],
    ['through a pivot', { clubs: { $none: { name: 'Polo' } } }, ['Ann', 'Bob', 'Cid']],
    ['of a key that is null', { pets: { $none: { id: null } } }, ['Ann', 'Bob', 'Cid']],
    ['with an alternative', { $or: [{ clubs: { $none: { name: 'Golf' } } }, { name: null }] }, ['Ann']],
  ];
  for (const [text, parent, expected] of cases) {
    test(text, async () => {
      assert.deepEqual(names(await orm.em.fork().find(Person, { parent } as never)), expected);
    });
  }
});

describe('writing', () => {
  test('orphans are removed', async () => {
    const em = orm.em.fork();
    const ann = await person('Ann', ['pets'], em);
    const rex = [...ann.pets].find((pet) => pet.name === 'Rex');
    ann.pets.remove(rex as Pet);
    await em.flush();
    assert.deepEqual(names(await orm.em.fork().find(Pet, {})), ['Tom']);
  });

  test('many to many from both sides', async () => {
    const em = orm.em.fork();
    const cid = await person('Cid', ['clubs'], em);
    const clubs = await em.find(Club, {}, { populate: ['members'] as never, orderBy: { name: 'asc' } });
    cid.clubs.add(clubs[0] as Club);
    clubs[1]?.members.removeAll();
    await em.flush();
    const fresh = await orm.em
      .fork()
      .find(Club, {}, { populate: ['members'] as never, orderBy: { name: 'asc' } });
    assert.deepEqual(
      fresh.map((club) => names(club.members)),
      [['Ann', 'Bob', 'Cid'], []],
    );
  });

  test('a collection is replaced', async () => {
    const em = orm.em.fork();
    const ann = await person('Ann', ['clubs'], em);
    ann.clubs.set([em.create(Club, { name: 'Go' } as never)]);
    await em.flush();
    assert.deepEqual(names((await person('Ann', ['clubs'])).clubs), ['Go']);
  });

  test('removing what others point at through a pivot', async () => {
    const em = orm.em.fork();
    await em.remove(await em.findOneOrFail(Club, { name: 'Chess' })).flush();
    assert.deepEqual(names((await person('Ann', ['clubs'])).clubs), ['Golf']);
  });
});

describe('conditions and orders over relations', () => {
  const ids = async (where: object, orderBy: object = { id: 'asc' }) =>
    (await orm.em.fork().find(Person, where as never, { orderBy: orderBy as never })).map(
      (found) => found.name,
    );

  test('by the key of the other side', async () => {
    assert.deepEqual(await ids({ parent: 1 }), ['Bob', 'Cid']);
    assert.deepEqual(await ids({ parent: { id: 1 } }), ['Bob', 'Cid']);
    assert.deepEqual(await ids({ parent: null }), ['Ann']);
    assert.deepEqual(await ids({ parent: [1, 7] }), ['Bob', 'Cid']);
  });

  test('to one', async () => {
    assert.deepEqual(await ids({ parent: { name: 'Ann' } }), ['Bob', 'Cid']);
    assert.deepEqual(await ids({ passport: { number: 'P1' } }), ['Ann']);
  });

  test('to many, without doubling', async () => {
    assert.deepEqual(await ids({ pets: { name: { $like: '%' } } }), ['Ann']);
    assert.deepEqual(await ids({ clubs: { name: 'Chess' } }), ['Ann', 'Bob']);
    assert.deepEqual(await ids({ clubs: { $none: { name: 'Chess' } } }), ['Cid']);
    assert.deepEqual(await ids({ clubs: { $every: { name: 'Chess' } } }), ['Bob', 'Cid']);
    assert.deepEqual(await ids({ $and: [{ clubs: { name: 'Chess' } }, { clubs: { name: 'Golf' } }] }), [
      'Ann',
    ]);
  });

  test('order by a field of a relation', async () => {
    assert.deepEqual(await ids({ parent: { $ne: null } }, { parent: { name: 'desc' }, name: 'desc' }), [
      'Cid',
      'Bob',
    ]);
  });
});
