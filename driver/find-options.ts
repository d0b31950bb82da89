// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/**
 * Core's options of a query as what the planner is asked for. What is not
 * there yet is refused: an option passed over would find other rows.
 */
import {
  type EntityMetadata,
  type EntityProperty,
  LockMode,
  ReferenceKind,
  ValidationError,
} from '@mikro-orm/core';
import { unsupported } from './errors.js';
import type { FindOptions } from './plan/planner.js';

interface PopulateHint {
  readonly field: string;
  readonly all?: boolean;
  readonly children?: readonly PopulateHint[];
}

/** What a query asks for. Relations to populate are not part of it: core loads them with queries of their own. */
export function findRequest(
  meta: EntityMetadata,
  where: unknown,
  options: any,
  limit: number | undefined,
  joinsOwners: boolean,
): FindOptions {
  refuseOptions(meta, options);
  const { orderBy, offset, fields, exclude } = options;
  const populate: readonly PopulateHint[] = Array.isArray(options.populate) ? options.populate : NO_HINTS;
  return {
    where,
    orderBy,
    limit: limit ?? undefined,
    offset: offset ?? undefined,
    fields: fields?.length > 0 ? namesOf(fields) : undefined,
    exclude: exclude?.length > 0 ? exclude : undefined,
    lazy: populate.length > 0 ? lazyProperties(meta, populate) : undefined,
    refs: joinsOwners ? inverseReferences(meta, populate, fields) : undefined,
  };
}

const NO_HINTS: readonly PopulateHint[] = [];

/** Refuses what changes the result of a count and is not there yet. */
export function refuseCountOptions(meta: EntityMetadata, options: any): void {
  if (!isEmpty(options.populateFilter)) {
    throw unsupported(
      `Filters on relations are not there yet: ${Object.keys(options.populateFilter).join(', ')} of ${meta.className}. Turn them off with \`filters\`, or set \`filtersOnRelations: false\`.`,
    );
  }
  if (options.groupBy !== undefined || options.having !== undefined) {
    throw unsupported(`groupBy and having are not there yet (at ${meta.className}).`);
  }
  if (options.collation !== undefined) {
    throw unsupported(`Texts are compared by code points: there are no collations (at ${meta.className}).`);
  }
}

function refuseOptions(meta: EntityMetadata, options: any): void {
  refuseCountOptions(meta, options);
  if (
    options.lockMode !== undefined &&
    options.lockMode !== LockMode.NONE &&
    options.lockMode !== LockMode.OPTIMISTIC
  ) {
    throw options.ctx
      ? unsupported(`Pessimistic locks are not there yet (at ${meta.className}).`)
      : ValidationError.transactionRequired();
  }
  if (options._partitionLimit !== undefined) {
    throw unsupported(
      `A limit for each parent is not there yet (at ${meta.className}): remove \`limit\` and \`offset\` from \`populateHints\`.`,
    );
  }
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'object' && Reflect.ownKeys(value).length === 0)
  );
}

/** Names of properties, out of names and objects of names. */
function namesOf(fields: readonly unknown[], prefix = ''): string[] {
  return fields.flatMap((field) => {
    if (typeof field === 'object' && field !== null) {
      return Object.entries(field).flatMap(([key, value]) => namesOf([value].flat(), `${prefix}${key}.`));
    }
    return [`${prefix}${String(field)}`];
  });
}

function lazyProperties(meta: EntityMetadata, populate: readonly PopulateHint[]): string[] {
  return meta.props
    .filter((prop) => prop.lazy && populate.some((hint) => hint.all || hint.field === prop.name))
    .map((prop) => prop.name);
}

const inverseByMeta = new WeakMap<EntityMetadata, readonly EntityProperty[]>();

/** The 1:1 relations whose key is on the other side: without it an entity would not know whether there is one. */
function inverseReferences(
  meta: EntityMetadata,
  populate: readonly PopulateHint[],
  fields: readonly unknown[] | undefined,
): readonly string[] | undefined {
  let props = inverseByMeta.get(meta);
  if (props === undefined) {
    props = meta.relations.filter((prop) => prop.kind === ReferenceKind.ONE_TO_ONE && !prop.owner);
    inverseByMeta.set(meta, props);
  }
  if (props.length === 0) {
    return undefined;
  }
  const populated = (name: string) =>
    populate.some((hint) => hint.all || hint.field === name || hint.field === `${name}:ref`);
  const chosen = (name: string) =>
    !fields?.length || fields.some((field) => field === '*' || String(field).split('.')[0] === name);
  return props
    .filter((prop) => populated(prop.name) || (!prop.lazy && chosen(prop.name)))
    .map((prop) => prop.name);
}
