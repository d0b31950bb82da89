import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as chapter from './chapter.js';
import { coreMajor, coreVersion, inBun, Project, program, succeeded } from './project.js';

/** How `npm start` runs TypeScript: Bun does by itself, the guide for MikroORM 6 uses ts-node, the one for 7 tsx. */
function start(): string[] {
  if (inBun) return ['src/server.ts'];
  if (coreMajor === 6)
    return ['--no-warnings=ExperimentalWarning', '--loader', 'ts-node/esm', 'src/server.ts'];
  return [program('tsx', 'tsx'), 'src/server.ts'];
}

/**
 * A script of the project: what the compiler made of it, and in Bun its source.
 *
 * Core takes every program in Bun for a TypeScript one and discovers `entitiesTs`. A compiled script has other
 * classes than the sources that are discovered then, so that no driver can persist its entities.
 */
const scriptPath = (name: string) => (inBun ? `src/${name}.ts` : `dist/${name}.js`);

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

describe(`chapter 1 of the guide, with MikroORM ${coreVersion}`, () => {
  const projects: Project[] = [];

  /** Lays out a project and compiles it, where that is what runs. */
  async function build(files: Record<string, string>): Promise<Project> {
    const project = new Project(files);
    projects.push(project);
    if (!inBun) succeeded(await project.run([program('typescript', 'tsc')]));
    return project;
  }

  let building: Promise<Project> | undefined;

  /** The project as printed, built once for all tests. */
  function built(): Promise<Project> {
    const decorators = coreMajor === 6 ? '@mikro-orm/core' : '@mikro-orm/decorators/legacy';
    building ??= build({
      ...chapter.files(chapter.configWithOptions, decorators),
      'src/global-context.ts': chapter.scriptWithGlobalContext,
      'src/no-schema.ts': chapter.scriptWithoutSchema,
      // Only for its types: the sources that `npm start` runs have it in place of the other.
      'src/helper.config.ts': chapter.configWithHelper,
    });
    return building;
  }

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
    const project = new Project(chapter.files(chapter.configWithHelper, 'collection-store-mikro-orm'));
    projects.push(project);
    assertOutputOfScript(succeeded(await project.run(start())));
  });

  // Its own guide has no decorators; that of 6 is the one above.
  if (coreMajor === 7) {
    test('the script in the guide of MikroORM 7 prints the same', async () => {
      const project = await build(chapter.filesOf7);
      assertOutputOfScript(succeeded(await project.run([scriptPath('server')])));
    });
  }
});
