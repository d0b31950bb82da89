/** What the tools say: results on the standard output, how far they are on the other one. */

/** The streams that a tool writes to. */
export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line about what goes on. */
  note(line: string): void;
  /** Shows how far something is, or, without numbers, that it goes on; several calls draw over each other. */
  progress(label: string, done?: number, total?: number): void;
  /** Ends what `progress` draws. */
  endProgress(): void;
}

const WIDTH = 30;
/** Drawing more often than this, in milliseconds, cannot be seen. */
const PAUSE = 50;

/** The terminal of this process. Progress is drawn only where somebody looks at it. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    // Whoever reads along, as `head` does, may have seen enough: what is at work goes on without them.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') {
        throw error;
      }
    });
  }
  let drawn = '';
  let last = 0;
  const draw = (text: string) => {
    stderr.write(`\r${text.padEnd(drawn.length)}`);
    drawn = text;
  };
  return {
    print: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    progress(label, done, total) {
      const now = Date.now();
      if (!stderr.isTTY) {
        return;
      }
      if (done === undefined || total === undefined) {
        draw(`${label} …`);
      } else if (done === total || now - last >= PAUSE) {
        last = now;
        draw(`${bar(done, total)} ${label} ${done}/${total}`);
      }
    },
    endProgress() {
      if (drawn !== '') {
        draw('');
        stderr.write('\r');
        drawn = '';
      }
    },
  };
}

function bar(done: number, total: number): string {
  const filled = total === 0 ? WIDTH : Math.floor((done / total) * WIDTH);
  return `[${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}]`;
}

/** Rows of texts as columns, the first row their heads. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (wide, row) => row.map((cell, i) => Math.max(wide[i] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
