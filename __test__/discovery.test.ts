/** Ways to define entities that discovery has to understand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as core from '@mikro-orm/core';
import { EntitySchema, MikroORM, Type, defineConfig } from 'collection-store-mikro-orm';

/** Only major 7 gives a schema its class afterwards. */
const setsClass = 'setClass' in EntitySchema.prototype;

test('a schema goes by another name than its class', { skip: !setsClass }, async () => {
  interface Row {
    id: number;
    setting?: Row;
  }
  const id = { type: 'number', primary: true };
  const setting = { kind: 'm:1', entity: () => ClientSettings };
  const SettingSchema = new EntitySchema<Row>({ name: 'Setting', properties: { id } as never });
  const ClientSchema = new EntitySchema<Row>({ name: 'Client', properties: { id, setting } as never });
  class ClientSettings {}
  class Client {}
  for (const [schema, target] of [
    [SettingSchema, ClientSettings],
    [ClientSchema, Client],
  ] as const) {
    (schema as unknown as { setClass(target: unknown): void }).setClass(target);
  }
  const orm = await MikroORM.init(
    defineConfig({ entities: [ClientSchema, SettingSchema] as never, dbName: ':memory:' }),
  );
  await orm.schema.createSchema();
  const em = orm.em.fork();
  em.create(Client as never, { setting: em.create(ClientSettings as never, {} as never) } as never);
  await em.flush();
  const client = (await orm.em.fork().findOneOrFail(Client as never, { setting: 1 } as never)) as Row;
  assert.equal(client.setting?.id, 1);
  await orm.close(true);
});

/** Major 6 asks such a property for its type. */
const infersChoices = 'PolymorphicRef' in core;

test('a list of choices whose schema names no type', { skip: !infersChoices }, async () => {
  const Order = new EntitySchema<{ id: number; methods: string[] }>({
    name: 'Order',
    properties: {
      id: { type: 'number', primary: true },
      methods: { enum: true, array: true, items: () => ['card', 'cash'] },
    },
  });
  const orm = await MikroORM.init(defineConfig({ entities: [Order], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  em.create(Order, { id: 1, methods: ['cash', 'card'] });
  await em.flush();
  assert.deepEqual((await orm.em.fork().findOneOrFail(Order, 1)).methods, ['cash', 'card']);
  await orm.close(true);
});

test('an abstract root whose key only its subclasses have in common', async () => {
  interface Transport {
    id: number;
    kind: string;
  }
  const base = { id: { type: 'number', primary: true }, kind: { enum: true, items: () => ['air', 'road'] } };
  const Root = new EntitySchema<Transport>({
    name: 'Transport',
    abstract: true,
    discriminatorColumn: 'kind',
    properties: base as never,
  });
  const [Air, Road] = (['air', 'road'] as const).map(
    (kind) =>
      new EntitySchema<Transport, Transport>({
        name: `${kind}_transport`,
        extends: Root as never,
        discriminatorValue: kind,
        properties: { ...base, [`${kind}Category`]: { type: 'string' } } as never,
      }),
  ) as [EntitySchema, EntitySchema];
  const orm = await MikroORM.init(defineConfig({ entities: [Root, Air, Road] as never, dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  em.create(Air as never, { id: 1, airCategory: 'jet' } as never);
  em.create(Road as never, { id: 2, roadCategory: 'van' } as never);
  await em.flush();
  const found = (await orm.em.fork().find(Root, {}, { orderBy: { id: 'asc' } })) as object[];
  assert.deepEqual(
    found.map((row) => ({ ...row })),
    [
      { id: 1, kind: 'air', airCategory: 'jet' },
      { id: 2, kind: 'road', roadCategory: 'van' },
    ],
  );
  await orm.close(true);
});

test('a default goes through the type of its property', async () => {
  class Rank extends Type<string, number> {
    static readonly names = ['low', 'high'];
    override convertToDatabaseValue = (value: string) => Rank.names.indexOf(value);
    override convertToJSValue = (value: number) => Rank.names[value] as string;
    override compareAsType = () => 'number';
    override getColumnType = () => 'int';
  }
  const Task = new EntitySchema<{ id: number; rank: string }>({
    name: 'Task',
    properties: { id: { type: 'number', primary: true }, rank: { type: Rank, default: 'high' } as never },
  });
  const orm = await MikroORM.init(defineConfig({ entities: [Task], dbName: ':memory:' }));
  await orm.schema.createSchema();
  await orm.em.fork().insert(Task, { id: 1 } as never);
  assert.equal((await orm.em.fork().findOneOrFail(Task, { rank: 'high' })).rank, 'high');
  await orm.close(true);
});

test('a list of entities that is read-only, as the export of the command line writes it', async () => {
  const Plain = new EntitySchema<{ id: number }>({
    name: 'Plain',
    properties: { id: { type: 'number', primary: true } },
  });
  const entities = [Plain] as const;
  const config = defineConfig({ entities, dbName: ':memory:' });
  for (const orm of [
    await MikroORM.init(config),
    await MikroORM.init({ entities, dbName: ':memory:' }),
    // Options of core name no read-only list in major 6.
    await core.MikroORM.init(defineConfig({ entities: [...entities], dbName: ':memory:' })),
  ]) {
    await orm.schema.createSchema();
    assert.equal(await orm.em.fork().count(Plain), 0);
    await orm.close(true);
  }
});
