//! Typed values: their total order, order-preserving keys and compact rows.
//!
//! A [`Value`] owns its data; a [`ValueRef`] borrows it, from a `Value` or from
//! inside the bytes of a [`Row`]. Everything that reads takes a `ValueRef`, so a
//! stored row is compared, searched and followed without being decoded.

mod date;
mod decimal;
mod json;
mod key;
mod layout;
mod order;
mod refs;
mod row;
mod short;
#[cfg(test)]
mod tests;
mod valid;
#[allow(clippy::module_inception)]
mod value;

pub use date::{format_date, parse_date};
pub use decimal::Decimal;
pub use key::{encode_key, encode_text_prefix, skip_key, successor};
pub use order::compare;
pub use refs::{ArrayIter, ArrayRef, DocIter, DocRef, ValueRef};
pub use row::{Fields, Row, RowBuilder, RowView, Stored};
pub use short::Short;
pub use value::{MAX_DEPTH, Value};
