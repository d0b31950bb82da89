//! Orders by relations to many.
//!
//! As in SQL, which joins what an order speaks of, a row stands where the first
//! of its combinations with related rows does. Relations that have nothing to do
//! with each other are looked through one by one: the first combination is made
//! of what comes first in each.

use super::execution::Execution;
use super::shape::{Branch, OrderShape};
use super::sort::{Memo, Sorter};
use crate::catalog::Schema;
use crate::error::Result;
use crate::value::{Row, ValueRef};

/// What places a row, by the numbers of the keys of the order.
pub(super) type Places = Vec<(usize, Box<[u8]>)>;

impl Execution {
    /// Appends what places the first combination of a row with related rows.
    pub fn place_first(
        &self,
        out: &mut Vec<u8>,
        order: &OrderShape,
        memos: &mut [Memo<Places>],
        row: &Row,
    ) -> Result<()> {
        let mut places = Places::with_capacity(order.keys.len());
        for (number, key) in order.keys.iter().enumerate() {
            if key.path.via.is_empty() {
                places.push((number, self.place_here(order, number, Some(row))?));
            }
        }
        for (branch, memo) in order.branches.iter().zip(memos) {
            memo.get(
                &branch.step.join,
                row,
                || self.first_of(order, branch, Some(row)),
                |first| places.extend_from_slice(first),
            )?;
        }
        places.sort_unstable_by_key(|(number, _)| *number);
        for (_, place) in places {
            out.extend_from_slice(&place);
        }
        Ok(())
    }

    /// Rows in the order of their first combinations.
    pub fn combined(&self, order: &OrderShape, schema: &Schema, rows: Vec<Row>) -> Result<Vec<Row>> {
        if order.branches.is_empty() {
            return Ok(rows);
        }
        let mut sorter = Sorter::new(order, usize::MAX);
        for row in &rows {
            sorter.push(self, schema, row)?;
        }
        Ok(sorter.finish())
    }

    /// What places the first of the combinations that a branch leads to; one of nulls stands for none.
    fn first_of(&self, order: &OrderShape, branch: &Branch, row: Option<&Row>) -> Result<Places> {
        let mut first: Option<Places> = None;
        if let Some(row) = row {
            self.follow_step(&branch.step, row, &mut |next| {
                let places = self.places(order, branch, Some(next))?;
                if first.as_ref().is_none_or(|first| places < *first) {
                    first = Some(places);
                }
                Ok(())
            })?;
        }
        first.map_or_else(|| self.places(order, branch, None), Ok)
    }

    /// What places a row of a branch, with the first combination of each branch further on.
    fn places(&self, order: &OrderShape, branch: &Branch, row: Option<&Row>) -> Result<Places> {
        let mut places = Places::with_capacity(branch.keys.len());
        for number in &branch.keys {
            places.push((*number, self.place_here(order, *number, row)?));
        }
        for branch in &branch.branches {
            places.extend(self.first_of(order, branch, row)?);
        }
        places.sort_unstable_by_key(|(number, _)| *number);
        Ok(places)
    }

    /// What places a row, or the lack of one, by a key that is about the row itself.
    fn place_here(&self, order: &OrderShape, number: usize, row: Option<&Row>) -> Result<Box<[u8]>> {
        let mut place = Vec::with_capacity(16);
        if let Some(key) = order.keys.get(number) {
            let value = row.map_or(ValueRef::Null, |row| key.path.component.of(row));
            self.place_value(&mut place, key, value)?;
        }
        Ok(place.into())
    }
}
