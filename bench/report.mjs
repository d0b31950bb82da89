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
