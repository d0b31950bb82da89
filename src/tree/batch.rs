//! Finding several keys side by side.
//!
//! A descent waits at each node for memory that is not in the cache, and the next one begins only when it is done.
//! Keys that go down level by level together wait for all their nodes of a level at once.

use std::hint::black_box;

use arrayvec::ArrayVec;

use super::Tree;
use super::node::Node;

/// So many keys are looked for at a time.
pub const BATCH: usize = 16;

impl<V: Clone> Tree<V> {
    /// The values of the first [`BATCH`] of some keys; `None` if one of these is not there.
    pub fn get_all<'t>(&'t self, keys: &[&[u8]]) -> Option<ArrayVec<&'t V, BATCH>> {
        let keys = keys.iter().take(BATCH);
        let mut nodes: ArrayVec<&Node<V>, BATCH> = keys.clone().map(|_| &*self.root).collect();
        // All leaves are equally deep.
        while matches!(nodes.first(), Some(Node::Inner(_))) {
            for (node, key) in nodes.iter_mut().zip(keys.clone()) {
                if let Node::Inner(inner) = *node {
                    *node = inner.children.get(inner.child_for(key))?;
                }
            }
            // Nothing depends on what is read here, so the processor need not wait for one before it asks for the next.
            for node in &nodes {
                black_box(node.keys().middle());
            }
        }
        let value = |(node, key): (&&'t Node<V>, &&[u8])| match node {
            Node::Leaf(leaf) => leaf.value(key),
            Node::Inner(_) => None,
        };
        nodes.iter().zip(keys).map(value).collect()
    }
}
