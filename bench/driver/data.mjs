/** The rows of the benchmark of drivers: 8 fields, 150 bytes of payload, the same ones for the same number always. */

/** What a column holds; `real` and `bool` say how it is stored where there are such types. */
export const FIELDS = [
  ['id', 'int'],
  ['name', 'text'],
  ['email', 'text'],
  ['city', 'text'],
  ['age', 'int'],
  ['score', 'real'],
  ['active', 'bool'],
  ['note', 'text'],
];
export const NAMES = FIELDS.map(([name]) => name);

/** Indexes by name; the primary key, `id`, has one besides. */
export const INDEXES = {
  user_email: { fields: ['email'], unique: true },
  user_city: { fields: ['city'], unique: false },
  user_age_name: { fields: ['age', 'name'], unique: false },
};
/** Those of the comparison of memory. */
export const TWO_INDEXES = ['user_email', 'user_city'];

/** Spreads numbers so that neighbours are not alike. */
export const spread = (i, below) => (i * 7_919 + 13) % below;

/** How many rows have a city, and a name. */
const IN_A_CITY = 50;
const WITH_A_NAME = 1_000;
/** How many ages there are. */
export const AGES = 100;

export const emailOf = (i) => `person${i}@mail.example.com`;
export const cityOf = (i, size) => `City ${spread(i, Math.ceil(size / IN_A_CITY))}`;
export const nameOf = (i, size) => `Person named ${spread(i, Math.ceil(size / WITH_A_NAME) + 7)}`;
export const ageOf = (i) => spread(i, AGES);

/** The row of a number, which is its key, in a store of some size. */
export const row = (i, size) => ({
  id: i,
  name: nameOf(i, size),
  email: emailOf(i),
  city: cityOf(i, size),
  age: ageOf(i),
  score: i / 3,
  active: i % 3 !== 0,
  note: `A note of some length about the person who has the number ${String(i).padStart(9, '0')}`,
});

/** Rows as they arrive from elsewhere: texts of their own, where those made of parts still hold on to them. */
function arrived(row) {
  for (const [name, type] of FIELDS) {
    if (type === 'text') row[name] = Buffer.from(row[name], 'latin1').toString('latin1');
  }
  return row;
}

/** The rows of a store of some size, in batches. */
export function* batches(size, count = 1_000) {
  for (let from = 1; from <= size; from += count) {
    yield Array.from({ length: Math.min(count, size - from + 1) }, (_, at) => arrived(row(from + at, size)));
  }
}
