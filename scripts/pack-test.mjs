/**
 * `npm run pack:test`: packs, lints the tarball, then installs it into empty projects outside of the repository, with npm
 * and with Bun, MikroORM 6 and 7, and runs the examples of the documentation there: as ESM and CommonJS, in Node.js and Bun.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from './lib/build.mjs';
import { tool } from './lib/install.mjs';
import { pack } from './lib/pack.mjs';
import { manifest } from './lib/project.mjs';
import { examples } from './lib/readme.mjs';
import { capture, Failure, main, run, seconds, step } from './lib/run.mjs';
import { runtime } from './lib/runtimes.mjs';

const projects = [
  { core: '6.6.16', metadata: false, extra: ['umzug@3.8.2'], runtimes: ['node', 'node22', 'bun'] },
  {
    core: '7.2.1',
    metadata: true,
    extra: ['@mikro-orm/decorators@7.2.1', 'reflect-metadata@0.2.2'],
    runtimes: ['node22', 'bun'],
  },
];
const expected = {
  'quick-start': 'User created with ID: 1',
  migrations: 'CreateCities, TownsAreCities 2',
  testing: 'pass 2',
};

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

/** Installs the tarballs into an empty project, and writes the examples there. */
async function fillProject(folder, manager, { core, metadata, extra }, tarballs) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const packages = [...tarballs, `@mikro-orm/core@${core}`, ...extra];
  const start = performance.now();
  if (manager.kind === 'bun') {
    // Bun's own cache may hold an older tarball of the same version.
    const env = { BUN_INSTALL_CACHE_DIR: join(folder, '..', 'bun-cache') };
    await run(manager.program, ['add', ...packages], { cwd: folder, env, quiet: true });
  } else {
    const options = ['--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', ...options, ...packages], { cwd: folder, quiet: true });
  }
  const files = examples({ metadata });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  console.log(`installed in ${seconds(performance.now() - start)}`);
}

/** Runs all checks of one project. */
async function checkProject(folder, project, platformPackages) {
  for (const name of project.runtimes) {
    const engine = await runtime(name);
    for (const [name, text] of Object.entries(expected)) {
      // Its tests are of node:test, which Bun has in `bun test` alone.
      if (name === 'testing' && engine.kind === 'bun') continue;
      for (const file of [`${name}.mjs`, `${name}.cjs`]) {
        await check(`${file} in ${engine.title}`, engine.program, [file], folder, { texts: [text] });
      }
    }
  }
  await check('types', process.execPath, [tool('typescript/bin/tsc'), '-p', folder], folder, { texts: [] });

  for (const name of platformPackages) rmSync(join(folder, 'node_modules', name), { recursive: true });
  for (const name of project.runtimes) {
    const engine = await runtime(name);
    await check(`${engine.title} without the binding`, engine.program, ['quick-start.mjs'], folder, {
      code: 1,
      texts: [...platformPackages, 'Possible solutions', process.platform],
    });
  }
}

await main(async () => {
  const start = performance.now();
  await build();
  step('Pack');
  const { main: tarball, platforms } = await pack();
  const platformPackages = platforms.map((path) => basename(path, `-${manifest.version}.tgz`));
  await run(process.execPath, [tool('publint/src/cli.js'), 'run', tarball, '--strict']);
  const attw = [tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--no-color', '--format', 'ascii'];
  await run(process.execPath, attw);

  const temporary = mkdtempSync(join(tmpdir(), 'collection-store-'));
  try {
    for (const manager of [{ kind: 'npm' }, await runtime('bun')]) {
      for (const project of projects) {
        step(`MikroORM ${project.core}, installed with ${manager.kind}`);
        const folder = join(temporary, `${manager.kind}-${project.core}`);
        await fillProject(folder, manager, project, [tarball, ...platforms]);
        await checkProject(folder, project, platformPackages);
      }
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  console.log(`\n${passed} passed, ${failed} failed (${seconds(performance.now() - start)})`);
  if (failed > 0) throw new Failure('The packed package does not work everywhere.');
});
