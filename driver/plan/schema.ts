/**
 * The schema that models need: collections, indexes and foreign keys.
 */
import type { CollectionDef, FieldDef, ForeignDef, IndexDef, Rule, SchemaDef } from '../native/ir.js';
import { PlanError } from './errors.js';
import { decodeJsonKey } from './json-key.js';
import {
  type Column,
  columnsOf,
  fieldPairs,
  type ForeignSource,
  findEmbedded,
  findProp,
  isRelation,
  type Model,
  type Prop,
  type RelationProp,
} from './model.js';

/** The schema of models, one for each collection. */
export function schemaOf(models: readonly Model[]): SchemaDef {
  return { collections: models.map(collectionOf) };
}

function collectionOf(model: Model): CollectionDef {
  return {
    name: model.collection,
    fields: model.columns.map(fieldOf),
    primary: model.primary.map((column) => column.name),
    indexes: indexesOf(model),
    foreign: foreignOf(model),
  };
}

function fieldOf({ name, type, nullable, default: given, autoIncrement, oneOf }: Column): FieldDef {
  return {
    name,
    type,
    nullable,
    ...(given && { default: given }),
    ...(autoIncrement === true && { autoIncrement }),
    ...(oneOf && { oneOf }),
  };
}

type IndexPath = IndexDef['paths'][number];

/** Declared indexes, and one for each foreign key, from which its referrers are found. Of several on the same paths the unique one, or the first, stays. */
function indexesOf(model: Model): IndexDef[] {
  const indexes = new Map<string, IndexDef>();
  const primary = JSON.stringify(
    model.primary.map((column): IndexPath => ({ field: column.name, json: [] })),
  );
  const add = (paths: readonly IndexPath[], unique: boolean, name?: string) => {
    const key = JSON.stringify(paths);
    const present = indexes.get(key);
    if (key !== primary && paths.length > 0 && (present === undefined || (unique && !present.unique))) {
      indexes.set(key, {
        name: name ?? defaultName(model, paths, unique ? 'unique' : 'index'),
        paths,
        unique,
      });
    }
  };
  for (const { properties, unique, name } of model.indexes ?? []) {
    add(
      properties.flatMap((property) => indexPaths(model, property)),
      unique,
      name,
    );
  }
  for (const prop of ownerRelations(model)) {
    add(
      prop.columns.map((column) => ({ field: column.name, json: [] })),
      false,
    );
  }
  return [...indexes.values()];
}

function ownerRelations(model: Model): RelationProp[] {
  const [above] = model.above ?? [];
  return [...(above ? [above] : []), ...model.props.values()].filter(
    (prop): prop is RelationProp =>
      isRelation(prop) &&
      prop.holder === undefined &&
      prop.owner &&
      prop.refused === undefined &&
      prop.json.length === 0 &&
      prop.columns.length > 0,
  );
}

/** The places that a property of an index stands for. */
function indexPaths(model: Model, property: string): IndexPath[] {
  const json = decodeJsonKey(property);
  if (json !== undefined) {
    return [{ field: json.field, json: [...json.path] }];
  }
  const whole = findProp(model, property);
  if (whole !== undefined && whole.holder === undefined) {
    return propPaths(whole, []);
  }
  const [first = '', ...steps] = property.split('.');
  const prop = findProp(model, first);
  const paths = prop === undefined ? [] : propPaths(prop, steps);
  if (paths.length === 0) {
    throw new PlanError(
      'UNKNOWN_PROPERTY',
      `An index of ${model.name} is on ${property}, which is no stored property`,
      `${model.name}.${property}`,
    );
  }
  return paths;
}

function propPaths(prop: Prop, steps: readonly string[]): IndexPath[] {
  if (prop.holder !== undefined) {
    return [];
  }
  if (prop.kind === 'embedded') {
    const [step, ...rest] = steps;
    if (step !== undefined) {
      const child = findEmbedded(prop, step);
      return child === undefined ? [] : propPaths(child, rest);
    }
    if (prop.inline) {
      return [...prop.props.values()].flatMap((child) => propPaths(child, []));
    }
  }
  const columns = columnsOf(prop);
  return steps.length > 0 && columns.some((column) => column.type !== 'json')
    ? []
    : columns.map((column) => ({ field: column.name, json: [...prop.json, ...steps] }));
}

function foreignOf(model: Model): ForeignDef[] {
  const foreign = new Map<string, ForeignDef>();
  for (const prop of ownerRelations(model)) {
    if (prop.foreign !== undefined) {
      const fields = prop.columns.map((column) => column.name);
      const name =
        prop.foreign.name ??
        defaultName(
          model,
          fields.map((field) => ({ field, json: [] })),
          'foreign',
        );
      const targetFields = fieldPairs(prop.join).map(([, target]) => target);
      foreign.set(name, {
        name,
        fields,
        target: prop.target().collection,
        targetFields,
        ...rulesOf(prop, prop.foreign),
        ...(prop.foreign.deferred && { deferred: true }),
      });
    }
  }
  return [...foreign.values()];
}

function rulesOf(
  prop: RelationProp,
  { deleteRule, updateRule, cascadeRemove, cascadePersist }: ForeignSource,
): Pick<ForeignDef, 'onDelete' | 'onUpdate'> {
  return {
    onDelete: ruleOf(
      deleteRule ?? (cascadeRemove === true ? 'cascade' : prop.nullable ? 'set null' : 'no action'),
      prop,
    ),
    onUpdate: ruleOf(updateRule ?? (cascadePersist === true ? 'cascade' : 'no action'), prop),
  };
}

/** Whether the store changes the key that a relation holds when its target is changed or removed. */
export function followsTarget(prop: RelationProp): boolean {
  if (prop.foreign === undefined) {
    return false;
  }
  const { onDelete, onUpdate } = rulesOf(prop, prop.foreign);
  return onDelete === 'setNull' || onDelete === 'setDefault' || !['noAction', 'restrict'].includes(onUpdate);
}

const RULES: ReadonlyMap<string, Rule> = new Map([
  ['cascade', 'cascade'],
  ['set null', 'setNull'],
  ['set default', 'setDefault'],
  ['restrict', 'restrict'],
  ['no action', 'noAction'],
]);

function ruleOf(name: string, prop: RelationProp): Rule {
  const rule = RULES.get(name.trim().toLowerCase());
  if (rule === undefined) {
    throw new PlanError(
      'UNSUPPORTED',
      `The relation ${prop.name} has the rule '${name}': there are ${[...RULES.keys()].join(', ')}`,
      prop.name,
    );
  }
  return rule;
}

/** The names the ORM's naming strategy gives by default. */
function defaultName(
  model: Model,
  paths: readonly IndexPath[],
  kind: 'index' | 'unique' | 'foreign',
): string {
  return [
    model.collection.replaceAll('.', '_'),
    ...paths.flatMap(({ field, json }) => [field, ...json]),
    kind,
  ].join('_');
}
