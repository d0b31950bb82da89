/**
 * `npm run pack:test`: packs, lints the tarball, then installs it into empty projects outside of the repository, with npm
 * and with Bun, MikroORM 6 and 7, and runs the read-me's quick start there: as ESM and CommonJS, in Node.js and Bun.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { tool } from './lib/install.mjs';
import { pack } from './lib/pack.mjs';
import { manifest } from './lib/project.mjs';
import { quickStart } from './lib/readme.mjs';
import { capture, Failure, main, run, seconds, step } from './lib/run.mjs';
import { runtime } from './lib/runtimes.mjs';

const projects = [
  { core: '6.6.16', extra: [], runtimes: ['node', 'node22', 'bun'] },
  {
    core: '7.2.1',
    extra: ['@mikro-orm/decorators@7.2.1', 'reflect-metadata@0.2.2'],
    runtimes: ['node22', 'bun'],
  },
];
const expected = 'User created with ID: 1';

let passed = 0;
let failed = 0;

/** Runs a program and checks its exit code and output. */
async function check(title, command, args, cwd, { code: wantedCode = 0, texts }) {
  const { code, output } = await capture(command, args, { cwd, timeout: 120_000 });
  const missing = texts.filter((text) => !output.includes(text));
  if ((code === 0) === (wantedCode === 0) && missing.length === 0) {
    passed++;
    console.log(`ok      ${title}`);
    return;
  }
  failed++;
  console.log(
    `FAILED  ${title}: exit code ${code}${missing.map((text) => `, '${text}' not printed`).join('')}\n${output}`,
  );
}

/** An empty project with the tarballs installed. */
async function createProject(manager, { core, extra }, tarballs) {
  const folder = mkdtempSync(join(tmpdir(), 'collection-store-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const packages = [...tarballs, `@mikro-orm/core@${core}`, ...extra];
  const start = performance.now();
  if (manager.kind === 'bun') {
    await run(manager.program, ['add', ...packages], { cwd: folder, quiet: true });
  } else {
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], {
      cwd: folder,
      quiet: true,
    });
  }
  for (const [name, text] of Object.entries(quickStart({ metadata: extra.length > 0 })))
    writeFileSync(join(folder, name), text);
  console.log(`installed in ${seconds(performance.now() - start)}`);
  return folder;
}

/** A project without the binding says what is missing, and what to do. */
async function checkMissingBinary(folder, engine) {
  for (const name of platformPackages) rmSync(join(folder, 'node_modules', name), { recursive: true });
  await check(`${engine.title} without the binding`, engine.program, ['quick-start.mjs'], folder, {
    code: 1,
    texts: [...platformPackages, 'Possible solutions', process.platform],
  });
}

let platformPackages = [];

await main(async () => {
  const start = performance.now();
  await build();
  step('Pack');
  const { main: tarball, platforms } = await pack();
  platformPackages = platforms.map((path) =>
    path.replace(/.*[\\/]/, '').replace(`-${manifest.version}.tgz`, ''),
  );
  await run(process.execPath, [tool('publint/src/cli.js'), 'run', tarball, '--strict']);
  await run(process.execPath, [
    tool('@arethetypeswrong/cli/dist/index.js'),
    tarball,
    '--no-color',
    '--format',
    'ascii',
  ]);

  for (const manager of [{ kind: 'npm', title: 'npm' }, await runtime('bun')]) {
    for (const project of projects) {
      step(`MikroORM ${project.core}, installed with ${manager.kind}`);
      const folder = await createProject(manager, project, [tarball, ...platforms]);
      for (const name of project.runtimes) {
        const engine = await runtime(name);
        for (const file of ['quick-start.mjs', 'quick-start.cjs']) {
          await check(`${file} in ${engine.title}`, engine.program, [file], folder, { texts: [expected] });
        }
      }
      await check('types', process.execPath, [tool('typescript/bin/tsc'), '-p', folder], folder, {
        texts: [],
      });
      await checkMissingBinary(folder, await runtime(project.runtimes.at(-1)));
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.log(`\n${passed} passed, ${failed} failed (${seconds(performance.now() - start)})`);
  if (failed > 0) throw new Failure('The packed package does not work everywhere.');
});
