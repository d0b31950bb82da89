//! Snapshots: the whole store, kept, put back, and copied into another.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::recent::Change;
use super::root::{Root, Shared};
use super::{Core, Published, Store, registry};
use crate::error::{Error, ErrorCode, Result};

/// The whole of a store at one time: data, schema and counters. Taking one and
/// putting it back cost the same however much data there is.
#[derive(Clone)]
pub struct Snapshot {
    store: u64,
    root: Arc<Root>,
    /// By collection, as the counters go on.
    counters: Vec<i64>,
    /// The last number of the clock, at least.
    time: u64,
    auto_index: bool,
}

impl Snapshot {
    /// The version that was kept.
    pub fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// A store of its own that begins as what was kept, also where the other is
    /// closed by now: under a name that no open store has, or without a name
    /// for this handle alone. Costs the same however much data there is.
    ///
    /// # Errors
    /// `StoreExists` if the name is taken.
    pub fn fork(&self, name: Option<&str>) -> Result<Arc<Store>> {
        let core = Core::new(name);
        core.clock.move_to(self.time);
        core.auto_index.store(self.auto_index, Ordering::SeqCst);
        core.replace(Arc::new(self.version()));
        Ok(Store::of(registry::add(core)?))
    }

    /// The version that was kept, with counters that no other version has.
    fn version(&self) -> Root {
        let mut root = Root::clone(&self.root);
        for (collection, counter) in root.collections.iter_mut().flatten().zip(&self.counters) {
            Arc::make_mut(collection).shared = Arc::new(Shared::new(*counter));
        }
        root
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
        Ok(Snapshot {
            store: self.core.identity,
            root,
            counters,
            time: self.clock().last(),
            auto_index: self.auto_index(),
        })
    }

    /// A store of its own that begins as this one is now: see [`Snapshot::fork`].
    ///
    /// # Errors
    /// `StoreExists` if the name is taken, `StoreClosed`.
    pub fn fork(&self, name: Option<&str>) -> Result<Arc<Self>> {
        self.snapshot()?.fork(name)
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
        self.publish(|_| Ok(Published { root: Arc::new(snapshot.version()), change: Change::Everything }))?;
        Ok(())
    }
}
