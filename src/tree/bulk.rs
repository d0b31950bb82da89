//! Building a tree from entries that are sorted already: full leaves, no searches.

use std::sync::Arc;

use super::Tree;
use super::keys::Keys;
use super::node::{Inner, Leaf, MAX, Node};
use super::run::Run;

impl<V: Clone> Tree<V> {
    /// A tree of entries whose keys ascend strictly; an entry whose key does not is
    /// inserted in the ordinary way, so that the result is right for any input.
    pub fn from_sorted<K: AsRef<[u8]>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut leaves: Vec<Leaf<V>> = Vec::new();
        let mut strays: Vec<(K, V)> = Vec::new();
        let mut last: Option<K> = None;
        for (key, value) in entries {
            if last.as_ref().is_some_and(|last| last.as_ref() >= key.as_ref()) {
                strays.push((key, value));
                continue;
            }
            match leaves.last_mut() {
                Some(leaf) if leaf.values.len() < MAX => {
                    leaf.keys.push(key.as_ref());
                    leaf.values.push(value);
                }
                _ => {
                    if let Some(full) = leaves.last_mut() {
                        full.keys.shrink();
                    }
                    let mut leaf = Leaf { keys: Keys::default(), values: Run::default() };
                    leaf.keys.push(key.as_ref());
                    leaf.values.push(value);
                    leaves.push(leaf);
                }
            }
            last = Some(key);
        }
        let mut tree = Self::from_leaves(leaves);
        for (key, value) in strays {
            tree.insert(key.as_ref(), value);
        }
        tree
    }

    fn from_leaves(leaves: Vec<Leaf<V>>) -> Self {
        let len = leaves.iter().map(|leaf| leaf.values.len()).sum();
        let mut level: Vec<(Vec<u8>, usize, Arc<Node<V>>)> = leaves
            .into_iter()
            .map(|leaf| (leaf.keys.get(0).to_vec(), leaf.values.len(), Arc::new(Node::Leaf(leaf))))
            .collect();
        while level.len() > 1 {
            let mut above = Vec::with_capacity(level.len().div_ceil(MAX));
            let mut rest = level.into_iter().peekable();
            while rest.peek().is_some() {
                let mut inner =
                    Inner { separators: Keys::default(), counts: Vec::new(), children: Run::default() };
                let mut least = Vec::new();
                for (key, count, child) in rest.by_ref().take(MAX) {
                    if inner.children.is_empty() {
                        least = key;
                    } else {
                        inner.separators.push(&key);
                    }
                    inner.counts.push(count);
                    inner.children.push(child);
                }
                above.push((least, inner.counts.iter().sum(), Arc::new(Node::Inner(inner))));
            }
            level = above;
        }
        match level.pop() {
            Some((_, _, root)) => Self { root, len },
            None => Self::new(),
        }
    }
}
