/** From models to the schema of the engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectionDef } from '#driver/native/ir.js';
import type { Model } from '#driver/plan/model.js';
import { schemaOf } from '#driver/plan/schema.js';
import { author, book, line, note, profile } from './library.js';

const def = (model: Model): CollectionDef => schemaOf([model]).collections[0] as CollectionDef;
const paths = (collection: CollectionDef) =>
  Object.fromEntries(
    collection.indexes.map(({ name, paths, unique }) => [
      name,
      `${unique ? 'unique ' : ''}${paths.map(({ field, json }) => [field, ...json].join('->')).join(', ')}`,
    ]),
  );

test('fields', () => {
  const { name, primary, fields } = def(book);
  assert.deepEqual([name, primary], ['book', ['id']]);
  assert.deepEqual(fields.slice(0, 3), [
    { name: 'id', type: 'int', nullable: false, autoIncrement: true },
    { name: 'title', type: 'text', nullable: false, default: { value: 'untitled' } },
    { name: 'price', type: 'int', nullable: true },
  ]);
  assert.deepEqual(def(line).primary, ['book_id', 'pos']);
});

test('indexes: declared ones, in documents too, and those of foreign keys', () => {
  assert.deepEqual(paths(def(author)), {
    author_name_unique: 'unique name',
    author_home_town_index: 'home->town',
    by_address: 'address_city, zip',
    author_country_id_index: 'country_id',
    author_friend_id_index: 'friend_id',
  });
  assert.deepEqual(paths(def(profile)), { profile_author_id_unique: 'unique author_id' });
});

test('of indexes on the same fields the unique one stays', () => {
  const twice: Model = {
    ...note,
    indexes: [
      { properties: ['text'], unique: false, name: 'plain' },
      { properties: ['text'], unique: true, name: 'once' },
      { properties: ['id'], unique: true },
    ],
  };
  assert.deepEqual(paths(def(twice)), {
    once: 'unique text',
    note_line_book_id_index: 'line_book_id',
    note_line_book_id_line_pos_index: 'line_book_id, line_pos',
  });
});

test('places in documents', () => {
  const indexed: Model = { ...book, indexes: [{ properties: ['meta.a.b'], unique: false }] };
  assert.equal(paths(def(indexed)).book_meta_a_b_index, 'meta->a->b');
  assert.throws(
    () => def({ ...book, indexes: [{ properties: ['foo'], unique: false }] }),
    /index of Book is on foo/,
  );
  assert.throws(() => def({ ...book, indexes: [{ properties: ['title.a'], unique: false }] }), /title\.a/);
});

test('foreign keys and their rules', () => {
  const [toAuthor] = def(book).foreign;
  assert.deepEqual(toAuthor, {
    name: 'book_author_id_foreign',
    fields: ['author_id'],
    target: 'author',
    targetFields: ['id'],
    onDelete: 'cascade',
    onUpdate: 'noAction',
  });
  assert.equal(def(profile).foreign[0]?.onDelete, 'setNull');
  assert.equal(def(line).foreign[0]?.onDelete, 'noAction');
  assert.deepEqual(def(note).foreign[1]?.targetFields, ['book_id', 'pos']);
});

test('rules of the metadata', () => {
  const [id, title, price, meta, keywords, version, relation] = [...book.props.values()];
  assert.ok(relation?.kind === 'm:1');
  const withRule = (foreign: NonNullable<typeof relation.foreign>) =>
    def({
      ...book,
      props: new Map(
        [id, title, price, meta, keywords, version, { ...relation, foreign }].flatMap((prop) =>
          prop ? [[prop.name, prop] as const] : [],
        ),
      ),
    }).foreign[0];
  assert.equal(withRule({ cascadeRemove: true })?.onDelete, 'cascade');
  assert.equal(withRule({ cascadePersist: true })?.onUpdate, 'cascade');
  assert.equal(withRule({ deleteRule: 'SET DEFAULT', updateRule: 'restrict' })?.onDelete, 'setDefault');
  assert.equal(withRule({ name: 'own' })?.name, 'own');
  assert.throws(() => withRule({ deleteRule: 'explode' }), /rule 'explode'/);
});
