//! Where rows go: the engine says what comes, the receiver packs it.

use super::plan::Wire;
use crate::value::ValueRef;

/// Receives rows, part by part, in the order of the plan's `select`.
///
/// Each row is its fields in order, then its nested rows in order: for a nested
/// row `one`, followed by the row's parts when it is there; for a nested list
/// `many`, followed by the parts of each row.
pub trait Sink {
    /// A null in a field of that wire.
    fn null(&mut self, wire: Wire);
    /// A field of wire `Number` or `Date`.
    fn number(&mut self, value: f64);
    /// A field of wire `Bool`.
    fn bool(&mut self, value: bool);
    /// A field of wire `Bigint`.
    fn bigint(&mut self, value: i64);
    /// A field of wire `Text` or `Decimal`.
    fn text(&mut self, value: &str);
    /// A field of wire `Text`, as it is stored: UTF-8, which is not checked before.
    fn text_bytes(&mut self, value: &[u8]) {
        self.text(std::str::from_utf8(value).unwrap_or_default());
    }
    /// A field of wire `Bytes`.
    fn bytes(&mut self, value: &[u8]);
    /// A field of wire `Json` that is not null.
    fn json(&mut self, value: ValueRef<'_>);
    /// A nested row follows, or is not there.
    fn one(&mut self, present: bool);
    /// That many nested rows follow.
    fn many(&mut self, rows: usize);
    /// Whether the receiver has enough for now: the piece ends with the row at hand.
    fn is_full(&self) -> bool {
        false
    }
}
