//! Random operations on the tree, compared with the standard library's map.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::ops::Bound;

use collection_store::tree::Tree;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<u8>, u32),
    Remove(Vec<u8>),
    RemoveNth(usize),
    Ascend(u8),
    Clear(usize),
    Keep,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u16..600).prop_map(|n| n.to_be_bytes().to_vec()),
        2 => prop::collection::vec(0u8..4, 0..5),
        1 => prop::collection::vec(any::<u8>(), 0..600),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (key(), any::<u32>()).prop_map(|(k, v)| Op::Insert(k, v)),
        3 => key().prop_map(Op::Remove),
        4 => any::<prop::sample::Index>().prop_map(|i| Op::RemoveNth(i.index(1 << 20))),
        2 => any::<u8>().prop_map(Op::Ascend),
        1 => (1usize..400).prop_map(Op::Clear),
        1 => Just(Op::Keep),
    ]
}

fn agree(tree: &Tree<u32>, model: &BTreeMap<Vec<u8>, u32>) {
    tree.check().unwrap();
    assert_eq!(tree.len(), model.len());
    assert!(tree.iter().map(|(k, v)| (k.to_vec(), *v)).eq(model.clone()));
    assert!(tree.iter().rev().map(|(k, v)| (k.to_vec(), *v)).eq(model.clone().into_iter().rev()));
}

proptest! {
    #[test]
    fn behaves_like_an_ordered_map(ops in prop::collection::vec(op(), 1..if cfg!(miri) { 60 } else { 900 }), probes in prop::collection::vec((key(), key(), any::<u8>()), 20)) {
        let mut tree = Tree::new();
        let mut model = BTreeMap::new();
        let mut kept = Vec::new();
        let mut next = 10_000u32;
        for op in ops {
            match op {
                Op::Insert(k, v) => prop_assert_eq!(tree.insert(&k, v), model.insert(k, v)),
                Op::Remove(k) => prop_assert_eq!(tree.remove(&k), model.remove(&k)),
                Op::RemoveNth(n) => {
                    let Some(k) = model.keys().nth(n % model.len().max(1)).cloned() else { continue };
                    prop_assert_eq!(tree.remove(&k), model.remove(&k));
                }
                Op::Ascend(n) => for _ in 0..n {
                    next += 1;
                    tree.insert(&next.to_be_bytes(), next);
                    model.insert(next.to_be_bytes().to_vec(), next);
                },
                Op::Clear(n) => for _ in 0..n {
                    let Some((k, _)) = model.pop_first() else { break };
                    prop_assert!(tree.remove(&k).is_some());
                },
                Op::Keep => kept.push((tree.clone(), model.clone())),
            }
        }
        agree(&tree, &model);
        for (tree, model) in &kept {
            agree(tree, model);
        }
        let sorted: Vec<_> = model.iter().collect();
        for (a, b, n) in probes {
            prop_assert_eq!(tree.get(&a), model.get(&a));
            prop_assert_eq!(tree.first_from(&a), model.range::<Vec<u8>, _>(a.clone()..).next().map(|(k, v)| (k.as_slice(), v)));
            prop_assert_eq!(tree.rank(&a), model.range::<Vec<u8>, _>(..a.clone()).count());
            prop_assert_eq!(tree.nth(usize::from(n)).map(|(k, v)| (k.to_vec(), *v)), sorted.get(usize::from(n)).map(|(k, v)| ((*k).clone(), **v)));
            let (low, high) = if a <= b { (a, b) } else { (b, a) };
            for (l, h) in [
                (Bound::Included(&low), Bound::Excluded(&high)),
                (Bound::Included(&low), Bound::Included(&high)),
                (Bound::Excluded(&low), Bound::Unbounded),
                (Bound::Unbounded, Bound::Included(&high)),
            ] {
                if matches!((l, h), (Bound::Excluded(x), Bound::Excluded(y)) if x == y) { continue }
                let expected: Vec<_> = model.iter().filter(|(k, _)| {
                    (match l { Bound::Included(x) => *k >= x, Bound::Excluded(x) => *k > x, Bound::Unbounded => true })
                        && (match h { Bound::Included(x) => *k <= x, Bound::Excluded(x) => *k < x, Bound::Unbounded => true })
                }).map(|(k, v)| (k.clone(), *v)).collect();
                let (lo, hi) = (l.map(Vec::as_slice), h.map(Vec::as_slice));
                prop_assert_eq!(tree.count_range(lo, hi), expected.len());
                let got: Vec<_> = tree.range(lo, hi).map(|(k, v)| (k.to_vec(), *v)).collect();
                prop_assert_eq!(&got, &expected);
                let mut skipped = tree.range(lo, hi);
                skipped.skip_front(usize::from(n));
                prop_assert!(skipped.map(|(k, _)| k.to_vec()).eq(expected.iter().skip(usize::from(n)).map(|(k, _)| k.clone())));
                let mut both = tree.range(lo, hi);
                let mut ends = Vec::new();
                while let Some((k, _)) = both.next() {
                    ends.push(k.to_vec());
                    if let Some((k, _)) = both.next_back() { ends.push(k.to_vec()); }
                }
                ends.sort();
                prop_assert!(ends.iter().eq(expected.iter().map(|(k, _)| k)));
            }
        }
    }

    #[test]
    fn bulk_building_equals_inserting(entries in prop::collection::vec((key(), any::<u32>()), 0..500), sorted in any::<bool>()) {
        let model: BTreeMap<_, _> = entries.iter().cloned().collect();
        let tree = if sorted { Tree::from_sorted(model.clone()) } else { Tree::from_sorted(entries) };
        if sorted { agree(&tree, &model) } else { tree.check().unwrap(); prop_assert_eq!(tree.len(), model.len()) }
    }
}

#[test]
fn ascending_keys_leave_full_leaves() {
    let mut one_by_one = Tree::new();
    for n in 0u32..100_000 {
        one_by_one.insert(&n.to_be_bytes(), ());
    }
    one_by_one.check().unwrap();
    assert_eq!(
        one_by_one.height(),
        Tree::from_sorted((0u32..100_000).map(|n| (n.to_be_bytes(), ()))).height()
    );
}
