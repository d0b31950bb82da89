/** What is tested is the package as it is installed, not the sources beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the tests run against the installed package', () => {
  const path = fileURLToPath(import.meta.resolve('collection-store-mikro-orm')).replaceAll('\\', '/');
  assert.match(path, /\/node_modules\/collection-store-mikro-orm\/dist\/esm\/index\.js$/);
});
