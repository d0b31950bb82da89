import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as library from 'collection-store-mikro-orm';
import {
  BaseEntity,
  Entity,
  EntitySchema,
  Enum,
  Index,
  ManyToOne,
  PrimaryKey,
  Property,
  Unique,
  UniqueConstraintViolationException,
  ref,
} from 'collection-store-mikro-orm';
import { type Loose, open, page, pick, schema, warned } from './feature.js';

const feature = page('Defining entities', 'defining-entities');

/** A row as an EntityManager of its own finds it after it was made from some data. */
async function stored(entity: Loose, data: object, options: object = {}): Promise<Loose> {
  const orm = await open([entity], options);
  const em = orm.em.fork();
  const made = em.create(entity, data);
  await em.persist(made).flush();
  const [found] = await orm.em.fork().find(entity, {});
  return found;
}

feature('Decorated classes', async () => {
  @Entity()
  class Thing1 {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'string' }) name!: string;
  }
  const thing = await stored(Thing1, { name: 'x' });
  assert.ok(thing instanceof Thing1);
  assert.deepEqual([thing.id, thing.name], [1, 'x']);
});
feature('Stage 3 decorators', { since: '7' }, async () => {
  const es: Loose = await import('@mikro-orm/decorators/es' as string);
  assert.equal(typeof es.Entity, 'function');
  // What a compiler makes of `@Entity() class Thing2 { @PrimaryKey() id; @Property() name }`.
  class Thing2 {
    id!: number;
    name!: string;
  }
  const metadata = {};
  const field = (name: string) => ({ kind: 'field', name, static: false, private: false, metadata });
  es.PrimaryKey({ type: 'integer' })(undefined, field('id'));
  es.Property({ type: 'string' })(undefined, field('name'));
  es.Entity()(Thing2, { kind: 'class', name: 'Thing2', metadata });
  assert.equal((await stored(Thing2, { name: 'x' })).name, 'x');
});
feature('Optional (nullable) properties', async () => {
  const thing = await stored(schema('Thing', { a: { type: 'string', nullable: true } }), {});
  assert.equal(thing.a, null);
});
feature('Default values: initializers', async () => {
  @Entity()
  class Thing3 {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'integer' }) count = 5;
  }
  assert.equal((await stored(Thing3, {})).count, 5);
});
feature('Default values: `default` of the database', async () => {
  const Thing = schema('Thing', { a: { type: 'integer', default: 7 }, b: { type: 'string', default: 'x' } });
  const thing = await stored(Thing, {});
  assert.deepEqual([thing.a, thing.b], [7, 'x']);
});
feature(
  'Default values: `defaultRaw`',
  {
    differs:
      'Literals and the current time are understood; of other SQL a warning says that rows do not get it.',
  },
  async () => {
    const at = { type: 'datetime', defaultRaw: 'current_timestamp', columnType: 'datetime' };
    assert.ok((await stored(schema('Thing', { at }), {})).at instanceof Date);
    await warned(
      [schema('Other', { n: { type: 'integer', defaultRaw: 'abs(-1)', nullable: true } })],
      /default of Other.n/,
    );
  },
);
feature('`onCreate`, `onUpdate`', async () => {
  const Thing = schema('Thing', {
    name: { type: 'string' },
    made: { type: 'string', onCreate: (item: Loose) => `made ${item.name}` },
    changed: { type: 'integer', onUpdate: () => 9, nullable: true },
  });
  const orm = await open([Thing]);
  const em = orm.em.fork();
  const thing = em.create(Thing, { name: 'x' });
  await em.persist(thing).flush();
  assert.equal(thing.made, 'made x');
  thing.name = 'y';
  await em.flush();
  assert.equal((await orm.em.fork().findOneOrFail(Thing, 1)).changed, 9);
});
feature('Enums of texts and numbers', async () => {
  enum Level {
    Low,
    High,
  }
  @Entity()
  class Thing4 {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Enum({ items: () => Level }) level!: Level;
    @Enum({ items: ['a', 'b'] }) letter!: string;
  }
  const thing = await stored(Thing4, { level: Level.High, letter: 'b' });
  assert.deepEqual([thing.level, thing.letter], [Level.High, 'b']);
});
feature('Enum arrays', async () => {
  const Thing = schema('Thing', { roles: { enum: true, array: true, items: ['a', 'b'], type: 'string' } });
  assert.deepEqual((await stored(Thing, { roles: ['b', 'a'] })).roles, ['b', 'a']);
});
feature('Enums checked by the database', async () => {
  const Thing = schema('Thing', { letter: { enum: true, items: ['a', 'b'], type: 'string' } });
  const orm = await open([Thing]);
  await assert.rejects(
    orm.em.fork().insert(Thing, { letter: 'c' }),
    library.CheckConstraintViolationException,
  );
});
feature('Native enums of PostgreSQL', { note: 'Kept as texts, as in SQLite.' }, async () => {
  const letter = { enum: true, items: ['a', 'b'], type: 'string', nativeEnumName: 'letters' };
  assert.equal((await stored(schema('Thing', { letter }), { letter: 'b' })).letter, 'b');
});
feature('Mapping directly to primary keys (`mapToPk`)', async () => {
  const Owner = schema('Owner', {});
  const Thing = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner, mapToPk: true } });
  const orm = await open([Owner, Thing]);
  await orm.em.fork().insert(Owner, { id: 3 });
  await orm.em.fork().insert(Thing, { owner: 3 });
  assert.equal((await orm.em.fork().findOneOrFail(Thing, 1)).owner, 3);
  assert.equal(await orm.em.fork().count(Thing, { owner: 3 }), 1);
});
feature('Indexes of properties and of entities', async () => {
  @Entity()
  @Index({ properties: ['a', 'b'] as Loose })
  class Thing5 {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'integer' }) a!: number;
    @Property({ type: 'integer', index: true }) b!: number;
  }
  assert.equal((await stored(Thing5, { a: 1, b: 2 })).b, 2);
});
feature('Unique constraints of properties and of entities', async () => {
  @Entity()
  @Unique({ properties: ['a', 'b'] as Loose })
  class Thing6 {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'integer' }) a!: number;
    @Property({ type: 'integer' }) b!: number;
    @Property({ type: 'integer', nullable: true, unique: true }) c?: number;
  }
  const orm = await open([Thing6]);
  await orm.em.fork().insertMany(Thing6, [
    { a: 1, b: 1, c: 1 },
    { a: 1, b: 2 },
  ]);
  await assert.rejects(
    () => orm.em.fork().insert(Thing6, { a: 1, b: 1 }),
    UniqueConstraintViolationException,
  );
  await assert.rejects(
    () => orm.em.fork().insert(Thing6, { a: 5, b: 5, c: 1 }),
    UniqueConstraintViolationException,
  );
});
feature('Lazy scalar properties', async () => {
  const Thing = schema('Thing', { big: { type: 'text', lazy: true } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { big: 'long' });
  assert.equal((await orm.em.fork().findOneOrFail(Thing, 1)).big, undefined);
  assert.equal((await orm.em.fork().findOneOrFail(Thing, 1, { populate: ['big'] })).big, 'long');
});
feature('`ScalarReference`', async () => {
  const Thing = schema('Thing', { big: { type: 'text', lazy: true, ref: true } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { big: 'long' });
  const thing = await orm.em.fork().findOneOrFail(Thing, 1);
  assert.equal(await thing.big.load(), 'long');
});
feature('Private properties with accessors', async () => {
  class Thing {
    id!: number;
    #name!: string;
    get name() {
      return this.#name;
    }
    set name(value: string) {
      this.#name = value;
    }
  }
  const Schema = new EntitySchema({
    class: Thing,
    forceConstructor: true,
    properties: { id: { type: 'integer', primary: true }, name: { type: 'string', accessor: true } },
  } as Loose);
  assert.equal((await stored(Schema, { name: 'x' })).name, 'x');
});
feature('Virtual properties (`persist: false`)', async () => {
  const Thing = schema('Thing', { a: { type: 'string', persist: false }, b: { type: 'string' } });
  const thing = await stored(Thing, { a: 'a', b: 'b' });
  assert.deepEqual([thing.a, thing.b], [undefined, 'b']);
});
feature('Default order of entities', { since: '7' }, async () => {
  const Thing = schema('Thing', { name: { type: 'string' } }, { orderBy: { name: 'asc' } });
  const orm = await open([Thing]);
  await orm.em.fork().insertMany(Thing, [{ name: 'b' }, { name: 'a' }]);
  assert.deepEqual(pick(await orm.em.fork().find(Thing, {}), 'name'), ['a', 'b']);
});
feature('A base entity of one’s own', async () => {
  abstract class Base {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'string', nullable: true }) note?: string;
  }
  @Entity()
  class Thing7 extends Base {
    @Property({ type: 'string' }) name!: string;
  }
  const thing = await stored(Thing7, { name: 'x', note: 'n' });
  assert.deepEqual([thing.id, thing.name, thing.note], [1, 'x', 'n']);
});
feature('`BaseEntity`', async () => {
  @Entity()
  class Thing8 extends BaseEntity {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'string' }) name!: string;
  }
  const orm = await open([Thing8]);
  await orm.em.fork().insert(Thing8, { name: 'x' });
  const thing = orm.em.fork().getReference(Thing8, 1);
  assert.equal(thing.isInitialized(), false);
  await thing.init();
  assert.deepEqual(thing.toObject(), { id: 1, name: 'x' });
});
feature('Keys: auto-increment', async () => {
  const Thing = schema('Thing', { name: { type: 'string' } });
  const orm = await open([Thing]);
  const em = orm.em.fork();
  const things = ['a', 'b', 'c'].map((name) => em.create(Thing, { name }));
  await em.persist(things).flush();
  assert.deepEqual(pick(things, 'id'), [1, 2, 3]);
});
feature('Keys: UUID', async () => {
  const Thing = schema('Thing', { uuid: { type: 'uuid', primary: true, onCreate: () => randomUUID() } });
  assert.match((await stored(Thing, {})).uuid, /^[0-9a-f-]{36}$/);
});
feature(
  'Keys: made by a function of the database (`gen_random_uuid()`)',
  { notHere: 'There are no functions of SQL: `onCreate` does the same.' },
  async () => {
    await warned(
      [schema('Thing', { uuid: { type: 'uuid', primary: true, defaultRaw: 'gen_random_uuid()' } })],
      /Thing.uuid/,
    );
  },
);
feature('Keys: a text or a date', async () => {
  const Thing = schema('Thing', { at: { type: 'datetime', primary: true } });
  const orm = await open([Thing]);
  const at = new Date('2020-01-02T03:04:05.006Z');
  await orm.em.fork().insert(Thing, { at });
  assert.equal((await orm.em.fork().findOneOrFail(Thing, { at })).at.getTime(), at.getTime());
});
feature('Names of collections and fields (`tableName`, `fieldName`)', async () => {
  const Thing = schema('Thing', { name: { type: 'string', fieldName: 'n' } }, { tableName: 'things' });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { name: 'x' });
  await assert.rejects(() => orm.em.fork().insert(Thing, { name: null }), { message: /things/ });
});
feature('`Rel` and `Ref`', async () => {
  @Entity()
  class Thing9 {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @ManyToOne({ entity: () => Thing9, nullable: true, ref: true }) next?: Loose;
  }
  const orm = await open([Thing9]);
  const em = orm.em.fork();
  const first = em.create(Thing9, { id: 1 });
  em.create(Thing9, { id: 2, next: ref(first) });
  await em.flush();
  const found = await orm.em.fork().findOneOrFail(Thing9, 2);
  assert.equal((await found.next.load()).id, 1);
});
feature('`comment` of entities and properties', { note: 'Read and not kept.' }, async () => {
  const Thing = schema('Thing', { name: { type: 'string', comment: 'c' } }, { comment: 'c' });
  assert.equal((await stored(Thing, { name: 'x' })).name, 'x');
});
feature('`hydrate: false`', async () => {
  const Thing = schema('Thing', { other: { type: 'string', hydrate: false, default: 'o' } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { other: 'x' });
  assert.equal((await orm.em.fork().findOneOrFail(Thing, { other: 'x' })).other, undefined);
});
feature(
  '`length`, `precision`, `scale`, `unsigned`',
  {
    differs: 'Accepted and not enforced, as in SQLite.',
  },
  async () => {
    const Thing = schema('Thing', {
      name: { type: 'string', length: 2 },
      n: { type: 'integer', unsigned: true },
    });
    assert.deepEqual((await stored(Thing, { name: 'long', n: -1 })).name, 'long');
  },
);
feature(
  'Database triggers',
  {
    since: '7',
    notHere: 'They are SQL and never fire, as a warning says: hooks and subscribers do their work.',
  },
  async () => {
    const trigger = { name: 'mine', timing: 'after', events: ['insert'], body: 'select 1' };
    await warned([schema('Thing', {}, { triggers: [trigger] })], /trigger mine of Thing/);
  },
);

const define = page('defineEntity and EntitySchema', 'define-entity');

define('`EntitySchema` with a class', async () => {
  class Thing {
    id!: number;
    name!: string;
  }
  const Schema = new EntitySchema<Thing>({
    class: Thing,
    properties: { id: { type: 'integer', primary: true }, name: { type: 'string' } },
  });
  assert.ok((await stored(Schema, { name: 'x' })) instanceof Thing);
});
define('`EntitySchema` without a class', async () => {
  assert.equal((await stored(schema('Thing', { name: { type: 'string' } }), { name: 'x' })).name, 'x');
});
define('`EntitySchema` that extends another', async () => {
  const Base = schema('Base', { note: { type: 'string' } }, { abstract: true });
  const Thing = new EntitySchema({
    name: 'Thing',
    extends: Base,
    properties: { name: { type: 'string' } },
  } as Loose);
  const orm = await open([Base, Thing]);
  await orm.em.fork().insert(Thing, { name: 'x', note: 'n' });
  assert.equal((await orm.em.fork().findOneOrFail(Thing, { note: 'n' })).name, 'x');
});
define('Hooks of an `EntitySchema`', async () => {
  const beforeCreate = [({ entity }: Loose) => (entity.name = 'hooked')];
  const Thing = schema('Thing', { name: { type: 'string' } }, { hooks: { beforeCreate } });
  assert.equal((await stored(Thing, { name: 'x' })).name, 'hooked');
});
define('`defineEntity` with plain properties', { since: '6.5' }, async () => {
  const Thing = (library as Loose).defineEntity({
    name: 'Thing',
    properties: { id: { type: 'integer', primary: true }, name: { type: 'string' } },
  });
  assert.equal((await stored(Thing, { name: 'x' })).name, 'x');
});
define('`defineEntity` with property builders', { since: '6.5' }, async () => {
  const { defineEntity } = library as Loose;
  const Owner = defineEntity({
    name: 'Owner',
    properties: (p: Loose) => ({
      id: p.integer().primary(),
      name: p.string().nullable(),
      things: () => p.oneToMany(Thing).mappedBy('owner'),
    }),
  });
  const Thing: Loose = defineEntity({
    name: 'Thing',
    properties: (p: Loose) => ({
      id: p.integer().primary(),
      at: p.datetime().onCreate(() => new Date(0)),
      json: p.json().nullable(),
      owner: () => p.manyToOne(Owner).ref(),
    }),
  });
  const orm = await open([Owner, Thing]);
  const em = orm.em.fork();
  em.create(Thing, { owner: em.create(Owner, { name: 'o' }), json: [1] });
  await em.flush();
  const owner = await orm.em
    .fork()
    .findOneOrFail(Owner, { things: { at: new Date(0) } }, { populate: ['things'] });
  assert.deepEqual([owner.name, owner.things[0].json, owner.things[0].owner.$.name], ['o', [1], 'o']);
});
define('`defineEntity` and a class (`setClass`)', { since: '7' }, async () => {
  const Schema = (library as Loose).defineEntity({
    name: 'Thing',
    properties: (p: Loose) => ({ id: p.integer().primary(), name: p.string() }),
  });
  class Thing extends Schema.class {
    loud() {
      return (this as Loose).name.toUpperCase();
    }
  }
  Schema.setClass(Thing);
  const thing = await stored(Thing, { name: 'x' });
  assert.equal(thing.loud(), 'X');
});
define('Entities in plain JavaScript', async () => {
  const Thing = schema('Thing', { name: { type: 'string' } });
  assert.equal((await stored(Thing, { name: 'x' })).name, 'x');
});
