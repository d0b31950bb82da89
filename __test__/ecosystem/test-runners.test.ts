/** `isolateTests` and `forkOrm` under the real test runners, as suites of applications are run. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { coreMajor, coreVersion, inBun, Project, program } from '../guide/project.js';

/** Jest and Vitest are installed beside the newest of each major. */
const withRunners = !inBun && !coreVersion.startsWith('6.4');
const none = { beforeAll: 'beforeAll', afterAll: 'afterAll' };
const ofNode = { beforeAll: 'before', afterAll: 'after' };

interface Form {
  /** What the suite needs of its runner. */
  readonly imports: string;
  readonly hooks?: { readonly beforeAll: string; readonly afterAll: string };
  /** What is given to `isolateTests` beside the ORM. */
  readonly given?: string;
}

/** A suite of an application, which writes the names of the tests that ran into a file. */
const suite = (name: string, { imports, hooks = none, given = '' }: Form) => `
${imports}
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { EntitySchema, MikroORM } from 'collection-store-mikro-orm';
import { isolateTests } from 'collection-store-mikro-orm/testing';

class City {}
const id = { type: 'number', primary: true };
const CitySchema = new EntitySchema({ class: City, properties: { id, name: { type: 'string', unique: true } } });

let orm;
isolateTests(() => orm${given});
${hooks.beforeAll}(async () => {
  orm = await MikroORM.init({ entities: [CitySchema], dbName: ':memory:', allowGlobalContext: true });
  await orm.schema.createSchema();
  orm.em.create(City, { name: 'Wien' });
  await orm.em.flush();
});
${hooks.afterAll}(() => orm.close(true));

const ran = (text) => appendFileSync('${name}.txt', text + '\\n');
const names = async () => (await orm.em.fork().find(City, {}, { orderBy: { id: 1 } })).map(({ name }) => name);
const add = async (name) => {
  const em = orm.em.fork();
  const city = em.create(City, { name });
  await em.flush();
  return city.id;
};

test('commits', async () => {
  assert.equal(await add('Graz'), 2);
  await orm.em.findOne(City, { name: 'Graz' });
  await orm.em.find(City, {}, { cache: ['cities', 60_000] });
  ran('commits');
});

test('begins anew', async () => {
  assert.deepEqual(await names(), ['Wien']);
  assert.equal(orm.em.getUnitOfWork().getById('City', 2) ?? undefined, undefined);
  assert.equal(orm.em.getUnitOfWork().getIdentityMap().keys().length, 0);
  assert.equal((await orm.em.find(City, {}, { cache: ['cities', 60_000] })).length, 1);
  assert.equal(await add('Linz'), 2);
  ran('begins anew');
});

describe('a suite with a seed of its own', () => {
  ${hooks.beforeAll}(async () => {
    assert.deepEqual(await names(), ['Wien']);
    await add('Bregenz');
  });

  test('commits too', async () => {
    assert.equal(await add('Graz'), 3);
    await orm.schema.dropSchema();
    ran('commits too');
  });

  describe('and one inside', () => {
    ${hooks.beforeAll}(() => add('Eisenstadt'));

    for (const round of [1, 2]) {
      test('has all seeds ' + round, async () => {
        assert.deepEqual(await names(), ['Wien', 'Bregenz', 'Eisenstadt']);
        assert.equal(await add('Graz'), 4);
        ran('has all seeds ' + round);
      });
    }
  });
});

describe('a test that fails', () => {
  test('fails', async () => {
    await add('Graz');
    ran('fails');
    throw new Error('as it should');
  });

  test('is put back as well', async () => {
    assert.ok(!(await names()).includes('Graz'));
    ran('is put back as well');
  });
});
`;

/** The same suite as CommonJS. */
const commonJs = (text: string) =>
  text.replace(/^import (.*) from ('.*');$/gm, (_, names, from) => `const ${names} = require(${from});`);

const all = [
  'commits',
  'begins anew',
  'commits too',
  'has all seeds 1',
  'has all seeds 2',
  'fails',
  'is put back as well',
];
const node = "import { after, before, describe, test } from 'node:test';";

const project = new Project({
  'package.json': '{"type":"module"}',
  'node.test.mjs': suite('node-esm', { imports: node, hooks: ofNode }),
  'node.test.cjs': commonJs(suite('node-cjs', { imports: node, hooks: ofNode })),
  'bun.test.mjs': suite('bun-esm', {
    imports: "import { afterAll, beforeAll, describe, test } from 'bun:test';",
  }),
  'bun-cjs.test.cjs': commonJs(suite('bun-cjs', { imports: '' })),
  'jest/one.cjs': commonJs(suite('jest-one', { imports: '' })),
  'jest/two.cjs': commonJs(suite('jest-two', { imports: '' })),
  'jest/esm.mjs': suite('jest-esm', { imports: '' }),
  'jest/given.mjs': suite('jest-given', {
    imports: "import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from '@jest/globals';",
    given: ', { afterEach, beforeEach }',
  }),
  'vitest/given.test.mjs': suite('vitest-given', {
    imports:
      "import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';\nimport * as vitest from 'vitest';",
    given: ', vitest',
  }),
  'vitest/global.test.mjs': suite('vitest-global', { imports: '' }),
  ...forkedFiles(),
  'nested.test.mjs': `
    import { test } from 'node:test';
    import { MikroORM, EntitySchema } from 'collection-store-mikro-orm';
    import { isolateTests } from 'collection-store-mikro-orm/testing';
    const City = new EntitySchema({ name: 'City', properties: { id: { type: 'number', primary: true } } });
    const orm = await MikroORM.init({ entities: [City], dbName: ':memory:' });
    await orm.schema.createSchema();
    isolateTests(orm);
    await test('outer', async (t) => {
      await orm.em.fork().insert('City', { id: 1 });
      for (const round of [1, 2]) {
        await t.test('inner ' + round, () => orm.em.fork().insert('City', { id: 2 }));
      }
      if ((await orm.em.fork().count('City')) !== 1) throw new Error('of an inner test something is left');
    });
  `,
  'vitest/concurrent.test.mjs': `
    import { afterEach, beforeEach, test } from 'vitest';
    import { EntitySchema, MikroORM } from 'collection-store-mikro-orm';
    import { forkOrm, isolateTests } from 'collection-store-mikro-orm/testing';
    const City = new EntitySchema({ name: 'City', properties: { id: { type: 'number', primary: true } } });
    const orm = await MikroORM.init({ entities: [City], dbName: ':memory:' });
    await orm.schema.createSchema();
    isolateTests(orm, { afterEach, beforeEach });
    const later = () => new Promise((done) => setTimeout(done, 50));
    test.concurrent('one', later);
    test.concurrent('two', later);
  `,
});

after(() => project.remove());

/** The names of the tests of a suite that ran through. */
const ran = (name: string) =>
  readFileSync(join(project.folder, `${name}.txt`), 'utf8')
    .trim()
    .split('\n');

/** Runs suites, of whose tests one fails, as it should. */
async function runs(names: readonly string[], args: readonly string[]) {
  const { code, output } = await project.run(args);
  assert.notEqual(code, 0, output);
  for (const name of names) {
    assert.deepEqual(ran(name), all, output);
  }
}

/** Suites in threads that work on forks of a store which the first thread has filled. */
function forkedFiles(): Record<string, string> {
  const config = `
    import { EntitySchema } from 'collection-store-mikro-orm';
    export class City {}
    const id = { type: 'number', primary: true };
    const CitySchema = new EntitySchema({ class: City, properties: { id, name: { type: 'string' } } });
    export default { entities: [CitySchema], dbName: 'seeded' };
  `;
  const file = `
    import assert from 'node:assert/strict';
    import { afterAll, afterEach, beforeEach, test } from 'vitest';
    import { forkOrm, isolateTests } from 'collection-store-mikro-orm/testing';
    import config, { City } from './config.mjs';
    const orm = await forkOrm(config);
    isolateTests(orm, { afterEach, beforeEach });
    afterAll(() => orm.close());
    for (const round of [1, 2]) {
      test('round ' + round, async () => {
        assert.equal(await orm.em.fork().count(City), 1000);
        assert.equal(await orm.em.fork().insert(City, { name: 'Graz' }), 1001);
        assert.equal(await orm.em.fork().nativeDelete(City, { id: { $lte: 1000 } }), 1000);
      });
    }
  `;
  return {
    'forked/config.mjs': config,
    'forked/vitest.config.mjs': `
      export default { test: { pool: 'threads', globalSetup: './setup.mjs' } };
    `,
    'forked/setup.mjs': `
      import { MikroORM } from 'collection-store-mikro-orm';
      import config, { City } from './config.mjs';
      export default async () => {
        const orm = await MikroORM.init(config);
        await orm.schema.createSchema();
        await orm.em.fork().insertMany(City, Array.from({ length: 1000 }, (_, i) => ({ name: 'City ' + i })));
        return async () => {
          if ((await orm.em.fork().count(City)) !== 1000) throw new Error('the seed was touched');
          await orm.close();
        };
      };
    `,
    'forked/one.test.mjs': file,
    'forked/two.test.mjs': file,
  };
}

describe('node:test', { skip: inBun }, () => {
  test('as ESM and as CommonJS', async () => {
    await runs(['node-esm', 'node-cjs'], ['--test', 'node.test.mjs', 'node.test.cjs']);
  });

  test('subtests begin where their test is', async () => {
    const { code, output } = await project.run(['--test', 'nested.test.mjs']);
    assert.equal(code, 0, output);
  });
});

describe('bun:test', { skip: !inBun }, () => {
  test('as ESM and as CommonJS', () =>
    runs(['bun-esm', 'bun-cjs'], ['test', './bun.test.mjs', './bun-cjs.test.cjs']));
});

describe('Jest', { skip: !withRunners }, () => {
  const config = (pattern: string) =>
    JSON.stringify({
      testEnvironment: 'node',
      testMatch: [`**/jest/${pattern}`],
      moduleFileExtensions: ['js', 'mjs', 'cjs', 'json', 'node'],
      transform: {},
    });
  const jest = (pattern: string) => [program('jest', 'jest'), '-i', '--config', config(pattern)];

  test('as CommonJS, file after file in one process', { skip: coreMajor === 7 }, () =>
    runs(['jest-one', 'jest-two'], jest('{one,two}.cjs')),
  );

  test('as ESM, with global hooks and with given ones', () =>
    runs(['jest-esm', 'jest-given'], ['--experimental-vm-modules', ...jest('*.mjs')]));
});

describe('Vitest', { skip: !withRunners }, () => {
  const vitest = (...args: string[]) => [program('vitest', 'vitest'), 'run', ...args];

  test('with hooks that are given', () => runs(['vitest-given'], vitest('vitest/given')));

  test('tests at the same time are refused', async () => {
    const { code, output } = await project.run(vitest('vitest/concurrent'));
    assert.notEqual(code, 0, output);
    assert.match(output, /Two tests run at the same time/);
  });

  test('with global hooks', () => runs(['vitest-global'], vitest('--globals', 'vitest/global')));

  test('files side by side, each on a fork of the seed', async () => {
    const { code, output } = await project.run(vitest('--root', 'forked'));
    assert.equal(code, 0, output);
    assert.match(output, /4 passed/);
  });
});
