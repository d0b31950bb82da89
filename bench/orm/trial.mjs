/** One contestant with one size in a process of its own: `trial.mjs CORE-FOLDER CONTESTANT OPTIONS`; the last line is JSON. */
import { createHash } from 'node:crypto';

const [, , folder, name, given] = process.argv;
const { data, size, warmUps, runs, budget, only } = JSON.parse(given);
const { entitiesOf, fill, FILL, WORK, state } = await import(`./${data}.mjs`);
const { load } = await import(`./${folder}/load.mjs`);
const core = await load('@mikro-orm/core');
const { driver } = await import(`./contestants/${name}.mjs`);

const entities = entitiesOf(core);
const config = await driver(load);
const orm = await core.MikroORM.init({
  driver: config.driver,
  entities: Object.values(entities),
  dbName: config.dbName ?? ':memory:',
  ensureDatabase: !config.schemaless,
});
if (!config.schemaless) await (orm.schema.create ? orm.schema.create() : orm.schema.createSchema());
const filling = [performance.now(), process.cpuUsage()];
await fill(orm.em.fork(), entities, { size, load });
const filled = performance.now() - filling[0];
const { user, system } = process.cpuUsage(filling[1]);

/** Members of collections are in no order. */
const sorted = (_, value) =>
  Array.isArray(value) ? value.map((one) => JSON.stringify(one, sorted)).sort() : value;

/** What a result says, whatever the order of rows that were not asked for in an order. */
function digest(result) {
  const plain = (value) => JSON.stringify(core.wrap(value).toPOJO(), sorted);
  const text = Array.isArray(result)
    ? result.map(plain).sort().join('\n')
    : result && typeof result === 'object'
      ? plain(result)
      : String(result);
  return createHash('sha1').update(text).digest('hex').slice(0, 12);
}

async function measure(work) {
  const took = [];
  const digests = [];
  const processor = [];
  const used = (since) => {
    const { user, system } = process.cpuUsage(since);
    return user + system;
  };
  const { times: count = 1 } = work;
  const began = process.cpuUsage();
  for (let trial = 0; trial < warmUps + runs; trial += 1) {
    await work.before?.(orm.em.fork(), { ...entities, size, times: count });
    let result;
    const cpu = process.cpuUsage();
    const start = performance.now();
    for (let at = 0; at < count; at += 1) {
      result = await work.run({ em: orm.em.fork(), ...entities, size, trial: trial * count + at, at });
    }
    const time = ((performance.now() - start) * 1_000) / count;
    const spent = used(cpu) / count;
    if (trial < 2) digests.push(digest(result));
    await work.undo?.(orm.em.fork(), { ...entities, size });
    if (trial >= warmUps) {
      took.push(time);
      processor.push(spent);
    }
    // Slow work gets fewer runs rather than hours. The budget is the processor's: a busy machine takes longer, not worse.
    if (trial >= Math.min(warmUps, 2) && used(began) > budget * 1_000) {
      if (took.length === 0) {
        took.push(time);
        processor.push(spent);
      }
      break;
    }
  }
  for (const measured of [took, processor]) measured.sort((a, b) => a - b);
  const at = (part) => took[Math.min(took.length - 1, Math.floor(took.length * part))];
  return {
    runs: took.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    processor: processor[processor.length >> 1],
    digests,
  };
}

const results = {};
if (FILL && (!only || FILL.includes(only))) {
  const took = filled * 1_000;
  results[FILL] = { runs: 1, p50: took, p95: took, p99: took, processor: user + system, digests: [] };
}
for (const [title, work] of Object.entries(WORK)) {
  if ((only && !title.includes(only)) || (work.rows ?? 0) > size) continue;
  try {
    results[title] = await measure(work);
  } catch (error) {
    // The floor does not do everything; whoever else fails fails the run.
    if (!(name === 'null' && /^The null driver/.test(error.message))) throw error;
  }
}
const everything = {};
for (const [title, entity] of Object.entries(entities))
  everything[title] = await orm.em.fork().count(entity, {});
everything.state = digest(JSON.stringify(await state(orm.em.fork(), entities)));
await orm.close(true);
console.log(
  `\n${JSON.stringify({ results, everything, peak: Math.round(process.resourceUsage().maxRSS / 1024) })}`,
);
