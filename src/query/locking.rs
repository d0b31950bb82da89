//! Locking the rows that a find hands out.

use std::sync::Arc;

use super::cursor::Cursor;
use super::execution::{Execution, defect};
use super::planner::Choice;
use super::shape::{FindShape, LockShape, Shape};
use crate::error::{Error, ErrorCode, Result};
use crate::store::{Patience, Transaction};

/// Runs a find and locks the rows of its page, in their order. What is skipped
/// because others have locked it does not count for the page.
pub(super) fn find_locked(
    transaction: &mut Transaction,
    execution: Execution,
    shape: &Arc<Shape>,
    find: &FindShape,
    lock: LockShape,
    choice: Choice,
) -> Result<Cursor> {
    let (offset, limit) = execution.page(find)?;
    let schema = Arc::clone(&execution.root.collection(find.rows.schema.id)?.schema);
    let skips = lock.patience == Patience::Skip;
    let (first, most) = if skips { (0, usize::MAX) } else { (offset, limit) };
    let cursor = execution.find_page(shape, find, choice, first, most)?;
    let mut ahead = if skips { offset } else { 0 };
    let page = cursor.kept(limit, &mut |row| {
        if ahead > 0 {
            ahead -= 1;
            return Ok(false);
        }
        transaction.lock(&schema, row, lock.mode, lock.patience)
    })?;
    page.ok_or_else(|| defect("a find has no rows of its own"))
}

/// What a find that locks says outside a transaction.
pub(super) fn needs_transaction() -> Error {
    Error::new(ErrorCode::InvalidPlan, "rows are locked until the transaction ends: begin one first")
}
