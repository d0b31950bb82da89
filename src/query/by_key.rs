//! Rows by their key: most of what applications ask for, and change, is one row whose
//! key they know. That is seen when the plan is resolved, and needs no choice of ways.

use std::sync::Arc;

use super::execution::defect;
use super::lookup::Through;
use super::operand;
use super::params::Params;
use super::project::project_fields;
use super::run::{Outcome, Plan, Session, delete};
use super::shape::{
    Body, Filter, FindShape, Matching, OperandId, SelectShape, Shape, UniqueKey, UpdateShape, whole,
};
use super::sink::Sink;
use super::update::update;
use super::watch::Watch;
use crate::catalog::Schema;
use crate::error::Result;
use crate::store::{Root, Transaction};
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

impl Plan {
    /// Hands out what a find of one row by its key finds, at once and without a cursor; gives the number of rows, which
    /// is one at most. `None` where the plan is not that, or has not been run on the catalog yet: then it is to be run.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn find_one<S: Sink + ?Sized>(
        &self,
        session: &mut Session<'_>,
        params: &Params,
        sink: &mut S,
    ) -> Result<Option<usize>> {
        if self.writes() {
            return Ok(None);
        }
        let known = self.shape.read();
        let Some((catalog, shape)) = &*known else { return Ok(None) };
        let Body::Find(find) = &shape.body else { return Ok(None) };
        let mut find_in = |root: &Root, watch: &Watch| {
            if !std::ptr::eq(catalog.as_ptr(), Arc::as_ptr(&root.catalog)) || !find.is_of_one(shape, params) {
                return Ok(None);
            }
            let found = row_by_key(&find.rows, shape, params, root, watch)?;
            Ok(found.map(|row| row.map_or(0, |row| hand_out(&find.select, row, sink))))
        };
        match session {
            Session::Store(store) => store.look(|root| find_in(root, &Watch::default()))?,
            Session::Transaction(transaction) => {
                let watch = Watch::of(transaction.reads());
                let found = transaction.look(|root| find_in(root, &watch))??;
                if found.is_some() {
                    transaction.settle();
                }
                Ok(found)
            }
        }
    }

    /// Changes or deletes the one row that conditions name by its key. `None` where the plan is not that, or has not been
    /// run on the catalog yet.
    pub(super) fn write_one(
        &self,
        transaction: &mut Transaction,
        params: &Params,
    ) -> Result<Option<Outcome>> {
        let known = self.shape.read();
        let Some((catalog, shape)) = &*known else { return Ok(None) };
        let (Body::Update(UpdateShape { rows: matching, .. }) | Body::Delete(matching)) = &shape.body else {
            return Ok(None);
        };
        if matching.by_key.is_none() {
            return Ok(None);
        }
        let watch = Watch::of(transaction.reads());
        let found =
            transaction.look(|root| match std::ptr::eq(catalog.as_ptr(), Arc::as_ptr(&root.catalog)) {
                true => Ok(row_by_key(matching, shape, params, root, &watch)?.map(|row| row.cloned())),
                false => Ok(None),
            })??;
        let Some(row) = found else { return Ok(None) };
        match &shape.body {
            Body::Update(write) => {
                let value = |operand| match shape.operands.get(operand) {
                    Some(operand) => operand::stored(operand, params),
                    None => Err(defect("an operand is not there")),
                };
                update(transaction, value, shape, write, row.into_iter())
            }
            _ => delete(transaction, matching, row.into_iter()),
        }
        .map(Some)
    }
}

impl FindShape {
    /// Whether it asks for nothing but fields of the first row.
    fn is_of_one(&self, shape: &Shape, params: &Params) -> bool {
        let first = |limit: OperandId| {
            shape.operands.get(limit).is_some_and(|limit| operand::is_positive(limit, params))
        };
        self.rows.by_key.is_some()
            && self.select.nested.is_empty()
            && self.per.is_none()
            && self.lock.is_none()
            && self.offset.is_none()
            && self.limit.is_none_or(first)
    }
}

fn hand_out<S: Sink + ?Sized>(select: &SelectShape, row: &Row, sink: &mut S) -> usize {
    project_fields(&select.fields, row, 0, sink);
    1
}
