//! Rows: the values of a record in one shared, immutable block of bytes.

use std::fmt;
use std::sync::Arc;

use super::layout::{self, Slots};
use super::{ValueRef, valid};
use crate::error::Result;

/// An immutable row. A clone is a reference to the same bytes.
#[derive(Clone)]
pub struct Row(Arc<[u8]>);

impl Row {
    /// A row of these values, by position.
    pub fn from_values(values: &[ValueRef]) -> Self {
        let mut builder = RowBuilder::with_capacity(values.len(), 16 * values.len());
        for &value in values {
            builder.push(value);
        }
        builder.finish()
    }

    /// The row in these bytes, once [`Row::as_bytes`] of another. Every byte is
    /// looked at; whatever is not a row is error `Corrupt`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        valid::check_row(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// The value of a field, in constant time but for the check that text is
    /// UTF-8; beyond the last field, null.
    #[inline]
    pub fn get(&self, field: usize) -> ValueRef<'_> {
        self.view().get(field)
    }

    /// What several fields are read from: their table is looked for once.
    #[inline]
    pub fn view(&self) -> RowView<'_> {
        RowView(self.slots())
    }

    /// Whether a field is null; cheaper than asking its value.
    #[inline]
    pub fn is_null(&self, field: usize) -> bool {
        self.slots().get(field).is_none_or(<[u8]>::is_empty)
    }

    /// How many fields the row has.
    pub fn len(&self) -> usize {
        self.slots().len()
    }

    /// Whether the row has no fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the very same row, not merely an equal one.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether a field is stored alike in both rows. This is finer than
    /// equality: `1` differs from `1.0`, and the decimal `1.1` from `1.10`.
    pub fn same_field(&self, other: &Self, field: usize) -> bool {
        !self.differing(other, [field]).contains(field)
    }

    /// Those of some fields that are not stored alike in both rows: see [`Row::same_field`].
    pub fn differing(&self, other: &Self, among: impl IntoIterator<Item = usize>) -> Fields {
        let (own, other) = (self.slots(), other.slots());
        let differs = |field| own.get(field).unwrap_or_default() != other.get(field).unwrap_or_default();
        among.into_iter().filter(|field| differs(*field)).collect()
    }

    /// The row with some fields replaced; of a field given twice the last counts.
    /// The others are copied without being decoded.
    pub fn with(&self, changes: &[(usize, ValueRef)]) -> Self {
        let width = changes.iter().map(|(field, _)| field + 1).max().unwrap_or(0).max(self.len());
        self.with_in(&mut RowBuilder::new(), width, |field| {
            changes.iter().rev().find(|(changed, _)| *changed == field).map(|(_, value)| *value)
        })
    }

    /// As [`Row::with`], of so many fields, made in a builder that is empty before and after.
    pub fn with_in<'v>(
        &self,
        builder: &mut RowBuilder,
        width: usize,
        change: impl Fn(usize) -> Option<ValueRef<'v>>,
    ) -> Self {
        let slots = self.slots();
        builder.reserve(width, self.0.len() + 32);
        for field in 0..width {
            match change(field) {
                Some(value) => builder.push(value),
                None => builder.push_slot(slots.get(field).unwrap_or_default()),
            };
        }
        builder.finish()
    }

    /// The bytes of the row, for [`Row::from_bytes`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[inline]
    fn slots(&self) -> Slots<'_> {
        Slots::open(&self.0)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).map(|field| self.get(field))).finish()
    }
}

/// The fields of a row.
#[derive(Clone, Copy)]
pub struct RowView<'a>(Slots<'a>);

impl<'a> RowView<'a> {
    /// The value of a field: see [`Row::get`].
    #[inline]
    pub fn get(self, field: usize) -> ValueRef<'a> {
        self.stored(field).value()
    }

    /// A field as it is stored.
    #[inline]
    pub fn stored(self, field: usize) -> Stored<'a> {
        Stored(self.0.get(field).unwrap_or_default())
    }
}

/// A field as it is stored: of what is often asked for, less has to be found out than its value.
#[derive(Clone, Copy)]
pub struct Stored<'a>(&'a [u8]);

impl<'a> Stored<'a> {
    /// The value; of what is not there, null.
    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        layout::decode(self.0)
    }

    /// The bytes of a text, which nobody has checked to be UTF-8; `None` of anything else.
    #[inline]
    pub fn text_bytes(self) -> Option<&'a [u8]> {
        layout::text_bytes(self.0)
    }

    /// A whole number or a double, as a double; `None` of anything else.
    #[inline]
    pub fn number(self) -> Option<f64> {
        layout::number(self.0)
    }
}

/// A set of fields by position. Of those from the 64th on it knows only whether there are any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields(u64);

impl Fields {
    /// All fields.
    pub const ALL: Self = Self(u64::MAX);

    fn bit(field: usize) -> u64 {
        1 << field.min(63)
    }

    /// Whether a field may be in the set.
    pub fn contains(self, field: usize) -> bool {
        self.0 & Self::bit(field) != 0
    }

    /// Whether one of some fields may be in the set.
    pub fn contain_any(self, fields: impl IntoIterator<Item = usize>) -> bool {
        fields.into_iter().any(|field| self.contains(field))
    }
}

impl FromIterator<usize> for Fields {
    fn from_iter<I: IntoIterator<Item = usize>>(fields: I) -> Self {
        Self(fields.into_iter().fold(0, |set, field| set | Self::bit(field)))
    }
}

/// Builds rows field by field; one builder may build many, reusing its memory.
#[derive(Debug, Default)]
pub struct RowBuilder {
    contents: Vec<u8>,
    ends: Vec<usize>,
}

impl RowBuilder {
    /// A builder of an empty row.
    pub const fn new() -> Self {
        Self { contents: Vec::new(), ends: Vec::new() }
    }

    /// A builder with room for so many fields of so many bytes in all.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        let mut builder = Self::new();
        builder.reserve(fields, bytes);
        builder
    }

    /// Makes room for so many fields more of so many bytes in all.
    pub fn reserve(&mut self, fields: usize, bytes: usize) {
        // The table of ends comes to lie before the contents.
        self.contents.reserve(bytes + 2 * fields + 1);
        self.ends.reserve(fields);
    }

    /// Appends a field.
    pub fn push(&mut self, value: ValueRef) -> &mut Self {
        layout::encode(&mut self.contents, value);
        self.ends.push(self.contents.len());
        self
    }

    /// Appends a field of another row as it is stored there.
    pub fn push_from(&mut self, row: &Row, field: usize) -> &mut Self {
        self.push_slot(row.slots().get(field).unwrap_or_default())
    }

    fn push_slot(&mut self, slot: &[u8]) -> &mut Self {
        self.contents.extend_from_slice(slot);
        self.ends.push(self.contents.len());
        self
    }

    /// How many bytes of memory it has.
    pub fn capacity(&self) -> usize {
        self.contents.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// How many fields have been appended.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether none has been appended.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The row of the fields appended so far; the builder is empty again.
    pub fn finish(&mut self) -> Row {
        layout::seal(&mut self.contents, 0, &self.ends);
        let row = Row(self.contents.as_slice().into());
        self.contents.clear();
        self.ends.clear();
        row
    }
}
