//! Byte-string keys of one node, packed into a single heap.
//!
//! A million index entries cost no allocation each, and a binary search
//! touches memory that lies together.

use arrayvec::ArrayVec;

use super::node::MAX;

/// How many entries more a node has room for when it is copied or has to grow.
/// Doubling, as vectors do, leaves most nodes with half of their memory unused.
const ROOM: usize = 8;

/// A copy with room for a few more.
pub(super) fn roomy<T: Clone>(from: &[T]) -> Vec<T> {
    let mut copy = Vec::with_capacity(from.len() + ROOM);
    copy.extend_from_slice(from);
    copy
}

/// Sees to it that one more has room, and not that many more.
pub(super) fn make_room<T>(vec: &mut Vec<T>) {
    if vec.len() == vec.capacity() {
        vec.reserve_exact(ROOM);
    }
}

/// Sorted byte strings in one allocation, addressed by position.
#[derive(Clone, Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    /// Where each key ends in `bytes`; it begins where the one before ends. A node
    /// has one more than it may keep for as long as it takes to split it.
    ends: ArrayVec<u32, { MAX + 1 }>,
}

impl Keys {
    /// A copy with room for a few keys more.
    pub(super) fn roomy(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len() + self.spare_bytes());
        bytes.extend_from_slice(&self.bytes);
        Self { bytes, ends: self.ends.iter().copied().collect() }
    }

    /// The bytes of a few keys like those that are here.
    fn spare_bytes(&self) -> usize {
        ROOM * self.bytes.len().div_ceil(self.len().max(1))
    }

    fn make_room(&mut self, key: usize) {
        if self.bytes.len() + key > self.bytes.capacity() {
            self.bytes.reserve_exact(key.max(self.spare_bytes()));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all keys together.
    pub(super) fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    fn start(&self, at: usize) -> usize {
        match at.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).map_or(self.bytes.len(), |&end| end as usize),
        }
    }

    /// The key at a position; the empty key beyond the end.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let end = self.ends.get(at).map_or(self.bytes.len(), |&end| end as usize);
        self.bytes.get(self.start(at)..end).unwrap_or_default()
    }

    /// How many keys are smaller than `key`, and whether it is among them.
    pub(super) fn search(&self, key: &[u8]) -> (usize, bool) {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match self.get(middle).cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return (middle, true),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        (low, false)
    }

    pub(super) fn push(&mut self, key: &[u8]) {
        self.make_room(key.len());
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(super) fn insert(&mut self, at: usize, key: &[u8]) {
        if at >= self.len() {
            return self.push(key);
        }
        self.make_room(key.len());
        let start = self.start(at);
        let old_len = self.bytes.len();
        self.bytes.resize(old_len + key.len(), 0);
        self.bytes.copy_within(start..old_len, start + key.len());
        if let Some(gap) = self.bytes.get_mut(start..start + key.len()) {
            gap.copy_from_slice(key);
        }
        self.ends.insert(at, start as u32);
        for end in self.ends.iter_mut().skip(at) {
            *end += key.len() as u32;
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at >= self.len() {
            return;
        }
        let start = self.start(at);
        let end = self.ends.remove(at) as usize;
        self.bytes.drain(start..end);
        let gone = (end - start) as u32;
        for end in self.ends.iter_mut().skip(at) {
            *end -= gone;
        }
    }

    /// Takes away the keys from a position on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let start = self.start(at);
        let bytes = self.bytes.split_off(start);
        let ends = self.ends.iter().skip(at).map(|end| end - start as u32).collect();
        self.ends.truncate(at);
        Self { bytes, ends }
    }

    /// Appends keys that are all greater than those here.
    pub(super) fn append(&mut self, other: &Self) {
        let base = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + base));
    }

    /// Gives back memory that a node which stays full will not need.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }
}
