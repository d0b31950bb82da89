import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type EntityManager, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import { Post, User } from './entities.js';

let orm: MikroORM;

beforeEach(async () => {
  orm = await MikroORM.init(defineConfig({ entities: [User, Post], dbName: ':memory:' }));
  await orm.schema.createSchema();
});

afterEach(() => orm.close(true));

function newUser(name: string, age?: number): User {
  const user = new User();
  user.name = name;
  user.email = `${name.toLowerCase().replace(' ', '-')}@example.com`;
  user.age = age;
  return user;
}

function newPost(title: string, author: User): Post {
  const post = new Post();
  post.title = title;
  post.content = 'Hello, world!';
  post.author = author;
  return post;
}

async function names(): Promise<string[]> {
  const users = await orm.em.fork().find(User, {}, { orderBy: { id: 'asc' } });
  return users.map((user) => user.name);
}

describe('working with data', () => {
  test('users and posts are created, found, populated and counted', async () => {
    const em = orm.em.fork();
    const user = newUser('Alice', 25);
    em.persist(user);
    await em.flush();

    const post = newPost('My First Post', user);
    em.persist(post);
    await em.flush();

    const users = await em.find(User, { age: { $gte: 18 } });
    assert.deepEqual(users, [user]);
    const activeUsers = await em.find(User, { isActive: true });
    assert.deepEqual(activeUsers, [user]);

    const userWithPosts = await orm.em.fork().findOneOrFail(User, user.id, { populate: ['posts'] });
    assert.deepEqual(
      userWithPosts.posts.getItems().map((item) => item.title),
      ['My First Post'],
    );
    assert.equal(await em.count(User, { isActive: true }), 1);
    assert.equal(await em.count(User, { isActive: false }), 0);
  });

  test('values come back as they went in', async () => {
    const em = orm.em.fork();
    const user = newUser('Alice', 25);
    await em.persist(user).flush();
    const found = await orm.em.fork().findOneOrFail(User, user.id);
    assert.equal(found.name, 'Alice');
    assert.equal(found.age, 25);
    assert.equal(found.isActive, true);
    assert.ok(found.createdAt instanceof Date);
  });
});

describe('the additional methods', () => {
  test('first, last, oldest, latest, lowest, greatest and the finders by field', async () => {
    const em = orm.em.fork();
    for (const [name, age] of [
      ['Ann', 25],
      ['Bob', 18],
      ['Cid', 61],
      ['Dan', 25],
    ] as const) {
      em.persist(newUser(name, age));
      await em.flush();
    }

    assert.equal((await em.first(User))?.name, 'Ann');
    assert.equal((await em.last(User))?.name, 'Dan');
    assert.equal((await em.lowest(User, 'age'))?.name, 'Bob');
    assert.equal((await em.greatest(User, 'age'))?.name, 'Cid');
    assert.ok(await em.oldest(User));
    assert.ok(await em.latest(User));
    assert.equal((await em.findById(User, 1))?.name, 'Ann');
    assert.deepEqual(
      (await em.findBy(User, 'age', 25)).map((user) => user.name),
      ['Ann', 'Dan'],
    );
    assert.equal((await em.findFirstBy(User, 'age', 25))?.name, 'Ann');
    assert.equal((await em.findLastBy(User, 'age', 25))?.name, 'Dan');
    assert.equal(await em.findFirstBy(User, 'age', 99), null);
  });

  test('they give managed entities, on the repository too', async () => {
    const em = orm.em.fork();
    em.persist(newUser('Ann', 25));
    await em.flush();
    em.clear();
    const first = await em.getRepository(User).first();
    assert.ok(first);
    first.name = 'Anna';
    await em.flush();
    assert.deepEqual(await names(), ['Anna']);
  });
});

describe('transactions', () => {
  test('a transaction commits both entities', async () => {
    await orm.em.fork().transactional(async (em) => {
      const user = newUser('Transaction User');
      const post = newPost('Transaction Post', user);
      em.persist(user);
      em.persist(post);
      await em.flush();
    });
    assert.deepEqual(await names(), ['Transaction User']);
    assert.equal(await orm.em.fork().count(Post), 1);
  });

  test('an error rolls everything back', async () => {
    const failing = orm.em.fork().transactional(async (em) => {
      em.persist(newUser('Gone'));
      await em.flush();
      assert.equal(await em.count(User), 1);
      throw new Error('stop');
    });
    await assert.rejects(failing, /stop/);
    assert.deepEqual(await names(), []);
  });

  test('a nested transaction is a savepoint', async () => {
    await orm.em.fork().transactional(async (em) => {
      const user = newUser('Outer User');
      em.persist(user);
      await em.flush();

      await em.transactional(async (inner) => {
        inner.persist(newPost('Inner Post', inner.getReference(User, user.id)));
        await inner.flush();
      });

      const failing = em.transactional(async (inner) => {
        inner.persist(newPost('Lost Post', inner.getReference(User, user.id)));
        await inner.flush();
        throw new Error('inner');
      });
      await assert.rejects(failing, /inner/);
    });
    assert.deepEqual(await names(), ['Outer User']);
    const posts = await orm.em.fork().find(Post, {});
    assert.deepEqual(
      posts.map((post) => post.title),
      ['Inner Post'],
    );
  });

  async function insideSavepoint(work: (em: EntityManager) => Promise<void>): Promise<void> {
    await orm.em.fork().transactional(async (em) => {
      // biome-ignore lint/suspicious/noExplicitAny: as the read-me prints it
      const connection = em.getConnection() as any;
      const ctx = em.getTransactionContext();
      await em.persist(newUser('Before')).flush();

      const checkpoint = await connection.createSavepoint(ctx, 'before-bulk-operations');
      try {
        await work(em as EntityManager);
        await connection.releaseSavepoint(ctx, checkpoint);
      } catch {
        await connection.rollbackToSavepoint(ctx, checkpoint);
        await em.persist(newUser('Fallback')).flush();
      }
    });
  }

  test('a savepoint by hand is released', async () => {
    await insideSavepoint(async (em) => {
      await em.persist(newUser('Bulk')).flush();
    });
    assert.deepEqual(await names(), ['Before', 'Bulk']);
  });

  test('a savepoint by hand is rolled back to', async () => {
    await insideSavepoint(async (em) => {
      await em.persist(newUser('Bulk')).flush();
      throw new Error('bulk');
    });
    assert.deepEqual(await names(), ['Before', 'Fallback']);
  });

  test('savepoints on four levels, the deepest fails', async () => {
    const add = (em: EntityManager, name: string) => em.persist(newUser(name)).flush();
    await orm.em.fork().transactional(async (level0) => {
      await add(level0, 'zero');
      await level0.transactional(async (level1) => {
        await add(level1, 'one');
        await level1.transactional(async (level2) => {
          await add(level2, 'two');
          const deepest = level2.transactional(async (level3) => {
            await add(level3, 'three');
            throw new Error('deepest');
          });
          await assert.rejects(deepest, /deepest/);
          await add(level2, 'two again');
        });
        await add(level1, 'one again');
      });
    });
    assert.deepEqual(await names(), ['zero', 'one', 'two', 'two again', 'one again']);
  });
});

describe('working with the schema', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the names differ between the majors, and all of them are there
  const schema = () => orm.schema as any;

  test('create, update, refresh, ensure indexes and drop', async () => {
    await schema().updateSchema();
    await orm.em.fork().persist(newUser('Ann')).flush();
    await schema().updateSchema();
    await schema().ensureIndexes();
    assert.deepEqual(await names(), ['Ann']);
    await schema().refreshDatabase();
    assert.deepEqual(await names(), []);
    await schema().dropSchema();
    await assert.rejects(names(), { name: 'TableNotFoundException' });
  });
});
