import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import * as chapter from './chapter.js';
import {
  coreMajor,
  coreVersion,
  inBun,
  Project,
  program,
  programs,
  shebangOptions,
  succeeded,
} from './project.js';

/** `npx mikro-orm`, or `npx mikro-orm-esm`, which differs by the options in its first line. */
function cli(bin: 'mikro-orm' | 'mikro-orm-esm', ...args: string[]): string[] {
  const path = program('@mikro-orm/cli', bin);
  return [...(inBun ? [] : shebangOptions(path)), path, ...args];
}

/** The command line that reads a TypeScript configuration of an ES module project. */
const typescriptCli = inBun || coreMajor === 7 ? 'mikro-orm' : 'mikro-orm-esm';

/** Asserts that the command line found a configuration with our driver, and the store. */
function assertConnected(output: string): void {
  assert.match(output, new RegExp(`- mikro-orm ${coreVersion.replaceAll('.', '\\.')}`));
  assert.match(output, /- configuration found/);
  assert.match(output, /- driver dependencies:\n +- collection-store-mikro-orm \d+\.\d+\.\d+/);
  assert.match(output, /- database connection successful/);
}

describe(`the command line of MikroORM ${coreVersion} in the guide's project`, () => {
  const project = new Project(chapter.files(chapter.configWithOptions, 'collection-store-mikro-orm'));

  after(() => project.remove());

  const run = async (...args: string[]) => succeeded(await project.run(cli(typescriptCli, ...args)));

  test('`mikro-orm-esm` is there where the chapter has it', () => {
    const names = Object.keys(programs('@mikro-orm/cli')).sort();
    // MikroORM 7 is an ES module itself: its one program reads both kinds of projects.
    assert.deepEqual(names, coreMajor === 6 ? ['mikro-orm', 'mikro-orm-esm'] : ['mikro-orm']);
  });

  test('debug finds the TypeScript configuration and connects', async () => {
    const output = await run('debug');
    assert.match(output, /src\/mikro-orm\.config\.ts \(found\)/);
    assertConnected(output);
    // Nothing is compiled yet, as at this point of the chapter.
    const found = (name: string) =>
      new RegExp(`\`${name}\` array \\(contains 0 references and 1 paths\\)\n(.*)`).exec(output)?.[1] ?? '';
    assert.match(found('entities'), /\/dist\/\*\*\/\*\.entity\.js \(not found\)/);
    assert.match(found('entitiesTs'), /\/src\/\*\*\/\*\.entity\.ts \(found\)/);
  });

  test('debug without TypeScript finds a configuration in JavaScript and connects', async () => {
    const plain = new Project({
      'package.json': '{"type":"module","devDependencies":{"@mikro-orm/cli":"*"}}',
      'mikro-orm.config.js': chapter.configWithHelper,
    });
    try {
      const withoutTypeScript = { MIKRO_ORM_CLI_USE_TS_NODE: '0', MIKRO_ORM_CLI_PREFER_TS: '0' };
      const output = succeeded(await plain.run(cli('mikro-orm', 'debug'), withoutTypeScript));
      assert.match(output, /\/mikro-orm\.config\.js \(found\)/);
      assertConnected(output);
    } finally {
      plain.remove();
    }
  });

  describe('commands for the schema, each of which begins with an empty store', () => {
    test('schema:create --run', async () => {
      assert.match(await run('schema:create', '--run'), /Schema successfully created/);
    });

    test('schema:update --dump describes the changes in words', async () => {
      const output = await run('schema:update', '--dump');
      for (const name of ['user', 'id', 'full_name', 'email', 'password', 'bio']) {
        assert.match(output, new RegExp(`\\b${name}\\b`));
      }
      assert.doesNotMatch(output, /create table/i);
    });

    test('schema:fresh --run', async () => {
      assert.match(await run('schema:fresh', '--run'), /Schema successfully dropped and recreated/);
    });

    test('schema:drop --run', async () => {
      assert.match(await run('schema:drop', '--run'), /Schema successfully dropped/);
    });

    test('database:create has nothing to do', async () => {
      assert.equal(await run('database:create'), '');
    });
  });
});
