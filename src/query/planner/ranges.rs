//! From constraints to ranges of the keys of one tree.

use super::constraint::{Constraints, Test, TupleConstraint};
use crate::catalog::Component;
use crate::value::{ValueRef, encode_key, successor};

/// More ranges than this are not made by combining lists.
const MOST_COMBINED: usize = 10_000;

/// Keys from `low` up to, but without, `high`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Range {
    pub low: Vec<u8>,
    /// `None` is the end of the tree.
    pub high: Option<Vec<u8>>,
}

/// The part of a tree that conditions leave.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// Ascending and apart.
    pub ranges: Vec<Range>,
    /// The conditions that hold for all entries in the ranges.
    pub covered: Vec<usize>,
    /// For each component, whether all entries in the ranges have the same value.
    pub fixed: Vec<bool>,
    /// How many components have known values in each range.
    pub known: usize,
    /// Entries of the ranges that agree in so many components are in the same one.
    pub together: usize,
}

/// The ranges of a tree over these components; `None` when the conditions say nothing about its first one.
pub(super) fn ranges(components: &[Component], constraints: &Constraints<'_>) -> Option<Ranges> {
    let mut made = Ranges { fixed: vec![false; components.len()], ..Ranges::default() };
    let mut prefixes = vec![Vec::new()];
    if let Some(tuple) = constraints.tuples.iter().find(|tuple| leads(tuple, components)) {
        prefixes = tuple_prefixes(tuple, components);
        made.covered.push(tuple.condition);
        made.known = tuple.components.len();
    }
    let mut bounds = None;
    for (at, component) in components.iter().enumerate().skip(made.known) {
        let on = || constraints.single.iter().filter(|constraint| constraint.component == component);
        let equal = on().find_map(|constraint| match &constraint.test {
            Test::Equal(key) => Some((constraint.condition, key)),
            _ => None,
        });
        if let Some((condition, key)) = equal {
            prefixes.iter_mut().for_each(|prefix| prefix.extend_from_slice(key));
            made.covered.push(condition);
            if let Some(fixed) = made.fixed.get_mut(at) {
                *fixed = true;
            }
            made.known += 1;
            continue;
        }
        let among = on().find_map(|constraint| match &constraint.test {
            Test::Among(keys)
                if keys.len() == 1 || prefixes.len() == 1 || prefixes.len() * keys.len() <= MOST_COMBINED =>
            {
                Some((constraint.condition, *keys))
            }
            _ => None,
        });
        if let Some((condition, keys)) = among {
            prefixes = prefixes
                .iter()
                .flat_map(|prefix| keys.iter().map(move |key| [prefix.as_slice(), key].concat()))
                .collect();
            made.covered.push(condition);
            made.known += 1;
            continue;
        }
        bounds = Bounds::of(on().map(|constraint| (constraint.condition, &constraint.test)));
        break;
    }
    let Some(bounds) = bounds else {
        if made.known == 0 {
            return None;
        }
        made.ranges = prefixes.into_iter().map(|prefix| from_prefix(&prefix, &[])).collect();
        made.together = made.known;
        return Some(made);
    };
    made.covered.extend(&bounds.covered);
    made.ranges = prefixes.iter().flat_map(|prefix| bounds.ranges(prefix)).collect();
    made.together = made.known + usize::from(bounds.begins.is_some());
    Some(made)
}

/// Whether a tree begins with the components of a tuple, in any order.
fn leads(tuple: &TupleConstraint<'_>, components: &[Component]) -> bool {
    components.get(..tuple.components.len()).is_some_and(|first| {
        first.iter().all(|part| tuple.components.contains(&part))
            && tuple.components.iter().all(|part| first.contains(part))
    })
}

fn tuple_prefixes(tuple: &TupleConstraint<'_>, components: &[Component]) -> Vec<Vec<u8>> {
    let mut prefixes: Vec<Vec<u8>> = tuple
        .values
        .iter()
        .map(|values| {
            let mut prefix = Vec::with_capacity(32);
            for component in components.iter().take(tuple.components.len()) {
                let member = tuple.components.iter().position(|part| *part == component);
                if let Some(value) = member.and_then(|member| values.get(member)) {
                    encode_key(&mut prefix, value.as_ref());
                }
            }
            prefix
        })
        .collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes
}

fn from_prefix(prefix: &[u8], key: &[u8]) -> Range {
    let low = [prefix, key].concat();
    let high = successor(&low);
    Range { low, high }
}

/// What is left of one component behind known ones.
struct Bounds<'s> {
    low: Option<(&'s [u8], bool)>,
    high: Option<(&'s [u8], bool)>,
    begins: Option<&'s [Vec<u8>]>,
    covered: Vec<usize>,
}

impl<'s> Bounds<'s> {
    fn of(tests: impl Iterator<Item = (usize, &'s Test<'s>)>) -> Option<Self> {
        let mut bounds = Self { low: None, high: None, begins: None, covered: Vec::new() };
        let mut any = false;
        for (condition, test) in tests {
            match test {
                Test::Above { key, inclusive } => {
                    let new = (key.as_slice(), *inclusive);
                    // Of equal bounds the one without the key itself is tighter.
                    if bounds.low.is_none_or(|old| (old.0, !old.1) < (new.0, !new.1)) {
                        bounds.low = Some(new);
                    }
                }
                Test::Below { key, inclusive } => {
                    let new = (key.as_slice(), *inclusive);
                    if bounds.high.is_none_or(|old| new < old) {
                        bounds.high = Some(new);
                    }
                }
                Test::NotNull => {}
                Test::Begins(starts) => {
                    bounds.begins = Some(starts);
                    any = true;
                    continue;
                }
                Test::Equal(_) | Test::Among(_) => continue,
            }
            any = true;
            bounds.covered.push(condition);
        }
        if bounds.begins.is_some() {
            // The beginnings are the ranges then; the bounds are checked with the rows.
            bounds.covered.clear();
        }
        any.then_some(bounds)
    }

    fn ranges(&self, prefix: &[u8]) -> Vec<Range> {
        if let Some(starts) = self.begins {
            return starts.iter().map(|start| from_prefix(prefix, start)).collect();
        }
        let behind = |key: &[u8]| successor(&[prefix, key].concat());
        let low = match self.low {
            Some((key, true)) => Some([prefix, key].concat()),
            Some((key, false)) => behind(key),
            None => {
                // Behind the nulls, which no bound includes.
                let mut null = Vec::new();
                encode_key(&mut null, ValueRef::Null);
                behind(&null)
            }
        };
        let high = match self.high {
            Some((key, true)) => behind(key),
            Some((key, false)) => Some([prefix, key].concat()),
            None => successor(prefix),
        };
        match low {
            Some(low) if high.as_ref().is_none_or(|high| low < *high) => vec![Range { low, high }],
            _ => Vec::new(),
        }
    }
}
