/** What measurements of disks share. */
import { existsSync, readFileSync } from 'node:fs';

/** The value that a part of some numbers is below. */
export function percentile(numbers, part) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

const IO = '/proc/self/io';

/** The bytes that this process has given to the operating system to write, where it tells. */
export function written() {
  if (!existsSync(IO)) return Number.NaN;
  return Number(/wchar: (\d+)/.exec(readFileSync(IO, 'utf8'))[1]);
}
