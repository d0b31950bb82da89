//! Orders: keys of rows as byte strings that sort as the rows do.

use std::collections::BinaryHeap;

use ahash::AHashMap;

use super::branches::Places;
use super::execution::{Execution, defect};
use super::operand::Operand;
use super::shape::{Join, OrderKey, OrderShape};
use crate::catalog::Schema;
use crate::error::Result;
use crate::value::{Row, ValueRef, encode_key};

/// What sorting a row costs, in rows looked at.
pub(super) const SORTING: usize = 2;

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

impl Execution {
    /// Appends what places a row in the order of one key.
    pub fn place(&self, out: &mut Vec<u8>, key: &OrderKey, row: &Row) -> Result<()> {
        self.with_value(&key.path, row, |value| self.place_value(out, key, value))?
    }

    /// Appends what places a row with this value in the order of one key.
    pub fn place_value(&self, out: &mut Vec<u8>, key: &OrderKey, value: ValueRef<'_>) -> Result<()> {
        let start = out.len();
        out.push(VALUE);
        let mut null = value.is_null();
        if let Some(operand) = key.ranks {
            let Operand::Ranks(ranks) = self.operand(operand)? else {
                return Err(defect("an operand is not a custom order"));
            };
            let mut of_value = Vec::with_capacity(16);
            encode_key(&mut of_value, value);
            match ranks.get(&of_value) {
                Some(rank) => encode_key(out, ValueRef::Int(i64::try_from(*rank).unwrap_or(i64::MAX))),
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
        Ok(())
    }
}

/// Appends what places a row among those that agree in all keys.
fn place_tie(out: &mut Vec<u8>, order: &OrderShape, schema: &Schema, row: &Row) {
    let start = out.len();
    schema.encode_primary(out, row);
    if order.ties_desc {
        invert(out, start);
    }
}

/// Turns the order of keys around. No key is the beginning of another, so that this is all.
fn invert(out: &mut [u8], start: usize) {
    for byte in out.iter_mut().skip(start) {
        *byte = !*byte;
    }
}

/// Rows in the order of their keys, all of them or so many of the first.
pub(super) struct Sorter<'s> {
    order: &'s OrderShape,
    known: Known,
    most: usize,
    /// Greatest key first, so that it can be thrown out.
    heap: BinaryHeap<Entry>,
    all: Vec<Entry>,
    scratch: Vec<u8>,
}

/// What is known of the places of rows.
enum Known {
    /// For each key of the order.
    Keys(Vec<Memo<Box<[u8]>>>),
    /// For each branch of the order: rows stand where their first combinations do.
    Branches(Vec<Memo<Places>>),
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

impl<'s> Sorter<'s> {
    /// A sorter that keeps at most so many rows.
    pub fn new(order: &'s OrderShape, most: usize) -> Self {
        let known = if order.branches.is_empty() {
            Known::Keys(order.keys.iter().map(|_| Memo::default()).collect())
        } else {
            Known::Branches(order.branches.iter().map(|_| Memo::default()).collect())
        };
        Self { order, known, most, heap: BinaryHeap::new(), all: Vec::new(), scratch: Vec::with_capacity(64) }
    }

    /// A sorter that finds the rows of a page, by the least value of each key.
    pub fn page(order: &'s OrderShape, most: usize) -> Self {
        let known = Known::Keys(order.keys.iter().map(|_| Memo::default()).collect());
        Self { known, ..Self::new(order, most) }
    }

    /// Remembers where relations lead, if so many rows will lead to the same ones often.
    pub fn remembering(mut self, execution: &Execution, rows: usize) -> Result<Self> {
        match &mut self.known {
            Known::Keys(memos) => {
                for (memo, key) in memos.iter_mut().zip(&self.order.keys) {
                    if let Some(step) = key.path.via.first() {
                        *memo = Memo::of(execution, &step.join, rows)?;
                    }
                }
            }
            Known::Branches(memos) => {
                for (memo, branch) in memos.iter_mut().zip(&self.order.branches) {
                    *memo = Memo::of(execution, &branch.step.join, rows)?;
                }
            }
        }
        Ok(self)
    }

    /// Takes a row.
    pub fn push(&mut self, execution: &Execution, schema: &Schema, row: &Row) -> Result<()> {
        self.scratch.clear();
        match &mut self.known {
            Known::Keys(memos) => {
                for (key, memo) in self.order.keys.iter().zip(memos) {
                    place(execution, memo, &mut self.scratch, key, row)?;
                }
            }
            Known::Branches(memos) => execution.place_first(&mut self.scratch, self.order, memos, row)?,
        }
        place_tie(&mut self.scratch, self.order, schema, row);
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

/// Appends what places a row in the order of one key, as it is remembered.
fn place(
    execution: &Execution,
    memo: &mut Memo<Box<[u8]>>,
    out: &mut Vec<u8>,
    key: &OrderKey,
    row: &Row,
) -> Result<()> {
    let Some(step) = key.path.via.first().filter(|_| memo.is_on()) else {
        return execution.place(out, key, row);
    };
    let make = || {
        let mut place = Vec::with_capacity(24);
        execution.place(&mut place, key, row)?;
        Ok(place.into())
    };
    memo.get(&step.join, row, make, |place| out.extend_from_slice(place))
}

/// What was found out for rows that point at the same related row: following a
/// relation costs more than remembering where it led.
pub(super) struct Memo<T> {
    /// By what points; none where remembering would not help.
    known: Option<AHashMap<Vec<u8>, T>>,
    pointer: Vec<u8>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { known: None, pointer: Vec::new() }
    }
}

impl<T> Memo<T> {
    fn of(execution: &Execution, join: &Join, rows: usize) -> Result<Self> {
        let related = execution.root.collection(join.target)?.rows.len();
        let helps = join.is_plain() && related <= rows / 2 && !execution.looks_back();
        Ok(Self { known: helps.then(AHashMap::new), pointer: Vec::new() })
    }

    /// Whether anything is remembered.
    fn is_on(&self) -> bool {
        self.known.is_some()
    }

    /// Hands over what is known for a row, after finding it out if need be.
    pub fn get(
        &mut self,
        join: &Join,
        row: &Row,
        make: impl FnOnce() -> Result<T>,
        take: impl FnOnce(&T),
    ) -> Result<()> {
        self.pointer.clear();
        match &mut self.known {
            Some(known) if join.key_here(&mut self.pointer, row) => {
                if let Some(value) = known.get(&self.pointer) {
                    take(value);
                } else {
                    let value = make()?;
                    take(&value);
                    known.insert(self.pointer.clone(), value);
                }
            }
            _ => take(&make()?),
        }
        Ok(())
    }
}
