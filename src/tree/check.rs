//! The invariants of a tree, for tests and for checking a store.

use super::Tree;
use super::node::Node;

impl<V: Clone> Tree<V> {
    /// Checks order, separators, counts and heights; says what is broken.
    pub fn check(&self) -> Result<(), String> {
        let mut last: Option<Vec<u8>> = None;
        let (count, _) = check_node(&self.root, None, None, &mut last)?;
        if count != self.len {
            return Err(format!("tree says {} entries, nodes hold {count}", self.len));
        }
        Ok(())
    }

    /// The same tree with a wrong number of entries, for tests of what finds that.
    #[cfg(test)]
    pub(crate) fn miscounted(&self) -> Self {
        Self { len: self.len + 1, ..self.clone() }
    }
}

/// Checks a node whose keys must lie in `low..high`; gives its entries and its height.
fn check_node<V: Clone>(
    node: &Node<V>,
    low: Option<&[u8]>,
    high: Option<&[u8]>,
    last: &mut Option<Vec<u8>>,
) -> Result<(usize, usize), String> {
    match node {
        Node::Leaf(leaf) => {
            if leaf.keys.len() != leaf.values.len() {
                return Err(format!("leaf of {} keys and {} values", leaf.keys.len(), leaf.values.len()));
            }
            for at in 0..leaf.keys.len() {
                let key = leaf.keys.get(at);
                if low.is_some_and(|low| key < low) || high.is_some_and(|high| key >= high) {
                    return Err(format!("key {key:?} outside of its separators"));
                }
                if last.as_deref().is_some_and(|last| last >= key) {
                    return Err(format!("key {key:?} out of order"));
                }
                *last = Some(key.to_vec());
            }
            Ok((leaf.values.len(), 0))
        }
        Node::Inner(inner) => {
            if inner.children.is_empty()
                || inner.separators.len() + 1 != inner.children.len()
                || inner.counts.len() != inner.children.len()
            {
                return Err(format!(
                    "inner node of {} children, {} separators, {} counts",
                    inner.children.len(),
                    inner.separators.len(),
                    inner.counts.len()
                ));
            }
            let mut total = 0;
            let mut height = None;
            for (at, (child, &said)) in inner.children.iter().zip(&inner.counts).enumerate() {
                let from = if at == 0 { low } else { Some(inner.separators.get(at - 1)) };
                let to = if at == inner.separators.len() { high } else { Some(inner.separators.get(at)) };
                let (count, below) = check_node(child, from, to, last)?;
                if count != said {
                    return Err(format!("child of {count} entries counted as {said}"));
                }
                if *height.get_or_insert(below) != below {
                    return Err("children of different heights".into());
                }
                total += count;
            }
            Ok((total, height.unwrap_or(0) + 1))
        }
    }
}
