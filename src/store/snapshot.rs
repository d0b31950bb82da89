//! Snapshots: the whole store, kept and put back.

use std::sync::Arc;

use super::recent::Change;
use super::root::{Root, Shared};
use super::{Published, Store};
use crate::error::{Error, ErrorCode, Result};

/// The whole of a store at one time: data, schema and counters. Taking one and
/// putting it back cost the same however much data there is.
#[derive(Clone)]
pub struct Snapshot {
    store: u64,
    root: Arc<Root>,
    /// By collection, as the counters go on.
    counters: Vec<i64>,
}

impl Snapshot {
    /// The version that was kept.
    pub fn root(&self) -> &Arc<Root> {
        &self.root
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("store", &self.store)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Keeps the newest version, with its counters.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let root = self.current()?;
        let counters = root.collections().map(|collection| collection.shared.counter()).collect();
        Ok(Snapshot { store: self.core.identity, root, counters })
    }

    /// Puts a snapshot back, whatever was committed since, as often as needed.
    /// Transactions that have written meanwhile will fail with `WriteConflict`.
    ///
    /// # Errors
    /// `ForeignSnapshot` if it is of another store, `StoreClosed`.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.check_open()?;
        if snapshot.store != self.core.identity {
            return Err(Error::new(ErrorCode::ForeignSnapshot, "the snapshot was taken of another store"));
        }
        self.publish(|_| {
            let mut root = Root::clone(&snapshot.root);
            for (collection, counter) in root.collections.iter_mut().flatten().zip(&snapshot.counters) {
                Arc::make_mut(collection).shared = Arc::new(Shared::new(*counter));
            }
            Ok(Published { root: Arc::new(root), change: Change::Everything })
        })?;
        Ok(())
    }
}
