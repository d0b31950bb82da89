//! Doing again, on a newer version, what a transaction did on an older one.
//!
//! Rows carry no version numbers: whether somebody else changed a row is seen by
//! comparing pointers, as an unchanged row is the same in both versions.

use std::collections::HashMap;
use std::sync::Arc;

use super::foreign::Cause;
use super::root::{Clock, Root};
use super::violation;
use super::writer::{Effect, Writer};
use crate::catalog::{CollectionId, INSERTED, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Row, ValueRef};

/// Another transaction was faster.
pub(super) fn conflict(why: &str) -> Error {
    Error::new(
        ErrorCode::WriteConflict,
        format!("the transaction conflicts with another and may be tried again: {why}"),
    )
}

/// The newest version with the effects, and the effects as they are there.
///
/// # Errors
/// `WriteConflict` if the schema of a changed collection is another, or, unless
/// `merge`, if others changed a row that the effects change; and whatever
/// constraint the effects violate in the newest version.
pub(super) fn replay(
    worked: &Root,
    effects: &[Effect],
    newest: &Arc<Root>,
    merge: bool,
    clock: &Clock,
) -> Result<(Arc<Root>, Vec<Effect>)> {
    let mut root = Arc::clone(newest);
    let mut done = Vec::new();
    let sums = sum_up(worked, effects)?;
    let mut changes = Vec::with_capacity(sums.len());
    for sum in sums {
        let schema = same_schema(worked, newest, sum.collection)?;
        let rows = &newest.collection(sum.collection)?.rows;
        let current = sum.before.as_ref().and_then(|before| rows.get(&schema.primary_key(before)).cloned());
        let same = match (&sum.before, &current) {
            (Some(before), Some(current)) => before.ptr_eq(current),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if !same && !merge {
            return Err(conflict_over(&schema, sum.before.as_ref().or(sum.after.as_ref())));
        }
        let after = match (&sum.before, current.as_ref(), sum.after) {
            // Gone meanwhile: there is nothing left to change or delete.
            (Some(_), None, _) => continue,
            (Some(before), Some(current), Some(after)) if !same => {
                Some(merge_rows(&schema, before, &after, current))
            }
            (_, _, after) => after,
        };
        changes.push((schema, current, after));
    }
    let mut writer = Writer::new(&mut root, &mut done, clock);
    // First all rows out, then all in: what was one unique value's change of
    // hands, step by step, must not conflict with itself.
    for (schema, current, _) in &changes {
        if current.is_some() {
            writer.replace(schema, current.clone(), None)?;
        }
    }
    writer.effects.clear();
    for (schema, _, after) in &changes {
        if after.is_some() {
            writer.replace(schema, None, after.clone())?;
        }
    }
    writer.effects.clear();
    for (schema, before, after) in changes {
        writer.effects.push(Effect { collection: schema.id, before, after });
    }
    writer.finish(Cause::Replay)?;
    Ok((root, done))
}

/// The whole of what happened to one row, be it under changing keys.
struct Sum {
    collection: CollectionId,
    before: Option<Row>,
    after: Option<Row>,
}

/// One sum for each row, in the order in which they were first touched.
fn sum_up(worked: &Root, effects: &[Effect]) -> Result<Vec<Sum>> {
    let mut sums: Vec<Sum> = Vec::new();
    let mut places: HashMap<(CollectionId, Vec<u8>), usize> = HashMap::new();
    for effect in effects {
        let schema = &worked.collection(effect.collection)?.schema;
        let known =
            effect.before.as_ref().and_then(|row| places.remove(&(schema.id, schema.primary_key(row))));
        let place = known.unwrap_or(sums.len());
        match sums.get_mut(place) {
            Some(sum) => sum.after.clone_from(&effect.after),
            None => sums.push(Sum {
                collection: effect.collection,
                before: effect.before.clone(),
                after: effect.after.clone(),
            }),
        }
        if let Some(after) = &effect.after {
            places.insert((schema.id, schema.primary_key(after)), place);
        }
    }
    sums.retain(|sum| sum.before.is_some() || sum.after.is_some());
    Ok(sums)
}

/// The schema of a collection that is the very same in both versions.
fn same_schema(worked: &Root, newest: &Root, id: CollectionId) -> Result<Arc<Schema>> {
    let own = worked.collection(id)?;
    match newest.find(id) {
        Some(other) if Arc::ptr_eq(&own.schema, &other.schema) && Arc::ptr_eq(&own.shared, &other.shared) => {
            Ok(Arc::clone(&own.schema))
        }
        _ => {
            let name = own.schema.name();
            Err(conflict(&format!("collection \"{name}\" was altered, cleared, dropped or restored"))
                .of_collection(name))
        }
    }
}

/// The current row with the fields that differ between the two others.
fn merge_rows(schema: &Schema, before: &Row, after: &Row, current: &Row) -> Row {
    let changed = (INSERTED..schema.width()).filter(|position| !before.same_field(after, *position));
    let changes: Vec<(usize, ValueRef)> = changed.map(|position| (position, after.get(position))).collect();
    current.with(&changes)
}

/// The conflict over a row that was changed.
pub(super) fn conflict_over(schema: &Schema, row: Option<&Row>) -> Error {
    match row {
        Some(row) => violation::of_row(schema, row, |row| conflict(&format!("{row} was changed"))),
        None => conflict("a row was changed").of_collection(schema.name()),
    }
}
