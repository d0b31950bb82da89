//! Changing rows.

use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;

use super::cursor::Cursor;
use super::execution::Execution;
use super::insert::parameter_rows;
use super::params::Params;
use super::run::Outcome;
use super::shape::{AssignmentShape, ChangeShape, Shape, UpdateManyShape, UpdateShape};
use super::watch::Watch;
use crate::catalog::{self, FieldType, Schema, coerce};
use crate::error::{Error, ErrorCode, Result};
use crate::store::{Transaction, Writer};
use crate::value::{Decimal, Row, Value, ValueRef, encode_key, format_date};

/// Makes the same changes to some rows of the transaction's version.
pub(super) fn update(
    transaction: &mut Transaction,
    execution: Execution,
    shape: &Arc<Shape>,
    update: &UpdateShape,
    rows: Vec<Row>,
) -> Result<Outcome> {
    let schema = &update.rows.schema;
    let keep = !update.returning.fields.is_empty();
    let now = catalog::now();
    let affected = rows.len();
    let written = transaction.statement_of(affected, |writer| {
        let mut written = Vec::new();
        for (place, before) in rows.into_iter().enumerate() {
            let changes = update
                .set
                .iter()
                .map(|assignment| {
                    Ok((assignment.position, changed(&execution, schema, assignment, &before, now)?))
                })
                .collect::<Result<Vec<_>>>()?;
            let after =
                if changes.is_empty() { before } else { writer.change(schema.id, before, &changes)? };
            written.extend(keep.then_some((place, after)));
        }
        Ok(written)
    })?;
    Ok(Outcome { affected: affected as u64, rows: Cursor::written(Arc::clone(shape), written) })
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
    let now = catalog::now();
    let mut affected = 0;
    let written = transaction.statement_of(rows.len(), |writer| {
        let mut written = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let (key, set) = row.split_at_checked(update.key.len()).unwrap_or((row, &[]));
            let Some(before) = keyed(writer, &execution.watch, update, key)? else { continue };
            affected += 1;
            let mut changes = Vec::with_capacity(set.len() + 1);
            if let Some(bump) = &update.bump {
                changes.push((bump.position, changed(&execution, schema, bump, &before, now)?));
            }
            for (position, value) in update.set.iter().zip(set) {
                changes.extend(value.clone().map(|value| (*position, value)));
            }
            let after =
                if changes.is_empty() { before } else { writer.change(schema.id, before, &changes)? };
            written.extend(keep.then_some((place, after)));
        }
        Ok(written)
    })?;
    Ok(Outcome { affected, rows: Cursor::written(Arc::clone(shape), written) })
}

/// The row that has all the values of a key.
fn keyed(
    writer: &Writer<'_>,
    watch: &Watch,
    update: &UpdateManyShape,
    values: &[Option<Value>],
) -> Result<Option<Row>> {
    let schema = &update.schema;
    let mut wanted = Vec::with_capacity(values.len());
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
            Some(field) => coerce(&field.def, value.clone())?,
            None => value.clone(),
        };
        wanted.push((*position, value));
    }
    let mut key = Vec::with_capacity(24);
    for primary in &schema.primary {
        if let Some((_, value)) = wanted.iter().find(|(position, _)| position == primary) {
            encode_key(&mut key, value.as_ref());
        }
    }
    watch.key(schema.id, &key);
    let row = writer.root().collection(schema.id)?.rows.get(&key).cloned();
    let equal = |row: &Row| {
        wanted.iter().all(|(position, value)| !value.is_null() && row.get(*position) == value.as_ref())
    };
    Ok(row.filter(equal))
}

/// The value that an assignment gives a field.
fn changed(
    execution: &Execution,
    schema: &Schema,
    assignment: &AssignmentShape,
    before: &Row,
    now: i64,
) -> Result<Value> {
    match &assignment.change {
        ChangeShape::Set(operand) => execution.value(*operand).cloned(),
        ChangeShape::Increase(step) => increased(schema, assignment.position, before, *step),
        ChangeShape::Now => Ok(match schema.field(assignment.position).map(|field| field.def.kind) {
            Some(FieldType::Text) => Value::Text(format_date(now)),
            Some(FieldType::Date) => Value::Date(now),
            _ => Value::Int(now),
        }),
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
