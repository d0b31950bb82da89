import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { IMigrationGenerator, MigrationsOptions, NamingStrategy } from '@mikro-orm/core';
import type { CollectionStoreDriver } from '../CollectionStoreDriver.js';

/** The package that migrations import their class from. */
const MODULE = 'collection-store-mikro-orm/migrations';

/** The statements of both ways of a migration. */
export interface MigrationDiff {
  up: string[];
  down: string[];
}

/** Writes the files of new migrations. */
export abstract class MigrationGenerator implements IMigrationGenerator {
  constructor(
    protected readonly driver: CollectionStoreDriver,
    protected readonly namingStrategy: NamingStrategy,
    protected readonly options: MigrationsOptions,
  ) {}

  /** Writes the file; returns its text and its name. */
  async generate(diff: MigrationDiff, path?: string, name?: string): Promise<[string, string]> {
    const { emit, pathTs, fileName = (time: string) => `Migration${time}` } = this.options;
    const folder = resolve(
      this.driver.config.get('baseDir'),
      path ?? (emit === 'ts' && pathTs ? pathTs : (this.options.path ?? './migrations')),
    );
    mkdirSync(folder, { recursive: true });
    const time = new Date().toISOString().replace(/[-T:]|\.\d{3}z$/gi, '');
    const file = `${fileName(time, name)}.${emit ?? 'ts'}`;
    const text = await this.generateMigrationFile(
      this.namingStrategy.classToMigrationName(time, name),
      diff,
      folder,
    );
    writeFileSync(join(folder, file), text);
    return [text, file];
  }

  /** A statement as lines of a method. */
  createStatement(statement: string, padLeft: number): string {
    const padding = ' '.repeat(padLeft);
    return statement
      .split('\n')
      .map((line) => (line === '' ? '\n' : `${padding}${line}\n`))
      .join('');
  }

  /** The text of the file. */
  abstract generateMigrationFile(className: string, diff: MigrationDiff, folder?: string): string;

  /** The methods; `up` alone where there is no way back. */
  protected methods({ up, down }: MigrationDiff, signature: (name: string) => string): string {
    return Object.entries({ up, down })
      .filter(([name, lines]) => name === 'up' || lines.length > 0)
      .map(([name, lines]) => {
        const body = lines.map((line) => this.createStatement(line, 4)).join('');
        return `\n  ${signature(name)} {\n${body}  }\n`;
      })
      .join('');
  }
}

/** Writes migrations in TypeScript. */
export class TSMigrationGenerator extends MigrationGenerator {
  generateMigrationFile(className: string, diff: MigrationDiff): string {
    return [
      `import { Migration } from '${MODULE}';\n\n`,
      `export class ${className} extends Migration {\n`,
      `  override name = '${className}';\n`,
      this.methods(diff, (name) => `override async ${name}(): Promise<void>`),
      '}\n',
    ].join('');
  }
}

/** Writes migrations in JavaScript: as ECMAScript modules in a package of `"type": "module"`, else for CommonJS. */
export class JSMigrationGenerator extends MigrationGenerator {
  generateMigrationFile(className: string, diff: MigrationDiff, folder?: string): string {
    const methods = this.methods(diff, (name) => `async ${name}()`);
    const body = `class ${className} extends Migration {\n  name = '${className}';\n${methods}}\n`;
    return this.options.emit !== 'cjs' && folder !== undefined && isModule(folder)
      ? `import { Migration } from '${MODULE}';\n\nexport ${body}`
      : `'use strict';\nconst { Migration } = require('${MODULE}');\n\n${body}\nexports.${className} = ${className};\n`;
  }
}

/** Whether JavaScript in a folder is taken as ECMAScript modules. */
function isModule(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest)) {
    return JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
  }
  return dirname(folder) !== folder && isModule(dirname(folder));
}
