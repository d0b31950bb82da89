/** Collections of which each parent has a page loaded; only major 7 has `limit` in `populateHints`. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import * as library from 'collection-store-mikro-orm';
import { Collection, EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

const only7 = { skip: !('PolymorphicRef' in library) };

class Owner {
  shop!: number;
  id!: number;
  things = new Collection<Thing>(this);
  tags = new Collection<Tag>(this);
  sorted = new Collection<Tag>(this);
  likes = new Collection<Like>(this);
}
class Thing {
  id!: number;
  rank!: number;
  owner!: Owner;
  parts = new Collection<Part>(this);
  likes = new Collection<Like>(this);
}
class Part {
  id!: number;
  thing!: Thing;
}
class Tag {
  id!: number;
  rank!: number;
  owners = new Collection<Owner>(this);
}
class Note {
  id!: number;
  likes = new Collection<Like>(this);
}
class Like {
  id!: number;
  liked!: Thing | Note;
}

const number = { type: 'number' };
const id = { ...number, primary: true };
const entities: unknown[] = [
  new EntitySchema({
    class: Owner,
    properties: {
      shop: id,
      id,
      things: { kind: '1:m', entity: () => Thing, mappedBy: 'owner' },
      tags: { kind: 'm:n', entity: () => Tag, inversedBy: 'owners' },
      sorted: { kind: 'm:n', entity: () => Tag, fixedOrder: true },
    },
  } as never),
  new EntitySchema({
    class: Thing,
    properties: {
      id,
      rank: number,
      owner: { kind: 'm:1', entity: () => Owner },
      parts: { kind: '1:m', entity: () => Part, mappedBy: 'thing' },
      likes: { kind: '1:m', entity: () => Like, mappedBy: 'liked' },
    },
  } as never),
  new EntitySchema({
    class: Part,
    properties: { id, thing: { kind: 'm:1', entity: () => Thing } },
  } as never),
  new EntitySchema({
    class: Tag,
    properties: { id, rank: number, owners: { kind: 'm:n', entity: () => Owner, mappedBy: 'tags' } },
  } as never),
  new EntitySchema({
    class: Note,
    properties: { id, likes: { kind: '1:m', entity: () => Like, mappedBy: 'liked' } },
  } as never),
  new EntitySchema({
    class: Like,
    properties: { id, liked: { kind: 'm:1', entity: () => [Thing, Note] } },
  } as never),
];

// biome-ignore lint/suspicious/noExplicitAny: `populateHints` is not among the types of both majors.
type Em = any;

const opened: MikroORM[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((orm) => orm.close(true)));
});

/** Owners 1/1, 1/2 and 2/1 with the things 1 to 12 in turn, of falling rank, and with tags 1 to 4. */
async function shops(): Promise<{ em: Em; lines: string[] }> {
  const lines: string[] = [];
  const orm = await MikroORM.init(
    defineConfig({
      entities: entities as never,
      dbName: ':memory:',
      debug: ['query'],
      colors: false,
      logger: (line) => lines.push(line),
    }),
  );
  opened.push(orm);
  await orm.schema.createSchema();
  const em: Em = orm.em.fork();
  const owners: [number, number][] = [
    [1, 1],
    [1, 2],
    [2, 1],
  ];
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  await em.insertMany(
    Tag,
    numbers(4).map((n) => ({ id: n, rank: 10 - n })),
  );
  await em.insertMany(
    Owner,
    owners.map(([shop, n]) => ({ shop, id: n, tags: [1, 2, 3, 4], sorted: [3, 1, 2] })),
  );
  await em.insertMany(
    Thing,
    numbers(12).map((n) => ({ id: n, rank: 100 - n, owner: owners[n % 3] })),
  );
  await em.insertMany(
    Part,
    numbers(24).map((n) => ({ id: n, thing: Math.ceil(n / 2) })),
  );
  await em.insertMany(Note, [{ id: 1 }]);
  lines.length = 0;
  return { em: orm.em.fork(), lines };
}

const ids = (rows: Iterable<{ id: number }>) => [...rows].map((row) => row.id);
const byKey = { orderBy: { shop: 1, id: 1 } };

for (const strategy of ['select-in', 'joined']) {
  test(`1:M: a page of each parent, in one call (${strategy})`, only7, async () => {
    const { em, lines } = await shops();
    const populateHints = { things: { limit: 2, offset: 1, orderBy: { rank: 1 } } };
    const options = { ...byKey, strategy, populate: ['things'], populateHints };
    const owners: Owner[] = await em.find(Owner, {}, options);
    assert.deepEqual(
      owners.map((owner) => ids(owner.things)),
      [
        [9, 6],
        [7, 4],
        [8, 5],
      ],
    );
    assert.equal(lines.length, 2);
    assert.throws(() => owners[0]?.things.add(new Thing()), /readonly/);
  });

  test(`M:N: a page of each parent, in one call (${strategy})`, only7, async () => {
    const { em, lines } = await shops();
    const find = async (name: 'tags' | 'sorted', hint: object, options: object = {}) => {
      const given = { ...byKey, strategy, populate: [name], populateHints: { [name]: hint }, ...options };
      lines.length = 0;
      const owners: Owner[] = await em.fork().find(Owner, {}, given);
      assert.equal(lines.length, 2);
      return owners.map((owner) => ids(owner[name]));
    };
    const each = (found: number[]) => [found, found, found];
    assert.deepEqual(await find('tags', { limit: 2, offset: 1, orderBy: { rank: 1 } }), each([3, 2]));
    assert.deepEqual(await find('tags', { limit: 1 }), each([1]));
    assert.deepEqual(await find('sorted', { limit: 2 }), each([3, 1]));
    // What a condition leaves out does not count.
    const populateWhere = { tags: { id: { $gt: 2 } } };
    assert.deepEqual(await find('tags', { limit: 1 }, { populateWhere }), each([3]));
    assert.deepEqual(await find('tags', { limit: 0 }), each([]));
  });
}

test('M:N from the other side, and keys only', only7, async () => {
  const { em } = await shops();
  const hint = { limit: 2, offset: 1 };
  const tags: Tag[] = await em
    .fork()
    .find(Tag, {}, { orderBy: { id: 1 }, populate: ['owners'], populateHints: { owners: hint } });
  for (const tag of tags) {
    assert.deepEqual(
      tag.owners.getItems().map(({ shop, id }) => [shop, id]),
      [
        [1, 2],
        [2, 1],
      ],
    );
  }
  const owners: Owner[] = await em.find(
    Owner,
    {},
    { populate: ['tags:ref'], populateHints: { tags: { limit: 3 } } },
  );
  assert.deepEqual(
    owners.map((owner) => ids(owner.tags)),
    Array.from({ length: 3 }, () => [1, 2, 3]),
  );
});

test('each level has a limit of its own', only7, async () => {
  const { em, lines } = await shops();
  const populateHints = {
    things: { limit: 2, orderBy: { id: 'desc' } },
    'things.parts': { limit: 1, orderBy: { id: 'desc' } },
  };
  const owners: Owner[] = await em.find(Owner, {}, { ...byKey, populate: ['things.parts'], populateHints });
  assert.deepEqual(
    owners.map(({ things }) => [...things].map((thing) => [thing.id, ids(thing.parts)])),
    [
      [
        [12, [24]],
        [9, [18]],
      ],
      [
        [10, [20]],
        [7, [14]],
      ],
      [
        [11, [22]],
        [8, [16]],
      ],
    ],
  );
  assert.equal(lines.length, 3);
});

test('entities that a polymorphic relation points at', only7, async () => {
  const { em } = await shops();
  const likes = [1, 1, 1, 2, 2].map((thing, i) =>
    em.create(Like, { id: i + 1, liked: em.getReference(Thing, thing) }),
  );
  likes.push(em.create(Like, { id: 6, liked: em.getReference(Note, 1) }));
  await em.flush();
  const things: Thing[] = await em
    .fork()
    .find(
      Thing,
      { id: [1, 2] },
      { populate: ['likes'], populateHints: { likes: { limit: 1, offset: 1, orderBy: { id: 1 } } } },
    );
  assert.deepEqual(
    things.map((thing) => ids(thing.likes)),
    [[2], [5]],
  );
});

test('a limit that is no number of rows is refused', only7, async () => {
  const { em } = await shops();
  const find = (limit: unknown) =>
    em.fork().find(Owner, {}, { populate: ['things'], populateHints: { things: { limit } } });
  await assert.rejects(find(-1), /must be a number of rows, not/);
  await assert.rejects(find(1.5), /must be a number of rows, not/);
  await assert.rejects(find('2'), /must be a number of rows, not/);
});
