//! Plans in terms of a catalog: names have become positions and numbers.
//!
//! A shape is made once for each plan and catalog and then only read. What
//! differs from run to run it refers to by number: operands, joins and relations.

use std::sync::Arc;

use super::by_key::ByKey;
use super::plan::{Comparison, ConflictAction, Fold, Quantifier, Wire};
use super::regex::LastRegex;
use crate::catalog::{CollectionId, Component, FieldDef, Schema};
use crate::store::{LockMode, Patience};
use crate::value::Value;

/// Conditions that must all hold.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// The conditions; none of them is a conjunction itself.
    pub conditions: Vec<Condition>,
    /// What follows from the conditions, in a form that finds rows: relations in the place of paths that
    /// lead through relations. Never checked.
    pub implied: Vec<Condition>,
}

impl Filter {
    /// The condition that a field equals something, by number, and what.
    pub fn equal_to(&self, position: usize) -> Option<(usize, OperandId)> {
        self.conditions.iter().enumerate().find_map(|(number, condition)| {
            let Condition::Compare { op: Comparison::Eq, path, operand } = condition else { return None };
            (whole(path.here()?)? == position).then_some((number, *operand))
        })
    }
}

/// A condition, with negations moved inwards as far as they go. `Before` is about the row that the step which leads to
/// this one starts from.
#[derive(Debug)]
pub(super) enum Condition {
    All(Filter),
    Any(Vec<Filter>),
    Not(Box<Condition>),
    Const(bool),
    Compare { op: Comparison, path: ValuePath, operand: OperandId },
    In { path: ValuePath, operand: OperandId },
    Null(ValuePath),
    TupleIn { paths: Vec<ValuePath>, operand: OperandId },
    Like { path: ValuePath, operand: OperandId },
    Regex { path: ValuePath, operand: OperandId },
    Document { relation: DocumentRelation, path: ValuePath, operand: OperandId },
    HasKeys { path: ValuePath, operand: OperandId, any: bool },
    Member { path: ValuePath, filter: Filter },
    Before(Filter),
    Related(Box<Related>),
    Counted(Box<Counted>),
}

/// How a document relates to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentRelation {
    Contains,
    Contained,
    Overlap,
}

/// A condition on the rows that a join leads to.
#[derive(Debug)]
pub(super) struct Related {
    /// The number of the relation among those of the statement.
    pub number: usize,
    pub join: Join,
    pub quantifier: Quantifier,
    pub filter: Filter,
}

/// A condition on the number of rows that a join leads to.
#[derive(Debug)]
pub(super) struct Counted {
    pub join: Join,
    pub filter: Filter,
    pub op: Comparison,
    pub operand: OperandId,
}

/// A join in terms of row positions.
#[derive(Clone, Debug)]
pub(super) struct Join {
    /// The number of the join among those of the statement.
    pub number: usize,
    pub target: CollectionId,
    /// What the row that the join starts from has.
    pub local: Vec<JoinEnd>,
    /// What the target's rows have, in the same order and equal.
    pub remote: Vec<JoinEnd>,
}

/// One of two values that a join holds equal; at most one of them is a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JoinEnd {
    /// The field at a position of the row.
    Field(usize),
    /// A constant, as a key.
    Constant(Vec<u8>),
}

/// Where a value is found.
#[derive(Clone, Debug)]
pub(super) struct ValuePath {
    /// Relations to follow first.
    pub via: Vec<Step>,
    pub component: Component,
}

/// A relation on the way to a value.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub join: Join,
    /// Which of the rows it leads to count.
    pub filter: Arc<Filter>,
}

impl ValuePath {
    /// The component, if it is in the row itself.
    pub fn here(&self) -> Option<&Component> {
        self.via.is_empty().then_some(&self.component)
    }
}

/// The field that a component is, where it is no part of one.
pub(super) fn whole(component: &Component) -> Option<usize> {
    component.json.is_empty().then_some(component.position)
}

/// The number of an operand among those of the statement.
pub(super) type OperandId = usize;

/// A value that is known when the statement runs.
#[derive(Debug)]
pub(super) struct OperandShape {
    pub source: Source,
    pub kind: OperandKind,
}

/// Where an operand comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Parameter(usize),
    Constant(Value),
}

/// What an operand is for. Fields are those whose type values are brought to.
#[derive(Debug)]
pub(super) enum OperandKind {
    /// Compared with.
    Value(Option<Typed>),
    /// Written into the field.
    Stored(FieldDef),
    List(Option<Typed>),
    /// A list whose places count.
    Ranks(Option<Typed>),
    Tuples(Vec<Option<Typed>>),
    Like(Fold),
    Regex {
        flags: Option<Source>,
        last: LastRegex,
    },
    Keys,
    /// A number of rows; null means no limit.
    Rows,
}

/// The field that an operand is compared with, where that has a type.
#[derive(Debug)]
pub(super) struct Typed {
    pub field: FieldDef,
    /// The collection's name.
    pub collection: String,
}

/// One criterion of an order.
#[derive(Debug)]
pub(super) struct OrderKey {
    pub path: ValuePath,
    pub desc: bool,
    pub nulls_first: bool,
    /// A list: its places count instead of the values.
    pub ranks: Option<OperandId>,
    /// Whether there can be nulls.
    pub nullable: bool,
}

/// Related rows that criteria of an order speak of.
#[derive(Debug)]
pub(super) struct Branch {
    pub step: Step,
    /// The numbers of the criteria about a row here.
    pub keys: Vec<usize>,
    /// Rows further on.
    pub branches: Vec<Branch>,
}

/// An order of all rows: by the keys, then by primary key.
#[derive(Debug, Default)]
pub(super) struct OrderShape {
    pub keys: Vec<OrderKey>,
    /// The ways of the keys, taken together; only where one leads to several rows.
    pub branches: Vec<Branch>,
    /// Whether ties are broken downwards.
    pub ties_desc: bool,
}

/// A field handed out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub field: OutputField,
    pub wire: Wire,
}

/// What is handed out.
#[derive(Clone, Copy, Debug)]
pub(super) enum OutputField {
    /// The value at a row position.
    Position(usize),
    /// The place of the row among those of the parameters.
    Place,
}

/// What a row handed out holds.
#[derive(Debug, Default)]
pub(super) struct SelectShape {
    pub fields: Vec<Output>,
    pub nested: Vec<NestedShape>,
}

/// Rows of another collection inside a row.
#[derive(Debug)]
pub(super) struct NestedShape {
    /// The way to them: one relation, or two by way of a pivot.
    pub steps: Vec<Step>,
    pub many: bool,
    pub order: OrderShape,
    pub select: SelectShape,
}

/// A statement in terms of a catalog.
#[derive(Debug)]
pub(super) struct Shape {
    pub body: Body,
    pub operands: Vec<OperandShape>,
    /// All joins, by number.
    pub joins: Vec<Join>,
    /// How many relations there are.
    pub relations: usize,
    /// Whether conditions on the rows of a way look back at the rows that lead to them.
    pub looks_back: bool,
    /// How many parameters the statement names; those of rows come on top.
    pub parameters: usize,
}

/// What a statement does.
#[derive(Debug)]
pub(super) enum Body {
    Find(FindShape),
    Count(Matching),
    CountBy(CountByShape),
    Insert(InsertShape),
    Update(UpdateShape),
    UpdateMany(UpdateManyShape),
    Delete(Matching),
}

/// Rows of a collection that fulfil conditions.
#[derive(Debug)]
pub(super) struct Matching {
    pub schema: Arc<Schema>,
    pub filter: Filter,
    /// The key of the one row that there can be, where the conditions are about nothing else.
    pub by_key: Option<ByKey>,
}

/// Rows counted by groups.
#[derive(Debug)]
pub(super) struct CountByShape {
    pub rows: Matching,
    /// The positions that rows of one group agree in.
    pub group: Vec<usize>,
    pub returning: SelectShape,
}

#[derive(Debug)]
pub(super) struct FindShape {
    pub rows: Matching,
    pub order: OrderShape,
    pub limit: Option<OperandId>,
    pub offset: Option<OperandId>,
    pub select: SelectShape,
    pub per: Option<PerShape>,
    pub lock: Option<LockShape>,
}

/// A lock of the rows that a find hands out.
#[derive(Debug)]
pub(super) struct LockShape {
    pub mode: LockMode,
    pub patience: Patience,
    /// Whose rows of the same key are locked, in this order.
    pub of: Vec<Arc<Schema>>,
}

/// A page of each group of rows.
#[derive(Debug)]
pub(super) struct PerShape {
    pub paths: Vec<ValuePath>,
    pub limit: OperandId,
    pub offset: Option<OperandId>,
}

#[derive(Debug)]
pub(super) struct InsertShape {
    pub schema: Arc<Schema>,
    /// The position of each given field.
    pub fields: Vec<usize>,
    pub conflict: Option<ConflictShape>,
    pub returning: SelectShape,
}

/// A key that may be taken.
#[derive(Debug)]
pub(super) enum UniqueKey {
    Primary,
    /// The number of a unique index.
    Index(usize),
}

#[derive(Debug)]
pub(super) struct ConflictShape {
    pub keys: Vec<UniqueKey>,
    pub action: ConflictAction,
    /// The positions that take new values.
    pub merge: Vec<usize>,
    pub filter: Filter,
}

#[derive(Debug)]
pub(super) struct UpdateShape {
    pub rows: Matching,
    pub set: Vec<AssignmentShape>,
    pub returning: SelectShape,
}

#[derive(Debug)]
pub(super) struct AssignmentShape {
    pub position: usize,
    pub change: ChangeShape,
}

#[derive(Debug)]
pub(super) enum ChangeShape {
    Set(OperandId),
    Increase(i64),
    Now,
}

#[derive(Debug)]
pub(super) struct UpdateManyShape {
    pub schema: Arc<Schema>,
    pub key: Vec<usize>,
    pub set: Vec<usize>,
    pub bump: Option<AssignmentShape>,
    pub returning: SelectShape,
}
