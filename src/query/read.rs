//! Statements that only read: find and count.

use std::sync::Arc;

use ahash::AHashMap;

use super::cursor::Cursor;
use super::execution::{Execution, defect};
use super::operand::Operand;
use super::planner::{Choice, Need};
use super::shape::{CountByShape, FindShape, Matching, OperandId, Shape};
use super::sort::{SORTING, Sorter};
use crate::error::Result;
use crate::value::{Row, encode_key};

impl Execution {
    /// Begins a find. Where the access path gives the order, rows are found while
    /// they are read; else they are sorted now, no more of them than are wanted.
    pub fn find(self, shape: &Arc<Shape>, find: &FindShape, choice: Choice) -> Result<Cursor> {
        let (offset, limit) = self.page(find)?;
        self.find_page(shape, find, choice, offset, limit)
    }

    /// As [`Execution::find`], of another page.
    pub fn find_page(
        self,
        shape: &Arc<Shape>,
        find: &FindShape,
        choice: Choice,
        offset: usize,
        limit: usize,
    ) -> Result<Cursor> {
        let collection = Arc::clone(self.root.collection(find.rows.schema.id)?);
        if let Some(per) = &find.per {
            let rows = self.find_per_group(find, per, &collection, &choice)?;
            return Ok(Cursor::sorted(self, Arc::clone(shape), rows, offset, limit));
        }
        if choice.direction.is_some() {
            return Ok(Cursor::walk(self, Arc::clone(shape), collection, choice, offset, limit));
        }
        if let Some(page) = self.find_grouped(find, &collection, &choice, offset, limit)? {
            let page = self.combined(&find.order, &collection.schema, page)?;
            return Ok(Cursor::sorted(self, Arc::clone(shape), page, 0, limit));
        }
        let paged = offset > 0 || limit != usize::MAX;
        let sorter = if paged {
            Sorter::page(&find.order, offset.saturating_add(limit))
        } else {
            Sorter::new(&find.order, limit)
        };
        let mut sorter = sorter.remembering(&self, choice.access.entries())?;
        if limit > 0 {
            self.walk_choice(&collection, &find.rows.filter, &choice, &mut |row| {
                self.allowance.spend(SORTING)?;
                sorter.push(&self, &collection.schema, row)?;
                Ok(true)
            })?;
        }
        let mut rows = sorter.finish();
        if paged && !find.order.branches.is_empty() {
            let page = rows.drain(offset.min(rows.len())..).collect();
            let page = self.combined(&find.order, &collection.schema, page)?;
            return Ok(Cursor::sorted(self, Arc::clone(shape), page, 0, limit));
        }
        Ok(Cursor::sorted(self, Arc::clone(shape), rows, offset, limit))
    }

    /// How many rows match.
    pub fn count(&self, matching: &Matching, choice: Choice) -> Result<u64> {
        let collection = self.root.collection(matching.schema.id)?;
        if choice.is_exact() {
            return Ok(choice.access.count(collection) as u64);
        }
        self.allowance.require(choice.access.entries())?;
        let mut rows = 0;
        self.walk_choice(collection, &matching.filter, &choice, &mut |_| {
            rows += 1;
            Ok(true)
        })?;
        Ok(rows)
    }

    /// A row of each group, with the size of the group, in the order of the groups.
    pub fn count_by(&self, count: &CountByShape, choice: &Choice) -> Result<Vec<(usize, Row)>> {
        let collection = self.root.collection(count.rows.schema.id)?;
        let mut groups: AHashMap<Vec<u8>, (usize, Row)> = AHashMap::new();
        let mut key = Vec::new();
        self.walk_choice(collection, &count.rows.filter, choice, &mut |row| {
            key.clear();
            for position in &count.group {
                encode_key(&mut key, row.get(*position));
            }
            match groups.get_mut(&key) {
                Some((size, _)) => *size += 1,
                None => {
                    groups.insert(key.clone(), (1, row.clone()));
                }
            }
            Ok(true)
        })?;
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(groups.into_iter().map(|(_, group)| group).collect())
    }

    /// Offset and limit of a find.
    pub fn page(&self, find: &FindShape) -> Result<(usize, usize)> {
        Ok((self.row_count(find.offset, 0)?, self.row_count(find.limit, usize::MAX)?))
    }

    /// The number of rows that an operand says, or what its absence stands for.
    pub fn row_count(&self, id: Option<OperandId>, absent: usize) -> Result<usize> {
        match id {
            None => Ok(absent),
            Some(id) => match self.operand(id)? {
                Operand::Rows(rows) => Ok(rows.unwrap_or(absent)),
                _ => Err(defect("an operand is not a number of rows")),
            },
        }
    }
}

/// What counting asks of an access path.
pub(super) const COUNT: Need<'static> = Need { order: None, rows: None, offset: 0, count: true };

/// What a find asks of an access path.
pub(super) fn find_need(find: &FindShape, offset: usize, limit: usize) -> Need<'_> {
    // Where each group has its page, no number of first rows is enough.
    let rows = (limit != usize::MAX && find.per.is_none()).then(|| offset.saturating_add(limit));
    Need { order: Some(&find.order), rows, offset, count: false }
}
