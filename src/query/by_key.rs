//! Rows by their key, which is seen when the plan is resolved.

use super::lookup::Through;
use super::operand;
use super::params::Params;
use super::shape::{Filter, Matching, OperandId, Shape, UniqueKey, whole};
use super::watch::Watch;
use crate::catalog::Schema;
use crate::error::Result;
use crate::store::Root;
use crate::value::Row;

/// The key of the one row that conditions are about.
#[derive(Debug)]
pub(super) struct ByKey {
    unique: UniqueKey,
    /// What each part of the key equals.
    parts: Vec<OperandId>,
}

impl ByKey {
    /// The key that conditions are about, each of them about one part of it.
    pub fn of(schema: &Schema, filter: &Filter) -> Option<Self> {
        let key = |unique, positions: &mut dyn Iterator<Item = Option<usize>>| {
            let parts: Vec<_> =
                positions.map(|position| Some(filter.equal_to(position?)?.1)).collect::<Option<_>>()?;
            (parts.len() == filter.conditions.len()).then_some(Self { unique, parts })
        };
        key(UniqueKey::Primary, &mut schema.primary.iter().copied().map(Some)).or_else(|| {
            let mut indexes = schema.indexes.iter().enumerate().filter(|(_, index)| index.unique);
            indexes.find_map(|(number, index)| {
                key(UniqueKey::Index(number), &mut index.components.iter().map(whole))
            })
        })
    }
}

/// The row that conditions are about, if it is there; the outer `None` where that is not known by its key.
pub(super) fn row_by_key<'r>(
    matching: &Matching,
    shape: &Shape,
    params: &Params,
    root: &'r Root,
    watch: &Watch,
) -> Result<Option<Option<&'r Row>>> {
    let Some(ByKey { unique, parts }) = &matching.by_key else { return Ok(None) };
    if params.len() < shape.parameters {
        return Ok(None);
    }
    let mut key = Vec::with_capacity(32);
    for part in parts {
        match shape.operands.get(*part) {
            Some(operand) if operand::append_key(operand, params, &mut key)? => {}
            _ => return Ok(None),
        }
    }
    let collection = root.collection(matching.schema.id)?;
    Ok(Some(match unique {
        UniqueKey::Primary => {
            watch.key(collection.schema.id, &key);
            collection.rows.get(&key)
        }
        UniqueKey::Index(number) => {
            watch.prefix(collection, Through::Index(*number), &key);
            let Some(index) = collection.indexes.get(*number) else { return Ok(None) };
            let primary = index.entry(&key).and_then(|entry| index.primary_key(entry));
            primary.and_then(|primary| collection.rows.get(primary))
        }
    }))
}
