//! The plan language: what one call asks for, as the JSON text that the driver
//! sends. A plan holds no values but numbers of parameters, so that one plan
//! serves every call of its shape.
//!
//! Everything here is plain data. An unknown key anywhere is an error: a
//! condition that is not understood must never be left out.

use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};

/// What a call asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Statement {
    /// Rows of a collection.
    Find(Find),
    /// The number of rows of a collection.
    Count(Count),
    /// New rows.
    Insert(Insert),
    /// The same change to every row that matches.
    Update(Update),
    /// Changes by key, each row its own.
    UpdateMany(UpdateMany),
    /// The end of every row that matches.
    Delete(Delete),
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    /// `InvalidPlan` with the place in the text, when it is not JSON or not a plan.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::new(ErrorCode::InvalidPlan, format!("the plan cannot be read: {error}")))
    }
}

/// A value of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Operand {
    /// A parameter of the call, counted from 0.
    #[serde(rename = "p")]
    Parameter(usize),
    /// A constant.
    #[serde(rename = "v")]
    Constant(serde_json::Value),
}

/// The way from one collection to another.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The collection it leads to.
    pub collection: String,
    /// Pairs of a field here and the field there that equals it. A constant may
    /// stand on one side of a pair, but not in every pair. Without pairs every
    /// row there is meant.
    pub on: Vec<(JoinEnd, JoinEnd)>,
}

/// One side of a pair of a join.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum JoinEnd {
    /// A field of that side.
    Field(String),
    /// A constant, which the field on the other side equals.
    Constant(Constant),
}

/// A constant of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The constant.
    #[serde(rename = "v")]
    pub value: serde_json::Value,
}

/// A field, a place inside its document, or one reached through relations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// The field's name.
    pub field: String,
    /// The way into the document that the field holds.
    #[serde(default)]
    pub json: Vec<String>,
    /// Relations to follow first. Where several rows are reached the least value counts; in an order see [`Find::order`].
    #[serde(default)]
    pub via: Vec<Step>,
}

/// A relation on the way to a value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The collection it leads to.
    pub collection: String,
    /// As in [`Join::on`].
    pub on: Vec<(JoinEnd, JoinEnd)>,
    /// Which of the rows it leads to count; all without it.
    #[serde(default, rename = "where")]
    pub filter: Option<Box<Expr>>,
    /// Whether it may lead to several rows.
    #[serde(default)]
    pub many: bool,
}

impl Step {
    /// The way itself.
    #[must_use]
    pub fn join(&self) -> Join {
        Join { collection: self.collection.clone(), on: self.on.clone() }
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
}

/// Which letters `like` takes for the same.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Fold {
    /// Upper and lower case of ASCII letters, as SQLite's LIKE.
    Ascii,
    /// Upper and lower case of all letters, as PostgreSQL's ILIKE.
    Unicode,
}

/// How many related rows must match.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Quantifier {
    /// At least one.
    Some,
    /// None.
    None,
    /// No row makes the condition false; holds where there are no rows.
    Every,
}

/// A condition, in three-valued logic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Expr {
    /// All of them; true when empty.
    All(Vec<Expr>),
    /// At least one of them; false when empty.
    Any(Vec<Expr>),
    /// The opposite; unknown stays unknown.
    Not(Box<Expr>),
    /// Always or never.
    Const(bool),
    /// A comparison; unknown when a side is null.
    Cmp {
        /// The comparison.
        op: Comparison,
        /// Its left side.
        path: Path,
        /// Its right side.
        value: Operand,
    },
    /// Whether the value is among those of a list.
    In {
        /// The value.
        path: Path,
        /// An array.
        values: Operand,
    },
    /// Whether the value is null or missing. Never unknown.
    Null(Path),
    /// Whether the value is neither null nor missing. Never unknown.
    Exists(Path),
    /// Whether the values, taken together, are among the tuples of a list.
    TupleIn {
        /// The values.
        paths: Vec<Path>,
        /// An array of arrays, each as long as `paths`.
        values: Operand,
    },
    /// Whether the text matches a pattern of `%` and `_`.
    Like {
        /// The text.
        path: Path,
        /// The pattern.
        pattern: Operand,
        /// Which letters are the same.
        fold: Fold,
    },
    /// Whether a part of the text matches an ECMAScript regular expression.
    Regex {
        /// The text.
        path: Path,
        /// The source of the expression.
        pattern: Operand,
        /// Its flags, as text.
        #[serde(default)]
        flags: Option<Operand>,
    },
    /// Whether the document or array contains another, as PostgreSQL's `@>`.
    Contains {
        /// The containing side.
        path: Path,
        /// The contained side.
        value: Operand,
    },
    /// Whether the document or array is contained in another, as PostgreSQL's `<@`.
    Contained {
        /// The contained side.
        path: Path,
        /// The containing side.
        value: Operand,
    },
    /// Whether two arrays have a member in common, as PostgreSQL's `&&`.
    Overlap {
        /// One array.
        path: Path,
        /// The other.
        value: Operand,
    },
    /// Whether the document has keys, or the array those texts as members, as PostgreSQL's `?&` and `?|`.
    HasKeys {
        /// The document.
        path: Path,
        /// An array of texts.
        keys: Operand,
        /// Whether one of them is enough.
        any: bool,
    },
    /// Whether some member of the array fulfils a condition. Never unknown: what is no array has no members.
    Member {
        /// The array.
        path: Path,
        /// The condition on each member, which is the field [`MEMBER`](crate::catalog::MEMBER).
        #[serde(rename = "where")]
        filter: Box<Expr>,
    },
    /// On rows that a step of a way leads to: a condition on the row that it starts from.
    Before(Box<Expr>),
    /// A condition on rows of another collection. Never unknown.
    Related {
        /// The way to them.
        join: Join,
        /// How many must match.
        quantifier: Quantifier,
        /// The condition on each.
        #[serde(rename = "where")]
        filter: Box<Expr>,
    },
    /// How many rows of another collection there are; unknown when compared with null.
    Counted {
        /// The way to them.
        join: Join,
        /// Which of them are counted.
        #[serde(rename = "where")]
        filter: Box<Expr>,
        /// The comparison.
        op: Comparison,
        /// What the number is compared with.
        value: Operand,
    },
}

/// Where nulls stand in an order.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// One criterion of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What is compared.
    pub path: Path,
    /// Greatest first.
    #[serde(default)]
    pub desc: bool,
    /// Where nulls stand; without it they are the lowest value.
    #[serde(default)]
    pub nulls: Option<Nulls>,
    /// A custom order: an array; a value's rank is its place in it, and values outside of it come first.
    #[serde(default)]
    pub values: Option<Operand>,
}

/// How a field leaves the engine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Wire {
    /// A double.
    Number,
    /// A 64-bit integer.
    Bigint,
    /// The text of an exact decimal.
    Decimal,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// Milliseconds since 1970.
    Date,
    /// Bytes.
    Bytes,
    /// A value of any kind, tagged.
    Json,
}

/// A field of a row handed out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectField {
    /// The field, or one of the system fields `$inserted`, `$updated` and, of rows written, `$row`:
    /// the place of the row among the rows of the parameters, counted from 0.
    pub field: String,
    /// How it leaves.
    #[serde(rename = "as")]
    pub wire: Wire,
    /// What the receiver calls it; means nothing here.
    #[serde(default)]
    pub name: Option<String>,
}

/// What a row handed out holds: fields, then nested rows, in this order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// The fields.
    pub fields: Vec<SelectField>,
    /// Rows of other collections.
    #[serde(default)]
    pub nested: Vec<Nested>,
}

/// Rows of another collection inside a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nested {
    /// The way to them, from the pivot where there is one.
    pub join: Join,
    /// The way to the pivot between both collections, and which of its rows count.
    #[serde(default)]
    pub via: Option<Step>,
    /// A list of rows, else one or none.
    pub many: bool,
    /// Whether rows without any nested row are left out, as by an inner join.
    #[serde(default)]
    pub required: bool,
    /// Which of them.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
    /// Their order; without it that of the pivot's keys, then of their own.
    #[serde(default)]
    pub order: Vec<Order>,
    /// What each holds.
    pub select: Select,
    /// What the receiver calls them; means nothing here.
    #[serde(default)]
    pub name: Option<String>,
}

/// Rows of a collection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The collection.
    pub from: String,
    /// Which rows; all without it.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
    /// Their order, ties by primary key; without it that of the primary key.
    ///
    /// By relations to many a row stands where the first of its combinations with related rows does, and criteria
    /// with the same way speak of the same related row. Pages are counted by the least value of each criterion.
    #[serde(default)]
    pub order: Vec<Order>,
    /// How many at most; null means all.
    #[serde(default)]
    pub limit: Option<Operand>,
    /// How many to leave out first.
    #[serde(default)]
    pub offset: Option<Operand>,
    /// What each row handed out holds.
    pub select: Select,
    /// The exact opposite of the order, ties included, before limit and offset count.
    #[serde(default)]
    pub reverse: bool,
    /// A page of each group, before limit and offset count.
    #[serde(default)]
    pub per: Option<Per>,
    /// Locks the rows handed out until the transaction ends.
    #[serde(default)]
    pub lock: Option<Lock>,
}

/// A lock of the rows that a find hands out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// What it keeps others from.
    pub mode: LockStrength,
    /// What is done about rows that others have locked.
    #[serde(default)]
    pub busy: Busy,
    /// The collections whose rows of the same key are locked, in this order;
    /// without any, that of the find.
    #[serde(default)]
    pub of: Vec<String>,
}

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LockStrength {
    /// From writing the row; others may hold the same lock.
    Shared,
    /// From writing or locking the row.
    Exclusive,
}

/// What is done about rows that others have locked.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Busy {
    /// They are waited for.
    #[default]
    Wait,
    /// They are an error.
    Fail,
    /// They are left out; others take their places on the page.
    Skip,
}

/// A page of each group of rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Per {
    /// What is equal within a group; nulls count as equal. Without any path all rows are one group.
    pub paths: Vec<Path>,
    /// How many at most of each group; null means all.
    pub limit: Operand,
    /// How many of each group to leave out first.
    #[serde(default)]
    pub offset: Option<Operand>,
}

/// The number of rows of a collection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The collection.
    pub from: String,
    /// Which rows; all without it.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
    /// What to count apart: a row is handed out for each combination of these
    /// fields, in their order, and `$row` in it is how many rows have it.
    #[serde(default)]
    pub by: Option<Vec<SelectField>>,
}

/// What an insert does about a key that is taken.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ConflictAction {
    /// Leaves the stored row as it is.
    Ignore,
    /// Changes the stored row.
    Merge,
}

/// Which key, and what to do when it is taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The fields of the primary key or of a unique index, in any order. Empty: whichever unique key is taken.
    #[serde(default)]
    pub fields: Vec<String>,
    /// What to do.
    pub action: ConflictAction,
    /// The fields that take the new values; without it all that were inserted but the conflicting ones.
    #[serde(default)]
    pub merge: Option<Vec<String>>,
    /// A merge happens only where the stored row fulfils this.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
}

/// New rows. The parameters are rows times fields, flat; an absent one takes the field's default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insert {
    /// The collection.
    pub into: String,
    /// The fields that the parameters give.
    pub fields: Vec<String>,
    /// What to do about taken keys; an error without it.
    #[serde(default)]
    pub conflict: Option<Conflict>,
    /// What comes back of each row written, in the order of the parameters. Rows ignored give nothing.
    #[serde(default)]
    pub returning: Vec<SelectField>,
}

/// One field that an update changes. Exactly one of `value`, `inc` and `now` is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The field.
    pub field: String,
    /// The new value.
    #[serde(default)]
    pub value: Option<Operand>,
    /// What is added to a number.
    #[serde(default)]
    pub inc: Option<i64>,
    /// The time of the statement.
    #[serde(default)]
    pub now: bool,
}

/// The same change to every row that matches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The collection.
    #[serde(rename = "in")]
    pub collection: String,
    /// Which rows; all without it.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
    /// The changes.
    pub set: Vec<Assignment>,
    /// What comes back of each changed row, in the order of the primary key.
    #[serde(default)]
    pub returning: Vec<SelectField>,
}

/// Changes by key. The parameters are rows times (key then set), flat; an absent one leaves the field as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateMany {
    /// The collection.
    #[serde(rename = "in")]
    pub collection: String,
    /// The fields that find a row: the primary key, perhaps with more that must equal, such as a version.
    pub key: Vec<String>,
    /// The fields that the parameters change.
    pub set: Vec<String>,
    /// A change that every row gets besides.
    #[serde(default)]
    pub bump: Option<Assignment>,
    /// What comes back of each row found, in the order of the parameters.
    #[serde(default)]
    pub returning: Vec<SelectField>,
}

/// The end of every row that matches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The collection.
    pub from: String,
    /// Which rows; all without it.
    #[serde(default, rename = "where")]
    pub filter: Option<Expr>,
}
