/** Keys out of several columns, columns that keys share, and keys that the engine counts up. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

type Row = Record<string, unknown>;
type Properties = Record<string, Record<string, unknown>>;

const opened: MikroORM[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((orm) => orm.close(true)));
});

const entity = (name: string, properties: Properties) =>
  new EntitySchema<Row>({ name, properties: properties as never });

async function open(...entities: EntitySchema<Row>[]): Promise<MikroORM> {
  const orm = await MikroORM.init(defineConfig({ entities, dbName: ':memory:' }));
  opened.push(orm);
  await orm.schema.createSchema();
  return orm;
}

describe('columns that parts of a key share', () => {
  const text = { type: 'string', primary: true };
  const tenant = { kind: 'm:1', entity: () => 'Tenant', fieldName: 'tenant_id', primary: true };
  const house = {
    kind: 'm:1',
    entity: () => 'House',
    joinColumns: ['tenant_id', 'house_id'],
    referencedColumnNames: ['tenant_id', 'id'],
    primary: true,
  };

  const Tenant = entity('Tenant', { id: text });
  const House = entity('House', { tenant, id: text });
  const Floor = entity('Floor', { tenant, house, id: text });
  const floor = {
    kind: 'm:1',
    entity: () => 'Floor',
    joinColumns: ['tenant_id', 'house_id', 'floor_id'],
    referencedColumnNames: ['tenant_id', 'house_id', 'id'],
    primary: true,
  };
  const Room = entity('Room', { tenant, house, floor, id: text, size: { type: 'number', nullable: true } });

  async function filled() {
    const orm = await open(Tenant, House, Floor, Room);
    const em = orm.em.fork();
    const t = em.create(Tenant, { id: 't' });
    const h = em.create(House, { tenant: t, id: 'h' });
    const f = em.create(Floor, { tenant: t, house: h, id: 'f' });
    em.create(Room, { tenant: t, house: h, floor: f, id: '1' });
    em.create(Room, { tenant: t, house: h, floor: f, id: '2' });
    await em.flush();
    return { orm, entities: { tenant: t, house: h, floor: f } };
  }

  test('come once in the key', async () => {
    const { orm } = await filled();
    const room = await orm.em.fork().findOneOrFail(Room, { id: '2' }, { populate: ['floor'] as never });
    assert.deepEqual((room['floor'] as Row)['id'], 'f');
    const sql = await (
      orm.schema as unknown as { getCreateSchemaSQL(): Promise<string> }
    ).getCreateSchemaSQL();
    assert.match(sql, /primary key \(tenant_id, house_id, floor_id, id\)/);
  });

  test('are found by entities, parts and tuples', async () => {
    const { orm, entities } = await filled();
    const conditions: Row[] = [
      entities,
      { ...entities, id: '1' },
      { floor: entities.floor },
      { floor: { id: 'f' } },
      { tenant: { id: 't' }, house: { id: 'h' }, floor: { id: 'f' } },
      { floor: ['t', ['t', 'h'], 'f'] },
      { floor: ['t', 'h', 'f'] },
    ];
    for (const condition of conditions) {
      const found = await orm.em.fork().find(Room, condition as never, { orderBy: { id: 'asc' } as never });
      assert.equal(found[0]?.['id'], '1', JSON.stringify(Object.keys(condition)));
    }
    assert.equal(await orm.em.fork().count(Room, { floor: ['t', 'h', 'x'] } as never), 0);
  });

  test('are changed and removed by their key', async () => {
    const { orm } = await filled();
    const em = orm.em.fork();
    const [first, second] = await em.find(Room, {}, { orderBy: { id: 'asc' } as never });
    assert.ok(first && second);
    Object.assign(first, { size: 1 });
    Object.assign(second, { size: 2 });
    await em.flush();
    await em.remove(first).flush();
    const rest = await orm.em.fork().find(Room, {});
    assert.deepEqual(
      rest.map((room) => [room['id'], room['size']]),
      [['2', 2]],
    );
  });
});

test('a key of which another property holds a part is undefined where the rest is null, and null where all is', async () => {
  const text = { type: 'string', primary: true };
  const School = entity('School', { id: text });
  const school = { kind: 'm:1', entity: () => 'School', fieldName: 'school_id' };
  const Group = entity('Group', { school: { ...school, primary: true }, id: text });
  const group = {
    kind: 'm:1',
    entity: () => 'Group',
    joinColumns: ['school_id', 'group_id'],
    referencedColumnNames: ['school_id', 'id'],
    nullable: true,
  };
  const Pupil = entity('Pupil', { id: text, school: { ...school, nullable: true }, group });
  const orm = await open(School, Group, Pupil);
  const em = orm.em.fork();
  const s = em.create(School, { id: 's' });
  em.create(Pupil, { id: '1' });
  em.create(Pupil, { id: '2', school: s });
  em.create(Pupil, { id: '3', school: s, group: em.create(Group, { school: s, id: 'g' }) });
  await em.flush();
  for (const populate of [[], ['*']]) {
    const pupils = await orm.em
      .fork()
      .find(Pupil, {}, { populate: populate as never, orderBy: { id: 'asc' } as never });
    assert.deepEqual(
      pupils.map((pupil) => [
        pupil['school'] === null,
        (pupil['group'] as Row | null | undefined)?.['id'] ?? pupil['group'],
      ]),
      [
        [true, null],
        [false, undefined],
        [false, 'g'],
      ],
    );
  }
});

test('a key declared as text is counted up as a number, also where others refer to it', async () => {
  const Owner = entity('Owner', {
    id: { type: 'string', primary: true, autoincrement: true },
    name: { type: 'string' },
  });
  const Pet = entity('Pet', {
    id: { type: 'string', primary: true, autoincrement: true },
    owner: { kind: 'm:1', entity: () => 'Owner' },
  });
  const orm = await open(Owner, Pet);
  const em = orm.em.fork();
  for (const name of ['a', 'b']) {
    em.create(Pet, { owner: em.create(Owner, { name }) });
  }
  await em.flush();
  const pets = await orm.em
    .fork()
    .find(Pet, { owner: { name: 'b' } } as never, { populate: ['owner'] as never });
  assert.deepEqual(
    pets.map((pet) => [Number(pet['id']), Number((pet['owner'] as Row)['id'])]),
    [[2, 2]],
  );
});
