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
    let key: Vec<Component> = schema.primary.iter().map(|position| Component::field(*position)).collect();
    // Entries of an index end with the primary key, which also orders whatever is alike.
    let ending: &[Component] = if is_primary { &[] } else { &key };
    let mut parts = components.iter().chain(ending).enumerate();
    let mut known: Vec<&Component> =
        components.iter().zip(fixed).filter_map(|(part, fixed)| fixed.then_some(part)).collect();
    let mut direction = None;
    let ties = key.iter().map(Wanted::Tie);
    for wanted in order.keys.iter().map(Wanted::Key).chain(ties) {
        if key.iter().all(|part| known.contains(&part)) {
            break;
        }
        let (component, desc) = match wanted {
            Wanted::Key(key) => (key.path.here()?, key.desc),
            Wanted::Tie(part) => (part, order.ties_desc),
        };
        if known.contains(&component) {
            continue;
        }
        let (at, part) = parts.find(|(_, part)| !known.contains(part))?;
        if part != component || matches!(wanted, Wanted::Key(key) if !is_natural(key)) {
            return None;
        }
        direction = match direction {
            None => Some(Direction { reverse: desc, group: None }),
            // From here on the other way round, within what is alike so far.
            Some(Direction { reverse, group: None }) if desc != reverse => {
                Some(Direction { reverse, group: Some(at) })
            }
            Some(Direction { reverse, group: Some(_) }) if desc == reverse => return None,
            same => same,
        };
        known.push(part);
    }
    Some(direction.unwrap_or(Direction { reverse: order.ties_desc, group: None }))
}

/// What rows are to be ordered by next.
enum Wanted<'a> {
    Key(&'a OrderKey),
    Tie(&'a Component),
}

/// Whether a key orders as trees do, in one direction or the other.
fn is_natural(key: &OrderKey) -> bool {
    let nulls_lowest = key.nulls_first != key.desc;
    key.ranks.is_none() && (nulls_lowest || !key.nullable)
}
