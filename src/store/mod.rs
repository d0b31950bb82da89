//! Versions of the database, transactions, savepoints and snapshots.
//!
//! A version is an immutable [`Root`]. A [`Transaction`] works on a version of
//! its own and a commit publishes it: by putting it in the place of the one it
//! began with, or, if others were faster, by doing the same again on the newest.
//! A savepoint or a snapshot keeps a version alive; neither costs more where
//! there is more data. Nothing is locked while a reader reads or a statement runs.

mod alter;
mod automatic;
mod check;
mod foreign;
mod registry;
mod replay;
mod root;
mod snapshot;
#[cfg(test)]
mod tests;
mod transaction;
mod violation;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

pub use automatic::AutoIndex;
pub use root::{Collection, Index, Root, Shared};
pub use snapshot::Snapshot;
pub use transaction::{Begin, SavepointId, Transaction};
pub use writer::{Effect, Writer};

use crate::error::{Error, ErrorCode, Result};
use root::Clock;

/// A handle to a store. Stores of the same name are the same while one handle is
/// open; after the last is closed or dropped, the data is gone.
pub struct Store {
    core: Arc<Core>,
    closed: AtomicBool,
}

/// What the handles of a store share.
struct Core {
    name: Option<String>,
    /// Tells stores apart, also after they are closed.
    identity: u64,
    published: RwLock<Arc<Root>>,
    /// Held while a version is published, so that none is lost in between.
    publishing: Mutex<()>,
    clock: Clock,
    auto_index: AtomicBool,
}

impl Store {
    /// Opens the store of a name, or without a name one that nobody else has.
    pub fn open(name: Option<&str>) -> Arc<Self> {
        let core = registry::open(name);
        Arc::new(Self { core, closed: AtomicBool::new(false) })
    }

    /// The name of the store, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.core.name.as_deref()
    }

    /// Closes this handle; doing so again changes nothing. Its transactions come
    /// to an end, and with the last handle of a store its data.
    pub fn close(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            registry::close(&self.core);
        }
    }

    /// Whether this handle is open.
    pub fn is_open(&self) -> bool {
        !self.closed.load(Ordering::SeqCst)
    }

    /// The newest published version.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn current(&self) -> Result<Arc<Root>> {
        self.check_open()?;
        Ok(self.core.current())
    }

    /// Begins a transaction on the newest version.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn begin(self: &Arc<Self>, options: Begin) -> Result<Transaction> {
        Ok(Transaction::new(Arc::clone(self), self.current()?, options))
    }

    fn check_open(&self) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::StoreClosed, "the store has been closed: open it again"))
    }

    fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Publishes what `make` makes of the newest version, and gives its sequence number.
    fn publish(&self, make: impl FnOnce(&Arc<Root>) -> Result<Arc<Root>>) -> Result<u64> {
        let publishing = self.core.publishing.lock();
        self.check_open()?;
        let current = self.core.current();
        let mut root = make(&current)?;
        let next = Arc::make_mut(&mut root);
        next.sequence = current.sequence + 1;
        if !self.core.auto_index.load(Ordering::SeqCst) {
            next.drop_automatic();
        }
        let sequence = next.sequence;
        self.core.replace(root);
        drop(publishing);
        Ok(sequence)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("name", &self.core.name)
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}

impl Core {
    fn new(name: Option<&str>) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            name: name.map(str::to_owned),
            identity: LAST.fetch_add(1, Ordering::Relaxed) + 1,
            published: RwLock::default(),
            publishing: Mutex::new(()),
            clock: Clock::default(),
            auto_index: AtomicBool::new(true),
        }
    }

    fn current(&self) -> Arc<Root> {
        Arc::clone(&self.published.read())
    }

    /// Publishes a version. The old one, which may be the last of its data, is
    /// dropped when readers are no longer kept waiting.
    fn replace(&self, root: Arc<Root>) {
        let old = std::mem::replace(&mut *self.published.write(), root);
        drop(old);
    }
}
