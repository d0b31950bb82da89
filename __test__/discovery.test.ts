/** Ways to define entities that discovery has to understand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

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
