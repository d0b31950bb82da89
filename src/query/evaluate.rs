//! Conditions on rows. `None` is the third truth value: unknown.

use std::cmp::Ordering;

use super::document;
use super::execution::{Execution, defect};
use super::operand::{Operand, Tuples, text_of};
use super::plan::Comparison;
use super::shape::{Condition, DocumentRelation, Filter, OperandId, ValuePath};
use crate::catalog::member_row;
use crate::error::Result;
use crate::value::{Row, Value, ValueRef, encode_key};

impl Execution {
    /// Whether all conditions hold for a row.
    pub fn holds(&self, filter: &Filter, row: &Row) -> Result<bool> {
        for condition in &filter.conditions {
            if self.evaluate(condition, row)? != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the conditions are together.
    pub fn all(&self, filter: &Filter, row: &Row) -> Result<Option<bool>> {
        let mut result = Some(true);
        for condition in &filter.conditions {
            match self.evaluate(condition, row)? {
                Some(false) => return Ok(Some(false)),
                None => result = None,
                Some(true) => {}
            }
        }
        Ok(result)
    }

    /// What a condition is for a row.
    ///
    /// # Errors
    /// `PatternTooComplex` when a pattern takes too long.
    pub fn evaluate(&self, condition: &Condition, row: &Row) -> Result<Option<bool>> {
        match condition {
            Condition::Const(value) => Ok(Some(*value)),
            Condition::All(filter) => self.all(filter, row),
            Condition::Any(arms) => {
                let mut result = Some(false);
                for arm in arms {
                    match self.all(arm, row)? {
                        Some(true) => return Ok(Some(true)),
                        None => result = None,
                        Some(false) => {}
                    }
                }
                Ok(result)
            }
            Condition::Not(inner) => Ok(self.evaluate(inner, row)?.map(|value| !value)),
            Condition::Compare { op, path, operand } => {
                let operand = self.value(*operand)?.as_ref();
                self.with_value(path, row, |value| compare(*op, value, operand))
            }
            Condition::In { path, operand } => match self.operand(*operand)? {
                Operand::List(list) => self.with_value(path, row, |value| {
                    if list.keys.is_empty() && !list.has_null {
                        return Some(false);
                    }
                    if value.is_null() {
                        return None;
                    }
                    let mut key = Vec::with_capacity(32);
                    encode_key(&mut key, value);
                    match list.keys.binary_search(&key) {
                        Ok(_) => Some(true),
                        Err(_) if list.has_null => None,
                        Err(_) => Some(false),
                    }
                }),
                _ => Ok(None),
            },
            Condition::Null(path) => self.with_value(path, row, |value| Some(value.is_null())),
            Condition::TupleIn { paths, operand } => match self.operand(*operand)? {
                Operand::Tuples(tuples) => self.tuple_in(paths, tuples, row),
                _ => Ok(None),
            },
            Condition::Like { path, operand } => match self.operand(*operand)? {
                Operand::Like(pattern) => {
                    self.with_value(path, row, |value| text_of(value).map(|text| pattern.matches(&text)))
                }
                _ => Ok(None),
            },
            Condition::Regex { path, operand } => match self.operand(*operand)? {
                Operand::Regex(pattern) => self.with_value(path, row, |value| {
                    text_of(value).map(|text| pattern.matches(&text)).transpose()
                })?,
                _ => Ok(None),
            },
            Condition::Document { relation, path, operand } => {
                let operand = self.value(*operand)?.as_ref();
                self.with_value(path, row, |value| {
                    if value.is_null() || operand.is_null() {
                        return None;
                    }
                    Some(match relation {
                        DocumentRelation::Contains => document::contains(value, operand),
                        DocumentRelation::Contained => document::contains(operand, value),
                        DocumentRelation::Overlap => document::overlap(value, operand),
                    })
                })
            }
            Condition::HasKeys { path, operand, any } => match self.operand(*operand)? {
                Operand::Keys(keys) => self.with_value(path, row, |value| {
                    if value.is_null() {
                        return None;
                    }
                    let mut found = keys.iter().map(|key| document::has_key(value, key));
                    Some(if *any { found.any(|found| found) } else { found.all(|found| found) })
                }),
                _ => Ok(None),
            },
            Condition::Member { path, filter } => {
                self.with_value(path, row, |value| self.has_member(value, filter))?.map(Some)
            }
            Condition::Before(filter) => self.before(|row| self.all(filter, row)),
            Condition::Related(related) => self.related(related, row).map(Some),
            Condition::Counted(counted) => {
                let wanted = self.value(counted.operand)?.as_ref();
                let count = self.counted(counted, row, wanted)?;
                Ok(compare(counted.op, ValueRef::Int(count), wanted))
            }
        }
    }

    /// The operand of a comparison.
    pub fn value(&self, id: OperandId) -> Result<&Value> {
        match self.operand(id)? {
            Operand::Value(value) => Ok(value),
            _ => Err(defect("an operand is not a value")),
        }
    }

    /// Whether some member of an array fulfils the conditions.
    fn has_member(&self, array: ValueRef<'_>, filter: &Filter) -> Result<bool> {
        let ValueRef::Array(members) = array else { return Ok(false) };
        for member in members.iter() {
            if self.holds(filter, &member_row(member))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A tuple equals another when all members do, and differs when one pair
    /// differs; otherwise nulls leave it unknown.
    fn tuple_in(&self, paths: &[ValuePath], tuples: &Tuples, row: &Row) -> Result<Option<bool>> {
        let values = paths
            .iter()
            .map(|path| self.with_value(path, row, |value| value.to_value()))
            .collect::<Result<Vec<_>>>()?;
        if tuples.complete.binary_search(&values).is_ok() {
            return Ok(Some(true));
        }
        let undecided = |tuple: &Vec<Value>| {
            values.iter().zip(tuple).all(|(value, wanted)| {
                compare(Comparison::Eq, value.as_ref(), wanted.as_ref()) != Some(false)
            })
        };
        // A complete tuple of values can only be undecided against a partial one.
        let complete = !values.iter().any(Value::is_null);
        let unknown =
            tuples.partial.iter().any(undecided) || !complete && tuples.complete.iter().any(undecided);
        Ok(if unknown { None } else { Some(false) })
    }
}

fn compare(op: Comparison, left: ValueRef<'_>, right: ValueRef<'_>) -> Option<bool> {
    if left.is_null() || right.is_null() {
        return None;
    }
    let order = crate::value::compare(left, right);
    Some(match op {
        Comparison::Eq => order == Ordering::Equal,
        Comparison::Ne => order != Ordering::Equal,
        Comparison::Gt => order == Ordering::Greater,
        Comparison::Gte => order != Ordering::Less,
        Comparison::Lt => order == Ordering::Less,
        Comparison::Lte => order != Ordering::Greater,
    })
}
