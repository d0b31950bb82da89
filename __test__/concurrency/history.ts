/**
 * Checks histories of lists that were read and appended to, as Elle does (Kingsbury and Alvaro, 2020): the lists tell
 * in which order the appends happened, and so which transaction must come before which.
 */

/** The lists that were read, by key. */
export type Lists = readonly (readonly [key: number, list: readonly number[]])[];

/** What a committed transaction did. */
export interface Committed {
  readonly id: number;
  /** What it has read of keys before it appended to them itself. */
  readonly reads: Lists;
  /** The keys that it has appended its number to. */
  readonly appends: readonly number[];
}

/** The levels, weakest first. */
export const LEVELS = ['read committed', 'snapshot', 'serializable'] as const;
export type Level = (typeof LEVELS)[number];

/** What is wrong with a history that ended with these lists; nothing, if it is what the level allows. */
export function anomaly(history: readonly Committed[], last: Lists, level: Level): string | undefined {
  return misplaced(history, last) ?? forbiddenCycle(history, last, level);
}

/** Appends that were lost, came twice or from nowhere (G1a), and lists that never were (G1b). */
function misplaced(history: readonly Committed[], last: Lists): string | undefined {
  const byId = new Map(history.map((committed) => [committed.id, committed]));
  const lists = new Map(last);
  for (const [key, list] of last) {
    if (new Set(list).size !== list.length) {
      return `list ${key} has an append twice: ${list}`;
    }
    const stranger = list.find((id) => !byId.get(id)?.appends.includes(key));
    if (stranger !== undefined) {
      return `list ${key} has an append of ${stranger}, which has not committed it`;
    }
  }
  for (const { id, appends, reads } of history) {
    const lost = appends.find((key) => !lists.get(key)?.includes(id));
    if (lost !== undefined) {
      return `the append of ${id} to list ${lost} is lost`;
    }
    for (const [key, read] of reads) {
      const list = lists.get(key) ?? [];
      if (read.some((other, at) => list[at] !== other)) {
        return `${id} has read list ${key} as ${read}, which ended as ${list}`;
      }
    }
  }
  return undefined;
}

/** One transaction comes before another: it wrote what the other overwrote or read, or it read what the other overwrote. */
interface Edge {
  readonly from: number;
  readonly to: number;
  readonly overwritten: boolean;
}

function edgesOf(history: readonly Committed[], last: Lists): Edge[] {
  const edges: Edge[] = [];
  const add = (from: number | undefined, to: number | undefined, overwritten: boolean) => {
    if (from !== undefined && to !== undefined && from !== to) edges.push({ from, to, overwritten });
  };
  for (const [, list] of last) {
    for (const [at, id] of list.entries()) add(list[at - 1], id, false);
  }
  const lists = new Map(last);
  for (const { id, reads } of history) {
    for (const [key, read] of reads) {
      add(read.at(-1), id, false);
      add(id, lists.get(key)?.[read.length], true);
    }
  }
  return edges;
}

/**
 * Levels differ in the cycles that they forbid (Adya, 1999): of writes alone (G0, G1c); those in which no two reads of
 * what was overwritten follow each other (G-single and its kin, Cerone and Gotsman, 2018); all (G2).
 */
function forbiddenCycle(history: readonly Committed[], last: Lists, level: Level): string | undefined {
  const edges = edgesOf(history, last);
  const writes = edges.filter(({ overwritten }) => !overwritten);
  const graph = new Graph<number>();
  if (level === 'snapshot') {
    // Each transaction is there twice: as reached by a read of what it overwrote, and as reached otherwise.
    const name = (id: number, overwritten: boolean) => (overwritten ? -id - 1 : id);
    for (const { from, to, overwritten } of edges) {
      graph.add(name(from, false), name(to, overwritten));
      if (!overwritten) graph.add(name(from, true), name(to, false));
    }
  } else {
    for (const { from, to } of level === 'serializable' ? edges : writes) graph.add(from, to);
  }
  const cycle = graph.cycle();
  return cycle && `transactions ${cycle.map((id) => (id < 0 ? -id - 1 : id))} come before each other`;
}

class Graph<T> {
  readonly #next = new Map<T, Set<T>>();

  add(from: T, to: T): void {
    let next = this.#next.get(from);
    if (next === undefined) {
      next = new Set();
      this.#next.set(from, next);
    }
    next.add(to);
  }

  /** A cycle, if there is one, from what a walk from node to node comes back to. */
  cycle(): T[] | undefined {
    const done = new Set<T>();
    for (const start of this.#next.keys()) {
      if (done.has(start)) continue;
      const path = [start];
      const open = [[...(this.#next.get(start) ?? [])]];
      while (open.length > 0) {
        const next = open.at(-1)?.pop();
        if (next === undefined) {
          open.pop();
          done.add(path.pop() as T);
        } else if (path.includes(next)) {
          return path.slice(path.indexOf(next));
        } else if (!done.has(next)) {
          path.push(next);
          open.push([...(this.#next.get(next) ?? [])]);
        }
      }
    }
    return undefined;
  }
}
