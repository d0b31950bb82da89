/** Loading the native part where there is none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

test('without a binary the error names platform and package and says what to do', () => {
  const installed = resolve(createRequire(import.meta.url).resolve('collection-store-mikro-orm'), '../../..');
  const folder = mkdtempSync(join(tmpdir(), 'collection-store-'));
  try {
    cpSync(join(installed, 'dist'), join(folder, 'dist'), { recursive: true });
    for (const file of ['index.js', 'package.json']) {
      cpSync(join(installed, file), join(folder, file));
    }
    const script = `
      const { Engine } = require(${JSON.stringify(join(folder, 'dist/cjs/native/engine.js'))});
      try { Engine.open(); } catch (error) { console.log(error.message, error.cause instanceof Error); }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    const platform = `${process.platform}-${process.arch}`;
    assert.match(stdout, new RegExp(`could not be loaded on ${platform}`), stderr);
    assert.match(stdout, new RegExp(`npm install collection-store-mikro-orm-${platform}`));
    assert.match(stdout, /external/);
    assert.match(stdout, /npm run build/);
    assert.match(stdout, /true\s*$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
