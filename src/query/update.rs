//! Changing rows.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;
use smallvec::SmallVec;

use super::cursor::Cursor;
use super::execution::Execution;
use super::insert::parameter_rows;
use super::params::Params;
use super::run::Outcome;
use super::shape::{AssignmentShape, ChangeShape, OperandId, Shape, UpdateManyShape, UpdateShape};
use super::watch::Watch;
use crate::catalog::{self, FieldType, Schema, coerced};
use crate::error::{Error, ErrorCode, Result};
use crate::store::{Changes, Transaction, Writer};
use crate::value::{Decimal, Row, Value, ValueRef, encode_key, format_date};

/// Makes the same changes to some rows of the transaction's version; `value` gives those of operands.
pub(super) fn update<'v>(
    transaction: &mut Transaction,
    value: impl Fn(OperandId) -> Result<Cow<'v, Value>>,
    shape: &Arc<Shape>,
    update: &UpdateShape,
    rows: impl ExactSizeIterator<Item = Row>,
) -> Result<Outcome> {
    let schema = &update.rows.schema;
    let keep = !update.returning.fields.is_empty();
    let assigned = |assignment| Assigned::by(assignment, schema, &value);
    let set = update.set.iter().map(assigned).collect::<Result<SmallVec<[_; 4]>>>()?;
    let affected = rows.len();
    let written = transaction.statement_of(affected, |writer| {
        let mut written = Vec::new();
        for (place, before) in rows.enumerate() {
            let mut changes = Changes::new();
            for assigned in &set {
                changes.push(assigned.to(schema, &before)?);
            }
            let after =
                if changes.is_empty() { before } else { writer.change(schema.id, before, &mut changes)? };
            written.extend(keep.then_some((place, after)));
        }
        Ok(written)
    })?;
    Ok(Outcome { affected: affected as u64, rows: Cursor::written(shape, written) })
}

/// What a field of each row is given.
struct Assigned<'v> {
    position: usize,
    given: Given<'v>,
}

enum Given<'v> {
    Value(Cow<'v, Value>),
    /// So much more than it was.
    Increase(i64),
}

impl<'v> Assigned<'v> {
    fn by(
        assignment: &AssignmentShape,
        schema: &Schema,
        value: &impl Fn(OperandId) -> Result<Cow<'v, Value>>,
    ) -> Result<Self> {
        let position = assignment.position;
        let given = match assignment.change {
            ChangeShape::Set(operand) => Given::Value(value(operand)?),
            ChangeShape::Now => Given::Value(Cow::Owned(present(schema, position))),
            ChangeShape::Increase(step) => Given::Increase(step),
        };
        Ok(Self { position, given })
    }

    /// The field of a row, and its value.
    fn to(&self, schema: &Schema, before: &Row) -> Result<(usize, Cow<'_, Value>)> {
        let value = match &self.given {
            Given::Value(value) => Cow::Borrowed(value.as_ref()),
            Given::Increase(step) => Cow::Owned(increased(schema, self.position, before, *step)?),
        };
        Ok((self.position, value))
    }
}

/// Changes rows by key, each in its own way.
pub(super) fn update_many(
    transaction: &mut Transaction,
    execution: Execution,
    shape: &Arc<Shape>,
    update: &UpdateManyShape,
    params: &Params,
) -> Result<Outcome> {
    let schema = &update.schema;
    let width = update.key.len() + update.set.len();
    let rows = parameter_rows(schema, params.from(shape.parameters), width)?;
    let keep = !update.returning.fields.is_empty();
    let value = |operand| execution.value(operand).map(Cow::Borrowed);
    let bump = update.bump.as_ref().map(|bump| Assigned::by(bump, schema, &value)).transpose()?;
    let mut affected = 0;
    let written = transaction.statement_of(rows.len(), |writer| {
        let mut written = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let (key, set) = row.split_at_checked(update.key.len()).unwrap_or((row, &[]));
            let Some(before) = keyed(writer, &execution.watch, update, key)? else { continue };
            affected += 1;
            let mut changes = Changes::new();
            if let Some(bump) = &bump {
                changes.push(bump.to(schema, &before)?);
            }
            for (position, value) in update.set.iter().zip(set) {
                changes.extend(value.as_ref().map(|value| (*position, Cow::Borrowed(value))));
            }
            let after =
                if changes.is_empty() { before } else { writer.change(schema.id, before, &mut changes)? };
            written.extend(keep.then_some((place, after)));
        }
        Ok(written)
    })?;
    Ok(Outcome { affected, rows: Cursor::written(shape, written) })
}

/// The row that has all the values of a key.
fn keyed(
    writer: &Writer<'_>,
    watch: &Watch,
    update: &UpdateManyShape,
    values: &[Option<Value>],
) -> Result<Option<Row>> {
    let schema = &update.schema;
    let mut wanted = SmallVec::<[_; 2]>::new();
    for (position, value) in update.key.iter().zip(values) {
        let Some(value) = value else {
            let message = format!(
                "the key of an update of collection \"{}\" must not be absent: field \"{}\"",
                schema.name(),
                schema.field_name(*position)
            );
            return Err(Error::new(ErrorCode::InvalidPlan, message).of_collection(schema.name()));
        };
        let value = match schema.field(*position) {
            Some(field) => coerced(&field.def, Cow::Borrowed(value))?,
            None => Cow::Borrowed(value),
        };
        wanted.push((*position, value));
    }
    let mut key = Vec::with_capacity(24);
    for primary in &schema.primary {
        if let Some((_, value)) = wanted.iter().find(|(position, _)| position == primary) {
            encode_key(&mut key, value.as_ref().as_ref());
        }
    }
    watch.key(schema.id, &key);
    let row = writer.root().collection(schema.id)?.rows.get(&key).cloned();
    let equal = |row: &Row| {
        wanted
            .iter()
            .all(|(position, value)| !value.is_null() && row.get(*position) == value.as_ref().as_ref())
    };
    Ok(row.filter(equal))
}

/// The present time as a field holds it.
fn present(schema: &Schema, position: usize) -> Value {
    let now = catalog::now();
    match schema.field(position).map(|field| field.def.kind) {
        Some(FieldType::Text) => Value::Text(format_date(now)),
        Some(FieldType::Date) => Value::Date(now),
        _ => Value::Int(now),
    }
}

fn increased(schema: &Schema, position: usize, before: &Row, step: i64) -> Result<Value> {
    let failure = |code, what: &str| {
        let name = schema.field_name(position);
        let message = format!("field \"{name}\" of collection \"{}\" {what}", schema.name());
        Error::new(code, message).of_collection(schema.name()).of_fields([name])
    };
    match before.get(position) {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Int(value) => value
            .checked_add(step)
            .map(Value::Int)
            .ok_or_else(|| failure(ErrorCode::OutOfRange, "cannot be increased beyond 64 bits")),
        ValueRef::Float(value) => Ok(Value::Float(value + step as f64)),
        ValueRef::Decimal(text) => match BigDecimal::from_str(text) {
            Ok(value) => Decimal::parse(&(value + step).to_plain_string()).map(Value::Decimal),
            Err(_) => Err(failure(ErrorCode::Corrupt, "holds a decimal that cannot be read")),
        },
        other => Err(failure(
            ErrorCode::TypeMismatch,
            &format!("holds {}, which cannot be increased", other.type_name()),
        )),
    }
}
