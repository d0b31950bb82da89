//! Orders: keys of rows as byte strings that sort as the rows do.

use std::collections::BinaryHeap;

use super::execution::Execution;
use super::operand::Operand;
use super::shape::{OrderKey, OrderShape};
use crate::catalog::Schema;
use crate::error::Result;
use crate::value::{Row, ValueRef, encode_key};

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

impl Execution {
    /// Appends what places a row in an order: its keys, then its primary key.
    pub fn sort_key(&self, out: &mut Vec<u8>, order: &OrderShape, schema: &Schema, row: &Row) -> Result<()> {
        for key in &order.keys {
            self.place(out, key, row)?;
        }
        let start = out.len();
        schema.encode_primary(out, row);
        if order.ties_desc {
            invert(out, start);
        }
        Ok(())
    }

    /// Appends what places a row in the order of one key.
    pub fn place(&self, out: &mut Vec<u8>, key: &OrderKey, row: &Row) -> Result<()> {
        let ranks = match key.ranks {
            Some(operand) => match self.operand(operand)? {
                Operand::Ranks(ranks) => Some(ranks),
                _ => None,
            },
            None => None,
        };
        self.with_value(&key.path, row, |value| {
            let start = out.len();
            out.push(VALUE);
            let mut null = value.is_null();
            if let Some(ranks) = ranks {
                let mut of_value = Vec::with_capacity(16);
                encode_key(&mut of_value, value);
                match ranks.get(&of_value) {
                    Some(rank) => {
                        encode_key(out, ValueRef::Int(i64::try_from(*rank).unwrap_or(i64::MAX)));
                    }
                    None => null = true,
                }
            } else {
                encode_key(out, value);
            }
            if null {
                out.truncate(start);
                out.push(if key.nulls_first { NULL_FIRST } else { NULL_LAST });
            } else if key.desc {
                invert(out, start + 1);
            }
        })
    }
}

/// Turns the order of keys around. No key is the beginning of another, so that this is all.
fn invert(out: &mut [u8], start: usize) {
    for byte in out.iter_mut().skip(start) {
        *byte = !*byte;
    }
}

/// Rows in the order of their keys, all of them or so many of the first.
pub(super) struct Sorter {
    most: usize,
    /// Greatest key first, so that it can be thrown out.
    heap: BinaryHeap<Entry>,
    all: Vec<Entry>,
    scratch: Vec<u8>,
}

struct Entry {
    key: Box<[u8]>,
    row: Row,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl Sorter {
    /// A sorter that keeps at most so many rows.
    pub fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new(), all: Vec::new(), scratch: Vec::with_capacity(64) }
    }

    /// Takes a row.
    pub fn push(
        &mut self,
        execution: &Execution,
        order: &OrderShape,
        schema: &Schema,
        row: &Row,
    ) -> Result<()> {
        self.scratch.clear();
        execution.sort_key(&mut self.scratch, order, schema, row)?;
        let entry = || Entry { key: self.scratch.as_slice().into(), row: row.clone() };
        if self.most == usize::MAX {
            self.all.push(entry());
        } else if self.heap.len() < self.most {
            self.heap.push(entry());
        } else if self.heap.peek().is_some_and(|greatest| *self.scratch < *greatest.key) {
            self.heap.pop();
            self.heap.push(entry());
        }
        Ok(())
    }

    /// The rows, first to last.
    pub fn finish(mut self) -> Vec<Row> {
        if self.most != usize::MAX {
            self.all = self.heap.into_sorted_vec();
        } else {
            self.all.sort_unstable();
        }
        self.all.into_iter().map(|entry| entry.row).collect()
    }
}
