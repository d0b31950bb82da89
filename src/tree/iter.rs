//! Iteration by position: no stack of parents is kept. At the end of a leaf the
//! next one is found from the root again, which is amortised over its entries.

use super::Tree;
use super::node::Leaf;

/// The entries of a range of a [`Tree`], in key order from either end.
pub struct Iter<'a, V> {
    tree: &'a Tree<V>,
    start: usize,
    end: usize,
    front: Option<(&'a Leaf<V>, usize)>,
    back: Option<(&'a Leaf<V>, usize)>,
}

impl<'a, V: Clone> Iter<'a, V> {
    pub(super) fn new(tree: &'a Tree<V>, start: usize, end: usize) -> Self {
        Self { tree, start, end, front: None, back: None }
    }

    /// Leaves out the next `count` entries from the front. O(log n).
    pub fn skip_front(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        self.front = None;
    }

    /// Leaves out the next `count` entries from the back. O(log n).
    pub fn skip_back(&mut self, count: usize) {
        self.end = self.end.saturating_sub(count).max(self.start);
        self.back = None;
    }
}

impl<'a, V: Clone> Iterator for Iter<'a, V> {
    type Item = (&'a [u8], &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        if self.start >= self.end {
            return None;
        }
        let (leaf, at) = match self.front {
            Some((leaf, at)) if at < leaf.values.len() => (leaf, at),
            _ => self.tree.locate(self.start)?,
        };
        self.start += 1;
        self.front = Some((leaf, at + 1));
        Some((leaf.keys.get(at), leaf.values.get(at)?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.start;
        (left, Some(left))
    }
}

impl<V: Clone> DoubleEndedIterator for Iter<'_, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.start >= self.end {
            return None;
        }
        self.end -= 1;
        let (leaf, at) = match self.back {
            Some((leaf, after)) if after > 0 => (leaf, after - 1),
            _ => self.tree.locate(self.end)?,
        };
        self.back = Some((leaf, at));
        Some((leaf.keys.get(at), leaf.values.get(at)?))
    }
}

impl<V: Clone> ExactSizeIterator for Iter<'_, V> {}
