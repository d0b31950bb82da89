// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/** `populate: ['$infer']`: the relations that the condition follows are loaded along, with those of their rows that fulfil it. */
import { QueryFlag } from '@mikro-orm/core';
import type { PopulateHint } from './joins.js';
import { joinedBy } from '../plan/joined.js';
import type { Model } from '../plan/model.js';

/** Whether relations are to be inferred: core hands the hint on as a flag. */
export function infersPopulate({ flags }: any): boolean {
  return Array.isArray(flags) && flags.includes(QueryFlag.INFER_POPULATE);
}

/** The hints of a query and those that its condition implies. */
export function inferredHints(
  model: Model,
  where: unknown,
  hints: readonly PopulateHint[],
): readonly PopulateHint[] {
  return joinedBy(model, where).reduce<readonly PopulateHint[]>(
    (all, { steps }) =>
      withPath(
        all,
        steps.map(({ prop }) => prop.name),
      ),
    hints,
  );
}

function withPath(
  hints: readonly PopulateHint[],
  [field, ...rest]: readonly string[],
): readonly PopulateHint[] {
  if (field === undefined) {
    return hints;
  }
  const known = hints.find((hint) => hint.field === field);
  const joined = { ...known, field, strategy: 'joined', children: withPath(known?.children ?? [], rest) };
  return known === undefined ? [...hints, joined] : hints.map((hint) => (hint === known ? joined : hint));
}
