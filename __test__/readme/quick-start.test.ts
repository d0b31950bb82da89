import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as everything from 'collection-store-mikro-orm';
import { Entity, MikroORM, PrimaryKey, Property, defineConfig } from 'collection-store-mikro-orm';

@Entity()
class User {
  @PrimaryKey()
  id!: number;

  @Property()
  name!: string;

  @Property()
  email!: string;
}

describe('the quick start', () => {
  let orm: MikroORM;

  before(async () => {
    orm = await MikroORM.init(
      defineConfig({
        entities: [User],
        dbName: 'my-database',
      }),
    );
    await orm.schema.createSchema();
  });

  after(() => orm.close(true));

  test('creates a user and gives it an id', async () => {
    const em = orm.em.fork();

    const user = new User();
    user.name = 'John Doe';
    user.email = 'john@example.com';

    em.persist(user);
    await em.flush();

    assert.equal(user.id, 1);
    const found = await orm.em.fork().findOneOrFail(User, user.id);
    assert.deepEqual({ ...found }, { id: 1, name: 'John Doe', email: 'john@example.com' });
  });
});

describe('what the package exports', () => {
  test('every decorator, type and class that the read-me imports', () => {
    const names = [
      ...['Entity', 'Property', 'PrimaryKey', 'ManyToOne', 'OneToMany', 'ManyToMany', 'OneToOne'],
      ...['Embeddable', 'Embedded', 'BeforeCreate', 'BeforeUpdate', 'BeforeDelete'],
      ...['AfterCreate', 'AfterUpdate', 'AfterDelete', 'Index', 'Unique'],
      ...['Collection', 'Reference', 'ref', 'wrap'],
      ...['MikroORM', 'EntityManager', 'EntityRepository', 'defineConfig'],
    ];
    const missing = names.filter(
      (name) => typeof (everything as Record<string, unknown>)[name] !== 'function',
    );
    assert.deepEqual(missing, []);
  });

  test('everything that core exports', async () => {
    const core = await import('@mikro-orm/core');
    const missing = Object.keys(core).filter((name) => name !== 'default' && !(name in everything));
    assert.deepEqual(missing, []);
  });

  test('the configuration helper leaves debug and entitiesTs to the user', () => {
    const config = defineConfig({ entities: ['./src/entities/**/*.ts'], dbName: 'my-app-db' });
    assert.equal(config.debug, undefined);
    assert.equal(config.entitiesTs, undefined);
    assert.equal(config.driver, everything.CollectionStoreDriver);
    assert.equal(defineConfig({ debug: true }).debug, true);
  });
});
