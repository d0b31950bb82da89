//! A value that owns its data.

use std::cmp::Ordering;

use super::{ArrayRef, Decimal, DocRef, ValueRef, compare};
use crate::error::{Error, ErrorCode, Result};

/// How deep arrays and documents may nest; a scalar has depth 0.
pub const MAX_DEPTH: usize = 128;

/// A typed value. Equality and order are those of [`compare`], so `Int(1)`,
/// `Float(1.0)` and the decimal `1.00` are equal.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// The absence of a value; lowest of all.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A double. Not-a-number is the greatest number and equal to itself.
    Float(f64),
    /// An exact decimal, as it was written.
    Decimal(Decimal),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Date(i64),
    /// Unicode text.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Values in a row.
    Array(Vec<Value>),
    /// Values by key, in the order they were given. Of equal keys the last counts.
    Doc(Vec<(String, Value)>),
}

impl Value {
    /// The value, borrowed.
    #[inline]
    #[allow(clippy::should_implement_trait, reason = "the result is a view, not a reference")]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Int(value) => ValueRef::Int(*value),
            Self::Float(value) => ValueRef::Float(*value),
            Self::Decimal(value) => ValueRef::Decimal(value.as_str()),
            Self::Date(value) => ValueRef::Date(*value),
            Self::Text(value) => ValueRef::Text(value),
            Self::Bytes(value) => ValueRef::Bytes(value),
            Self::Array(items) => ValueRef::Array(ArrayRef::of_values(items)),
            Self::Doc(entries) => ValueRef::Doc(DocRef::of_values(entries)),
        }
    }

    /// Whether this is `Null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Refuses a value that nests deeper than [`MAX_DEPTH`] with `OutOfRange`.
    ///
    /// Whatever takes values from outside asks this once: everything below
    /// follows nesting by recursion.
    pub fn check_depth(&self) -> Result<()> {
        fn fits(value: &Value, left: usize) -> bool {
            let Some(below) = left.checked_sub(1) else {
                return !matches!(value, Value::Array(_) | Value::Doc(_));
            };
            match value {
                Value::Array(items) => items.iter().all(|item| fits(item, below)),
                Value::Doc(entries) => entries.iter().all(|(_, item)| fits(item, below)),
                _ => true,
            }
        }
        if fits(self, MAX_DEPTH) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::OutOfRange, format!("A document may nest at most {MAX_DEPTH} levels deep")))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.as_ref(), other.as_ref())
    }
}

macro_rules! from {
    ($($source:ty => |$value:ident| $made:expr),* $(,)?) => {
        $(impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $made
            }
        })*
    };
}

from! {
    bool => |value| Self::Bool(value),
    i32 => |value| Self::Int(value.into()),
    i64 => |value| Self::Int(value),
    f64 => |value| Self::Float(value),
    Decimal => |value| Self::Decimal(value),
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    Vec<u8> => |value| Self::Bytes(value),
    Vec<Value> => |value| Self::Array(value),
    Vec<(String, Value)> => |value| Self::Doc(value),
    ValueRef<'_> => |value| value.to_value(),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
