/** The entities of most pages: authors, their books, what these are about, and who prints them. */

import {
  BigIntType,
  Collection,
  Entity,
  Enum,
  Filter,
  ManyToMany,
  ManyToOne,
  type MikroORM,
  OneToMany,
  OneToOne,
  OptionalProps,
  PrimaryKey,
  Property,
} from 'collection-store-mikro-orm';
import { open } from './feature.js';

@Entity()
export class Publisher {
  [OptionalProps]?: 'books';

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string', unique: true })
  name!: string;

  @OneToMany({ entity: () => Book, mappedBy: 'publisher' })
  books = new Collection<Book>(this);
}

@Entity()
@Filter({ name: 'adult', cond: { age: { $gte: 18 } } })
@Filter({
  name: 'older',
  cond: (args: Record<string, unknown>) => ({ age: { $gt: args['than'] as number } }),
})
export class Author {
  [OptionalProps]?: 'books' | 'active';

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string', unique: true })
  name!: string;

  @Property({ type: 'integer', nullable: true })
  age?: number | null;

  @Property({ type: 'boolean' })
  active = true;

  @Property({ type: 'json', nullable: true })
  meta?: { city?: string; langs?: string[]; score?: number; deep?: { flag: boolean } } | null;

  @OneToMany({ entity: () => Book, mappedBy: 'author' })
  books = new Collection<Book>(this);

  @OneToOne({ entity: () => Bio, mappedBy: 'author', nullable: true })
  bio?: Bio | null;

  @ManyToOne({ entity: () => Author, nullable: true })
  mentor?: Author | null;
}

@Entity()
export class Bio {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @OneToOne({ entity: () => Author, inversedBy: 'bio' })
  author!: Author;
}

export enum Kind {
  Novel = 'novel',
  Essay = 'essay',
  Poem = 'poem',
}

@Entity()
export class Book {
  [OptionalProps]?: 'kind' | 'tags';

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @Property({ type: 'integer', nullable: true })
  price?: number | null;

  @Enum({ items: () => Kind })
  kind = Kind.Novel;

  @Property({ type: 'text', nullable: true, lazy: true })
  summary?: string | null;

  @Property({ type: BigIntType, nullable: true })
  sold?: bigint | string | number | null;

  @ManyToOne({ entity: () => Author })
  author!: Author;

  @ManyToOne({ entity: () => Publisher, nullable: true })
  publisher?: Publisher | null;

  @ManyToMany({ entity: () => Tag, inversedBy: 'books' })
  tags = new Collection<Tag>(this);
}

@Entity()
export class Tag {
  [OptionalProps]?: 'books';

  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany({ entity: () => Book, mappedBy: 'tags' })
  books = new Collection<Book>(this);
}

export const entities = [Publisher, Author, Bio, Book, Tag];

/**
 * A store with three authors, of whom Ann has the books A, B and C, Bob has D, and Cid has none. Bob learnt from Ann.
 * A is tagged red and blue, B blue, D green; `Big` publishes A and D.
 */
export async function library(options: object = {}): Promise<MikroORM> {
  const orm = await open(entities, options);
  const em = orm.em.fork();
  const big = em.create(Publisher, { id: 1, name: 'Big' });
  const ann = em.create(Author, {
    id: 1,
    name: 'Ann',
    age: 40,
    meta: { city: 'Oslo', langs: ['no', 'en'], score: 7, deep: { flag: true } },
  });
  const bob = em.create(Author, {
    id: 2,
    name: 'Bob',
    age: 17,
    mentor: ann,
    meta: { city: 'Rome', score: 3 },
  });
  const cid = em.create(Author, { id: 3, name: 'Cid', active: false });
  const bio = em.create(Bio, { id: 1, text: 'writes', author: ann });
  const tags = ['red', 'blue', 'green'].map((name, i) => em.create(Tag, { id: i + 1, name }));
  const [red, blue, green] = tags as [Tag, Tag, Tag];
  const a = em.create(Book, { id: 1, title: 'A', price: 10, author: ann, publisher: big, summary: 'long' });
  const b = em.create(Book, { id: 2, title: 'B', price: 20, author: ann, kind: Kind.Essay });
  const c = em.create(Book, { id: 3, title: 'C', author: ann, kind: Kind.Poem });
  const d = em.create(Book, { id: 4, title: 'D', price: 40, author: bob, publisher: big });
  a.tags.add(red, blue);
  b.tags.add(blue);
  d.tags.add(green);
  em.persist([big, ann, bob, cid, bio, ...tags, a, b, c, d]);
  await em.flush();
  return orm;
}
