import assert from 'node:assert/strict';
import { type FilterQuery } from 'collection-store-mikro-orm';
import { type Loose, coreMajor, page, pick, refused } from './feature.js';
import { Author, Book, Kind, library } from './library.js';

const feature = page('Query conditions', 'query-conditions');

/** The titles of the books that meet a condition. */
async function titles(where: FilterQuery<Book>): Promise<string> {
  const orm = await library();
  return pick(await orm.em.fork().find(Book, where, { orderBy: { id: 'asc' } }), 'title').join('');
}

/** The names of the authors that meet a condition. */
async function names(where: FilterQuery<Author>): Promise<string> {
  const orm = await library();
  return pick(await orm.em.fork().find(Author, where, { orderBy: { id: 'asc' } }), 'name').join(' ');
}

feature('`$eq`, implicit equality', async () => {
  assert.equal(await titles({ title: 'A' }), 'A');
  assert.equal(await titles({ title: { $eq: 'A' } }), 'A');
});
feature('`$ne`', async () => assert.equal(await titles({ price: { $ne: 10 } }), 'BD'));
feature('`$gt`, `$gte`', async () => {
  assert.equal(await titles({ price: { $gt: 20 } }), 'D');
  assert.equal(await titles({ price: { $gte: 20 } }), 'BD');
});
feature('`$lt`, `$lte`', async () => {
  assert.equal(await titles({ price: { $lt: 20 } }), 'A');
  assert.equal(await titles({ price: { $lte: 20 } }), 'AB');
});
feature('Several operators on one property', async () =>
  assert.equal(await titles({ price: { $gt: 10, $lt: 40 } }), 'B'),
);
feature('`$in`, lists', async () => {
  assert.equal(await titles({ price: { $in: [10, 40] } }), 'AD');
  assert.equal(await titles({ price: [10, 40] } as Loose), 'AD');
  assert.equal(await titles({ price: { $in: [] } }), '');
});
feature('`$nin`', async () => {
  assert.equal(await titles({ price: { $nin: [10, 40] } }), 'B');
  assert.equal(await titles({ price: { $nin: [] } }), 'ABCD');
});
feature('`null`', async () => {
  assert.equal(await titles({ price: null }), 'C');
  assert.equal(await titles({ price: { $ne: null } }), 'ABD');
});
feature('`$exists`', async () => {
  assert.equal(await titles({ price: { $exists: true } }), 'ABD');
  assert.equal(await titles({ price: { $exists: false } }), 'C');
});
feature('`$like`', async () => assert.equal(await titles({ title: { $like: '%a%' } }), 'A'));
feature('`$ilike`', { note: 'PostgreSQL’s meaning: SQLite has no such operator.' }, async () =>
  assert.equal(await titles({ title: { $ilike: 'a' } }), 'A'),
);
feature('`$re`, regular expressions', async () => {
  assert.equal(await titles({ title: /^[a-c]$/i }), 'ABC');
  assert.equal(await titles({ title: { $re: '[CD]' } }), 'CD');
});
feature('`$and`', async () =>
  assert.equal(await titles({ $and: [{ price: { $gt: 10 } }, { kind: Kind.Novel }] }), 'D'),
);
feature('`$or`', async () => assert.equal(await titles({ $or: [{ price: 10 }, { title: 'C' }] }), 'AC'));
feature('`$not`', async () => assert.equal(await titles({ $not: { price: { $gt: 20 } } }), 'AB'));
feature('Conditions over to-one relations', async () => {
  assert.equal(await titles({ author: { name: 'Bob' } }), 'D');
  assert.equal(await titles({ author: { mentor: { name: 'Ann' } } }), 'D');
});
feature('Conditions over to-many relations', async () => {
  assert.equal(await names({ books: { title: ['A', 'B'] } } as Loose), 'Ann');
  assert.equal(await names({ books: { tags: { name: 'green' } } }), 'Bob');
});
feature('`$some`', async () => assert.equal(await names({ books: { $some: { price: 40 } } }), 'Bob'));
feature('`$none`', async () => {
  assert.equal(await names({ books: { $none: { title: 'A' } } }), 'Bob Cid');
  assert.equal(await names({ books: { $none: {} } }), 'Cid');
});
feature('`$every`', async () => assert.equal(await names({ books: { $every: { price: 40 } } }), 'Bob Cid'));
feature(
  '`$not` within `$some`, `$none` and `$every`',
  { differs: coreMajor === 6 ? 'Of M:N collections the SQL drivers ask rows of the pivot.' : undefined },
  async () => {
    assert.equal(await titles({ tags: { $some: { $not: { name: 'red' } } } }), 'ABD');
    assert.equal(await titles({ tags: { $none: { $not: { name: 'red' } } } }), 'C');
  },
);
feature('`$size` of a collection', { since: '7' }, async () =>
  assert.equal(await names({ books: { $size: 3 } } as Loose), 'Ann'),
);
feature('`$fulltext`', { notHere: 'There is no full text search.' }, async () =>
  refused(() => titles({ title: { $fulltext: 'A' } }), /\$fulltext/),
);
feature(
  '`$contains`, `$contained`, `$overlap`',
  { note: 'PostgreSQL’s meaning, of arrays and documents.' },
  async () => {
    assert.equal(await names({ meta: { $contains: { city: 'Oslo' } } } as Loose), 'Ann');
    assert.equal(await names({ meta: { $contained: { city: 'Rome', score: 3, more: 1 } } } as Loose), 'Bob');
  },
);
feature('`$hasKey`, `$hasKeys`, `$hasSomeKeys`', { note: 'PostgreSQL’s meaning.' }, async () => {
  assert.equal(await names({ meta: { $hasKey: 'langs' } } as Loose), 'Ann');
  assert.equal(await names({ meta: { $hasKeys: ['city', 'score'] } } as Loose), 'Ann Bob');
  assert.equal(await names({ meta: { $hasSomeKeys: ['langs', 'x'] } } as Loose), 'Ann');
});
feature('An unknown property or operator', async () => {
  await refused(() => titles({ color: 'red' } as Loose), /color/);
  await refused(() => titles({ title: { $near: 'A' } } as Loose), /\$near/);
});
