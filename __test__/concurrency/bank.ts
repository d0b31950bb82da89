/** What the bank's threads share. */
import {
  Entity,
  type IsolationLevel,
  MikroORM,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';

export const ACCOUNTS = 8;
export const TOTAL = ACCOUNTS * 100;

@Entity()
export class Account {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  balance!: number;
}

/** What a thread is to do: so many transfers in each loop, or more while so many seconds last. */
export interface Day {
  readonly name: string;
  readonly isolationLevel: IsolationLevel;
  readonly transfers: number;
  readonly seconds: number;
}

/** What a thread did; how long the longest transfer took, with what it was run again, in milliseconds. */
export interface Done {
  transfers: number;
  looks: number;
  longest: number;
}

/** The store of the bank, which threads of a process share. */
export const open = (dbName: string): Promise<MikroORM> =>
  MikroORM.init(defineConfig({ entities: [Account], dbName, driverOptions: { lockTimeout: 30_000 } }));
