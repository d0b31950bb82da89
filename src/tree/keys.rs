//! Byte-string keys of one node, packed into a single heap.
//!
//! A million index entries cost no allocation each, and a binary search
//! touches memory that lies together.

use std::cmp::Ordering;

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
    /// How many bytes all keys begin with alike, or fewer: a search looks behind them.
    shared: usize,
    /// The length of all keys if it is known to be the same, or 0: where they end need not be looked up then.
    even: usize,
}

/// The first eight bytes from a place on as a number that orders as they do, with
/// zeros for what is behind `end`.
#[inline]
fn word(bytes: &[u8], at: usize, end: usize) -> u64 {
    let length = end.saturating_sub(at).min(8);
    if length == 0 {
        return 0;
    }
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_be_bytes(*chunk) & (u64::MAX << (64 - 8 * length)),
        None => {
            let mut chunk = [0; 8];
            for (to, from) in chunk.iter_mut().zip(bytes.get(at..end).unwrap_or_default()) {
                *to = *from;
            }
            u64::from_be_bytes(chunk)
        }
    }
}

/// How many bytes two keys begin with alike.
fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

impl Keys {
    /// A copy with room for a few keys more.
    pub(super) fn roomy(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len() + self.spare_bytes());
        bytes.extend_from_slice(&self.bytes);
        Self { bytes, ends: self.ends.iter().copied().collect(), ..*self }
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

    /// A byte of those that a search looks at first.
    pub(super) fn middle(&self) -> Option<&u8> {
        self.bytes.get(self.bytes.len() / 2)
    }

    fn start(&self, at: usize) -> usize {
        match at.checked_sub(1) {
            _ if self.even > 0 => at * self.even,
            None => 0,
            Some(before) => self.ends.get(before).map_or(self.bytes.len(), |&end| end as usize),
        }
    }

    fn end(&self, at: usize) -> usize {
        if self.even > 0 {
            return (at + 1) * self.even;
        }
        self.ends.get(at).map_or(self.bytes.len(), |&end| end as usize)
    }

    /// The key at a position; the empty key beyond the end.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        self.bytes.get(self.start(at)..self.end(at)).unwrap_or_default()
    }

    /// How many keys are smaller than `key`, and whether it is among them.
    ///
    /// Keys of a node have most of their first bytes in common. Those are compared
    /// once, and of each key on the way the eight bytes behind them as one number,
    /// which leaves hardly anything to compare byte by byte.
    pub(super) fn search(&self, key: &[u8]) -> (usize, bool) {
        let (mut low, mut high) = (0, self.len());
        let shared = self.shared;
        match self.bytes.get(..shared).unwrap_or_default().cmp(key.get(..shared).unwrap_or(key)) {
            Ordering::Less => return (high, false),
            Ordering::Greater => return (0, false),
            Ordering::Equal => {}
        }
        let wanted = word(key, shared, key.len());
        while low < high {
            let middle = (low + high) / 2;
            let (start, end) = (self.start(middle), self.end(middle));
            let order = word(&self.bytes, start + shared, end)
                .cmp(&wanted)
                .then_with(|| self.bytes.get(start..end).unwrap_or_default().cmp(key));
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return (middle, true),
                Ordering::Greater => high = middle,
            }
        }
        (low, false)
    }

    /// Takes note of the length of a key that comes to those here.
    fn measure(&mut self, key: &[u8]) {
        if self.len() == 0 {
            self.even = key.len();
        } else if self.even != key.len() {
            self.even = 0;
        }
    }

    /// Takes note of a key that comes before or behind those here.
    fn share(&mut self, key: &[u8]) {
        self.shared = match self.len() {
            0 => key.len(),
            _ => self.shared.min(alike(self.bytes.get(..self.shared).unwrap_or_default(), key)),
        };
    }

    pub(super) fn push(&mut self, key: &[u8]) {
        self.share(key);
        self.measure(key);
        self.make_room(key.len());
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(super) fn insert(&mut self, at: usize, key: &[u8]) {
        if at >= self.len() {
            return self.push(key);
        }
        // One between the others has in common with them what they have.
        if at == 0 {
            self.share(key);
        }
        self.make_room(key.len());
        let start = self.start(at);
        self.measure(key);
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
        let mut right = Self { bytes, ends, shared: 0, even: self.even };
        right.shared = right.found_alike();
        self.shared = self.found_alike();
        right
    }

    /// How many bytes the first and the last key, and so all, begin with alike.
    fn found_alike(&self) -> usize {
        alike(self.get(0), self.get(self.len().saturating_sub(1)))
    }

    /// Appends keys that are all greater than those here.
    pub(super) fn append(&mut self, other: &Self) {
        if other.even != self.even {
            self.even = 0;
        }
        let base = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + base));
        self.shared = self.found_alike();
    }

    /// Gives back memory that a node which stays full will not need.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keys that have much in common, end early or are nothing but zeros.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![4 => Just(0u8), 2 => Just(1), 1 => any::<u8>()];
        (0..3usize, prop::collection::vec(byte, 0..14))
            .prop_map(|(common, rest)| [[7, 7, 0, 7, 7, 7, 7, 7, 7].repeat(common), rest].concat())
    }

    proptest! {
        #[test]
        fn finds_what_a_sorted_vector_finds(
            steps in prop::collection::vec((key(), any::<bool>()), 0..120),
            wanted in prop::collection::vec(key(), 20),
        ) {
            let (mut keys, mut model) = (Keys::default(), Vec::<Vec<u8>>::new());
            let mut apart = (Keys::default(), Vec::new());
            for (key, out) in steps {
                match model.binary_search(&key) {
                    Ok(at) if out => { keys.remove(at); model.remove(at); }
                    Err(at) if model.len() < MAX => { keys.insert(at, &key); model.insert(at, key); }
                    Err(at) => apart = (keys.split_off(at), model.split_off(at)),
                    Ok(_) => {}
                }
                for key in model.iter().chain(&wanted) {
                    let found = model.binary_search(key);
                    prop_assert_eq!(keys.search(key), (found.unwrap_or_else(|at| at), found.is_ok()));
                }
            }
            if model.len() + apart.1.len() <= MAX && model.last() < apart.1.first() {
                keys.append(&apart.0);
                model.extend(apart.1);
            }
            for (at, key) in model.iter().enumerate() {
                prop_assert_eq!(keys.search(key), (at, true));
            }
        }
    }
}
