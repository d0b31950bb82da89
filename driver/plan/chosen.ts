/**
 * Which properties the names of a selection choose: those asked for, less those
 * left out, and what every row needs.
 */
import { PlanError } from './errors.js';
import { primaryParts } from './key.js';
import { type EmbeddedProp, findProp, isRelation, type Model, type Prop, type ScalarProp } from './model.js';
import { isStored, type Row } from './part.js';
import type { SelectOptions } from './select.js';

/** A property that is made of the others when it is loaded. */
export type FormulaProp = ScalarProp & { readonly compute: (row: Row) => unknown };

/** Whether a property is made of the others. */
export function isFormula(prop: Prop): prop is FormulaProp {
  return prop.kind === 'scalar' && prop.compute !== undefined;
}

/** The properties to fetch that are stored with the row. */
export function chosen(model: Model, options: SelectOptions): Iterable<Prop> {
  const props = new Map<string, Prop>();
  const add = (prop: Prop) => {
    if (isStored(prop) || isFormula(prop)) {
      props.set(prop.name, prop);
    }
  };
  const addNamed = (prop: Prop) => {
    if (prop.kind === 'scalar' && prop.sql === true) {
      const path = `${model.name}.${prop.name}`;
      throw new PlanError('NOT_STORED', `${path} ${prop.refused} and cannot be loaded`, path);
    }
    add(prop);
  };
  const lazy = new Set((options.lazy ?? []).flatMap((name) => named(model, name)));
  const addAll = () => {
    for (const prop of model.props.values()) {
      if (prop.lazy !== true || lazy.has(prop)) {
        add(prop);
      }
    }
  };
  primaryParts(model).forEach(add);
  if (options.fields === undefined) {
    addAll();
  } else {
    options.fields.forEach((name) => {
      if (name === '*') {
        addAll();
      } else {
        named(model, name).forEach(addNamed);
      }
    });
    lazy.forEach(add);
  }
  for (const name of options.exclude ?? []) {
    for (const prop of named(model, name)) {
      // A dotted name leaves out something of a relation's target, not its key.
      if (!isRelation(prop) || prop.name === name) {
        props.delete(prop.name);
      }
    }
  }
  always(model).forEach(add);
  return props.values();
}

/** What every row needs: who it is, and of which class. */
function always(model: Model): readonly Prop[] {
  const { discriminator } = model;
  const key = primaryParts(model);
  if (discriminator === undefined) {
    return key;
  }
  const { name } = discriminator.column;
  const props = [...model.props.values()];
  const kind =
    props.find((prop) => prop.kind === 'scalar' && prop.column?.name === name) ?? findProp(model, name);
  return kind === undefined ? key : [...key, kind];
}

/** The properties that a name in `fields` stands for. */
function named(model: Model, name: string): readonly Prop[] {
  const plain = name.replace(/:ref$/, '');
  const whole = findProp(model, plain);
  const dot = plain.indexOf('.');
  const prop = whole ?? (dot > 0 ? findProp(model, plain.slice(0, dot)) : undefined);
  if (prop === undefined) {
    throw new PlanError(
      'UNKNOWN_PROPERTY',
      `Entity '${model.name}' does not have property '${name}'`,
      `${model.name}.${name}`,
    );
  }
  if (prop.kind !== 'embedded' || !prop.inline) {
    return [prop];
  }
  const { holder } = prop;
  const found = leaves(model, prop, whole === undefined ? plain.slice(dot + 1) : '');
  return holder === undefined ? found : found.map((leaf) => ({ ...leaf, holder }));
}

function leaves(model: Model, prop: EmbeddedProp, rest: string): readonly Prop[] {
  if (rest === '' || rest === '*') {
    return [...prop.props.values()].flatMap((child) =>
      child.kind === 'embedded' && child.inline ? leaves(model, child, '') : [child],
    );
  }
  const dot = rest.indexOf('.');
  const child = prop.props.get(dot < 0 ? rest : rest.slice(0, dot));
  if (child === undefined) {
    throw new PlanError(
      'UNKNOWN_PROPERTY',
      `Entity '${model.name}' does not have property '${prop.name}.${rest}'`,
      `${model.name}.${prop.name}.${rest}`,
    );
  }
  return child.kind === 'embedded' && child.inline
    ? leaves(model, child, dot < 0 ? '' : rest.slice(dot + 1))
    : [child];
}
