/** Orders, selections and whole queries. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Order, PlanIr } from '#driver/native/ir.js';
import { LruCache } from '#driver/plan/cache.js';
import { PlanError } from '#driver/plan/errors.js';
import { encodeJsonKey } from '#driver/plan/json-key.js';
import type { Model } from '#driver/plan/model.js';
import { OrderBuilder, walkOrder } from '#driver/plan/order.js';
import { type FindOptions, Planner } from '#driver/plan/planner.js';
import type { Row } from '#driver/plan/part.js';
import { compileSelect, type SelectOptions } from '#driver/plan/select.js';
import { author, book, dog, line, note, remark } from './library.js';

function ordered(model: Model, orderBy: unknown): Order[] {
  const builder = new OrderBuilder(model);
  walkOrder(model, orderBy, builder);
  return builder.order;
}

const by = (field: string, desc = false, more: Partial<Order> = {}): Order => ({
  path: { field },
  desc,
  ...more,
});

describe('orders', () => {
  const toAuthor = { collection: 'author', on: [['author_id', 'id']] } as const;
  const cases: [string, Model, unknown, Order[]][] = [
    ['an object', author, { name: 'asc', age: 'desc' }, [by('name'), by('age', true)]],
    ['a list', author, [{ name: 'ASC' }, { age: 'DESC' }], [by('name'), by('age', true)]],
    ['numbers', author, { name: 1, age: -1 }, [by('name'), by('age', true)]],
    [
      'places of nulls',
      author,
      { name: 'asc nulls last', age: 'DESC NULLS FIRST' },
      [by('name', false, { nulls: 'last' }), by('age', true, { nulls: 'first' })],
    ],
    ['a custom order', author, { mood: 'desc' }, [by('mood', true, { values: { v: ['good', 'bad'] } })]],
    ['a column', author, { country_id: 'asc' }, [by('country_id')]],
    [
      'inline embedded',
      author,
      { address: { zip: 'asc' }, 'address.city': 'desc' },
      [by('zip'), by('address_city', true)],
    ],
    [
      'an embedded document',
      author,
      { home: { city: 'asc', owner: { fullName: 'desc' } } },
      [
        { path: { field: 'home', json: ['town'] }, desc: false },
        { path: { field: 'home', json: ['owner', 'full_name'] }, desc: true },
      ],
    ],
    [
      'a document',
      book,
      { meta: { a: { b: 'asc' } } },
      [{ path: { field: 'meta', json: ['a', 'b'] }, desc: false }],
    ],
    [
      'a dotted place',
      book,
      { 'meta.a.b': 'asc' },
      [{ path: { field: 'meta', json: ['a', 'b'] }, desc: false }],
    ],
    [
      'an encoded place',
      book,
      { [encodeJsonKey(['a.b'], 'meta')]: 'asc' },
      [{ path: { field: 'meta', json: ['a.b'] }, desc: false }],
    ],
    [
      'a relation',
      book,
      { author: { name: 'desc' } },
      [{ path: { field: 'name', via: [toAuthor] }, desc: true }],
    ],
    ['a foreign key', book, { author: 'asc' }, [by('author_id')]],
    ['a key through a relation', book, { author: { id: 'asc' } }, [by('author_id')]],
    ['a composite foreign key', note, { line: 'asc' }, [by('line_book_id'), by('line_pos')]],
    [
      'two relations',
      book,
      { author: { country: { name: 'asc' } } },
      [
        {
          path: { field: 'name', via: [toAuthor, { collection: 'country', on: [['country_id', 'id']] }] },
          desc: false,
        },
      ],
    ],
    [
      'through a pivot',
      book,
      { tags: { name: 'asc' } },
      [
        {
          path: {
            field: 'name',
            via: [
              { collection: 'book_tags', on: [['id', 'book_id']], many: true },
              { collection: 'tag', on: [['tag_id', 'id']] },
            ],
          },
          desc: false,
        },
      ],
    ],
    ['nothing', book, {}, []],
  ];
  for (const [title, model, orderBy, expected] of cases) {
    test(title, () => assert.deepEqual(ordered(model, orderBy), expected));
  }

  const refusals: [string, Model, unknown, PlanError['code'], RegExp][] = [
    [
      'an unknown property',
      author,
      { foo: 'asc' },
      'UNKNOWN_PROPERTY',
      /Trying to order by not existing property Author\.foo/,
    ],
    [
      'an unknown property of a relation',
      book,
      { author: { foo: 'asc' } },
      'UNKNOWN_PROPERTY',
      /Book\.author\.foo/,
    ],
    [
      'an unknown property of an embedded object',
      author,
      { address: { foo: 'asc' } },
      'UNKNOWN_PROPERTY',
      /Author\.address\.foo/,
    ],
    ['an object for a scalar', author, { name: { foo: 'asc' } }, 'UNKNOWN_PROPERTY', /Author\.name\.foo/],
    ['a direction', author, { name: 'up' }, 'INVALID_ORDER', /Invalid order direction.*up.*Author\.name/],
    ['no direction', author, { name: undefined }, 'INVALID_ORDER', /undefined/],
    [
      'a direction for an embedded object',
      author,
      { address: 'asc' },
      'INVALID_ORDER',
      /order by its properties/,
    ],
    ['a text', author, 'name', 'INVALID_ORDER', /An order is an object/],
    ['a formula', author, { initials: 'asc' }, 'NOT_STORED', /SQL formula/],
    ['a raw key of core 6', author, { '[raw]: lower(name) (#1)': 'asc' }, 'RAW_FRAGMENT', /Raw SQL/],
    ['a raw key of core 7', author, { [Symbol('lower(name)')]: 'asc' }, 'RAW_FRAGMENT', /lower\(name\)/],
  ];
  for (const [title, model, orderBy, code, message] of refusals) {
    test(`${title} is refused`, () => {
      assert.throws(
        () => ordered(model, orderBy),
        (error) => error instanceof PlanError && error.code === code && message.test(error.message),
      );
    });
  }
});

describe('selections', () => {
  const names = (model: Model, options: SelectOptions) =>
    compileSelect(model, options).select.fields.map((field) => field.name ?? field.field);

  const cases: [string, Model, SelectOptions, string[]][] = [
    [
      'everything but lazy properties',
      author,
      {},
      ['id', 'name', 'age', 'mood', 'country', 'friend', 'address_city', 'address_zip', 'home', 'stays'],
    ],
    [
      'lazy properties asked for',
      author,
      { lazy: ['biography'], exclude: ['address', 'home', 'stays', 'country', 'friend', 'mood'] },
      ['id', 'name', 'age', 'biography'],
    ],
    ['fields, with the key', author, { fields: ['name'] }, ['id', 'name']],
    ['an embedded object', author, { fields: ['address'] }, ['id', 'address_city', 'address_zip']],
    [
      'part of an embedded object',
      author,
      { fields: ['address.city', 'home.city'] },
      ['id', 'address_city', 'home'],
    ],
    ['flattened names', author, { fields: ['address_city'] }, ['id', 'address_city']],
    ['a relation by its parts', book, { fields: ['author.name'] }, ['id', 'author']],
    ['a reference', book, { fields: ['author:ref'] }, ['id', 'author']],
    [
      'all fields and a lazy one',
      author,
      {
        fields: ['*', 'biography'],
        exclude: ['address.zip', 'home', 'stays', 'country', 'friend', 'mood', 'age'],
      },
      ['id', 'name', 'address_city', 'biography'],
    ],
    ['a key is never left out', author, { fields: ['name'], exclude: ['id', 'name'] }, ['id']],
    [
      'parts of a relation left out',
      book,
      { fields: ['author'], exclude: ['author.name'] },
      ['id', 'author'],
    ],
    ['the class of a row', dog, { fields: ['name'] }, ['id', 'name', 'kind']],
    ['collections have no column', author, { fields: ['books'] }, ['id']],
  ];
  for (const [title, model, options, expected] of cases) {
    test(title, () => assert.deepEqual(names(model, options).sort(), [...expected].sort()));
  }

  test('unknown fields are refused', () => {
    assert.throws(() => compileSelect(author, { fields: ['foo'] }), /'Author' does not have property 'foo'/);
    assert.throws(() => compileSelect(author, { fields: ['address.foo'] }), /'address\.foo'/);
    assert.throws(() => compileSelect(author, { nested: [{ prop: 'foo' }] }), /relation foo/);
  });

  /** The final form of a row that the engine hands out. */
  const finished = (model: Model, options: SelectOptions, row: Row) =>
    compileSelect(model, options).finish?.(row);

  test('rows that need no work get none', () => {
    assert.equal(compileSelect(book, {}).finish, undefined);
  });

  test('composite foreign keys are tuples, with tuples inside', () => {
    const row = { id: 1, text: 'a', book: 2, 'line~~~line_book_id': 2, 'line~~~line_pos': 3 };
    assert.deepEqual(finished(note, {}, row), { id: 1, text: 'a', book: 2, line: [2, 3] });
    assert.deepEqual(finished(note, {}, { ...row, 'line~~~line_pos': null }), {
      id: 1,
      text: 'a',
      book: 2,
      line: undefined,
    });
    const none = { ...row, 'line~~~line_book_id': null, 'line~~~line_pos': null };
    assert.deepEqual(finished(note, {}, none), { id: 1, text: 'a', book: 2, line: null });
    assert.deepEqual(finished(remark, {}, { 'line~~~line_book_id': 2, 'line~~~line_pos': 3, number: 4 }), {
      line: [2, 3],
      number: 4,
    });
  });

  test('embedded documents are keyed by properties', () => {
    const row = {
      id: 1,
      home: { town: 'a', owner: { full_name: 'b' }, other: 1 },
      stays: [{ town: 'c' }, null],
    };
    assert.deepEqual(finished(author, { fields: ['home', 'stays'] }, row), {
      id: 1,
      home: { city: 'a', owner: { fullName: 'b' }, other: 1 },
      stays: [{ city: 'c' }, null],
    });
    assert.deepEqual(finished(author, { fields: ['home'] }, { id: 1, home: null }), { id: 1, home: null });
  });

  test('keys on the far side', () => {
    const { select } = compileSelect(author, { fields: ['name'], refs: ['profile'] });
    assert.deepEqual(select.nested, [
      {
        name: 'profile',
        join: { collection: 'profile', on: [['id', 'author_id']] },
        many: false,
        required: false,
        select: { fields: [{ field: 'id', as: 'number' }] },
      },
    ]);
    assert.deepEqual(
      finished(author, { fields: ['name'], refs: ['profile'] }, { id: 1, name: 'a', profile: { id: 5 } }),
      { id: 1, name: 'a', profile: 5 },
    );
    assert.deepEqual(
      finished(author, { fields: ['name'], refs: ['profile'] }, { id: 1, name: 'a', profile: null }),
      { id: 1, name: 'a', profile: null },
    );
    assert.deepEqual(
      finished(
        book,
        { fields: [], refs: ['lines', 'tags'] },
        { id: 1, lines: [{ book_id: 1, pos: 2 }], tags: [{ id: 3 }] },
      ),
      { id: 1, lines: [[1, 2]], tags: [3] },
    );
  });

  test('nested rows replace the keys that lead to them', () => {
    const options: SelectOptions = {
      fields: ['author'],
      nested: [
        {
          prop: 'author',
          fields: ['home'],
          where: { age: { $gt: 1 } },
          orderBy: { name: 'asc' },
          required: 'always',
        },
        { prop: 'tags', where: { name: 'a' }, fields: [] },
      ],
    };
    const { select, nextParam } = compileSelect(book, options, 3);
    assert.equal(nextParam, 5);
    assert.deepEqual(
      select.fields.map((field) => field.field),
      ['id'],
    );
    assert.deepEqual(
      select.nested?.map(({ name, via, many, required, where }) => ({
        name,
        via: via?.collection,
        many,
        required,
        where,
      })),
      [
        {
          name: 'author',
          via: undefined,
          many: false,
          required: true,
          where: { cmp: { op: 'gt', path: { field: 'age' }, value: { p: 3 } } },
        },
        {
          name: 'tags',
          via: 'book_tags',
          many: true,
          required: false,
          where: { cmp: { op: 'eq', path: { field: 'name' }, value: { p: 4 } } },
        },
      ],
    );
    assert.deepEqual(finished(book, options, { id: 1, author: { id: 2, home: { town: 'a' } }, tags: [] }), {
      id: 1,
      author: { id: 2, home: { city: 'a' } },
      tags: [],
    });
  });
});

describe('queries', () => {
  function recording(): { planner: Planner<PlanIr>; compiled: PlanIr[] } {
    const compiled: PlanIr[] = [];
    const planner = new Planner<PlanIr>((ir) => {
      compiled.push(ir);
      return ir;
    });
    return { planner, compiled };
  }

  test('parameters are numbered through condition, nested conditions and page', () => {
    const { planner } = recording();
    const { plan, params } = planner.find(book, {
      where: { price: { $in: [1] } },
      nested: [{ prop: 'tags', where: { name: 'a' }, fields: [] }],
      fields: [],
      orderBy: { price: 'desc' },
      limit: 10,
      offset: 5,
      reverse: true,
    });
    assert.ok('find' in plan);
    const { where, limit, offset, reverse, order, select } = plan.find;
    assert.deepEqual(
      { where, limit, offset, reverse, order },
      {
        where: { in: { path: { field: 'price' }, values: { p: 0 } } },
        limit: { p: 2 },
        offset: { p: 3 },
        reverse: true,
        order: [by('price', true)],
      },
    );
    assert.deepEqual(select.nested?.[0]?.where, {
      cmp: { op: 'eq', path: { field: 'name' }, value: { p: 1 } },
    });
    assert.deepEqual(params, [[1], 'a', 10, 5]);
  });

  test('an offset alone is its own parameter', () => {
    const { plan, params } = recording().planner.find(book, { offset: 5 });
    assert.ok('find' in plan);
    assert.deepEqual([plan.find.limit, plan.find.offset, params], [undefined, { p: 0 }, [5]]);
  });

  test('a shape is compiled once, whatever its values', () => {
    const { planner, compiled } = recording();
    for (let i = 0; i < 3; i++) {
      planner.find(author, { where: { age: i }, limit: i, orderBy: { name: 1 } });
      planner.find(author, { where: { age: i }, limit: i, orderBy: { name: 'ASC' } });
      planner.count(author, { age: i });
      planner.delete(author, { age: i });
    }
    assert.deepEqual(
      compiled.map((ir) => Object.keys(ir)[0]),
      ['find', 'count', 'delete'],
    );
  });

  test('different queries are different plans', () => {
    const { planner, compiled } = recording();
    const queries: FindOptions[] = [
      {},
      { limit: 1 },
      { offset: 1 },
      { reverse: true },
      { orderBy: { name: 'asc' } },
      { orderBy: { name: 'desc' } },
      { orderBy: { name: 'asc nulls last' } },
      { orderBy: { friend: { name: 'asc' } } },
      { fields: ['name'] },
      { exclude: ['name'] },
      { lazy: ['biography'] },
      { refs: ['profile'] },
      { nested: [{ prop: 'profile' }] },
      { nested: [{ prop: 'profile', required: 'always' }] },
      { nested: [{ prop: 'profile', where: { bio: 'a' } }] },
      { where: { profile: { bio: 'a' } } },
    ];
    for (const query of queries) planner.find(author, query);
    planner.find(line, {});
    assert.equal(compiled.length, queries.length + 1);
  });

  test('the cache forgets what was not used for longest', () => {
    const cache = new LruCache<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    assert.equal(cache.get('a'), 1);
    cache.set('c', 3);
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c'), cache.size], [1, undefined, 3, 2]);
  });
});
