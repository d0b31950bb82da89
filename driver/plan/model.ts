/**
 * Entities as the compiler sees them: which column or place in a document a
 * property stands for, and how collections are joined.
 *
 * Whoever knows the ORM's metadata builds these once; nothing here or beside
 * it knows the ORM.
 */
import type { DefaultDef, FieldType, JoinEnd, Wire } from '../native/ir.js';
import type { Rules } from './rules.js';

/** A field of a collection. */
export interface Column {
  readonly name: string;
  readonly type: FieldType;
  /** How values come back. */
  readonly wire: Wire;
  readonly nullable: boolean;
  readonly default?: DefaultDef;
  readonly autoIncrement?: boolean;
  /** The only texts that it may hold, for an enumeration. */
  readonly oneOf?: readonly string[];
}

/** An entity, or the entity of a pivot collection. */
export interface Model {
  /** The entity's name, for messages. */
  readonly name: string;
  readonly collection: string;
  /** The primary key's columns, in the order of a flat key. */
  readonly primary: readonly Column[];
  /** The properties of the primary key, in the order of a (nested) key tuple. */
  readonly primaryProps: readonly string[];
  /** Every column of the collection, with those of all classes that share it. */
  readonly columns: readonly Column[];
  /**
   * Every property by name, embedded ones also by their flattened names
   * (`address_city`, `address~city`), those of sub classes too in the model of
   * a root that shares its collection.
   */
  readonly props: ReadonlyMap<string, Prop>;
  /** Present for a class that shares its collection with others. */
  readonly discriminator?: Discriminator;
  /**
   * The ways to the rows of the same key in the collections of the classes
   * above, the nearest first, where each class has a collection of its own.
   */
  readonly above?: readonly RelationProp[];
  /** The classes below that have collections of their own. */
  readonly below?: Subclasses;
  /** The name of the version property. */
  readonly version?: string;
  readonly indexes?: readonly IndexSource[];
  /** What is computed and checked with every write; that of the whole collection. */
  readonly rules?: Rules;
  /** Whether no row fulfils `{ $or: [] }` and `{ $not: {} }`; they are passed over otherwise. */
  readonly emptyGroupsFail?: boolean;
}

/** What tells classes of one collection apart. */
export interface Discriminator {
  readonly column: Column;
  /** The class's own value; none for an abstract class. */
  readonly value?: string | number;
  /** The values of the class and its descendants; absent at the root, which sees every row. */
  readonly values?: readonly (string | number)[];
  /** The models of the classes by value, where they keep a property of one name in different columns. */
  readonly classes?: ReadonlyMap<unknown, () => Model>;
}

/** The classes below one whose rows go on in collections of their own. */
export interface Subclasses {
  /** The property that says of which class a row is. */
  readonly property: string;
  /** What it says of rows that do not go on; none for an abstract class. */
  readonly value?: string;
  /** The farthest first. */
  readonly classes: readonly Subclass[];
}

/** A class below. */
export interface Subclass {
  /** The way to the row of the same key in its collection. */
  readonly way: RelationProp;
  /** What the property of the class says of its rows; none for an abstract class. */
  readonly value?: string;
  /** The names of the ways to all collections below that its rows go on in, its own among them. */
  readonly lineage: readonly string[];
}

/** A declared index or unique constraint. */
export interface IndexSource {
  readonly name?: string;
  /** Property names, flattened names or dotted paths into embedded objects and documents. */
  readonly properties: readonly string[];
  readonly unique: boolean;
}

export type Prop = ScalarProp | EmbeddedProp | RelationProp;

interface PropBase {
  /** The name in the entity; flattened for an embedded one. */
  readonly name: string;
  readonly nullable: boolean;
  /** Fetched only when asked for. */
  readonly lazy?: boolean;
  /** The way into the column's document, by stored names; empty outside of documents. */
  readonly json: readonly string[];
  /** Why the property cannot be used in a query, for one that has no column. */
  readonly refused?: string;
  /** The way to the row that holds it, where that is one of the same key in the collection of a class above. */
  readonly holder?: RelationProp;
}

/** A single value. */
export interface ScalarProp extends PropBase {
  readonly kind: 'scalar';
  /** None when the property is not stored. */
  readonly column?: Column;
  /** Holds a list of values, which a condition compares as a whole. */
  readonly list?: boolean;
  /** Inside of a document: a value with nothing in it to ask for. */
  readonly single?: boolean;
  /** Orders by the position in this list rather than by value. */
  readonly customOrder?: readonly unknown[];
  /** Makes the value of a row keyed by properties, for one that is computed whenever it is loaded. */
  readonly compute?: (row: Readonly<Record<string, unknown>>) => unknown;
  /** Would be made by SQL: there is no value, and asking for it by name is an error. */
  readonly sql?: boolean;
  /** Why the property, though stored, cannot be given a value. */
  readonly computed?: string;
}

/** An embedded object, spread over columns or kept as a document. */
export interface EmbeddedProp extends PropBase {
  readonly kind: 'embedded';
  /** Spread over columns of the entity. */
  readonly inline: boolean;
  /** A list of objects; always a document. */
  readonly array: boolean;
  /** The column of the document that holds it, unless inline. */
  readonly column?: Column;
  /** Its properties by their own names. Those of a document have the whole way from the column in `json`; its last step is the stored name. */
  readonly props: ReadonlyMap<string, Prop>;
}

/** A relation to an entity. */
export interface RelationProp extends PropBase {
  readonly kind: 'm:1' | '1:1' | '1:m' | 'm:n';
  /** Whether the key is stored on this side. */
  readonly owner: boolean;
  readonly target: () => Model;
  /** The columns of the key on this side, in the order of a flat key; empty on the inverse side and for m:n. */
  readonly columns: readonly Column[];
  /** Those of `columns` that belong to this relation alone; all of them by default. */
  readonly ownColumns?: readonly Column[];
  /** Pairs of local and target column; empty where a pivot links the two. */
  readonly join: readonly JoinPair[];
  /** The properties of the target that the key is made of; its primary key by default. */
  readonly targetProps?: readonly string[];
  readonly pivot?: Pivot;
  /** For a relation that may lead to several entities: which, and how. `target` and `join` are then those of the first. */
  readonly polymorphic?: Polymorphic;
  /** Whether every row has one, whatever conditions say. */
  readonly certain?: boolean;
  /** The foreign key constraint; none when absent. */
  readonly foreign?: ForeignSource;
}

export type JoinPair = readonly [local: JoinEnd, target: JoinEnd];

/** The entities that a relation may lead to. */
export interface Polymorphic {
  /** The column that says to which of them a row leads: the first of the relation's, or one of the pivot. */
  readonly column: Column;
  /** The relation to each of them, by what that column says. */
  readonly targets: ReadonlyMap<string, RelationProp>;
  /** A key, and what says of which entity, in the form the ORM takes. */
  reference(discriminator: string, key: unknown): unknown;
  /** The row of one of them, marked as such. */
  row(discriminator: string, row: Record<string, unknown>): Record<string, unknown>;
}

/** The collection that links two sides: the pivot of an m:n relation, or the one that holds the key of an inherited relation. */
export interface Pivot {
  readonly collection: string;
  /** Pairs of a column of this side and one of the pivot. */
  readonly from: readonly JoinPair[];
  /** Pairs of a column of the pivot and one of the target. */
  readonly to: readonly JoinPair[];
  /** Whether rows of the pivot may lead to none of the target, as those of other classes do. */
  readonly partial?: boolean;
}

/** What the metadata says of a foreign key; rules in SQL's words. */
export interface ForeignSource {
  readonly name?: string;
  readonly deleteRule?: string;
  readonly updateRule?: string;
  readonly cascadeRemove?: boolean;
  readonly cascadePersist?: boolean;
  /** Checked when the transaction commits. */
  readonly deferred?: boolean;
}

/** Whether a property is a relation. */
export function isRelation(prop: Prop): prop is RelationProp {
  return prop.kind !== 'scalar' && prop.kind !== 'embedded';
}

/** Whether a relation may lead to several rows. */
export function isToMany(prop: RelationProp): boolean {
  return prop.kind === '1:m' || prop.kind === 'm:n';
}

/** The pairs of a join that compare fields. */
export function fieldPairs(join: readonly JoinPair[]): (readonly [local: string, target: string])[] {
  return join.filter(
    (pair): pair is readonly [string, string] => typeof pair[0] === 'string' && typeof pair[1] === 'string',
  );
}

/** A property by its name, else the column of that name. */
export function findProp(model: Model, key: string): Prop | undefined {
  return model.props.get(key) ?? columnProps(model).get(key);
}

/** A property of an embedded one by its own name or its flattened name. */
export function findEmbedded(prop: EmbeddedProp, key: string): Prop | undefined {
  const child = prop.props.get(key);
  if (child !== undefined) {
    return child;
  }
  for (const candidate of prop.props.values()) {
    if (candidate.name === key) {
      return candidate;
    }
  }
  return undefined;
}

/** The properties that a key to the model is made of. */
export function keyProps(model: Model, names: readonly string[] = model.primaryProps): readonly Prop[] {
  return names.map((name) => {
    const prop = model.props.get(name);
    if (prop === undefined) {
      throw new Error(`The model of ${model.name} has no property ${name} that its key is made of`);
    }
    return prop;
  });
}

/** The columns that hold a property, in the order of a flat key; none when it is not stored here. */
export function columnsOf(prop: Prop): readonly Column[] {
  return isRelation(prop) ? prop.columns : prop.column === undefined ? [] : [prop.column];
}

const columnPropsByModel = new WeakMap<Model, Map<string, ScalarProp>>();

/** Columns as properties of their own, for callers that name columns. */
function columnProps(model: Model): Map<string, ScalarProp> {
  let found = columnPropsByModel.get(model);
  if (found === undefined) {
    found = new Map();
    for (const holder of [...(model.above ?? [])].reverse()) {
      addColumns(found, holder.target(), holder);
    }
    addColumns(found, model);
    columnPropsByModel.set(model, found);
  }
  return found;
}

function addColumns(found: Map<string, ScalarProp>, model: Model, holder?: RelationProp): void {
  for (const column of model.columns) {
    const { name, nullable } = column;
    found.set(name, { kind: 'scalar', name, column, nullable, json: [], ...(holder && { holder }) });
  }
}
