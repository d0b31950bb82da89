//! Conditions on related rows.
//!
//! A relation is probed row by row as long as that is little work; when it has
//! become as much as looking at the whole target once, the keys of all rows that
//! matter are collected instead. So a relation never costs more than a constant
//! times the rows on both of its sides.

use ahash::AHashSet;

use super::execution::{Execution, defect};
use super::lookup::tree_over;
use super::plan::Quantifier;
use super::shape::{Counted, Related};
use crate::error::Result;
use crate::value::{Row, ValueRef};

/// What a probe costs, relative to looking at a row in passing.
const PROBE_PRICE: usize = 8;
/// Probes that are always allowed, so that small collections need no tables.
const FREE_WORK: usize = 256;

/// What a run knows about a relation.
#[derive(Default)]
pub(super) enum Relation {
    /// Nothing yet.
    #[default]
    New,
    /// Nothing is collected; this many rows have been looked at.
    Probed(usize),
    /// The keys of all target rows that decide.
    Collected(AHashSet<Vec<u8>>),
}

impl Execution {
    /// Whether a condition on related rows holds.
    pub fn related(&self, related: &Related, row: &Row) -> Result<bool> {
        Ok(self.decides(related, row)? == (related.quantifier == Quantifier::Some))
    }

    /// Whether there is a related row that decides: one that matches, or for
    /// `every` one that does not.
    fn decides(&self, related: &Related, row: &Row) -> Result<bool> {
        let cell = self.relations.get(related.number).ok_or_else(|| defect("a relation is not there"))?;
        let before = match &*cell.borrow() {
            Relation::Collected(keys) => {
                let mut key = Vec::with_capacity(24);
                let complete = related.join.key_here(&mut key, row);
                return Ok(complete && keys.contains(&key));
            }
            Relation::Probed(work) => Some(*work),
            Relation::New => None,
        };
        let target = self.root.collection(related.join.target)?;
        let probed = match before {
            Some(work) if work <= target.rows.len() / PROBE_PRICE + FREE_WORK => work,
            None if tree_over(target, &related.join.remote).is_some() => 0,
            _ => {
                let keys = self.collect(related)?;
                *cell.borrow_mut() = Relation::Collected(keys);
                return self.decides(related, row);
            }
        };
        let mut looked_at = 1;
        let mut found = false;
        self.follow(&related.join, row, &mut |target| {
            looked_at += 1;
            found = self.is_decisive(related, target)?;
            Ok(!found)
        })?;
        *cell.borrow_mut() = Relation::Probed(probed + looked_at);
        Ok(found)
    }

    /// The number of related rows, or any number beyond the one it is compared with.
    pub fn counted(&self, counted: &Counted, row: &Row, wanted: ValueRef<'_>) -> Result<i64> {
        let mut count = 0;
        self.follow(&counted.join, row, &mut |target| {
            count += i64::from(self.holds(&counted.filter, target)?);
            Ok(ValueRef::Int(count) <= wanted)
        })?;
        Ok(count)
    }

    fn is_decisive(&self, related: &Related, target: &Row) -> Result<bool> {
        match related.quantifier {
            Quantifier::Some | Quantifier::None => self.holds(&related.filter, target),
            Quantifier::Every => Ok(self.all(&related.filter, target)? == Some(false)),
        }
    }

    fn collect(&self, related: &Related) -> Result<AHashSet<Vec<u8>>> {
        let target = self.root.collection(related.join.target)?;
        let mut keys = AHashSet::new();
        let mut key = Vec::with_capacity(24);
        let mut add = |row: &Row| {
            key.clear();
            if related.join.key_there(&mut key, row) && !keys.contains(&key) {
                keys.insert(key.clone());
            }
        };
        if related.quantifier == Quantifier::Every {
            self.watch.whole(related.join.target);
            self.allowance.spend(target.rows.len())?;
            for (_, row) in &target.rows {
                if self.is_decisive(related, row)? {
                    add(row);
                }
            }
        } else {
            self.each_match(target, &related.filter, &mut |row| {
                add(row);
                Ok(true)
            })?;
        }
        Ok(keys)
    }
}
