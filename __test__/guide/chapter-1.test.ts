import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as chapter from './chapter.js';
import { coreMajor, coreVersion, inBun, Project, programs, type Run, shebangOptions } from './project.js';

const packages = [
  '@mikro-orm/core',
  'collection-store-mikro-orm',
  '@mikro-orm/reflection',
  '@mikro-orm/cli',
  'typescript',
  ...(coreMajor === 6 ? ['ts-node'] : ['@mikro-orm/decorators', 'tsx']),
];

/** How `npm start` runs TypeScript: Bun does by itself, the guide for MikroORM 6 uses ts-node, the one for 7 tsx. */
function start(): string[] {
  if (inBun) return ['src/server.ts'];
  if (coreMajor === 6)
    return ['--no-warnings=ExperimentalWarning', '--loader', 'ts-node/esm', 'src/server.ts'];
  return [program('tsx', 'tsx'), 'src/server.ts'];
}

function program(name: string, bin: string): string {
  const path = programs(name)[bin];
  assert.ok(path, `${name} installs ${bin}`);
  return path;
}

/**
 * A script of the project: what the compiler made of it, and in Bun its source.
 *
 * Core takes every program in Bun for a TypeScript one and discovers `entitiesTs`. A compiled script has other
 * classes than the sources that are discovered then, so that no driver can persist its entities.
 */
const scriptPath = (name: string) => (inBun ? `src/${name}.ts` : `dist/${name}.js`);

/** `npx mikro-orm`, or `npx mikro-orm-esm`, which differs by the options in its first line. */
function cli(bin: 'mikro-orm' | 'mikro-orm-esm', ...args: string[]): string[] {
  const path = program('@mikro-orm/cli', bin);
  return [...(inBun ? [] : shebangOptions(path)), path, ...args];
}

/** The command line that reads a TypeScript configuration of an ES module project. */
const typescriptCli = inBun || coreMajor === 7 ? 'mikro-orm' : 'mikro-orm-esm';

function succeeded({ code, output }: Run): string {
  assert.equal(code, 0, output);
  return output;
}

/** The lines between two that begin with the given texts, each of which must be there. */
function between(output: string, from: string, to: string): string[] {
  const lines = output.split('\n');
  const first = lines.findIndex((line) => line.startsWith(from));
  const last = lines.findIndex((line, index) => index > first && line.startsWith(to));
  assert.ok(first >= 0 && last > first, `"${from}" and then "${to}" in\n${output}`);
  return lines.slice(first + 1, last);
}

/** Asserts that lines are logged engine calls, each matching its pattern. */
function assertQueries(lines: string[], ...patterns: RegExp[]): void {
  const queries = lines.filter((line) => line.startsWith('[query]'));
  assert.equal(queries.length, patterns.length, queries.join('\n'));
  for (const [index, pattern] of patterns.entries()) assert.match(queries[index] ?? '', pattern);
}

const begin = /^\[query\] begin\b/;
const commit = /^\[query\] commit\b/;
const found = /^\[query\] .*\buser\b.*\[took [\d.]+ ms, 1 result\]$/;
const changed = (verb: string) =>
  new RegExp(`^\\[query\\] .*\\b${verb}\\b.*\\buser\\b.*\\[took [\\d.]+ ms, 1 row affected\\]$`);

/** Asserts everything that the chapter says its script prints. */
function assertOutputOfScript(output: string): void {
  assertQueries(between(output, '[query] begin', 'user id is: 1'), changed('insert'), commit);
  // By primary key it is in the identity map already: only the other two are asked for.
  assertQueries(between(output, 'user id is: 1', 'users are the same? true'), found, found);
  assertQueries(
    between(output, 'users are the same? true', 'verify the EM ids are different:'),
    begin,
    changed('update'),
    commit,
  );
  const ids = /^verify the EM ids are different: (\d+) (\d+)$/m.exec(output);
  assert.ok(ids, output);
  assert.notEqual(ids[1], ids[2]);
  assertQueries(
    between(
      output,
      'verify the EM ids',
      'users are no longer the same, as they came from different EM: false',
    ),
    found,
  );
  assertQueries(between(output, 'users are no longer the same', 'changes are lost User {'), found);
  assert.deepEqual(
    between(output, 'changes are lost User {', '}')
      .map((line) => line.trim().replace(/,$/, '').replaceAll('"', "'"))
      .sort(),
    ["bio: '...'", "email: 'foo@bar.com'", "fullName: 'Foo Bar'", 'id: 1', "password: '123456'"],
  );
  assertQueries(
    between(output, 'changes are lost', 'userRef is initialized: false'),
    begin,
    changed('update'),
    commit,
  );
  assertQueries(between(output, 'userRef is initialized: false', 'userRef is initialized: true'), found);
  assert.match(
    between(output, 'userRef is initialized: true', '[query] begin').join('\n'),
    /bio: ["']some change, will be saved["']/,
  );
  assertQueries(
    between(output, 'userRef is: ', 'users left: 0'),
    begin,
    changed('delete'),
    commit,
    /^\[query\] .*\bcount\b.*\buser\b/,
  );
}

/** Asserts that the command line found a configuration with our driver, and the store. */
function assertConnected(output: string): void {
  assert.match(output, /- configuration found/);
  assert.match(output, /- driver dependencies:\n +- collection-store-mikro-orm \d+\.\d+\.\d+/);
  assert.match(output, /- database connection successful/);
}

describe(`chapter 1 of the guide, with MikroORM ${coreVersion}`, () => {
  const projects: Project[] = [];

  /** Writes the chapter's project into a folder of its own. */
  function layOut(files: Record<string, string>): Project {
    const project = new Project();
    projects.push(project);
    project.write({
      'package.json': chapter.manifest(packages),
      'tsconfig.json': chapter.tsconfig,
      ...files,
    });
    return project;
  }

  const filesOf6 = (config: string, decorators: chapter.DecoratorPackage) => ({
    'src/mikro-orm.config.ts': config,
    'src/modules/user/user.entity.ts': chapter.entity(decorators),
    'src/server.ts': chapter.script,
  });

  /** The project as printed, compiled where that is what runs; `built` does it once for all tests. */
  async function build(): Promise<Project> {
    const decorators = coreMajor === 6 ? '@mikro-orm/core' : '@mikro-orm/decorators/legacy';
    const project = layOut({
      ...filesOf6(chapter.configWithOptions, decorators),
      'src/global-context.ts': chapter.scriptWithGlobalContext,
      'src/no-schema.ts': chapter.scriptWithoutSchema,
      // Only for its types: the sources that `npm start` runs have it in place of the other.
      'src/helper.config.ts': chapter.configWithHelper,
    });
    if (!inBun) succeeded(await project.run([program('typescript', 'tsc')]));
    return project;
  }

  let building: Promise<Project> | undefined;
  const built = () => (building ??= build());

  after(() => {
    for (const project of projects) project.remove();
  });

  if (!inBun) {
    test('the build writes scripts, and the declarations that reflection reads', async () => {
      const { folder } = await built();
      const paths = [
        'mikro-orm.config.js',
        'server.js',
        'modules/user/user.entity.js',
        'modules/user/user.entity.d.ts',
      ];
      assert.deepEqual(
        paths.filter((path) => !existsSync(join(folder, 'dist', path))),
        [],
      );
    });

    test('the command line without TypeScript finds the compiled configuration and connects', async () => {
      const project = await built();
      const withoutTypeScript = { MIKRO_ORM_CLI_USE_TS_NODE: '0', MIKRO_ORM_CLI_PREFER_TS: '0' };
      const output = succeeded(await project.run(cli('mikro-orm', 'debug'), withoutTypeScript));
      assert.match(output, /dist\/mikro-orm\.config\.js \(found\)/);
      assertConnected(output);
    });
  }

  test('the global EntityManager is not for use', async () => {
    const project = await built();
    const { code, output } = await project.run([scriptPath('global-context')]);
    assert.notEqual(code, 0);
    assert.match(output, /EntityManager<\d+>/);
    assert.match(output, /CollectionStoreSchemaGenerator/);
    assert.match(
      output,
      /ValidationError: Using global EntityManager instance methods for context specific actions is disallowed/,
    );
    assert.doesNotMatch(output, /user id is/);
  });

  test('without a schema the insert names the missing table', async () => {
    const project = await built();
    const { code, output } = await project.run([scriptPath('no-schema')]);
    assert.notEqual(code, 0);
    assert.match(output, /TableNotFoundException: .*\buser\b/);
  });

  test('the script prints what the chapter shows', async () => {
    const project = await built();
    assertOutputOfScript(succeeded(await project.run([scriptPath('server')])));
  });

  test('`npm start` runs the sources, with everything imported from this package', async () => {
    const project = layOut(filesOf6(chapter.configWithHelper, 'collection-store-mikro-orm'));
    assertOutputOfScript(succeeded(await project.run(start())));
  });

  // Its own guide has no decorators; that of 6 is the one above.
  if (coreMajor === 7) {
    test('the script in the guide of MikroORM 7 prints the same', async () => {
      const project = layOut(chapter.filesOf7);
      if (!inBun) succeeded(await project.run([program('typescript', 'tsc')]));
      assertOutputOfScript(succeeded(await project.run([scriptPath('server')])));
    });
  }

  test('the command line finds the TypeScript configuration and connects', async () => {
    const project = await built();
    const output = succeeded(await project.run(cli(typescriptCli, 'debug')));
    assert.match(output, new RegExp(`- mikro-orm ${coreVersion.replaceAll('.', '\\.')}`));
    assert.match(output, /src\/mikro-orm\.config\.ts \(found\)/);
    assertConnected(output);
    const entities = /- (?:will|could) use `entities` array \(contains 0 references and 1 paths\)\n(.*)/.exec(
      output,
    );
    assert.match(entities?.[1] ?? '', inBun ? /\/dist\/.*\(not found\)/ : /\/dist\/.*\(found\)/);
    const sources =
      /- (?:will|could) use `entitiesTs` array \(contains 0 references and 1 paths\)\n(.*)/.exec(output);
    assert.match(sources?.[1] ?? '', /\/src\/.*\(found\)/);
  });

  test('`mikro-orm-esm` is there where the chapter has it', () => {
    const names = Object.keys(programs('@mikro-orm/cli')).sort();
    // MikroORM 7 is an ES module itself: its one program reads both kinds of projects.
    assert.deepEqual(names, coreMajor === 6 ? ['mikro-orm', 'mikro-orm-esm'] : ['mikro-orm']);
  });

  describe('commands for the schema, each of which begins with an empty store', () => {
    async function run(...args: string[]): Promise<string> {
      const project = await built();
      return succeeded(await project.run(cli(typescriptCli, ...args)));
    }

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
