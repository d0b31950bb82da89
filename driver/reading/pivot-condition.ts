/**
 * Conditions on the members of M:N collections that name columns of the pivot.
 *
 * Core's data loader asks for the members of several owners in one call, each
 * with a condition of its own: it says whose members a part of the condition
 * is about by the pivot's key to the owner, under the alias of a join.
 */
import { Utils } from '@mikro-orm/core';

/** What a condition is read against. */
export interface PivotNames {
  /** How core writes the pivot's key to the owner. */
  readonly key: string;
  /** The pivot's relation to the owner. */
  readonly owner: string;
  /** The pivot's relation to the member. */
  readonly member: string;
}

/** A condition on members that names the pivot as one on rows of the pivot; nothing when it is about members alone. */
export function pivotCondition(where: unknown, names: PivotNames): Record<string, unknown> | undefined {
  return mentions(where, names.key) ? lifted(where as Record<string, unknown>, names) : undefined;
}

const isGroup = (name: string) => name === '$and' || name === '$or' || name === '$not';

function mentions(where: unknown, key: string): boolean {
  if (Array.isArray(where)) {
    return where.some((member) => mentions(member, key));
  }
  return (
    Utils.isPlainObject(where) &&
    Object.entries(where as object).some(
      ([name, value]) => name === key || (isGroup(name) && mentions(value, key)),
    )
  );
}

function lifted(where: Record<string, unknown>, names: PivotNames): Record<string, unknown> {
  const parts: Record<string, unknown>[] = [];
  const ofMember: Record<string, unknown> = {};
  const lift = (part: unknown) => lifted(part as Record<string, unknown>, names);
  for (const [name, value] of Object.entries(where)) {
    if (name === names.key) {
      parts.push({ [names.owner]: value });
    } else if (isGroup(name) && mentions(value, names.key)) {
      parts.push({ [name]: Array.isArray(value) ? value.map(lift) : lift(value) });
    } else {
      ofMember[name] = value;
    }
  }
  return { $and: Object.keys(ofMember).length > 0 ? [...parts, { [names.member]: ofMember }] : parts };
}
