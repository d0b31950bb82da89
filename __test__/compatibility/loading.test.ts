import assert from 'node:assert/strict';
import { type Loose, coreMajor, logs, open, page, pick, refused, schema } from './feature.js';
import { inBun } from '../guide/project.js';
import { Author, Bio, Book, Tag, entities, library } from './library.js';

/** The EntityManager of a filled store. */
const manager = async (options: object = {}): Promise<Loose> => (await library(options)).em.fork();

const populating = page('Populating relations', 'populating-relations');
populating('`populate` by names and by paths', async () => {
  const em = await manager();
  const [ann] = await em.find(Author, { id: 1 }, { populate: ['books.tags', 'bio'] });
  assert.equal(ann.books.getItems().find((book: Loose) => book.id === 1).tags.length, 2);
  assert.equal(ann.bio.text, 'writes');
});
populating("`populate: ['*']`", async () => {
  const em = await manager();
  const book = await em.findOneOrFail(Book, 1, { populate: ['*'] });
  assert.deepEqual([book.author.name, book.publisher.name, book.tags.length], ['Ann', 'Big', 2]);
});
populating('`$infer`', async () => {
  const em = await manager();
  const ann = await em.findOneOrFail(Author, { books: { tags: { name: 'red' } } }, { populate: ['$infer'] });
  assert.equal(ann.books.isInitialized(), true);
  assert.ok(ann.books.length > 0);
  for (const book of ann.books) {
    assert.deepEqual(pick(book.tags, 'name'), ['red']);
  }
});
populating('`populate` with `:ref`', async () => {
  const em = await manager();
  const ann = await em.findOneOrFail(Author, 1, { populate: ['books:ref'] });
  assert.equal(ann.books.length, 3);
  assert.equal(ann.books[0].title, undefined);
});
populating('`eager: true`', async () => {
  const Owner = schema('Owner', { name: { type: 'string' } });
  const Thing = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner, eager: true } });
  const orm = await open([Owner, Thing]);
  const em = orm.em.fork();
  em.create(Thing, { owner: em.create(Owner, { name: 'o' }) });
  await em.flush();
  assert.equal((await orm.em.fork().findOneOrFail(Thing, 1)).owner.name, 'o');
});
populating('Lazy scalars in `populate`', async () => {
  const em = await manager();
  assert.equal((await em.findOneOrFail(Book, 1, { populate: ['summary'] })).summary, 'long');
});
populating('`populateWhere: all`', async () => {
  const em = await manager();
  const ann = await em.findOneOrFail(Author, { books: { title: 'A' } }, { populate: ['books'] });
  assert.equal(ann.books.length, 3);
});
populating('`populateWhere: infer`', async () => {
  for (const strategy of ['select-in', 'joined']) {
    const em = await manager();
    const options = { populate: ['books'], populateWhere: 'infer', strategy };
    const ann = await em.findOneOrFail(Author, { books: { title: 'A' } }, options);
    assert.equal(ann.books.length, 1, strategy);
  }
});
populating('`populateWhere` with a condition', async () => {
  for (const strategy of ['select-in', 'joined']) {
    const em = await manager();
    const options = { populate: ['books'], populateWhere: { books: { price: 20 } }, strategy };
    const ann = await em.findOneOrFail(Author, 1, options);
    assert.deepEqual(pick(ann.books, 'title'), ['B'], strategy);
  }
});
populating(
  '`populateWhere`, inferred or not, with `$not`, or with `$or` over several relations, joined',
  {
    differs: `It means what it says. The SQL drivers put what \`$not\` holds on the joins as it is, and ${
      coreMajor === 6
        ? 'each alternative of `$or` as if all had to hold.'
        : 'pass over the alternatives of `$or`.'
    }`,
  },
  async () => {
    const em = await manager();
    const populateWhere = { books: { $or: [{ title: 'B' }, { publisher: { name: 'Big' } }] } };
    const ann = await em.findOneOrFail(Author, 1, { populate: ['books'], populateWhere, strategy: 'joined' });
    assert.deepEqual(pick(ann.books, 'title').sort(), ['A', 'B']);
    const options = { populate: ['books'], populateWhere: 'infer', strategy: 'joined', orderBy: { id: 1 } };
    const found = await em.fork().find(Author, { books: { $not: { title: 'A' } } }, options);
    assert.deepEqual(
      found.map((author: Loose) => pick(author.books, 'title').sort().join('')),
      ['BC', 'D'],
    );
  },
);
populating(
  '`$and` within a relation that leads on to one that is populated, joined',
  {
    differs:
      'Its members are about the same related row, and everything is populated, whatever the strategy. The SQL drivers put what it says of the further relation on the populated rows alone.',
  },
  async () => {
    for (const strategy of ['select-in', 'joined']) {
      const em = await manager();
      const options = { populate: ['books.publisher'], strategy };
      const within = (title: string) => ({ books: { $and: [{ title }, { publisher: { name: 'Big' } }] } });
      const [ann, ...others] = await em.find(Author, within('A'), options);
      assert.deepEqual([pick(ann.books, 'title').sort(), others], [['A', 'B', 'C'], []], strategy);
      assert.deepEqual(await em.fork().find(Author, within('B'), options), [], strategy);
    }
  },
);
populating('`populateOrderBy`', async () => {
  for (const strategy of ['select-in', 'joined']) {
    const em = await manager();
    const options = { populate: ['books'], populateOrderBy: { books: { title: 'desc' } }, strategy };
    const ann = await em.findOneOrFail(Author, 1, options);
    assert.deepEqual(pick(ann.books, 'title'), ['C', 'B', 'A'], strategy);
  }
});
populating(
  '`populateOrderBy` by relations that are not populated, joined',
  { differs: 'They count, whatever the strategy. The SQL drivers pass over them.' },
  async () => {
    for (const strategy of ['select-in', 'joined']) {
      const em = await manager();
      const populateOrderBy = { books: { publisher: { name: 'desc nulls last' }, id: 'desc' } };
      const options = { populate: ['books'], populateOrderBy, strategy };
      const ann = await em.findOneOrFail(Author, 1, options);
      assert.deepEqual(pick(ann.books, 'title'), ['A', 'C', 'B'], strategy);
    }
  },
);
populating('`em.populate` of entities that are there already', async () => {
  const em = await manager();
  const authors = await em.find(Author, {}, { orderBy: { id: 1 } });
  await em.populate(authors, ['books.publisher']);
  assert.equal(authors[1].books[0].publisher.name, 'Big');
});
populating('An unknown relation', async () => {
  const em = await manager();
  await refused(() => em.find(Author, {}, { populate: ['nothing'] }), /nothing/);
});

const strategies = page('Loading strategies', 'loading-strategies');
for (const strategy of ['select-in', 'joined', 'balanced']) {
  strategies(`\`${strategy}\``, strategy === 'balanced' ? { since: '6.5' } : {}, async () => {
    const em = await manager();
    const options = { populate: ['books.tags', 'mentor', 'bio'], strategy, orderBy: { id: 1 } };
    const [ann, bob, cid] = await em.find(Author, {}, options);
    assert.deepEqual(
      [ann.books.length, ann.bio.text, bob.mentor.name, cid.books.length],
      [3, 'writes', 'Ann', 0],
    );
    assert.deepEqual(pick(bob.books[0].tags, 'name'), ['green']);
  });
}
strategies('Joined relations need one call', { note: 'Also over several levels.' }, async () => {
  const { lines, options } = logs();
  const em = await manager({ debug: ['query'], ...options });
  lines.length = 0;
  await em.find(Author, {}, { populate: ['books.tags'], strategy: 'joined' });
  assert.equal(lines.length, 1);
});
strategies('`strategy` of a relation', async () => {
  const Owner = schema('Owner', {
    things: { kind: '1:m', entity: () => Thing, mappedBy: 'owner', strategy: 'joined' },
  });
  const Thing = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner } });
  const { lines, options } = logs();
  const orm = await open([Owner, Thing], { debug: ['query'], loadStrategy: 'select-in', ...options });
  const em = orm.em.fork();
  em.create(Owner, { things: [{}, {}] });
  await em.flush();
  lines.length = 0;
  assert.equal((await orm.em.fork().findOneOrFail(Owner, 1, { populate: ['things'] })).things.length, 2);
  assert.equal(lines.length, 1);
});
strategies('`loadStrategy` of the ORM', async () => {
  const { lines, options } = logs();
  const em = await manager({ debug: ['query'], loadStrategy: 'select-in', ...options });
  lines.length = 0;
  await em.find(Author, {}, { populate: ['books'] });
  assert.equal(lines.length, 2);
});
strategies('`populateHints`: strategy and kind of join', { since: '7' }, async () => {
  const em = await manager();
  const options = {
    populate: ['books'],
    strategy: 'joined',
    populateHints: { books: { joinType: 'inner join' } },
  };
  assert.equal((await em.find(Author, {}, options)).length, 2);
});
strategies('`populateHints`: limit, offset and order for each parent', { since: '7' }, async () => {
  const em = await manager();
  const options = {
    populate: ['books'],
    populateHints: { books: { limit: 1, offset: 1, orderBy: { title: 'desc' } } },
  };
  const ann = await em.findOneOrFail(Author, 1, options);
  assert.deepEqual(pick(ann.books, 'title'), ['B']);
});

const filters = page('Filters', 'filters');
/** The names of the authors that are found. */
const names = async (em: Loose, options: object = {}): Promise<string> =>
  pick(await em.fork().find(Author, {}, { orderBy: { id: 1 }, ...options }), 'name').join(' ');
filters('Filters of entities, by name', async () => {
  const em = await manager();
  assert.equal(await names(em, { filters: ['adult'] }), 'Ann');
  assert.equal(await names(em, { filters: { adult: true } }), 'Ann');
});
filters('Parameters', async () => {
  const em = await manager();
  assert.equal(await names(em, { filters: { older: { than: 10 } } }), 'Ann Bob');
});
/** An entity with one filter, and what is found of its rows 1, 2 and 3 in an EntityManager. */
async function filtered(
  filter: object,
  use: (em: Loose) => void = () => {},
  options: object = {},
): Promise<Loose> {
  const Thing = schema('Thing', {}, { filters: { f: { name: 'f', ...filter } } });
  const orm = await open([Thing]);
  await orm.em.fork().insertMany(Thing, [{ id: 1 }, { id: 2 }, { id: 3 }]);
  const em = orm.em.fork();
  use(em);
  return { em, Thing, orm, ids: pick(await em.find(Thing, {}, options), 'id') };
}
filters('`default: true`, and switched off', async () => {
  const filter = { cond: { id: { $gt: 1 } }, default: true };
  assert.deepEqual((await filtered(filter)).ids, [2, 3]);
  assert.deepEqual((await filtered(filter, undefined, { filters: false })).ids, [1, 2, 3]);
  assert.deepEqual((await filtered(filter, undefined, { filters: { f: false } })).ids, [1, 2, 3]);
});
filters('`em.setFilterParams`', async () => {
  const filter = { cond: (args: Loose) => ({ id: args.id }), default: true };
  assert.deepEqual((await filtered(filter, (em) => em.setFilterParams('f', { id: 2 }))).ids, [2]);
});
filters('Callbacks: asynchronous, with the kind of call, without arguments', async () => {
  const cond = async (_args: unknown, type: string) => (type === 'read' ? { id: 3 } : {});
  assert.deepEqual((await filtered({ cond, default: true, args: false })).ids, [3]);
});
filters('Filters of the ORM (`filters`)', async () => {
  const em = await manager({
    filters: { f: { cond: { name: { $ne: 'Ann' } }, entity: ['Author'], default: true } },
  });
  assert.equal(await names(em), 'Bob Cid');
});
filters('`em.addFilter`', async () => {
  const em = await manager();
  if (coreMajor === 6) em.addFilter('f', { name: 'Cid' }, [Author], true);
  else em.addFilter({ name: 'f', cond: { name: 'Cid' }, entity: [Author], default: true });
  assert.equal(await names(em), 'Cid');
});
filters('Filters of `count`, updates and deletes', async () => {
  const { em, Thing } = await filtered({ cond: { id: { $gt: 1 } }, default: true });
  assert.equal(await em.count(Thing), 2);
  assert.equal(await em.nativeDelete(Thing, {}), 2);
  assert.equal(await em.count(Thing, {}, { filters: false }), 1);
});
/** Owners of whom one is hidden by a filter, and a thing of each. */
async function hidden(thing: object = {}, options: object = {}, filter: object = {}): Promise<Loose> {
  const Owner = schema(
    'Owner',
    { hidden: { type: 'boolean' }, things: { kind: '1:m', entity: () => Thing, mappedBy: 'owner' } },
    {
      filters: { f: { name: 'f', cond: { hidden: false }, default: true, ...filter } },
    },
  );
  const Thing: Loose = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner, ...thing } });
  const orm = await open([Owner, Thing], options);
  const em = orm.em.fork();
  em.create(Thing, { owner: em.create(Owner, { hidden: false }) });
  em.create(Thing, { owner: em.create(Owner, { hidden: true }) });
  await em.flush();
  return { em: orm.em.fork(), Owner, Thing };
}
filters('Mandatory relations: rows whose relation is filtered out', async () => {
  const { em, Thing } = await hidden();
  assert.equal((await em.find(Thing, {}, { populate: ['owner'] })).length, 1);
});
filters('Optional relations: null where they are filtered out', async () => {
  const { em, Thing } = await hidden({ nullable: true });
  const found = await em.find(Thing, {}, { populate: ['owner'], orderBy: { id: 1 } });
  assert.deepEqual(
    found.map(({ owner }: Loose) => owner?.id ?? null),
    [1, null],
  );
});
filters('`autoJoinRefsForFilters`', async () => {
  const joined = await hidden({ nullable: true });
  assert.equal((await joined.em.findOneOrFail(joined.Thing, 2)).owner ?? null, null);
  const apart = await hidden({ nullable: true }, { autoJoinRefsForFilters: false });
  assert.equal((await apart.em.findOneOrFail(apart.Thing, 2)).owner.id, 2);
});
filters('`strict` filters of relations', { since: '6.5' }, async () => {
  const { em, Thing } = await hidden({ nullable: true }, {}, { strict: true });
  assert.equal((await em.find(Thing, {}, { populate: ['owner'] })).length, 1);
});
filters('Filters of collections', async () => {
  const Child = schema(
    'Child',
    { old: { type: 'boolean' }, parent: { kind: 'm:1', entity: () => Parent } },
    {
      filters: { f: { name: 'f', cond: { old: false }, default: true } },
    },
  );
  const Parent = schema('Parent', { children: { kind: '1:m', entity: () => Child, mappedBy: 'parent' } });
  const orm = await open([Child, Parent]);
  const em = orm.em.fork();
  em.create(Parent, { children: [{ old: false }, { old: true }] });
  await em.flush();
  for (const strategy of ['select-in', 'joined']) {
    const parent = await orm.em.fork().findOneOrFail(Parent, 1, { populate: ['children'], strategy });
    assert.equal(parent.children.length, 1, strategy);
  }
});
filters('Filters of relations that only a condition passes through', { since: '6.5' }, async () => {
  const Far = schema(
    'Far',
    { name: { type: 'string' }, hidden: { type: 'boolean' } },
    { filters: { shown: { name: 'shown', cond: { hidden: false }, default: true } } },
  );
  const Near = schema('Near', { far: { kind: 'm:1', entity: () => Far } });
  const Thing = schema('Thing', { near: { kind: 'm:1', entity: () => Near } });
  const em = (await open([Far, Near, Thing])).em.fork();
  for (const hidden of [true, false]) {
    em.create(Thing, { near: em.create(Near, { far: em.create(Far, { name: 'x', hidden }) }) });
  }
  await em.flush();
  assert.equal(await em.fork().count(Thing, { near: { far: { name: 'x' } } }), 1);
});
filters('Soft delete', async () => {
  const Thing = schema(
    'Thing',
    { gone: { type: 'datetime', nullable: true } },
    {
      filters: { alive: { name: 'alive', cond: { gone: null }, default: true } },
    },
  );
  class Soft {
    async onFlush({ uow }: Loose) {
      for (const set of uow.getChangeSets().filter(({ type }: Loose) => type === 'delete')) {
        set.entity.gone = new Date(0);
        set.type = 'update';
        uow.recomputeSingleChangeSet(set.entity);
      }
    }
  }
  const orm = await open([Thing], { subscribers: [new Soft()] });
  const em = orm.em.fork();
  const thing = em.create(Thing, {});
  await em.flush();
  thing.gone = new Date(0);
  await em.flush();
  assert.equal(await orm.em.fork().count(Thing), 0);
  assert.equal(await orm.em.fork().count(Thing, {}, { filters: false }), 1);
});

const refs = page('Type-safe relations', 'type-safe-relations');
/** A thing whose owner is kept in a `Reference`. */
async function referring(): Promise<Loose> {
  const Owner = schema('Owner', { name: { type: 'string' } });
  const Thing = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner, ref: true } });
  const orm = await open([Owner, Thing]);
  const em = orm.em.fork();
  em.create(Thing, { owner: em.create(Owner, { name: 'o' }) });
  await em.flush();
  return { em: orm.em.fork(), Owner, Thing };
}
refs('`Reference`: `load`, `loadOrFail`, `unwrap`, `isInitialized`, `$`', async () => {
  const { em, Thing } = await referring();
  const { owner } = await em.findOneOrFail(Thing, 1);
  assert.deepEqual([owner.isInitialized(), owner.unwrap().name], [false, undefined]);
  assert.equal((await owner.loadOrFail()).name, 'o');
  assert.equal(owner.$.name, 'o');
});
refs('`loadProperty`', async () => {
  const { em, Thing } = await referring();
  const { owner } = await em.findOneOrFail(Thing, 1);
  assert.equal(await owner.loadProperty('name'), 'o');
});
refs('`ref()`, `rel()`, `Reference.createFromPK`', async () => {
  const { rel, ref, Reference } = (await import('collection-store-mikro-orm')) as Loose;
  const em = await manager();
  em.persist(em.create(Book, { title: 'X', author: rel(Author, 3) }));
  await em.flush();
  assert.equal(await em.fork().count(Book, { author: 3 }), 1);
  assert.equal(ref(Author, 3).id, 3);
  assert.equal(Reference.createFromPK(Author, 3).id, 3);
});
refs('A reference to a row that is not there', async () => {
  const { em, Owner } = await referring();
  assert.equal(await em.getReference(Owner, 99, { wrapped: true }).load(), null);
  await assert.rejects(() => em.getReference(Owner, 99, { wrapped: true }).loadOrFail());
});
refs('`forceEntityConstructor`', async () => {
  const em = await manager({ forceEntityConstructor: true });
  assert.equal((await em.findOneOrFail(Tag, 1)).name, 'red');
});

const loaders = page('Dataloaders', 'dataloaders');
loaders('References, `dataloader: true`', async () => {
  const { lines, options } = logs();
  const em = await manager({ debug: ['query'], dataloader: true, ...options });
  const { ref } = (await import('collection-store-mikro-orm')) as Loose;
  lines.length = 0;
  const authors = [1, 2, 3].map((id) => ref(em.getReference(Author, id)));
  const loaded = await Promise.all(authors.map((author: Loose) => author.load({ dataloader: true })));
  assert.deepEqual(pick(loaded, 'name'), ['Ann', 'Bob', 'Cid']);
  // In Bun the package `dataloader` begins a batch for each call: promises and ticks take turns otherwise there.
  if (!inBun) assert.equal(lines.length, 1);
});
loaders('Collections', async () => {
  const { lines, options } = logs();
  const em = await manager({ debug: ['query'], dataloader: true, ...options });
  const authors = await em.find(Author, {}, { orderBy: { id: 1 } });
  lines.length = 0;
  const books: Loose[] = await Promise.all(authors.map((author: Loose) => author.books.load()));
  assert.deepEqual(
    books.map(({ length }) => length),
    [3, 1, 0],
  );
  assert.equal(lines.length, 1);
});
loaders('M:N collections', async () => {
  const em = await manager({ dataloader: true });
  const books = await em.find(Book, {}, { orderBy: { id: 1 } });
  const tags: Loose[] = await Promise.all(books.map((book: Loose) => book.tags.load()));
  assert.deepEqual(
    tags.map(({ length }) => length),
    [2, 1, 0, 1],
  );
});
loaders('`loadCount`', { since: '7' }, async () => {
  const em = await manager({ dataloader: true });
  const authors = await em.find(Author, {}, { orderBy: { id: 1 } });
  const counts = await Promise.all(
    authors.map((author: Loose) => author.books.loadCount({ dataloader: true })),
  );
  assert.deepEqual(counts, [3, 1, 0]);
});

const serializing = page('Serializing', 'serializing');
serializing('Hidden properties', async () => {
  const Thing = schema('Thing', { secret: { type: 'string', hidden: true } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { secret: 's' });
  assert.deepEqual(JSON.parse(JSON.stringify(await orm.em.fork().findOneOrFail(Thing, 1))), { id: 1 });
});
serializing('Shadow properties (`persist: false`)', async () => {
  const Thing = schema('Thing', { count: { type: 'integer', persist: false, nullable: true } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, {});
  const thing = await orm.em.fork().findOneOrFail(Thing, 1);
  orm.em.fork().assign(thing, { count: 3 });
  assert.deepEqual(JSON.parse(JSON.stringify(thing)), { id: 1, count: 3 });
});
serializing('`serializer`, `serializedName`', async () => {
  const name = { type: 'string', serializer: (value: string) => value.toUpperCase(), serializedName: 'NAME' };
  const Thing = schema('Thing', { name });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { name: 'x' });
  assert.deepEqual(JSON.parse(JSON.stringify(await orm.em.fork().findOneOrFail(Thing, 1))), {
    id: 1,
    NAME: 'X',
  });
});
serializing('Implicit: only what was populated', async () => {
  const em = await manager();
  const bio = await em.findOneOrFail(Bio, 1);
  assert.deepEqual(JSON.parse(JSON.stringify(bio)), { id: 1, text: 'writes', author: 1 });
});
serializing('`forceObject`', async () => {
  const em = await manager({ serialization: { forceObject: true } });
  const bio = await em.findOneOrFail(Bio, 1);
  assert.deepEqual(JSON.parse(JSON.stringify(bio)).author, { id: 1 });
});
serializing('`serialize()`: `populate`, `exclude`, `skipNull`, `forceObject`', async () => {
  const { serialize } = (await import('collection-store-mikro-orm')) as Loose;
  const em = await manager();
  const books = await em.find(Book, { id: 3 }, { populate: ['author'] });
  const options = { populate: ['author'], exclude: ['author.meta', 'author.bio'], skipNull: true };
  const [book] = serialize(books, options);
  assert.deepEqual([book.author.name, 'price' in book, 'meta' in book.author], ['Ann', false, false]);
});
serializing('`serialize()`: `groups`', async () => {
  const { serialize } = (await import('collection-store-mikro-orm')) as Loose;
  const Thing = schema('Thing', {
    a: { type: 'string', groups: ['x'] },
    b: { type: 'string', groups: ['y'] },
  });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { a: 'a', b: 'b' });
  const thing = await orm.em.fork().findOneOrFail(Thing, 1);
  assert.deepEqual(serialize(thing, { groups: ['y'] }), { id: 1, b: 'b' });
});
serializing('Partially loaded entities', async () => {
  const em = await manager();
  const bio = await em.findOneOrFail(Bio, 1, { fields: ['text'] });
  assert.deepEqual(JSON.parse(JSON.stringify(bio)), { id: 1, text: 'writes' });
});
serializing('New entities (`populateAfterFlush`)', async () => {
  const orm = await open(entities, { populateAfterFlush: false });
  const em = orm.em.fork();
  const bio = em.create(Bio, { id: 1, text: 't', author: em.create(Author, { id: 1, name: 'Ann' }) });
  await em.flush();
  assert.equal(JSON.parse(JSON.stringify(bio)).author, 1);
});
