// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/**
 * Writes of rows that have rules: generated values are computed, and checks
 * are asked, for each row as it is after the write, and all happens together
 * or not at all.
 */
import type { Calls } from '../calls/calls.js';
import { CompiledPlan, type WriteResult } from '../native/engine.js';
import type { SelectField } from '../native/ir.js';
import type { Model } from '../plan/model.js';
import type { Row } from '../plan/part.js';
import type { Planner } from '../plan/planner.js';
import { byColumns, type Rules } from '../plan/rules.js';
import { andThen, type Soon } from '../soon.js';
import { type WholeRow, wholeRowOf, withoutWhole } from '../plan/whole-row.js';

/** A collection with rules. */
interface Ruled {
  readonly rules: Rules;
  readonly whole: WholeRow;
  /** The collection by its columns: properties that are computed cannot be written. */
  readonly columns: Model;
}

const ruledByModel = new WeakMap<Model, Ruled>();

function ruledOf(root: Model, rules: Rules): Ruled {
  let ruled = ruledByModel.get(root);
  if (ruled === undefined) {
    ruled = { rules, whole: wholeRowOf(root), columns: byColumns(root) };
    ruledByModel.set(root, ruled);
  }
  return ruled;
}

/** Runs a write of rows that have rules. It must hand back these fields of each row it has written, besides what it hands back anyway. */
export function settled(
  calls: Calls,
  planner: Planner<CompiledPlan>,
  root: Model,
  rules: Rules,
  write: (whole: readonly SelectField[], options: any) => Soon<WriteResult>,
  options: any,
): Soon<WriteResult> {
  const ruled = ruledOf(root, rules);
  return calls.together(options, (inner) =>
    andThen(write(ruled.whole.fields, inner), (result) =>
      andThen(settleRows(calls, planner, ruled, result.rows, inner), (rows) => ({ ...result, rows })),
    ),
  );
}

/** Settles every row there is: of rules that are new, or other than before. */
export function settleAll(
  calls: Calls,
  planner: Planner<CompiledPlan>,
  root: Model,
  rules: Rules,
  options: any,
): Soon<unknown> {
  const ruled = ruledOf(root, rules);
  const plan = new CompiledPlan({ find: { from: root.collection, select: { fields: ruled.whole.fields } } });
  const found = calls.find(root, { plan, params: [] }, () => [], options);
  return andThen(found, (rows) => settleRows(calls, planner, ruled, rows, options));
}

/** Computes and checks. Returns the rows with what was computed for them, and without what only that needed. */
function settleRows(
  calls: Calls,
  planner: Planner<CompiledPlan>,
  { rules, whole, columns }: Ruled,
  rows: readonly Row[],
  options: any,
): Soon<Row[]> {
  const results = rows.map(withoutWhole);
  const keys: Row[] = [];
  const changes: Row[] = [];
  const changed: Row[] = [];
  rows.forEach((row, i) => {
    const result = results[i] as Row;
    const stored = Object.fromEntries(whole.fields.map(({ field, name }) => [field, row[name as string]]));
    const values = whole.read(row);
    const change: Row = {};
    for (const { path, name, column, required, compute } of rules.generated) {
      const value = compute(values);
      if (required && value === null) {
        throw calls.failure('NOT_NULL', `${path} must not be null: its function returned no value.`);
      }
      if (value !== undefined) {
        values[name] = value;
        result[column.name] = stored[column.name];
        if (!isSame(value, stored[column.name])) {
          change[column.name] = value;
        }
      }
    }
    for (const { name, path, holds } of rules.checks) {
      if (!holds(values)) {
        throw calls.failure('CHECK', `The check ${name} of ${path} does not hold.`);
      }
    }
    if (Object.keys(change).length > 0) {
      keys.push(Object.fromEntries(columns.primary.map((column) => [column.name, stored[column.name]])));
      changes.push(change);
      changed.push(result);
    }
  });
  const names = rules.generated.map(({ column }) => column.name);
  const plan = planner.updateMany(columns, keys, changes, { returning: names });
  if (plan === undefined) {
    return results;
  }
  const written = calls.write('update', columns, plan, () => [['set', changes]], options);
  return andThen(written, ({ rows: settled }) => {
    settled.forEach((row, i) => {
      for (const name of names) {
        (changed[i] as Row)[name] = row[name];
      }
    });
    return results;
  });
}

function isSame(value: unknown, stored: unknown): boolean {
  if (typeof value !== 'object' || value === null || typeof stored !== 'object' || stored === null) {
    return value === stored;
  }
  return value instanceof Date && stored instanceof Date && value.getTime() === stored.getTime();
}
