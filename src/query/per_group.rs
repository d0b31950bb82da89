//! Pages of groups: of the rows that agree in some values only those from an
//! offset to a limit, in the order of the find.

use ahash::AHashMap;

use super::execution::Execution;
use super::planner::Choice;
use super::shape::{FindShape, PerShape};
use super::sort::{SORTING, Sorter};
use crate::error::Result;
use crate::store::Collection;
use crate::value::{Row, encode_key};

/// How many rows of each group have been seen.
struct Pages<'s> {
    per: &'s PerShape,
    offset: usize,
    /// The place in its group that the page ends before.
    end: usize,
    seen: AHashMap<Vec<u8>, usize>,
    scratch: Vec<u8>,
}

impl Execution {
    /// The rows of all pages, in their order.
    pub fn find_per_group(
        &self,
        find: &FindShape,
        per: &PerShape,
        collection: &Collection,
        choice: &Choice,
    ) -> Result<Vec<Row>> {
        let mut pages = Pages::new(self, per)?;
        let mut rows = Vec::new();
        if pages.offset >= pages.end {
            return Ok(rows);
        }
        if choice.direction.is_some() {
            self.walk_choice(collection, &find.rows.filter, choice, &mut |row| {
                if pages.take(self, row)? {
                    rows.push(row.clone());
                }
                Ok(true)
            })?;
            return Ok(rows);
        }
        let mut sorter = Sorter::new(&find.order, usize::MAX).remembering(self, choice.access.entries())?;
        self.walk_choice(collection, &find.rows.filter, choice, &mut |row| {
            self.allowance.spend(SORTING)?;
            sorter.push(self, &collection.schema, row)?;
            Ok(true)
        })?;
        for row in sorter.finish() {
            if pages.take(self, &row)? {
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

impl<'s> Pages<'s> {
    fn new(execution: &Execution, per: &'s PerShape) -> Result<Self> {
        let offset = execution.row_count(per.offset, 0)?;
        let end = offset.saturating_add(execution.row_count(Some(per.limit), usize::MAX)?);
        Ok(Self { per, offset, end, seen: AHashMap::new(), scratch: Vec::with_capacity(24) })
    }

    /// Whether the next row in the order is on the page of its group.
    fn take(&mut self, execution: &Execution, row: &Row) -> Result<bool> {
        self.scratch.clear();
        for path in &self.per.paths {
            execution.with_value(path, row, |value| encode_key(&mut self.scratch, value))?;
        }
        let place = match self.seen.get_mut(&self.scratch) {
            Some(seen) => {
                *seen += 1;
                *seen
            }
            None => {
                self.seen.insert(self.scratch.clone(), 0);
                0
            }
        };
        Ok((self.offset..self.end).contains(&place))
    }
}
