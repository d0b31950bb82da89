/** Building the package: the native binding and both forms of the driver. */

import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, tool } from './install.mjs';
import { at, manifest, root } from './project.mjs';
import { Failure, capture, run, seconds } from './run.mjs';
import { files, fingerprint, isFresh, mark } from './stamp.mjs';

/** The names of the built bindings, one for each platform that was built here. */
export function binaries() {
  const { binaryName } = manifest.napi;
  return readdirSync(root).filter((name) => name.startsWith(`${binaryName}.`) && name.endsWith('.node'));
}

/** Builds the binding for this machine, with its loader and types. */
async function buildNative() {
  const rustc = await capture('rustc', ['-vV']).catch(() => ({ code: 1 }));
  if (rustc.code !== 0) {
    throw new Failure(
      'The native binding is written in Rust, and no rustc is here. Install Rust (https://rustup.rs), then start again.',
    );
  }
  const sources = [at('Cargo.toml'), at('Cargo.lock'), at('build.rs'), ...files(at('src'))];
  const stamp = fingerprint(
    sources,
    rustc.output,
    JSON.stringify(manifest.napi),
    process.env.RUSTFLAGS ?? '',
  );
  const stampFile = at('.cache/native.stamp');
  if (isFresh(stampFile, stamp) && binaries().length > 0 && existsSync(at('index.js'))) return;
  console.log('building the native binding (release; about a minute the first time)');
  const start = performance.now();
  rmSync(stampFile, { force: true });
  await run(
    process.execPath,
    [tool('@napi-rs/cli/dist/cli.js'), 'build', '--platform', '--release', '--', '--locked'],
    {
      quiet: true,
    },
  );
  mark(stampFile, stamp);
  console.log(`built ${binaries().join(', ')} in ${seconds(performance.now() - start)}`);
}

/** What is required of the CommonJS form: what the package exports, its command, and what needs a file of its own. */
const ENTRIES = ['index', 'testing', 'migrations/index', 'cli/main', 'native/engine', 'native/require'];

/** Makes few CommonJS files of many ECMAScript modules: an application reads and runs them one by one before it starts. */
async function rollUp(from, to) {
  const { rollup } = await import('@rollup/wasm-node');
  const modules = await rollup({
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(from, `${name}.js`)])),
    external: (name) => !/^[./]/.test(name),
    onLog: (level, log) => {
      if (level !== 'warn' || log.code === 'CIRCULAR_DEPENDENCY') return;
      throw new Failure(log.message);
    },
  });
  await modules.write({
    dir: to,
    format: 'cjs',
    exports: 'named',
    interop: 'auto',
    chunkFileNames: 'shared/[name].js',
  });
  await modules.close();
}

/** Puts modules that have a form for ECMAScript modules, `x.esm.ts`, in the place of the others. */
function takeForms(folder) {
  for (const file of files(folder).filter((name) => name.endsWith('.esm.js')))
    renameSync(file, file.replace(/\.esm\.js$/, '.js'));
}

/** Compiles the driver twice: as ECMAScript modules and as CommonJS. */
async function buildDriver() {
  const sources = [at('package.json'), at('package-lock.json'), ...files(at('driver'))];
  const stamp = fingerprint(sources);
  const stampFile = at('.cache/driver.stamp');
  if (isFresh(stampFile, stamp) && existsSync(at('dist/cjs/package.json'))) return;
  console.log('compiling the driver');
  rmSync(at('dist'), { recursive: true, force: true });
  for (const [form, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ]) {
    await run(process.execPath, [tool('typescript/bin/tsc'), '-p', at(`driver/tsconfig.${form}.json`)]);
    if (form === 'esm') {
      await rollUp(at('dist/esm'), at('dist/cjs'));
      takeForms(at('dist/esm'));
    }
    writeFileSync(at('dist', form, 'package.json'), `${JSON.stringify({ type })}\n`);
  }
  mark(stampFile, stamp);
}

/** Installs and builds whatever is not up to date. `prebuilt`: the binding is there already and stays as it is. */
export async function build({ prebuilt = false } = {}) {
  await install();
  if (!prebuilt) await buildNative();
  else if (binaries().length === 0)
    throw new Failure('There is no prebuilt binding in the root of the repository.');
  await buildDriver();
}

/** Compiles the driver alone, for a publication of bindings that were built elsewhere. */
export async function buildDriverOnly() {
  await install();
  await buildDriver();
}
