/**
 * Where the values of payloads go: worked out once for each set of names.
 */
import { LruCache } from './cache.js';
import type { Column, Model } from './model.js';
import { type Target, targetOf } from './payload.js';

/** What becomes of columns that several properties share. */
export type Sharing =
  /** A property that only shares a column fills it where no other does: a row is made whole. */
  | 'fill'
  /** Only the property that owns a column changes it. */
  | 'own';

/** The columns that a set of names writes. There is one of each set, as long as it is remembered: plans are kept by it. */
export interface Layout {
  readonly names: readonly string[];
  readonly columns: readonly Column[];
  readonly cells: readonly Cell[];
}

/** What one name writes. */
export interface Cell {
  readonly name: string;
  readonly path: string;
  readonly target: Target;
  /** Where the target's values go, in their order, among the columns. */
  readonly places: readonly number[];
}

/** How many sets of names are remembered for each model. */
const REMEMBERED = 200;

/** The layouts of a model. */
interface Layouts {
  readonly known: LruCache<Layout>;
  /** The one that was asked for last is most often the next: names are compared faster than they are made a key. */
  last: Layout | undefined;
}

const layouts: Readonly<Record<Sharing, WeakMap<Model, Layouts>>> = {
  fill: new WeakMap(),
  own: new WeakMap(),
};

/** The columns that names write in rows of a model. */
export function layoutOf(model: Model, names: readonly string[], sharing: Sharing): Layout {
  let own = layouts[sharing].get(model);
  if (own === undefined) {
    own = { known: new LruCache(REMEMBERED), last: undefined };
    layouts[sharing].set(model, own);
  }
  if (own.last === undefined || !areSame(own.last.names, names)) {
    const key = names.join('\u0001');
    let layout = own.known.get(key);
    if (layout === undefined) {
      layout = makeLayout(model, names, sharing);
      own.known.set(key, layout);
    }
    own.last = layout;
  }
  return own.last;
}

function areSame(names: readonly string[], others: readonly string[]): boolean {
  if (names.length !== others.length) {
    return false;
  }
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== others[i]) {
      return false;
    }
  }
  return true;
}

function makeLayout(model: Model, names: readonly string[], sharing: Sharing): Layout {
  const columns: Column[] = [];
  const cells = names.map((name): Cell => {
    const target = targetOf(model, name);
    const written = sharing === 'own' ? target.columns.slice(0, target.own) : target.columns;
    return {
      name,
      path: `${model.name}.${name}`,
      target,
      places: written.map((column) => placeIn(columns, column)),
    };
  });
  return { names, columns, cells };
}

/** The layouts of several classes as ones with the same columns. */
export function aligned(layouts: readonly Layout[]): {
  readonly columns: readonly Column[];
  readonly layouts: readonly Layout[];
} {
  const columns: Column[] = [];
  const moved = layouts.map(({ names, columns: own, cells }) => {
    const places = own.map((column) => placeIn(columns, column));
    return {
      names,
      columns,
      cells: cells.map((cell) => ({ ...cell, places: cell.places.map((place) => places[place] ?? place) })),
    };
  });
  return { columns, layouts: moved };
}

function placeIn(columns: Column[], column: Column): number {
  const place = columns.findIndex(({ name }) => name === column.name);
  return place < 0 ? columns.push(column) - 1 : place;
}
