//! Attempts at the same work: what those that were in conflict leave to the next.
//!
//! An attempt that comes again is as old as the first was, and begins with locks
//! on the rows over which those before it failed, taken before it looks at
//! anything: nobody can be faster there any more. Where a conflict was over what
//! came into a range that was searched, it is the collection that is locked
//! against all who write to it. Each conflict adds a lock, and of those who wait
//! for each other the oldest goes on, so everybody gets through in the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::locks::{RowId, TransactionId};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Work that is attempted until it is in no conflict.
pub struct Attempts {
    /// The number of each of its transactions, of which there is one at a time.
    pub(super) id: TransactionId,
    wanted: Mutex<Wanted>,
}

/// What the next attempt begins with.
#[derive(Default)]
struct Wanted {
    collections: BTreeSet<RowId>,
    rows: BTreeSet<RowId>,
    /// Tells those who write that there are locks of collections.
    _guarding: Option<Guarding>,
}

impl Attempts {
    /// Work that has not been attempted.
    pub fn new() -> Self {
        Self { id: TransactionId::next(), wanted: Mutex::default() }
    }

    /// Notes a row that was in the way.
    pub(super) fn note_row(&self, row: RowId) {
        self.wanted.lock().rows.insert(row);
    }

    /// Notes a collection into which something came that was in the way.
    pub(super) fn note_collection(&self, collection: RowId, guards: &Arc<AtomicUsize>) {
        let mut wanted = self.wanted.lock();
        wanted.collections.insert(collection);
        wanted._guarding.get_or_insert_with(|| Guarding::new(guards));
    }

    /// The locks to begin with, the last first. All who come again take them in the same order.
    pub(super) fn wanted(&self) -> Vec<RowId> {
        let wanted = self.wanted.lock();
        wanted.collections.iter().chain(&wanted.rows).rev().copied().collect()
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wanted = self.wanted.lock();
        f.debug_struct("Attempts")
            .field("id", &self.id)
            .field("collections", &wanted.collections.len())
            .field("rows", &wanted.rows.len())
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
