//! Versions of the database, transactions, savepoints and snapshots.
//!
//! A version is an immutable [`Root`]. A [`Transaction`] works on a version of
//! its own and a commit publishes it: by putting it in the place of the one it
//! began with, or, if others were faster, by doing the same again on the newest.
//! A savepoint or a snapshot keeps a version alive; neither costs more where
//! there is more data. Nothing is locked while a reader reads or a statement runs,
//! but for one of few rows that a version is lent for: see `loan`.

mod absorb;
mod alter;
mod attempts;
mod automatic;
mod backup;
mod check;
mod dispose;
mod durable;
mod feed;
mod foreign;
mod guard;
mod image;
mod lines;
mod loan;
mod locks;
mod memory;
mod reads;
mod recent;
mod registry;
mod replay;
mod restructure;
mod root;
mod salvage;
#[cfg(all(test, feature = "shuttle"))]
mod schedules;
mod snapshot;
#[cfg(test)]
mod tests;
mod transaction;
mod violation;
mod writer;

use std::sync::Arc;

pub use attempts::Attempts;
pub use automatic::AutoIndex;
pub use backup::{Checked, Step, Watch};
pub use durable::{CHECKPOINT_AFTER, Keep};
pub use feed::Feed;
pub use guard::Patience;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use image::to_root;
pub use locks::{LockMode, WaitId, Wake, Woken};
pub use reads::{KeyRange, Reads};
pub use recent::{Change, Commit};
pub use root::{Collection, Index, Root, Shared};
pub use salvage::{LOST, Salvaged};
pub use snapshot::Snapshot;
pub use transaction::{Begin, Isolation, SavepointId, Transaction};
pub use writer::{Changes, Effect, Writer};

use crate::error::{Error, ErrorCode, Result};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, RwLock};
use durable::Durable;
use loan::Newest;
use locks::Locks;
use recent::Recent;
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
    newest: RwLock<Newest>,
    /// The number of the newest version.
    sequence: AtomicU64,
    /// Held while a version is published, so that none is lost in between.
    publishing: Mutex<()>,
    clock: Clock,
    locks: Locks,
    recent: Recent,
    auto_index: AtomicBool,
    /// What keeps the store on a disk, if anything does.
    durable: Option<Durable>,
}

/// A version to publish, and how it differs from the one before.
struct Published {
    root: Arc<Root>,
    change: Change,
}

impl Store {
    /// Opens the store of a name, or without a name one that nobody else has.
    pub fn open(name: Option<&str>) -> Arc<Self> {
        Self::of(registry::open(name))
    }

    fn of(core: Arc<Core>) -> Arc<Self> {
        Arc::new(Self { core, closed: AtomicBool::new(false) })
    }

    /// The name of the store, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.core.name.as_deref()
    }

    /// Closes this handle; doing so again changes nothing. Its transactions come
    /// to an end, and with the last handle of a store its data, unless it is kept
    /// on a disk: then what was committed is brought there first.
    ///
    /// # Errors
    /// `Storage` with the cause, where some of it could not be written.
    pub fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        match &self.core.durable {
            Some(durable) => durable::close(&self.core, durable),
            None => {
                registry::close(&self.core);
                Ok(())
            }
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

    /// Looks at the newest version without holding it. Commits wait until that is done, which is therefore to be short.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn look<T>(&self, body: impl FnOnce(&Root) -> T) -> Result<T> {
        self.check_open()?;
        Ok(self.core.look(body))
    }

    /// Begins a transaction on the newest version.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn begin(self: &Arc<Self>, options: Begin) -> Result<Transaction> {
        Transaction::new(Arc::clone(self), options, None)
    }

    /// Begins the next attempt at some work. Before anything else it is to wait
    /// for what those before it were in conflict over: see [`Transaction::wait_ahead`].
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn begin_again(self: &Arc<Self>, options: Begin, attempts: Arc<Attempts>) -> Result<Transaction> {
        Transaction::new(Arc::clone(self), options, Some(attempts))
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

    fn locks(&self) -> &Locks {
        &self.core.locks
    }

    /// The number of the newest published version.
    fn sequence(&self) -> u64 {
        self.core.sequence.load(Ordering::SeqCst)
    }

    /// Keeps commits from now on, between two of them.
    fn watch(&self) {
        let publishing = self.core.publishing.lock();
        self.core.recent.watch();
        drop(publishing);
    }

    fn unwatch(&self) {
        self.core.recent.unwatch();
    }

    /// The commits behind a version up to another; `None` if some are not kept any more.
    fn commits_between(&self, after: u64, until: u64) -> Option<Vec<Arc<Commit>>> {
        self.core.recent.between(after, until)
    }

    /// Publishes what `make` makes of the newest version, and gives its sequence number.
    fn publish(&self, make: impl FnOnce(&Arc<Root>) -> Result<Published>) -> Result<u64> {
        let publishing = self.core.publishing.lock();
        self.check_open()?;
        let current = self.core.current();
        let Published { mut root, change } = make(&current)?;
        let sequence = self.number(&mut root, current.sequence);
        if let Some(durable) = &self.core.durable {
            durable.append(&current, &root, &change)?;
        }
        let catalog = Arc::clone(&root.catalog);
        let whole = matches!(change, Change::Everything);
        let unwanted = self.core.recent.note(Commit { sequence, catalog, change });
        let old = self.core.exchange(root);
        drop(publishing);
        self.core.recent.published();
        // Others need not wait for what takes long to be let go of.
        drop(unwanted);
        let rows = if whole { old.rows() } else { 0 };
        dispose::dispose(old, rows);
        Ok(sequence)
    }

    /// Makes of a version the one that follows another; gives its number.
    fn number(&self, root: &mut Arc<Root>, after: u64) -> u64 {
        let next = Arc::make_mut(root);
        next.sequence = after + 1;
        if !self.core.auto_index.load(Ordering::SeqCst) {
            next.drop_automatic();
        }
        next.sequence
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Who wants to know what became of it closes it.
        let _ = self.close();
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
        static LAST: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        Self {
            name: name.map(str::to_owned),
            identity: LAST.fetch_add(1, Ordering::Relaxed) + 1,
            newest: RwLock::default(),
            sequence: AtomicU64::new(0),
            publishing: Mutex::new(()),
            clock: Clock::default(),
            locks: Locks::default(),
            recent: Recent::default(),
            auto_index: AtomicBool::new(true),
            durable: None,
        }
    }

    /// Publishes a version. The old one, which may be the last of its data, is
    /// dropped when readers are no longer kept waiting.
    fn replace(&self, root: Arc<Root>) {
        drop(self.exchange(root));
    }

    /// As [`Core::replace`], by a version that has nothing of the old one.
    fn replace_whole(&self, root: Arc<Root>) {
        let old = self.exchange(root);
        let rows = old.rows();
        dispose::dispose(old, rows);
    }

    fn exchange(&self, root: Arc<Root>) -> Newest {
        let sequence = root.sequence;
        let old = std::mem::replace(&mut *self.newest.write(), Newest::Here(root));
        self.count(sequence);
        old
    }

    fn count(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::SeqCst);
    }
}
