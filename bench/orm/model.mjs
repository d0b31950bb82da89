/** The entities and the data of the benchmark through MikroORM: authors, ten times as many books, and tags. */

export const TAGS = 50;

const number = { type: 'number' };
const text = { type: 'string' };
const id = { ...number, primary: true };

/** Entities of a MikroORM; new ones for each. */
export function entitiesOf({ EntitySchema }) {
  const Author = new EntitySchema({
    name: 'Author',
    properties: {
      id,
      name: text,
      email: { ...text, unique: true },
      born: { ...number, index: true },
      books: { kind: '1:m', entity: () => Book, mappedBy: 'author' },
    },
  });
  const Book = new EntitySchema({
    name: 'Book',
    indexes: [{ properties: ['genre', 'year'] }],
    properties: {
      id,
      title: text,
      genre: text,
      year: number,
      price: { ...number, index: true },
      rating: { type: 'double' },
      stocked: { type: 'boolean' },
      note: { ...text, nullable: true },
      author: { kind: 'm:1', entity: () => Author, index: true },
      tags: { kind: 'm:n', entity: () => Tag, inversedBy: 'books' },
    },
  });
  const Tag = new EntitySchema({
    name: 'Tag',
    properties: { id, name: text, books: { kind: 'm:n', entity: () => Book, mappedBy: 'tags' } },
  });
  return { Author, Book, Tag };
}

/** Spreads numbers so that neighbours are not alike; the same ones always. */
export const spread = (i, below) => (i * 7_919 + 13) % below;

const AUTHORS_FOR = 10;
export const authorsOf = (size) => Math.ceil(size / AUTHORS_FOR);

/** The fields of a book, but for its key. */
export const book = (i, authors) => ({
  title: `book ${spread(i, 1_000_003)}`,
  genre: `genre ${spread(i, 20)}`,
  year: 1900 + spread(i, 120),
  price: spread(i, 1_009),
  rating: spread(i, 500) / 100,
  stocked: i % 3 !== 0,
  note: i % 4 === 0 ? null : `note ${i}`,
  author: 1 + spread(i, authors),
});

/** Fills a store that has its schema. */
export async function fill(em, { Author, Book, Tag }, size) {
  const authors = authorsOf(size);
  const rows = (count, row) => Array.from({ length: count }, (_, i) => ({ id: i + 1, ...row(i) }));
  const insert = async (entity, all) => {
    for (let at = 0; at < all.length; at += 1_000) await em.insertMany(entity, all.slice(at, at + 1_000));
  };
  await insert(
    Tag,
    rows(TAGS, (i) => ({ name: `tag ${i}` })),
  );
  await insert(
    Author,
    rows(authors, (i) => ({ name: `author ${i}`, email: `author${i}@example.com`, born: 1900 + (i % 90) })),
  );
  await insert(
    Book,
    rows(size, (i) => ({ ...book(i, authors), tags: [1 + (i % TAGS), 1 + ((i + 7) % TAGS)] })),
  );
}
