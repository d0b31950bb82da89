//! Access paths: which entries of which tree lead to the rows, and walking them
//! in pieces.

use arrayvec::ArrayVec;

use super::execution::defect;
use super::lookup::{Through, rows_of};
use super::planner::Range;
use crate::error::Result;
use crate::store::{Collection, Index};
use crate::tree::{BATCH, Tree};
use crate::value::{Row, skip_key, successor};

/// Where rows are found.
#[derive(Debug)]
pub(super) enum Access {
    /// Primary keys, sorted, each once. Not each needs to have a row.
    Points(Vec<Vec<u8>>),
    /// Ranges of places in a tree, ascending and apart, and the ranges of keys
    /// that they were found for.
    Spans { through: Through, spans: Vec<Span>, ranges: Vec<Range> },
}

/// A range of places in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
}

/// The direction of a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Direction {
    /// From the greatest key to the least.
    pub reverse: bool,
    /// Entries that agree in so many components are walked in the other direction.
    pub group: Option<usize>,
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    /// Spans that are behind.
    span: usize,
    /// Entries of the span, or points, that are behind.
    done: usize,
    /// The group at hand, and how many of its entries are behind.
    group: Option<(Span, usize)>,
}

impl Access {
    /// All rows.
    pub fn everything(collection: &Collection) -> Self {
        let all = Span { start: 0, end: collection.rows.len() };
        Self::Spans { through: Through::Primary, spans: vec![all], ranges: vec![Range::default()] }
    }

    /// No rows.
    pub fn nothing() -> Self {
        Self::Points(Vec::new())
    }

    /// How many entries there are.
    pub fn entries(&self) -> usize {
        match self {
            Self::Points(keys) => keys.len(),
            Self::Spans { spans, .. } => spans.iter().map(|span| span.end - span.start).sum(),
        }
    }

    /// How many rows there are.
    pub fn count(&self, collection: &Collection) -> usize {
        match self {
            Self::Points(keys) => keys.iter().filter(|key| collection.rows.contains_key(key)).count(),
            Self::Spans { .. } => self.entries(),
        }
    }

    /// Whether it leads to each row of the collection.
    pub fn is_everything(&self, collection: &Collection) -> bool {
        let rows = collection.rows.len();
        // Points can be without a row, and only as many as there are rows are worth a look.
        self.entries() == rows && self.count(collection) == rows
    }

    /// Whether entries can be left behind without a look at them.
    pub fn skips(&self) -> bool {
        matches!(self, Self::Spans { spans, .. } if spans.len() == 1)
    }

    /// The position behind so many entries of a walk, where they can be left behind.
    pub fn skip(&self, collection: &Collection, direction: Direction, entries: usize) -> Option<Position> {
        let Self::Spans { through, spans, .. } = self else { return None };
        let [span] = spans.as_slice() else { return None };
        match through {
            Through::Primary => Some(behind(&collection.rows, *span, direction, entries)),
            Through::Index(number) => {
                let index = collection.indexes.get(*number)?;
                Some(behind(&index.tree, *span, direction, entries))
            }
        }
    }

    /// Visits rows from a position on, until nothing is left, which is what comes back, or
    /// the visitor, which tells how many more it may want, wants none. The position moves on.
    pub fn walk(
        &self,
        collection: &Collection,
        direction: Direction,
        position: &mut Position,
        visit: &mut dyn FnMut(&Row) -> Result<usize>,
    ) -> Result<bool> {
        match self {
            Self::Points(keys) => {
                while position.done < keys.len() {
                    let at = if direction.reverse { keys.len() - 1 - position.done } else { position.done };
                    position.done += 1;
                    if let Some(row) = keys.get(at).and_then(|key| collection.rows.get(key))
                        && visit(row)? == 0
                    {
                        return Ok(position.done == keys.len());
                    }
                }
                Ok(true)
            }
            Self::Spans { through: Through::Primary, spans, .. } => {
                walk_spans(&collection.rows, spans, direction, position, &mut |rest, done| {
                    for (_, row) in rest {
                        *done += 1;
                        if visit(row)? == 0 {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })
            }
            Self::Spans { through: Through::Index(number), spans, .. } => {
                let index = collection.indexes.get(*number).ok_or_else(|| defect("an index is not there"))?;
                walk_spans(&index.tree, spans, direction, position, &mut |rest, done| {
                    visit_behind(collection, index, rest, done, visit)
                })
            }
        }
    }

    /// Appends the primary keys of all entries.
    pub fn primary_keys(&self, collection: &Collection, out: &mut Vec<Vec<u8>>) -> Result<()> {
        match self {
            Self::Points(keys) => out.extend(keys.iter().cloned()),
            Self::Spans { through, spans, .. } => {
                for span in spans {
                    match through {
                        Through::Primary => {
                            out.extend(entries(&collection.rows, *span).map(|(key, _)| key.to_vec()));
                        }
                        Through::Index(number) => {
                            let index = collection
                                .indexes
                                .get(*number)
                                .ok_or_else(|| defect("an index is not there"))?;
                            let entries = entries(&index.tree, *span);
                            out.extend(
                                entries
                                    .filter_map(|(entry, ())| index.primary_key(entry).map(<[u8]>::to_vec)),
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn entries<V: Clone>(tree: &Tree<V>, span: Span) -> crate::tree::Iter<'_, V> {
    let mut entries = tree.iter();
    entries.skip_front(span.start);
    entries.skip_back(tree.len().saturating_sub(span.end));
    entries
}

/// The entries of a span that are still to be walked.
struct Rest<'t, V> {
    entries: crate::tree::Iter<'t, V>,
    reverse: bool,
}

impl<'t, V: Clone> Iterator for Rest<'t, V> {
    type Item = (&'t [u8], &'t V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.reverse { self.entries.next_back() } else { self.entries.next() }
    }
}

/// Visits what is left of a span, counts what was visited, and tells whether it went to the end.
type Visit<'v, 't, V> = dyn FnMut(Rest<'t, V>, &mut usize) -> Result<bool> + 'v;

/// Visits the rows that entries of an index lead to. A look ahead reaches no farther than
/// what was visited already and what may still be wanted.
fn visit_behind(
    collection: &Collection,
    index: &Index,
    mut rest: Rest<'_, ()>,
    done: &mut usize,
    visit: &mut dyn FnMut(&Row) -> Result<usize>,
) -> Result<bool> {
    let mut ahead = 1;
    let mut rows = ArrayVec::new();
    loop {
        let entries: ArrayVec<_, BATCH> = rest.by_ref().take(ahead).map(|(entry, ())| entry).collect();
        let mut wanted = 0;
        rows_of(collection, index, &entries, &mut rows)?;
        if rows.is_empty() {
            return Ok(true);
        }
        for row in rows.drain(..) {
            *done += 1;
            wanted = visit(row)?;
            if wanted == 0 {
                return Ok(false);
            }
        }
        ahead = (2 * ahead).min(BATCH).min(wanted);
    }
}

/// Visits the entries of a span, the first `done` of its direction left out;
/// tells whether it went to the end.
fn walk_span<'t, V: Clone>(
    tree: &'t Tree<V>,
    span: Span,
    reverse: bool,
    done: &mut usize,
    visit: &mut Visit<'_, 't, V>,
) -> Result<bool> {
    let mut entries = entries(tree, span);
    if reverse {
        entries.skip_back(*done)
    } else {
        entries.skip_front(*done)
    }
    visit(Rest { entries, reverse }, done)
}

fn walk_spans<'t, V: Clone>(
    tree: &'t Tree<V>,
    spans: &[Span],
    direction: Direction,
    position: &mut Position,
    visit: &mut Visit<'_, 't, V>,
) -> Result<bool> {
    while position.span < spans.len() {
        let at = if direction.reverse { spans.len() - 1 - position.span } else { position.span };
        let Some(span) = spans.get(at) else { break };
        match direction.group {
            None => {
                if !walk_span(tree, *span, direction.reverse, &mut position.done, visit)? {
                    return Ok(false);
                }
            }
            Some(components) => {
                let length = span.end - span.start;
                while position.done < length || position.group.is_some() {
                    let (group, done) = match &mut position.group {
                        Some((group, done)) => (*group, done),
                        None => {
                            let group = next_group(tree, *span, direction.reverse, position.done, components);
                            position.done += group.end - group.start;
                            let (_, done) = position.group.insert((group, 0));
                            (group, done)
                        }
                    };
                    if !walk_span(tree, group, !direction.reverse, done, visit)? {
                        return Ok(false);
                    }
                    position.group = None;
                }
            }
        }
        position.span += 1;
        position.done = 0;
    }
    Ok(true)
}

/// The position of a walk through a span behind so many entries.
fn behind<V: Clone>(tree: &Tree<V>, span: Span, direction: Direction, entries: usize) -> Position {
    let length = span.end - span.start;
    let done = Position { done: entries.min(length), ..Position::default() };
    let Some(components) = direction.group.filter(|_| entries < length) else { return done };
    let at = if direction.reverse { span.end - 1 - entries } else { span.start + entries };
    let Some((key, _)) = tree.nth(at) else { return done };
    let prefix = key.get(..skip_key(key, components)).unwrap_or(key);
    let start = tree.rank(prefix).max(span.start);
    let end = successor(prefix).map_or(span.end, |end| tree.rank(&end).min(span.end));
    // Within its group the walk goes the other way.
    let before = if direction.reverse { span.end - end } else { start - span.start };
    Position { span: 0, done: before + (end - start), group: Some((Span { start, end }, entries - before)) }
}

/// The entries that agree with the next one in their first components.
fn next_group<V: Clone>(tree: &Tree<V>, span: Span, reverse: bool, done: usize, components: usize) -> Span {
    let rest = if reverse {
        Span { start: span.start, end: span.end - done }
    } else {
        Span { start: span.start + done, end: span.end }
    };
    let at = if reverse { rest.end - 1 } else { rest.start };
    let Some((key, _)) = tree.nth(at) else { return rest };
    let prefix = key.get(..skip_key(key, components)).unwrap_or(key);
    if reverse {
        Span { start: tree.rank(prefix).max(rest.start), end: rest.end }
    } else {
        let end = successor(prefix).map_or(rest.end, |end| tree.rank(&end));
        Span { start: rest.start, end: end.min(rest.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree<()> {
        let mut tree = Tree::new();
        // Two components: a group and a member.
        for (group, member) in [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (3, 3)] {
            tree.insert(&key(group, member), ());
        }
        tree
    }

    fn key(group: i64, member: i64) -> Vec<u8> {
        let mut key = Vec::new();
        crate::value::encode_key(&mut key, crate::value::ValueRef::Int(group));
        crate::value::encode_key(&mut key, crate::value::ValueRef::Int(member));
        key
    }

    fn walked(spans: &[Span], direction: Direction, pieces: usize, mut position: Position) -> Vec<Vec<u8>> {
        let tree = tree();
        let mut keys = Vec::new();
        loop {
            let mut left = pieces;
            let end = walk_spans(&tree, spans, direction, &mut position, &mut |rest, done| {
                for (key, ()) in rest {
                    *done += 1;
                    keys.push(key.to_vec());
                    left -= 1;
                    if left == 0 {
                        return Ok(false);
                    }
                }
                Ok(true)
            });
            if end.unwrap() {
                return keys;
            }
        }
    }

    fn keys(of: &[(i64, i64)]) -> Vec<Vec<u8>> {
        of.iter().map(|(group, member)| key(*group, *member)).collect()
    }

    #[test]
    fn walks_in_every_direction_and_in_pieces() {
        let all = [Span { start: 0, end: 6 }];
        let parts = [Span { start: 0, end: 2 }, Span { start: 3, end: 5 }];
        let cases = [
            (&all[..], Direction::default(), keys(&[(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (3, 3)])),
            (
                &all[..],
                Direction { reverse: true, group: None },
                keys(&[(3, 3), (3, 2), (3, 1), (2, 1), (1, 2), (1, 1)]),
            ),
            (
                &all[..],
                Direction { reverse: true, group: Some(1) },
                keys(&[(3, 1), (3, 2), (3, 3), (2, 1), (1, 1), (1, 2)]),
            ),
            (
                &all[..],
                Direction { reverse: false, group: Some(1) },
                keys(&[(1, 2), (1, 1), (2, 1), (3, 3), (3, 2), (3, 1)]),
            ),
            (
                &parts[..],
                Direction { reverse: true, group: Some(1) },
                keys(&[(3, 1), (3, 2), (1, 1), (1, 2)]),
            ),
        ];
        for (spans, direction, expected) in cases {
            for pieces in 1..8 {
                let walked = walked(spans, direction, pieces, Position::default());
                assert_eq!(walked, expected, "{direction:?} in pieces of {pieces}");
            }
            let [span] = spans else { continue };
            for skipped in 0..=expected.len() {
                let position = behind(&tree(), *span, direction, skipped);
                let walked = walked(spans, direction, 8, position);
                assert_eq!(walked, expected[skipped..], "{direction:?} behind {skipped}");
            }
        }
    }
}
