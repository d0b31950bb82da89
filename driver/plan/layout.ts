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

/** The columns that a set of names writes. */
export interface Layout {
  /** Tells this layout from others of the model. */
  readonly key: string;
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

const layouts: Readonly<Record<Sharing, WeakMap<Model, LruCache<Layout>>>> = {
  fill: new WeakMap(),
  own: new WeakMap(),
};

/** The columns that names write in rows of a model. */
export function layoutOf(model: Model, names: readonly string[], sharing: Sharing): Layout {
  let known = layouts[sharing].get(model);
  if (known === undefined) {
    known = new LruCache(REMEMBERED);
    layouts[sharing].set(model, known);
  }
  const key = names.join('\u0001');
  let layout = known.get(key);
  if (layout === undefined) {
    layout = makeLayout(model, names, sharing, key);
    known.set(key, layout);
  }
  return layout;
}

function makeLayout(model: Model, names: readonly string[], sharing: Sharing, key: string): Layout {
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
  return { key, columns, cells };
}

/** The layouts of several classes as ones with the same columns. */
export function aligned(layouts: readonly Layout[]): {
  readonly columns: readonly Column[];
  readonly layouts: readonly Layout[];
} {
  const columns: Column[] = [];
  const moved = layouts.map(({ key, columns: own, cells }) => {
    const places = own.map((column) => placeIn(columns, column));
    return {
      key,
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
