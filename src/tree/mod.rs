//! A counted copy-on-write B+tree over byte-string keys.
//!
//! Cloning a tree copies one pointer; a write copies only the nodes on its path
//! that another clone still shares. Inner nodes carry the number of entries below
//! each child, so that ranks, counts of ranges and jumps are O(log n) and exact.
//! The tree knows nothing of values, rows or collections.

mod batch;
mod bulk;
mod check;
mod iter;
mod keys;
mod node;
mod run;

use std::ops::Bound;
use std::sync::Arc;

pub use batch::BATCH;
pub use iter::Iter;
use keys::Keys;
use node::{Inner, Leaf, Node, Split};
use run::Run;

/// A map from byte strings to values, in key order. `Clone` is O(1).
#[derive(Clone)]
pub struct Tree<V> {
    root: Arc<Node<V>>,
    len: usize,
}

impl<V: Clone> Default for Tree<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Clone> Tree<V> {
    /// A tree without entries.
    pub fn new() -> Self {
        Self { root: Arc::new(Node::empty()), len: 0 }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether both are the same version of the same tree.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.root, &other.root)
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.value(key),
                Node::Inner(inner) => node = inner.children.get(inner.child_for(key))?,
            }
        }
    }

    /// Whether a key is there.
    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Puts a value under a key; gives the value that was there before.
    pub fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
        let (old, split) = Node::insert(&mut self.root, key, value, true);
        if let Some(Split { separator, right }) = split {
            let left = std::mem::replace(&mut self.root, Arc::new(Node::empty()));
            let mut separators = Keys::default();
            separators.push(&separator);
            let counts = vec![left.count(), right.count()];
            let mut children = Run::default();
            children.push(left);
            children.push(right);
            self.root = Arc::new(Node::Inner(Inner { separators, counts, children }));
        }
        if old.is_none() {
            self.len += 1;
        }
        old
    }

    /// Takes a key away; gives its value. One that is absent is looked for like
    /// one that is there: the path to where it would be may be copied.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        let old = Node::remove(&mut self.root, key)?;
        self.len -= 1;
        while let Node::Inner(inner) = &*self.root {
            match (inner.children.first(), inner.children.len()) {
                (None, _) => self.root = Arc::new(Node::empty()),
                (Some(only), 1) => self.root = Arc::clone(only),
                _ => break,
            }
        }
        Some(old)
    }

    /// The entry with the smallest key.
    pub fn first(&self) -> Option<(&[u8], &V)> {
        self.nth(0)
    }

    /// The entry with the greatest key.
    pub fn last(&self) -> Option<(&[u8], &V)> {
        self.nth(self.len.checked_sub(1)?)
    }

    /// The entry that has exactly `position` entries before it. O(log n).
    pub fn nth(&self, position: usize) -> Option<(&[u8], &V)> {
        let (leaf, at) = self.locate(position)?;
        Some((leaf.keys.get(at), leaf.values.get(at)?))
    }

    /// The entry with the smallest key that is not below `key`. O(log n).
    pub fn first_from(&self, key: &[u8]) -> Option<(&[u8], &V)> {
        let mut node = &*self.root;
        // What follows the leaf at hand, in case all of that is below the key.
        let mut behind = None;
        let leaf = loop {
            match node {
                Node::Leaf(leaf) => break leaf,
                Node::Inner(inner) => {
                    let at = inner.child_for(key);
                    behind = inner.children.get(at + 1).or(behind);
                    node = inner.children.get(at)?;
                }
            }
        };
        let (at, _) = leaf.keys.search(key);
        if let Some(value) = leaf.values.get(at) {
            return Some((leaf.keys.get(at), value));
        }
        let mut node = &**behind?;
        loop {
            match node {
                Node::Leaf(leaf) => return Some((leaf.keys.get(0), leaf.values.first()?)),
                Node::Inner(inner) => node = inner.children.first()?,
            }
        }
    }

    /// How many keys are below `key`, whether or not it is there. O(log n).
    pub fn rank(&self, key: &[u8]) -> usize {
        self.rank_and_found(key).0
    }

    fn rank_and_found(&self, key: &[u8]) -> (usize, bool) {
        let mut node = &*self.root;
        let mut before = 0;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let (at, found) = leaf.keys.search(key);
                    return (before + at, found);
                }
                Node::Inner(inner) => {
                    let at = inner.child_for(key);
                    before += inner.counts.iter().take(at).sum::<usize>();
                    match inner.children.get(at) {
                        Some(child) => node = child,
                        None => return (before, false),
                    }
                }
            }
        }
    }

    /// The positions a range of keys covers.
    fn positions(&self, low: Bound<&[u8]>, high: Bound<&[u8]>) -> (usize, usize) {
        let start = match low {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.rank(key),
            Bound::Excluded(key) => {
                let (rank, found) = self.rank_and_found(key);
                rank + usize::from(found)
            }
        };
        let end = match high {
            Bound::Unbounded => self.len,
            Bound::Excluded(key) => self.rank(key),
            Bound::Included(key) => {
                let (rank, found) = self.rank_and_found(key);
                rank + usize::from(found)
            }
        };
        (start, end.max(start))
    }

    /// How many entries a range holds. O(log n).
    pub fn count_range(&self, low: Bound<&[u8]>, high: Bound<&[u8]>) -> usize {
        let (start, end) = self.positions(low, high);
        end - start
    }

    /// The entries of a range, in key order from either end.
    pub fn range(&self, low: Bound<&[u8]>, high: Bound<&[u8]>) -> Iter<'_, V> {
        let (start, end) = self.positions(low, high);
        Iter::new(self, start, end)
    }

    /// All entries, in key order from either end.
    pub fn iter(&self) -> Iter<'_, V> {
        Iter::new(self, 0, self.len)
    }

    /// Levels of inner nodes above the leaves.
    pub fn height(&self) -> usize {
        let mut node = &*self.root;
        let mut height = 0;
        while let Node::Inner(inner) = node {
            let Some(child) = inner.children.first() else { break };
            node = child;
            height += 1;
        }
        height
    }

    /// The leaf and the place in it of the entry at a position.
    fn locate(&self, position: usize) -> Option<(&Leaf<V>, usize)> {
        if position >= self.len {
            return None;
        }
        let mut node = &*self.root;
        let mut rest = position;
        loop {
            match node {
                Node::Leaf(leaf) => return Some((leaf, rest)),
                Node::Inner(inner) => {
                    let mut at = 0;
                    for &count in &inner.counts {
                        if rest < count {
                            break;
                        }
                        rest -= count;
                        at += 1;
                    }
                    node = inner.children.get(at)?;
                }
            }
        }
    }
}

impl<'a, V: Clone> IntoIterator for &'a Tree<V> {
    type Item = (&'a [u8], &'a V);
    type IntoIter = Iter<'a, V>;

    fn into_iter(self) -> Iter<'a, V> {
        self.iter()
    }
}
