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
    /// Appends the values of some keys, at most [`BATCH`] of them, up to one that is not there.
    pub fn get_all<'t>(&'t self, keys: &[&[u8]], values: &mut ArrayVec<&'t V, BATCH>) {
        let mut nodes = ArrayVec::<&Node<V>, BATCH>::new();
        nodes.extend(keys.iter().map(|_| &*self.root).take(values.remaining_capacity()));
        // All leaves are equally deep.
        while matches!(nodes.first(), Some(Node::Inner(_))) {
            for (node, key) in nodes.iter_mut().zip(keys) {
                let Node::Inner(inner) = *node else { return };
                let Some(child) = inner.children.get(inner.child_for(key)) else { return };
                *node = child;
            }
            // Nothing depends on what is read here, so the processor need not wait for one before it asks for the next.
            for node in &nodes {
                black_box(node.keys().middle());
            }
        }
        values.extend(nodes.iter().zip(keys).map_while(|(node, key)| match node {
            Node::Leaf(leaf) => leaf.value(key),
            Node::Inner(_) => None,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tree: &Tree<u32>, numbers: &[u32]) -> Vec<u32> {
        let keys: Vec<[u8; 4]> = numbers.iter().map(|number| number.to_be_bytes()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(<[u8; 4]>::as_slice).collect();
        let mut values = ArrayVec::new();
        tree.get_all(&keys, &mut values);
        values.into_iter().copied().collect()
    }

    #[test]
    fn finds_what_single_descents_find() {
        for size in [0_u32, 1, 60, 5_000, 20_000] {
            let mut tree = Tree::new();
            // Every third number is not there.
            for number in (0..size).filter(|number| number % 3 != 2) {
                tree.insert(&number.to_be_bytes(), number);
            }
            for first in (0..size).step_by(97) {
                let numbers: Vec<u32> = (0..BATCH as u32 + 4).map(|at| (first + at * 1_009) % size).collect();
                let single = |number: &u32| tree.get(&number.to_be_bytes()).copied();
                let expected: Vec<u32> = numbers.iter().take(BATCH).map_while(single).collect();
                assert_eq!(found(&tree, &numbers), expected, "{numbers:?} of {size}");
                let there: Vec<u32> = numbers.into_iter().filter(|number| number % 3 != 2).collect();
                assert_eq!(found(&tree, &there), there[..there.len().min(BATCH)]);
            }
            assert!(found(&tree, &[size]).is_empty(), "above all of {size}");
            assert!(found(&tree, &[]).is_empty());
        }
    }
}
