//! Values that borrow: from a [`Value`], or from the bytes of a stored row.

use std::cmp::Ordering;
use std::fmt;

use super::layout::{self, Slots};
use super::{Decimal, Short, Value, compare};

/// A borrowed value; see [`Value`] for the variants. Equality and order are
/// those of [`compare`].
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// The absence of a value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A double.
    Float(f64),
    /// The text of a [`Decimal`].
    Decimal(&'a str),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Date(i64),
    /// Unicode text.
    Text(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Values in a row.
    Array(ArrayRef<'a>),
    /// Values by key.
    Doc(DocRef<'a>),
}

impl<'a> ValueRef<'a> {
    /// A copy that owns its data.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Decimal(text) => Value::Decimal(Decimal::trusted(text)),
            Self::Date(value) => Value::Date(value),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Doc(doc) => {
                Value::Doc(doc.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect())
            }
        }
    }

    /// Whether this is `Null`.
    #[inline]
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value at the end of a path into documents; into an array, a segment
    /// is the position of an item as decimal text. `None` where the path leads
    /// nowhere: through a missing key, a null or a scalar. A null that is there
    /// is `Some(Null)`. The empty path leads to the value itself.
    pub fn at_path(self, path: &[String]) -> Option<ValueRef<'a>> {
        path.iter().try_fold(self, |value, segment| match value {
            Self::Doc(doc) => doc.get(segment),
            Self::Array(items) => items.get(position(segment)?),
            _ => None,
        })
    }

    /// The name of the value's type, for messages.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Decimal(_) => "decimal",
            Self::Date(_) => "date",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "array",
            Self::Doc(_) => "document",
        }
    }

    /// The value as it should appear in a message: texts quoted, and whatever
    /// is long cut to about 40 characters.
    pub fn short(self) -> Short<'a> {
        Short(self)
    }
}

/// Only the canonical form counts, so that `"01"` and `"+1"` stay mere keys.
fn position(segment: &str) -> Option<usize> {
    let digits = segment.as_bytes();
    let canonical = digits == b"0" || matches!(digits.first(), Some(b'1'..=b'9'));
    if canonical { segment.parse().ok() } else { None }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ValueRef<'_> {}

impl PartialOrd for ValueRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ValueRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(*self, *other)
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        value.as_ref()
    }
}

/// The items of an array.
#[derive(Clone, Copy)]
pub struct ArrayRef<'a>(Items<'a, Value>);

/// The entries of a document.
#[derive(Clone, Copy)]
pub struct DocRef<'a>(Items<'a, (String, Value)>);

enum Items<'a, T> {
    Values(&'a [T]),
    Encoded(&'a [u8]),
}

// Derived, these would ask for `T: Copy`.
impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

impl fmt::Debug for ArrayRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for DocRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> ArrayRef<'a> {
    /// The view of an array that is not encoded.
    pub fn of_values(items: &'a [Value]) -> Self {
        Self(Items::Values(items))
    }

    pub(super) fn of_encoded(bytes: &'a [u8]) -> Self {
        Self(Items::Encoded(bytes))
    }

    pub(super) fn encoded(self) -> Option<&'a [u8]> {
        match self.0 {
            Items::Values(_) => None,
            Items::Encoded(bytes) => Some(bytes),
        }
    }

    /// How many items there are.
    pub fn len(self) -> usize {
        match self.0 {
            Items::Values(items) => items.len(),
            Items::Encoded(bytes) => Slots::open(bytes).len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The item at a position, in constant time.
    pub fn get(self, position: usize) -> Option<ValueRef<'a>> {
        match self.0 {
            Items::Values(items) => items.get(position).map(Value::as_ref),
            Items::Encoded(bytes) => Slots::open(bytes).get(position).map(layout::decode),
        }
    }

    /// The items in order.
    pub fn iter(self) -> ArrayIter<'a> {
        ArrayIter { array: self, next: 0, end: self.len() }
    }
}

impl<'a> DocRef<'a> {
    /// The view of a document that is not encoded.
    pub fn of_values(entries: &'a [(String, Value)]) -> Self {
        Self(Items::Values(entries))
    }

    pub(super) fn of_encoded(bytes: &'a [u8]) -> Self {
        Self(Items::Encoded(bytes))
    }

    pub(super) fn encoded(self) -> Option<&'a [u8]> {
        match self.0 {
            Items::Values(_) => None,
            Items::Encoded(bytes) => Some(bytes),
        }
    }

    /// How many entries there are.
    pub fn len(self) -> usize {
        match self.0 {
            Items::Values(entries) => entries.len(),
            Items::Encoded(bytes) => layout::entry_count(Slots::open(bytes)),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of a key; of a stored document, by binary search.
    pub fn get(self, key: &str) -> Option<ValueRef<'a>> {
        match self.0 {
            Items::Values(entries) => {
                entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
            }
            Items::Encoded(bytes) => layout::find_entry(Slots::open(bytes), key).map(layout::decode),
        }
    }

    /// The entry at a position, in the order they were given.
    pub fn entry(self, position: usize) -> Option<(&'a str, ValueRef<'a>)> {
        match self.0 {
            Items::Values(entries) => {
                entries.get(position).map(|(key, value)| (key.as_str(), value.as_ref()))
            }
            Items::Encoded(bytes) => layout::entry(Slots::open(bytes), position)
                .map(|(key, value)| (layout::text(key), layout::decode(value))),
        }
    }

    /// The entries in the order they were given.
    pub fn iter(self) -> DocIter<'a> {
        DocIter { doc: self, next: 0, end: self.len() }
    }

    /// What counts when documents are compared: entries by key, each key once.
    pub(super) fn sorted(self) -> Vec<(&'a str, ValueRef<'a>)> {
        let mut entries: Vec<_> = self.iter().collect();
        // Reversed and stable, so that of equal keys the last comes first and stays.
        entries.reverse();
        entries.sort_by_key(|(key, _)| *key);
        entries.dedup_by_key(|(key, _)| *key);
        entries
    }
}

/// The items of an array in order.
#[derive(Clone, Debug)]
pub struct ArrayIter<'a> {
    array: ArrayRef<'a>,
    next: usize,
    end: usize,
}

impl<'a> Iterator for ArrayIter<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.array.get(self.next)?;
        self.next += 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for ArrayIter<'_> {}

/// The entries of a document in the order they were given.
#[derive(Clone, Debug)]
pub struct DocIter<'a> {
    doc: DocRef<'a>,
    next: usize,
    end: usize,
}

impl<'a> Iterator for DocIter<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.doc.entry(self.next)?;
        self.next += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for DocIter<'_> {}

impl<'a> IntoIterator for ArrayRef<'a> {
    type Item = ValueRef<'a>;
    type IntoIter = ArrayIter<'a>;

    fn into_iter(self) -> ArrayIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for DocRef<'a> {
    type Item = (&'a str, ValueRef<'a>);
    type IntoIter = DocIter<'a>;

    fn into_iter(self) -> DocIter<'a> {
        self.iter()
    }
}
