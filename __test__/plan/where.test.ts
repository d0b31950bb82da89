/** Conditions on one entity: all forms in which they come, what they mean, and what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Expr } from '#driver/native/ir.js';
import { PlanError } from '#driver/plan/errors.js';
import { whereOf } from '#driver/plan/filter.js';
import { decodeJsonKey, encodeJsonKey } from '#driver/plan/json-key.js';
import type { Model } from '#driver/plan/model.js';
import { Shape } from '#driver/plan/shape.js';
import { walkWhere } from '#driver/plan/where.js';
import { animal, author, book, dog, line, note, remark } from './library.js';

/** The condition with its parameters in their places, short enough to read. */
function compiled(model: Model, where: unknown): unknown {
  const before = structuredClone(where instanceof RegExp ? null : where);
  const shape = new Shape('');
  walkWhere(model, where, shape);
  const { expr, nextParam } = whereOf(model, where);
  assert.equal(nextParam, shape.params.length, 'both listeners number parameters alike');
  if (!(where instanceof RegExp)) assert.deepEqual(where, before, 'the condition stays as it was');
  return expr && brief(expr, shape.params);
}

function brief(node: unknown, params: readonly unknown[]): unknown {
  if (Array.isArray(node)) return node.map((item) => brief(item, params));
  if (typeof node !== 'object' || node === null) return node;
  if ('p' in node) return params[node.p as number];
  if ('v' in node) return node.v;
  if ('field' in node) {
    const { field, json } = node as { field: string; json?: string[] };
    return [field, ...(json ?? [])].join('->');
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, brief(value, params)]));
}

const eq = (path: string, value: unknown) => ({ cmp: { op: 'eq', path, value } });
const not = (expr: unknown) => ({ not: expr });

function refusal(model: Model, where: unknown): PlanError {
  try {
    walkWhere(model, where, new Shape(''));
  } catch (error) {
    assert.ok(error instanceof PlanError, String(error));
    return error;
  }
  assert.fail('the condition was taken');
}

describe('values and operators', () => {
  const day = new Date(0);
  const cases: [string, unknown, unknown][] = [
    ['a value', { age: 1 }, eq('age', 1)],
    ['a date', { age: day }, eq('age', day)],
    ['null', { age: null }, { null: 'age' }],
    ['undefined, which core makes null', { age: undefined }, { null: 'age' }],
    ['$eq null', { age: { $eq: null } }, { null: 'age' }],
    ['$ne null', { age: { $ne: null } }, { exists: 'age' }],
    ['$ne', { age: { $ne: 1 } }, { cmp: { op: 'ne', path: 'age', value: 1 } }],
    [
      'a range',
      { age: { $gte: 1, $lt: 5 } },
      { all: [{ cmp: { op: 'gte', path: 'age', value: 1 } }, { cmp: { op: 'lt', path: 'age', value: 5 } }] },
    ],
    ['a list', { age: [1, 2] }, { in: { path: 'age', values: [1, 2] } }],
    ['$in', { age: { $in: [1, null] } }, { in: { path: 'age', values: [1, null] } }],
    ['an empty $in', { age: { $in: [] } }, { const: false }],
    ['an empty list', { age: [] }, { const: false }],
    ['an empty $nin', { age: { $nin: [] } }, undefined],
    ['$nin', { age: { $nin: [1] } }, not({ in: { path: 'age', values: [1] } })],
    ['$not', { age: { $not: { $gt: 1 } } }, not({ cmp: { op: 'gt', path: 'age', value: 1 } })],
    [
      '$not of several',
      { age: { $not: { $gt: 1, $lt: 5 } } },
      {
        any: [
          not({ cmp: { op: 'gt', path: 'age', value: 1 } }),
          not({ cmp: { op: 'lt', path: 'age', value: 5 } }),
        ],
      },
    ],
    ['$exists', { age: { $exists: true } }, { exists: 'age' }],
    ['$exists false', { age: { $exists: false } }, { null: 'age' }],
    ['$like', { name: { $like: 'a%' } }, { like: { path: 'name', pattern: 'a%', fold: 'ascii' } }],
    ['$ilike', { name: { $ilike: 'a%' } }, { like: { path: 'name', pattern: 'a%', fold: 'unicode' } }],
    ['a pattern', { name: /a.c/i }, { regex: { path: 'name', pattern: 'a.c', flags: 'i' } }],
    ['$re', { name: { $re: '^a' } }, { regex: { path: 'name', pattern: '^a', flags: '' } }],
    [
      '$re with flags',
      { name: { $re: '^a', $flags: 'i' } },
      { regex: { path: 'name', pattern: '^a', flags: 'i' } },
    ],
    ['$re with a RegExp', { name: { $re: /^a/u } }, { regex: { path: 'name', pattern: '^a', flags: 'u' } }],
    ['a column name', { country_id: 3 }, eq('country_id', 3)],
    ['nothing', {}, undefined],
    ['no condition at all', undefined, undefined],
  ];
  for (const [title, where, expected] of cases) {
    test(title, () => assert.deepEqual(compiled(author, where), expected));
  }
});

describe('groups', () => {
  const cases: [string, unknown, unknown][] = [
    ['several properties', { age: 1, name: 'a' }, { all: [eq('age', 1), eq('name', 'a')] }],
    ['$and', { $and: [{ age: 1 }, { name: 'a' }] }, { all: [eq('age', 1), eq('name', 'a')] }],
    [
      '$or',
      { $or: [{ age: 1 }, { name: 'a', age: 2 }] },
      { any: [eq('age', 1), { all: [eq('name', 'a'), eq('age', 2)] }] },
    ],
    ['$not', { $not: { age: 1, name: 'a' } }, { any: [not(eq('age', 1)), not(eq('name', 'a'))] }],
    ['$not twice', { $not: { $not: { age: 1 } } }, not(not(eq('age', 1)))],
    ['empty $and', { $and: [] }, undefined],
    ['empty $or', { $or: [] }, undefined],
    ['empty members', { $or: [{}, { age: 1 }], $and: [{}], $not: {} }, eq('age', 1)],
    ['a member that never holds', { $or: [{ age: [] }, { age: 1 }] }, eq('age', 1)],
    ['a member that always holds', { $or: [{ age: { $nin: [] } }, { age: 1 }] }, undefined],
  ];
  for (const [title, where, expected] of cases) {
    const normal = title === '$not twice' ? eq('age', 1) : expected;
    test(title, () => assert.deepEqual(compiled(author, where), normal));
  }
});

describe('keys', () => {
  const tuple = (...values: unknown[]) => ({ tupleIn: { paths: ['book_id', 'pos'], values } });
  const both = (first: unknown, second: unknown) => ({ all: [eq('book_id', first), eq('pos', second)] });
  const cases: [string, Model, unknown, unknown][] = [
    ['a scalar', author, 1, eq('id', 1)],
    ['a list of scalars', author, [1, 2], { in: { path: 'id', values: [1, 2] } }],
    ['$in at the top', author, { $in: [1, 2] }, { in: { path: 'id', values: [1, 2] } }],
    ['$ne at the top', author, { $ne: 1 }, { cmp: { op: 'ne', path: 'id', value: 1 } }],
    ['a list of tuples of one', author, { id: { $in: [1] } }, { in: { path: 'id', values: [1] } }],
    ['an entity', author, Object.create({ id: 7, constructor: class Author {} }), eq('id', 7)],
    ['a flat tuple is one key', line, [1, 2], both(1, 2)],
    [
      'a list of tuples',
      line,
      [
        [1, 2],
        [3, 4],
      ],
      tuple([1, 2], [3, 4]),
    ],
    ['joined names with one tuple', line, { 'book~~~pos': { $in: [1, 2] } }, tuple([1, 2])],
    [
      'joined names with tuples',
      line,
      {
        'book~~~pos': {
          $in: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      tuple([1, 2], [3, 4]),
    ],
    ['joined names with an object', line, { 'book~~~pos': { $in: [{ book: 1, pos: 2 }] } }, tuple([1, 2])],
    [
      'joined names with an entity inside',
      line,
      { 'book~~~pos': { $in: [{ book: { id: 1 }, pos: 2 }] } },
      tuple([1, 2]),
    ],
    ['joined names and equality', line, { 'book~~~pos': [1, 2] }, both(1, 2)],
    ['joined column names', line, { 'book_id~~~pos': { $in: [[1, 2]] } }, tuple([1, 2])],
    ['none of the tuples', line, { 'book~~~pos': { $nin: [[1, 2]] } }, not(tuple([1, 2]))],
    ['an empty list of tuples', line, { 'book~~~pos': { $in: [] } }, { const: false }],
    ['parts', line, { book: 1, pos: 2 }, both(1, 2)],
    ['a foreign key by scalar', book, { author: 5 }, eq('author_id', 5)],
    ['a foreign key by object', book, { author: { id: 5 } }, eq('author_id', 5)],
    [
      'a foreign key by list',
      book,
      { author: { $in: [1, 2] } },
      { in: { path: 'author_id', values: [1, 2] } },
    ],
    [
      'a foreign key by range',
      book,
      { author: { id: { $gt: 1 } } },
      { cmp: { op: 'gt', path: 'author_id', value: 1 } },
    ],
    ['no target', book, { author: null }, { null: 'author_id' }],
    ['any target', book, { author: { $ne: null } }, { exists: 'author_id' }],
    ['not a target', book, { author: { $not: { id: 5 } } }, not(eq('author_id', 5))],
    [
      'either of two targets',
      book,
      { author: { $or: [{ id: 1 }, { id: 2 }] } },
      { any: [eq('author_id', 1), eq('author_id', 2)] },
    ],
    [
      'a composite foreign key',
      note,
      { line: { $eq: [1, 2] } },
      { all: [eq('line_book_id', 1), eq('line_pos', 2)] },
    ],
    [
      'composite foreign keys',
      note,
      {
        line: {
          $in: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      {
        tupleIn: {
          paths: ['line_book_id', 'line_pos'],
          values: [
            [1, 2],
            [3, 4],
          ],
        },
      },
    ],
    [
      'one composite foreign key in $in',
      note,
      { line: { $in: [1, 2] } },
      { tupleIn: { paths: ['line_book_id', 'line_pos'], values: [[1, 2]] } },
    ],
    [
      'a composite foreign key by object',
      note,
      { line: { book: 1, pos: 2 } },
      { all: [eq('line_book_id', 1), eq('line_pos', 2)] },
    ],
    [
      'a composite foreign key by nested objects',
      note,
      { line: { book: { id: 1 }, pos: 2 } },
      { all: [eq('line_book_id', 1), eq('line_pos', 2)] },
    ],
    [
      'not a composite foreign key',
      note,
      { line: { $ne: [1, 2] } },
      { any: [not(eq('line_book_id', 1)), not(eq('line_pos', 2))] },
    ],
    ['no composite target', note, { line: null }, { any: [{ null: 'line_book_id' }, { null: 'line_pos' }] }],
    [
      'any composite target',
      note,
      { line: { $ne: null } },
      { all: [not({ null: 'line_book_id' }), not({ null: 'line_pos' })] },
    ],
    [
      'a nested tuple is one key',
      remark,
      { 'line~~~number': { $in: [[1, 2], 3] } },
      { tupleIn: { paths: ['line_book_id', 'line_pos', 'number'], values: [[1, 2, 3]] } },
    ],
    [
      'nested tuples',
      remark,
      {
        'line~~~number': {
          $in: [
            [[1, 2], 3],
            [[4, 5], 6],
          ],
        },
      },
      {
        tupleIn: {
          paths: ['line_book_id', 'line_pos', 'number'],
          values: [
            [1, 2, 3],
            [4, 5, 6],
          ],
        },
      },
    ],
    [
      'objects in objects',
      remark,
      { 'line~~~number': { $in: [{ line: { book: 1, pos: 2 }, number: 3 }] } },
      { tupleIn: { paths: ['line_book_id', 'line_pos', 'number'], values: [[1, 2, 3]] } },
    ],
    [
      'a nested root tuple',
      remark,
      [[1, 2], 3],
      { all: [eq('line_book_id', 1), eq('line_pos', 2), eq('number', 3)] },
    ],
    [
      'parts with a tuple',
      remark,
      { line: [1, 2], number: 3 },
      { all: [eq('line_book_id', 1), eq('line_pos', 2), eq('number', 3)] },
    ],
  ];
  for (const [title, model, where, expected] of cases) {
    test(title, () => {
      if (title === 'an entity') {
        const shape = new Shape('');
        walkWhere(model, where, shape);
        assert.deepEqual(shape.params, [7]);
      } else {
        assert.deepEqual(compiled(model, where), expected);
      }
    });
  }
});

describe('embedded objects and documents', () => {
  const cases: [string, Model, unknown, unknown][] = [
    ['inline', author, { address: { city: 'a' } }, eq('address_city', 'a')],
    [
      'inline with operators',
      author,
      { address: { zip: { $gt: 1 } } },
      { cmp: { op: 'gt', path: 'zip', value: 1 } },
    ],
    ['inline by flattened names', author, { address_city: 'a' }, eq('address_city', 'a')],
    ['inline by flattened names inside', author, { address: { address_city: 'a' } }, eq('address_city', 'a')],
    ['inline by dotted names', author, { 'address.city': 'a' }, eq('address_city', 'a')],
    ['no inline object', author, { address: null }, { all: [{ null: 'address_city' }, { null: 'zip' }] }],
    [
      'an object by stored names',
      author,
      { home: { city: 'a', owner: { fullName: 'b' } } },
      { all: [eq('home->town', 'a'), eq('home->owner->full_name', 'b')] },
    ],
    ['an object by flattened names', author, { 'home~city': 'a' }, eq('home->town', 'a')],
    [
      'no object',
      author,
      { home: null },
      { all: [{ null: 'home->town' }, { null: 'home->zip' }, { null: 'home->owner->full_name' }] },
    ],
    [
      'a member of a list',
      author,
      { stays: { city: 'a', $not: { city: 'b' } } },
      {
        all: [
          { member: { path: 'stays', where: eq('$member->town', 'a') } },
          not({ member: { path: 'stays', where: eq('$member->town', 'b') } }),
        ],
      },
    ],
    [
      'a list contains',
      author,
      { stays: { $contains: [{ town: 'a' }] } },
      { contains: { path: 'stays', value: [{ town: 'a' }] } },
    ],
    [
      'a document',
      book,
      { meta: { a: 1, b: { c: null } } },
      { all: [eq('meta->a', 1), { null: 'meta->b->c' }] },
    ],
    [
      'a document with operators',
      book,
      { meta: { a: { $in: [1, 2] } } },
      { in: { path: 'meta->a', values: [1, 2] } },
    ],
    ['a whole document', book, { meta: { $eq: { a: 1 } } }, eq('meta', { a: 1 })],
    ['a dotted place', book, { 'meta.a.b': 1 }, eq('meta->a->b', 1)],
    [
      'an encoded place',
      book,
      { [encodeJsonKey(['a.b', '~~~'], 'meta')]: { $gt: 1 } },
      { cmp: { op: 'gt', path: 'meta->a.b->~~~', value: 1 } },
    ],
    ['a whole list', book, { keywords: ['a', 'b'] }, eq('keywords', ['a', 'b'])],
    ['a whole list as core writes it', book, { keywords: { $in: ['a', 'b'] } }, eq('keywords', ['a', 'b'])],
    ['an empty list', book, { keywords: { $in: [] } }, eq('keywords', [])],
    [
      'one of some lists',
      book,
      { keywords: [['a'], ['b']] },
      { in: { path: 'keywords', values: [['a'], ['b']] } },
    ],
    [
      'another list',
      book,
      { keywords: { $nin: ['a'] } },
      { cmp: { op: 'ne', path: 'keywords', value: ['a'] } },
    ],
    ['keys', book, { meta: { $hasKey: 'a' } }, { hasKeys: { path: 'meta', keys: ['a'], any: false } }],
    [
      'all of some keys',
      book,
      { meta: { $hasKeys: ['a', 'b'] } },
      { hasKeys: { path: 'meta', keys: ['a', 'b'], any: false } },
    ],
    [
      'one of some keys',
      book,
      { meta: { $hasSomeKeys: ['a', 'b'] } },
      { hasKeys: { path: 'meta', keys: ['a', 'b'], any: true } },
    ],
    [
      'containment',
      book,
      { meta: { $contained: { a: 1 }, $overlap: [1] } },
      { all: [{ contained: { path: 'meta', value: { a: 1 } } }, { overlap: { path: 'meta', value: [1] } }] },
    ],
  ];
  for (const [title, model, where, expected] of cases) {
    test(title, () => assert.deepEqual(compiled(model, where), expected));
  }

  test('places are spelled so that no two have the same name', () => {
    const places = [['a', 'b'], ['a.b'], ['a","b'], ['a~~~b'], ['']].map((path) => ({ field: 'meta', path }));
    for (const { field, path } of places) {
      assert.deepEqual(decodeJsonKey(encodeJsonKey(path, field)), { field, path });
    }
    assert.equal(new Set(places.map(({ field, path }) => encodeJsonKey(path, field))).size, places.length);
    assert.equal(decodeJsonKey('json:nonsense'), undefined);
  });
});

test('classes that share a collection', () => {
  assert.deepEqual(compiled(dog, { name: 'a' }), {
    all: [{ in: { path: 'kind', values: ['dog', 'puppy'] } }, eq('name', 'a')],
  });
  assert.deepEqual(compiled(dog, { kind: 'cat' }), {
    all: [{ in: { path: 'kind', values: ['dog', 'puppy'] } }, eq('kind', 'cat')],
  });
  assert.deepEqual(compiled(dog, {}), { in: { path: 'kind', values: ['dog', 'puppy'] } });
  assert.equal(compiled(animal, {}), undefined);
});

describe('refusals name what is wrong', () => {
  class RawQueryFragment {
    readonly sql = 'now()';
  }
  const raw = new RawQueryFragment();
  const cases: [string, Model, unknown, PlanError['code'], RegExp][] = [
    ['an unknown property', author, { foo: 1 }, 'UNKNOWN_PROPERTY', /not existing property Author\.foo$/],
    [
      'an unknown property of a relation',
      book,
      { author: { foo: 1 } },
      'UNKNOWN_PROPERTY',
      /not existing property Book\.author\.foo$/,
    ],
    ['an unknown property in a group', author, { $or: [{ foo: 1 }] }, 'UNKNOWN_PROPERTY', /Author\.foo/],
    ['an unknown dotted property', author, { 'foo.bar': 1 }, 'UNKNOWN_PROPERTY', /Author\.foo\.bar/],
    ['a property inside a scalar', author, { 'name.bar': 1 }, 'UNKNOWN_PROPERTY', /Author\.name\.bar/],
    [
      'an unknown property of an embedded object',
      author,
      { address: { foo: 1 } },
      'UNKNOWN_PROPERTY',
      /property 'foo' does not exist in embeddable/,
    ],
    ['an unknown operator', author, { age: { $foo: 1 } }, 'UNKNOWN_OPERATOR', /\$foo.*Author\.age/],
    ['an unknown operator at the top', author, { $foo: 1 }, 'UNKNOWN_OPERATOR', /\$foo/],
    ['an operator that is not here', author, { name: { $fulltext: 'a' } }, 'UNSUPPORTED', /\$fulltext/],
    ['an object for a scalar', author, { age: { foo: 1 } }, 'INVALID_CONDITION', /Author\.age.*foo/],
    ['a group in a scalar', author, { age: { $or: [1] } }, 'INVALID_CONDITION', /group operators/],
    ['a quantifier on a scalar', author, { age: { $some: 1 } }, 'INVALID_CONDITION', /Collection operators/],
    [
      'a quantifier on a relation to one',
      book,
      { author: { $some: {} } },
      'INVALID_CONDITION',
      /Collection operators.*Book\.author/,
    ],
    [
      'a quantifier beside properties',
      author,
      { books: { $some: {}, title: 'a' } },
      'INVALID_CONDITION',
      /Mixing collection operators/,
    ],
    [
      'an operator on an embedded object',
      author,
      { address: { $ne: null } },
      'INVALID_CONDITION',
      /inside embeddables/,
    ],
    [
      'an operator among names of a document',
      book,
      { meta: { a: 1, $gt: 2 } },
      'INVALID_CONDITION',
      /mixes the operator \$gt/,
    ],
    [
      '$in without a list',
      author,
      { age: { $in: 1 } },
      'INVALID_OPERAND',
      /\$in operator expects an array value, not 1/,
    ],
    ['$and without a list', author, { $and: {} }, 'INVALID_OPERAND', /\$and operator expects an array value/],
    ['$or of nothing', author, { $or: [null] }, 'INVALID_OPERAND', /\$or needs a condition/],
    [
      '$exists without a truth value',
      author,
      { age: { $exists: 'yes' } },
      'INVALID_OPERAND',
      /\$exists needs true or false/,
    ],
    ['$like without a text', author, { name: { $like: 1 } }, 'INVALID_OPERAND', /\$like needs a text/],
    ['$flags alone', author, { name: { $flags: 'i' } }, 'INVALID_CONDITION', /\$flags belongs to \$re/],
    [
      'a scalar for an embedded object',
      author,
      { address: 1 },
      'INVALID_OPERAND',
      /Author\.address is an embedded object/,
    ],
    [
      'a scalar for a composite key',
      note,
      { line: 1 },
      'INVALID_OPERAND',
      /Note\.line is a key of book, pos/,
    ],
    ['half a composite key', note, { line: { $eq: [1] } }, 'INVALID_OPERAND', /key of book, pos/],
    [
      'a key without one of its parts',
      line,
      { 'book~~~pos': { $in: [{ book: 1 }] } },
      'INVALID_OPERAND',
      /key of book, pos/,
    ],
    [
      'a range of composite keys',
      note,
      { line: { $gt: [1, 2] } },
      'UNSUPPORTED',
      /\$gt cannot compare composite keys/,
    ],
    ['a formula', author, { initials: 'a' }, 'NOT_STORED', /Author\.initials is an SQL formula/],
    [
      'members of no list',
      author,
      { name: { $elemMatch: {} } },
      'INVALID_CONDITION',
      /JSON array properties/,
    ],
    ['sizes of one row', book, { author: { $size: 1 } }, 'INVALID_CONDITION', /Collection operators/],
    ['a raw key of core 6', author, { '[raw]: lower(name) (#1)': 'a' }, 'RAW_FRAGMENT', /Raw SQL/],
    ['a raw key of core 7', author, { [Symbol('lower(name)')]: 'a' }, 'RAW_FRAGMENT', /lower\(name\)/],
    ['a raw key inside a relation', book, { author: { [Symbol('x')]: 'a' } }, 'RAW_FRAGMENT', /Book\.author/],
    ['a raw key inside operators', author, { age: { [Symbol('x')]: 1 } }, 'RAW_FRAGMENT', /Author\.age/],
    ['a raw value', author, { age: raw }, 'RAW_FRAGMENT', /Author\.age/],
    ['a raw operand', author, { age: { $gt: raw } }, 'RAW_FRAGMENT', /Author\.age/],
    ['a raw member of a list', author, { age: [1, raw] }, 'RAW_FRAGMENT', /Author\.age/],
    ['a raw key value', book, { author: raw }, 'RAW_FRAGMENT', /Book\.author/],
    ['a function', author, { age: () => 1 }, 'INVALID_OPERAND', /function/],
  ];
  for (const [title, model, where, code, message] of cases) {
    test(title, () => {
      const error = refusal(model, where);
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }
});

describe('shapes', () => {
  const key = (model: Model, where: unknown) => {
    const shape = new Shape('');
    walkWhere(model, where, shape);
    return shape.key;
  };

  test('values do not change them', () => {
    assert.equal(
      key(author, { age: 1, name: { $in: ['a'] } }),
      key(author, { age: 2, name: { $in: ['b', 'c'] } }),
    );
  });

  test('different conditions never share one', () => {
    const conditions: unknown[] = [
      {},
      { age: 1 },
      { age: null },
      { age: { $ne: 1 } },
      { age: [] },
      { age: { $nin: [] } },
      { age: [1] },
      { age: { $not: 1 } },
      { age: 1, name: 'a' },
      { $or: [{ age: 1 }, { name: 'a' }] },
      { $not: { age: 1, name: 'a' } },
      { $and: [{ $not: { age: 1 } }, { name: 'a' }] },
      { books: { title: 'a' } },
      { books: { $some: { title: 'a' } } },
      { books: { $none: { title: 'a' } } },
      { books: { title: 'a', price: 1 } },
      { $and: [{ books: { title: 'a' } }, { books: { price: 1 } }] },
      { books: { $size: 1 } },
      { books: { $size: { $gt: 1 } } },
      { stays: { city: 'a' } },
      { stays: { $not: { city: 'a' } } },
      { $and: [{ stays: { city: 'a' } }, { stays: { city: 'a' } }] },
      { stays: { $and: [{ city: 'a' }, { city: 'a' }] } },
      { home: { city: 'a' } },
      { home: { owner: { fullName: 'a' } } },
      { friend: { name: 'a' } },
      { friend: { name: 'a' }, age: 1 },
      { friend: { name: 'a', age: 1 } },
    ];
    assert.equal(new Set(conditions.map((where) => key(author, where))).size, conditions.length);
    const documents = [
      { meta: { a: { b: 1 } } },
      { meta: { 'a.b': 1 } },
      { meta: { 'a","b': 1 } },
      { meta: { a: 1, b: 1 } },
      { meta: { 'a\u0001': 1 } },
    ];
    assert.equal(new Set(documents.map((where) => key(book, where))).size, documents.length);
  });

  test('conditions are taken as often as one likes', () => {
    const where = Object.freeze({
      $and: Object.freeze([Object.freeze({ books: Object.freeze({ tags: Object.freeze([1]) }) })]),
    });
    const first: Expr | undefined = whereOf(author, where).expr;
    assert.deepEqual(whereOf(author, where).expr, first);
  });
});
