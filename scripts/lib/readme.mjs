/** The read-me's quick start as programs of a project. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { at } from './project.mjs';
import { Failure } from './run.mjs';

/** The first TypeScript example below the heading. */
function example() {
  const [, code] =
    /^## Quick start$[\s\S]*?^```typescript\n([\s\S]*?)^```$/m.exec(readFileSync(at('README.md'), 'utf8')) ??
    [];
  if (!code) throw new Failure('README.md has no TypeScript example below "## Quick start".');
  return code;
}

/**
 * The files of a project, by name: the example as ECMAScript module and as CommonJS, in TypeScript and compiled, with a
 * tsconfig.json. `metadata`: `reflect-metadata` is imported, which MikroORM 6 does by itself.
 */
export function quickStart({ metadata }) {
  const ts = createRequire(at('package.json'))('typescript');
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  const code = example();
  const isImport = (line) => line.startsWith('import ');
  const imports = [
    ...(metadata ? ["import 'reflect-metadata'"] : []),
    ...code.split('\n').filter(isImport),
  ].join('\n');
  const body = code
    .split('\n')
    .filter((line) => !isImport(line))
    .join('\n');
  const sources = {
    'quick-start.mts': `${imports}\n${body}`,
    // CommonJS has no await outside of functions.
    'quick-start.cts': `${imports}\nasync function main() {\n${body}\n}\nvoid main()\n`,
  };
  const project = {
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...compilerOptions,
        noEmit: true,
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [at('node_modules/@types')],
      },
      files: Object.keys(sources),
    }),
  };
  for (const [name, text] of Object.entries(sources)) {
    project[name] = text;
    const options = {
      ...ts.convertCompilerOptionsFromJson(compilerOptions).options,
      module: name.endsWith('.cts') ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext,
    };
    project[name.replace('ts', 'js')] = ts.transpileModule(text, {
      compilerOptions: options,
      fileName: name,
    }).outputText;
  }
  return project;
}
