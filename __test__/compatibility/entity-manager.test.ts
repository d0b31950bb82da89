import assert from 'node:assert/strict';
import {
  EntityManager,
  LoadStrategy,
  NotFoundError,
  QueryOrder,
  UniqueConstraintViolationException,
  wrap,
} from 'collection-store-mikro-orm';
import { type Loose, coreMajor, open, page, pick, refused, schema } from './feature.js';
import { Author, Book, Kind, Publisher, Tag, entities, library } from './library.js';

const feature = page('EntityManager', 'entity-manager');

/** The EntityManager of a filled store. */
const manager = async (options: object = {}): Promise<Loose> => (await library(options)).em.fork();

feature('`persist`, `flush`', async () => {
  const em = await manager();
  em.persist(em.create(Tag, { name: 'new' }));
  await em.flush();
  assert.equal(await em.fork().count(Tag, { name: 'new' }), 1);
});
feature('`persistAndFlush`, `removeAndFlush`', { until: 6 }, async () => {
  const em = await manager();
  const tag = em.create(Tag, { name: 'new' });
  await em.persistAndFlush(tag);
  await em.removeAndFlush(tag);
  assert.equal(await em.fork().count(Tag, { name: 'new' }), 0);
});
feature('`remove`', async () => {
  const em = await manager();
  await em.remove(em.getReference(Tag, 3)).flush();
  assert.equal(await em.fork().count(Tag), 2);
});
feature('`getReference`', async () => {
  const em = await manager();
  em.create(Book, { title: 'E', author: em.getReference(Author, 3) });
  await em.flush();
  assert.equal(await em.fork().count(Book, { author: 3 }), 1);
});
feature('`find`, `findOne`, `findAll`, `findAndCount`, `count`', async () => {
  const em = await manager();
  assert.equal((await em.find(Book, { author: 1 })).length, 3);
  assert.equal((await em.findOne(Book, { title: 'A' })).id, 1);
  assert.equal((await em.findOne(Book, 1)).title, 'A');
  assert.equal(await em.findOne(Book, 99), null);
  assert.equal((await em.findAll(Book, { where: { author: 1 } })).length, 3);
  const [books, count] = await em.findAndCount(Book, { author: 1 }, { limit: 2 });
  assert.deepEqual([books.length, count], [2, 3]);
  assert.equal(await em.count(Book, { tags: { name: 'blue' } }), 2);
});
feature('`findOneOrFail`, `failHandler`', async () => {
  const em = await manager();
  await assert.rejects(() => em.findOneOrFail(Book, 99), NotFoundError);
  const failHandler = () => new RangeError('mine');
  await assert.rejects(() => em.findOneOrFail(Book, 99, { failHandler }), RangeError);
});
feature('Conditions: identity, lists of keys, entities, objects', async () => {
  const em = await manager();
  assert.equal((await em.find(Book, [1, 2])).length, 2);
  const ann = await em.findOneOrFail(Author, 1);
  assert.equal((await em.find(Book, { author: ann })).length, 3);
  assert.equal((await em.find(Book, { author: [1, 2] })).length, 4);
});
feature(
  'Conditions: lists of objects that hold keys of relations',
  {
    differs:
      'They stand for the keys, whatever parts these have, and objects that say more for conditions. SQLite compares keys of one part with the JSON of the objects, and finds nothing.',
  },
  async () => {
    const em = await manager();
    assert.equal((await em.find(Book, { author: [{ id: 1 }, { id: 2 }] } as never)).length, 4);
    assert.equal((await em.find(Book, { author: [{ id: 1, name: 'Bob' }] } as never)).length, 0);
  },
);
feature('Conditions over relations', async () => {
  const em = await manager();
  const found = await em.find(Author, { books: { publisher: { name: 'Big' }, tags: { name: 'red' } } });
  assert.deepEqual(pick(found, 'name'), ['Ann']);
});
feature('Partial loading (`fields`)', async () => {
  const em = await manager();
  const book = await em.findOneOrFail(Book, 1, { fields: ['title', 'author.name'] });
  assert.deepEqual(
    [book.title, book.price, book.author.name, book.author.age],
    ['A', undefined, 'Ann', undefined],
  );
});
feature('Partial loading (`exclude`)', async () => {
  const em = await manager();
  const book = await em.findOneOrFail(Book, 1, { exclude: ['price', 'author.age'], populate: ['author'] });
  assert.deepEqual(
    [book.title, book.price, book.author.name, book.author.age],
    ['A', undefined, 'Ann', undefined],
  );
});
feature('`limit`, `offset`', async () => {
  const em = await manager();
  const found = await em.find(Book, {}, { limit: 2, offset: 1, orderBy: { title: 'desc' } });
  assert.deepEqual(pick(found, 'title'), ['C', 'B']);
});
feature('Pages over joined relations', async () => {
  const em = await manager();
  const found = await em.find(
    Author,
    { books: { price: { $gt: 0 } } },
    {
      populate: ['books'],
      strategy: 'joined',
      limit: 1,
      offset: 1,
      orderBy: { name: 1 },
    },
  );
  assert.deepEqual(pick(found, 'name'), ['Bob']);
});
feature(
  'Pages in an order by a relation to many that the condition follows, too',
  {
    differs:
      'A page comes in the order that its rows were chosen by. The SQL drivers then order it anew, by related rows that the condition does not let through as well.',
  },
  async () => {
    const em = await manager();
    const found = async (page: object) =>
      pick(
        await em.fork().find(
          Book,
          { tags: { name: { $ne: 'blue' } } },
          {
            orderBy: { tags: { name: 'asc' } },
            ...page,
          },
        ),
        'title',
      );
    assert.deepEqual(await found({}), ['D', 'A']);
    assert.deepEqual(await found({ limit: 2 }), ['D', 'A']);
  },
);
feature(
  'Orders by several relations to many of which the condition needs one or the other',
  {
    differs:
      'The first row of each counts that any rows of the others go with. SQL goes through the combinations of them all.',
  },
  async () => {
    const n = { type: 'integer' };
    const shop = () => ({ kind: 'm:1', entity: () => Shop });
    const Item = schema('Item', { n, shop: shop() });
    const Mark = schema('Mark', { n, shop: shop() });
    const Shop: Loose = schema('Shop', {
      items: { kind: '1:m', entity: () => Item, mappedBy: 'shop' },
      marks: { kind: '1:m', entity: () => Mark, mappedBy: 'shop' },
    });
    const orm = await open([Item, Mark, Shop]);
    const em = orm.em.fork();
    const [one, two] = [em.create(Shop, { id: 1 }), em.create(Shop, { id: 2 })];
    for (const n of [1, 5]) em.create(Item, { n, shop: one });
    for (const n of [3, 9]) em.create(Mark, { n, shop: one });
    em.create(Item, { n: 1, shop: two });
    em.create(Mark, { n: 5, shop: two });
    await em.flush();
    const where = { $or: [{ items: { n: 5 } }, { marks: { n: { $gte: 5 } } }] };
    const orderBy = [{ items: { n: 'asc' } }, { marks: { n: 'asc' } }];
    assert.deepEqual(pick(await orm.em.fork().find(Shop, where, { orderBy }), 'id'), [1, 2]);
  },
);
feature(
  'Pages of rows that filters or `populateWhere` leave out for the sake of a joined relation',
  {
    differs:
      'A page holds what is left, and `findAndCount` counts just that. The SQL drivers do so as well unless a relation to many is joined, too: then they take the page first, and pages come out short or empty.',
  },
  async () => {
    const em = await manager();
    // Minors that cannot balance strategies hide such an author, and keep the book.
    const leavingOut = [
      { filters: ['adult'] },
      ...('BALANCED' in LoadStrategy ? [{ populateWhere: { author: { age: { $gte: 18 } } } }] : []),
    ];
    for (const options of leavingOut) {
      for (const populate of [['author'], ['author', 'tags'], ['tags']] as const) {
        const found = async (page: object) => {
          const [books, count] = await em
            .fork()
            .findAndCount(
              Book,
              {},
              { ...options, ...page, populate, strategy: 'joined', orderBy: { title: 'desc' } },
            );
          return [pick(books, 'title').join(''), count];
        };
        assert.deepEqual(await found({}), ['CBA', 3]);
        assert.deepEqual(await found({ limit: 2 }), ['CB', 3]);
        assert.deepEqual(await found({ limit: 2, offset: 2 }), ['A', 3]);
      }
    }
  },
);
feature('`orderBy`: several, over relations, nulls first and last', async () => {
  const em = await manager();
  const titles = async (orderBy: object) => pick(await em.find(Book, {}, { orderBy }), 'title').join('');
  assert.equal(await titles([{ author: { name: 'desc' } }, { title: 'asc' }]), 'DABC');
  assert.equal(await titles({ price: QueryOrder.DESC_NULLS_LAST }), 'DBAC');
  assert.equal(await titles({ price: QueryOrder.ASC_NULLS_FIRST }), 'CABD');
});
feature('`customOrder`', async () => {
  const level = {
    enum: true,
    items: ['low', 'mid', 'high'],
    customOrder: ['low', 'mid', 'high'],
    type: 'string',
  };
  const Task = schema('Task', { level });
  const orm = await open([Task]);
  await orm.em.fork().insertMany(Task, [{ level: 'high' }, { level: 'low' }, { level: 'mid' }]);
  const found = await orm.em.fork().find(Task, {}, { orderBy: { level: 'asc' } });
  assert.deepEqual(pick(found, 'level'), ['low', 'mid', 'high']);
});
feature('`findByCursor`: first and after', async () => {
  const em = await manager();
  const page = (options: object) =>
    coreMajor === 6
      ? em.findByCursor(Book, {}, { orderBy: { title: 'asc' }, ...options })
      : em.findByCursor(Book, { orderBy: { title: 'asc' }, ...options });
  const first = await page({ first: 3 });
  assert.deepEqual([first.totalCount, first.hasNextPage, pick(first, 'title').join('')], [4, true, 'ABC']);
  const second = await page({ first: 3, after: first });
  assert.deepEqual([second.hasNextPage, pick(second, 'title').join('')], [false, 'D']);
});
feature('`findByCursor`: last and before, over relations', async () => {
  const em = await manager();
  const how = { orderBy: [{ author: { name: 'asc' } }, { id: 'asc' }], populate: ['author'] };
  const page = (options: object) =>
    coreMajor === 6
      ? em.findByCursor(Book, {}, { ...how, ...options })
      : em.findByCursor(Book, { ...how, ...options });
  const last = await page({ last: 2 });
  assert.deepEqual(pick(last, 'title').join(''), 'CD');
  const before = await page({ last: 2, before: last.startCursor });
  assert.deepEqual([before.hasPrevPage, pick(before, 'title').join('')], [false, 'AB']);
});
feature('`em.stream`', { since: '7' }, async () => {
  const em = await manager();
  const titles = [];
  for await (const book of em.stream(Book, { orderBy: { title: 'desc' } })) titles.push(book.title);
  assert.deepEqual(titles, ['D', 'C', 'B', 'A']);
});
feature('`em.countBy`', { since: '7' }, async () => {
  const em = await manager();
  assert.deepEqual(await em.countBy(Book, 'author'), { 1: 3, 2: 1 });
});
feature('`em.clone`', { since: '7' }, async () => {
  const em = await manager();
  const copy = await em.clone(Book, { id: 1 }, { title: 'A2' });
  assert.deepEqual([copy.title, copy.price, await em.fork().count(Book)], ['A2', 10, 5]);
});
feature('SQL fragments in conditions', { notHere: 'There is no SQL; see Raw queries.' }, async () => {
  const { raw } = (await import('collection-store-mikro-orm')) as Loose;
  const em = await manager();
  await refused(() => em.find(Book, { [raw('lower(title)')]: 'a' }), /lower\(title\)/);
});
feature('`collation`', { notHere: 'Texts are compared by their code points.' }, async () => {
  const em = await manager();
  await refused(() => em.find(Book, {}, { orderBy: { title: 1 }, collation: 'nocase' }), /collation/);
});
feature(
  'Index hints, `using`, comments of queries',
  { note: 'Accepted; the store chooses its indexes.' },
  async () => {
    const em = await manager();
    const options = { indexHint: 'not indexed', comments: 'c', hintComments: 'h' };
    assert.equal((await em.find(Book, { title: 'A' }, options)).length, 1);
  },
);
feature(
  '`unionWhere`',
  {
    since: '7',
    note: 'Each branch takes an index of its own, as each arm of `$or` does. M:N collections refuse it in `matching`: use `$or` there.',
  },
  async () => {
    const em = await manager();
    const unionWhere = [{ title: 'A' }, { price: 40 }, { tags: { name: 'blue' } }];
    const found = await em.find(Book, {}, { unionWhere, orderBy: { id: 1 } });
    const alike = await em.find(Book, { $or: unionWhere }, { orderBy: { id: 1 } });
    assert.ok(found.length > 1 && found.length < 4);
    assert.deepEqual(pick(found, 'id'), pick(alike, 'id'));
  },
);
feature('`having`, `groupBy`', { notHere: 'Aggregation is SQL’s.' }, async () => {
  const em = await manager();
  await refused(() => em.find(Book, {}, { groupBy: ['author'] }), /groupBy/);
});
feature('Changing an entity that is not loaded', async () => {
  const em = await manager();
  em.getReference(Book, 1).price = 99;
  await em.flush();
  assert.equal((await em.fork().findOneOrFail(Book, 1)).price, 99);
});
feature('Atomic updates with `raw()`', { notHere: 'There is no SQL; see Raw queries.' }, async () => {
  const { raw } = (await import('collection-store-mikro-orm')) as Loose;
  const em = await manager();
  await refused(() => em.nativeUpdate(Book, 1, { price: raw('price + 1') }), /price \+ 1/);
});
feature('`em.upsert`', async () => {
  const em = await manager();
  const old = await em.upsert(Author, { name: 'Ann', age: 41 });
  assert.deepEqual([old.id, old.age], [1, 41]);
  const fresh = await em.upsert(Author, { name: 'Dan', age: 1, active: true });
  assert.ok(fresh.id > 3);
});
feature('`em.upsertMany`', async () => {
  const em = await manager();
  const data = [
    { name: 'Ann', age: 41, active: true },
    { name: 'Dan', age: 1, active: true },
  ];
  assert.deepEqual(pick(await em.upsertMany(Author, data), 'age'), [41, 1]);
});
feature(
  'Upsert: `onConflictFields`, `onConflictAction`, `onConflictMergeFields`, `onConflictExcludeFields`',
  async () => {
    const em = await manager();
    const age = async () => (await em.fork().findOneOrFail(Author, 1)).age;
    const data = { id: 77, name: 'Ann', age: 50, active: true };
    await em.upsert(Author, data, { onConflictFields: ['name'], onConflictAction: 'ignore' });
    assert.equal(await age(), 40);
    await em.upsert(Author, data, { onConflictFields: ['name'], onConflictMergeFields: ['age'] });
    assert.equal(await age(), 50);
    const more = { ...data, age: 60, active: false };
    await em
      .fork()
      .upsert(Author, more, { onConflictFields: ['name'], onConflictExcludeFields: ['active', 'id'] });
    assert.equal(await age(), 60);
  },
);
feature('`em.refresh`', async () => {
  const em = await manager();
  const ann = await em.findOneOrFail(Author, 1);
  await em.fork().nativeUpdate(Author, 1, { age: 1 });
  await em.refresh(ann);
  assert.equal(ann.age, 1);
});
feature('`refresh: true`', async () => {
  const em = await manager();
  const ann = await em.findOneOrFail(Author, 1);
  await em.fork().nativeUpdate(Author, 1, { age: 1 });
  await em.find(Author, {}, { refresh: true });
  assert.equal(ann.age, 1);
});
feature('`em.insert`, `em.insertMany`', async () => {
  const em = await manager();
  assert.equal(await em.insert(Tag, { name: 'x' }), 4);
  assert.deepEqual(await em.insertMany(Tag, [{ name: 'y' }, { name: 'z' }]), [5, 6]);
});
feature('`em.nativeUpdate`, `em.nativeDelete`, with conditions over relations', async () => {
  const em = await manager();
  assert.equal(await em.nativeUpdate(Book, { author: { name: 'Ann' } }, { price: 1 }), 3);
  assert.equal(await em.nativeDelete(Book, { tags: { name: 'green' } }), 1);
  assert.equal(await em.count(Book, { price: 1 }), 3);
});
feature('`disableIdentityMap`', async () => {
  const em = await manager();
  const [book] = await em.find(Book, { id: 1 }, { disableIdentityMap: true, populate: ['author'] });
  book.title = 'changed';
  await em.flush();
  assert.equal(book.author.name, 'Ann');
  assert.equal((await em.fork().findOneOrFail(Book, 1)).title, 'A');
});
feature('`em.create`, `em.assign`, `em.map`, `em.merge`', async () => {
  const em = await manager();
  const book = em.create(Book, { title: 'X', author: 1 });
  em.assign(book, { title: 'Y', publisher: { name: 'Small' } });
  await em.flush();
  assert.equal(await em.fork().count(Book, { publisher: { name: 'Small' } }), 1);
  assert.equal(em.map(Book, { id: 1, title: 'A', author_id: 2 }).author.id, 2);
  assert.equal(em.merge(Book, { id: 50, title: 'M' }).title, 'M');
});
feature('`em.populate`', async () => {
  const em = await manager();
  const books = await em.find(Book, {}, { orderBy: { id: 1 } });
  await em.populate(books, ['author', 'tags'], { where: { tags: { name: 'blue' } } });
  assert.equal(books[0].author.name, 'Ann');
  assert.deepEqual(pick(books[0].tags, 'name'), ['blue']);
});
feature('`em.clear`, `em.fork`, `em.isInTransaction`', async () => {
  const em = await manager();
  const ann = await em.findOneOrFail(Author, 1);
  assert.equal(await em.findOneOrFail(Author, 1), ann);
  em.clear();
  assert.notEqual(await em.findOneOrFail(Author, 1), ann);
  assert.equal(em.isInTransaction(), false);
});
feature('`em.canPopulate`, `em.getUnitOfWork`, `em.getMetadata`', async () => {
  const em = await manager();
  assert.equal(em.canPopulate(Book, 'author.books'), true);
  assert.equal(em.canPopulate(Book, 'nothing'), false);
  assert.equal(em.getMetadata(Book).tableName, 'book');
});
feature('An EntityManager of one’s own (`entityManager`)', async () => {
  class Mine extends EntityManager {
    answer() {
      return 42;
    }
  }
  const em = await manager({ entityManager: Mine });
  assert.equal(em.answer(), 42);
});
feature(
  '`em.execute`, `em.createQueryBuilder`, `em.getKnex`, `em.getKysely`',
  { notHere: 'There is no SQL; see Raw queries.' },
  async () => {
    const em = await manager();
    for (const name of ['execute', 'createQueryBuilder', 'qb', 'getKnex', 'getKysely'])
      await refused(() => em[name](), new RegExp(`${name}\\b.*does not execute SQL`));
  },
);

const unit = page('Unit of work', 'unit-of-work');
unit('Changes of managed entities are found by `flush`', async () => {
  const em = await manager();
  (await em.findOneOrFail(Book, 1)).title = 'X';
  await em.flush();
  assert.equal(await em.fork().count(Book, { title: 'X' }), 1);
});
unit('Entities with a key of their own', async () => {
  const em = await manager();
  em.create(Tag, { id: 100, name: 'x' });
  await em.flush();
  assert.equal((await em.fork().findOneOrFail(Tag, 100)).name, 'x');
});
unit('One transaction for each `flush`', async () => {
  const em = await manager();
  em.create(Tag, { id: 50, name: 'x' });
  em.create(Publisher, { name: 'Big' });
  await assert.rejects(() => em.flush(), UniqueConstraintViolationException);
  assert.equal(await em.fork().count(Tag, 50), 0);
});
unit('Rows are inserted in the order of their dependencies', async () => {
  const em = await manager();
  const author = em.create(Author, { name: 'New' }, { persist: false });
  em.persist(em.create(Book, { title: 'N', author }));
  await em.flush();
  assert.equal(await em.fork().count(Book, { author: { name: 'New' } }), 1);
});
unit('Batches of inserts, updates and deletes (`batchSize`)', async () => {
  const em = await manager({ batchSize: 2 });
  for (let i = 0; i < 5; i++) em.create(Tag, { name: `t${i}` });
  await em.flush();
  const tags = await em.find(Tag, {});
  for (const tag of tags) tag.name += '!';
  await em.flush();
  assert.equal(await em.fork().count(Tag, { name: { $like: '%!' } }), 8);
  for (const tag of tags.slice(3)) em.remove(tag);
  await em.flush();
  assert.equal(await em.fork().count(Tag), 3);
});
unit('`FlushMode.AUTO`', async () => {
  const em = await manager();
  em.create(Tag, { name: 'pending' });
  assert.equal((await em.find(Tag, { name: 'pending' }, { flushMode: 'auto' })).length, 1);
});
unit('`FlushMode.COMMIT`', async () => {
  const em = await manager();
  em.create(Tag, { name: 'pending' });
  assert.equal((await em.find(Tag, { name: 'pending' }, { flushMode: 'commit' })).length, 0);
});
unit('`FlushMode.ALWAYS`', async () => {
  const em = await manager({ flushMode: 'always' });
  em.create(Tag, { name: 'pending' });
  await em.find(Author, {});
  assert.equal(await em.fork().count(Tag, { name: 'pending' }), 1);
});
unit('`getUnitOfWork().getChangeSets`, `computeChangeSets`', async () => {
  const em = await manager();
  (await em.findOneOrFail(Book, 1)).title = 'X';
  em.getUnitOfWork().computeChangeSets();
  assert.deepEqual(
    em
      .getUnitOfWork()
      .getChangeSets()
      .map(({ payload }: Loose) => payload),
    [{ title: 'X' }],
  );
});

const identity = page('Identity map and request context', 'identity-map');
identity('One object for each row', async () => {
  const em = await manager();
  assert.equal(await em.findOne(Author, { name: 'Ann' }), await em.findOne(Author, 1));
});
identity('`RequestContext.create`', async () => {
  const orm = await library();
  const { RequestContext } = await import('collection-store-mikro-orm');
  await RequestContext.create(orm.em as never, async () => {
    const ann = await orm.em.findOneOrFail(Author, 1);
    assert.equal(ann, await orm.em.findOneOrFail(Author, 1));
  });
});
identity('The global context is refused', async () => {
  const orm = await library();
  await refused(() => orm.em.find(Author, {}), /global/);
});
identity('`allowGlobalContext`', async () => {
  const orm = await library({ allowGlobalContext: true });
  assert.equal((await orm.em.find(Author, {})).length, 3);
});
identity('A context of one’s own (`context`)', async () => {
  let current: Loose;
  const orm = await library({ context: () => current });
  current = orm.em.fork({ useContext: true } as Loose);
  await orm.em.find(Tag, {});
  assert.equal(current.getUnitOfWork().getIdentityMap().keys().length, 3);
});
identity('`@CreateRequestContext`, `@EnsureRequestContext`', async () => {
  const { CreateRequestContext: contextual, EnsureRequestContext: ensured } = (await import(
    'collection-store-mikro-orm'
  )) as Loose;
  const orm = await library();
  class Service {
    readonly orm = orm;
    @contextual()
    async created() {
      return (await orm.em.find(Author, {})).length;
    }
    @ensured()
    async ensured() {
      return (await orm.em.find(Book, {})).length;
    }
  }
  const service = new Service();
  assert.deepEqual([await service.created(), await service.ensured()], [3, 4]);
});
identity('`@Transactional`', async () => {
  const { Transactional: transactional } = (await import('collection-store-mikro-orm')) as Loose;
  const orm = await library();
  class Service {
    readonly em = orm.em;
    @transactional()
    async fails() {
      this.em.create(Tag, { name: 'gone' });
      await this.em.flush();
      throw new RangeError();
    }
  }
  await assert.rejects(() => new Service().fails(), RangeError);
  assert.equal(await orm.em.fork().count(Tag, { name: 'gone' }), 0);
});

const helper = page('wrap() and assign()', 'wrap-helper');
helper('`isInitialized`, `isManaged`, `init`, `populated`', async () => {
  const em = await manager();
  const ann = em.getReference(Author, 1);
  assert.equal(wrap(ann).isInitialized(), false);
  await wrap(ann).init();
  assert.equal(ann.name, 'Ann');
});
helper('`wrap().populate`', async () => {
  const em = await manager();
  const book = await em.findOneOrFail(Book, 1);
  await (wrap(book) as Loose).populate(['author']);
  assert.equal(book.author.name, 'Ann');
});
helper('`toObject`, `toJSON`, `toPOJO`, `serialize`', async () => {
  const em = await manager();
  const tag = await em.findOneOrFail(Tag, 1);
  assert.deepEqual(wrap(tag).toObject(), { id: 1, name: 'red' });
  assert.deepEqual(JSON.parse(JSON.stringify(tag)), { id: 1, name: 'red' });
});
helper('`toReference`, `getSchema`, `setSchema`', async () => {
  const em = await manager();
  const tag = await em.findOneOrFail(Tag, 1);
  assert.equal(wrap(tag).toReference().unwrap(), tag);
  wrap(tag).setSchema('s');
  assert.equal(wrap(tag).getSchema(), 's');
});
helper('`assign`: relations, collections, nested entities', async () => {
  const em = await manager();
  const book = await em.findOneOrFail(Book, 1, { populate: ['author', 'tags'] });
  wrap(book).assign({ author: { id: 1, name: 'Ann 2' }, tags: [3, { name: 'made' }] } as Loose, { em });
  await em.flush();
  const found = await em.fork().findOneOrFail(Book, 1, { populate: ['author', 'tags'] });
  assert.deepEqual([found.author.id, found.author.name], [1, 'Ann 2']);
  assert.deepEqual(pick(found.tags, 'name').sort(), ['green', 'made']);
});
helper(
  '`assign`: `updateNestedEntities`, `updateByPrimaryKey`, `mergeObjectProperties`, `ignoreUndefined`, `onlyProperties`',
  async () => {
    const em = await manager();
    const ann = await em.findOneOrFail(Author, 1);
    wrap(ann).assign({ meta: { score: 8 }, name: undefined, other: 1 } as Loose, {
      mergeObjectProperties: true,
      ignoreUndefined: true,
      onlyProperties: true,
    });
    await em.flush();
    const found = await em.fork().findOneOrFail(Author, 1);
    assert.deepEqual(
      [found.name, found.meta.city, found.meta.score, found.other],
      ['Ann', 'Oslo', 8, undefined],
    );
  },
);

const repositories = page('Repositories', 'repositories');
repositories('`em.getRepository`', async () => {
  const em = await manager();
  const repository = em.getRepository(Book);
  assert.equal((await repository.findAll({ where: { author: 1 } })).length, 3);
  assert.equal((await repository.findOneOrFail({ title: 'A' })).id, 1);
  assert.equal(await repository.count({ kind: Kind.Poem }), 1);
});
repositories('A repository of one’s own (`repository`)', async () => {
  const { EntityRepository } = await import('collection-store-mikro-orm');
  class Repository extends (EntityRepository as Loose) {
    cheap() {
      return (this as Loose).find({ price: { $lt: 10 } });
    }
  }
  const Thing = schema('Thing', { price: { type: 'integer' } }, { repository: () => Repository });
  const orm = await open([Thing]);
  await orm.em.fork().insertMany(Thing, [{ price: 1 }, { price: 20 }]);
  assert.equal((await orm.em.fork().getRepository(Thing).cheap()).length, 1);
});
repositories('A base repository for all entities (`entityRepository`)', async () => {
  const { EntityRepository } = await import('collection-store-mikro-orm');
  class Base extends (EntityRepository as Loose) {
    total() {
      return (this as Loose).count();
    }
  }
  const orm: Loose = await open(entities, { entityRepository: Base });
  assert.equal(await orm.em.fork().getRepository(Tag).total(), 0);
});
repositories(
  '`insert`, `upsert`, `nativeUpdate`, `nativeDelete`, `create`, `assign`, `populate`, `findByCursor`',
  async () => {
    const em = await manager();
    const tags = em.getRepository(Tag);
    assert.equal(await tags.insert({ name: 'x' }), 4);
    assert.equal(await tags.nativeUpdate({ name: 'x' }, { name: 'y' }), 1);
    assert.equal((await tags.upsert({ id: 4, name: 'z' })).name, 'z');
    assert.equal(await tags.nativeDelete({ name: 'z' }), 1);
  },
);
repositories('`createQueryBuilder`, `qb`', { notHere: 'There is no SQL; see Raw queries.' }, async () => {
  const em = await manager();
  await refused(() => em.getRepository(Book).createQueryBuilder(), /does not execute SQL/);
});
