/** The compatibility page: what the tests of MikroORM's features say, as Markdown. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { at, coreFolder } from './project.mjs';
import { Failure } from './run.mjs';

/** Where the page is. */
export const compatibilityPage = at('docs/compatibility.md');

/** The cells of the matrix that the columns of the page come from. */
export const columns = [
  { title: 'MikroORM 6', core: '6.6', runtime: 'node' },
  { title: 'MikroORM 7', core: '7', runtime: 'node22' },
];

/** Where the tests of a cell write what they found. */
export const resultsFolder = (folder) => join(folder, 'out', 'reports', 'compatibility');

const marks = { works: '✓', differs: '≈', 'not here': '✗', absent: '' };

/** The pages that the tests of one column wrote, by the title of each. */
function readColumn({ core }) {
  const folder = resultsFolder(coreFolder(core));
  if (!existsSync(folder)) throw new Failure(`The tests of MikroORM ${core} wrote nothing to ${folder}.`);
  const pages = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  return new Map(pages.map((page) => [page.title, page]));
}

/** What is said of a feature: once if the columns agree, else of each that has something to say. */
function note(results) {
  const told = results
    .map((result, i) => ({ major: columns[i].core[0], note: result.note }))
    .filter((_, i) => results[i].status !== 'absent');
  const [first] = told;
  if (told.every(({ note }) => note === first?.note)) return first?.note ?? '';
  return told
    .filter(({ note }) => note !== undefined)
    .map(({ major, note }) => `${major}: ${note}`)
    .join(' ');
}

/** A page of the documentation as a section, from its results in each column. */
function section(pages) {
  const [{ title, slug }] = pages;
  const rows = pages[0].features.map((feature) => {
    const results = pages.map(({ features }) => features.find(({ name }) => name === feature.name));
    if (results.includes(undefined))
      throw new Failure(`${title}: ${feature.name} did not pass in each major.`);
    const cells = [feature.name, ...results.map(({ status }) => marks[status]), note(results)];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    `## [${title}](https://mikro-orm.io/docs/${slug})`,
    '',
    '| Feature | 6 | 7 | Notes |',
    '|---|:-:|:-:|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The page that the results of the last runs make. */
export function renderCompatibility() {
  const results = columns.map(readColumn);
  const titles = [...new Set(results.flatMap((column) => [...column.keys()]))].sort();
  const sections = titles.map((title) =>
    results.map((column, i) => {
      const page = column.get(title);
      if (page === undefined) throw new Failure(`${columns[i].title} has no results of the page ${title}.`);
      return page;
    }),
  );
  const counted = columns.map(({ title }, i) => {
    const statuses = sections.flatMap((pages) => pages[i].features.map(({ status }) => status));
    const count = (wanted) => statuses.filter((status) => status === wanted).length;
    return `| ${title} | ${count('works')} | ${count('differs')} | ${count('not here')} |`;
  });
  const intro = readFileSync(at('__test__/compatibility/page.md'), 'utf8');
  const upstream = readFileSync(at('__test__/compatibility/upstream.md'), 'utf8');
  const totals = ['| | ✓ works | ≈ differs | ✗ not here |', '|---|:-:|:-:|:-:|', ...counted, ''].join('\n');
  return [intro, totals, ...sections.map(section), upstream].join('\n');
}

/** Fails if the page in the repository is not what the tests say. */
export function checkCompatibility() {
  const rendered = renderCompatibility();
  const present = existsSync(compatibilityPage) ? readFileSync(compatibilityPage, 'utf8') : '';
  if (rendered === present) return;
  const [lines, other] = [rendered.split('\n'), present.split('\n')];
  const line = lines.findIndex((text, i) => text !== other[i]);
  throw new Failure(
    `${relative(at(), compatibilityPage)} is not what the tests say; write it anew with npm run compatibility. First difference, in line ${line + 1}:\n- ${other[line] ?? ''}\n+ ${lines[line] ?? ''}`,
  );
}
