//! Snapshots: the whole store, kept and put back.

use std::sync::Arc;

use super::Store;
use super::root::{Root, Shared};
use crate::error::{Error, ErrorCode, Result};

/// The whole of a store at one time: data, schema and counters. Taking one costs
/// the same however much data there is.
#[derive(Clone)]
pub struct Snapshot {
    store: u64,
    root: Arc<Root>,
    counters: Vec<(Arc<Shared>, i64)>,
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
        let counters = root
            .collections()
            .map(|collection| (Arc::clone(&collection.shared), collection.shared.counter()))
            .collect();
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
        self.publish(|current| {
            for (shared, counter) in &snapshot.counters {
                shared.set_counter(*counter);
            }
            let mut root = Root::clone(&snapshot.root);
            root.restored = current.sequence + 1;
            Ok(Arc::new(root))
        })?;
        Ok(())
    }
}
