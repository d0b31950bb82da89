/** The columns of the collections that entities live in. */
import {
  DateType,
  type EntityMetadata,
  type EntityProperty,
  type Platform,
  ReferenceKind,
} from '@mikro-orm/core';
import {
  goesOn,
  isKeptAbove,
  polymorphicEntities,
  rootOf,
  siblingColumnsOf,
  targetKeyOf,
} from '../compat.js';
import { isDate } from '../writing/dates.js';
import { columnDefault } from './defaults.js';
import { unsupported } from '../errors.js';
import type { FieldType } from '../native/ir.js';
import type { Column } from '../plan/model.js';
import { fieldTypeOf, WIRES } from './field-types.js';
import { fieldNames, isGenerated, isStored, keyColumns } from './properties.js';

/** Whether a column of a type holds all values of another type, and compares with it. */
function holds(type: FieldType, other: FieldType): boolean {
  return type === other || (other === 'int' && (type === 'bigint' || type === 'float'));
}

/** Makes the columns of collections, and keeps them. */
export class Columns {
  readonly #platform: Platform;
  readonly #columns = new Map<EntityMetadata, Map<string, Column>>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Every column of the collection that an entity lives in, by name. Columns that relations share come once. */
  of(meta: EntityMetadata): Map<string, Column> {
    const root = rootOf(meta);
    let columns = this.#columns.get(root);
    if (columns === undefined) {
      columns = new Map();
      this.#columns.set(root, columns);
      for (const prop of root.props) {
        if (isStored(prop) && !isKeptAbove(root, prop)) {
          for (const made of this.#columnsFor(prop)) {
            const column = goesOn(root) ? { ...made, autoIncrement: false } : made;
            const shared = columns.get(column.name);
            columns.set(column.name, shared === undefined ? column : sharedColumn(shared, column));
          }
        }
      }
    }
    return columns;
  }

  #columnsFor(prop: EntityProperty): Column[] {
    const names = siblingColumnsOf(prop) ?? fieldNames(prop);
    // Core makes what only a subclass declares nullable, keys of an abstract root among it.
    // A generated value is there only once its row is.
    const nullable = (prop.nullable === true && !prop.primary) || isGenerated(prop);
    const choices = choicesOf(prop);
    return names.map((name, i) => {
      const type = this.#fieldType(prop, i);
      const defaultValue = columnDefault(prop, type, this.#platform);
      return {
        name,
        type,
        wire: WIRES[type],
        nullable,
        ...(defaultValue && { default: defaultValue }),
        ...(prop.autoincrement && { autoIncrement: true }),
        ...(choices && type === 'text' && { oneOf: choices }),
      };
    });
  }

  #fieldType(prop: EntityProperty, i: number): FieldType {
    if (prop.kind === ReferenceKind.EMBEDDED) {
      return 'json';
    }
    const targets = polymorphicEntities(prop);
    if (targets !== undefined) {
      return i === 0 ? 'text' : this.#keyType(prop, i - 1, targets);
    }
    const referred = prop.kind === ReferenceKind.SCALAR ? undefined : this.#referredType(prop, i);
    if (referred !== undefined) {
      return referred;
    }
    if (
      prop.enum &&
      !prop.array &&
      prop.items?.some((item) => typeof item === 'string') &&
      prop.items.some((item) => typeof item !== 'string')
    ) {
      return 'json';
    }
    const columnType = prop.columnTypes?.[i] ?? prop.columnTypes?.[0];
    const mapped = columnType === undefined ? prop.customType : this.#platform.getMappedType(columnType);
    if (isDate(prop) && mapped instanceof DateType) {
      return 'date';
    }
    const type = mapped === undefined ? 'json' : fieldTypeOf(mapped);
    // What the engine counts up is a number, also under a key that is declared as text.
    return prop.autoincrement && type !== 'bigint' ? 'int' : type;
  }

  /** The type of the column that a column of a foreign key refers to. */
  #referredType(prop: EntityProperty, i: number): FieldType | undefined {
    const name = prop.referencedColumnNames?.[i];
    return name === undefined || !prop.targetMeta ? undefined : this.#typeOf(prop.targetMeta, name, prop);
  }

  /** The type of an entity's column, by a property that is not the one given. */
  #typeOf(meta: EntityMetadata, name: string, besides: EntityProperty): FieldType | undefined {
    const holder = rootOf(meta).props.find(
      (prop) => prop !== besides && isStored(prop) && fieldNames(prop).includes(name),
    );
    return holder && this.#fieldType(holder, fieldNames(holder).indexOf(name));
  }

  /** The type that holds a column of the keys of several entities. */
  #keyType(prop: EntityProperty, i: number, targets: readonly EntityMetadata[]): FieldType {
    const types = targets.map(
      (target) => this.#typeOf(target, keyColumns(target, targetKeyOf(prop))[i] ?? '', prop) ?? 'json',
    );
    const type = types.find((type) => types.every((other) => holds(type, other)));
    if (type === undefined) {
      const names = targets.map(({ className }, at) => `that of ${className} is ${types[at]}`);
      throw unsupported(
        `The relation ${prop.name} has no type for the keys it leads to: ${names.join(', ')}.`,
      );
    }
    return type;
  }

  /** The columns of an entity's collection with those names. */
  named(meta: EntityMetadata, names: readonly string[]): Column[] {
    const columns = this.of(meta);
    return names.map((name) => {
      const column = columns.get(name);
      if (column === undefined) {
        throw new Error(`${meta.className} has no stored column ${name}`);
      }
      return column;
    });
  }
}

/** The texts of an enumeration, as SQL databases check them. Numbers are not checked there either, nor the members of lists. */
function choicesOf({ enum: isEnum, array, items }: EntityProperty): string[] | undefined {
  return isEnum && !array && items && items.length > 0 && items.every((item) => typeof item === 'string')
    ? (items as string[])
    : undefined;
}

/** One column of several properties: it must hold what any of them may. */
function sharedColumn(one: Column, other: Column): Column {
  const { oneOf: _, ...column } = one.nullable ? { ...other, ...one } : one;
  return {
    ...column,
    nullable: one.nullable && other.nullable,
    ...(one.oneOf && other.oneOf && { oneOf: [...new Set([...one.oneOf, ...other.oneOf])] }),
  };
}
