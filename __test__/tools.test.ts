/** Backups, and the command line, as somebody at a terminal uses it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type CollectionStoreConnection,
  EntitySchema,
  MikroORM,
  defineConfig,
} from 'collection-store-mikro-orm';

class Account {
  id!: number;
  name!: string;
  total?: bigint | null;
  opened?: Date | null;
  picture?: Uint8Array | null;
}

const nullable = true;
const entities = [
  new EntitySchema<Account>({
    class: Account,
    properties: {
      id: { type: 'number', primary: true },
      name: { type: 'string', unique: true },
      total: { type: 'bigint', nullable },
      opened: { type: 'datetime', nullable },
      picture: { type: 'blob', nullable },
    } as never,
  }),
];

let place: string;
const open: MikroORM[] = [];

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tools-'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((orm) => orm.close(true)));
  rmSync(place, { recursive: true });
});

const at = (name: string) => join(place, name);

async function start(options: object): Promise<MikroORM> {
  const orm = await MikroORM.init(defineConfig({ entities, ...options }));
  open.push(orm);
  await orm.connect();
  return orm;
}

const kept = (name: string) => start({ driverOptions: { path: at(name) } });
const connection = (orm: MikroORM) => orm.em.getConnection() as unknown as CollectionStoreConnection;

async function fill(orm: MikroORM): Promise<void> {
  await orm.schema.createSchema();
  const em = orm.em.fork();
  em.create(Account, {
    id: 1,
    name: 'first',
    total: 2n ** 60n,
    opened: new Date('2027-03-01T12:00:00.123Z'),
    picture: Buffer.from([0, 128, 255]),
  } as never);
  em.create(Account, { id: 2, name: 'second\n"\u2028' } as never);
  await em.flush();
}

async function rowsOf(orm: MikroORM): Promise<unknown[]> {
  const rows = await orm.em.fork().find(Account, {}, { orderBy: { id: 'asc' } });
  return rows.map((row) => ({ ...row, picture: row.picture && [...row.picture], total: String(row.total) }));
}

/** A store on disk, closed, and its rows. */
async function made(name: string): Promise<unknown[]> {
  const orm = await kept(name);
  await fill(orm);
  const rows = await rowsOf(orm);
  await orm.close(true);
  return rows;
}

for (const [what, options] of [
  ['a disk', () => ({ driverOptions: { path: at('from') } })],
  ['memory', () => ({ dbName: ':memory:' })],
] as const) {
  test(`a store in ${what} is backed up as it was when that was asked for, and opened again`, async () => {
    const orm = await start(options());
    await fill(orm);
    const expected = await rowsOf(orm);
    const making = connection(orm).backup(at('to'));
    await orm.em.fork().nativeDelete(Account, { id: 1 });
    await making;
    const copy = await kept('to');
    assert.deepEqual(await rowsOf(copy), expected);
    assert.equal(await copy.schema.getUpdateSchemaSQL(), '');
  });
}

test('a backup leaves a directory that is not empty alone', async () => {
  const orm = await start({ dbName: ':memory:' });
  await fill(orm);
  writeFileSync(at('mine'), 'text');
  await assert.rejects(connection(orm).backup(place), {
    name: 'DatabaseObjectExistsException',
    message: /is not empty: name a new one/,
  });
  assert.deepEqual(readdirSync(place), ['mine']);
});

test('an open store is gone through, and nothing is wrong with it', async () => {
  for (const options of [{ driverOptions: { path: at('from') } }, { dbName: ':memory:' }]) {
    const orm = await start(options);
    await fill(orm);
    const { sequence, collections, findings, more } = await connection(orm).check();
    assert.deepEqual(
      { collections, findings, more },
      {
        collections: [{ name: 'account', rows: 2 }],
        findings: [],
        more: 0,
      },
    );
    assert.equal(sequence, 2);
  }
});

const manifest = createRequire(import.meta.url).resolve('collection-store-mikro-orm/package.json');
const bin = JSON.parse(readFileSync(manifest, 'utf8')).bin['collection-store'];

/** Runs a command line in the runtime that runs this. */
function run(...args: string[]) {
  const done = spawnSync(process.execPath, [join(dirname(manifest), bin), ...args], { encoding: 'utf8' });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

describe('the command line', () => {
  test('says what a store holds, checks it and makes it compact', async () => {
    const rows = await made('store');
    const info = run('info', at('store'));
    assert.equal(info.code, 0, info.err);
    assert.match(info.out, /account +2 +5 +1/);
    const check = run('check', at('store'));
    assert.equal(check.code, 0, check.err);
    assert.match(check.out, /is whole: commit 2, 2 rows in 1 collections/);
    const compact = run('compact', at('store'));
    assert.equal(compact.code, 0, compact.err);
    assert.ok(readdirSync(at('store')).some((name) => name.startsWith('checkpoint-')));
    assert.deepEqual(await rowsOf(await kept('store')), rows);
  });

  test('makes a backup', async () => {
    const rows = await made('store');
    const backup = run('backup', at('store'), at('copy'));
    assert.equal(backup.code, 0, backup.err);
    assert.deepEqual(await rowsOf(await kept('copy')), rows);
    const again = run('backup', at('store'), at('copy'));
    assert.equal(again.code, 1);
    assert.match(again.err, /is not empty/);
  });

  test('dumps a store and loads it into another, schema and values of all kinds', async () => {
    const rows = await made('store');
    const dumped = run('dump', at('store'), at('lines'));
    assert.equal(dumped.code, 0, dumped.err);
    assert.deepEqual(readdirSync(at('lines')).sort(), ['account.jsonl', 'dump.json']);
    const loaded = run('load', at('lines'), at('copy'));
    assert.equal(loaded.code, 0, loaded.err);
    const copy = await kept('copy');
    assert.equal(await copy.schema.getUpdateSchemaSQL(), '');
    assert.deepEqual(await rowsOf(copy), rows);
  });

  test('says all that is damaged, and where, and what can be done, and changes nothing', async () => {
    await made('store');
    const log = join(at('store'), readdirSync(at('store')).find((name) => name.startsWith('log-')) as string);
    const bytes = readFileSync(log);
    bytes[70] = (bytes[70] as number) ^ 1;
    writeFileSync(log, bytes);
    rmSync(join(at('store'), 'MANIFEST'));
    const check = run('check', at('store'));
    assert.equal(check.code, 1);
    assert.match(check.out, /^damage +MANIFEST is missing$/m);
    assert.match(
      check.out,
      /^damage +log-0000000000000001 is damaged at byte 56: .*; it goes on at byte \d+$/m,
    );
    assert.match(check.out, /^damage +version 1 is missing/m);
    assert.match(check.out, /cannot be opened\. What can be read of it: commit 2, /);
    assert.ok(check.out.includes(`npx collection-store salvage ${at('store')} <new directory>`), check.out);
    assert.deepEqual(readFileSync(log), bytes);
    await assert.rejects(kept('store'), (error: Error) =>
      error.message.includes(`\`npx collection-store check ${at('store')}\``),
    );
  });

  test('saves what can be read of a damaged store, says what was lost, and changes nothing in it', async () => {
    const orm = await kept('store');
    await fill(orm);
    await orm.em.fork().insert(Account, { id: 3, name: 'third' });
    await orm.em.fork().insert(Account, { id: 4, name: 'fourth' });
    await orm.close(true);
    const log = join(at('store'), 'log-0000000000000001');
    const bytes = readFileSync(log);
    // In the name of the third.
    bytes[bytes.indexOf('third')] = 0;
    writeFileSync(log, bytes);
    await assert.rejects(kept('store'), /`npx collection-store salvage /);
    const salvage = run('salvage', at('store'), at('saved'));
    assert.equal(salvage.code, 1);
    assert.match(salvage.out, /^damage +log-0000000000000001 is damaged at byte \d+: the checksum/m);
    assert.match(salvage.out, /^damage +version 3 is missing/m);
    assert.match(salvage.out, /saved has commit 4, 3 rows in 1 collections\./);
    assert.match(salvage.out, /Nothing is missing up to commit 2\./);
    assert.ok(salvage.out.includes(join(at('saved'), 'lost.jsonl')), salvage.out);
    const lost = readFileSync(join(at('saved'), 'lost.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    assert.deepEqual(
      lost.map((line) => JSON.parse(line).kind),
      ['checksum', 'gap'],
    );
    assert.deepEqual(readFileSync(log), bytes);
    assert.equal(run('check', at('saved')).code, 0);
    const store = await kept('saved');
    const saved = await rowsOf(store);
    await store.close(true);
    assert.deepEqual(
      saved.map((row) => (row as Account).id),
      [1, 2, 4],
    );
    const again = run('salvage', at('store'), at('saved'));
    assert.equal(again.code, 1);
    assert.match(again.err, /is not empty/);
    const whole = run('salvage', at('saved'), at('copy'));
    assert.equal(whole.code, 0, whole.err);
    assert.match(whole.out, /Nothing was lost\./);
    assert.equal(existsSync(join(at('copy'), 'lost.jsonl')), false);
  });

  test('changes nothing in a store that is only looked at', async () => {
    await made('store');
    const log = join(at('store'), 'log-0000000000000001');
    // As a commit leaves it that the power has cut short.
    writeFileSync(log, Buffer.concat([readFileSync(log), Buffer.alloc(100, 9)]));
    const files = () => readdirSync(at('store')).map((name) => [name, readFileSync(join(at('store'), name))]);
    const before = files();
    for (const args of [
      ['info'],
      ['check'],
      ['dump', at('lines')],
      ['backup', at('copy')],
      ['salvage', at('saved')],
    ]) {
      const [command, ...rest] = args as [string];
      const done = run(command, at('store'), ...rest);
      assert.equal(done.code, 0, `${command}: ${done.err}`);
      assert.deepEqual(files(), before, command);
    }
    const opened = await kept('store');
    assert.equal(
      connection(opened).statistics?.notices.length,
      1,
      'what opening puts right is still to be put right',
    );
  });

  test('waits for nobody: a store that is open elsewhere is said to be', async () => {
    const orm = await kept('store');
    await fill(orm);
    for (const args of [['info'], ['check'], ['compact'], ['salvage', at('saved')], ['backup', at('copy')]]) {
      const [command, ...rest] = args as [string];
      const { code, err } = run(command, at('store'), ...rest);
      assert.equal(code, 1);
      assert.match(err, new RegExp(`is open already, by process ${process.pid} `));
      assert.equal(err.includes('await connection.backup(directory)'), command === 'backup', err);
    }
    assert.deepEqual(
      readdirSync(place).filter((name) => name !== 'store'),
      [],
      'nothing is begun',
    );
  });

  test('goes on quietly where nobody reads on', { skip: process.platform === 'win32' }, async () => {
    await made('store');
    const [runtime, main] = [process.execPath, join(dirname(manifest), bin)];
    const piped = (...args: string[]) =>
      spawnSync(
        'sh',
        ['-c', '{ sleep 0.2; "$0" "$@"; echo "code $?" >&2; } | true', runtime, main, ...args],
        {
          encoding: 'utf8',
        },
      );
    assert.equal(piped('--help').stderr, 'code 0\n');
    assert.equal(piped('info', at('store')).stderr, 'code 0\n');
  });

  test('says what is wrong with a command line, and makes no store of a mistyped name', () => {
    assert.equal(run('--help').code, 0);
    for (const wrong of [['inof', 'x'], ['info'], ['info', 'a', 'b'], ['info', '--fast', 'a']]) {
      const { code, err } = run(...wrong);
      assert.equal(code, 2, wrong.join(' '));
      assert.match(err, /Try collection-store --help/);
    }
    for (const command of ['info', 'check', 'compact']) {
      const { code, err } = run(command, at('nowhere'));
      assert.equal(code, 1);
      assert.match(err, /There is no directory/);
      assert.match(run(command, place).err, /There is no store in/);
    }
    assert.equal(existsSync(at('nowhere')), false);
  });
});
