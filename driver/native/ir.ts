/**
 * The plan language of the engine: what one call asks for, as data.
 *
 * A plan holds no values, only the numbers of its parameters, so that one
 * compiled plan serves every call of the same shape.
 */

/** A value of a plan: the `p`-th parameter of the call, counted from 0, or a constant. */
export type Operand = { readonly p: number } | { readonly v: JsonValue };

/** What JSON text can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** How a field crosses to JavaScript. */
export type Wire = 'number' | 'bigint' | 'decimal' | 'bool' | 'text' | 'date' | 'bytes' | 'json';

/** One side of a pair of a join: a field, or a constant that the field on the other side equals. */
export type JoinEnd = string | { readonly v: JsonValue };

/** The way from one collection to another: pairs of local field and target field, at least one without a constant. */
export interface Join {
  readonly collection: string;
  readonly on: readonly (readonly [local: JoinEnd, target: JoinEnd])[];
}

/** A relation on the way to a value. */
export interface Step extends Join {
  /** Which of the rows it leads to count; all without it. */
  readonly where?: Expr;
  /** Whether it may lead to several rows. */
  readonly many?: boolean;
}

/** A field, a place inside its document, or one reached through relations. */
export interface Path {
  readonly field: string;
  /** The way into the document the field holds. */
  readonly json?: readonly string[];
  /** Relations to follow first. */
  readonly via?: readonly Step[];
}

export type Comparison = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';

/** A condition, in three-valued logic. */
export type Expr =
  | { readonly all: readonly Expr[] }
  | { readonly any: readonly Expr[] }
  | { readonly not: Expr }
  | { readonly const: boolean }
  | { readonly cmp: { readonly op: Comparison; readonly path: Path; readonly value: Operand } }
  | { readonly in: { readonly path: Path; readonly values: Operand } }
  | { readonly null: Path }
  | { readonly exists: Path }
  | { readonly tupleIn: { readonly paths: readonly Path[]; readonly values: Operand } }
  | { readonly like: { readonly path: Path; readonly pattern: Operand; readonly fold: 'ascii' | 'unicode' } }
  | { readonly regex: { readonly path: Path; readonly pattern: Operand; readonly flags?: Operand } }
  | { readonly contains: { readonly path: Path; readonly value: Operand } }
  | { readonly contained: { readonly path: Path; readonly value: Operand } }
  | { readonly overlap: { readonly path: Path; readonly value: Operand } }
  | { readonly hasKeys: { readonly path: Path; readonly keys: Operand; readonly any: boolean } }
  | { readonly member: { readonly path: Path; readonly where: Expr } }
  | {
      readonly counted: {
        readonly join: Join;
        readonly where: Expr;
        readonly op: Comparison;
        readonly value: Operand;
      };
    }
  /** On rows of a step of a way: a condition on the row that the step starts from. */
  | { readonly before: Expr }
  | {
      readonly related: {
        readonly join: Join;
        readonly quantifier: 'some' | 'none' | 'every';
        readonly where: Expr;
      };
    };

/** One criterion of an order. Nulls are lowest unless `nulls` says otherwise. */
export interface Order {
  readonly path: Path;
  readonly desc: boolean;
  readonly nulls?: 'first' | 'last';
  /** A custom order: rank by the position in this list. */
  readonly values?: Operand;
}

/** A field of a row handed out. */
export interface SelectField {
  readonly field: string;
  readonly as: Wire;
  /** The property of the row that holds it, if not of the field's name. */
  readonly name?: string;
}

/** What a row handed out holds: fields first, then nested rows, in this order. */
export interface Select {
  readonly fields: readonly SelectField[];
  readonly nested?: readonly NestedSelect[];
}

/** Rows of another collection inside a row. */
export interface NestedSelect {
  /** The property of the row that holds them. */
  readonly name: string;
  readonly join: Join;
  /** The pivot between the two collections, joined first, and which of its rows count. */
  readonly via?: Step;
  readonly many: boolean;
  readonly required: boolean;
  readonly where?: Expr;
  readonly order?: readonly Order[];
  readonly select: Select;
}

/** A page of each group of rows that agree in all paths, before the page of the whole result. */
export interface PerGroup {
  readonly paths: readonly Path[];
  readonly limit: Operand;
  readonly offset?: Operand;
}

/** A lock of the rows of a find until the transaction ends, and what is done about rows that others have locked. */
export interface RowLock {
  readonly mode: 'shared' | 'exclusive';
  readonly busy: 'wait' | 'fail' | 'skip';
  /** The collections whose rows of the same key are locked, in this order; without it, that of the find. */
  readonly of?: readonly string[];
}

/** Rows of a collection. */
export interface FindPlan {
  readonly find: {
    readonly from: string;
    readonly where?: Expr;
    readonly order?: readonly Order[];
    readonly limit?: Operand;
    readonly offset?: Operand;
    readonly select: Select;
    readonly reverse?: boolean;
    readonly per?: PerGroup;
    readonly lock?: RowLock;
  };
}

/** The number of rows of a collection; with `by`, a row for each combination of those fields, where `$row` is how many rows have it. */
export interface CountPlan {
  readonly count: { readonly from: string; readonly where?: Expr; readonly by?: readonly SelectField[] };
}

/** What an insert does about a row whose key is taken. */
export interface OnConflict {
  readonly fields: readonly string[];
  readonly action: 'ignore' | 'merge';
  readonly merge?: readonly string[];
  readonly where?: Expr;
}

/** New rows; the parameters are rows times fields, flat, where `ABSENT` stands for the field's default. */
export interface InsertPlan {
  readonly insert: {
    readonly into: string;
    readonly fields: readonly string[];
    readonly conflict?: OnConflict;
    readonly returning?: readonly SelectField[];
  };
}

/** One field that an update changes. */
export type Assignment =
  | { readonly field: string; readonly value: Operand }
  | { readonly field: string; readonly inc: number }
  | { readonly field: string; readonly now: true };

/** The same change to every row that matches. */
export interface UpdatePlan {
  readonly update: {
    readonly in: string;
    readonly where?: Expr;
    readonly set: readonly Assignment[];
    readonly returning?: readonly SelectField[];
  };
}

/** Changes by key; the parameters are rows times (key then set), flat, where `ABSENT` leaves a field as it is. */
export interface UpdateManyPlan {
  readonly updateMany: {
    readonly in: string;
    readonly key: readonly string[];
    readonly set: readonly string[];
    readonly bump?: Exclude<Assignment, { readonly value: Operand }>;
    readonly returning?: readonly SelectField[];
  };
}

/** The end of every row that matches. */
export interface DeletePlan {
  readonly delete: { readonly from: string; readonly where?: Expr };
}

export type PlanIr = FindPlan | CountPlan | InsertPlan | UpdatePlan | UpdateManyPlan | DeletePlan;

/** What a field holds. */
export type FieldType = 'int' | 'bigint' | 'float' | 'decimal' | 'bool' | 'text' | 'date' | 'bytes' | 'json';

/** What a field gets when an insert does not name it. */
export type DefaultDef = { readonly value: JsonValue } | { readonly now: true };

export interface FieldDef {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly default?: DefaultDef;
  readonly autoIncrement?: boolean;
  /** The only texts that the field may hold. */
  readonly oneOf?: readonly string[];
}

export interface IndexDef {
  readonly name: string;
  readonly paths: readonly { readonly field: string; readonly json: readonly string[] }[];
  readonly unique: boolean;
}

export type Rule = 'cascade' | 'setNull' | 'setDefault' | 'restrict' | 'noAction';

export interface ForeignDef {
  readonly name: string;
  readonly fields: readonly string[];
  readonly target: string;
  readonly targetFields: readonly string[];
  readonly onDelete: Rule;
  readonly onUpdate: Rule;
  /** Checked when the transaction commits, and not at the end of each statement. */
  readonly deferred?: boolean;
}

export interface CollectionDef {
  readonly name: string;
  readonly fields: readonly FieldDef[];
  readonly primary: readonly string[];
  readonly indexes: readonly IndexDef[];
  readonly foreign: readonly ForeignDef[];
}

export interface SchemaDef {
  readonly collections: readonly CollectionDef[];
}
