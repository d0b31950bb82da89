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
