//! Statements that need no choice of ways, and so no run: most of what applications ask for and change is one row whose
//! key they know, or new rows.

use std::sync::Arc;

use super::by_key::row_by_key;
use super::execution::defect;
use super::insert::insert;
use super::operand;
use super::params::Params;
use super::project::project_fields;
use super::run::{Outcome, Plan, Session, WRITING, delete};
use super::shape::{Body, FindShape, OperandId, SelectShape, Shape, UpdateShape};
use super::sink::Sink;
use super::update::update;
use super::watch::Watch;
use crate::error::Result;
use crate::store::{Root, Transaction};
use crate::value::Row;

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

    /// Does what needs no choice of ways: inserts rows, or changes or deletes the one row that conditions name by its
    /// key. `None` where the plan is not that, would take more than it may, or has not been run on the catalog yet.
    pub(super) fn write_directly(
        &self,
        transaction: &mut Transaction,
        params: &Params,
        most: usize,
    ) -> Result<Option<Outcome>> {
        let known = self.shape.read();
        let Some((catalog, shape)) = &*known else { return Ok(None) };
        let watch = Watch::of(transaction.reads());
        let look = |root: &Root| -> Result<Option<Option<Row>>> {
            if !std::ptr::eq(catalog.as_ptr(), Arc::as_ptr(&root.catalog)) {
                return Ok(None);
            }
            match &shape.body {
                Body::Insert(insert) if insert.conflict.is_none() => {
                    let rows = params.rows(insert.fields.len());
                    Ok((rows.saturating_mul(WRITING) <= most).then_some(None))
                }
                Body::Update(UpdateShape { rows: matching, .. }) | Body::Delete(matching)
                    if WRITING <= most =>
                {
                    Ok(row_by_key(matching, shape, params, root, &watch)?.map(|row| row.cloned()))
                }
                _ => Ok(None),
            }
        };
        let Some(row) = transaction.look(look)?? else { return Ok(None) };
        match &shape.body {
            Body::Insert(rows) => insert(transaction, None, shape, rows, params),
            Body::Update(write) => {
                let value = |operand| match shape.operands.get(operand) {
                    Some(operand) => operand::stored(operand, params),
                    None => Err(defect("an operand is not there")),
                };
                update(transaction, value, shape, write, row.into_iter())
            }
            Body::Delete(matching) => delete(transaction, matching, row.into_iter()),
            _ => return Ok(None),
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
