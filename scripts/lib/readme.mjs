/** Examples of the documentation as programs of a project: the read-me's quick start, one of migrations, and one of tests. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { at } from './project.mjs';
import { Failure } from './run.mjs';

/** The first TypeScript example below a heading. */
function example(page, heading) {
  const text = readFileSync(at(page), 'utf8');
  const [, code] =
    new RegExp(`^${heading}$[\\s\\S]*?^\`\`\`typescript\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text) ?? [];
  if (!code) throw new Failure(`${page} has no TypeScript example below "${heading}".`);
  return code;
}

/** An example as ECMAScript module and as CommonJS, by name. `metadata`: `reflect-metadata` is imported. */
function forms(name, code, metadata) {
  const isImport = (line) => line.startsWith('import ');
  const imports = [
    ...(metadata ? ["import 'reflect-metadata'"] : []),
    ...code.split('\n').filter(isImport),
  ].join('\n');
  const body = code
    .split('\n')
    .filter((line) => !isImport(line))
    .join('\n');
  return {
    [`${name}.mts`]: `${imports}\n${body}`,
    // CommonJS has no await outside of functions.
    [`${name}.cts`]: `${imports}\nasync function main() {\n${body}\n}\nvoid main()\n`,
  };
}

/**
 * The files of a project, by name: the examples as ECMAScript modules and as CommonJS, in TypeScript and compiled, with a
 * tsconfig.json. `metadata`: `reflect-metadata` is imported, which MikroORM 6 does by itself.
 */
export function examples({ metadata }) {
  const ts = createRequire(at('package.json'))('typescript');
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  const sources = {
    ...forms('quick-start', example('README.md', '## Quick start'), metadata),
    ...forms('migrations', example('docs/migrations.md', '### In one file'), false),
    ...forms('testing', example('docs/testing.md', '# Testing'), false),
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
