/** Stores whose files have been damaged, as whoever opens them sees them: right data or an error that says what is wrong. */
import assert from 'node:assert/strict';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DriverException, EntitySchema, MikroORM } from 'collection-store-mikro-orm';

/** How many bytes are left alone between two that are changed: 1 changes each. */
const STRIDE = Number(process.env['STRIDE'] ?? 13);

class Owner {
  id!: number;
  name!: string;
}

class Thing {
  id!: number;
  name!: string;
  owner!: Owner;
}

const id = { type: 'number', primary: true } as const;
const entities = [
  new EntitySchema<Owner>({
    class: Owner,
    properties: { id, name: { type: 'string', unique: true } } as never,
  }),
  new EntitySchema<Thing>({
    class: Thing,
    properties: { id, name: { type: 'string' }, owner: { kind: 'm:1', entity: () => Owner } } as never,
  }),
];

let place: string;
/** What the store held after each of its commits. */
const states: string[] = ['nothing yet'];

const at = (name: string) => join(place, name);

async function opened<T>(name: string, work: (orm: MikroORM) => Promise<T>): Promise<T> {
  const orm = await MikroORM.init({ entities, driverOptions: { path: at(name) } } as never);
  try {
    await orm.connect();
    return await work(orm);
  } finally {
    await orm.close(true);
  }
}

async function contents(orm: MikroORM): Promise<string> {
  if ((await orm.schema.getCreateSchemaSQL()) === (await orm.schema.getUpdateSchemaSQL())) {
    return 'nothing yet';
  }
  const em = orm.em.fork();
  const owners = (await em.find(Owner, {}, { orderBy: { id: 'asc' } })) as Owner[];
  const things = (await em.find(Thing, {}, { orderBy: { id: 'asc' } })) as Thing[];
  // By the index as well, which is made anew when a store is opened.
  for (const { id: key, name } of owners) {
    assert.equal(((await em.fork().findOneOrFail(Owner, { name })) as Owner).id, key);
  }
  return JSON.stringify([
    owners.map((one) => [one.id, one.name]),
    things.map((one) => [one.id, one.name, one.owner.id]),
  ]);
}

before(async () => {
  place = mkdtempSync(join(tmpdir(), 'damaged-'));
  await opened('whole', async (orm) => {
    await orm.schema.createSchema();
    states.push(await contents(orm));
    for (let number = 1; number <= 4; number++) {
      await orm.em.fork().transactional(async (em) => {
        const owner = em.create(Owner, { name: `owner ${number}` } as never);
        em.create(Thing, { name: `thing ${number}`, owner } as never);
      });
      states.push(await contents(orm));
    }
    // As a process leaves it that is killed: the end of the log is not closed.
    cpSync(at('whole'), at('killed'), { recursive: true });
  });
});

after(() => rmSync(place, { recursive: true, force: true }));

/** Opens a damaged store, which must be right, or refused by an error that names the file and what can be done. */
async function isRightOrRefused(file: string, what: string, mayLose: boolean): Promise<boolean> {
  try {
    const found = await opened('damaged', contents);
    const allowed = mayLose ? states : states.slice(-1);
    assert.ok(allowed.includes(found), `${what}: ${found}`);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) {
      throw error;
    }
    assert.ok(error instanceof DriverException, `${what}: ${error}`);
    assert.match(error.message, /is damaged at byte \d+|has format \d+/, what);
    assert.ok(error.message.includes(file) || error.message.includes('log-'), `${what}: ${error.message}`);
    if (!error.message.includes('has format')) {
      assert.ok(error.message.includes('npx collection-store salvage '), `${what}: ${error.message}`);
    }
    return false;
  }
}

function copied(from: string): void {
  rmSync(at('damaged'), { recursive: true, force: true });
  cpSync(at(from), at('damaged'), { recursive: true });
}

/** The files of a store that count, with as many bytes as are in use. */
function files(from: string): [name: string, bytes: Buffer][] {
  return readdirSync(at(from))
    .filter((name) => name !== 'LOCK')
    .map((name) => {
      const bytes = readFileSync(join(at(from), name));
      let end = bytes.length;
      while (bytes[end - 1] === 0) {
        end--;
      }
      return [name, bytes.subarray(0, end)];
    });
}

for (const from of ['whole', 'killed']) {
  test(`a byte that has changed in a store that was ${from === 'whole' ? 'closed' : 'killed'} is found, or of no consequence`, async () => {
    const begun = process.memoryUsage().rss;
    let refused = 0;
    for (const [name, bytes] of files(from)) {
      for (let place = 0; place < bytes.length; place += STRIDE) {
        copied(from);
        const changed = readFileSync(join(at(from), name));
        changed[place] = (changed[place] as number) ^ (place % 2 === 0 ? 0xff : 0x01);
        writeFileSync(join(at('damaged'), name), changed);
        // What was synced last before the end cannot be told from what was being written.
        const right = await isRightOrRefused(name, `byte ${place} of ${name}`, from === 'killed');
        refused += right ? 0 : 1;
      }
    }
    assert.ok(refused > 0);
    assert.ok(process.memoryUsage().rss - begun < 300e6, 'damage takes no memory');
  });
}

test('a file that was cut is found, or ends with an earlier commit', async () => {
  for (const [name, bytes] of files('whole')) {
    for (let length = 0; length < bytes.length; length += STRIDE) {
      copied('whole');
      truncateSync(join(at('damaged'), name), length);
      await isRightOrRefused(name, `${name} cut to ${length}`, true);
    }
  }
});

test('lengths that claim more than there is take no memory', async () => {
  const begun = process.memoryUsage().rss;
  const [name] = files('whole').find(([file]) => file.startsWith('log-')) as [string, Buffer];
  const size = statSync(join(at('whole'), name)).size;
  for (let place = 48; place < size; place += 4 * STRIDE) {
    copied('whole');
    const bytes = readFileSync(join(at('damaged'), name));
    bytes.fill(0xff, place, Math.min(place + 4, bytes.length));
    writeFileSync(join(at('damaged'), name), bytes);
    // Where they reach into the mark at the end, they are as if the end had been cut off.
    const mayLose = place + 4 > size - 8;
    await isRightOrRefused(name, `four bytes of ${name} from ${place} on`, mayLose);
  }
  assert.ok(process.memoryUsage().rss - begun < 300e6);
});
