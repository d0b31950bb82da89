/** Conditions over relations: what they compile to, and random ones compared with joins done by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Expr } from '#driver/native/ir.js';
import { whereOf } from '#driver/plan/filter.js';
import { isRelation, isToMany, type Model } from '#driver/plan/model.js';
import { Shape } from '#driver/plan/shape.js';
import { walkWhere } from '#driver/plan/where.js';
import { evaluate, fulfils, type Row, type Tables } from './evaluate.js';
import { author, book, country, line, note, profile, tag } from './library.js';

const some = (collection: string, on: [string, string][], where: Expr): Expr => ({
  related: { join: { collection, on }, quantifier: 'some', where },
});
const none = (collection: string, on: [string, string][], where: Expr): Expr => ({
  related: { join: { collection, on }, quantifier: 'none', where },
});
const eq = (field: string, p: number): Expr => ({ cmp: { op: 'eq', path: { field }, value: { p } } });
const books: [string, [string, string][]] = ['book', [['id', 'author_id']]];

describe('conditions over relations become nested ones', () => {
  const cases: [string, Model, unknown, Expr | undefined][] = [
    ['to one', book, { author: { name: 'a' } }, some('author', [['author_id', 'id']], eq('name', 0))],
    [
      'to many',
      author,
      { books: { title: 'a', price: 1 } },
      some(...books, { all: [eq('title', 0), eq('price', 1)] }),
    ],
    [
      'members of $and are about different rows',
      author,
      { $and: [{ books: { title: 'a' } }, { books: { price: 1 } }] },
      { all: [some(...books, eq('title', 0)), some(...books, eq('price', 1))] },
    ],
    [
      'an absent row is a row of nulls',
      author,
      { books: { price: null } },
      { any: [some(...books, { null: { field: 'price' } }), none(...books, { const: true })] },
    ],
    ['a key on the far side', author, { books: 7 }, some(...books, eq('id', 0))],
    [
      'none at all',
      author,
      { books: null },
      { any: [some(...books, { null: { field: 'id' } }), none(...books, { const: true })] },
    ],
    ['at least one', author, { books: { $ne: null } }, some(...books, { exists: { field: 'id' } })],
    [
      'through a pivot',
      book,
      { tags: { name: 'a' } },
      some('book_tags', [['id', 'book_id']], some('tag', [['tag_id', 'id']], eq('name', 0))),
    ],
    [
      'the keys of an m:n are in the pivot',
      book,
      { tags: [1, 2] },
      some('book_tags', [['id', 'book_id']], { in: { path: { field: 'tag_id' }, values: { p: 0 } } }),
    ],
    [
      'from the other side of the pivot',
      tag,
      { books: 1 },
      some('book_tags', [['id', 'tag_id']], eq('book_id', 0)),
    ],
    ['the far side of a 1:1', author, { profile: 1 }, some('profile', [['id', 'author_id']], eq('id', 0))],
    ['$some', author, { books: { $some: { title: 'a' } } }, some(...books, eq('title', 0))],
    ['$none', author, { books: { $none: { title: 'a' } } }, none(...books, eq('title', 0))],
    ['$every', author, { books: { $every: { title: 'a' } } }, none(...books, { not: eq('title', 0) })],
    ['$some of anything', author, { books: { $some: {} } }, some(...books, { const: true })],
    ['$none of anything', author, { books: { $none: {} } }, none(...books, { const: true })],
    [
      '$every through a pivot',
      book,
      { tags: { $every: { name: 'a' } } },
      none('book_tags', [['id', 'book_id']], some('tag', [['tag_id', 'id']], { not: eq('name', 0) })),
    ],
    ['nothing asked of a relation', author, { books: {} }, undefined],
    [
      'composite keys',
      note,
      { line: { quantity: 1 } },
      some(
        'line',
        [
          ['line_book_id', 'book_id'],
          ['line_pos', 'pos'],
        ],
        eq('quantity', 0),
      ),
    ],
    ['what the foreign key holds needs no row', note, { line: { book: { id: 1 } } }, eq('line_book_id', 0)],
    ['a dotted name', book, { 'author.name': 'a' }, some('author', [['author_id', 'id']], eq('name', 0))],
    [
      'one row in two members of a disjunction',
      author,
      { books: { price: 1 }, $or: [{ books: { title: 'a' } }, { name: 'b' }] },
      {
        any: [
          some(...books, { all: [eq('price', 0), eq('title', 1)] }),
          { all: [some(...books, eq('price', 0)), eq('name', 2)] },
        ],
      },
    ],
  ];
  for (const [title, model, where, expected] of cases) {
    test(title, () => assert.deepEqual(whereOf(model, where).expr, expected));
  }
});

/** Numbers that look random and come again from the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

const MODELS = [country, author, profile, tag, book, line, note];

/** Few values and many nulls, so that conditions hold now and then. */
function randomTables(random: Random): Tables {
  const key = (count: number) => (random(4) === 0 ? null : 1 + random(count));
  const number = () => (random(4) === 0 ? null : random(3));
  const text = () => (random(4) === 0 ? null : 'abc'.charAt(random(3)));
  const rows = (count: number, row: (id: number) => Row) =>
    Array.from({ length: count }, (_, i) => row(i + 1));
  const lines = [1, 2, 3, 4].flatMap((of) =>
    rows(random(3), (pos) => ({ book_id: of, pos, quantity: number() })),
  );
  const links = [1, 2, 3, 4, 5].flatMap((of) =>
    [1, 2, 3].filter(() => random(2) === 0).map((to) => ({ book_id: of, tag_id: to })),
  );
  return {
    country: rows(2, (id) => ({ id, name: text() })),
    author: rows(5, (id) => ({ id, name: text(), age: number(), country_id: key(2), friend_id: key(5) })),
    profile: rows(3, (id) => ({ id, bio: text(), author_id: id === 3 ? null : id * 2 })),
    tag: rows(3, (id) => ({ id, name: text() })),
    book: rows(6, (id) => ({ id, title: text(), price: number(), author_id: key(4) })),
    book_tags: links,
    line: lines,
    note: rows(4, (id) => {
      const of = random(4) === 0 ? undefined : lines[random(Math.max(lines.length, 1))];
      return { id, text: text(), line_book_id: of?.book_id ?? null, line_pos: of?.pos ?? null };
    }),
  };
}

const SCALARS = new Set(['name', 'age', 'bio', 'title', 'price', 'quantity', 'text', 'id', 'pos']);

function randomWhere(random: Random, model: Model, depth: number): Record<string, unknown> {
  const props = [...model.props.values()];
  const scalars = props.filter((prop) => prop.kind === 'scalar' && SCALARS.has(prop.name));
  const relations = props.filter(isRelation);
  const where: Record<string, unknown> = {};
  for (let count = 1 + random(2); count > 0; count--) {
    const choice = depth === 0 ? 0 : random(10);
    if (choice < 3) {
      const prop = scalars[random(scalars.length)];
      if (prop !== undefined)
        where[prop.name] = randomScalar(random, prop.kind === 'scalar' && prop.column?.type === 'int');
    } else if (choice < 7) {
      const prop = relations[random(relations.length)];
      if (prop !== undefined) where[prop.name] = randomRelation(random, prop.target(), isToMany(prop), depth);
    } else if (choice < 9) {
      where[choice === 7 ? '$and' : '$or'] = [
        randomWhere(random, model, depth - 1),
        randomWhere(random, model, depth - 1),
      ];
    } else {
      where.$not = randomWhere(random, model, depth - 1);
    }
  }
  return where;
}

function randomScalar(random: Random, isNumber: boolean): unknown {
  const value = () => (isNumber ? random(3) : 'abc'.charAt(random(3)));
  const conditions = [
    () => null,
    () => ({ $ne: null }),
    () => ({ $ne: value() }),
    () => ({ $in: [value(), value()] }),
    () => ({ $nin: [value()] }),
    () => ({ $gt: value() }),
    () => ({ $lte: value() }),
    value,
    value,
  ];
  return (conditions[random(conditions.length)] as () => unknown)();
}

function randomRelation(random: Random, target: Model, many: boolean, depth: number): unknown {
  const key = () => (target.primary.length > 1 ? [1 + random(3), 1 + random(2)] : 1 + random(3));
  const inner = () => randomWhere(random, target, depth - 1);
  const conditions = [
    () => null,
    () => ({ $ne: null }),
    key,
    () => ({ $in: [key(), key()] }),
    inner,
    inner,
    inner,
    inner,
  ];
  const quantified = ['$some', '$none', '$every'].map((name) => () => ({ [name]: inner() }));
  const all = many ? [...conditions, ...quantified] : conditions;
  return (all[random(all.length)] as () => unknown)();
}

test('random conditions find the rows that joins find', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  let found = 0;
  for (let round = 0; round < 60; round++) {
    const tables = randomTables(random);
    for (let i = 0; i < 25; i++) {
      const model = MODELS[random(MODELS.length)] as Model;
      const where = randomWhere(random, model, 3);
      const shape = new Shape('');
      walkWhere(model, where, shape);
      const { expr } = whereOf(model, where);
      const rows = tables[model.collection] as readonly Row[];
      const expected = rows.filter((row) => fulfils(model, where, row, tables));
      const actual = rows.filter(
        (row) => expr === undefined || evaluate(expr, row, tables, shape.params) === true,
      );
      found += expected.length;
      assert.deepEqual(
        actual,
        expected,
        `SEED=${seed}: ${model.name} ${JSON.stringify(where)}\n${JSON.stringify(expr)}\n${JSON.stringify(tables)}`,
      );
    }
  }
  assert.ok(found > 0, `SEED=${seed}: no condition found anything`);
});
