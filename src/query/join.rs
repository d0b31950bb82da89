//! Joins: what a row and a row of another collection must have equal.

use super::shape::{Join, JoinEnd};
use crate::value::{Row, encode_key};

impl Join {
    /// The key by which a row of the collection that the join starts from looks
    /// for others; none if it leads nowhere.
    pub fn key_here(&self, out: &mut Vec<u8>, row: &Row) -> bool {
        self.starts_at(row) && encode_ends(out, row, pairs(&self.local, &self.remote))
    }

    /// The key by which a row of the target is found; none if nothing leads there.
    pub fn key_there(&self, out: &mut Vec<u8>, row: &Row) -> bool {
        encode_ends(out, row, self.remote.iter().filter(|end| end.field().is_some()))
    }

    /// Whether a row has the constants that the join asks of the rows that it starts from.
    pub fn starts_at(&self, row: &Row) -> bool {
        has_constants(&self.local, &self.remote, row)
    }

    /// Whether a row of the target has the constants that the join asks there.
    pub fn ends_at(&self, row: &Row) -> bool {
        has_constants(&self.remote, &self.local, row)
    }

    /// Whether the join compares fields with fields only.
    pub fn is_plain(&self) -> bool {
        self.local.iter().chain(&self.remote).all(|end| end.field().is_some())
    }

    /// The target's fields that the join compares.
    pub fn remote_fields(&self) -> impl Iterator<Item = usize> {
        self.remote.iter().filter_map(JoinEnd::field)
    }
}

impl JoinEnd {
    /// The position of the field, unless the end is a constant.
    pub fn field(&self) -> Option<usize> {
        match self {
            Self::Field(position) => Some(*position),
            Self::Constant(_) => None,
        }
    }
}

/// Appends the keys of some ends, those of fields out of a row; tells whether all of them have a value.
pub(super) fn encode_ends<'e>(
    out: &mut Vec<u8>,
    row: &Row,
    ends: impl IntoIterator<Item = &'e JoinEnd>,
) -> bool {
    for end in ends {
        match end {
            JoinEnd::Field(position) => {
                let value = row.get(*position);
                if value.is_null() {
                    return false;
                }
                encode_key(out, value);
            }
            JoinEnd::Constant(key) => out.extend_from_slice(key),
        }
    }
    true
}

/// The ends on one side whose other end is a field.
fn pairs<'e>(side: &'e [JoinEnd], other: &'e [JoinEnd]) -> impl Iterator<Item = &'e JoinEnd> {
    side.iter().zip(other).filter(|(_, other)| other.field().is_some()).map(|(end, _)| end)
}

fn has_constants(side: &[JoinEnd], other: &[JoinEnd], row: &Row) -> bool {
    let mut key = Vec::new();
    side.iter().zip(other).all(|(end, other)| match other {
        JoinEnd::Field(_) => true,
        JoinEnd::Constant(constant) => {
            key.clear();
            encode_ends(&mut key, row, [end]) && key == *constant
        }
    })
}
