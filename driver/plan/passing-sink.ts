import type { Model, RelationProp } from './model.js';
import type { Comparison, Group, Place, Quantifier, Sink, Test } from './sink.js';

/** Passes on what it hears; those who extend it change some of it. */
export class PassingSink implements Sink {
  protected readonly sink: Sink;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  /** A place as it is passed on. */
  protected at(place: Place): Place {
    return place;
  }

  open(group: Group): void {
    this.sink.open(group);
  }

  close(): void {
    this.sink.close();
  }

  alone(walk: (sink: Sink) => void): void {
    this.sink.alone(walk);
  }

  enter(prop: RelationProp, branch: string, keyOnly?: boolean): void {
    this.sink.enter(prop, branch, keyOnly);
  }

  leave(): void {
    this.sink.leave();
  }

  quantify(prop: RelationProp, quantifier: Quantifier, target: Model): void {
    this.sink.quantify(prop, quantifier, target);
  }

  size(prop: RelationProp, op: Comparison, size: number): void {
    this.sink.size(prop, op, size);
  }

  members(list: Place): void {
    this.sink.members(this.at(list));
  }

  test(test: Test, place: Place, value: unknown): void {
    this.sink.test(test, this.at(place), value);
  }

  regex(place: Place, source: string, flags: string): void {
    this.sink.regex(this.at(place), source, flags);
  }

  tuples(places: readonly Place[], tuples: readonly (readonly unknown[])[]): void {
    this.sink.tuples(
      places.map((place) => this.at(place)),
      tuples,
    );
  }

  isNull(place: Place): void {
    this.sink.isNull(this.at(place));
  }

  isSet(place: Place): void {
    this.sink.isSet(this.at(place));
  }

  constant(value: boolean): void {
    this.sink.constant(value);
  }
}
