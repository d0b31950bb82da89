//! Finds of one row by its key: most of what applications ask for. They are known
//! when the plan is resolved, and need neither a choice of ways nor an execution.

use std::sync::Arc;

use super::cursor::Cursor;
use super::operand;
use super::params::Params;
use super::plan::Comparison;
use super::shape::{Body, Condition, FindShape, OperandId, Shape, UniqueKey, whole};
use super::watch::Watch;
use crate::error::Result;
use crate::store::Root;
use crate::value::skip_key;

/// The key of the one row that a find is of.
#[derive(Debug)]
pub(super) struct ByKey {
    unique: UniqueKey,
    /// What each part of the key equals.
    parts: Vec<OperandId>,
    limit: Option<OperandId>,
}

impl ByKey {
    /// The key that the conditions of a find are about, each of them about one part of it, where the
    /// find asks for nothing but fields of the row.
    pub fn of(find: &FindShape) -> Option<Self> {
        let FindShape { rows, limit, offset: None, select, per: None, lock: None, .. } = find else {
            return None;
        };
        if !select.nested.is_empty() {
            return None;
        }
        let equals = |position: usize| {
            rows.filter.conditions.iter().find_map(|condition| {
                let Condition::Compare { op: Comparison::Eq, path, operand } = condition else { return None };
                (whole(path.here()?)? == position).then_some(*operand)
            })
        };
        let key = |unique, positions: &mut dyn Iterator<Item = Option<usize>>| {
            let parts: Vec<_> = positions.map(|position| equals(position?)).collect::<Option<_>>()?;
            (parts.len() == rows.filter.conditions.len()).then_some(Self { unique, parts, limit: *limit })
        };
        let schema = &rows.schema;
        key(UniqueKey::Primary, &mut schema.primary.iter().copied().map(Some)).or_else(|| {
            let mut indexes = schema.indexes.iter().enumerate().filter(|(_, index)| index.unique);
            indexes.find_map(|(number, index)| {
                key(UniqueKey::Index(number), &mut index.components.iter().map(whole))
            })
        })
    }
}

/// The row of a find by key; `None` where it is to be found like others.
pub(super) fn find_by_key(
    shape: &Arc<Shape>,
    root: &Root,
    params: &Params,
    watch: &Watch,
) -> Result<Option<Cursor>> {
    let Body::Find(FindShape { rows, by_key: Some(ByKey { unique, parts, limit }), .. }) = &shape.body else {
        return Ok(None);
    };
    let operand = |id: &OperandId| shape.operands.get(*id);
    let first =
        limit.as_ref().is_none_or(|id| operand(id).is_some_and(|limit| operand::is_positive(limit, params)));
    if !first || params.len() < shape.parameters {
        return Ok(None);
    }
    let mut key = Vec::with_capacity(32);
    for part in parts {
        match operand(part) {
            Some(operand) if operand::append_key(operand, params, &mut key)? => {}
            _ => return Ok(None),
        }
    }
    let collection = root.collection(rows.schema.id)?;
    let row = match unique {
        UniqueKey::Primary => {
            watch.key(collection.schema.id, &key);
            collection.rows.get(&key)
        }
        UniqueKey::Index(number) => {
            watch.prefix(collection, super::lookup::Through::Index(*number), &key);
            let Some(index) = collection.indexes.get(*number) else { return Ok(None) };
            let entry = index.entry(&key);
            let primary = entry.and_then(|entry| entry.get(skip_key(entry, parts.len())..));
            primary.and_then(|primary| collection.rows.get(primary))
        }
    };
    Ok(Some(match row {
        Some(row) => Cursor::row(Arc::clone(shape), row.clone()),
        None => Cursor::empty(),
    }))
}
