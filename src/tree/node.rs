//! Leaves and inner nodes: search, insertion with splits, removal with merges.

use std::sync::Arc;

use super::keys::{Keys, make_room, roomy};
use super::run::Run;

/// Most entries of a leaf, and most children of an inner node. Measured: smaller
/// nodes are dearer to search, larger ones dearer to copy after a snapshot.
pub(super) const MAX: usize = 64;
/// A node with fewer is merged with a neighbour where the two fit into one.
const MIN: usize = MAX / 4;
/// Nodes with long keys split earlier, so that an insertion never moves much memory.
const MAX_BYTES: usize = 16 * 1024;

#[derive(Clone)]
pub(super) enum Node<V> {
    Leaf(Leaf<V>),
    Inner(Inner<V>),
}

/// Entries in key order; `keys` and `values` run in parallel.
#[derive(Clone)]
pub(super) struct Leaf<V> {
    pub(super) keys: Keys,
    pub(super) values: Run<V>,
}

/// Children in key order. `separators[i]` is above every key of child `i` and
/// not above any of child `i + 1`; `counts[i]` is the number of entries below child `i`.
#[derive(Clone)]
pub(super) struct Inner<V> {
    pub(super) separators: Keys,
    pub(super) counts: Vec<usize>,
    pub(super) children: Run<Arc<Node<V>>>,
}

/// The right half of a node that became too large.
pub(super) struct Split<V> {
    pub(super) separator: Vec<u8>,
    pub(super) right: Arc<Node<V>>,
}

impl<V: Clone> Node<V> {
    pub(super) fn empty() -> Self {
        Self::Leaf(Leaf { keys: Keys::default(), values: Run::default() })
    }

    /// The node for writing: where others share it, a copy with some room.
    fn own(this: &mut Arc<Self>) -> &mut Self {
        if Arc::strong_count(this) > 1 {
            *this = Arc::new(this.roomy());
        }
        Arc::make_mut(this)
    }

    fn roomy(&self) -> Self {
        match self {
            Self::Leaf(Leaf { keys, values }) => {
                Self::Leaf(Leaf { keys: keys.roomy(), values: values.clone() })
            }
            Self::Inner(Inner { separators, counts, children }) => Self::Inner(Inner {
                separators: separators.roomy(),
                counts: roomy(counts),
                children: children.clone(),
            }),
        }
    }

    /// Entries in the leaves below.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.values.len(),
            Self::Inner(inner) => inner.counts.iter().sum(),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.values.len(),
            Self::Inner(inner) => inner.children.len(),
        }
    }

    /// The keys of a leaf, the separators of an inner node.
    pub(super) fn keys(&self) -> &Keys {
        match self {
            Self::Leaf(leaf) => &leaf.keys,
            Self::Inner(inner) => &inner.separators,
        }
    }

    fn key_bytes(&self) -> usize {
        self.keys().byte_len()
    }

    fn is_too_large(&self) -> bool {
        self.width() > MAX || (self.width() >= 8 && self.key_bytes() > MAX_BYTES)
    }

    /// Puts a value, gives the one that was there. `rightmost` says that no key
    /// of the tree is above this node: there, a full node is left full and the
    /// new entry starts the next one, as ascending keys will go on that way.
    pub(super) fn insert(
        this: &mut Arc<Self>,
        key: &[u8],
        value: V,
        rightmost: bool,
    ) -> (Option<V>, Option<Split<V>>) {
        let node = Self::own(this);
        match node {
            Self::Leaf(leaf) => {
                let (at, found) = leaf.keys.search(key);
                if found && let Some(slot) = leaf.values.get_mut(at) {
                    return (Some(std::mem::replace(slot, value)), None);
                }
                leaf.keys.insert(at, key);
                leaf.values.insert(at, value);
            }
            Self::Inner(inner) => {
                let at = inner.child_for(key);
                let last = at + 1 == inner.children.len();
                let Some(child) = inner.children.get_mut(at) else { return (None, None) };
                let (old, split) = Self::insert(child, key, value, rightmost && last);
                if old.is_some() {
                    return (old, None);
                }
                let added = match split {
                    None => 1,
                    Some(Split { separator, right }) => {
                        let moved = right.count();
                        inner.separators.insert(at, &separator);
                        make_room(&mut inner.counts);
                        inner.children.insert(at + 1, right);
                        inner.counts.insert(at + 1, moved);
                        0
                    }
                };
                if let (Some(count), Some(child)) = (inner.counts.get_mut(at), inner.children.get(at)) {
                    *count = if added == 1 { *count + 1 } else { child.count() };
                }
            }
        }
        let split = node.is_too_large().then(|| node.split(key, rightmost));
        (None, split)
    }

    fn split(&mut self, key: &[u8], rightmost: bool) -> Split<V> {
        let width = self.width();
        match self {
            Self::Leaf(leaf) => {
                let ascending = rightmost && leaf.keys.get(width - 1) == key;
                let at = if ascending { width - 1 } else { width / 2 };
                let right = Leaf { keys: leaf.keys.split_off(at), values: leaf.values.split_off(at) };
                leaf.keys.shrink();
                Split { separator: right.keys.get(0).to_vec(), right: Arc::new(Self::Leaf(right)) }
            }
            Self::Inner(inner) => {
                let at = if rightmost { width - 1 } else { width / 2 };
                let mut separators = inner.separators.split_off(at - 1);
                let separator = separators.get(0).to_vec();
                separators.remove(0);
                let right = Inner {
                    separators,
                    counts: inner.counts.split_off(at),
                    children: inner.children.split_off(at),
                };
                Split { separator, right: Arc::new(Self::Inner(right)) }
            }
        }
    }

    /// Takes an entry away. An inner node may be left with no child: the caller drops it then.
    pub(super) fn remove(this: &mut Arc<Self>, key: &[u8]) -> Option<V> {
        match Self::own(this) {
            Self::Leaf(leaf) => {
                let (at, found) = leaf.keys.search(key);
                if !found {
                    return None;
                }
                leaf.keys.remove(at);
                leaf.values.remove(at)
            }
            Self::Inner(inner) => {
                let at = inner.child_for(key);
                let child = inner.children.get_mut(at)?;
                let old = Self::remove(child, key)?;
                let width = child.width();
                if let Some(count) = inner.counts.get_mut(at) {
                    *count -= 1;
                }
                if width == 0 {
                    inner.drop_child(at);
                } else if width < MIN {
                    inner.merge_around(at);
                }
                Some(old)
            }
        }
    }

    /// Appends a right neighbour, which `separator` divides from this node.
    fn absorb(&mut self, separator: &[u8], right: &Self) {
        match (self, right) {
            (Self::Leaf(left), Self::Leaf(right)) => {
                left.keys.append(&right.keys);
                left.values.append(&right.values, 0);
            }
            (Self::Inner(left), Self::Inner(right)) => {
                left.separators.push(separator);
                left.separators.append(&right.separators);
                left.counts.extend_from_slice(&right.counts);
                left.children.append(&right.children, 0);
            }
            // Neighbours are of one height.
            _ => debug_assert!(false, "a leaf beside an inner node"),
        }
    }
}

impl<V> Leaf<V> {
    /// The value of a key.
    #[inline]
    pub(super) fn value(&self, key: &[u8]) -> Option<&V> {
        let (at, found) = self.keys.search(key);
        if found { self.values.get(at) } else { None }
    }
}

impl<V: Clone> Inner<V> {
    /// The child whose range holds a key.
    pub(super) fn child_for(&self, key: &[u8]) -> usize {
        let (below, found) = self.separators.search(key);
        below + usize::from(found)
    }

    fn drop_child(&mut self, at: usize) {
        self.children.remove(at);
        self.counts.remove(at);
        self.separators.remove(at.saturating_sub(1));
    }

    /// Merges a small child with a neighbour, if they fit into one node.
    fn merge_around(&mut self, at: usize) {
        let left = if at + 1 < self.children.len() {
            at
        } else if at > 0 {
            at - 1
        } else {
            return;
        };
        let (Some(first), Some(second)) = (self.children.get(left), self.children.get(left + 1)) else {
            return;
        };
        // Some room stays, so that the next insertion does not split what was just merged.
        if first.width() + second.width() > MAX * 3 / 4
            || first.key_bytes() + second.key_bytes() > MAX_BYTES * 3 / 4
        {
            return;
        }
        let separator = self.separators.get(left).to_vec();
        self.separators.remove(left);
        let Some(second) = self.children.remove(left + 1) else { return };
        let moved = self.counts.remove(left + 1);
        if let (Some(child), Some(count)) = (self.children.get_mut(left), self.counts.get_mut(left)) {
            Arc::make_mut(child).absorb(&separator, &second);
            *count += moved;
        }
    }
}
