/**
 * TypeScript to JavaScript, file by file, as applications of MikroORM compile their entities:
 * ES2022 modules, legacy decorators with the metadata of their types.
 */

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { at } from './project.mjs';
import { Failure } from './run.mjs';
import { files, fingerprint, isFresh, mark } from './stamp.mjs';

/** What the folder has for itself, and the target has of its own. */
const own = new Set(['package.json', 'tsconfig.json']);

/** Transpiles a folder's TypeScript into another folder; other files are copied, as are the sources, which reflection reads. */
export function transpile(source, target, skip = new Set(['node_modules'])) {
  const inputs = files(source, skip).filter((file) => !own.has(relative(source, file)));
  const stamp = fingerprint(inputs, readFileSync(at('scripts/lib/transpile.mjs')));
  const stampFile = join(target, '.transpiled');
  if (isFresh(stampFile, stamp)) return;
  const ts = createRequire(at('package.json'))('typescript');
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    isolatedModules: true,
    inlineSourceMap: true,
    inlineSources: true,
  };
  rmSync(target, { recursive: true, force: true });
  for (const input of inputs) {
    const output = join(target, relative(source, input));
    mkdirSync(dirname(output), { recursive: true });
    copyFileSync(input, output);
    if (!/(?<!\.d)\.ts$/.test(input)) continue;
    const { outputText, diagnostics } = ts.transpileModule(readFileSync(input, 'utf8'), {
      compilerOptions,
      fileName: input,
      reportDiagnostics: true,
    });
    if (diagnostics.length > 0) {
      throw new Failure(
        ts.formatDiagnostics(diagnostics, {
          getCanonicalFileName: (name) => name,
          getCurrentDirectory: () => at(),
          getNewLine: () => '\n',
        }),
      );
    }
    writeFileSync(output.replace(/\.ts$/, '.js'), outputText);
  }
  mark(stampFile, stamp);
}
