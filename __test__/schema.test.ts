import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

interface Thing {
  id: number;
  name: string;
  [more: string]: unknown;
}

type Properties = Record<string, Record<string, unknown>>;

const opened: MikroORM[] = [];

// The names of the schema generator differ between the majors; all of them are there on both.
interface Schema {
  createSchema(): Promise<void>;
  updateSchema(): Promise<void>;
  dropSchema(): Promise<void>;
  clearDatabase(): Promise<void>;
  refreshDatabase(): Promise<void>;
  ensureDatabase(): Promise<boolean>;
  ensureIndexes(): Promise<void>;
  create(): Promise<void>;
  update(): Promise<void>;
  drop(): Promise<void>;
  refresh(): Promise<void>;
  clear(): Promise<void>;
  getCreateSchemaSQL(): Promise<string>;
  getUpdateSchemaSQL(): Promise<string>;
  getDropSchemaSQL(): Promise<string>;
}

const schemaOf = (orm: MikroORM) => orm.schema as unknown as Schema;

/** An ORM on the shared store whose entity Thing has these properties besides its key. */
async function open(properties: Properties, extra: Record<string, unknown> = {}): Promise<MikroORM> {
  const Thing = new EntitySchema<Thing>({
    name: 'Thing',
    properties: { id: { type: 'number', primary: true }, ...properties } as never,
    ...extra,
  } as never);
  const orm = await MikroORM.init(defineConfig({ entities: [Thing], dbName: 'schema-test' }));
  opened.push(orm);
  return orm;
}

const text = { type: 'string' };

afterEach(async () => {
  for (const orm of opened.splice(0)) {
    await orm.close(true);
  }
});

// Names of entities as text are gone in MikroORM 7; the schema's own class stands in for them.
function entity(orm: MikroORM): never {
  const all = orm.getMetadata().getAll() as unknown as
    | Map<unknown, { className: string; class: unknown }>
    | Record<string, { className: string; class: unknown }>;
  const metas = all instanceof Map ? [...all.values()] : Object.values(all);
  return metas.find((meta) => meta.className === 'Thing')?.class as never;
}

describe('the schema generator', () => {
  test('creates, describes and drops', async () => {
    const orm = await open({ name: text });
    const schema = schemaOf(orm);
    assert.match(await schema.getCreateSchemaSQL(), /thing/);
    assert.match(await schema.getUpdateSchemaSQL(), /thing/);
    await schema.createSchema();
    assert.equal((await schema.getUpdateSchemaSQL()).trim(), '');
    assert.match(await schema.getDropSchemaSQL(), /thing/);
    await orm.em.fork().insert(entity(orm), { id: 1, name: 'one' } as never);
    await schema.dropSchema();
    await assert.rejects(orm.em.fork().count(entity(orm)), { name: 'TableNotFoundException' });
  });

  test('both sets of names work', async () => {
    const orm = await open({ name: text });
    const schema = schemaOf(orm);
    await schema.create();
    await orm.em.fork().insert(entity(orm), { id: 1, name: 'one' } as never);
    await schema.update();
    assert.equal(await orm.em.fork().count(entity(orm)), 1);
    await schema.clear();
    assert.equal(await orm.em.fork().count(entity(orm)), 0);
    await schema.refresh();
    await schema.ensureDatabase();
    await schema.ensureIndexes();
    await schema.clearDatabase();
    await schema.drop();
    await assert.rejects(orm.em.fork().count(entity(orm)), { name: 'TableNotFoundException' });
  });
});

describe('updating a schema keeps data', () => {
  async function filled(): Promise<MikroORM> {
    const orm = await open({ name: text });
    await schemaOf(orm).createSchema();
    await orm.em.fork().insertMany(entity(orm), [
      { id: 1, name: 'one' },
      { id: 2, name: 'two' },
    ] as never);
    return orm;
  }

  async function rows(orm: MikroORM): Promise<Record<string, unknown>[]> {
    const found = await orm.em.fork().find(entity(orm), {}, { orderBy: { id: 'asc' } as never });
    return (found as object[]).map((thing) => ({ ...thing }));
  }

  test('a field that may be null', async () => {
    await filled();
    const next = await open({ name: text, note: { ...text, nullable: true } });
    await schemaOf(next).updateSchema();
    assert.deepEqual(await rows(next), [
      { id: 1, name: 'one', note: null },
      { id: 2, name: 'two', note: null },
    ]);
  });

  test('a field that must not be null is filled from its default', async () => {
    await filled();
    const next = await open({ name: text, size: { type: 'number', default: 7 } });
    await schemaOf(next).updateSchema();
    assert.deepEqual(
      (await rows(next)).map((row) => row.size),
      [7, 7],
    );
  });

  test('a field that must not be null and has no default is refused, with its name and the rows', async () => {
    const orm = await filled();
    const next = await open({ name: text, size: { type: 'number' } });
    await assert.rejects(schemaOf(next).updateSchema(), (error: Error) => {
      assert.match(error.message, /size/);
      assert.match(error.message, /2/);
      return true;
    });
    assert.equal((await rows(orm)).length, 2);
  });

  test('a field that goes', async () => {
    await filled();
    const next = await open({});
    await schemaOf(next).updateSchema();
    assert.deepEqual(await rows(next), [{ id: 1 }, { id: 2 }]);
  });

  test('a unique index that the data contradicts is refused', async () => {
    const orm = await filled();
    await orm.em.fork().insert(entity(orm), { id: 3, name: 'two' } as never);
    const next = await open({ name: { ...text, unique: true } });
    await assert.rejects(schemaOf(next).updateSchema(), /name/);
    await orm.em.fork().nativeDelete(entity(orm), { id: 3 } as never);
    await schemaOf(next).updateSchema();
    await assert.rejects(orm.em.fork().insert(entity(orm), { id: 4, name: 'two' } as never), {
      name: 'UniqueConstraintViolationException',
    });
  });
});
