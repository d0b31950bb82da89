import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from 'collection-store-mikro-orm';
import {
  EntityManager,
  MikroORM,
  UnderscoreNamingStrategy,
  UniqueConstraintViolationException,
  defineConfig,
} from 'collection-store-mikro-orm';
import { type Loose, coreMajor, open, page, refused, schema } from './feature.js';
import { Author, Book, Tag, entities, library as filled } from './library.js';

const generator = page('Schema generator', 'schema-generator');
const Thing = () => schema('Thing', { name: { type: 'string', nullable: true } });
generator('Create, drop, update, refresh, clear', async () => {
  const Thing1 = Thing();
  const orm = await open([Thing1]);
  const { schema: made } = orm;
  const call = (short: string, long: string) => (coreMajor === 6 ? made[long]() : made[short]());
  await orm.em.fork().insert(Thing1, {});
  await call('update', 'updateSchema');
  assert.equal(await orm.em.fork().count(Thing1), 1);
  await call('clear', 'clearDatabase');
  assert.equal(await orm.em.fork().count(Thing1), 0);
  await call('refresh', 'refreshDatabase');
  await call('drop', 'dropSchema');
  await refused(() => orm.em.fork().count(Thing1), /thing/);
});
generator('An update keeps what is there', async () => {
  const before = await MikroORM.init(
    defineConfig({ entities: [Thing()], dbName: 'compatibility-update' }) as Loose,
  );
  const orm: Loose = before;
  await (coreMajor === 6 ? orm.schema.createSchema() : orm.schema.create());
  await orm.em
    .fork()
    .insert(
      orm.getMetadata().get(coreMajor === 6 ? 'Thing' : [...orm.getMetadata().getAll().values()][0].class),
      { name: 'x' },
    );
  const Later = schema('Thing', {
    name: { type: 'string', nullable: true },
    more: { type: 'integer', default: 3 },
  });
  const after: Loose = await MikroORM.init(
    defineConfig({ entities: [Later], dbName: 'compatibility-update' }) as Loose,
  );
  await (coreMajor === 6 ? after.schema.updateSchema() : after.schema.update());
  const found = await after.em.fork().findOneOrFail(Later, 1);
  assert.deepEqual([found.name, found.more], ['x', 3]);
  await Promise.all([orm.close(true), after.close(true)]);
});
generator('`ensureDatabase`, `ensureIndexes`', async () => {
  const orm = await open([Thing()]);
  await orm.schema.ensureDatabase();
  assert.equal(typeof orm.schema.ensureDatabase, 'function');
});
generator(
  '`getCreateSchemaSQL`, `getUpdateSchemaSQL`, `getDropSchemaSQL`',
  { differs: 'They describe the changes, not in SQL.' },
  async () => {
    const orm = await open([Thing()]);
    const text = await orm.schema.getCreateSchemaSQL();
    assert.match(text, /thing/);
    assert.doesNotMatch(text, /create table/i);
  },
);
generator('`createForeignKeyConstraints: false`', async () => {
  const orm = await filled({ schemaGenerator: { createForeignKeyConstraints: false } });
  await orm.em.fork().insert(Book, { title: 'X', author: 99 } as Loose);
  assert.equal(await orm.em.fork().count(Book, { author: 99 }), 1);
});
generator(
  '`skipTables`, `skipColumns`, `ignoreSchema`',
  { since: '7', note: 'Nothing but entities makes collections here.' },
  async () => {
    const orm = await open([Thing()], { schemaGenerator: { skipColumns: {}, ignoreSchema: [] } });
    assert.ok(await orm.em.fork());
  },
);
generator(
  'Diffing an existing database',
  { differs: 'The store knows what it has: nothing is read back by name.' },
  async () => {
    const orm = await open([Thing()]);
    assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
  },
);

const spaces = page('Schemas', 'multiple-schemas');
const spaced = (name: string) =>
  schema('Thing', { name: { type: 'string', nullable: true } }, { schema: name });
spaces('`schema` of an entity', async () => {
  const Thing1 = spaced('one');
  const orm = await open([Thing1]);
  await orm.em.fork().insert(Thing1, { name: 'x' });
  assert.equal(await orm.em.fork().count(Thing1), 1);
});
spaces('Entities of one name in two schemas', async () => {
  const One = schema('One', {}, { schema: 'one', tableName: 'thing' });
  const Two = schema('Two', {}, { schema: 'two', tableName: 'thing' });
  const orm = await open([One, Two]);
  await orm.em.fork().insert(One, {});
  assert.deepEqual([await orm.em.fork().count(One), await orm.em.fork().count(Two)], [1, 0]);
});
spaces('Relations between schemas', async () => {
  const One = schema('One', {}, { schema: 'one' });
  const Two = schema('Two', { one: { kind: 'm:1', entity: () => One } }, { schema: 'two' });
  const orm = await open([One, Two]);
  const em = orm.em.fork();
  em.create(Two, { one: em.create(One, {}) });
  await em.flush();
  assert.equal(await orm.em.fork().count(Two, { one: { id: 1 } }), 1);
});
spaces('Wildcard schemas and `schema` of a call, of a fork and of the ORM', async () => {
  const Thing1 = spaced('*');
  const orm = await open([Thing1]);
  for (const name of ['one', 'two'])
    await (coreMajor === 6 ? orm.schema.createSchema({ schema: name }) : orm.schema.create({ schema: name }));
  await orm.em.fork().insert(Thing1, { name: 'x' }, { schema: 'one' });
  assert.equal(await orm.em.fork().count(Thing1, {}, { schema: 'one' }), 1);
  assert.equal(await orm.em.fork({ schema: 'two' }).count(Thing1), 0);
});
spaces('`wrap().setSchema`', async () => {
  const Thing1 = spaced('*');
  const orm = await open([Thing1]);
  await (coreMajor === 6 ? orm.schema.createSchema({ schema: 'one' }) : orm.schema.create({ schema: 'one' }));
  const em = orm.em.fork();
  const thing = em.create(Thing1, { name: 'x' });
  library.wrap(thing).setSchema('one');
  await em.flush();
  assert.equal(await orm.em.fork({ schema: 'one' }).count(Thing1), 1);
});
spaces(
  '`attachDatabases` of SQLite',
  { since: '7', differs: 'A schema is a name space of the same store: nothing is attached.' },
  async () => {
    const Other = spaced('other');
    const orm = await open([Other], { attachDatabases: [{ name: 'other', path: ':memory:' }] });
    await orm.em.fork().insert(Other, { name: 'x' });
    assert.equal(await orm.em.fork().count(Other), 1);
  },
);

const naming = page('Naming strategy', 'naming-strategy');
naming('`UnderscoreNamingStrategy`, `EntityCaseNamingStrategy`, `MongoNamingStrategy`', async () => {
  for (const name of ['UnderscoreNamingStrategy', 'EntityCaseNamingStrategy', 'MongoNamingStrategy']) {
    const Long = schema('LongName', { longName: { type: 'string' } });
    const orm = await open([Long], { namingStrategy: (library as Loose)[name] });
    await orm.em.fork().insert(Long, { longName: 'x' });
    assert.equal(await orm.em.fork().count(Long, { longName: 'x' }), 1);
  }
});
naming('A strategy of one’s own', async () => {
  class Mine extends UnderscoreNamingStrategy {
    override classToTableName(name: string) {
      return `my_${name}`;
    }
  }
  const Thing1 = schema('Thing', { name: { type: 'string' } });
  const orm = await open([Thing1], { namingStrategy: Mine });
  await refused(() => orm.em.fork().insert(Thing1, { name: null }), /my_Thing/);
});

const config = page('Configuration', 'configuration');
config('`MikroORM.init`, `defineConfig`', async () => {
  assert.ok((await open([Thing()])).em instanceof EntityManager);
});
config('`MikroORM.initSync`', { until: 6 }, async () => {
  const Thing1 = Thing();
  const orm = (MikroORM as Loose).initSync(defineConfig({ entities: [Thing1], dbName: ':memory:' }));
  await orm.schema.createSchema();
  assert.equal(await orm.em.fork().count(Thing1), 0);
  await orm.close(true);
});
config('`new MikroORM()`', { since: '7' }, async () => {
  const Thing1 = Thing();
  const orm = new (MikroORM as Loose)(defineConfig({ entities: [Thing1], dbName: ':memory:' }));
  await orm.schema.create();
  assert.equal(await orm.em.fork().count(Thing1), 0);
  await orm.close(true);
});
config('`orm.isConnected`, `checkConnection`, `connect`, `reconnect`, `close`', async () => {
  const orm = await open([Thing()]);
  assert.deepEqual([await orm.isConnected(), (await orm.checkConnection()).ok], [true, true]);
  await orm.close();
  assert.equal(await orm.isConnected(), false);
});
config('`discoverEntity`', async () => {
  const orm = await open([Thing()]);
  const Late = schema('Late', {});
  orm.discoverEntity(Late);
  await (coreMajor === 6 ? orm.schema.updateSchema() : orm.schema.update());
  assert.equal(await orm.em.fork().count(Late), 0);
});
config('`discovery.onMetadata`, `discovery.afterDiscovered`', async () => {
  let discovered = 0;
  const Thing1 = Thing();
  const orm = await open([Thing1], {
    discovery: {
      onMetadata: (meta: Loose) => {
        if (meta.className === 'Thing') meta.tableName = 'renamed';
      },
      afterDiscovered: () => {
        discovered++;
      },
    },
  });
  assert.equal(discovered, 1);
  await refused(() => orm.em.fork().insert(Thing1, { id: 'x' }), /renamed|integer|number/);
});
config('`autoJoinOneToOneOwner: false`', async () => {
  const orm = await filled({ autoJoinOneToOneOwner: false });
  const ann: Loose = await orm.em.fork().findOneOrFail(Author, 1);
  assert.equal(ann.bio, undefined);
});
config(
  '`forceUtcTimezone`, `timezone`',
  { note: 'Dates are kept as moments: they are the same in every time zone.' },
  async () => {
    const Thing1 = schema('Thing', { at: { type: 'datetime' } });
    for (const forceUtcTimezone of [true, false]) {
      const orm = await open([Thing1], { forceUtcTimezone });
      const at = new Date('2020-06-01T00:00:00.000Z');
      await orm.em.fork().insert(Thing1, { at });
      assert.equal((await orm.em.fork().findOneOrFail(Thing1, { at })).at.getTime(), at.getTime());
    }
  },
);
config('`forceUndefined`', async () => {
  const Thing1 = Thing();
  const orm = await open([Thing1], { forceUndefined: true });
  await orm.em.fork().insert(Thing1, {});
  assert.equal((await orm.em.fork().findOneOrFail(Thing1, 1)).name, undefined);
});
config('`initNullableProperties`', { since: '7' }, async () => {
  const Thing1 = Thing();
  const orm = await open([Thing1], { initNullableProperties: true });
  assert.equal(orm.em.fork().create(Thing1, {}, { persist: false }).name, null);
});
config('`ignoreUndefinedInQuery`', async () => {
  const orm = await filled({ ignoreUndefinedInQuery: true });
  assert.equal(await orm.em.fork().count(Tag, { name: undefined } as Loose), 3);
});
config('`persistOnCreate: false`', async () => {
  const orm = await filled({ persistOnCreate: false });
  const em = orm.em.fork();
  em.create(Tag, { name: 'x' });
  await em.flush();
  assert.equal(await orm.em.fork().count(Tag), 3);
});
config('`validateRequired`', async () => {
  const Thing1 = schema('Thing', { name: { type: 'string' } });
  const orm = await open([Thing1]);
  const em = orm.em.fork();
  em.create(Thing1, {});
  await refused(() => em.flush(), /Value for Thing.name is required/);
});
config('`validate`, `strict`', { until: 6 }, async () => {
  const orm = await filled({ validate: true, strict: true });
  const em = orm.em.fork();
  (em.create(Tag, { name: 'x' }) as Loose).name = 5;
  await refused(() => em.flush(), /Tag.name/);
});
config('`findOneOrFailHandler`, `findExactlyOneOrFailHandler`', async () => {
  const orm = await filled({ findOneOrFailHandler: () => new RangeError('none') });
  await assert.rejects(() => orm.em.fork().findOneOrFail(Tag, 99), RangeError);
});
config('`processOnCreateHooksEarly`', { since: '6.5' }, async () => {
  const Thing1 = schema('Thing', { name: { type: 'string', onCreate: () => 'made' } });
  const orm = await open([Thing1], { processOnCreateHooksEarly: true });
  assert.equal(orm.em.fork().create(Thing1, {}).name, 'made');
});
config('`hydrator`: one of one’s own', async () => {
  const { ObjectHydrator } = library as Loose;
  class Mine extends ObjectHydrator {}
  const orm = await filled({ hydrator: Mine });
  assert.equal((await orm.em.fork().findOneOrFail(Tag, 1)).name, 'red');
});
config('`onQuery`', { notHere: 'There is no text to change, as a warning says.' }, async () => {
  const orm = await filled({ onQuery: () => 'select 1' });
  assert.equal(await orm.em.fork().count(Tag), 3);
});
config(
  '`pool`, `driverOptions`, `user`, `password`, `host`',
  { note: 'Accepted; there is no server to connect to.' },
  async () => {
    const orm = await filled({ pool: { min: 1, max: 2 }, host: 'localhost', user: 'u', password: 'p' });
    assert.equal(await orm.em.fork().count(Tag), 3);
  },
);
config('`clientUrl`', { since: '6.5' }, async () => {
  const orm = await open([Thing()], { clientUrl: 'memory://', dbName: ':memory:' });
  assert.equal(await orm.isConnected(), true);
});
config(
  'Persistence in files',
  {
    differs:
      'In a directory, which `driverOptions.path` or `clientUrl: "file:…"` names. `dbName` is but a name, and a warning says so of one that looks like a file.',
  },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'compatibility-'));
    const Thing1 = Thing();
    const options = { driverOptions: { path: join(directory, 'store') } };
    try {
      const orm = await open([Thing1], options);
      await orm.em.fork().insert(Thing1, {});
      await orm.close(true);
      const again = await MikroORM.init(
        defineConfig({ entities: [Thing1], dbName: 'kept', ...options }) as Loose,
      );
      assert.equal(await again.em.fork().count(Thing1), 1);
      await again.close(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

const caching = page('Result cache', 'caching');
caching('`cache` of a query: milliseconds, or `true`', async () => {
  const orm = await filled();
  const find = () => orm.em.fork().count(Tag, {}, { cache: 5000 });
  assert.equal(await find(), 3);
  await orm.em.fork().insert(Tag, { name: 'x' });
  assert.equal(await find(), 3);
});
caching('`cache: [key, expiration]`, `em.clearCache`', async () => {
  const orm = await filled();
  const find = async () => (await orm.em.fork().find(Tag, {}, { cache: ['tags', 5000] })).length;
  await find();
  await orm.em.fork().insert(Tag, { name: 'x' });
  assert.equal(await find(), 3);
  await orm.em.fork().clearCache('tags');
  assert.equal(await find(), 4);
});
caching('`resultCache.global`, an adapter of one’s own', async () => {
  const kept = new Map<string, unknown>();
  class Adapter {
    get(name: string) {
      return kept.get(name);
    }
    set(name: string, data: unknown) {
      kept.set(name, data);
    }
    remove(name: string) {
      kept.delete(name);
    }
    clear() {
      kept.clear();
    }
  }
  const orm = await filled({ resultCache: { adapter: Adapter, global: 5000 } });
  await orm.em.fork().find(Tag, {});
  assert.ok(kept.size > 0);
});

const providers = page('Metadata providers', 'metadata-providers');
providers('`ReflectMetadataProvider`', async () => {
  assert.equal(typeof (library as Loose).ReflectMetadataProvider, 'function');
  assert.ok((await filled()).em);
});
providers(
  '`TsMorphMetadataProvider`',
  { note: 'With `@mikro-orm/reflection`; also tested with the command line.' },
  async () => {
    const { TsMorphMetadataProvider } = (await import('@mikro-orm/reflection' as string)) as Loose;
    assert.equal(typeof TsMorphMetadataProvider, 'function');
  },
);

const metadataCache = page('Metadata cache', 'metadata-cache');
metadataCache('`metadataCache`: adapters in memory and in files', async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'compatibility-'));
  const { MemoryCacheAdapter, FileCacheAdapter } = library as Loose;
  for (const adapter of [MemoryCacheAdapter, FileCacheAdapter].filter(Boolean)) {
    const orm = await open([Thing()], { metadataCache: { enabled: true, adapter, options: { cacheDir } } });
    assert.equal(await orm.isConnected(), true);
  }
  rmSync(cacheDir, { recursive: true });
});

const replicas = page('Read connections', 'read-connections');
replicas('`replicas`, `connectionType`', { differs: 'Accepted; a replica is the same store.' }, async () => {
  const orm = await filled({ replicas: [{ name: 'read-1' }, { name: 'read-2' }] });
  assert.equal(await orm.em.fork().count(Tag, {}, { connectionType: 'read' } as Loose), 3);
  assert.equal((await orm.em.fork().find(Tag, {}, { connectionType: 'write' } as Loose)).length, 3);
});
replicas('`preferReadReplicas`', async () => {
  const orm = await filled({ replicas: [{ name: 'read-1' }], preferReadReplicas: false });
  assert.equal(await orm.em.fork().count(Tag), 3);
});

const validation = page('Property validation', 'property-validation');
validation('Required properties', async () => {
  const orm = await filled();
  const em = orm.em.fork();
  em.create(Tag, {} as Loose);
  await refused(() => em.flush(), /Tag.name is required/);
});
validation(
  'Values of the wrong kind',
  { differs: 'Refused; SQLite takes any value in any column.' },
  async () => {
    const orm = await filled();
    await refused(() => orm.em.fork().insert(Author, { name: 'x', age: 'old' } as Loose), /age/);
  },
);
validation('Values beyond the range of a type', async () => {
  const Thing1 = schema('Thing', { n: { type: 'bigint' } });
  const orm = await open([Thing1]);
  await refused(() => orm.em.fork().insert(Thing1, { n: 2n ** 70n }), /\bn\b/);
});

const constructors = page('Entity constructors', 'entity-constructors');
constructors('Parameters of constructors are taken from the data', async () => {
  class Thing1 {
    id!: number;
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
  }
  const Schema = new library.EntitySchema({
    class: Thing1,
    properties: { id: { type: 'integer', primary: true }, name: { type: 'string' } },
  } as Loose);
  const orm = await open([Schema]);
  const em = orm.em.fork();
  em.create(Schema, { name: 'x' } as Loose);
  await em.flush();
  assert.equal(((await orm.em.fork().findOneOrFail(Schema, 1)) as Loose).name, 'x');
});
constructors('Loading does not call them', async () => {
  let called = 0;
  class Thing1 {
    id!: number;
    constructor() {
      called++;
    }
  }
  const Schema = new library.EntitySchema({
    class: Thing1,
    properties: { id: { type: 'integer', primary: true } },
  } as Loose);
  const orm = await open([Schema]);
  await orm.em.fork().insert(Schema, {} as Loose);
  called = 0;
  await orm.em.fork().findOneOrFail(Schema, 1);
  assert.equal(called, 0);
});

const errors = page('Errors', 'entity-manager');
errors('`UniqueConstraintViolationException`', async () => {
  const orm = await filled();
  await assert.rejects(
    () => orm.em.fork().insert(Author, { name: 'Ann' } as Loose),
    UniqueConstraintViolationException,
  );
});
for (const [name, body] of Object.entries<(em: Loose) => unknown>({
  NotNullConstraintViolationException: (em) => em.insert(Tag, { name: null }),
  ForeignKeyConstraintViolationException: (em) => em.nativeDelete(Author, 1),
  TableNotFoundException: async (em) => {
    const orm: Loose = await MikroORM.init(defineConfig({ entities, dbName: ':memory:' }));
    try {
      await orm.em.fork().find(Tag, {});
    } finally {
      await orm.close(true);
    }
    return em;
  },
})) {
  errors(`\`${name}\``, async () => {
    const orm = await filled();
    await assert.rejects(async () => body(orm.em.fork()), (library as Loose)[name]);
  });
}

const sql = page('SQL', 'raw-queries');
sql('`raw()` in conditions, orders and values', { notHere: 'There is no SQL.' }, async () => {
  const orm = await filled();
  const em: Loose = orm.em.fork();
  const { raw } = library as Loose;
  await refused(() => em.find(Book, { price: raw('1 + 1') }), /no SQL/);
  await refused(() => em.find(Book, {}, { orderBy: { [raw('random()')]: 'asc' } }), /no SQL/);
});
sql('`sql` templates', { notHere: 'There is no SQL.' }, async () => {
  const orm = await filled();
  const { sql: template } = library as Loose;
  await refused(() => orm.em.fork().nativeUpdate(Book, 1, { price: template`price + 1` } as Loose), /no SQL/);
});
sql('`connection.execute`', { notHere: 'There is no SQL.' }, async () => {
  const orm = await filled();
  await refused(() => orm.em.getConnection().execute('select 1'), /select 1/);
});
sql(
  'Dumps: `loadFile`, `executeDump`',
  { notHere: 'There is no SQL: a seeder does their work.' },
  async () => {
    const orm = await filled();
    const connection: Loose = orm.em.getConnection();
    await refused(
      () => (coreMajor === 6 ? connection.loadFile('dump.sql') : connection.executeDump('select 1')),
      /SQL dumps/,
    );
  },
);
sql('Kysely, Knex.js', { notHere: 'There is no SQL.' }, async () => {
  const orm = await filled();
  await refused(() => (orm.em as Loose).getKysely(), /SQL/);
  await refused(() => (orm.em as Loose).getKnex(), /SQL/);
});

const deployment = page('Deployment', 'deployment');
deployment('Bundlers', { note: 'The binding is a native module: keep the package external.' }, async () =>
  assert.equal(typeof MikroORM, 'function'),
);
deployment('Precompiled functions (`compiledFunctions`)', { since: '7' }, async () => {
  const orm = await filled();
  assert.equal((await orm.em.fork().find(Tag, {})).length, 3);
});

const testing = page('Usage with Jest', 'usage-with-jest');
testing('Fake timers', { note: 'Calls of the store are synchronous: no timer is waited for.' }, async () => {
  const orm = await filled();
  assert.equal(await orm.em.fork().count(Tag), 3);
});
testing('A store for each test', async () => {
  const [one, two] = await Promise.all([filled(), open(entities)]);
  assert.deepEqual([await one.em.fork().count(Tag), await two.em.fork().count(Tag)], [3, 0]);
});
