//! What conditions say about single components, in terms of keys.

use super::super::execution::Execution;
use super::super::operand::Operand;
use super::super::plan::{Comparison, Quantifier};
use super::super::shape::{Condition, Filter, Related};
use crate::catalog::{Component, FieldType, Schema};
use crate::error::Result;
use crate::value::{Value, ValueRef, encode_key, encode_text_prefix};

/// What the conditions of a filter say.
#[derive(Default)]
pub(super) struct Constraints<'s> {
    pub single: Vec<Constraint<'s>>,
    pub tuples: Vec<TupleConstraint<'s>>,
    pub unions: Vec<(usize, &'s [Filter])>,
    /// With the condition they stand for, unless they only follow from one.
    pub related: Vec<(Option<usize>, &'s Related)>,
}

/// What a condition says about one component.
pub(super) struct Constraint<'s> {
    /// The number of the condition in its filter.
    pub condition: usize,
    pub component: &'s Component,
    pub test: Test<'s>,
}

/// A set of keys of one component.
pub(super) enum Test<'s> {
    Equal(Vec<u8>),
    /// Sorted, each once.
    Among(&'s [Vec<u8>]),
    Above {
        key: Vec<u8>,
        inclusive: bool,
    },
    Below {
        key: Vec<u8>,
        inclusive: bool,
    },
    NotNull,
    /// Beginnings of keys, sorted. Not all keys that begin so are meant.
    Begins(Vec<Vec<u8>>),
}

/// A condition on several components at once.
pub(super) struct TupleConstraint<'s> {
    pub condition: usize,
    pub components: Vec<&'s Component>,
    pub values: &'s [Vec<Value>],
}

/// What the conditions say; `None` when they cannot all hold for any row.
pub(super) fn constraints<'s>(
    execution: &'s Execution,
    schema: &Schema,
    filter: &'s Filter,
) -> Result<Option<Constraints<'s>>> {
    let mut found = Constraints::default();
    for (number, condition) in filter.conditions.iter().enumerate() {
        let mut single = |component, test| {
            found.single.push(Constraint { condition: number, component, test });
        };
        match condition {
            Condition::Const(false) => return Ok(None),
            Condition::Compare { op, path, operand } => {
                let value = execution.value(*operand)?;
                if value.is_null() {
                    return Ok(None);
                }
                let Some(component) = path.here() else { continue };
                let key = key_of(value.as_ref());
                match op {
                    Comparison::Eq => single(component, Test::Equal(key)),
                    Comparison::Ne => {}
                    Comparison::Gt => single(component, Test::Above { key, inclusive: false }),
                    Comparison::Gte => single(component, Test::Above { key, inclusive: true }),
                    Comparison::Lt => single(component, Test::Below { key, inclusive: false }),
                    Comparison::Lte => single(component, Test::Below { key, inclusive: true }),
                }
            }
            Condition::In { path, operand } => {
                let Operand::List(list) = execution.operand(*operand)? else { return Ok(None) };
                match (list.keys.as_slice(), path.here()) {
                    ([], _) => return Ok(None),
                    ([only], Some(component)) => single(component, Test::Equal(only.clone())),
                    (keys, Some(component)) => single(component, Test::Among(keys)),
                    (_, None) => {}
                }
            }
            Condition::Null(path) => {
                if let Some(component) = path.here() {
                    single(component, Test::Equal(key_of(ValueRef::Null)));
                }
            }
            Condition::Not(inner) => {
                if let Condition::Null(path) = &**inner
                    && let Some(component) = path.here()
                {
                    single(component, Test::NotNull);
                }
            }
            Condition::Like { path, operand } => {
                let Operand::Like(pattern) = execution.operand(*operand)? else { return Ok(None) };
                let Some(component) = path.here() else { continue };
                // Numbers have no texts in their keys.
                let text =
                    schema.field(component.position).is_some_and(|field| field.def.kind == FieldType::Text);
                let starts = pattern.starts();
                if text && starts.iter().all(|start| !start.is_empty()) {
                    let keys = starts.iter().map(|start| {
                        let mut key = Vec::new();
                        encode_text_prefix(&mut key, start);
                        key
                    });
                    single(component, Test::Begins(keys.collect()));
                }
            }
            Condition::Regex { operand, .. } | Condition::HasKeys { operand, .. } => {
                if matches!(execution.operand(*operand)?, Operand::Unknown) {
                    return Ok(None);
                }
            }
            Condition::TupleIn { paths, operand } => {
                let Operand::Tuples(tuples) = execution.operand(*operand)? else { return Ok(None) };
                if tuples.complete.is_empty() {
                    return Ok(None);
                }
                let components: Option<Vec<_>> = paths.iter().map(|path| path.here()).collect();
                if let Some(components) = components {
                    found.tuples.push(TupleConstraint {
                        condition: number,
                        components,
                        values: &tuples.complete,
                    });
                }
            }
            Condition::Any(arms) => found.unions.push((number, arms)),
            Condition::Related(related) if related.quantifier == Quantifier::Some => {
                found.related.push((Some(number), related));
            }
            _ => {}
        }
    }
    for condition in &filter.implied {
        if let Condition::Related(related) = condition {
            found.related.push((None, related));
        }
    }
    Ok(Some(found))
}

fn key_of(value: ValueRef<'_>) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    encode_key(&mut key, value);
    key
}
