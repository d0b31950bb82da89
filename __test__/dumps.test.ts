/** Dumps: a store as files of JSON lines, and back without loss. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type DumpProgress, EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

class Person {
  id!: number;
  name!: string;
  big?: bigint | null;
  exact?: string | null;
  size?: number | null;
  day?: Date | null;
  bytes?: Uint8Array | null;
  doc?: unknown;
  friend?: Person | null;
}

const nullable = true;
const PersonSchema = new EntitySchema<Person>({
  class: Person,
  properties: {
    id: { type: 'number', primary: true },
    name: { type: 'string', unique: true },
    big: { type: 'bigint', nullable },
    exact: { type: 'decimal', nullable },
    size: { type: 'double', nullable },
    day: { type: 'datetime', nullable },
    bytes: { type: 'blob', nullable },
    doc: { type: 'json', nullable },
    friend: { kind: 'm:1', entity: () => Person, nullable },
  } as never,
});

const opened: MikroORM[] = [];
let folder: string;

async function open(): Promise<MikroORM> {
  const orm = await MikroORM.init(defineConfig({ entities: [PersonSchema], dbName: ':memory:' }));
  opened.push(orm);
  return orm;
}

const connectionOf = (orm: MikroORM) => orm.em.getDriver().getConnection();
const people = (orm: MikroORM) => orm.em.getDriver().getCollection<Record<string, unknown>>('person');
const plain = (row: Record<string, unknown>) => ({
  ...row,
  bytes: row.bytes && [...(row.bytes as Uint8Array)],
});

const values = {
  big: 2n ** 62n,
  exact: '0.10',
  size: 1e-7,
  day: new Date('2027-03-01T12:00:00.123Z'),
  bytes: Buffer.from([0, 128, 255]),
  doc: {
    list: [1, -0.5, 1e300, 'x\n"\u2028', null, true],
    when: new Date(0),
    bytes: Buffer.from([1, 2]),
    ['__proto__']: { $date: 'not one' },
    $object: { $bigint: 1 },
    two: { $a: 1, $b: 2 },
  },
};

async function filled(rows = 3): Promise<MikroORM> {
  const orm = await open();
  await orm.schema.createSchema();
  await people(orm).insert(
    Array.from({ length: rows }, (_, i) => ({
      id: rows - i,
      name: `person ${i}`,
      ...(i === 0 ? values : {}),
      friend_id: i === 0 ? 1 : null,
    })),
  );
  return orm;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dump-'));
});

afterEach(async () => {
  for (const orm of opened.splice(0)) {
    await orm.close(true);
  }
  rmSync(folder, { recursive: true, force: true });
});

test('a store comes back as it was, order of insertion and keys to one another included', async () => {
  const orm = await filled();
  await connectionOf(orm).dump(folder);
  assert.deepEqual(readdirSync(folder).sort(), ['dump.json', 'person.jsonl']);
  const [line = ''] = readFileSync(join(folder, 'person.jsonl'), 'utf8').split('\n');
  assert.equal(JSON.parse(line).day, '2027-03-01T12:00:00.123Z');
  assert.equal(JSON.parse(line).exact, '0.10');

  const copy = await open();
  await connectionOf(copy).load(folder);
  assert.equal(await copy.schema.getUpdateSchemaSQL(), '');
  const [before, after] = await Promise.all([orm, copy].map((each) => people(each).find()));
  assert.deepEqual(after?.map(plain), before?.map(plain));
  const first = await copy.em.fork().oldest(Person);
  assert.equal(first?.name, 'person 0');
  const doc = (await people(copy).findOne({ id: 3 }))?.doc as typeof values.doc;
  assert.ok(doc.when instanceof Date);
  assert.deepEqual(Object.keys(doc).includes('__proto__'), true);
  await copy.em.fork().nativeDelete(Person, { id: 1 });
  assert.equal((await people(copy).findOne({ id: 3 }))?.friend_id, null);
  const added = await people(copy).insert({ name: 'next' });
  assert.equal(added[0]?.id, 4);
});

test('many rows, with progress, and as they were when the dump began', async () => {
  const orm = await filled(2500);
  const seen: DumpProgress[] = [];
  const dumping = connectionOf(orm).dump(folder, { onProgress: (progress) => seen.push(progress) });
  await people(orm).update({}, { doc: null });
  await dumping;
  assert.deepEqual(
    seen.map(({ collection, rows, total }) => `${collection} ${rows}/${total}`),
    ['person 1000/2500', 'person 2000/2500', 'person 2500/2500'],
  );
  const copy = await open();
  await connectionOf(copy).load(folder, { onProgress: (progress) => seen.push(progress) });
  assert.equal(seen.length, 6);
  assert.equal(await people(copy).count(), 2500);
  assert.equal(await people(copy).count({ doc: { $ne: null } }), 1);
});

test('names that file systems mind, and collections without rows', async () => {
  const orm = await open();
  const names = ['a/b', '..', 'Grüße *', 'con:1'];
  await connectionOf(orm).ensureConnection();
  for (const name of names) {
    connectionOf(orm).engine.createSchema({
      collections: [
        {
          name,
          fields: [{ name: 'id', type: 'int', nullable: false }],
          primary: ['id'],
          indexes: [],
          foreign: [],
        },
      ],
    });
  }
  await connectionOf(orm).dump(folder);
  assert.equal(readdirSync(folder).length, 5);
  const copy = await open();
  await connectionOf(copy).load(folder);
  for (const name of names) {
    assert.equal(await copy.em.getDriver().getCollection(name).count(), 0);
  }
});

describe('what is refused leaves nothing behind', () => {
  const attempts: [string, (text: string) => string, RegExp][] = [
    ['a line that is not JSON', (text) => `${text}{"id":`, /person\.jsonl:4 is not JSON/],
    ['a line that is no row', (text) => `${text}[]\n`, /person\.jsonl:4: expected an object/],
    [
      'a value of another type',
      (text) => text.replace('"0.10"', '7'),
      /person\.jsonl:1: exact: expected a string, not 7/,
    ],
    ['a date that is none', (text) => text.replace('2027-03', 'x'), /person\.jsonl:1: day: expected a date/],
    [
      'bytes that are none',
      (text) => text.replace('AID/', '*'),
      /person\.jsonl:1: bytes: expected bytes in base64/,
    ],
    [
      'a field that is not there',
      (text) => text.replace('"exact"', '"exakt"'),
      /person\.jsonl:1: person has no field exakt/,
    ],
    [
      'a unique value twice',
      (text) => text.replace('person 1', 'person 0'),
      /person\.jsonl, lines 1 to 3: .*person 0/,
    ],
    ['a key that leads nowhere', (text) => text.replace('"friend_id":1', '"friend_id":9'), /friend_id/],
    ['a missing line', (text) => text.slice(0, text.indexOf('\n') + 1), /person\.jsonl has 1 rows, of the 3/],
  ];
  for (const [title, change, message] of attempts) {
    test(title, async () => {
      const orm = await filled();
      await connectionOf(orm).dump(folder);
      const file = join(folder, 'person.jsonl');
      const text = readFileSync(file, 'utf8');
      assert.notEqual(change(text), text);
      writeFileSync(file, change(text));
      const copy = await open();
      await assert.rejects(connectionOf(copy).load(folder), { message });
      await assert.rejects(people(copy).count(), { name: 'TableNotFoundException' });
    });
  }

  test('a folder that is no dump, and one of another version', async () => {
    const orm = await open();
    await assert.rejects(connectionOf(orm).load(folder), /is no dump, or not a whole one/);
    writeFileSync(join(folder, 'dump.json'), '{"version":99}');
    await assert.rejects(connectionOf(orm).load(folder), /of version 99, this release reads version 1/);
  });

  test('a folder that is not empty, and collections that are there', async () => {
    const orm = await filled();
    writeFileSync(join(folder, 'x'), '');
    await assert.rejects(connectionOf(orm).dump(folder), /is not empty/);
    assert.deepEqual(readdirSync(folder), ['x']);
    await connectionOf(orm).dump(join(folder, 'new'));
    await assert.rejects(connectionOf(orm).load(join(folder, 'new')), { name: 'TableExistsException' });
  });
});
