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
    let is_fixed = |at: usize| fixed.get(at).copied().unwrap_or(false);
    let mut at = 0;
    let mut reverse = None;
    let mut keys = order.keys.iter().peekable();
    while keys.peek().is_some() && at < components.len() {
        let key = keys.peek()?;
        if is_constant(key, components, fixed) {
            keys.next();
            continue;
        }
        if is_fixed(at) && !matches(key, components.get(at)?) {
            at += 1;
            continue;
        }
        if !matches(key, components.get(at)?) || *reverse.get_or_insert(key.desc) != key.desc {
            return None;
        }
        at += 1;
        keys.next();
    }
    while keys.next_if(|key| is_constant(key, components, fixed)).is_some() {}
    // With the whole primary key nothing is left to order.
    let complete = is_primary && at == components.len();
    if keys.peek().is_some() && !complete {
        return None;
    }
    let ordered = at;
    if is_primary {
        let reverse = reverse.unwrap_or(order.ties_desc);
        let rest = components.len() > ordered;
        let group = (rest && reverse != order.ties_desc).then_some(ordered);
        return Some(Direction { reverse, group });
    }
    // Behind the ordered components only those may follow that say nothing new,
    // or begin the primary key, as the ties are ordered by it.
    let rest = (ordered..components.len()).filter(|at| !is_fixed(*at));
    let ties = rest.zip(&schema.primary).all(|(at, primary)| {
        components.get(at).is_some_and(|part| part.json.is_empty() && part.position == *primary)
    });
    let unfixed = (ordered..components.len()).filter(|at| !is_fixed(*at)).count();
    if !ties || unfixed > schema.primary.len() {
        return None;
    }
    let reverse = reverse.unwrap_or(order.ties_desc);
    let group = (reverse != order.ties_desc).then_some(ordered);
    Some(Direction { reverse, group })
}

/// Whether all rows walked have the same value for a key.
fn is_constant(key: &OrderKey, components: &[Component], fixed: &[bool]) -> bool {
    key.path.here().is_some_and(|component| {
        components.iter().zip(fixed).any(|(part, fixed)| *fixed && part == component)
    })
}

/// Whether a component orders as a key does, in one direction or the other.
fn matches(key: &OrderKey, component: &Component) -> bool {
    let nulls_lowest = key.nulls_first != key.desc;
    key.ranks.is_none() && (nulls_lowest || !key.nullable) && key.path.here() == Some(component)
}
