/**
 * The shape of a call: everything about it but its values.
 *
 * Two calls of one shape have the same plan, so the shape is the key under
 * which the plan is kept. Names of columns and relations end with a control
 * character, and places in documents are JSON, which has none: different
 * conditions never have the same key.
 */
import type { RelationProp } from './model.js';
import type { Direction, OrderSink } from './order.js';
import type { Comparison, Group, Place, Quantifier, Sink, Test } from './sink.js';

const END = '\u0001';

/** Gathers the key and the parameters of a call. */
export class Shape implements Sink, OrderSink {
  key: string;
  readonly params: unknown[] = [];

  /** Begins with what tells the kind of call from others in the same cache. */
  constructor(kind: string) {
    this.key = kind;
  }

  /** Adds something else that the plan depends on. */
  mark(text: string): void {
    this.key += text + END;
  }

  open(group: Group): void {
    this.key += GROUPS[group];
  }

  close(): void {
    this.key += ')';
  }

  alone(walk: (sink: Sink) => void): void {
    this.key += 'alone(';
    walk(this);
    this.key += ')';
  }

  enter(prop: RelationProp, branch: string): void {
    this.key += `>${branch}/${prop.name}${END}`;
  }

  leave(): void {
    this.key += '<';
  }

  quantify(prop: RelationProp, quantifier: Quantifier): void {
    this.key += `${quantifier} ${prop.name}${END}(`;
  }

  size(prop: RelationProp, op: Comparison, size: number): void {
    this.key += `size ${prop.name}${END}${op} `;
    this.params.push(size);
  }

  members(list: Place): void {
    this.key += 'member';
    this.#place(list);
    this.key += '(';
  }

  test(test: Test, place: Place, value: unknown): void {
    this.key += test;
    this.#place(place);
    this.params.push(value);
  }

  regex(place: Place, source: string, flags: string): void {
    this.key += 're';
    this.#place(place);
    this.params.push(source, flags);
  }

  tuples(places: readonly Place[], tuples: readonly (readonly unknown[])[]): void {
    this.key += `tuple${places.length}`;
    for (const place of places) {
      this.#place(place);
    }
    this.params.push(tuples);
  }

  isNull(place: Place): void {
    this.key += 'null';
    this.#place(place);
  }

  isSet(place: Place): void {
    this.key += 'set';
    this.#place(place);
  }

  constant(value: boolean): void {
    this.key += value ? 'true;' : 'false;';
  }

  by(place: Place, direction: Direction): void {
    this.key += direction.name;
    this.#place(place);
  }

  #place({ column, json }: Place): void {
    this.key += ` ${column.name}${END}`;
    if (json.length > 0) {
      this.key += JSON.stringify(json);
    }
  }
}

const GROUPS: Readonly<Record<Group, string>> = { all: '&(', any: '|(', not: '!(' };
