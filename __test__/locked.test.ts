/** One process at a time has a store open, and the lock of a process that is gone keeps nobody out. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EntitySchema, MikroORM } from 'collection-store-mikro-orm';
import { Project } from './guide/project.js';

class Row {
  id!: number;
}

const entities = [new EntitySchema({ class: Row, properties: { id: { type: 'number', primary: true } } })];

const project = new Project({
  'package.json': '{"type":"module"}',
  /** Opens the store, saves a row, and keeps the store open. */
  'owner.mjs': `
    import { EntitySchema, MikroORM } from 'collection-store-mikro-orm';
    class Row {}
    const orm = await MikroORM.init({
      entities: [new EntitySchema({ class: Row, properties: { id: { type: 'number', primary: true } } })],
      driverOptions: { path: process.argv[2] },
    });
    await (orm.schema.updateSchema ?? orm.schema.update).call(orm.schema);
    await orm.em.fork().insert(Row, {});
    console.log('open');
    setInterval(() => {}, 1000);
  `,
});

after(() => project.remove());

async function owner(directory: string): Promise<ChildProcess> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawn(process.execPath, ['owner.mjs', directory], {
    cwd: project.folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('close', (code) => reject(new Error(`ended with ${code}`)));
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
}

async function rows(directory: string): Promise<number> {
  const orm = await MikroORM.init({ entities, driverOptions: { path: directory } } as never);
  try {
    await orm.connect();
    return await orm.em.fork().count(Row);
  } finally {
    await orm.close(true);
  }
}

test('a store is open in one process at a time', async () => {
  const directory = join(project.folder, 'data');
  const child = await owner(directory);
  try {
    const refused = new RegExp(`open already, by process ${child.pid} on .+: one process at a time can`);
    await assert.rejects(rows(directory), refused);
  } finally {
    await kill(child);
  }
  assert.equal(await rows(directory), 1, 'the lock went with the process');
});

test('the name of an owner on another host keeps nobody out', async () => {
  const directory = join(project.folder, 'moved');
  await kill(await owner(directory));
  writeFileSync(join(directory, 'LOCK'), 'process 1 on another host');
  assert.equal(await rows(directory), 1);
});
