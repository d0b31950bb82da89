import assert from 'node:assert/strict';
import * as library from 'collection-store-mikro-orm';
import {
  ArrayType,
  BigIntType,
  Embeddable,
  Embedded,
  Entity,
  EnumArrayType,
  ManyToOne,
  PrimaryKey,
  Property,
  Type,
} from 'collection-store-mikro-orm';
import { type Loose, coreMajor, open, page, pick, refused, schema, warned } from './feature.js';

/** An EntityManager, and what another one stored: one row of an entity. */
async function stored(entities: Loose[], data: object, options: object = {}): Promise<Loose> {
  const orm = await open(entities, options);
  const em = orm.em.fork();
  em.create(entities[0], data);
  await em.flush();
  return orm.em.fork();
}

const embeddables = page('Embeddables', 'embeddables');
@Embeddable()
class Address {
  @Property({ type: 'string' }) city!: string;
  @Property({ type: 'string', nullable: true }) street?: string | null;
}
@Entity()
class Person {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Embedded({ entity: () => Address, nullable: true }) home?: Address | null;
  @Embedded({ entity: () => Address, object: true, nullable: true }) work?: Address | null;
  @Embedded({ entity: () => Address, array: true, nullable: true }) past?: Address[] | null;
  @Embedded({ entity: () => Address, prefix: false, nullable: true }) plain?: Address | null;
}
const person = (data: object) => stored([Person], data);

embeddables('Inline', async () => {
  const em = await person({ home: { city: 'Oslo' } });
  const found = await em.findOneOrFail(Person, { home: { city: 'Oslo' } });
  assert.ok(found.home instanceof Address);
  assert.deepEqual([found.home.city, found.home.street], ['Oslo', null]);
});
embeddables('As an object', async () => {
  const em = await person({ work: { city: 'Rome', street: 'x' } });
  const found = await em.findOneOrFail(Person, { work: { city: 'Rome', street: { $like: 'x%' } } });
  assert.ok(found.work instanceof Address);
});
embeddables('Arrays', async () => {
  const em = await person({ past: [{ city: 'Rome' }, { city: 'Bern' }] });
  const { past } = await em.findOneOrFail(Person, 1);
  assert.ok(past[1] instanceof Address);
  assert.deepEqual(pick(past, 'city'), ['Rome', 'Bern']);
});
embeddables('Conditions on the members of arrays (`$elemMatch`)', { since: '7' }, async () => {
  const em = await person({ past: [{ city: 'Rome' }, { city: 'Bern' }] });
  assert.equal(await em.count(Person, { past: { $elemMatch: { city: 'Bern' } } }), 1);
  assert.equal(await em.count(Person, { past: { $elemMatch: { city: 'Oslo' } } }), 0);
});
embeddables('Nullable', async () => {
  const em = await person({});
  const found = await em.findOneOrFail(Person, 1);
  assert.deepEqual([found.home, found.work, found.past ?? null], [null, null, null]);
});
embeddables('Prefixes (`prefix`, `prefixMode`)', async () => {
  const orm = await open([Person]);
  const { properties } = orm.getMetadata().get(coreMajor === 6 ? 'Person' : Person);
  assert.deepEqual(
    [properties.home_city.fieldNames, properties.plain_city.fieldNames],
    [['home_city'], ['city']],
  );
});
embeddables('Changes of single properties', async () => {
  const em = await person({ home: { city: 'Oslo', street: 'a' }, work: { city: 'Rome' } });
  const found = await em.findOneOrFail(Person, 1);
  found.home.street = 'b';
  found.work.city = 'Bern';
  await em.flush();
  const again = await em.fork().findOneOrFail(Person, 1);
  assert.deepEqual([again.home.city, again.home.street, again.work.city], ['Oslo', 'b', 'Bern']);
});
embeddables('Order by embedded properties', async () => {
  const orm = await open([Person]);
  const em = orm.em.fork();
  em.create(Person, { id: 1, home: { city: 'Rome' }, work: { city: 'a' } } as Loose);
  em.create(Person, { id: 2, home: { city: 'Bern' }, work: { city: 'b' } } as Loose);
  await em.flush();
  const ids = async (orderBy: object) => pick(await orm.em.fork().find(Person, {}, { orderBy }), 'id');
  assert.deepEqual(await ids({ home: { city: 'asc' } }), [2, 1]);
  assert.deepEqual(await ids({ work: { city: 'desc' } }), [2, 1]);
});
embeddables('Nested, inline and as an object', async () => {
  const Street = new library.EntitySchema({
    name: 'Street',
    embeddable: true,
    properties: { name: { type: 'string' } },
  } as Loose);
  const place = (object: boolean) => ({ kind: 'embedded', entity: () => Street, object });
  const City = new library.EntitySchema({
    name: 'City',
    embeddable: true,
    properties: { street: place(false) },
  } as Loose);
  const Thing = schema('Thing', {
    inline: { kind: 'embedded', entity: () => City },
    object: { kind: 'embedded', entity: () => City, object: true },
  });
  const data = { street: { name: 's' } };
  const em = await stored([Thing, City, Street], { inline: data, object: data });
  assert.equal(
    await em.count(Thing, { inline: { street: { name: 's' } }, object: { street: { name: 's' } } }),
    1,
  );
});
embeddables('Polymorphic', async () => {
  const Animal = new library.EntitySchema({
    name: 'Animal',
    embeddable: true,
    abstract: true,
    discriminatorColumn: 'type',
    properties: { type: { type: 'string' }, name: { type: 'string' } },
  } as Loose);
  const part = (name: string, properties: object) =>
    new library.EntitySchema({
      name,
      embeddable: true,
      extends: Animal,
      discriminatorValue: name.toLowerCase(),
      properties,
    } as Loose);
  const Cat = part('Cat', { claws: { type: 'boolean', nullable: true } });
  const Dog = part('Dog', { barks: { type: 'boolean', nullable: true } });
  const Owner = schema('Owner', {
    pet: { kind: 'embedded', entity: () => [Cat, Dog] },
    other: { kind: 'embedded', entity: () => [Cat, Dog], object: true, nullable: true },
  });
  const em = await stored([Owner, Animal, Cat, Dog], {
    pet: { type: 'dog', name: 'Rex', barks: true },
    other: { type: 'cat', name: 'Tom', claws: true },
  });
  const owner = await em.findOneOrFail(Owner, { pet: { name: 'Rex' }, other: { claws: true } });
  assert.deepEqual(
    [owner.pet.constructor.name, owner.pet.barks, owner.other.constructor.name],
    ['Dog', true, 'Cat'],
  );
});
embeddables('Relations within embeddables', async () => {
  const Owner = schema('Owner', { name: { type: 'string' } });
  const Part = new library.EntitySchema({
    name: 'Part',
    embeddable: true,
    properties: { owner: { kind: 'm:1', entity: () => Owner } },
  } as Loose);
  const Thing = schema('Thing', { part: { kind: 'embedded', entity: () => Part } });
  const em = await stored([Thing, Part, Owner], { part: { owner: { name: 'o' } } });
  const thing = await em.findOneOrFail(
    Thing,
    { part: { owner: { name: 'o' } } },
    { populate: ['part.owner'] },
  );
  assert.equal(thing.part.owner.name, 'o');
});

const json = page('JSON properties', 'json-properties');
const Doc = () => schema('Doc', { data: { type: 'json', nullable: true } });
/** An EntityManager of a store with documents, and the keys of those that meet a condition. */
async function documents(where: object, ...data: unknown[]): Promise<number[]> {
  const Doc1 = Doc();
  const orm = await open([Doc1]);
  for (const item of data) await orm.em.fork().insert(Doc1, { data: item });
  return pick(await orm.em.fork().find(Doc1, where, { orderBy: { id: 1 } }), 'id');
}
json('Documents, lists and plain values', async () => {
  for (const data of [{ a: [1, { b: null }] }, [1, 'x'], 'text', 5, true]) {
    const Doc1 = Doc();
    const em = await stored([Doc1], { data });
    assert.deepEqual((await em.findOneOrFail(Doc1, 1)).data, data);
  }
});
json('Changes within a document are found', async () => {
  const Doc1 = Doc();
  const em = await stored([Doc1], { data: { a: { b: 1 } } });
  (await em.findOneOrFail(Doc1, 1)).data.a.b = 2;
  await em.flush();
  assert.deepEqual((await em.fork().findOneOrFail(Doc1, 1)).data, { a: { b: 2 } });
});
json('Conditions on paths', async () => {
  assert.deepEqual(await documents({ data: { a: { b: 2 } } }, { a: { b: 1 } }, { a: { b: 2 } }), [2]);
  assert.deepEqual(await documents({ data: { a: { $gt: 1 } } }, { a: 1 }, { a: 2 }, {}), [2]);
  assert.deepEqual(await documents({ data: { a: { $in: ['x', 'y'] } } }, { a: 'x' }, { a: 'z' }), [1]);
  assert.deepEqual(await documents({ data: { a: true } }, { a: true }, { a: false }), [1]);
});
json('Order by paths', async () => {
  const Doc1 = Doc();
  const orm = await open([Doc1]);
  for (const a of [2, 10, 1]) await orm.em.fork().insert(Doc1, { data: { a } });
  const found = await orm.em.fork().find(Doc1, {}, { orderBy: { data: { a: 'desc' } } });
  assert.deepEqual(pick(found, 'id'), [2, 1, 3]);
});
json('`$elemMatch` on the members of a list', { since: '7' }, async () => {
  const where = { data: { tags: { $elemMatch: { name: 'x', n: { $gt: 1 } } } } };
  const data = [
    {
      tags: [
        { name: 'x', n: 1 },
        { name: 'y', n: 2 },
      ],
    },
    { tags: [{ name: 'x', n: 2 }] },
  ];
  assert.deepEqual(await documents(where, ...data), [2]);
});
json('Indexes on paths', { differs: 'Accepted; indexes of documents are made on demand.' }, async () => {
  const Doc1 = schema('Doc', { data: { type: 'json' } }, { indexes: [{ properties: ['data.a'] }] });
  const em = await stored([Doc1], { data: { a: 1 } });
  assert.equal(await em.count(Doc1, { data: { a: 1 } }), 1);
});

const types = page('Custom types', 'custom-types');
class Upper extends Type<string, string> {
  override convertToDatabaseValue(value: string) {
    return value.toLowerCase();
  }
  override convertToJSValue(value: string) {
    return value.toUpperCase();
  }
}
/** A value as it comes back from a property of some type. */
async function roundTrip(prop: object, value: unknown): Promise<Loose> {
  const Thing = schema('Thing', { value: prop });
  return (await (await stored([Thing], { value })).findOneOrFail(Thing, 1)).value;
}
types('`convertToDatabaseValue`, `convertToJSValue`', async () => {
  const Thing = schema('Thing', { value: { type: Upper } });
  const em = await stored([Thing], { value: 'ABC' });
  assert.equal((await em.findOneOrFail(Thing, { value: 'ABC' })).value, 'ABC');
  assert.equal(await em.count(Thing, { value: { $in: ['ABC'] } }), 1);
});
types('Types that map to objects (`compareAsType`, `ensureComparable`)', async () => {
  class Point {
    constructor(
      readonly x: number,
      readonly y: number,
    ) {}
  }
  class PointType extends Type<Point, string> {
    override convertToDatabaseValue(value: Point) {
      return `${value.x},${value.y}`;
    }
    override convertToJSValue(value: string) {
      const [x, y] = value.split(',').map(Number);
      return new Point(x as number, y as number);
    }
  }
  const point = await roundTrip({ type: PointType }, new Point(1, 2));
  assert.ok(point instanceof Point);
  assert.equal(point.y, 2);
});
types('`getColumnType`', async () => {
  class Money extends Upper {
    override getColumnType() {
      return 'varchar(20)';
    }
  }
  assert.equal(await roundTrip({ type: Money }, 'X'), 'X');
});
types(
  '`convertToDatabaseValueSQL`, `convertToJSValueSQL`',
  { notHere: 'They are SQL and not called, as a warning says.' },
  async () => {
    class Sql extends Upper {
      convertToJSValueSQL(key: string) {
        return `lower(${key})`;
      }
    }
    await warned(
      [schema('Thing', { value: { type: Sql } })],
      /type of Thing.value converts its values in SQL/,
    );
  },
);
types('`ArrayType`, with items of any kind', { note: 'Nothing but arrays is stored.' }, async () => {
  assert.deepEqual(await roundTrip({ type: ArrayType }, ['a', 'b']), ['a', 'b']);
  const numbers = new ArrayType<number>((item) => Number(item));
  assert.deepEqual(await roundTrip({ type: numbers }, [1, 2]), [1, 2]);
});
types('`EnumArrayType`', async () => {
  assert.ok(EnumArrayType);
  assert.deepEqual(await roundTrip({ type: 'string', enum: true, array: true, items: ['a', 'b'] }, ['b']), [
    'b',
  ]);
});
types(
  '`BigIntType`: bigint, number and string',
  { note: 'All 64 bits; SQLite’s drivers round them.' },
  async () => {
    assert.equal(await roundTrip({ type: new BigIntType('bigint') }, 2n ** 60n), 2n ** 60n);
    assert.equal(
      await roundTrip({ type: new BigIntType('string') }, '1152921504606846976'),
      '1152921504606846976',
    );
    assert.equal(await roundTrip({ type: new BigIntType('number') }, 5), 5);
  },
);
types('`DecimalType`', { differs: 'Exact; in SQLite a double.' }, async () => {
  assert.equal(await roundTrip({ type: 'decimal' }, '0.1234567890123456789'), '0.1234567890123456789');
});
types('`BlobType`, `Uint8ArrayType`', async () => {
  assert.deepEqual([...(await roundTrip({ type: 'blob' }, Buffer.from([1, 0, 255])))], [1, 0, 255]);
  assert.deepEqual([...(await roundTrip({ type: 'uint8array' }, new Uint8Array([1, 2])))], [1, 2]);
});
types('`JsonType`', async () => assert.deepEqual(await roundTrip({ type: 'json' }, { a: 1 }), { a: 1 }));
types('`DateType`, `TimeType`, `DateTimeType`', async () => {
  assert.equal(await roundTrip({ type: 'date' }, '2020-02-03'), '2020-02-03');
  assert.equal(await roundTrip({ type: 'time' }, '01:02:03'), '01:02:03');
  const at = new Date('2020-02-03T04:05:06.789Z');
  assert.equal((await roundTrip({ type: 'datetime' }, at)).getTime(), at.getTime());
});
types('`IntervalType`', { note: 'A text.' }, async () =>
  assert.equal(await roundTrip({ type: 'interval' }, '1 day'), '1 day'),
);
types('Big integers as keys', async () => {
  const Thing = schema('Thing', {
    id: { type: new BigIntType('bigint'), primary: true, autoincrement: true },
  });
  const em = await stored([Thing], {});
  assert.equal((await em.findOneOrFail(Thing, 1n)).id, 1n);
});
types('`customOrder`, `runtimeType`, `discovery.getMappedType`', async () => {
  const Thing = schema('Thing', { value: { type: 'shout' } });
  const discovery = {
    getMappedType: (type: string, platform: Loose) =>
      type === 'shout' ? Type.getType(Upper) : platform.getDefaultMappedType(type),
  };
  const em = await stored([Thing], { value: 'ABC' }, { discovery });
  assert.equal((await em.findOneOrFail(Thing, 1)).value, 'ABC');
});

const keys = page('Composite keys', 'composite-keys');
const Car = () =>
  schema('Car', {
    name: { type: 'string', primary: true },
    year: { type: 'integer', primary: true },
    colour: { type: 'string', nullable: true },
  });
keys('Plain values', async () => {
  const Car1 = Car();
  const em = await stored([Car1], { name: 'Audi', year: 2010 });
  const car = await em.findOneOrFail(Car1, ['Audi', 2010]);
  assert.equal(await em.findOne(Car1, { name: 'Audi', year: 2010 }), car);
  car.colour = 'red';
  await em.flush();
  assert.equal(await em.fork().count(Car1, { colour: 'red' }), 1);
});
keys('Lists of keys', async () => {
  const Car1 = Car();
  const orm = await open([Car1]);
  for (const year of [1, 2, 3]) await orm.em.fork().insert(Car1, { name: 'A', year });
  assert.equal(
    (
      await orm.em.fork().find(Car1, [
        ['A', 1],
        ['A', 3],
      ])
    ).length,
    2,
  );
});
keys('Keys that are relations', async () => {
  const Article = schema('Article', {
    title: { type: 'string' },
    attributes: { kind: '1:m', entity: () => Attribute, mappedBy: 'article' },
  });
  const Attribute: Loose = schema('Attribute', {
    article: { kind: 'm:1', entity: () => Article, primary: true },
    name: { type: 'string', primary: true },
    value: { type: 'string' },
  });
  const em = await stored([Article, Attribute], {
    title: 't',
    attributes: [
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ],
  });
  const article = await em.findOneOrFail(
    Article,
    { attributes: { name: 'a' } },
    { populate: ['attributes'] },
  );
  assert.equal(article.attributes.length, 2);
  assert.equal((await em.findOneOrFail(Attribute, [1, 'b'])).value, '2');
});
keys('A key that is a 1:1 relation', async () => {
  const User = schema('User', { name: { type: 'string' } });
  const Address1 = schema('Address', {
    user: { kind: '1:1', entity: () => User, primary: true },
    city: { type: 'string' },
  });
  const em = await stored([Address1, User], { user: { name: 'u' }, city: 'Oslo' });
  const address = await em.findOneOrFail(Address1, { user: { name: 'u' } }, { populate: ['user'] });
  assert.deepEqual([address.city, address.user.name], ['Oslo', 'u']);
});
keys('References to composite keys', async () => {
  const Car1 = Car();
  const Owner = schema('Owner', { car: { kind: 'm:1', entity: () => Car1 } });
  const em = await stored([Owner, Car1], { car: { name: 'Audi', year: 2010 } });
  const owner = await em.findOneOrFail(Owner, { car: { year: 2010 } }, { populate: ['car'] });
  assert.equal(owner.car.name, 'Audi');
  assert.equal(await em.count(Owner, { car: ['Audi', 2010] }), 1);
});
keys('M:N between composite keys', async () => {
  const Car1 = Car();
  const Owner = schema('Owner', { cars: { kind: 'm:n', entity: () => Car1 } });
  const em = await stored([Owner, Car1], {
    cars: [
      { name: 'A', year: 1 },
      { name: 'B', year: 2 },
    ],
  });
  const owner = await em.findOneOrFail(Owner, { cars: { name: 'B' } }, { populate: ['cars'] });
  assert.equal(owner.cars.length, 2);
});
keys('Parts of a key shared by several relations', async () => {
  const Tenant = schema('Tenant', {});
  const part = { kind: 'm:1', entity: () => Tenant, primary: true, fieldName: 'tenant_id' };
  const Group = schema('Group', { id: { type: 'integer', primary: true }, tenant: part });
  const User = schema('User', {
    id: { type: 'integer', primary: true },
    tenant: part,
    group: {
      kind: 'm:1',
      entity: () => Group,
      joinColumns: ['group_id', 'tenant_id'],
      ownColumns: ['group_id'],
      nullable: true,
    },
  });
  const orm = await open([Tenant, Group, User]);
  const em = orm.em.fork();
  const tenant = em.create(Tenant, { id: 7 });
  em.create(User, { id: 1, tenant, group: em.create(Group, { id: 2, tenant }) });
  await em.flush();
  const user = await orm.em.fork().findOneOrFail(User, [1, 7], { populate: ['group'] });
  assert.deepEqual([user.group.id, user.group.tenant.id], [2, 7]);
});

const inheritance = page('Inheritance', 'inheritance-mapping');
/** A root class with two subclasses in one collection, and a row of each. */
async function sti(): Promise<Loose> {
  const type = { enum: true, items: ['cat', 'dog'], type: 'string' };
  const Animal = schema(
    'Animal',
    { name: { type: 'string' }, type },
    { discriminatorColumn: 'type', abstract: true },
  );
  const sub = (name: string, properties: object) =>
    new library.EntitySchema({
      name,
      extends: Animal,
      discriminatorValue: name.toLowerCase(),
      properties,
    } as Loose) as Loose;
  const Cat = sub('Cat', { claws: { type: 'integer', nullable: true } });
  const Dog = sub('Dog', { friend: { kind: 'm:1', entity: () => Cat, nullable: true } });
  const orm = await open([Animal, Cat, Dog]);
  const em = orm.em.fork();
  const tom = em.create(Cat, { name: 'Tom', claws: 18 });
  em.create(Dog, { name: 'Rex', friend: tom });
  await em.flush();
  return { em: orm.em.fork(), Animal, Cat, Dog };
}
inheritance('Mapped superclasses', async () => {
  abstract class Base {
    @PrimaryKey({ type: 'integer' }) id!: number;
  }
  @Entity()
  class Leaf extends Base {
    @ManyToOne({ entity: () => Leaf, nullable: true }) parent?: Leaf;
  }
  const em = await stored([Leaf], { parent: {} });
  assert.equal(await em.count(Leaf), 2);
});
inheritance('Single table: the root finds all, each class its own', async () => {
  const { em, Animal, Cat, Dog } = await sti();
  const all = await em.find(Animal, {}, { orderBy: { id: 1 } });
  assert.deepEqual(
    all.map((animal: Loose) => animal.constructor.name),
    ['Cat', 'Dog'],
  );
  assert.equal(await em.count(Cat), 1);
  assert.equal(await em.findOne(Dog, { name: 'Tom' }), null);
});
inheritance('Single table: properties and relations of subclasses', async () => {
  const { em, Dog } = await sti();
  const rex = await em.findOneOrFail(Dog, { friend: { claws: 18 } }, { populate: ['friend'] });
  assert.equal(rex.friend.name, 'Tom');
});
inheritance('Single table: an explicit discriminator property', async () => {
  const { em, Animal } = await sti();
  assert.equal(await em.count(Animal, { type: 'dog' }), 1);
});
inheritance('Single table: `discriminatorMap`', async () => {
  const Animal = schema(
    'Animal',
    { name: { type: 'string' } },
    { discriminatorColumn: 'kind', discriminatorMap: { a: 'Animal', c: 'Cat' } },
  );
  const Cat = new library.EntitySchema({ name: 'Cat', extends: Animal, properties: {} } as Loose);
  const em = await stored([Cat, Animal], { name: 'Tom' });
  assert.equal((await em.findOneOrFail(Animal, 1)).constructor.name, 'Cat');
});
inheritance('Single table: several levels', async () => {
  const Animal = schema('Animal', { name: { type: 'string' } }, { discriminatorColumn: 'kind' });
  const sub = (name: string, of: Loose) =>
    new library.EntitySchema({ name, extends: of, properties: {} } as Loose) as Loose;
  const Cat = sub('Cat', Animal);
  const Lynx = sub('Lynx', Cat);
  const em = await stored([Lynx, Cat, Animal], { name: 'L' });
  assert.deepEqual([await em.count(Cat), await em.count(Animal), await em.count(Lynx)], [1, 1, 1]);
});
inheritance(
  'Single table: joined relations to a class that has rows of its own, and classes below',
  {
    differs:
      'They lead to rows of the classes below, too, as they do where relations are loaded by queries of their own. The SQL drivers join rows of the class itself alone.',
  },
  async () => {
    const Owner = schema('Owner', {
      pets: { kind: '1:m', entity: () => Pet, mappedBy: 'owner' },
    });
    const Pet: Loose = schema(
      'Pet',
      { name: { type: 'string' }, owner: { kind: 'm:1', entity: () => Owner } },
      { discriminatorColumn: 'kind' },
    );
    const Bird = new library.EntitySchema({ name: 'Bird', extends: Pet, properties: {} } as Loose) as Loose;
    const orm = await open([Owner, Pet, Bird]);
    const em = orm.em.fork();
    const owner = em.create(Owner, {});
    em.create(Pet, { name: 'P', owner });
    em.create(Bird, { name: 'B', owner });
    await em.flush();
    for (const strategy of ['select-in', 'joined']) {
      const options = { populate: ['pets'], strategy };
      const found = await orm.em.fork().findOneOrFail(Owner, { pets: { name: 'B' } }, options);
      assert.deepEqual(found.pets.length, 2, strategy);
    }
  },
);
/** A table for each class: a person and what an employee has besides. */
async function tpt(): Promise<Loose> {
  const Person1 = schema('Person', { name: { type: 'string' } }, { inheritance: 'tpt' });
  const Employee = new library.EntitySchema({
    name: 'Employee',
    extends: Person1,
    properties: { salary: { type: 'integer' } },
  } as Loose) as Loose;
  const orm = await open([Person1, Employee]);
  const em = orm.em.fork();
  em.create(Person1, { name: 'P' });
  em.create(Employee, { name: 'E', salary: 5 });
  await em.flush();
  return { em: orm.em.fork(), Person: Person1, Employee };
}
inheritance('Table per type: insert and find', { since: '7' }, async () => {
  const { em, Person: Person1, Employee } = await tpt();
  const all = await em.find(Person1, {}, { orderBy: { id: 1 } });
  assert.deepEqual(
    all.map((item: Loose) => [item.constructor.name, item.salary]),
    [
      ['Person', undefined],
      ['Employee', 5],
    ],
  );
  assert.equal((await em.findOneOrFail(Employee, { name: 'E', salary: { $gt: 1 } })).name, 'E');
});
inheritance(
  'Table per type: conditions and orders by inherited properties of related rows',
  {
    since: '7',
    differs:
      'They find the properties of every class. The SQL drivers look for the columns in the table of the class itself.',
  },
  async () => {
    const Person = schema('Person', { name: { type: 'string' } }, { inheritance: 'tpt' });
    const Employee = new library.EntitySchema({
      name: 'Employee',
      extends: Person,
      properties: { salary: { type: 'integer' } },
    } as Loose) as Loose;
    const Team = schema('Team', { leader: { kind: 'm:1', entity: () => Employee } });
    const orm = await open([Person, Employee, Team]);
    const em = orm.em.fork();
    const leaders = ['E', 'D'].map((name) => em.create(Employee, { name, salary: 5 }));
    await em.flush();
    for (const leader of leaders) {
      em.create(Team, { leader });
    }
    await em.flush();
    const teams = await orm.em.fork().find(Team, {}, { orderBy: { leader: { name: 'asc' } } });
    assert.deepEqual(pick(teams, 'id'), [2, 1]);
    assert.equal(await orm.em.fork().count(Team, { leader: { name: 'E' } }), 1);
  },
);
inheritance(
  'Table per type: rows of a class between root and leaves',
  {
    since: '7',
    differs:
      'They come back as their own class, as from the root. The SQL drivers make them of the class that was asked for.',
  },
  async () => {
    const Person = schema('Person', { name: { type: 'string' } }, { inheritance: 'tpt' });
    const below = (name: string, above: Loose, properties: object) =>
      new library.EntitySchema({ name, extends: above, properties } as Loose) as Loose;
    const Employee = below('Employee', Person, { salary: { type: 'integer' } });
    const Boss = below('Boss', Employee, { bonus: { type: 'integer' } });
    const orm = await open([Person, Employee, Boss]);
    const em = orm.em.fork();
    em.create(Boss, { name: 'B', salary: 5, bonus: 2 });
    await em.flush();
    const [boss] = await orm.em.fork().find(Employee, {});
    assert.deepEqual([boss.constructor.name, boss.bonus], ['Boss', 2]);
  },
);
inheritance('Table per type: update and delete', { since: '7' }, async () => {
  const { em, Person: Person1, Employee } = await tpt();
  const employee = await em.findOneOrFail(Employee, { name: 'E' });
  Object.assign(employee, { name: 'E2', salary: 6 });
  await em.flush();
  assert.equal(await em.fork().count(Employee, { name: 'E2', salary: 6 }), 1);
  await em.remove(employee).flush();
  assert.deepEqual([await em.fork().count(Employee), await em.fork().count(Person1)], [0, 1]);
});

const virtual = page('Virtual entities', 'virtual-entities');
/** Authors and how many books they have, counted by a function. */
function summaries(expression: Loose): Loose {
  const Author = schema('Author', { name: { type: 'string' } });
  const properties = { name: { type: 'string' }, length: { type: 'integer' } };
  const Summary = new library.EntitySchema({
    name: 'Summary',
    expression: expression(Author),
    properties,
  } as Loose);
  return { Author, Summary };
}
const lengths = (Author: Loose) => async (em: Loose) =>
  (await em.find(Author, {}, { orderBy: { id: 1 } })).map(({ name }: Loose) => ({
    name,
    length: name.length,
  }));
async function virtuals(): Promise<Loose> {
  const { Author, Summary } = summaries(lengths);
  const orm = await open([Author, Summary]);
  await orm.em.fork().insertMany(Author, [{ name: 'Ann' }, { name: 'Robert' }, { name: 'Ed' }]);
  return { em: orm.em.fork(), Summary };
}
virtual('An expression that is a function', async () => {
  const { em, Summary } = await virtuals();
  const [first] = await em.find(Summary, {});
  assert.deepEqual([first.name, first.length], ['Ann', 3]);
});
virtual('Conditions, order and pages', async () => {
  const { em, Summary } = await virtuals();
  const found = await em.find(Summary, { length: { $gt: 2 } }, { orderBy: { length: 'desc' }, limit: 1 });
  assert.deepEqual(pick(found, 'name'), ['Robert']);
});
virtual('`count`, `findAndCount`', async () => {
  const { em, Summary } = await virtuals();
  assert.equal(await em.count(Summary, { length: { $lt: 4 } }), 2);
});
virtual(
  'An expression that is SQL',
  { notHere: 'There is no SQL: give a function. A warning names the entity.' },
  async () => {
    const { Author, Summary } = summaries(() => 'select name, 1 as length from author');
    const orm = await warned([Author, Summary], /Summary is a virtual entity of an SQL expression/);
    await refused(() => orm.em.fork().find(Summary, {}), /SQL|function/);
  },
);
virtual(
  'An expression that is a QueryBuilder',
  { notHere: 'There is no QueryBuilder: give a function.' },
  async () => {
    const { Author, Summary } = summaries((entity: Loose) => (em: Loose) => em.createQueryBuilder(entity));
    const orm = await open([Author, Summary]);
    await refused(() => orm.em.fork().find(Summary, {}), /createQueryBuilder/);
  },
);
