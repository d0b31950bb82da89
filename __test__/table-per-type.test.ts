/** Table-per-type inheritance: an entity has a row in the collection of its class, and in those of the classes above. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import * as core from '@mikro-orm/core';
import {
  Collection,
  Embeddable,
  Embedded,
  Entity,
  EntitySchema,
  Formula,
  ManyToMany,
  ManyToOne,
  MikroORM,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
  Unique,
  computed,
  defineConfig,
} from 'collection-store-mikro-orm';

/** Only major 7 knows it. */
const known = 'PolymorphicRef' in core;
/** Early minors of it fail on changes of several entities with versions. */
const batches = 'hasOptimisticLock' in core.EntityMetadata.prototype;
const tpt = { inheritance: 'tpt' } as never;

@Embeddable()
class Size {
  @Property({ type: 'number' })
  width!: number;

  @Property({ type: 'number', nullable: true })
  height?: number | null;
}

@Entity()
class Owner {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany({ entity: () => Animal, mappedBy: 'owner' })
  animals = new Collection<Animal>(this);

  @OneToMany({ entity: () => Dog, mappedBy: 'owner', orphanRemoval: true })
  dogs = new Collection<Dog>(this);

  @ManyToOne({ entity: () => Dog, nullable: true })
  favourite?: Dog | null;
}

@Entity(tpt)
abstract class Animal {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'number', default: 1 })
  weight!: number;

  @ManyToOne({ entity: () => Owner, nullable: true })
  owner?: Owner | null;

  @ManyToMany({ entity: () => Tag, inversedBy: 'animals' })
  tags = new Collection<Tag>(this);

  @Embedded({ entity: () => Size, nullable: true })
  size?: Size | null;

  @Property({ type: 'json', nullable: true })
  notes?: unknown;
}

@Entity()
class Pet extends Animal {
  @Property({ type: 'string' })
  chip!: string;

  @Property({ type: 'string', default: 'home' })
  place!: string;
}

@Entity()
class Dog extends Pet {
  @Unique()
  @Property({ type: 'string' })
  licence!: string;

  /** A cat has one of the same name and another type. */
  @Property({ type: 'number', default: 3 })
  toys!: number;

  @ManyToOne({ entity: () => Animal, nullable: true })
  friend?: Animal | null;

  @OneToMany({ entity: () => Walk, mappedBy: 'dog' })
  walks = new Collection<Walk>(this);
}

@Entity()
class Cat extends Pet {
  @Property({ type: 'string', nullable: true })
  toys?: string | null;

  @OneToOne({ entity: () => Dog, nullable: true })
  rival?: Dog | null;
}

@Entity()
class Wild extends Animal {
  @Property({ type: 'string' })
  habitat!: string;
}

@Entity()
class Walk {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Dog })
  dog!: Dog;
}

@Entity()
class Tag {
  @PrimaryKey({ type: 'string' })
  label!: string;

  @ManyToMany({ entity: () => Animal, mappedBy: 'tags' })
  animals = new Collection<Animal>(this);
}

const entities = [Owner, Animal, Pet, Dog, Cat, Wild, Walk, Tag];

describe('table-per-type inheritance', { skip: !known }, () => {
  let orm: MikroORM;
  let em: MikroORM['em'];

  before(async () => {
    orm = await MikroORM.init(defineConfig({ entities, dbName: ':memory:' }));
  });

  beforeEach(async () => {
    await orm.schema.refreshDatabase();
    em = orm.em.fork();
    const ann = em.create(Owner, { name: 'Ann' } as never);
    const bob = em.create(Owner, { name: 'Bob' } as never);
    const tag = em.create(Tag, { label: 'old' } as never);
    const size = { width: 3, height: 2 };
    const rex = em.create(Dog, { name: 'Rex', chip: 'd1', licence: 'l1', owner: ann, size } as never);
    const tom = em.create(Cat, { name: 'Tom', chip: 'c1', toys: 'wool', owner: ann } as never);
    const leo = em.create(Wild, { name: 'Leo', habitat: 'savanna', weight: 9, notes: { age: 7 } } as never);
    em.create(Pet, { name: 'Kim', chip: 'p1', owner: bob } as never);
    await em.flush();
    // Which of those that refer to each other comes first is left to core, which gives up on such rings.
    rex.friend = tom;
    tom.rival = rex;
    rex.tags.add(tag);
    leo.tags.add(tag);
    em.create(Walk, { dog: rex } as never);
    ann.favourite = rex;
    await em.flush();
    em = orm.em.fork();
  });

  afterEach(() => em.clear());

  after(() => orm.close(true));

  const described = (found: readonly Animal[]) =>
    found.map((each) => `${each.constructor.name} ${each.name}`);

  test('each level finds its rows, as what they are, with all they have', async () => {
    const orderBy = { name: 'asc' } as const;
    assert.deepEqual(described(await em.find(Animal, {}, { orderBy })), [
      'Pet Kim',
      'Wild Leo',
      'Dog Rex',
      'Cat Tom',
    ]);
    em.clear();
    assert.deepEqual(described(await em.find(Pet, {}, { orderBy })), ['Pet Kim', 'Dog Rex', 'Cat Tom']);
    em.clear();
    const [rex] = await em.find(Dog, {});
    assert.ok(rex instanceof Dog);
    assert.deepEqual(
      [rex.name, rex.weight, rex.chip, rex.place, rex.licence, rex.toys, rex.size?.width],
      ['Rex', 1, 'd1', 'home', 'l1', 3, 3],
    );
    em.clear();
    const animals = await em.find(Animal, {}, { orderBy });
    assert.deepEqual(
      animals.map((each) => (each as Cat).toys),
      [undefined, undefined, 3, 'wool'],
    );
    assert.equal((animals[3] as Cat).rival?.id, animals[2]?.id);
    assert.deepEqual((animals[1] as Wild).notes, { age: 7 });
    assert.deepEqual(
      [await em.count(Animal), await em.count(Pet), await em.count(Dog), await em.count(Wild)],
      [4, 3, 1, 1],
    );
  });

  test('conditions and orders on properties of every level', async () => {
    const names = async (entity: unknown, where: unknown, orderBy: unknown = { id: 'asc' }) =>
      (await orm.em.fork().find(entity as typeof Animal, where as never, { orderBy } as never)).map(
        ({ name }) => name,
      );
    assert.deepEqual(await names(Dog, { name: 'Rex', chip: 'd1', toys: { $gt: 2 } }), ['Rex']);
    assert.deepEqual(await names(Dog, { name: 'Tom' }), []);
    assert.deepEqual(await names(Pet, { $or: [{ name: 'Kim' }, { chip: 'c1' }] }), ['Tom', 'Kim']);
    assert.deepEqual(await names(Pet, { $not: { name: 'Kim' } }), ['Rex', 'Tom']);
    assert.deepEqual(await names(Pet, { owner: { name: 'Bob' } }), ['Kim']);
    assert.deepEqual(await names(Pet, { size: { width: { $gte: 3 } } }), ['Rex']);
    assert.deepEqual(await names(Pet, { size: null }), ['Tom', 'Kim']);
    assert.deepEqual(await names(Wild, { notes: { age: 7 } }), ['Leo']);
    assert.deepEqual(await names(Wild, { owner: null }), ['Leo']);
    assert.deepEqual(await names(Dog, { tags: { label: 'old' } }), ['Rex']);
    assert.deepEqual(await names(Dog, { walks: { $some: {} } }), ['Rex']);
    assert.deepEqual(await names(Dog, { friend: { name: 'Tom' } }), ['Rex']);
    assert.deepEqual(await names(Cat, { rival: { name: 'Rex', licence: 'l1' } }), ['Tom']);
    assert.deepEqual(await names(Owner, { favourite: { name: 'Rex', chip: 'd1' } }), ['Ann']);
    assert.deepEqual(await names(Owner, { favourite: { size: { height: null } } }), ['Bob']);
    assert.deepEqual(await names(Owner, { dogs: { name: 'Rex' } }), ['Ann']);
    assert.deepEqual(await names(Owner, { dogs: { $none: { chip: 'd1' } } }), ['Bob']);
    const tom = await orm.em.fork().findOneOrFail(Cat, { name: 'Tom' });
    assert.deepEqual(await names(Owner, { dogs: tom.id }), []);
    assert.deepEqual(await names(Owner, { animals: tom.id }), ['Ann']);
    assert.deepEqual(await names(Owner, {}, [{ dogs: { toys: 'asc' } }, { name: 'asc' }]), ['Bob', 'Ann']);
    assert.deepEqual(await names(Owner, {}, [{ dogs: { id: 'asc' } }, { name: 'asc' }]), ['Bob', 'Ann']);
    assert.deepEqual(await names(Pet, {}, { owner: { name: 'desc' }, name: 'desc' }), ['Kim', 'Tom', 'Rex']);
    assert.deepEqual(await names(Owner, {}, { favourite: { name: 'desc' } }), ['Ann', 'Bob']);
    assert.deepEqual(await names(Pet, {}, [{ size: { width: 'desc' } }, { chip: 'desc' }]), [
      'Rex',
      'Kim',
      'Tom',
    ]);
    assert.equal(await em.count(Pet, { owner: { name: 'Ann' } }), 2);
    await assert.rejects(
      em.find(Animal, { licence: 'l1' } as never),
      /not existing property Animal\.licence/,
    );
  });

  test('a lock is one of the rows of all classes, whichever is asked for', async () => {
    const { PESSIMISTIC_WRITE, PESSIMISTIC_WRITE_OR_FAIL } = core.LockMode;
    const { id } = await em.findOneOrFail(Dog, { name: 'Rex' });
    const byClass = (entity: typeof Animal) => async (holder: typeof em) => {
      await holder.findOneOrFail(entity, { id }, { lockMode: PESSIMISTIC_WRITE });
    };
    const lockings = [byClass(Animal), byClass(Pet as never), byClass(Dog as never)];
    lockings.push(async (holder) => holder.lock(await holder.findOneOrFail(Pet, id), PESSIMISTIC_WRITE));
    for (const [at, lock] of lockings.entries()) {
      for (const change of [{ weight: 10 + at }, { place: `yard ${at}` }, { toys: 10 + at }]) {
        const holder = orm.em.fork();
        await holder.begin();
        await lock(holder);
        const other = orm.em.fork();
        Object.assign(await other.findOneOrFail(Dog, id), change);
        let done = false;
        const flushed = other.flush().then(() => {
          done = true;
        });
        await new Promise((later) => setTimeout(later, 2));
        assert.equal(done, false, `${JSON.stringify(change)} waits`);
        await holder.rollback();
        await flushed;
      }
      await orm.em.fork().transactional(async (holder) => {
        await lock(holder);
        const or = { lockMode: PESSIMISTIC_WRITE_OR_FAIL };
        for (const entity of [Animal, Pet, Dog]) {
          const locked = orm.em
            .fork()
            .transactional((trx) => trx.findOne(entity as typeof Animal, { id }, or));
          await assert.rejects(locked, { name: 'LockWaitTimeoutException' });
        }
      });
    }
  });

  for (const strategy of ['joined', 'select-in'] as const) {
    test(`relations to and from every level (${strategy})`, async () => {
      const populate = ['animals.tags', 'dogs.walks', 'favourite.owner', 'favourite.friend'] as const;
      const orderBy = { id: 'asc' } as const;
      const [ann, bob] = await em.find(Owner, {}, { populate, strategy, orderBy });
      assert.deepEqual(described(ann?.animals.getItems() ?? []).sort(), ['Cat Tom', 'Dog Rex']);
      assert.deepEqual(described(ann?.dogs.getItems() ?? []), ['Dog Rex']);
      assert.deepEqual([bob?.animals.length, bob?.dogs.length, bob?.favourite], [1, 0, null]);
      const rex = ann?.dogs[0];
      assert.equal(ann?.favourite, rex);
      assert.equal(rex?.walks.length, 1);
      assert.deepEqual([rex?.tags[0]?.label, rex?.owner], ['old', ann]);
      assert.deepEqual([rex?.friend?.constructor, rex?.friend?.name], [Cat, 'Tom']);
      em.clear();
      const tag = await em.findOneOrFail(Tag, { label: 'old' }, { populate: ['animals'], strategy });
      assert.deepEqual(described(tag.animals.getItems()).sort(), ['Dog Rex', 'Wild Leo']);
      em.clear();
      const cat = await em.findOneOrFail(
        Cat,
        { name: 'Tom' },
        { populate: ['rival.owner', 'owner'], strategy },
      );
      assert.deepEqual([cat.rival?.licence, cat.rival?.name, cat.rival?.owner], ['l1', 'Rex', cat.owner]);
      assert.equal(cat.owner?.name, 'Ann');
    });
  }

  test('some of the properties, those of several levels', async () => {
    const [rex] = await em.find(Dog, {}, { fields: ['name', 'licence', 'size.width'] as never });
    assert.deepEqual(
      [rex?.name, (rex as Dog).licence, (rex as Dog).size?.width, (rex as Dog).size?.height],
      ['Rex', 'l1', 3, undefined],
    );
    assert.equal((rex as Dog).chip, undefined);
    em.clear();
    assert.deepEqual(described((await em.find(Animal, {}, { fields: ['name'] })) as Animal[]), [
      'Dog Rex',
      'Cat Tom',
      'Wild Leo',
      'Pet Kim',
    ]);
    em.clear();
    const [dog] = (await em.find(Dog, {}, { exclude: ['name', 'licence'] })) as unknown as Dog[];
    assert.deepEqual([dog?.name, dog?.licence, dog?.chip], [undefined, undefined, 'd1']);
  });

  test('changes of own and inherited properties in one flush', async () => {
    const rex = await em.findOneOrFail(Dog, { name: 'Rex' });
    Object.assign(rex, { name: 'Max', chip: 'd2', licence: 'l2', weight: 5 });
    await em.flush();
    em = orm.em.fork();
    const animal = await em.findOneOrFail(Animal, rex.id);
    assert.deepEqual(
      [animal.name, (animal as Dog).chip, (animal as Dog).licence, animal.weight],
      ['Max', 'd2', 'l2', 5],
    );
    animal.name = 'Old Max';
    assert.equal((await em.refresh(animal))?.name, 'Max');
    assert.equal(await em.findOne(Dog, rex.id), animal);
    for (const pet of await em.find(Pet, {})) {
      pet.name += '!';
      pet.place = 'garden';
    }
    await em.flush();
    assert.deepEqual(
      (await orm.em.fork().find(Pet, {}, { orderBy: { id: 'asc' } })).map(({ name, place }) => name + place),
      ['Max!garden', 'Tom!garden', 'Kim!garden'],
    );
  });

  test('removing takes the rows of all levels along', async () => {
    const rex = await em.findOneOrFail(Animal, { name: 'Rex' });
    await em.nativeDelete(Walk, {});
    await em.nativeUpdate(Cat, {}, { rival: null });
    await em.nativeUpdate(Owner, {}, { favourite: null });
    em.remove(rex);
    await em.flush();
    assert.deepEqual([await em.count(Animal), await em.count(Pet), await em.count(Dog)], [3, 2, 0]);
    const dog = { name: 'Rex', chip: 'd1', licence: 'l1' };
    em.create(Dog, dog as never);
    await em.flush();
    assert.equal(await em.count(Dog), 1);
  });

  test('collections give members up to nobody, or remove them', async () => {
    const ann = await em.findOneOrFail(Owner, { name: 'Ann' }, { populate: ['animals'] });
    ann.animals.removeAll();
    await em.flush();
    assert.equal(await orm.em.fork().count(Animal, { owner: null }), 3);
    const next = orm.em.fork();
    const bob = await next.findOneOrFail(Owner, { name: 'Bob' });
    bob.animals.add(await next.findOneOrFail(Dog, { name: 'Rex' }));
    await next.flush();
    assert.equal(await orm.em.fork().count(Dog, { owner: { name: 'Bob' } }), 1);
    await orm.em.fork().nativeDelete(Walk, {});
    await orm.em.fork().nativeUpdate(Cat, {}, { rival: null });
    await orm.em.fork().nativeUpdate(Owner, {}, { favourite: null });
    const last = orm.em.fork();
    const owner = await last.findOneOrFail(Owner, { name: 'Bob' });
    owner.dogs.set([last.create(Dog, { name: 'Pip', chip: 'd3', licence: 'l3' } as never)]);
    await last.flush();
    assert.deepEqual(
      (await orm.em.fork().find(Animal, { owner: { name: 'Bob' } })).map(({ name }) => name),
      ['Kim', 'Pip'],
    );
  });

  test('constraints hold for what each class declares', async () => {
    const dog = { name: 'Ace', chip: 'd9', licence: 'l1' };
    await assert.rejects(
      async () => {
        em.create(Dog, dog as never);
        await em.flush();
      },
      { name: 'UniqueConstraintViolationException' },
    );
    assert.equal(await orm.em.fork().count(Animal, { name: 'Ace' }), 0);
    const other = orm.em.fork();
    await assert.rejects(other.nativeUpdate(Dog, { name: 'Rex' }, { licence: null } as never), {
      name: 'NotNullConstraintViolationException',
    });
    await assert.rejects(
      other.nativeUpdate(Cat, {}, { chip: 'x' } as never),
      /Cat\.chip is kept in rows of Pet/,
    );
    const tom = await other.findOneOrFail(Cat, { name: 'Tom' });
    await assert.rejects(other.insert(Walk, { dog: tom.id } as never), {
      name: 'ForeignKeyConstraintViolationException',
    });
    await assert.rejects(other.insert(Dog, { id: 99, licence: 'l9' } as never), {
      name: 'ForeignKeyConstraintViolationException',
    });
  });

  test('writes without entities are about the rows of one class', async () => {
    const leo = await em.findOneOrFail(Wild, { name: 'Leo' });
    assert.equal(await em.nativeUpdate(Wild, { name: 'Leo' }, { habitat: 'zoo' }), 1);
    assert.equal(await em.nativeUpdate(Animal, { name: 'Leo' }, { weight: 8 }), 1);
    await em.upsert(Wild, { id: leo.id, habitat: 'park' } as never);
    em.clear();
    const again = await em.findOneOrFail(Wild, leo.id);
    assert.deepEqual([again.name, again.habitat, again.weight], ['Leo', 'park', 8]);
    const kim = await em.findOneOrFail(Pet, { name: 'Kim' });
    await em.insert(Cat, { id: kim.id } as never);
    em.clear();
    assert.ok((await em.findOneOrFail(Animal, kim.id)) instanceof Cat);
    assert.equal(await em.nativeDelete(Cat, { name: 'Kim' }), 1);
    em.clear();
    assert.equal((await em.findOneOrFail(Animal, kim.id)).constructor, Pet);
    assert.equal(await em.nativeDelete(Animal, { name: 'Kim' }), 1);
    assert.equal(await em.count(Pet, { name: 'Kim' }), 0);
  });

  test('a copy has a row at each level', async () => {
    const clone = (em as unknown as { clone(...args: unknown[]): Promise<Wild> }).clone.bind(em);
    const copy = await clone(Wild, { name: 'Leo' }, { name: 'Leonie' });
    assert.deepEqual([copy.name, copy.habitat, copy.weight], ['Leonie', 'savanna', 9]);
    assert.equal(await orm.em.fork().count(Wild), 2);
  });

  test('the schema has a collection for each class, with what the class declares', async () => {
    assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
    const changes = await orm.schema.getCreateSchemaSQL();
    const dog = /create collection dog \([^;]*;/.exec(changes)?.[0] ?? '';
    assert.match(dog, /foreign key dog_id_foreign \(id\) references pet \(id\) on delete cascade/);
    assert.doesNotMatch(dog, /auto increment|chip|name/);
  });
});

@Entity(tpt)
class Account {
  @PrimaryKey({ type: 'number' })
  tenant!: number;

  @PrimaryKey({ type: 'string' })
  code!: string;

  @Property({ type: 'string' })
  title!: string;

  @Property({ type: 'number', version: true })
  version!: number;
}

@Entity()
class Savings extends Account {
  @Property({ type: 'number' })
  rate!: number;
}

describe('table-per-type inheritance with composite keys and versions', { skip: !known }, () => {
  let orm: MikroORM;

  beforeEach(async () => {
    orm = await MikroORM.init(defineConfig({ entities: [Account, Savings], dbName: ':memory:' }));
    await orm.schema.createSchema();
    const em = orm.em.fork();
    em.create(Savings, { tenant: 1, code: 'a', title: 'A', rate: 2 } as never);
    em.create(Savings, { tenant: 1, code: 'b', title: 'B', rate: 3 } as never);
    em.create(Account, { tenant: 2, code: 'a', title: 'C' } as never);
    await em.flush();
  });

  afterEach(() => orm.close(true));

  test('rows of a composite key', async () => {
    const em = orm.em.fork();
    const all = await em.find(Account, {}, { orderBy: { title: 'asc' } });
    assert.deepEqual(
      all.map((each) => [each.constructor.name, each.tenant, each.code, (each as Savings).rate]),
      [
        ['Savings', 1, 'a', 2],
        ['Savings', 1, 'b', 3],
        ['Account', 2, 'a', undefined],
      ],
    );
    assert.equal(await em.findOne(Savings, { tenant: 1, code: 'b' }), all[1]);
    assert.equal(await em.findOne(Savings, { tenant: 2, code: 'a' }), null);
    em.remove(all[0] as Account);
    await em.flush();
    assert.equal(await orm.em.fork().count(Savings), 1);
  });

  test('the version counts changes at every level', async () => {
    const key = { tenant: 1, code: 'a' };
    const [first, second] = [orm.em.fork(), orm.em.fork()];
    const mine = await first.findOneOrFail(Savings, key);
    const yours = await second.findOneOrFail(Savings, key);
    mine.rate = 5;
    await first.flush();
    assert.ok(mine.version > 1);
    yours.rate = 6;
    await assert.rejects(second.flush(), { name: 'OptimisticLockError' });
    mine.rate = 7;
    mine.title = 'AA';
    await first.flush();
    mine.title = 'AAA';
    await first.flush();
    const stored = await orm.em.fork().findOneOrFail(Savings, key);
    assert.deepEqual([stored.rate, stored.title, stored.version], [7, 'AAA', mine.version]);
    if (!batches) {
      return;
    }
    const em = orm.em.fork();
    const all = await em.find(Savings, {}, { orderBy: { code: 'asc' } });
    const before = all.map(({ version }) => version);
    for (const each of all) {
      each.rate++;
    }
    await em.flush();
    const after = await orm.em.fork().find(Savings, {}, { orderBy: { code: 'asc' } });
    assert.deepEqual(
      after.map(({ rate, version }) => [rate, version]),
      all.map((each, i) => [each.rate, (before[i] ?? 0) + 1]),
    );
    assert.deepEqual(
      all.map(({ version }) => version),
      after.map(({ version }) => version),
    );
  });
});

@Entity(tpt)
class Shape {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  colour!: string;
}

@Entity()
class Square extends Shape {
  @Property({ type: 'number' })
  side!: number;

  @Formula(computed((square: Square) => `${square.colour} ${square.side ** 2}`) as never)
  label!: string;
}

test('a formula reads what every level holds', { skip: !known }, async () => {
  const orm = await MikroORM.init(defineConfig({ entities: [Shape, Square], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  em.create(Square, { colour: 'red', side: 3 } as never);
  await em.flush();
  const found = [
    await orm.em.fork().findOneOrFail(Square, { colour: 'red' }),
    await orm.em.fork().findOneOrFail(Shape, { colour: 'red' }),
    await orm.em.fork().findOneOrFail(Square, { side: 3 }, { fields: ['label'] }),
  ] as Square[];
  assert.deepEqual(
    found.map(({ label }) => label),
    ['red 9', 'red 9', 'red 9'],
  );
  assert.deepEqual([found[2]?.colour, found[2]?.side], [undefined, undefined]);
  await orm.close(true);
});

test('changes of the schema keep the rows of all levels', { skip: !known }, async () => {
  const schema = (name: string, further: object) => new EntitySchema<object>({ name, ...further } as never);
  const text = { type: 'string' };
  const entities = (further: object) => {
    const base = schema('Base', {
      ...(tpt as object),
      properties: { id: { type: 'number', primary: true }, name: text },
    });
    return [base, schema('Leaf', { extends: base, properties: { own: text, ...further } })];
  };
  // Both share the store while one of them is open.
  const dbName = 'table-per-type';
  const before = await MikroORM.init(defineConfig({ entities: entities({}) as never, dbName }));
  await before.schema.createSchema();
  const em = before.em.fork();
  em.create('Leaf' as never, { name: 'n', own: 'o' } as never);
  await em.flush();
  const after = await MikroORM.init(
    defineConfig({ entities: entities({ added: { type: 'number', default: 4 } }) as never, dbName }),
  );
  await after.schema.updateSchema();
  const [row] = (await after.em.fork().find('Base' as never, {})) as Record<string, unknown>[];
  assert.deepEqual([row?.['id'], row?.['name'], row?.['own'], row?.['added']], [1, 'n', 'o', 4]);
  await after.close(true);
  await before.close(true);
});
