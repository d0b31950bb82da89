import assert from 'node:assert/strict';
import { ForeignKeyConstraintViolationException } from 'collection-store-mikro-orm';
import { type Loose, open, page, pick, refused, schema } from './feature.js';
import { Author, Bio, Book, Tag, entities, library } from './library.js';

const feature = page('Relationships', 'relationships');

feature('M:1', async () => {
  const orm = await library();
  const book = await orm.em.fork().findOneOrFail(Book, 4, { populate: ['author'] });
  assert.equal(book.author.name, 'Bob');
});
feature('1:M', async () => {
  const orm = await library();
  const author = await orm.em.fork().findOneOrFail(Author, 1, { populate: ['books'] });
  assert.deepEqual(pick(author.books, 'title').sort(), ['A', 'B', 'C']);
});
feature('1:1, owner', async () => {
  const orm = await library();
  assert.equal((await orm.em.fork().findOneOrFail(Bio, 1, { populate: ['author'] })).author.name, 'Ann');
});
feature('1:1, inverse side', async () => {
  const orm = await library();
  const authors: Loose[] = await orm.em.fork().find(Author, {}, { orderBy: { id: 1 } });
  assert.deepEqual([authors[0].bio.id, authors[1].bio], [1, null]);
  assert.equal((await orm.em.fork().findOneOrFail(Author, 1, { populate: ['bio'] })).bio?.text, 'writes');
});
feature('M:N, both sides', async () => {
  const orm = await library();
  const book = await orm.em.fork().findOneOrFail(Book, 1, { populate: ['tags'] });
  assert.deepEqual(pick(book.tags, 'name').sort(), ['blue', 'red']);
  const tag = await orm.em.fork().findOneOrFail(Tag, 2, { populate: ['books'] });
  assert.deepEqual(pick(tag.books, 'title').sort(), ['A', 'B']);
});
feature('M:N, one side only', async () => {
  const Tag = schema('Tag', {});
  const Book = schema('Book', { tags: { kind: 'm:n', entity: () => Tag } });
  const orm = await open([Tag, Book]);
  const em = orm.em.fork();
  em.create(Book, { tags: [em.create(Tag, {}), em.create(Tag, {})] });
  await em.flush();
  assert.equal(await (await orm.em.fork().findOneOrFail(Book, 1)).tags.loadCount(), 2);
});
feature('Self references', async () => {
  const orm = await library();
  const bob = await orm.em
    .fork()
    .findOneOrFail(Author, { mentor: { name: 'Ann' } }, { populate: ['mentor'] });
  assert.equal(bob.mentor?.name, 'Ann');
});
feature('Relations to a property that is not the key (`targetKey`)', { since: '7' }, async () => {
  const Owner = schema('Owner', { code: { type: 'string', unique: true } });
  const Thing = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner, targetKey: 'code' } });
  const orm = await open([Owner, Thing]);
  const em = orm.em.fork();
  em.create(Thing, { id: 1, owner: em.create(Owner, { id: 7, code: 'c' }) });
  await em.flush();
  const thing = await orm.em.fork().findOneOrFail(Thing, { owner: { code: 'c' } }, { populate: ['owner'] });
  assert.equal(thing.owner.code, 'c');
});
feature('Foreign keys are checked', async () => {
  const orm = await library();
  await assert.rejects(
    () => orm.em.fork().insert(Book, { title: 'X', author: 99 } as Loose),
    ForeignKeyConstraintViolationException,
  );
});
feature('Names of foreign keys (`foreignKeyName`)', async () => {
  const Owner = schema('Owner', {});
  const Thing = schema('Thing', { owner: { kind: 'm:1', entity: () => Owner, foreignKeyName: 'fk_mine' } });
  const orm = await open([Owner, Thing]);
  await refused(() => orm.em.fork().insert(Thing, { owner: 9 }), /fk_mine/);
});
feature('Relations without a foreign key (`createForeignKeyConstraint: false`)', async () => {
  const Owner = schema('Owner', {});
  const owner = { kind: 'm:1', entity: () => Owner, createForeignKeyConstraint: false };
  const Thing = schema('Thing', { owner });
  const orm = await open([Owner, Thing]);
  await orm.em.fork().insert(Thing, { owner: 9 });
  assert.equal(await orm.em.fork().count(Thing, { owner: 9 }), 1);
});
feature('`joinColumn`, `referenceColumnName`, `inverseJoinColumn`, `pivotTable`', async () => {
  const Tag = schema('Tag', {});
  const tags = {
    kind: 'm:n',
    entity: () => Tag,
    pivotTable: 'links',
    joinColumn: 'b',
    inverseJoinColumn: 't',
  };
  const Book = schema('Book', {
    tags,
    first: { kind: 'm:1', entity: () => Tag, joinColumn: 'f', nullable: true },
  });
  const orm = await open([Tag, Book]);
  const em = orm.em.fork();
  const tag = em.create(Tag, {});
  em.create(Book, { tags: [tag], first: tag });
  await em.flush();
  const [book] = await orm.em.fork().find(Book, { tags: 1, first: 1 }, { populate: ['tags'] });
  assert.equal(book.tags.length, 1);
});

/** A comment on a post or on a photo, and both of these. */
function comments(): Loose {
  const inverse = { kind: '1:m', entity: () => Comment, mappedBy: 'on' };
  const Post = schema('Post', { title: { type: 'string' }, comments: inverse });
  const Photo = schema('Photo', { title: { type: 'string' }, comments: inverse });
  const Comment = schema('Comment', {
    text: { type: 'string' },
    on: { kind: 'm:1', entity: () => [Post, Photo], polymorphic: true },
  });
  return { Post, Photo, Comment };
}
feature('Polymorphic to-one relations', { since: '7' }, async () => {
  const { Post, Photo, Comment } = comments();
  const orm = await open([Post, Photo, Comment]);
  const em = orm.em.fork();
  em.create(Comment, { id: 1, text: 'a', on: em.create(Post, { id: 1, title: 'post' }) });
  em.create(Comment, { id: 2, text: 'b', on: em.create(Photo, { id: 1, title: 'photo' }) });
  await em.flush();
  const found = await orm.em.fork().find(Comment, {}, { populate: ['on'], orderBy: { id: 1 } });
  assert.deepEqual(
    found.map(({ on }: Loose) => on.title),
    ['post', 'photo'],
  );
});
feature('The inverse side of polymorphic relations', { since: '7' }, async () => {
  const { Post, Photo, Comment } = comments();
  const orm = await open([Post, Photo, Comment]);
  const em = orm.em.fork();
  em.create(Comment, { id: 1, text: 'a', on: em.create(Post, { id: 1, title: 'post' }) });
  em.create(Comment, { id: 2, text: 'b', on: em.create(Photo, { id: 1, title: 'photo' }) });
  await em.flush();
  const photo = await orm.em.fork().findOneOrFail(Photo, 1, { populate: ['comments'] });
  assert.deepEqual(pick(photo.comments, 'text'), ['b']);
});
feature('Polymorphic M:N relations', { since: '7' }, async () => {
  const Tag = schema('Tag', { name: { type: 'string' } });
  const tags = (value: string) => ({
    kind: 'm:n',
    entity: () => Tag,
    pivotTable: 'taggables',
    discriminator: 'taggable',
    discriminatorValue: value,
    owner: true,
  });
  const Post = schema('Post', { tags: tags('post') });
  const Photo = schema('Photo', { tags: tags('photo') });
  const orm = await open([Tag, Post, Photo]);
  const em = orm.em.fork();
  em.create(Post, { id: 1, tags: [em.create(Tag, { name: 'a' })] });
  em.create(Photo, { id: 1, tags: [em.create(Tag, { name: 'b' })] });
  await em.flush();
  const photo = await orm.em.fork().findOneOrFail(Photo, 1, { populate: ['tags'] });
  assert.deepEqual(pick(photo.tags, 'name'), ['b']);
});

const collections = page('Collections', 'collections');

/** Ann with her books, in the order of their titles. */
const ann = async (
  options: object = { populate: ['books'], orderBy: { books: { title: 'asc' } } },
): Promise<Loose> => {
  const orm = await library();
  const em = orm.em.fork();
  return { orm, em, ann: await em.findOneOrFail(Author, 1, options as Loose) };
};

collections('Iteration, `length`, `getItems`, indexes, `toArray`', async () => {
  const { ann: author } = await ann();
  assert.equal(author.books.length, 3);
  assert.equal(author.books.getItems()[1].title, 'B');
  assert.equal(author.books[2].title, 'C');
  assert.equal([...author.books].length, 3);
  assert.equal(author.books.toArray()[0].title, 'A');
});
collections('`init`, `isInitialized`, `loadItems`', async () => {
  const { ann: author } = await ann({});
  assert.equal(author.books.isInitialized(), false);
  assert.throws(() => author.books.getItems(), /not initialized/);
  assert.equal((await author.books.loadItems()).length, 3);
  assert.equal(author.books.isInitialized(), true);
  await author.books.init({ where: { title: 'B' } });
  assert.deepEqual(author.books.getIdentifiers(), [2]);
});
collections('`init` with `populate`, `orderBy`, `where`', async () => {
  const { ann: author } = await ann({});
  await author.books.init({
    populate: ['tags'],
    orderBy: { title: 'desc' },
    where: { price: { $ne: null } },
  });
  assert.deepEqual(
    author.books.getItems().map((book: Loose) => book.title),
    ['B', 'A'],
  );
  assert.equal(author.books[1].tags.length, 2);
});
collections('`loadCount`', async () => {
  const { ann: author } = await ann({});
  assert.equal(await author.books.loadCount(), 3);
  assert.equal(await author.books.loadCount({ where: { price: { $gt: 10 } } }), 1);
});
collections('`matching` with `where`, `limit`, `offset`, `orderBy`, `store`', async () => {
  const { ann: author } = await ann({});
  const found = await author.books.matching({
    where: { id: { $gt: 1 } },
    limit: 1,
    offset: 1,
    orderBy: { id: 1 },
  });
  assert.deepEqual(pick(found, 'title'), ['C']);
  await author.books.matching({ where: { title: 'A' }, store: true });
  assert.equal(author.books.length, 1);
});
collections('`matching` of an M:N collection', async () => {
  const orm = await library();
  const book: Loose = await orm.em.fork().findOneOrFail(Book, 1);
  const found = await book.tags.matching({
    where: { name: { $like: 'b%' } },
    limit: 1,
    orderBy: { name: 1 },
  });
  assert.deepEqual(pick(found, 'name'), ['blue']);
});
collections('`add`, `remove`, `set`, `removeAll` of M:N', async () => {
  const orm = await library();
  const em = orm.em.fork();
  const book = await em.findOneOrFail(Book, 1, { populate: ['tags'] });
  const count = () => orm.em.fork().count(Tag, { books: 1 });
  book.tags.remove(em.getReference(Tag, 1));
  await em.flush();
  assert.equal(await count(), 1);
  book.tags.set([em.getReference(Tag, 1), em.getReference(Tag, 3)]);
  await em.flush();
  assert.equal(await count(), 2);
  book.tags.removeAll();
  await em.flush();
  assert.equal(await count(), 0);
  book.tags.add(em.getReference(Tag, 2));
  await em.flush();
  assert.equal(await count(), 1);
});
collections('`add` to a collection that is not loaded', async () => {
  const orm = await library();
  const em = orm.em.fork();
  const book = await em.findOneOrFail(Book, 1);
  book.tags.add(em.getReference(Tag, 3));
  await em.flush();
  assert.equal(await orm.em.fork().count(Tag, { books: 1 }), 3);
});
collections('`add` and `remove` of 1:M', async () => {
  const Child = schema('Child', { parent: { kind: 'm:1', entity: () => Parent, nullable: true } });
  const Parent = schema('Parent', { children: { kind: '1:m', entity: () => Child, mappedBy: 'parent' } });
  const orm = await open([Child, Parent]);
  const em = orm.em.fork();
  const parent = em.create(Parent, { children: [{}, {}] });
  await em.flush();
  parent.children.remove(parent.children[0]);
  await em.flush();
  assert.equal(await orm.em.fork().count(Child, { parent: null }), 1);
  assert.equal(await orm.em.fork().count(Child, { parent: 1 }), 1);
});
collections('`contains`, `isEmpty`, `isDirty`, `count`', async () => {
  const { em, ann: author } = await ann();
  assert.ok(author.books.contains(em.getReference(Book, 2)));
  assert.equal(author.books.isEmpty(), false);
  assert.equal(author.books.isDirty(), false);
  assert.equal(author.books.count(), 3);
});
collections('`$`', async () => {
  const { ann: author } = await ann();
  assert.equal(author.books.$.length, 3);
});
collections('`map`, `filter`, `find`, `exists`, `reduce`, `indexBy`, `slice`, `getIdentifiers`', async () => {
  const { ann: author } = await ann();
  const { books } = author;
  assert.deepEqual(
    books.map((book: Book) => book.title),
    ['A', 'B', 'C'],
  );
  assert.equal(books.filter((book: Book) => book.price === null).length, 1);
  assert.equal(books.find((book: Book) => book.price === 20).title, 'B');
  assert.equal(
    books.exists((book: Book) => book.title === 'X'),
    false,
  );
  assert.equal(
    books.reduce((sum: number, book: Book) => sum + Number(book.price ?? 0), 0),
    30,
  );
  assert.equal(books.indexBy('title')['C'].id, 3);
  assert.deepEqual(pick(books.slice(1, 2), 'title'), ['B']);
  assert.deepEqual(books.getIdentifiers().sort(), [1, 2, 3]);
});
collections('A pivot entity of one’s own', async () => {
  const Product = schema('Product', { name: { type: 'string' } });
  const Item = schema('Item', {
    order: { kind: 'm:1', entity: () => Order, primary: true },
    product: { kind: 'm:1', entity: () => Product, primary: true },
    amount: { type: 'integer', default: 1 },
  });
  const Order = schema('Order', {
    products: { kind: 'm:n', entity: () => Product, pivotEntity: () => Item },
  });
  const orm = await open([Product, Item, Order]);
  const em = orm.em.fork();
  const [nut, bolt] = ['nut', 'bolt'].map((name) => em.create(Product, { name }));
  const order = em.create(Order, { products: [nut] });
  em.create(Item, { order, product: bolt, amount: 5 });
  await em.flush();
  const found = await orm.em.fork().findOneOrFail(Order, 1, { populate: ['products'] });
  assert.deepEqual(pick(found.products, 'name').sort(), ['bolt', 'nut']);
  const amounts = await orm.em.fork().find(Item, { order: 1 }, { orderBy: { amount: 1 } });
  assert.deepEqual(pick(amounts, 'amount'), [1, 5]);
});
collections('Fixed order of items (`fixedOrder`)', async () => {
  const Tag = schema('Tag', {});
  const Book = schema('Book', { tags: { kind: 'm:n', entity: () => Tag, fixedOrder: true } });
  const orm = await open([Tag, Book]);
  const em = orm.em.fork();
  const tags = [1, 2, 3].map((id) => em.create(Tag, { id }));
  em.create(Book, { tags: [tags[2], tags[0], tags[1]] });
  await em.flush();
  const book = await orm.em.fork().findOneOrFail(Book, 1, { populate: ['tags'] });
  assert.deepEqual(book.tags.getIdentifiers(), [3, 1, 2]);
});
collections('Default order of collections (`orderBy`)', async () => {
  const Child = schema('Child', { name: { type: 'string' }, parent: { kind: 'm:1', entity: () => Parent } });
  const children = { kind: '1:m', entity: () => Child, mappedBy: 'parent', orderBy: { name: 'desc' } };
  const Parent = schema('Parent', { children });
  const orm = await open([Child, Parent]);
  const em = orm.em.fork();
  em.create(Parent, { children: [{ name: 'a' }, { name: 'c' }, { name: 'b' }] });
  await em.flush();
  for (const strategy of ['select-in', 'joined']) {
    const parent = await orm.em.fork().findOneOrFail(Parent, 1, { populate: ['children'], strategy });
    assert.deepEqual(pick(parent.children, 'name'), ['c', 'b', 'a']);
  }
});
collections('Collections with a condition of their own (`where`)', { since: '7' }, async () => {
  const Child = schema('Child', { old: { type: 'boolean' }, parent: { kind: 'm:1', entity: () => Parent } });
  const olds = { kind: '1:m', entity: () => Child, mappedBy: 'parent', where: { old: true } };
  const Parent = schema('Parent', { olds });
  const orm = await open([Child, Parent]);
  const em = orm.em.fork();
  const parent = em.create(Parent, {});
  em.create(Child, { id: 1, old: true, parent });
  em.create(Child, { id: 2, old: false, parent });
  await em.flush();
  const found = await orm.em.fork().findOneOrFail(Parent, 1, { populate: ['olds'] });
  assert.deepEqual(found.olds.getIdentifiers(), [1]);
});
collections('Partial loading of members (`fields`)', async () => {
  const { ann: author } = await ann({ populate: ['books'], fields: ['name', 'books.title'] });
  assert.deepEqual([author.books[0].title !== undefined, author.books[0].price], [true, undefined]);
});
collections('Propagation to the other side', async () => {
  const orm = await library();
  const em = orm.em.fork();
  const book = await em.findOneOrFail(Book, 3, { populate: ['tags'] });
  const tag = await em.findOneOrFail(Tag, 3, { populate: ['books'] });
  book.tags.add(tag);
  assert.ok(tag.books.contains(book));
});

const propagation = page('Propagation', 'propagation');
propagation('Of to-one relations to the inverse side', async () => {
  const orm = await library();
  const em = orm.em.fork();
  const [one, two] = await em.find(Author, { id: [1, 2] }, { populate: ['books'], orderBy: { id: 1 } });
  const book = one?.books[0] as Book;
  book.author = two as Author;
  assert.ok(two?.books.contains(book));
  await em.flush();
  assert.equal(await orm.em.fork().count(Book, { author: 2 }), 2);
});
propagation('Of members to their owner', async () => {
  const orm = await library();
  const em = orm.em.fork();
  const author = await em.findOneOrFail(Author, 3, { populate: ['books'] });
  const book = await em.findOneOrFail(Book, 1);
  author.books.add(book as never);
  assert.equal(book.author, author);
  await em.flush();
  assert.equal(await orm.em.fork().count(Book, { author: 3 }), 1);
});
propagation('`propagationOnPrototype: false`, `propagateToOneOwner: false`', async () => {
  const orm = await open(entities, { propagationOnPrototype: false, discovery: {} });
  const em = orm.em.fork();
  const author = em.create(Author, { id: 1, name: 'Ann' });
  const book = em.create(Book, { id: 1, title: 'A', author });
  await em.flush();
  assert.equal(book.author, author);
  assert.equal(await orm.em.fork().count(Book, { author: 1 }), 1);
});

const orphans = page('Cascading', 'cascading');
/** Parents and their children, with options of the parents' collection and of the children's reference. */
async function family(collection: object, reference: object = {}, options: object = {}): Promise<Loose> {
  const Child = schema('Child', {
    name: { type: 'string', nullable: true },
    parent: { kind: 'm:1', entity: () => Parent, ...reference },
  });
  const Parent = schema('Parent', {
    children: { kind: '1:m', entity: () => Child, mappedBy: 'parent', ...collection },
  });
  const orm = await open([Child, Parent], options);
  const em = orm.em.fork();
  const parent = em.create(Parent, { id: 1, children: [{ name: 'a' }, { name: 'b' }] });
  await em.flush();
  return { orm, em, parent, Child, Parent };
}
orphans('`Cascade.PERSIST`', async () => {
  const { orm, Child } = await family({});
  assert.equal(await orm.em.fork().count(Child), 2);
});
orphans('`Cascade.REMOVE`', async () => {
  const { orm, em, parent, Child } = await family({ cascade: ['persist', 'remove'] });
  await em.remove(parent).flush();
  assert.equal(await orm.em.fork().count(Child), 0);
});
orphans('`Cascade.ALL`', async () => {
  const { orm, em, parent, Child } = await family({ cascade: ['all'] });
  await em.remove(parent).flush();
  assert.equal(await orm.em.fork().count(Child), 0);
});
orphans('`orphanRemoval`', async () => {
  const { orm, em, parent, Child } = await family({ orphanRemoval: true });
  parent.children.remove(parent.children[0]);
  await em.flush();
  assert.equal(await orm.em.fork().count(Child), 1);
  await em.remove(parent).flush();
  assert.equal(await orm.em.fork().count(Child), 0);
});
orphans('`orphanRemoval` of 1:1', async () => {
  const Bio = schema('Bio', {
    author: { kind: '1:1', entity: () => Author, inversedBy: 'bio', nullable: true },
  });
  const bio = { kind: '1:1', entity: () => Bio, mappedBy: 'author', nullable: true, orphanRemoval: true };
  const Author = schema('Author', { bio });
  const orm = await open([Bio, Author]);
  const em = orm.em.fork();
  const author = em.create(Author, { bio: {} });
  await em.flush();
  author.bio = em.create(Bio, {});
  await em.flush();
  assert.deepEqual(pick(await orm.em.fork().find(Bio, {}), 'id'), [2]);
});
orphans('`deleteRule`: cascade', async () => {
  const { orm, Child, Parent } = await family({}, { deleteRule: 'cascade' });
  await orm.em.fork().nativeDelete(Parent, {});
  assert.equal(await orm.em.fork().count(Child), 0);
});
orphans('`deleteRule`: set null', async () => {
  const { orm, Child, Parent } = await family({}, { deleteRule: 'set null', nullable: true });
  await orm.em.fork().nativeDelete(Parent, {});
  assert.equal(await orm.em.fork().count(Child, { parent: null }), 2);
});
orphans('`deleteRule`: restrict, no action', async () => {
  for (const deleteRule of ['restrict', 'no action']) {
    const { orm, Parent } = await family({}, { deleteRule });
    await assert.rejects(
      () => orm.em.fork().nativeDelete(Parent, {}),
      ForeignKeyConstraintViolationException,
    );
  }
});
orphans('`updateRule`', async () => {
  const { orm, Child, Parent } = await family({}, { updateRule: 'cascade' });
  await orm.em.fork().nativeUpdate(Parent, { id: 1 }, { id: 5 });
  assert.equal(await orm.em.fork().count(Child, { parent: 5 }), 2);
});
orphans('Rules inferred from `cascade`', { until: 6 }, async () => {
  const { orm, Child, Parent } = await family({ cascade: ['all'] }, { cascade: ['persist', 'remove'] });
  await orm.em.fork().nativeDelete(Parent, {});
  assert.equal(await orm.em.fork().count(Child), 0);
});
orphans('Rules as `nullable` implies them', async () => {
  const { orm, Child, Parent } = await family({}, { nullable: true });
  await orm.em.fork().nativeDelete(Parent, {});
  assert.equal(await orm.em.fork().count(Child, { parent: null }), 2);
});
