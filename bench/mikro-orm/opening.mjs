/**
 * What opening and closing a store on a disk takes, and how long the event loop stands still meanwhile: 1,000,000 rows
 * of 150 bytes with two indexes, as a checkpoint and the log behind it. Medians, and of the standing still the most.
 *
 *     npm run bench -- opening
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { EntitySchema } from '@mikro-orm/core';
import { CollectionStoreDriver, MikroORM } from 'collection-store-mikro-orm';
import { median, table } from '../report.mjs';

const ROWS = 1_000_000;
const CHUNK = 10_000;
const TIMES = 5;

const path = mkdtempSync(join(tmpdir(), 'collection-store-opening-'));
const entities = [
  new EntitySchema({
    name: 'Person',
    properties: {
      id: { type: 'number', primary: true },
      email: { type: 'string', unique: true },
      born: { type: 'Date', index: true },
      about: { type: 'string' },
    },
  }),
];
const person = (n) => ({
  email: `person.${(n * 7919) % ROWS}@example.org`,
  born: new Date((n * 104_729) % 10_000_000),
  about: 'about '.repeat(15),
});
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** How long it takes, and how long the event loop stood still at most, in milliseconds. */
async function watched(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // The first firings of its timer only begin to measure.
  await pause(50);
  delay.reset();
  await pause(20);
  const start = performance.now();
  await work();
  const took = performance.now() - start;
  await pause(20);
  delay.disable();
  return { took, held: delay.max / 1e6 };
}

const orm = await MikroORM.init({
  driver: CollectionStoreDriver,
  entities,
  driverOptions: { path, durability: 'none' },
});
await orm.connect();
await (orm.schema.updateSchema ?? orm.schema.update).call(orm.schema);
for (let start = 0; start < ROWS; start += CHUNK) {
  await orm.em.fork().insertMany(
    'Person',
    Array.from({ length: CHUNK }, (_, n) => person(start + n)),
  );
}

const shown = { opening: [], closing: [] };
for (let n = 0; n < TIMES; n++) {
  shown.closing.push(await watched(() => orm.close(true)));
  shown.opening.push(await watched(() => orm.connect()));
}
if ((await orm.em.fork().count('Person')) !== ROWS) {
  throw new Error('rows are missing');
}
await orm.close(true);
rmSync(path, { recursive: true });

const milliseconds = (number) => `${number.toFixed(1)} ms`;
const line = (title, runs) => [
  title,
  milliseconds(median(runs.map(({ took }) => took))),
  milliseconds(Math.max(...runs.map(({ held }) => held))),
];
table(
  ['1,000,000 rows', 'takes', 'event loop held'],
  [line('opening', shown.opening), line('closing', shown.closing)],
);
