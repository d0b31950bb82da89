// Small helpers that the benchmarks share.

/** The median of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Nanoseconds as a text in microseconds. */
export function microseconds(nanoseconds) {
  return `${(nanoseconds / 1_000).toFixed(2)} µs`;
}

/** A number as people read it. */
export const count = (number) => number.toLocaleString('en-GB');

/** A table in Markdown, which is readable as it is. */
export function markdown(head, rows) {
  const widths = head.map((text, at) => Math.max(text.length, ...rows.map((row) => String(row[at]).length)));
  const line = (cells) =>
    `| ${cells.map((cell, at) => (at === 0 ? String(cell).padEnd(widths[at]) : String(cell).padStart(widths[at]))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** Prints a table. */
export function table(head, rows) {
  console.log(markdown(head, rows));
}

/** Lines about who took part in a contest, who could not, and the work that we lose. */
export function notes({ results, leftOut }, lost) {
  const known = [...results].filter(([, { version }]) => version);
  const versions = known.map(([name, { version }]) => `${name} ${version}`).join(', ');
  const lines = [
    ...(versions ? [`With ${versions}.`] : []),
    ...leftOut,
    ...lost.map((line) => `Lost: ${line}.`),
  ];
  return lines.map((line) => `- ${line}`).join('\n');
}

/** A title and a table of our own medians at every size, out of the tables of each; nothing for one size alone. */
export function growth(title, sizes, tables) {
  if (sizes.length < 2) return [];
  const cells = tables.map((rows) => new Map(rows.map(([work, ours]) => [work, ours])));
  const works = tables.at(-1).map(([work]) => work);
  const rows = works.map((work) => [work, ...cells.map((table) => table.get(work) ?? '–')]);
  return [title, markdown(['', ...sizes.map((size) => `${count(size)} rows`)], rows)];
}
