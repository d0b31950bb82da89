/** Checks the lock files: no registry's address, and every platform's packages, so that an install works everywhere. */

import { readFileSync } from 'node:fs';
import { root } from './lib/project.mjs';
import { Failure, capture, main } from './lib/run.mjs';

await main(async () => {
  const { output } = await capture('git', ['ls-files', '*package-lock.json']);
  const problems = [];
  for (const file of output.trim().split('\n')) {
    const { packages } = JSON.parse(readFileSync(`${root}/${file}`, 'utf8'));
    const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
    for (const [path, { resolved = '', optionalDependencies = {} }] of Object.entries(packages)) {
      if (/^\w+:/.test(resolved)) problems.push(`${file}: ${path} names the address it came from`);
      for (const name of Object.keys(optionalDependencies)) {
        if (!names.has(name))
          problems.push(`${file}: ${name}, which ${path} wants on some platform, is missing`);
      }
    }
  }
  if (problems.length > 0) throw new Failure(problems.join('\n'));
});
