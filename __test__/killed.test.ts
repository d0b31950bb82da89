/** What a promise said was saved is there, whole, however often the process is killed. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CollectionStoreConnection, EntitySchema, MikroORM } from 'collection-store-mikro-orm';
import { program, Project } from './guide/project.js';

/** How often a process is killed: 200 take two minutes or so. */
const KILLS = Number(process.env['KILLS'] ?? 8);

class Row {
  id!: number;
  pair!: string;
}

const RowSchema = new EntitySchema({
  class: Row,
  properties: { id: { type: 'number', primary: true }, pair: { type: 'string', index: true } },
});

const project = new Project({
  'package.json': '{"type":"module"}',
  /** Saves two rows in each transaction, several at a time, and says which are saved. */
  'writer.mjs': `
    import { writeSync } from 'node:fs';
    import { EntitySchema, MikroORM } from 'collection-store-mikro-orm';
    class Row {}
    const properties = { id: { type: 'number', primary: true }, pair: { type: 'string', index: true } };
    const orm = await MikroORM.init({
      entities: [new EntitySchema({ class: Row, properties })],
      driverOptions: { path: process.argv[2] },
    });
    await (orm.schema.updateSchema ?? orm.schema.update).call(orm.schema);
    const work = async (writer) => {
      for (let i = 0; ; i++) {
        const pair = [process.argv[3], writer, i].join('-');
        await orm.em.fork().transactional(async (em) => {
          em.create(Row, { pair });
          await em.flush();
          em.create(Row, { pair });
        });
        writeSync(1, pair + '\\n');
      }
    };
    await Promise.all([0, 1, 2, 3].map(work));
  `,
});

after(() => project.remove());

/** Lets a process write until it has said so often that something is saved, and kills it. */
async function killed(directory: string, round: number, most: number): Promise<string[]> {
  // The test runner tells its children to report to it, which this one does not mean to.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const writer = spawn(process.execPath, ['writer.mjs', directory, String(round)], {
    cwd: project.folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let errors = '';
  writer.stderr.on('data', (data) => {
    errors += data;
  });
  writer.stdout.on('data', (data) => {
    said += data;
    if (said.split('\n').length > most) {
      writer.kill('SIGKILL');
    }
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    writer.on('close', (...how) => resolve(how));
  });
  assert.equal(signal, 'SIGKILL', `ended by itself with ${code}: ${errors}`);
  // A line that was cut by the end was not said.
  return said.split('\n').slice(0, -1);
}

test('what was saved is there after kill -9', async () => {
  const directory = join(project.folder, 'data');
  const saved: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    saved.push(...(await killed(directory, round, 1 + ((round * 37) % 100))));
    const checked = spawnSync(process.execPath, [
      program('collection-store-mikro-orm', 'collection-store'),
      'check',
      directory,
    ]);
    assert.equal(checked.status, 0, String(checked.stdout) + checked.stderr);
    const orm = await MikroORM.init({ entities: [RowSchema], driverOptions: { path: directory } } as never);
    await orm.connect();
    const rows = (await orm.em.fork().find(Row, {})) as Row[];
    const counts = new Map<string, number>();
    for (const { pair } of rows) {
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
    assert.ok(
      [...counts.values()].every((count) => count === 2),
      'each transaction is there whole or not at all',
    );
    assert.deepEqual(
      saved.filter((pair) => !counts.has(pair)),
      [],
      'nothing that was saved is missing',
    );
    const { findings } = await (orm.em.getConnection() as unknown as CollectionStoreConnection).check();
    assert.deepEqual(findings, []);
    await orm.close(true);
  }
});
