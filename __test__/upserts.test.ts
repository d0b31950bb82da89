/** What entities are after rows of theirs were inserted or changed, whichever it was. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Entity, MikroORM, PrimaryKey, Property, defineConfig } from 'collection-store-mikro-orm';

@Entity()
class Account {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', unique: true })
  email!: string;

  @Property({ type: 'number', nullable: true })
  age?: number | null;

  @Property({ type: 'string', nullable: true })
  note?: string | null;

  @Property({ type: 'string', nullable: true, lazy: true })
  story?: string | null;
}

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [Account], dbName: ':memory:' }));
  await orm.schema.createSchema();
  await orm.em.fork().insertMany(Account, [
    { id: 1, email: 'a', age: 1, note: 'old' },
    { id: 2, email: 'b', age: 200, note: 'old' },
  ] as never[]);
});

afterEach(() => orm.close(true));

for (const [by, rows] of [
  ['their keys', [1, 2, 3].map((id) => ({ id, email: 'abc'[id - 1] as string, age: 50 }))],
  ['a unique property', [...'abc'].map((email) => ({ email, age: 50 }))],
] as const) {
  test(`each entity keeps its row where a condition leaves some as they are, found by ${by}`, async () => {
    const em = orm.em.fork();
    const accounts = await em.upsertMany(
      Account,
      [...rows] as never[],
      {
        onConflictWhere: { age: { $gt: 100 } },
      } as never,
    );
    assert.deepEqual(
      accounts.map(({ id, email, note }) => [id, email, note]),
      [
        [1, 'a', 'old'],
        [2, 'b', 'old'],
        [3, 'c', null],
      ],
    );
    const stored = await orm.em.fork().find(Account, {}, { orderBy: { id: 'asc' } });
    assert.deepEqual(
      stored.map(({ id, age }) => [id, age]),
      [
        [1, 1],
        [2, 50],
        [3, 50],
      ],
    );
  });
}

test('each of very many inserted rows has its key, whether it was given one or not', async () => {
  const given = 5_000;
  const rows = Array.from({ length: given + 5 }, (_, i) => ({
    ...(i < given && { id: 10 + i }),
    email: `account ${i}`,
  }));
  const ids = await orm.em.fork().insertMany(Account, rows as never[]);
  const stored = await orm.em.fork().find(Account, { email: rows.slice(-5).map(({ email }) => email) });
  const byEmail = new Map(stored.map(({ id, email }) => [email, id]));
  assert.deepEqual(
    ids.slice(-7),
    rows.slice(-7).map(({ id, email }) => id ?? byEmail.get(email)),
  );
});

test('lazy properties are left to be loaded when they are asked for', async () => {
  const em = orm.em.fork();
  await em.nativeUpdate(Account, 1, { story: 'long' });
  const account = await em.upsert(Account, { id: 1, email: 'a', age: 2 } as never);
  assert.deepEqual([account.age, account.story], [2, undefined]);
  await em.populate(account, ['story']);
  assert.equal(account.story, 'long');
});
