/**
 * Conditions on the members of a list: the list must have a member that
 * fulfils all of a condition.
 */
import { PlanError } from './errors.js';
import type { Column, RelationProp } from './model.js';
import { expectArray } from './operands.js';
import { PassingSink } from './passing-sink.js';
import type { Place, Sink } from './sink.js';
import { describe, isPlainObject, refuseSymbols } from './value.js';

/** A member, as the only column of a row of its own. */
const MEMBER: Column = { name: '$member', type: 'json', wire: 'json', nullable: true };

/** A place in a member. */
export function memberPlace(json: readonly string[]): Place {
  return { column: MEMBER, json };
}

/** Reports a condition of one entry about the member at hand. */
export type WalkEntry = (name: string, value: unknown) => void;

/**
 * Reports that the list at a place has a member that fulfils a condition, or
 * has none. As in the SQL drivers a condition that says nothing is none, rather
 * than one that any member fulfils.
 */
export function walkMembers(
  sink: Sink,
  place: Place,
  condition: unknown,
  path: string,
  walk: WalkEntry,
  quantifier: 'some' | 'none' = 'some',
): void {
  if (!saysSomething(condition, path)) {
    return;
  }
  if (quantifier === 'none') {
    sink.open('not');
  }
  sink.members(place);
  walkMember(sink, condition, path, walk);
  sink.close();
  if (quantifier === 'none') {
    sink.close();
  }
}

function walkMember(sink: Sink, condition: Record<string, unknown>, path: string, walk: WalkEntry): void {
  for (const [name, value] of Object.entries(condition)) {
    if (name !== '$and' && name !== '$or' && name !== '$not') {
      walk(name, value);
      continue;
    }
    const members = name === '$not' ? [value] : expectArray(value, name, path);
    const telling = members.filter((member) => saysSomething(member, path));
    if (telling.length > 0) {
      sink.open(GROUPS[name]);
      for (const member of telling) {
        sink.open('all');
        walkMember(sink, member, path, walk);
        sink.close();
      }
      sink.close();
    }
  }
}

const GROUPS = { $and: 'all', $or: 'any', $not: 'not' } as const;

/** Whether a condition is one that members can fail. */
function saysSomething(condition: unknown, path: string): condition is Record<string, unknown> {
  if (!isPlainObject(condition)) {
    throw new PlanError(
      'INVALID_OPERAND',
      `A condition on the members of ${path} is an object, not ${describe(condition)}`,
      path,
    );
  }
  refuseSymbols(condition, path);
  return Object.entries(condition).some(([name, value]) =>
    name === '$not'
      ? saysSomething(value, path)
      : (name !== '$and' && name !== '$or') ||
        expectArray(value, name, path).some((member) => saysSomething(member, path)),
  );
}

/**
 * Hears of places in the objects of a list by their whole way from the list's
 * column, and passes them on as places in the member at hand.
 */
export class MemberSink extends PassingSink {
  readonly #list: Place;

  constructor(sink: Sink, list: Place) {
    super(sink);
    this.#list = list;
  }

  override enter(prop: RelationProp, branch: string): void {
    const places = prop.columns.map((column) => this.at({ column, json: prop.json }));
    const columns = places.map(({ column }) => column);
    super.enter({ ...prop, columns, json: places[0]?.json ?? prop.json }, branch);
  }

  protected override at(place: Place): Place {
    // What lies behind a relation, or in a list within this one, is no place in this list's column.
    return place.column === this.#list.column ? memberPlace(place.json.slice(this.#list.json.length)) : place;
  }
}
