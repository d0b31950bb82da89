//! Whether a tree has the rows in the order that is asked for.

use super::super::access::Direction;
use super::super::shape::{OrderKey, OrderShape};
use crate::catalog::{Component, Schema};

/// The direction in which a tree must be walked to give an order, if it can.
///
/// `fixed` tells which components have the same value in all entries walked.
pub(super) fn supplied(
    schema: &Schema,
    components: &[Component],
    is_primary: bool,
    fixed: &[bool],
    order: &OrderShape,
) -> Option<Direction> {
    let is_fixed = |part: Part<'_>| {
        components.iter().zip(fixed).any(|(component, fixed)| *fixed && part == Part::of(component))
    };
    // Entries of an index end with the primary key, which also orders whatever is alike.
    let ending: &[usize] = if is_primary { &[] } else { &schema.primary };
    let mut parts =
        components.iter().map(Part::of).chain(ending.iter().map(|at| Part::field(*at))).enumerate();
    let wanted = || {
        let keys = order.keys.iter().map(Wanted::Key);
        keys.chain(schema.primary.iter().map(|at| Wanted::Tie(Part::field(*at))))
    };
    let mut direction = None;
    for (number, next) in wanted().enumerate() {
        // Whether rows that are alike in all that comes before have it in common.
        let is_known = |part: Part<'_>| {
            is_fixed(part) || wanted().take(number).any(|before| before.part() == Some(part))
        };
        if schema.primary.iter().all(|at| is_known(Part::field(*at))) {
            break;
        }
        let wanted_part = next.part()?;
        if is_known(wanted_part) {
            continue;
        }
        let (at, part) = parts.find(|(_, part)| !is_known(*part))?;
        if part != wanted_part || !next.is_natural() {
            return None;
        }
        let desc = next.desc(order);
        direction = match direction {
            None => Some(Direction { reverse: desc, group: None }),
            // From here on the other way round, within what is alike so far.
            Some(Direction { reverse, group: None }) if desc != reverse => {
                Some(Direction { reverse, group: Some(at) })
            }
            Some(Direction { reverse, group: Some(_) }) if desc == reverse => return None,
            same => same,
        };
    }
    Some(direction.unwrap_or(Direction { reverse: order.ties_desc, group: None }))
}

/// A part of a tree's entries: a field, or a place in the document that it holds.
#[derive(Clone, Copy, PartialEq)]
struct Part<'a> {
    position: usize,
    json: &'a [String],
}

impl<'a> Part<'a> {
    fn of(component: &'a Component) -> Self {
        Self { position: component.position, json: &component.json }
    }

    fn field(position: usize) -> Self {
        Self { position, json: &[] }
    }
}

/// What rows are to be ordered by next.
enum Wanted<'a> {
    Key(&'a OrderKey),
    Tie(Part<'a>),
}

impl<'a> Wanted<'a> {
    /// What it is in the row, if it is there.
    fn part(&self) -> Option<Part<'a>> {
        match self {
            Self::Key(key) => key.path.here().map(Part::of),
            Self::Tie(part) => Some(*part),
        }
    }

    fn desc(&self, order: &OrderShape) -> bool {
        match self {
            Self::Key(key) => key.desc,
            Self::Tie(_) => order.ties_desc,
        }
    }

    /// Whether it orders as trees do, in one direction or the other.
    fn is_natural(&self) -> bool {
        match self {
            Self::Key(key) => key.ranks.is_none() && (key.nulls_first != key.desc || !key.nullable),
            Self::Tie(_) => true,
        }
    }
}
