import { styleText } from 'node:util';
import Table from 'cli-table3';

const times: [what: string, milliseconds: number][] = [];

/** Runs something, remembers how long it took for the closing table, and returns what it gave. */
export async function timed<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  times.push([what, performance.now() - start]);
  return result;
}

export function heading(text: string): void {
  console.log(`\n${styleText(['bold', 'cyan'], text)}`);
}

export function say(text: string): void {
  console.log(`  ${text}`);
}

/** Prints rows as a table; the columns are the keys of the first row. */
export function table(rows: Record<string, string | number>[]): void {
  const [first] = rows;
  if (!first) {
    say('nothing found');
    return;
  }
  const head = Object.keys(first);
  const numeric = head.map((key) => typeof first[key] === 'number');
  const out = new Table({
    head,
    colAligns: numeric.map((number) => (number ? 'right' : 'left')),
    style: { head: ['yellow'], border: ['gray'] },
  });
  for (const row of rows) {
    out.push(head.map((key) => shown(row[key] ?? '')));
  }
  console.log(out.toString());
}

/** Prints how long everything took. */
export function printTimes(): void {
  table(times.map(([what, milliseconds]) => ({ step: what, time: duration(milliseconds) })));
}

export function duration(milliseconds: number): string {
  if (milliseconds >= 1_000) {
    return `${(milliseconds / 1_000).toFixed(2)} s`;
  }
  return milliseconds >= 1 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds * 1_000).toFixed(0)} µs`;
}

function shown(value: string | number): string {
  return typeof value === 'number' ? value.toLocaleString('en-GB') : value;
}
