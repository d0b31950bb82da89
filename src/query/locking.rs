//! Locking the rows that a find hands out.

use std::sync::Arc;

use super::cursor::Cursor;
use super::execution::{Execution, defect};
use super::planner::Choice;
use super::shape::{FindShape, LockShape, Shape};
use crate::catalog::Schema;
use crate::error::{Error, ErrorCode, Result};
use crate::store::{Patience, Root, Transaction};
use crate::value::Row;

/// Runs a find and locks the rows of its page, in their order. What is skipped
/// because others have locked it does not count for the page.
pub(super) fn find_locked(
    transaction: &mut Transaction,
    execution: Execution,
    shape: &Arc<Shape>,
    find: &FindShape,
    lock: &LockShape,
    choice: Choice,
) -> Result<Cursor> {
    let (offset, limit) = execution.page(find)?;
    let root = Arc::clone(&execution.root);
    let schema = Arc::clone(&root.collection(find.rows.schema.id)?.schema);
    let skips = lock.patience == Patience::Skip;
    let (first, most) = if skips { (0, usize::MAX) } else { (offset, limit) };
    let cursor = execution.find_page(shape, find, choice, first, most)?;
    let mut ahead = if skips { offset } else { 0 };
    let page = cursor.kept(limit, &mut |row| {
        if ahead > 0 {
            ahead -= 1;
            return Ok(false);
        }
        lock_rows(transaction, &root, &schema, row, lock)
    })?;
    page.ok_or_else(|| defect("a find has no rows of its own"))
}

/// Locks a row, or those of its key in several collections; tells whether it is to be used.
fn lock_rows(
    transaction: &mut Transaction,
    root: &Root,
    schema: &Schema,
    row: &Row,
    lock: &LockShape,
) -> Result<bool> {
    let key = schema.primary_key(row);
    for of in &lock.of {
        let row = if of.id == schema.id { Some(row) } else { root.collection(of.id)?.rows.get(&key) };
        let Some(row) = row else { continue };
        if !transaction.lock(of, row, lock.mode, lock.patience)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a find that locks says outside a transaction.
pub(super) fn needs_transaction() -> Error {
    Error::new(ErrorCode::InvalidPlan, "rows are locked until the transaction ends: begin one first")
}
