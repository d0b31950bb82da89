/** The statements of a migration that lead from one schema to another. */
import { inspect, isDeepStrictEqual } from 'node:util';
import type { CollectionDef, FieldDef, ForeignDef, SchemaDef } from '../native/ir.js';
import {
  collectionDefinition,
  fieldDefinition,
  foreignKeyDefinition,
  indexDefinition,
} from './definitions.js';

/** The calls of `this.schema` that lead from one schema to another, in an order in which each can be made. */
export function statements(from: SchemaDef, to: SchemaDef): string[] {
  const created = inOrder(to.collections.filter(({ name }) => find(from.collections, name) === undefined));
  const dropped = inOrder(
    from.collections.filter(({ name }) => find(to.collections, name) === undefined),
  ).reverse();
  const kept = from.collections.flatMap((old) => {
    const next = find(to.collections, old.name);
    return next === undefined ? [] : [{ old, next, retyped: retypedKeys(old, from, to) }];
  });
  return [
    ...kept.flatMap(({ old, next, retyped }) =>
      old.foreign
        .filter((key) => retyped.has(key.name) || !has(next.foreign, key))
        .map((key) => call('dropForeignKey', old.name, key.name)),
    ),
    ...dropped.flatMap((def, i) => [
      ...dropped
        .slice(i + 1)
        .flatMap((later) =>
          later.foreign
            .filter(({ target }) => target === def.name)
            .map((key) => call('dropForeignKey', later.name, key.name)),
        ),
      call('dropCollection', def.name),
    ]),
    ...kept.flatMap(({ old, next }) => changes(old, next)),
    ...creations(created),
    ...kept.flatMap(({ old, next, retyped }) =>
      next.foreign
        .filter((key) => retyped.has(key.name) || !has(old.foreign, key))
        .map((key) => addForeignKey(old.name, key)),
    ),
  ];
}

/** New collections; foreign keys to such that come later are added at the end. */
function creations(created: readonly CollectionDef[]): string[] {
  const later: string[] = [];
  const all = created.map((def, i) => {
    const names = created.slice(i + 1).map(({ name }) => name);
    later.push(
      ...def.foreign
        .filter(({ target }) => names.includes(target))
        .map((key) => addForeignKey(def.name, key)),
    );
    const foreign = def.foreign.filter(({ target }) => !names.includes(target));
    return call('createCollection', collectionDefinition({ ...def, foreign }));
  });
  return [...all, ...later];
}

/** What becomes of a collection but for its foreign keys. */
function changes(old: CollectionDef, next: CollectionDef): string[] {
  const { name } = old;
  return [
    ...old.indexes
      .filter((index) => !has(next.indexes, index))
      .map((index) => call('dropIndex', name, index.name)),
    ...next.fields.flatMap((field) => {
      const before = find(old.fields, field.name);
      const definition = fieldDefinition(field);
      return before === undefined
        ? [call('addField', name, definition)]
        : isDeepStrictEqual(before, field)
          ? []
          : [call('changeField', name, definition)];
    }),
    ...(isDeepStrictEqual(old.primary, next.primary) ? [] : [call('changePrimaryKey', name, next.primary)]),
    ...old.fields
      .filter((field) => find(next.fields, field.name) === undefined)
      .map((field) => call('dropField', name, field.name)),
    ...next.indexes
      .filter((index) => !has(old.indexes, index))
      .map((index) => call('addIndex', name, indexDefinition(index))),
  ];
}

/** The foreign keys of a collection one side of which gets another type: they would not fit in between. */
function retypedKeys(def: CollectionDef, from: SchemaDef, to: SchemaDef): Set<string> {
  const isRetyped = (collection: string, field: string) => {
    const typeIn = (schema: SchemaDef) =>
      find<FieldDef>(find(schema.collections, collection)?.fields ?? [], field)?.type;
    return typeIn(from) !== typeIn(to);
  };
  return new Set(
    def.foreign
      .filter(
        ({ fields, target, targetFields }) =>
          fields.some((field) => isRetyped(def.name, field)) ||
          targetFields.some((field) => isRetyped(target, field)),
      )
      .map(({ name }) => name),
  );
}

/** Collections in an order in which those come first that foreign keys point at, unless they point in a circle. */
function inOrder(collections: readonly CollectionDef[]): CollectionDef[] {
  const ordered = new Set<CollectionDef>();
  const begun = new Set<CollectionDef>();
  const visit = (def: CollectionDef) => {
    if (begun.has(def)) {
      return;
    }
    begun.add(def);
    for (const { target } of def.foreign) {
      const pointedAt = find(collections, target);
      if (pointedAt !== undefined) {
        visit(pointedAt);
      }
    }
    ordered.add(def);
  };
  collections.forEach(visit);
  return [...ordered];
}

function addForeignKey(collection: string, key: ForeignDef): string {
  return call('addForeignKey', collection, foreignKeyDefinition(key));
}

function call(method: string, ...values: unknown[]): string {
  return `await this.schema.${method}(${values.map(literal).join(', ')});`;
}

/** A definition as a literal of JavaScript. */
function literal(value: unknown): string {
  return inspect(value, {
    depth: null,
    breakLength: 96,
    maxArrayLength: null,
    maxStringLength: null,
  });
}

function find<Item extends { readonly name: string }>(list: readonly Item[], name: string): Item | undefined {
  return list.find((item) => item.name === name);
}

function has<Item>(list: readonly Item[], item: Item): boolean {
  return list.some((other) => isDeepStrictEqual(item, other));
}
