/** `unionWhere`: branches of which one must hold, each row once. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import {
  Collection,
  Entity,
  Filter,
  ManyToMany,
  ManyToOne,
  MikroORM,
  OneToMany,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';
import { coreMajor } from './compatibility/feature.js';

@Entity()
@Filter({ name: 'present', cond: { gone: false }, default: true })
class Author {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', index: true })
  name!: string;

  @Property({ type: 'string', nullable: true, index: true })
  email?: string | null;

  @Property({ type: 'boolean', default: false })
  gone = false;

  @OneToMany('Book', 'author')
  books = new Collection<Book>(this);
}

@Entity()
class Book {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @ManyToOne(() => Author)
  author!: Author;

  @ManyToMany(() => Author)
  readers = new Collection<Author>(this);
}

const orm = await MikroORM.init(defineConfig({ entities: [Author, Book], dbName: ':memory:' }));
after(() => orm.close(true));

beforeEach(async () => {
  await orm.schema.refreshDatabase();
  const em = orm.em.fork();
  await em.insertMany(Author, [
    { id: 1, name: 'Ann', email: 'a@x' },
    { id: 2, name: 'Bob', email: 'b@x' },
    { id: 3, name: 'Cid', email: null },
    { id: 4, name: 'Ann', email: 'gone@x', gone: true },
  ] as never);
  await em.insertMany(Book, [
    { id: 1, title: 'one', author: 1 },
    { id: 2, title: 'two', author: 1 },
    { id: 3, title: 'two', author: 2 },
  ] as never);
});

// biome-ignore lint/suspicious/noExplicitAny: MikroORM 6 knows no such option.
const union = (unionWhere: object[], more: object = {}): any => ({ unionWhere, orderBy: { id: 1 }, ...more });

async function ids(where: object, options: object): Promise<number[]> {
  return (await orm.em.fork().find(Author, where, options)).map(({ id }) => id);
}

describe('unionWhere', { skip: coreMajor === 6 }, () => {
  test('finds the rows of any branch, each once', async () => {
    for (const unionWhereStrategy of ['union', 'union-all']) {
      const strategy = { unionWhereStrategy };
      assert.deepEqual(await ids({}, union([{ name: 'Ann' }, { email: 'a@x' }], strategy)), [1]);
      assert.deepEqual(await ids({}, union([{ name: 'Ann' }, { email: 'b@x' }], strategy)), [1, 2]);
      assert.deepEqual(
        await ids({}, union([{ name: 'Cid' }, { books: { title: 'two' } }], strategy)),
        [1, 2, 3],
      );
    }
  });

  test('narrows the condition beside it', async () => {
    assert.deepEqual(await ids({ name: 'Bob' }, union([{ name: 'Ann' }, { email: 'b@x' }])), [2]);
    assert.deepEqual(await ids({ email: { $ne: null } }, union([{ name: 'Cid' }])), []);
    assert.deepEqual(await ids({ books: { title: 'one' } }, union([{ books: { title: 'two' } }])), [1]);
  });

  test('a branch without a condition has every row, no branch says nothing', async () => {
    assert.deepEqual(await ids({}, union([{ name: 'Ann' }, {}])), [1, 2, 3]);
    assert.deepEqual(await ids({}, union([])), [1, 2, 3]);
  });

  test('filters hold in branches too', async () => {
    assert.deepEqual(await ids({}, union([{ email: 'gone@x' }, { name: 'Bob' }])), [2]);
    assert.deepEqual(
      await ids({}, union([{ email: 'gone@x' }, { name: 'Bob' }], { filters: false })),
      [2, 4],
    );
  });

  test('pages, counts, single rows and cursors agree', async () => {
    const em = orm.em.fork();
    const branches = [{ name: { $like: '%' } }, { email: 'b@x' }];
    assert.deepEqual(await ids({}, union(branches, { limit: 1, offset: 1 })), [2]);
    assert.equal(await em.count(Author, {}, union([{ name: 'Ann' }, { email: 'b@x' }])), 2);
    const [found, count] = await em.findAndCount(Author, {}, union(branches, { limit: 2 }));
    assert.deepEqual([found.length, count], [2, 3]);
    assert.equal((await em.findOne(Author, {}, union([{ name: 'Nil' }, { name: 'Cid' }])))?.id, 3);
    const page = await (
      em.findByCursor as (...given: unknown[]) => Promise<{ totalCount: number; length: number }>
    )(Author, union([{ name: 'Ann' }, { email: 'b@x' }], { first: 1 }));
    assert.deepEqual([page.length, page.totalCount], [1, 2]);
  });

  test('narrows collections of a foreign key, and is refused for those of a pivot', async () => {
    const em = orm.em.fork();
    const author = await em.findOneOrFail(Author, 1);
    const titled = union([{ title: 'two' }, { title: 'three' }]);
    assert.deepEqual(
      (await author.books.matching(titled)).map(({ id }) => id),
      [2],
    );
    assert.equal(await author.books.loadCount(titled), 1);
    const book = await em.findOneOrFail(Book, 1, { populate: ['readers'] });
    await assert.rejects(async () => book.readers.matching(union([{ name: 'Ann' }])), {
      message: /unionWhere.*Author.*\$or/,
    });
    const [found] = await em.find(Book, {}, union([{ title: 'one' }], { populate: ['readers'] }));
    assert.equal(found?.readers.isInitialized(), true);
  });

  test('limits updates and deletes', async () => {
    const em = orm.em.fork();
    const options = union([{ email: 'b@x' }, { name: 'Cid' }]);
    assert.equal(await em.nativeUpdate(Author, {}, { name: 'new' }, options), 2);
    assert.deepEqual(await ids({ name: 'new' }, { orderBy: { id: 1 } }), [2, 3]);
    assert.equal(await em.nativeDelete(Author, { name: 'new' }, union([{ id: 3 }, { name: 'Ann' }])), 1);
    assert.deepEqual(await ids({}, { orderBy: { id: 1 } }), [1, 2]);
  });

  test('a filter of a relation that one branch follows leaves the rows of others alone', async (t) => {
    const plain = await MikroORM.init(
      defineConfig({ entities: [Author, Book], dbName: ':memory:', autoJoinRefsForFilters: false }),
    );
    t.after(() => plain.close(true));
    await plain.schema.createSchema();
    const em = plain.em.fork();
    await em.insertMany(Author, [
      { id: 1, name: 'Ann' },
      { id: 2, name: 'Ann', gone: true },
    ] as never);
    await em.insertMany(Book, [
      { id: 1, title: 'one', author: 1 },
      { id: 2, title: 'two', author: 2 },
      { id: 3, title: 'three', author: 2 },
    ] as never);
    const found = async (where: object, unionWhere: object[]) => {
      const rows = await em.fork().find(Book, where, union(unionWhere));
      assert.equal(await em.fork().count(Book, where, union(unionWhere)), rows.length);
      return rows.map(({ id }) => id);
    };
    assert.deepEqual(await found({}, [{ author: { name: 'Ann' } }, { title: 'two' }]), [1, 2]);
    assert.deepEqual(
      await found({ title: { $like: 't%' } }, [{ author: { name: 'Ann' } }, { title: 'two' }]),
      [2],
    );
    assert.deepEqual(await found({ author: { name: 'Ann' } }, [{ title: 'one' }, { title: 'two' }]), [1]);
  });

  test('names what is wrong in a branch', () =>
    assert.rejects(ids({}, union([{ name: 'Ann' }, { color: 'red' }])), /color/));
});
