/** Relations whose rows say to which of several entities they lead; only major 7 has them. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import * as library from 'collection-store-mikro-orm';
import { Collection, EntitySchema, MikroORM, defineConfig } from 'collection-store-mikro-orm';

const PolymorphicRef = (
  library as unknown as { PolymorphicRef?: new (discriminator: string, id: unknown) => object }
).PolymorphicRef;
const only7 = { skip: PolymorphicRef === undefined };

class Post {
  id!: number;
  title!: string;
  likes = new Collection<Like>(this);
  tags = new Collection<Tag>(this);
}
class Film {
  id!: number;
  title!: string;
  minutes!: number;
  likes = new Collection<Like>(this);
  tags = new Collection<Tag>(this);
  poster?: Poster | null;
}
class Like {
  id!: number;
  note!: string;
  target?: Post | Film | null;
}
class Poster {
  id!: number;
  of!: Post | Film;
}
class Tag {
  id!: number;
  name!: string;
  posts = new Collection<Post>(this);
  films = new Collection<Film>(this);
}
class Album {
  id!: number;
  items = new Collection<Post | Film>(this);
}

const id = { type: 'number', primary: true };
const text = { type: 'string' };
const tagged = {
  kind: 'm:n',
  entity: () => Tag,
  pivotTable: 'tagged',
  discriminator: 'thing',
  owner: true,
};
const both = () => [Post, Film];
const liked = { kind: '1:m', entity: () => Like, mappedBy: 'target', orphanRemoval: true };
const poster = { kind: '1:1', entity: () => Poster, mappedBy: 'of', nullable: true };

function schemas(): unknown[] {
  const schema = (entity: unknown, properties: object, options: object = {}) =>
    new EntitySchema({ class: entity, properties: { id, ...properties }, ...options } as never);
  return [
    schema(Post, { title: text, likes: liked, tags: { ...tagged, inversedBy: 'posts' } }),
    schema(
      Film,
      {
        title: text,
        minutes: { type: 'number', default: 90 },
        likes: liked,
        tags: { ...tagged, inversedBy: 'films' },
        poster,
      },
      { filters: { long: { name: 'long', cond: { minutes: { $gt: 60 } }, default: false } } },
    ),
    schema(Like, { note: text, target: { kind: 'm:1', entity: both, type: 'Post | Film', nullable: true } }),
    schema(Poster, { of: { kind: '1:1', entity: both, type: 'Post | Film', owner: true } }),
    schema(Tag, {
      name: text,
      posts: { kind: 'm:n', entity: () => Post, mappedBy: 'tags' },
      films: { kind: 'm:n', entity: () => Film, mappedBy: 'tags' },
    }),
    schema(Album, {
      items: {
        kind: 'm:n',
        entity: both,
        type: 'Post | Film',
        pivotTable: 'album_item',
        discriminator: 'item',
        owner: true,
      },
    }),
  ];
}

const opened: MikroORM[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((orm) => orm.close(true)));
});

// biome-ignore lint/suspicious/noExplicitAny: the entities have no types that both majors know.
type Em = any;

async function open(entities: unknown[] = schemas()): Promise<() => Em> {
  const orm = await MikroORM.init(defineConfig({ entities: entities as never, dbName: ':memory:' }));
  opened.push(orm);
  await orm.schema.createSchema();
  return () => orm.em.fork();
}

/** Posts 1 and 2, films 1 and 2, with likes a to e: post 1, film 1, post 2, nothing, film 1. */
async function library7(): Promise<() => Em> {
  const fork = await open();
  const em = fork();
  const posts = ['p1', 'p2'].map((title) => em.create(Post, { title }));
  const films = ['f1', 'f2'].map((title, i) => em.create(Film, { title, minutes: i === 0 ? 50 : 100 }));
  await em.flush();
  for (const [note, target] of [
    ['a', posts[0]],
    ['b', films[0]],
    ['c', posts[1]],
    ['d', null],
    ['e', films[0]],
  ]) {
    em.create(Like, { note, target });
    await em.flush();
  }
  return fork;
}

const notes = (likes: Iterable<{ note: string }>) => [...likes].map(({ note }) => note).join('');
const titles = (items: Iterable<{ title: string }>) =>
  [...items]
    .map(({ title }) => title)
    .sort()
    .join(' ');

test('a reference leads to the entity that its row names', only7, async () => {
  const fork = await library7();
  for (const strategy of ['select-in', 'joined', 'balanced']) {
    const likes = await fork().find(Like, {}, { populate: ['target'], strategy, orderBy: { id: 1 } });
    const targets = likes.map(({ target }: Like) => target && `${target.constructor.name} ${target.title}`);
    assert.deepEqual(targets, ['Post p1', 'Film f1', 'Post p2', null, 'Film f1'], strategy);
  }
});

test('a stream brings along what references lead to', only7, async () => {
  const fork = await library7();
  for (const mergeResults of [true, false]) {
    const targets: unknown[] = [];
    const options = { populate: ['target', 'target.likes'], orderBy: { id: 1 }, mergeResults };
    for await (const { target } of fork().stream(Like, options)) {
      // Core adds the like at hand, though it may be there already.
      const likes = target && [...new Set(notes(target.likes))].sort().join('');
      targets.push(target && `${target.constructor.name} ${target.title} ${likes}`);
    }
    assert.deepEqual(
      targets,
      mergeResults
        ? ['Post p1 a', 'Film f1 be', 'Post p2 c', null, 'Film f1 be']
        : ['Post p1 a', 'Film f1 b', 'Film f1 be', 'Post p2 c', null, 'Film f1 be', 'Film f1 e'],
    );
  }
});

test('a reference changes from one entity to another, and to none', only7, async () => {
  const fork = await library7();
  const em = fork();
  const [a, b] = await em.find(Like, { note: ['a', 'b'] }, { orderBy: { note: 1 } });
  a.target = em.getReference(Film, 2);
  b.target = null;
  await em.flush();
  const likes = await fork().find(Like, {}, { populate: ['target'], orderBy: { id: 1 } });
  assert.deepEqual(
    likes.map(({ target }: Like) => target?.title ?? null),
    ['f2', null, 'p2', null, 'f1'],
  );
});

test('an entity and its reference are written together', only7, async () => {
  const fork = await open();
  const em = fork();
  em.create(Like, { note: 'x', target: em.create(Film, { title: 'new' }) });
  em.create(Like, { note: 'y', target: em.create(Post, { title: 'too' }) });
  await em.flush();
  const likes = await fork().find(Like, {}, { populate: ['target'], orderBy: { note: 1 } });
  assert.deepEqual(
    likes.map(({ target }: Like) => target?.title),
    ['new', 'too'],
  );
});

test('conditions on references', only7, async () => {
  const fork = await library7();
  const em = fork();
  const [post, film] = [await em.findOneOrFail(Post, 1), await em.findOneOrFail(Film, 1)];
  const found = async (where: object) => notes(await fork().find(Like, where, { orderBy: { id: 1 } }));
  assert.equal(await found({ target: film }), 'be');
  assert.equal(await found({ target: ['film', 1] }), 'be');
  assert.equal(await found({ target: new PolymorphicRef!('film', 1) }), 'be');
  assert.equal(await found({ target: { $in: ['film', 1] } }), 'be');
  assert.equal(await found({ target: { $in: [post, film] } }), 'abe');
  assert.equal(await found({ target: { $nin: [post, film] } }), 'c');
  assert.equal(await found({ target: { $ne: film } }), 'ac');
  assert.equal(await found({ target: null }), 'd');
  assert.equal(await found({ target: { $ne: null } }), 'abce');
  assert.equal(await found({ $or: [{ target: ['post', 2] }, { target: null }] }), 'cd');
  assert.equal(await fork().count(Like, { target: film }), 2);
});

test('conditions and orders reach through a reference to the first entity, as in SQL', only7, async () => {
  const fork = await library7();
  const find = (where: object, orderBy: object = { id: 1 }) => fork().find(Like, where, { orderBy });
  assert.equal(notes(await find({ target: { title: 'p1' } })), 'a');
  assert.equal(notes(await find({ target: { title: 'f1' } })), '');
  assert.equal(notes(await find({}, { target: { title: 'desc' } })), 'cabde');
  assert.equal(notes(await find({}, [{ target: 'desc' }, { id: 'asc' }] as never)), 'acbed');
  await assert.rejects(find({ target: { minutes: 1 } }), /not existing property.*minutes/);
});

test('a key that does not say of which entity it is, is refused', only7, async () => {
  const fork = await library7();
  const refusal = /Like\.target may lead to post, film: .* does not say to which/;
  await assert.rejects(fork().find(Like, { target: 1 }), refusal);
  await assert.rejects(fork().find(Like, { target: ['actor', 1] }), refusal);
  await assert.rejects(fork().insert(Like, { note: 'x', target: 1 }), refusal);
  await assert.rejects(fork().find(Like, { target: { $gt: 1 } }), /\$gt cannot compare references/);
});

test('writes without entities', only7, async () => {
  const fork = await library7();
  const em = fork();
  await em.insert(Like, { id: 10, note: 'x', target: ['film', 2] });
  assert.equal(await em.nativeUpdate(Like, { target: ['film', 1] }, { target: ['post', 1] }), 2);
  await em.upsert(Like, { id: 10, note: 'z', target: new PolymorphicRef!('post', 2) });
  const rows = await em.getDriver().find(Like, {}, { orderBy: { id: 1 } });
  assert.deepEqual(
    rows.map(({ target }: { target: { discriminator: string; id: number } | null }) =>
      target === null ? null : [target.discriminator, target.id],
    ),
    [['post', 1], ['post', 1], ['post', 2], null, ['post', 1], ['post', 2]],
  );
  assert.equal(await em.nativeDelete(Like, { target: ['post', 2] }), 2);
});

test('collections on the other side hold what leads to their owner only', only7, async () => {
  const fork = await library7();
  for (const strategy of ['select-in', 'joined']) {
    const film = await fork().findOneOrFail(Film, 1, { populate: ['likes'], strategy });
    assert.equal(notes(film.likes), 'be', strategy);
    const post = await fork().findOneOrFail(Post, 1, { populate: ['likes'], strategy });
    assert.equal(notes(post.likes), 'a', strategy);
  }
  const found = async (likes: object) => titles(await fork().find(Post, { likes }));
  assert.equal(await found({ note: 'a' }), 'p1');
  assert.equal(await found({ note: 'b' }), '');
  assert.equal(await found({ $none: { note: 'a' } }), 'p2');
  assert.equal(await found({ $every: { note: 'c' } }), 'p2');
  const em = fork();
  const film = await em.findOneOrFail(Film, 1);
  await film.likes.init();
  film.likes.remove(film.likes[0]);
  film.likes.add(em.create(Like, { note: 'new' }));
  await em.flush();
  assert.equal(notes(await fork().find(Like, {}, { orderBy: { id: 1 } })), 'acdenew');
  assert.equal(notes(await fork().find(Like, { target: ['film', 1] }, { orderBy: { id: 1 } })), 'enew');
});

test('a single inverse side', only7, async () => {
  const fork = await library7();
  const em = fork();
  em.create(Poster, { of: em.getReference(Film, 2) });
  em.create(Poster, { of: em.getReference(Post, 1) });
  await em.flush();
  for (const strategy of ['select-in', 'joined']) {
    const films = await fork().find(Film, {}, { populate: ['poster'], strategy, orderBy: { id: 1 } });
    assert.deepEqual(
      films.map((film: Film) => film.poster?.id ?? null),
      [null, 1],
      strategy,
    );
  }
});

test('filters of the entities leave out what leads to rows they hide', only7, async () => {
  const fork = await library7();
  for (const strategy of ['select-in', 'joined']) {
    const options = { filters: { long: true }, strategy, orderBy: { id: 1 } };
    assert.equal(notes(await fork().find(Like, {}, options)), 'acd', strategy);
    assert.equal(notes(await fork().find(Like, {}, { ...options, populate: ['target'] })), 'acd', strategy);
  }
  assert.equal(await fork().count(Like, {}, { filters: { long: true } }), 3);
});

test('a pivot that several owners share', only7, async () => {
  const fork = await library7();
  const em = fork();
  const [red, blue] = ['red', 'blue'].map((name) => em.create(Tag, { name }));
  const post = await em.findOneOrFail(Post, 1, { populate: ['tags'] });
  const film = await em.findOneOrFail(Film, 1, { populate: ['tags'] });
  post.tags.add(red, blue);
  film.tags.add(blue);
  await em.flush();
  const names = (tags: Iterable<Tag>) =>
    [...tags]
      .map(({ name }) => name)
      .sort()
      .join(' ');
  for (const strategy of ['select-in', 'joined']) {
    const loaded = await fork().findOneOrFail(Post, 1, { populate: ['tags'], strategy });
    assert.equal(names(loaded.tags), 'blue red', strategy);
    const tags = await fork().find(Tag, {}, { populate: ['posts', 'films'], strategy, orderBy: { name: 1 } });
    assert.deepEqual(
      tags.map((tag: Tag) => [titles(tag.posts), titles(tag.films)]),
      [
        ['p1', 'f1'],
        ['p1', ''],
      ],
      strategy,
    );
  }
  const tagged = async (where: object) => names(await fork().find(Tag, where));
  assert.equal(await tagged({ films: { title: 'f1' } }), 'blue');
  assert.equal(await tagged({ posts: { $none: { title: 'p1' } } }), '');
  assert.equal(await tagged({ films: { $none: {} } }), 'red');
  assert.equal(titles(await fork().find(Film, { tags: { $some: { name: 'blue' } } })), 'f1');
  assert.equal(await post.tags.loadCount(), 2);
  post.tags.removeAll();
  await em.flush();
  assert.equal(await tagged({ posts: { $some: {} } }), '');
  assert.equal(await tagged({ films: { $some: {} } }), 'blue');
});

test('members of several entities in one collection', only7, async () => {
  const fork = await library7();
  const em = fork();
  const album = em.create(Album, {});
  album.items.add(await em.findOneOrFail(Post, 1), await em.findOneOrFail(Film, 1), em.getReference(Film, 2));
  await em.flush();
  for (const strategy of ['select-in', 'joined']) {
    const loaded = await fork().findOneOrFail(Album, album.id, { populate: ['items'], strategy });
    assert.equal(titles(loaded.items), 'f1 f2 p1', strategy);
    assert.deepEqual(
      [...loaded.items].map((item: object) => item.constructor.name).sort(),
      ['Film', 'Film', 'Post'],
      strategy,
    );
  }
  const em2 = fork();
  const again = await em2.findOneOrFail(Album, album.id, { populate: ['items'] });
  again.items.remove(em2.getReference(Film, 1));
  await em2.flush();
  const left = await fork().findOneOrFail(Album, album.id, { populate: ['items'] });
  assert.equal(titles(left.items), 'f2 p1');
});

test('keys of several columns, and of types that one column holds', only7, async () => {
  class Room {
    house!: number;
    number!: string;
  }
  class Seat {
    row!: number;
    letter!: string;
  }
  class Booking {
    id!: number;
    place!: Room | Seat;
  }
  const key = (type: string) => ({ type, primary: true });
  const schema = (entity: unknown, properties: object) =>
    new EntitySchema({ class: entity, properties } as never);
  const fork = await open([
    schema(Room, { house: key('number'), number: key('string') }),
    schema(Seat, { row: key('number'), letter: key('string') }),
    schema(Booking, {
      id,
      place: {
        kind: 'm:1',
        entity: () => [Room, Seat],
        type: 'Room | Seat',
        discriminatorMap: { r: 'Room', s: 'Seat' },
      },
    }),
  ]);
  const em = fork();
  em.create(Booking, { place: em.create(Room, { house: 1, number: 'A' }) });
  em.create(Booking, { place: em.create(Seat, { row: 1, letter: 'A' }) });
  await em.flush();
  for (const strategy of ['select-in', 'joined']) {
    const bookings = await fork().find(Booking, {}, { populate: ['place'], strategy, orderBy: { id: 1 } });
    assert.deepEqual(
      bookings.map(({ place }: Booking) => place.constructor.name),
      ['Room', 'Seat'],
      strategy,
    );
  }
  const ids = async (where: object) => (await fork().find(Booking, where)).map((found: Booking) => found.id);
  assert.deepEqual(await ids({ place: ['s', 1, 'A'] }), [2]);
  assert.deepEqual(await ids({ place: ['r', 1, 'A'] }), [1]);
  const list = [
    ['r', 1, 'A'],
    ['s', 1, 'A'],
  ];
  assert.deepEqual(await ids({ place: { $in: list } }), [1, 2]);
  await assert.rejects(ids({ place: ['s', 1, null] }), /Booking\.place has no value for a part of its key/);
});

test('the schema has an index for references, and no foreign key', only7, async () => {
  await open();
  const sql = await opened[0]!.schema.getCreateSchemaSQL();
  assert.match(sql, /target_type text null/);
  assert.match(sql, /target_id int null/);
  assert.match(sql, /index like_target_type_target_id_index \(target_type, target_id\)/);
  assert.doesNotMatch(sql, /foreign[^;]*target_id/);
});
