/**
 * The page of results, docs/benchmarks.md: a section for each part of the benchmark. A run of some parts writes their
 * sections anew and leaves the others.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { capture } from '../scripts/lib/run.mjs';
import { at, manifest } from '../scripts/lib/project.mjs';

const path = at('docs/benchmarks.md');
const INTRODUCTION = `# Benchmarks

\`npm run bench\` measures all of this anew and writes this page; every section says which part of it, by which command, on what and when. What a row means, why it is so and what was tried is in [the notes](benchmarks-notes.md).

Every trial runs in a process of its own over the same seeded data. All contestants must find the same: a run in which two of them differ fails. Read the ratios, not the figures. "3.0 x" is how many times as long a peer takes; below 1 it is faster than we are, and the row is listed as lost. Beside a floor, which has no engine, stands how many times as long we take.
`;

/** The machine and the state of the code. */
async function circumstances() {
  const [{ model }] = cpus();
  const { output } = await capture('git', ['rev-parse', '--short', 'HEAD']);
  const memory = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  return `Node.js ${process.versions.node}, ${model}, ${cpus().length} cores, ${memory} GiB, ${process.platform} ${process.arch}; ${manifest.name} ${manifest.version} at ${output.trim()}; ${day}`;
}

const begin = (name) => `<!-- ${name} -->`;
const end = (name) => `<!-- end of ${name} -->`;

/** Puts the section of a part onto the page; `order` names all parts in the order of the page. */
export async function write({ name, title, command, body }, order) {
  const page = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const sections = new Map();
  for (const part of order) {
    const from = page.indexOf(begin(part));
    const to = page.indexOf(end(part));
    if (from >= 0 && to > from) sections.set(part, page.slice(from, to + end(part).length));
  }
  const about = `\`${command}\`, ${await circumstances()}.`;
  sections.set(name, `${begin(name)}\n\n## ${title}\n\n${about}\n\n${body.trim()}\n\n${end(name)}`);
  const known = order.filter((part) => sections.has(part)).map((part) => sections.get(part));
  writeFileSync(path, `${[INTRODUCTION.trimEnd(), ...known].join('\n\n')}\n`);
}
