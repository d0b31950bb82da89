// biome-ignore-all lint/suspicious/noExplicitAny: core's options differ between the majors.
/** Relations of rows that are streamed: as nothing is loaded after them, all that is populated is joined. */
import { type EntityMetadata, type EntityProperty, LoadStrategy, ReferenceKind } from '@mikro-orm/core';
import { unsupported } from '../errors.js';
import type { PopulateHint } from './joins.js';
import type { Row } from '../plan/part.js';
import type { NestedOptions } from '../plan/select.js';
import { polymorphicTargets } from '../model/polymorphic.js';

/** The options of a stream, whatever strategies its relations name elsewhere. */
export function joinedOptions(meta: EntityMetadata, options: any): any {
  const populate = Array.isArray(options.populate) ? joinedHints(meta, options.populate) : [];
  return { ...options, populate, strategy: LoadStrategy.JOINED };
}

function joinedHints(meta: EntityMetadata | undefined, hints: readonly PopulateHint[]): PopulateHint[] {
  return hints.map((hint) => {
    const prop = relationOf(meta, hint);
    return prop === undefined
      ? hint
      : {
          ...hint,
          all: false,
          strategy: LoadStrategy.JOINED,
          ...(hint.children && { children: joinedHints(prop.targetMeta, hint.children) }),
        };
  });
}

/** Refuses relations that cannot be joined: their collections would stay empty without a word. */
export function requireJoined(
  meta: EntityMetadata,
  hints: readonly PopulateHint[],
  joined: readonly NestedOptions[] = [],
): void {
  for (const hint of hints) {
    const prop = relationOf(meta, hint);
    if (prop === undefined || (!isToMany(prop) && (prop.mapToPk || hint.field.endsWith(':ref')))) {
      continue;
    }
    const join = joined.find((nested) => nested.prop === prop.name);
    if (join === undefined) {
      throw unsupported(
        `${meta.className}.${prop.name} cannot be populated while streaming: its rows can only be read by a query of their own. Use \`find\` with \`limit\` and \`offset\`, or \`em.populate\` the entities.`,
      );
    }
    if (join.keyOnly !== true) {
      for (const [target, below] of targetsOf(prop, join)) {
        requireJoined(target, hint.children ?? [], below);
      }
    }
  }
}

/** Rows as the SQL drivers stream them unmerged: each once for each combination of the members of its collections. */
export async function* eachUnmerged(
  meta: EntityMetadata,
  rows: AsyncIterable<Row>,
  joined: readonly NestedOptions[] | undefined,
): AsyncGenerator<Row, void> {
  for await (const row of rows) {
    yield* unmerged(meta, row, joined);
  }
}

function* unmerged(
  meta: EntityMetadata,
  row: Row,
  joined: readonly NestedOptions[] = [],
): Generator<Row, void> {
  const [join, ...others] = joined;
  if (join === undefined) {
    yield row;
    return;
  }
  const prop = meta.properties[join.prop as never] as EntityProperty;
  for (const value of alternatives(prop, row[join.prop], join)) {
    yield* unmerged(meta, withValue(row, join.prop, value), others);
  }
}

/** A copy of a row with another value, also of what is not enumerable: the class of rows that references lead to. */
function withValue(row: Row, name: string, value: unknown): Row {
  const copy: Row = Object.defineProperties({}, Object.getOwnPropertyDescriptors(row));
  copy[name] = value;
  return copy;
}

function* alternatives(prop: EntityProperty, value: unknown, join: NestedOptions): Generator<unknown, void> {
  if (!isToMany(prop)) {
    yield* unmergedPart(prop, value, join);
    return;
  }
  const members = Array.isArray(value) ? value : [];
  if (members.length === 0) {
    yield value;
  }
  for (const member of members) {
    for (const part of unmergedPart(prop, member, join)) {
      yield [part];
    }
  }
}

/** A row of a relation; its key where only that is there. */
function* unmergedPart(prop: EntityProperty, part: unknown, join: NestedOptions): Generator<unknown, void> {
  if (join.keyOnly === true || typeof part !== 'object' || part === null || Array.isArray(part)) {
    yield part;
    return;
  }
  let parts = [part as Row];
  for (const [target, below] of targetsOf(prop, join)) {
    // Of several entities that a relation may lead to, a row has the properties of its own only.
    parts = parts.flatMap((row) => [
      ...unmerged(
        target,
        row,
        below?.filter(({ prop }) => prop in row),
      ),
    ]);
  }
  yield* parts;
}

/** The entities that a relation leads to, with what is joined of each. */
function targetsOf(
  prop: EntityProperty,
  join: NestedOptions,
): [EntityMetadata, readonly NestedOptions[] | undefined][] {
  return join.targets === undefined
    ? [[prop.targetMeta as EntityMetadata, join.nested]]
    : [...(polymorphicTargets(prop) ?? [])].map(([discriminator, target]) => [
        target,
        join.targets?.get(discriminator)?.nested,
      ]);
}

function relationOf(meta: EntityMetadata | undefined, { field }: PopulateHint): EntityProperty | undefined {
  const name = field.split(':')[0] ?? '';
  const prop = (meta?.properties as Record<string, EntityProperty | undefined> | undefined)?.[name];
  return prop?.targetMeta === undefined || prop.kind === ReferenceKind.EMBEDDED ? undefined : prop;
}

function isToMany({ kind }: EntityProperty): boolean {
  return kind === ReferenceKind.ONE_TO_MANY || kind === ReferenceKind.MANY_TO_MANY;
}
