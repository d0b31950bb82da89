import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Entity, MikroORM, PrimaryKey, Property, defineConfig } from 'collection-store-mikro-orm';

@Entity()
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;
}

const warningsOf = async (options: object): Promise<string[]> => {
  const lines: string[] = [];
  const orm = await MikroORM.init(
    defineConfig({ entities: [Note], colors: false, logger: (line) => void lines.push(line), ...options }),
  );
  await orm.connect();
  await orm.close(true);
  return lines;
};

async function logged(debug: boolean | string[]): Promise<string[]> {
  const lines: string[] = [];
  const orm = await MikroORM.init(
    defineConfig({
      entities: [Note],
      dbName: ':memory:',
      debug: debug as never,
      colors: false,
      logger: (line) => void lines.push(line),
    }),
  );
  await orm.schema.createSchema();
  lines.length = 0;
  const em = orm.em.fork();
  await em.persist(em.create(Note, { text: 'hello' } as never)).flush();
  await orm.em.fork().find(Note, { text: 'hello' });
  await orm.close(true);
  return lines;
}

describe('debug', () => {
  test('logs each call of the engine in one line, with its time and its rows', async () => {
    const lines = await logged(['query']);
    const insert = lines.find((line) => line.includes('insert'));
    const find = lines.find((line) => line.includes('find'));
    assert.match(insert ?? '', /^\[query\].*note.*took [\d.]+ ms/);
    assert.match(find ?? '', /^\[query\].*note.*took [\d.]+ ms, 1 result/);
    assert.ok(lines.some((line) => /\[query\].*begin/.test(line)));
    assert.ok(lines.some((line) => /\[query\].*commit/.test(line)));
    assert.ok(lines.every((line) => !line.includes('\n')));
  });

  test('is silent when it is off', async () => {
    assert.deepEqual(await logged(false), []);
  });
});

describe('A name that looks like a file', () => {
  for (const dbName of ['data/app', '.\\data\\app', 'app.db', 'app.SQLite3']) {
    test(`${dbName} is warned of: the store is in memory`, async () => {
      const [line, ...others] = await warningsOf({ dbName });
      assert.match(line ?? '', /The store '.*' is in memory.*driverOptions\.path/);
      assert.ok(line?.includes(`'${dbName}'`));
      assert.deepEqual(others, []);
    });
  }

  for (const dbName of ['app', ':memory:', 'app.dbx', 'my.database']) {
    test(`${dbName} does not`, async () => {
      assert.deepEqual(await warningsOf({ dbName }), []);
    });
  }
});
