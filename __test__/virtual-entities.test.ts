/** Virtual entities: what is asked of rows that a function returns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntitySchema, MikroORM } from '@mikro-orm/core';
import { defineConfig } from 'collection-store-mikro-orm';
import { coreMajor } from './compatibility/feature.js';

// biome-ignore lint/suspicious/noExplicitAny: entities without classes.
type Loose = any;

const day = (number: number) => new Date(Date.UTC(2020, 0, number));
const ROWS = [
  { name: 'Ann', length: 3, born: day(3), tags: ['a'], extra: 1 },
  { name: 'Robert', length: 6, born: day(1), tags: ['b', 'c'] },
  { name: 'Ed', length: 2, born: null, tags: [] },
  { name: 'Eve', length: 3, born: day(2), tags: ['d'] },
];

async function open(expression: unknown): Promise<Loose> {
  const properties = {
    name: { type: 'string' },
    length: { type: 'integer' },
    born: { type: 'Date', nullable: true },
    tags: { type: 'string[]' },
  };
  const entities = [
    new EntitySchema({ name: 'Summary', expression, properties } as never),
    new EntitySchema({ name: 'Thing', properties: { id: { type: 'integer', primary: true } } } as never),
  ];
  const orm = await MikroORM.init(defineConfig({ entities: entities as never, dbName: ':memory:' }));
  await (orm as Loose).schema.create();
  return (orm.em as Loose).fork();
}
const names = (rows: Loose[]) => rows.map(({ name }) => name);

test('conditions, orders and pages of rows that a function returns', async () => {
  const em = await open(() => ROWS);
  assert.deepEqual(names(await em.find('Summary', {})), ['Ann', 'Robert', 'Ed', 'Eve']);
  assert.deepEqual(names(await em.find('Summary', { born: { $gte: day(2) } })), ['Ann', 'Eve']);
  assert.deepEqual(names(await em.find('Summary', { $not: { name: { $like: 'E%' } } })), ['Ann', 'Robert']);
  const orderBy = [{ length: 'desc' }, { name: 'asc' }];
  assert.deepEqual(names(await em.find('Summary', {}, { orderBy, limit: 2, offset: 1 })), ['Ann', 'Eve']);
  assert.equal((await em.findOne('Summary', { length: 2 }))?.name, 'Ed');
  assert.equal(await em.findOne('Summary', { length: 9 }), null);
  const [first] = await em.find('Summary', {});
  assert.deepEqual([first.born, first.tags, first.extra], [day(3), ['a'], undefined]);
});

test('counts, and pages by cursors', async () => {
  const em = await open(() => ROWS);
  assert.equal(await em.count('Summary', { length: 3 }), 2);
  const [rows, total] = await em.findAndCount('Summary', { length: { $lt: 6 } }, { limit: 1, offset: 1 });
  assert.deepEqual([names(rows), total], [['Ed'], 3]);
  const page = (options: object) => {
    const all = { orderBy: { name: 'asc' }, ...options };
    return coreMajor === 6 ? em.findByCursor('Summary', {}, all) : em.findByCursor('Summary', all);
  };
  const begin = await page({ first: 3 });
  assert.deepEqual(
    [names(begin.items), begin.totalCount, begin.hasNextPage],
    [['Ann', 'Ed', 'Eve'], 4, true],
  );
  const end = await page({ first: 3, after: begin.endCursor });
  assert.deepEqual([names(end.items), end.hasNextPage], [['Robert'], false]);
});

test('a function may narrow its rows by the condition, and does not learn of the page', async () => {
  const seen: Loose[] = [];
  const em = await open((_: Loose, where: Loose, options: Loose) => {
    seen.push([where, options.limit, options.offset]);
    return ROWS.slice(options.offset ?? 0).filter(({ length }) => length === where.length);
  });
  assert.deepEqual(names(await em.find('Summary', { length: 3 }, { limit: 1, offset: 1 })), ['Eve']);
  assert.deepEqual(seen, [[{ length: 3 }, undefined, undefined]]);
});

test('what is no row of the function is refused', async () => {
  const em = await open(() => 7);
  await assert.rejects(em.find('Summary', {}), /virtual entity Summary did not return rows/);
  const good = await open(() => ROWS);
  await assert.rejects(good.insert('Summary', { name: 'x' }), /virtual/i);
  await assert.rejects(good.find('Summary', { nothing: 1 }), /nothing/);
});
