/** What the threads of random histories share. */
import { Entity, Index, MikroORM, PrimaryKey, Property, defineConfig } from 'collection-store-mikro-orm';
import type { Committed, Level, Lists } from './history.js';

/** So few that transactions meet. */
export const KEYS = 8;

@Entity()
export class List {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Index()
  @Property({ type: 'number' })
  place!: number;

  @Property({ type: 'json' })
  ids!: number[];
}

/** What a thread is to do: so many transactions, by some loops at once. */
export interface Task {
  readonly level: Level;
  readonly seed: number;
  readonly transactions: number;
  readonly loops: number;
  /** The first number of its transactions. */
  readonly first: number;
}

/** What came of it: what was committed, and how many transactions had to give way. */
export interface Outcome {
  readonly history: readonly Committed[];
  readonly failed: number;
}

/** The lists of some keys; what is not there is empty. */
export function listsOf(rows: readonly List[], from: number, to: number): Lists {
  const byKey = new Map(rows.map(({ id, ids }) => [id, ids]));
  return Array.from({ length: to - from }, (_, at) => [from + at, byKey.get(from + at) ?? []] as const);
}

export const open = (): Promise<MikroORM> =>
  MikroORM.init(
    defineConfig({ entities: [List], dbName: 'histories', driverOptions: { lockTimeout: 30_000 } }),
  );
