/** A project in a folder of its own, as a reader of the guide makes one, run by the runtime that runs the tests. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** The version of MikroORM that the tests run with. */
export const coreVersion: string = require('@mikro-orm/core/package.json').version;

/** Its major: 6 or 7. */
export const coreMajor = Number(coreVersion.split('.')[0]);

/** Whether the tests run in Bun. */
export const inBun = process.versions.bun !== undefined;

/** What a program printed on both of its streams, without colours, and how it ended. */
export interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** What a program printed, which must have succeeded. */
export function succeeded({ code, output }: Run): string {
  assert.equal(code, 0, output);
  return output;
}

/** The programs that a package installs: name and path. */
export function programs(name: string): Record<string, string> {
  const manifest = installed(name, 'package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> | string };
  const entries = typeof bin === 'string' ? { [name]: bin } : bin;
  return Object.fromEntries(
    Object.entries(entries).map(([key, path]) => [key, require.resolve(join(dirname(manifest), path))]),
  );
}

/** The path of a file of an installed package, whatever its `exports` say. */
function installed(name: string, path: string): string {
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name, path);
    try {
      readFileSync(candidate);
      return candidate;
    } catch {
      // Not in this folder: the next one up may have it.
    }
  }
  throw new Error(`${name} is not installed`);
}

/** The path of a program that a package installs. */
export function program(name: string, bin: string): string {
  const path = programs(name)[bin];
  assert.ok(path, `${name} installs ${bin}`);
  return path;
}

/** The options of the runtime in the first line of a script: `#!/usr/bin/env -S node --option script`. */
export function shebangOptions(program: string): string[] {
  const [line = ''] = readFileSync(program, 'utf8').split('\n', 1);
  const words = line.trim().split(/\s+/);
  return words.slice(words.findIndex((word) => /(^|\/)node$/.test(word)) + 1);
}

/** A project's folder, below the installed packages of the tests, so that it finds what they find. */
export class Project {
  readonly folder = mkdtempSync(join(here, 'blog-api-'));

  /** Writes the files, by path. */
  constructor(files: Record<string, string>) {
    for (const [path, text] of Object.entries(files)) {
      const target = join(this.folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
  }

  /** Runs a script of the project, or an installed program, in the project's folder. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
    // The test runner tells its children to report to it, which those here do not mean to.
    const { NODE_TEST_CONTEXT, FORCE_COLOR, NODE_OPTIONS, ...inherited } = process.env;
    return new Promise((done, fail) => {
      const child = spawn(process.execPath, args, {
        cwd: this.folder,
        env: { ...inherited, NO_COLOR: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8');
        stream.on('data', (text: string) => {
          output += text;
        });
      }
      child.on('error', fail);
      child.on('close', (code) => done({ code, output: stripVTControlCharacters(output) }));
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
