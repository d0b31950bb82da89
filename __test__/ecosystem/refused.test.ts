/** Extensions of MikroORM that need SQL say so, and what to do instead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

const Item = new EntitySchema<{ id: number }>({
  name: 'Item',
  properties: { id: { type: 'number', primary: true } },
});

/** An extension as packages register themselves. */
const registered = (key: string) => ({
  register: (orm: MikroORM) => orm.config.registerExtension(key, () => assert.fail(`${key} was made`)),
});

for (const installed of [false, true]) {
  test(`migrations and the entity generator are refused, ${installed ? 'registered' : 'not registered'}`, async () => {
    const extensions = installed
      ? ['@mikro-orm/migrator', '@mikro-orm/entity-generator'].map(registered)
      : [];
    const orm = await MikroORM.init(
      defineConfig({ entities: [Item], dbName: ':memory:', extensions: extensions as never }),
    );
    try {
      assert.throws(() => orm.migrator, /SQL.*orm\.schema\.update\(\).*keeps the data/);
      assert.throws(() => orm.entityGenerator, /SQL.*Write the entities/);
      await orm.schema.createSchema();
      assert.equal(await orm.em.fork().count(Item), 0);
    } finally {
      await orm.close(true);
    }
  });
}
