//! Attempts at the same work: what those that were in conflict leave to the next.
//!
//! An attempt that comes again is as old as the first was, and begins with locks
//! on the rows over which those before it failed, taken before it looks at
//! anything: nobody can be faster there any more. Where a conflict was over what
//! came into a range that was searched, it is the collection that is locked
//! against all who write to it, and likewise where it was over many rows of one
//! collection, of which each attempt may meet others. Each conflict adds a lock,
//! and of those who wait for each other the oldest goes on, so everybody gets
//! through in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::locks::{Locks, RowId, TransactionId};
use crate::catalog::CollectionId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Work that is attempted until it is in no conflict.
pub struct Attempts {
    /// The number of each of its transactions, of which there is one at a time.
    pub(super) id: TransactionId,
    wanted: Mutex<Wanted>,
}

/// So many rows of a collection are locked one by one, and the whole collection in the place of more.
const FEW: usize = 4;

/// What the next attempt begins with.
#[derive(Default)]
struct Wanted {
    /// By what stands for the collection.
    parts: BTreeMap<RowId, Part>,
    /// Tells those who write that there are locks of collections.
    _guarding: Option<Guarding>,
}

/// What is wanted of a collection.
enum Part {
    Rows(BTreeSet<RowId>),
    Whole,
}

impl Attempts {
    /// Work that has not been attempted.
    pub fn new() -> Self {
        Self { id: TransactionId::next(), wanted: Mutex::default() }
    }

    /// Notes a row that was in the way.
    pub(super) fn note_row(&self, locks: &Locks, collection: CollectionId, row: RowId) {
        let mut wanted = self.wanted.lock();
        let part = wanted.parts.entry(locks.collection(collection));
        if let Part::Rows(rows) = part.or_insert_with(|| Part::Rows(BTreeSet::new())) {
            rows.insert(row);
            if rows.len() > FEW {
                wanted.lock_whole(locks, collection);
            }
        }
    }

    /// Notes a collection into which something came that was in the way.
    pub(super) fn note_collection(&self, locks: &Locks, collection: CollectionId) {
        self.wanted.lock().lock_whole(locks, collection);
    }

    /// The locks to begin with, the last first. All who come again take them in the same order.
    pub(super) fn wanted(&self) -> Vec<RowId> {
        let mut locks = Vec::new();
        for (collection, part) in &self.wanted.lock().parts {
            match part {
                Part::Rows(rows) => locks.extend(rows),
                Part::Whole => locks.push(*collection),
            }
        }
        locks.reverse();
        locks
    }
}

impl Wanted {
    fn lock_whole(&mut self, locks: &Locks, collection: CollectionId) {
        self.parts.insert(locks.collection(collection), Part::Whole);
        self._guarding.get_or_insert_with(|| Guarding::new(locks.guards()));
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempts")
            .field("id", &self.id)
            .field("locks", &self.wanted().len())
            .finish_non_exhaustive()
    }
}

/// Counts as somebody who locks whole collections, until it is dropped.
struct Guarding(Arc<AtomicUsize>);

impl Guarding {
    fn new(guards: &Arc<AtomicUsize>) -> Self {
        guards.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(guards))
    }
}

impl Drop for Guarding {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
