/** Payloads and the plans that write them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InsertPlan, UpdateManyPlan, UpdatePlan } from '#driver/native/ir.js';
import { ABSENT } from '#driver/native/pack.js';
import { PlanError } from '#driver/plan/errors.js';
import type { Model } from '#driver/plan/model.js';
import type { Payload } from '#driver/plan/payload.js';
import { insertOf } from '#driver/plan/insert.js';
import { updateManyOf, updateOf } from '#driver/plan/update.js';
import { upsertOf } from '#driver/plan/upsert.js';
import { author, book, line, note, remark, tag } from './library.js';

function inserted(
  model: Model,
  ...rows: Payload[]
): { fields: readonly string[]; params: unknown[]; returning: string[] } {
  const { ir, params } = insertOf(model, rows);
  const plan: InsertPlan = ir();
  assert.equal(plan.insert.into, model.collection);
  return {
    fields: plan.insert.fields,
    params,
    returning: (plan.insert.returning ?? []).map(({ field }) => field),
  };
}

describe('inserts', () => {
  test('rows with different properties', () => {
    assert.deepEqual(inserted(author, { name: 'a', age: 1 }, { name: null, mood: 'good', age: undefined }), {
      fields: ['name', 'age', 'mood'],
      params: ['a', 1, ABSENT, null, ABSENT, 'good'],
      returning: ['id'],
    });
  });

  test('what the engine fills in comes back', () => {
    assert.deepEqual(inserted(book, { price: 1 }).returning, ['id', 'title', 'version']);
    assert.deepEqual(inserted(book, { title: 'a', version: 1, price: 1 }).returning, ['id']);
    assert.deepEqual(inserted(book, { id: 1, title: 'a', version: 1 }, { id: null, version: 1 }).returning, [
      'id',
      'title',
    ]);
  });

  test('nothing comes back where all of it was given, key and all', () => {
    assert.deepEqual(inserted(tag, { id: 1 }, { id: 2 }).returning, []);
    assert.deepEqual(inserted(book, { id: 1, title: 'a', version: 1 }).returning, []);
    assert.deepEqual(inserted(tag, { id: 1 }, { id: null }).returning, ['id']);
    const { ir } = insertOf(book, [{ id: 1, title: 'a', version: 1 }], { returning: ['price'] });
    assert.deepEqual(
      ir().insert.returning?.map(({ field }) => field),
      ['id', 'price'],
    );
  });

  test('plans are kept by what is written, and by what of it is made', () => {
    const kept = (row: Payload) => insertOf(book, [row]);
    const [first, second] = [kept({ id: 1, title: 'a' }), kept({ id: 2, title: 'b' })];
    assert.equal(first.of, second.of);
    assert.equal(first.key, second.key);
    const other = kept({ title: 'a', price: 1 });
    assert.notEqual(other.of, first.of);
    const made = kept({ id: 1, title: null });
    assert.equal(made.of, first.of);
    assert.notEqual(made.key, first.key);
  });

  test('a null for a column that takes none is its default', () => {
    assert.deepEqual(inserted(book, { id: null, title: null, price: null }).params, [ABSENT, ABSENT, null]);
  });

  test('rows without anything', () => {
    assert.deepEqual(inserted(tag, {}, {}), { fields: ['id'], params: [ABSENT, ABSENT], returning: ['id'] });
  });

  test('columns by their own names', () => {
    assert.deepEqual(inserted(book, { author_id: 5 }).fields, ['author_id']);
  });

  test('keys in every form', () => {
    for (const key of [1, [1], { id: 1 }]) {
      assert.deepEqual(inserted(book, { author: key }).params, [1]);
    }
    for (const key of [[1, 2], { book: 1, pos: 2 }, { book: { id: 1 }, pos: 2 }]) {
      const { fields, params } = inserted(note, { line: key });
      assert.deepEqual(Object.fromEntries(fields.map((field, i) => [field, params[i]])), {
        line_book_id: 1,
        line_pos: 2,
      });
    }
    assert.deepEqual(inserted(remark, { line: [1, 2], number: 3 }).params, [1, 2, 3]);
  });

  test('a shared column belongs to the relation that owns it', () => {
    const values = (row: Payload) => {
      const { fields, params } = inserted(note, row);
      return Object.fromEntries(fields.map((field, i) => [field, params[i]]));
    };
    assert.deepEqual(values({ book: 7, line: null }), { line_book_id: 7, line_pos: null });
    assert.deepEqual(values({ line: null, book: 7 }), { line_book_id: 7, line_pos: null });
    assert.deepEqual(values({ line: [1, 2], book: 7 }), { line_book_id: 7, line_pos: 2 });
  });

  test('embedded objects', () => {
    assert.deepEqual(inserted(author, { address_city: 'a' }).fields, ['address_city']);
    assert.deepEqual(inserted(author, { address: { city: 'a' } }), {
      fields: ['address_city', 'zip'],
      params: ['a', ABSENT],
      returning: ['id'],
    });
    assert.deepEqual(inserted(author, { address: null }).params, [null, null]);
    const home = { city: 'a', zip: 1, owner: { fullName: 'b' } };
    assert.deepEqual(inserted(author, { home, stays: [{ city: 'c' }] }).params, [
      { town: 'a', zip: 1, owner: { full_name: 'b' } },
      [{ town: 'c' }],
    ]);
    assert.deepEqual(home, { city: 'a', zip: 1, owner: { fullName: 'b' } });
  });

  test('documents keep keys of any name', () => {
    const document = JSON.parse('{"town":{"__proto__":1},"__proto__":{"a":1}}') as object;
    const [stored] = inserted(author, { home: document }).params;
    assert.deepEqual(Object.keys(stored as object), ['town', '__proto__']);
  });
});

describe('updates', () => {
  function updated(
    model: Model,
    where: unknown,
    data: Payload,
  ): { update: UpdatePlan['update']; params: unknown[] } {
    const write = updateOf(model, where, data);
    assert.ok(write);
    return { update: write.ir().update, params: write.params };
  }

  test('parameters of the condition come first, and the version goes up', () => {
    const { update, params } = updated(book, { id: 5, price: { $gt: 1 } }, { price: null, title: 'a' });
    assert.deepEqual(update.set, [
      { field: 'price', value: { p: 2 } },
      { field: 'title', value: { p: 3 } },
      { field: 'version', inc: 1 },
    ]);
    assert.deepEqual(update.returning, [{ field: 'version', as: 'number' }]);
    assert.deepEqual(params, [5, 1, null, 'a']);
  });

  test('a version given is the version', () => {
    assert.deepEqual(updated(book, 5, { version: 7 }).update.set, [{ field: 'version', value: { p: 1 } }]);
  });

  test('undefined takes a value away', () => {
    assert.deepEqual(updated(book, 5, { price: undefined, title: 'a' }).params, [5, null, 'a']);
    const { params } = many(tag, [7, 8], [{ name: undefined }, {}]);
    assert.deepEqual(params, [7, null, 8, ABSENT]);
  });

  test('a shared column is left to its owner', () => {
    assert.deepEqual(updated(note, 1, { line: null }).update.set, [{ field: 'line_pos', value: { p: 1 } }]);
    assert.deepEqual(updated(note, 1, { line: [1, 2] }).params, [1, 2]);
  });

  test('nothing to change is no write', () => {
    assert.equal(updateOf(book, 1, {}), undefined);
    assert.equal(updateManyOf(book, [1], [{}]), undefined);
  });

  function many(
    model: Model,
    wheres: unknown[],
    data: Payload[],
  ): { plan: UpdateManyPlan['updateMany']; params: unknown[] } {
    const write = updateManyOf(model, wheres, data);
    assert.ok(write);
    return { plan: write.ir().updateMany, params: write.params };
  }

  test('changes by key, each its own', () => {
    const { plan, params } = many(
      book,
      [
        { id: 1, version: 3 },
        { id: 2, version: 4 },
      ],
      [{ price: 1 }, { title: 'a' }],
    );
    assert.deepEqual(plan, {
      in: 'book',
      key: ['id', 'version'],
      set: ['price', 'title'],
      bump: { field: 'version', inc: 1 },
      returning: [
        { field: 'id', as: 'number' },
        { field: 'version', as: 'number' },
      ],
    });
    assert.deepEqual(params, [1, 3, 1, ABSENT, 2, 4, ABSENT, 'a']);
  });

  test('keys in every form', () => {
    const forms = [{ book: 1, pos: 2 }, [1, 2], { 'book~~~pos': [1, 2] }, { book: { id: 1 }, pos: 2 }];
    for (const form of forms) {
      const { plan, params } = many(line, [form], [{ quantity: 3 }]);
      assert.deepEqual(
        [plan.key, params],
        [
          ['book_id', 'pos'],
          [1, 2, 3],
        ],
      );
    }
    assert.deepEqual(many(tag, [7], [{ name: 'a' }]).params, [7, 'a']);
  });

  test('half a key is refused', () => {
    assert.throws(() => many(line, [{ book: 1 }], [{ quantity: 3 }]), /whole primary key.*: pos is missing/);
  });
});

describe('upserts', () => {
  function conflict(rows: Payload[], options?: Parameters<typeof upsertOf>[2]) {
    const { ir, params } = upsertOf(book, rows, options);
    const { insert } = ir();
    return { conflict: insert.conflict, returning: insert.returning?.map(({ field }) => field), params };
  }

  test('everything but the key is merged', () => {
    assert.deepEqual(conflict([{ id: 1, title: 'a', price: 2 }]).conflict, {
      fields: ['id'],
      action: 'merge',
      merge: ['title', 'price'],
    });
  });

  test('options', () => {
    assert.deepEqual(
      conflict([{ id: 1, title: 'a', price: 2 }], { unique: ['title'], merge: ['price'] }).conflict,
      { fields: ['title'], action: 'merge', merge: ['price'] },
    );
    assert.deepEqual(conflict([{ id: 1, title: 'a', price: 2 }], { exclude: ['title'] }).conflict, {
      fields: ['id'],
      action: 'merge',
      merge: ['price'],
    });
    assert.deepEqual(conflict([{ id: 1, title: 'a' }], { ignore: true }).conflict, {
      fields: ['id'],
      action: 'ignore',
    });
    assert.deepEqual(conflict([{ id: 1, title: 'a' }], { merge: [] }).conflict, {
      fields: ['id'],
      action: 'ignore',
    });
  });

  test('rows handed back tell which payload they are', () => {
    assert.deepEqual(conflict([{ id: 1, title: 'a' }], { returning: ['title'] }).returning, [
      '$row',
      'id',
      'price',
      'meta',
      'keywords',
      'version',
      'author_id',
      'title',
    ]);
  });

  test('a condition on what is merged holds its values itself', () => {
    const { conflict: found, params } = conflict([{ id: 1, title: 'a' }], { where: { price: { $gt: 5 } } });
    assert.deepEqual(found?.where, { cmp: { op: 'gt', path: { field: 'price' }, value: { v: 5 } } });
    assert.deepEqual(params, [1, 'a']);
    assert.notEqual(
      upsertOf(book, [{ id: 1 }], { where: { price: 1 } }).key,
      upsertOf(book, [{ id: 1 }], { where: { price: 2 } }).key,
    );
  });
});

describe('refusals name the property', () => {
  class RawQueryFragment {
    readonly sql = 'age + 1';
  }
  const cases: [string, Model, Payload, PlanError['code'], RegExp][] = [
    ['an unknown property', author, { foo: 1 }, 'UNKNOWN_PROPERTY', /Author\.foo/],
    ['a raw value', author, { age: new RawQueryFragment() }, 'RAW_FRAGMENT', /Author\.age/],
    [
      'a raw value in an embedded object',
      author,
      { address: { city: new RawQueryFragment() } },
      'RAW_FRAGMENT',
      /Author\.address\.city/,
    ],
    ['a raw key', author, { [Symbol('x')]: 1 } as Payload, 'RAW_FRAGMENT', /Author/],
    ['a formula', author, { initials: 'a' }, 'NOT_STORED', /Author\.initials/],
    ['a collection', author, { books: [1] }, 'NOT_STORED', /Author\.books is stored on the other side/],
    ['part of a document', author, { 'home~city': 'a' }, 'NOT_STORED', /part of a document/],
    [
      'a scalar for an embedded object',
      author,
      { address: 1 },
      'INVALID_DATA',
      /Author\.address is an embedded object/,
    ],
    ['half a key', note, { line: 1 }, 'INVALID_OPERAND', /Note\.line is a key of book, pos/],
    ['a function', author, { age: () => 1 }, 'INVALID_DATA', /function/],
  ];
  for (const [title, model, data, code, message] of cases) {
    test(title, () => {
      assert.throws(
        () => insertOf(model, [data]),
        (error) => error instanceof PlanError && error.code === code && message.test(error.message),
      );
    });
  }
});
