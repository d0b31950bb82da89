//! Inserting rows, and what is done about keys that are taken.

use std::borrow::Cow;
use std::sync::Arc;

use super::cursor::Cursor;
use super::execution::{Execution, defect};
use super::lookup::Through;
use super::params::Params;
use super::plan::ConflictAction;
use super::run::Outcome;
use super::shape::{ConflictShape, InsertShape, Shape, UniqueKey};
use super::watch::Watch;
use crate::catalog::{DefaultValue, Schema, coerced};
use crate::error::{Error, ErrorCode, Result};
use crate::store::{Changes, Transaction, Writer};
use crate::value::{Row, Value, encode_key};

/// Inserts the rows of the parameters. Only where a key may be taken, a run is needed for what is done about it.
pub(super) fn insert(
    transaction: &mut Transaction,
    mut execution: Option<Execution>,
    shape: &Arc<Shape>,
    insert: &InsertShape,
    params: &Params,
) -> Result<Outcome> {
    let rows = parameter_rows(&insert.schema, params.from(shape.parameters), insert.fields.len())?;
    let watch = execution.as_ref().map(|execution| execution.watch.clone()).unwrap_or_default();
    let keep = !insert.returning.fields.is_empty();
    let mut affected = 0;
    let written = transaction.statement_of(rows.len(), |writer| {
        let mut written = Vec::new();
        let mut values = Vec::new();
        for (place, given) in rows.into_iter().enumerate() {
            values.clear();
            values.resize(insert.schema.width(), None);
            for (position, value) in insert.fields.iter().zip(given) {
                if let Some(slot) = values.get_mut(*position) {
                    *slot = value.as_ref().map(Cow::Borrowed);
                }
            }
            let row = match &insert.conflict {
                Some(conflict) => put(writer, &watch, &mut execution, &insert.schema, conflict, &mut values)?,
                None => Some(writer.insert_given(insert.schema.id, &mut values)?),
            };
            let Some(row) = row else { continue };
            affected += 1;
            if keep {
                written.push((place, row));
            }
        }
        Ok(written)
    })?;
    Ok(Outcome { affected, rows: Cursor::written(shape, written) })
}

/// The parameters of rows, row by row. Without fields there is one row.
pub(super) fn parameter_rows<'p>(
    schema: &Schema,
    params: &'p [Option<Value>],
    width: usize,
) -> Result<Vec<&'p [Option<Value>]>> {
    if width == 0 && params.is_empty() {
        return Ok(vec![&[]]);
    }
    if width == 0 || !params.len().is_multiple_of(width) {
        let message = format!(
            "{} parameters do not make rows of {width} fields of collection \"{}\"",
            params.len(),
            schema.name()
        );
        return Err(Error::new(ErrorCode::InvalidPlan, message).of_collection(schema.name()));
    }
    Ok(params.chunks_exact(width).collect())
}

/// Inserts a row, or does what is asked when its key is taken. `None` where nothing was written.
fn put(
    writer: &mut Writer<'_>,
    watch: &Watch,
    execution: &mut Option<Execution>,
    schema: &Schema,
    conflict: &ConflictShape,
    values: &mut Vec<Option<Cow<'_, Value>>>,
) -> Result<Option<Row>> {
    let mut taken = None;
    for key in &conflict.keys {
        taken = stored(writer, watch, schema, key, values)?;
        if taken.is_some() {
            break;
        }
    }
    let Some(key) = taken else { return writer.insert_given(schema.id, values).map(Some) };
    if conflict.action == ConflictAction::Ignore {
        return Ok(None);
    }
    let row = writer.root().collection(schema.id)?.rows.get(&key).cloned();
    let Some(row) = row else { return Err(defect("a key that is taken has no row")) };
    if !conflict.filter.conditions.is_empty() {
        let current = execution.take().ok_or_else(|| defect("a run has got lost"))?;
        let current = current.on(Arc::clone(writer.root()));
        let holds = current.holds(&conflict.filter, &row)?;
        // The version is let go of, so that writing need not copy it.
        *execution = Some(current.released());
        if !holds {
            return Ok(None);
        }
    }
    let mut changes: Changes<'_> = conflict
        .merge
        .iter()
        .filter_map(|position| Some((*position, values.get_mut(*position)?.take()?)))
        .collect();
    if changes.is_empty() {
        return Ok(Some(row));
    }
    writer.change(schema.id, row, &mut changes).map(Some)
}

/// The primary key of the stored row that has the same values in a unique key.
fn stored(
    writer: &Writer<'_>,
    watch: &Watch,
    schema: &Schema,
    unique: &UniqueKey,
    values: &[Option<Cow<'_, Value>>],
) -> Result<Option<Vec<u8>>> {
    let collection = writer.root().collection(schema.id)?;
    let mut key = Vec::with_capacity(24);
    match unique {
        UniqueKey::Primary => {
            for position in &schema.primary {
                if !encode(&mut key, schema, values, *position, &[])? {
                    return Ok(None);
                }
            }
            watch.key(schema.id, &key);
            Ok(collection.rows.contains_key(&key).then_some(key))
        }
        UniqueKey::Index(number) => {
            let index = collection.indexes.get(*number).ok_or_else(|| defect("an index is not there"))?;
            for part in &index.spec.components {
                if !encode(&mut key, schema, values, part.position, &part.json)? {
                    return Ok(None);
                }
            }
            watch.prefix(collection, Through::Index(*number), &key);
            Ok(index.entry(&key).and_then(|entry| index.primary_key(entry)).map(<[u8]>::to_vec))
        }
    }
}

/// Appends the key of a value that is to be inserted; false when it is null, or not known before.
fn encode(
    key: &mut Vec<u8>,
    schema: &Schema,
    values: &[Option<Cow<'_, Value>>],
    position: usize,
    json: &[String],
) -> Result<bool> {
    let Some(field) = schema.field(position) else { return Ok(false) };
    let value = match (values.get(position), &field.default) {
        (Some(Some(value)), _) => coerced(&field.def, Cow::Borrowed(value))?,
        (_, Some(DefaultValue::Value(value))) => Cow::Borrowed(value),
        _ => return Ok(false),
    };
    match value.as_ref().as_ref().at_path(json) {
        Some(value) if !value.is_null() => {
            encode_key(key, value);
            Ok(true)
        }
        _ => Ok(false),
    }
}
