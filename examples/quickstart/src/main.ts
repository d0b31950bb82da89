// The world in a collection store: run it with `npm run quickstart`.
import { type CollectionStoreConnection, MikroORM, defineConfig } from 'collection-store-mikro-orm';
import { City, Country, Language, Location } from './entities.js';
import { loadWorld } from './load.js';
import { duration, heading, printTimes, say, table, timed } from './screen.js';

const orm = await timed('start MikroORM', () =>
  MikroORM.init(defineConfig({ entities: [City, Country, Language, Location], dbName: 'world' })),
);
await timed('create the schema', () => orm.schema.createSchema());

heading('The cities, countries and languages of the world');
const start = performance.now();
const rows = await timed('load everything', () => loadWorld(orm));
const took = performance.now() - start;
say(
  `${rows.toLocaleString('en-GB')} rows through MikroORM in ${duration(took)}: ${Math.round(rows / (took / 1_000)).toLocaleString('en-GB')} a second`,
);

const em = orm.em.fork();

heading('Which are the ten largest cities?');
const largest = await timed('ten largest cities', () =>
  em.find(City, {}, { orderBy: { population: 'desc' }, limit: 10, populate: ['country'] }),
);
table(largest.map((city) => ({ city: city.name, country: city.country.name, population: city.population })));

heading('How many cities have more than a million people? How many are called San something?');
const millions = await timed('count by population', () => em.count(City, { population: { $gt: 1_000_000 } }));
const saints = await timed('count by prefix', () => em.count(City, { name: { $like: 'San %' } }));
say(`${millions} have more than a million, ${saints.toLocaleString('en-GB')} are called San something.`);

heading('Which inhabited places lie farthest south?');
const southern = await timed('order by an embedded field', () =>
  em.find(
    City,
    { population: { $gt: 0 } },
    { orderBy: { location: { lat: 'asc' } }, limit: 5, populate: ['country'] },
  ),
);
table(southern.map((city) => ({ city: city.name, country: city.country.name, latitude: city.location.lat })));

heading('Which country is called スイス連邦 in Japanese, what is spoken there, and who are its neighbours?');
const swiss = await timed('find in a document, populate', () =>
  em.findOneOrFail(
    Country,
    { translations: { jpn: { official: 'スイス連邦' } } },
    { populate: ['languages', 'borders'] },
  ),
);
table([
  {
    country: swiss.name,
    languages: swiss.languages
      .getItems()
      .map((language) => language.name)
      .sort()
      .join(', '),
    neighbours: swiss.borders
      .getItems()
      .map((country) => country.name)
      .sort()
      .join(', '),
  },
]);

heading('Where is French spoken, in the Americas?');
const french = await timed('many to many, from the other side', () =>
  em.findOneOrFail(Language, { code: 'fra' }, { populate: ['countries'] }),
);
say(
  french.countries
    .getItems()
    .filter((country) => country.region === 'Americas')
    .map((country) => country.name)
    .sort()
    .join(', '),
);

heading('A transaction that fails leaves nothing behind');
const before = await orm.em.fork().count(City);
try {
  await timed('failed transaction', () =>
    orm.em.fork().transactional(async (tx) => {
      await tx.nativeDelete(City, { population: { $lt: 100_000 } });
      say(`inside: ${(await tx.count(City)).toLocaleString('en-GB')} cities`);
      throw new Error('changed my mind');
    }),
  );
} catch (error) {
  say(`it failed: ${(error as Error).message}`);
}
say(
  `outside: ${(await orm.em.fork().count(City)).toLocaleString('en-GB')} cities, as many as the ${before.toLocaleString('en-GB')} before`,
);

heading('A savepoint: the inner part is undone, the outer part stays');
await timed('transaction with a savepoint', () =>
  orm.em.fork().transactional(async (tx) => {
    const atlantis = tx.create(Country, {
      code: 'XX',
      name: 'Atlantis',
      region: 'Oceans',
      area: 1,
      location: { lat: 31, lon: -24 },
      translations: {},
    });
    await tx.persist(atlantis).flush();
    await tx
      .transactional(async (inner) => {
        await inner.nativeUpdate(Country, { code: 'XX' }, { name: 'Lost' });
        throw new Error('Atlantis is not lost');
      })
      .catch((error: Error) => say(`inner transaction: ${error.message}`));
  }),
);
const atlantis = await orm.em.fork().findOneOrFail(Country, 'XX');
say(`after the commit the country XX is called ${atlantis.name}`);

heading('A snapshot of the whole store, and back to it');
const connection = orm.em.getConnection() as CollectionStoreConnection;
const snapshot = await timed('snapshot', () => connection.snapshot());
await timed('delete every city', () => orm.em.fork().nativeDelete(City, {}));
say(`after deleting: ${await orm.em.fork().count(City)} cities`);
await timed('restore', () => connection.restore(snapshot));
say(`after restoring: ${(await orm.em.fork().count(City)).toLocaleString('en-GB')} cities`);

heading('How long it took');
printTimes();
await orm.close(true);
