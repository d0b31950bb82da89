import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import type { Loose } from './compatibility/feature.js';

const id = { type: 'integer', primary: true } as const;

const Owner: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Owner',
  properties: { id, name: { type: 'string' }, pets: { kind: '1:m', entity: () => Pet, mappedBy: 'owner' } },
});
const Seat: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Seat',
  properties: {
    row: { type: 'integer', primary: true },
    number: { type: 'integer', primary: true },
    pets: { kind: '1:m', entity: () => Pet, mappedBy: 'seat' },
  },
});
const Pet: EntitySchema<Loose> = new EntitySchema<Loose>({
  name: 'Pet',
  properties: {
    id,
    owner: { kind: 'm:1', entity: () => Owner, nullable: true },
    seat: { kind: 'm:1', entity: () => Seat, nullable: true },
    seats: { kind: 'm:n', entity: () => Seat, owner: true },
    friends: { kind: 'm:n', entity: () => Pet, owner: true },
  },
});

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Owner, Seat, Pet], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  const ann = em.create(Owner, { id: 1, name: 'Ann' });
  const bob = em.create(Owner, { id: 2, name: 'Bob' });
  const [left, right] = [1, 2].map((number) => em.create(Seat, { row: 1, number }));
  const cat = em.create(Pet, { id: 1, owner: ann, seat: left, seats: [left] });
  const dog = em.create(Pet, { id: 2, owner: bob, seat: right, seats: [left, right], friends: [cat] });
  em.create(Pet, { id: 3, friends: [dog] });
  await em.flush();
});

after(() => orm.close(true));

const ids = async (entity: EntitySchema<Loose>, where: object) =>
  (await orm.em.fork().find<Loose>(entity, where, { orderBy: { id: 'asc' } })).map((found) => found.id);

/** The condition by itself, and within each kind of group. */
async function finds(entity: EntitySchema<Loose>, where: object, expected: number[]): Promise<void> {
  const name = JSON.stringify(where);
  const some = { id: { $gt: 0 } };
  assert.deepEqual(await ids(entity, where), expected, name);
  assert.deepEqual(await ids(entity, { $and: [where, some] }), expected, `$and ${name}`);
  assert.deepEqual(await ids(entity, { $or: [where, { $and: [where, some] }] }), expected, `$or ${name}`);
}

test('objects that hold keys of one part', async () => {
  await finds(Pet, { owner: [{ id: 1 }] }, [1]);
  await finds(Pet, { owner: [{ id: 1 }, { id: 2 }] }, [1, 2]);
  await finds(Pet, { owner: [{ id: 1 }, 2] }, [1, 2]);
  await finds(Pet, { owner: { $in: [{ id: 2 }] } }, [2]);
  await finds(Pet, { owner: { $nin: [{ id: 2 }] } }, [1]);
  await finds(Pet, { $not: { owner: [{ id: 2 }] } }, [1]);
  await finds(Owner, { pets: [{ id: 1 }] }, [1]);
  await finds(Owner, { pets: { $some: [{ id: 1 }] } }, [1]);
  await finds(Owner, { pets: { $none: [{ id: 1 }] } }, [2]);
});

test('through relations to many of many', async () => {
  await finds(Pet, { friends: [{ id: 1 }] }, [2]);
  await finds(Pet, { friends: [{ id: 1 }, { id: 2 }] }, [2, 3]);
  await finds(Pet, { friends: { friends: [{ id: 1 }] } }, [3]);
  await finds(Owner, { pets: { friends: [{ id: 1 }] } }, [2]);
  await finds(Pet, { friends: { seats: [{ row: 1, number: 2 }] } }, [3]);
});

test('objects that hold keys of several parts', async () => {
  await finds(Pet, { seat: [{ row: 1, number: 2 }] }, [2]);
  await finds(
    Pet,
    {
      seat: [
        { row: 1, number: 2 },
        { row: 1, number: 1 },
      ],
    },
    [1, 2],
  );
  await finds(Pet, { seats: [{ row: 1, number: 2 }] }, [2]);
  await finds(Pet, { seat: { $nin: [{ row: 1, number: 2 }] } }, [1]);
});

test('objects that say more than a key, or something of it, are conditions', async () => {
  await finds(Pet, { owner: [{ id: 1, name: 'Bob' }, { name: 'Bob' }] }, [2]);
  await finds(Pet, { owner: [{ id: { $gt: 1 } }] }, [2]);
  await finds(Pet, { owner: [{ id: [1, 2] }] }, [1, 2]);
});

test('what is no list and no key is refused, with path and reason', async () => {
  const refused = (where: object, message: RegExp) =>
    assert.rejects(() => orm.em.fork().find<Loose>(Pet, where), { message });
  await refused({ owner: { $in: null } }, /\$in operator expects an array value, not null \(at Pet\.owner\)/);
  await refused({ seats: { $nin: 1 } }, /\$nin operator expects an array value, not 1 \(at Pet\.seats\)/);
  await refused({ owner: [{}] }, /Pet\.owner is a key of id/);
  await refused(
    { owner: { name: { $in: 'Ann' } } },
    /\$in operator expects an array value.*Pet\.owner\.name/,
  );
  await refused({ owner: { name: { $gt: ['Ann'] } } }, /Pet\.owner\.name holds single values/);
  await refused({ id: [{ id: 1 }] }, /Pet\.id holds single values.*\{ id \}/);
});
