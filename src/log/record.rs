//! A record of the log: what one transaction has done, as images of rows.

use super::codec::{Reader, push_bytes, push_number, push_signed};
use crate::catalog::CollectionId;

/// The first byte of a record; others are for what is yet to come.
pub const TRANSACTION: u8 = 1;

mod tag {
    pub const USE: u8 = 1;
    pub const PUT: u8 = 2;
    pub const DELETE: u8 = 3;
    pub const CLEAR: u8 = 4;
    pub const SCHEMA: u8 = 5;
}

/// Writes the record of a transaction.
pub struct RecordWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> RecordWriter<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>, sequence: u64, base: u64) -> Self {
        out.push(TRANSACTION);
        push_number(out, sequence);
        push_number(out, sequence.saturating_sub(base));
        Self { out }
    }

    /// The whole definition, as JSON, that holds from here on; see [`super::State`].
    pub fn schema(&mut self, json: &[u8]) {
        self.out.push(tag::SCHEMA);
        push_bytes(self.out, json);
    }

    /// What follows is about this collection, whose counter is at `counter`.
    pub fn collection(&mut self, id: CollectionId, counter: i64) {
        self.out.push(tag::USE);
        push_number(self.out, id.0.into());
        push_signed(self.out, counter);
    }

    /// A row as it is now, in place of one with the same key.
    pub fn put(&mut self, row: &[u8]) {
        self.out.push(tag::PUT);
        push_bytes(self.out, row);
    }

    /// No row has this encoded key any more.
    pub fn delete(&mut self, key: &[u8]) {
        self.out.push(tag::DELETE);
        push_bytes(self.out, key);
    }

    /// The collection has no rows any more.
    pub fn clear(&mut self) {
        self.out.push(tag::CLEAR);
    }
}

/// A part of a record.
pub enum Part<'a> {
    Collection(CollectionId, i64),
    Put(&'a [u8]),
    Delete(&'a [u8]),
    Clear,
    Schema(&'a [u8]),
}

/// A record that is being read.
pub struct Record<'a> {
    pub sequence: u64,
    pub base: u64,
    parts: Reader<'a>,
}

impl<'a> Record<'a> {
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = Reader::new(bytes);
        if parts.byte()? != TRANSACTION {
            return None;
        }
        let sequence = parts.number()?;
        let base = sequence.checked_sub(parts.number()?)?;
        Some(Self { sequence, base, parts })
    }

    /// The next part; `Some(None)` where the record is at its end, `None` if it is not one.
    pub fn next(&mut self) -> Option<Option<Part<'a>>> {
        if self.parts.is_empty() {
            return Some(None);
        }
        Some(Some(match self.parts.byte()? {
            tag::USE => {
                let id = u32::try_from(self.parts.number()?).ok()?;
                Part::Collection(CollectionId(id), self.parts.signed()?)
            }
            tag::PUT => Part::Put(self.parts.bytes()?),
            tag::DELETE => Part::Delete(self.parts.bytes()?),
            tag::CLEAR => Part::Clear,
            tag::SCHEMA => Part::Schema(self.parts.bytes()?),
            _ => return None,
        }))
    }
}
