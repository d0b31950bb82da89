/** A library as models: relations of every kind, composite keys, embedded objects and documents. */
import type { FieldType, Wire } from '#driver/native/ir.js';
import type { Column, EmbeddedProp, Model, Prop, RelationProp, ScalarProp } from '#driver/plan/model.js';

const WIRES: Readonly<Record<FieldType, Wire>> = {
  int: 'number',
  bigint: 'bigint',
  float: 'number',
  decimal: 'decimal',
  bool: 'bool',
  text: 'text',
  date: 'date',
  bytes: 'bytes',
  json: 'json',
};

function column(name: string, type: FieldType, more: Partial<Column> = {}): Column {
  return { name, type, wire: WIRES[type], nullable: true, ...more };
}

function scalar(name: string, of: Column, more: Partial<ScalarProp> = {}): ScalarProp {
  return { kind: 'scalar', name, nullable: of.nullable, json: [], column: of, ...more };
}

interface Relation extends Partial<RelationProp> {
  readonly to: () => Model;
}

function relation(kind: RelationProp['kind'], name: string, { to, ...more }: Relation): RelationProp {
  return { kind, name, target: to, nullable: true, json: [], owner: false, columns: [], join: [], ...more };
}

/** A key on this side. */
function owning(
  kind: '1:1' | 'm:1',
  name: string,
  to: () => Model,
  columns: readonly Column[],
  keys: readonly string[],
  more: Partial<RelationProp> = {},
): RelationProp {
  return relation(kind, name, {
    to,
    owner: true,
    columns,
    join: columns.map((own, i) => [own.name, keys[i] as string] as const),
    foreign: {},
    ...more,
  });
}

function model(
  name: string,
  primaryProps: readonly string[],
  props: readonly Prop[],
  more: Partial<Model> = {},
): Model {
  const byName = new Map(props.map((prop) => [prop.name, prop]));
  const columnsOf = (prop: Prop) =>
    prop.json.length > 0
      ? []
      : prop.kind === 'scalar' || prop.kind === 'embedded'
        ? prop.column === undefined
          ? []
          : [prop.column]
        : prop.columns;
  return {
    name,
    collection: name.toLowerCase(),
    primaryProps,
    primary: primaryProps.flatMap((key) => columnsOf(byName.get(key) as Prop)),
    columns: [...new Set(props.flatMap(columnsOf))],
    props: byName,
    ...more,
  };
}

const id = (more: Partial<Column> = {}) =>
  scalar('id', column('id', 'int', { nullable: false, autoIncrement: true, ...more }));

export const country: Model = model(
  'Country',
  ['id'],
  [
    id(),
    scalar('name', column('name', 'text')),
    relation('1:m', 'authors', { to: () => author, join: [['id', 'country_id']] }),
  ],
);

const city = scalar('address_city', column('address_city', 'text'));
const zip = scalar('address_zip', column('zip', 'int'));
const address: EmbeddedProp = {
  kind: 'embedded',
  name: 'address',
  inline: true,
  array: false,
  nullable: true,
  json: [],
  props: new Map([
    ['city', city],
    ['zip', zip],
  ]),
};

const homeColumn = column('home', 'json');
const home: EmbeddedProp = {
  kind: 'embedded',
  name: 'home',
  inline: false,
  array: false,
  column: homeColumn,
  nullable: true,
  json: [],
  props: new Map<string, Prop>([
    ['city', scalar('home~city', homeColumn, { json: ['town'] })],
    ['zip', scalar('home~zip', homeColumn, { json: ['zip'] })],
    [
      'owner',
      {
        kind: 'embedded',
        name: 'home~owner',
        inline: false,
        array: false,
        column: homeColumn,
        nullable: true,
        json: ['owner'],
        props: new Map([
          ['fullName', scalar('home~owner~fullName', homeColumn, { json: ['owner', 'full_name'] })],
        ]),
      },
    ],
  ]),
};

const staysColumn = column('stays', 'json');
const stays: EmbeddedProp = {
  kind: 'embedded',
  name: 'stays',
  inline: false,
  array: true,
  column: staysColumn,
  nullable: true,
  json: [],
  props: new Map([['city', scalar('stays~city', staysColumn, { json: ['town'] })]]),
};

export const author: Model = model(
  'Author',
  ['id'],
  [
    id(),
    scalar('name', column('name', 'text')),
    scalar('age', column('age', 'int')),
    scalar('mood', column('mood', 'text'), { customOrder: ['good', 'bad'] }),
    scalar('biography', column('biography', 'text'), { lazy: true }),
    { kind: 'scalar', name: 'initials', nullable: true, json: [], refused: 'is an SQL formula' },
    owning('m:1', 'country', () => country, [column('country_id', 'int')], ['id']),
    owning('m:1', 'friend', () => author, [column('friend_id', 'int')], ['id']),
    relation('1:m', 'books', { to: () => book, join: [['id', 'author_id']] }),
    relation('1:1', 'profile', { to: () => profile, join: [['id', 'author_id']] }),
    address,
    city,
    zip,
    home,
    stays,
    ...home.props.values(),
  ],
  {
    indexes: [
      { properties: ['name'], unique: true },
      { properties: ['home.city'], unique: false },
      { properties: ['address'], unique: false, name: 'by_address' },
    ],
  },
);

export const profile: Model = model(
  'Profile',
  ['id'],
  [
    id(),
    scalar('bio', column('bio', 'text')),
    owning('1:1', 'author', () => author, [column('author_id', 'int')], ['id']),
  ],
  { indexes: [{ properties: ['author'], unique: true }] },
);

export const tag: Model = model(
  'Tag',
  ['id'],
  [
    id(),
    scalar('name', column('name', 'text')),
    relation('m:n', 'books', {
      to: () => book,
      pivot: { collection: 'book_tags', from: [['id', 'tag_id']], to: [['book_id', 'id']] },
    }),
  ],
);

export const book: Model = model(
  'Book',
  ['id'],
  [
    id(),
    scalar('title', column('title', 'text', { nullable: false, default: { value: 'untitled' } })),
    scalar('price', column('price', 'int')),
    scalar('meta', column('meta', 'json')),
    scalar('keywords', column('keywords', 'json'), { list: true }),
    scalar('version', column('version', 'int', { nullable: false, default: { value: 1 } })),
    owning('m:1', 'author', () => author, [column('author_id', 'int')], ['id'], {
      foreign: { deleteRule: 'cascade' },
    }),
    relation('m:n', 'tags', {
      to: () => tag,
      owner: true,
      pivot: { collection: 'book_tags', from: [['id', 'book_id']], to: [['tag_id', 'id']] },
    }),
    relation('1:m', 'lines', { to: () => line, join: [['id', 'book_id']] }),
  ],
  { version: 'version' },
);

/** Its primary key has a foreign key in it. */
export const line: Model = model(
  'Line',
  ['book', 'pos'],
  [
    owning('m:1', 'book', () => book, [column('book_id', 'int', { nullable: false })], ['id'], {
      nullable: false,
    }),
    scalar('pos', column('pos', 'int', { nullable: false })),
    scalar('quantity', column('quantity', 'int')),
    relation('1:m', 'notes', {
      to: () => note,
      join: [
        ['book_id', 'line_book_id'],
        ['pos', 'line_pos'],
      ],
    }),
  ],
);

/** Refers to a composite key, and shares one of its columns with another relation. */
const noteBook = column('line_book_id', 'int');
const notePos = column('line_pos', 'int');
export const note: Model = model(
  'Note',
  ['id'],
  [
    id(),
    scalar('text', column('text', 'text')),
    owning('m:1', 'book', () => book, [noteBook], ['id']),
    owning('m:1', 'line', () => line, [noteBook, notePos], ['book_id', 'pos'], { ownColumns: [notePos] }),
  ],
);

/** Its primary key is a composite foreign key and more. */
export const remark: Model = model(
  'Remark',
  ['line', 'number'],
  [
    owning(
      'm:1',
      'line',
      () => line,
      [column('line_book_id', 'int', { nullable: false }), column('line_pos', 'int', { nullable: false })],
      ['book_id', 'pos'],
      { nullable: false },
    ),
    scalar('number', column('number', 'int', { nullable: false })),
  ],
);

const kind = column('kind', 'text', { nullable: false });
const animalProps = [id(), scalar('kind', kind), scalar('name', column('name', 'text'))];
/** Classes that share a collection. */
export const animal: Model = model('Animal', ['id'], animalProps, { discriminator: { column: kind } });
export const dog: Model = {
  ...model('Dog', ['id'], animalProps, {
    discriminator: { column: kind, value: 'dog', values: ['dog', 'puppy'] },
  }),
  collection: 'animal',
};
