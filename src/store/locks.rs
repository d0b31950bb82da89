//! Locks of rows: who holds them, who waits for them, and who gives way in a deadlock.
//!
//! A row is locked by a hash of its collection and key. Two rows with the same
//! hash share a lock, which can make somebody wait in vain but never lets
//! somebody through. Queues are fair: a request stands behind those before it,
//! also where it would be compatible with the holders.
//!
//! A deadlock is a cycle in the wait-for graph (Holt, 1972); it is looked for
//! when a wait begins, as only that can close one. The youngest in it gives way.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ahash::{AHashMap, AHashSet, RandomState};

use crate::catalog::CollectionId;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The number of a transaction: a younger one has a greater number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TransactionId(u64);

impl TransactionId {
    /// The number of a transaction that begins now.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// From writing the row; others may hold the same lock.
    Shared,
    /// From writing or locking the row.
    Exclusive,
}

/// What stands for a row, or a whole collection, in the table of locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RowId(u64);

/// The number of a wait, in all stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub u64);

impl WaitId {
    /// The number of a wait that begins now.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The transaction has the lock.
    Granted,
    /// Transactions waited for each other, and this one is to give way.
    Deadlock,
    /// The transaction has ended.
    Ended,
}

/// Called when a wait has ended, from whatever thread ended it.
pub type Wake = Box<dyn FnOnce(WaitId, Woken) + Send>;

/// What came of asking for a lock without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acquired {
    /// The transaction got it.
    New,
    /// The transaction had it already.
    Held,
    /// Others have it, or asked first.
    Busy,
}

/// What came of asking for a lock with patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The transaction has it now.
    Granted,
    /// The wait has begun.
    Begun(WaitId),
    /// The wait would be without end, and this transaction is the youngest in it.
    Deadlock,
}

/// The locks of a store.
#[derive(Default)]
pub(super) struct Locks {
    hasher: RandomState,
    state: Mutex<State>,
    /// How many may have locked whole collections, or want to.
    guards: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    rows: AHashMap<RowId, RowLock>,
    waits: HashMap<WaitId, Wait>,
    /// The waits of each transaction: several where its calls run side by side.
    waiting: AHashMap<TransactionId, Vec<WaitId>>,
}

#[derive(Default)]
struct RowLock {
    holders: Holders,
    queue: VecDeque<WaitId>,
}

#[derive(Default)]
enum Holders {
    #[default]
    None,
    One(TransactionId, LockMode),
    /// More than one, which can only share.
    Many(Vec<TransactionId>),
}

struct Wait {
    transaction: TransactionId,
    row: RowId,
    mode: LockMode,
    wake: Wake,
}

/// Waits that have ended and are still to be told so, when the table is no longer locked.
type Ended = Vec<(WaitId, Wake, Woken)>;

impl Locks {
    /// What stands for the row of a key.
    pub fn row(&self, collection: CollectionId, key: &[u8]) -> RowId {
        RowId(self.hasher.hash_one((collection.0, key)))
    }

    /// What stands for a whole collection. Rows have a key, which is not empty.
    pub fn collection(&self, collection: CollectionId) -> RowId {
        self.row(collection, &[])
    }

    /// How many may have locked whole collections: where there are none, nobody need ask.
    pub fn guards(&self) -> &Arc<AtomicUsize> {
        &self.guards
    }

    /// Takes a lock if nobody else has it or waits for it.
    pub fn acquire(&self, transaction: TransactionId, row: RowId, mode: LockMode) -> Acquired {
        self.state.lock().acquire(transaction, row, mode)
    }

    /// Takes a lock, or waits for it: then `wake` is called when that has ended.
    pub fn wait(&self, transaction: TransactionId, row: RowId, mode: LockMode, wake: Wake) -> Waiting {
        let mut state = self.state.lock();
        if state.acquire(transaction, row, mode) != Acquired::Busy {
            return Waiting::Granted;
        }
        let id = WaitId::next();
        state.enqueue(id, Wait { transaction, row, mode, wake });
        let mut ended = Ended::new();
        let outcome = loop {
            match state.youngest_in_cycle(transaction) {
                None if state.waits.contains_key(&id) => break Waiting::Begun(id),
                // Somebody gave way, and it was this lock that came free.
                None => {
                    ended.retain(|(ended, ..)| *ended != id);
                    break Waiting::Granted;
                }
                Some(victim) if victim == transaction => {
                    drop(state.leave(id));
                    state.promote(row, &mut ended);
                    break Waiting::Deadlock;
                }
                Some(victim) => state.give_up(victim, Woken::Deadlock, &mut ended),
            }
        };
        drop(state);
        tell(ended);
        outcome
    }

    /// Ends a wait; false if it has ended already.
    pub fn cancel(&self, id: WaitId) -> bool {
        let mut ended = Ended::new();
        let mut state = self.state.lock();
        let Some(wait) = state.leave(id) else { return false };
        state.promote(wait.row, &mut ended);
        drop(state);
        tell(ended);
        true
    }

    /// Gives back locks of a transaction; those that it does not hold are passed over.
    pub fn release(&self, transaction: TransactionId, rows: &[RowId]) {
        let mut ended = Ended::new();
        let mut state = self.state.lock();
        state.release(transaction, rows, &mut ended);
        drop(state);
        tell(ended);
    }

    /// Ends the waits of a transaction and gives back its locks.
    pub fn end(&self, transaction: TransactionId, rows: &[RowId]) {
        let mut ended = Ended::new();
        let mut state = self.state.lock();
        state.give_up(transaction, Woken::Ended, &mut ended);
        state.release(transaction, rows, &mut ended);
        drop(state);
        tell(ended);
    }
}

fn tell(ended: Ended) {
    for (id, wake, how) in ended {
        wake(id, how);
    }
}

impl State {
    fn acquire(&mut self, transaction: TransactionId, row: RowId, mode: LockMode) -> Acquired {
        let lock = self.rows.entry(row).or_default();
        lock.holders.acquire(transaction, mode, lock.queue.is_empty())
    }

    fn enqueue(&mut self, id: WaitId, wait: Wait) {
        let Wait { transaction, row, .. } = wait;
        let lock = self.rows.entry(row).or_default();
        if lock.holders.has(transaction) {
            // Whoever holds it already keeps all others waiting: nobody before it would ever get it.
            lock.queue.push_front(id);
        } else {
            lock.queue.push_back(id);
        }
        self.waiting.entry(transaction).or_default().push(id);
        self.waits.insert(id, wait);
    }

    /// Takes a wait out of everything.
    fn leave(&mut self, id: WaitId) -> Option<Wait> {
        let wait = self.waits.remove(&id)?;
        if let Some(lock) = self.rows.get_mut(&wait.row) {
            lock.queue.retain(|waiting| *waiting != id);
        }
        if let Some(waits) = self.waiting.get_mut(&wait.transaction) {
            waits.retain(|waiting| *waiting != id);
            if waits.is_empty() {
                self.waiting.remove(&wait.transaction);
            }
        }
        Some(wait)
    }

    /// Ends all waits of a transaction.
    fn give_up(&mut self, transaction: TransactionId, how: Woken, ended: &mut Ended) {
        let ids = self.waiting.get(&transaction).cloned().unwrap_or_default();
        // All of them before any lock is given on, or one could go to another of its own.
        let waits: Vec<_> = ids.into_iter().filter_map(|id| Some((id, self.leave(id)?))).collect();
        for (id, wait) in waits {
            self.promote(wait.row, ended);
            ended.push((id, wait.wake, how));
        }
    }

    fn release(&mut self, transaction: TransactionId, rows: &[RowId], ended: &mut Ended) {
        for row in rows {
            let Entry::Occupied(mut entry) = self.rows.entry(*row) else { continue };
            let RowLock { holders, queue } = entry.get_mut();
            holders.release(transaction);
            if !queue.is_empty() {
                self.promote(*row, ended);
            } else if matches!(holders, Holders::None) {
                entry.remove();
            }
        }
    }

    /// Gives a lock to those first in its queue, as far as they can have it.
    fn promote(&mut self, row: RowId, ended: &mut Ended) {
        while let Some(lock) = self.rows.get_mut(&row) {
            let Some(first) = lock.queue.front().copied() else {
                if matches!(lock.holders, Holders::None) {
                    self.rows.remove(&row);
                }
                return;
            };
            let Some(Wait { transaction, mode, .. }) = self.waits.get(&first) else { return };
            if lock.holders.acquire(*transaction, *mode, true) == Acquired::Busy {
                return;
            }
            if let Some(wait) = self.leave(first) {
                ended.push((first, wait.wake, Woken::Granted));
            }
        }
    }

    /// The youngest transaction of a cycle of waits that leads through this one.
    fn youngest_in_cycle(&self, start: TransactionId) -> Option<TransactionId> {
        let mut seen = AHashSet::new();
        let mut path = vec![(start, self.waited_for(start))];
        while let Some((_, next)) = path.last_mut() {
            match next.pop() {
                Some(found) if found == start => return path.iter().map(|(on_it, _)| *on_it).max(),
                Some(found) => {
                    if seen.insert(found) {
                        path.push((found, self.waited_for(found)));
                    }
                }
                None => {
                    path.pop();
                }
            }
        }
        None
    }

    /// Whom a transaction waits for: the holders, and whoever stands before it in
    /// the queue, who in turn waits for those further ahead.
    fn waited_for(&self, transaction: TransactionId) -> Vec<TransactionId> {
        let mut found = Vec::new();
        for id in self.waiting.get(&transaction).into_iter().flatten() {
            let Some(lock) = self.waits.get(id).and_then(|wait| self.rows.get(&wait.row)) else { continue };
            match &lock.holders {
                Holders::None => {}
                Holders::One(holder, _) => found.push(*holder),
                Holders::Many(holders) => found.extend(holders),
            }
            let place = lock.queue.iter().position(|waiting| waiting == id);
            let before = place.and_then(|place| lock.queue.get(place.checked_sub(1)?));
            found.extend(before.and_then(|before| self.waits.get(before)).map(|wait| wait.transaction));
        }
        found.retain(|other| *other != transaction);
        found
    }
}

impl Holders {
    fn has(&self, transaction: TransactionId) -> bool {
        match self {
            Self::None => false,
            Self::One(holder, _) => *holder == transaction,
            Self::Many(holders) => holders.contains(&transaction),
        }
    }

    fn acquire(&mut self, transaction: TransactionId, mode: LockMode, first: bool) -> Acquired {
        match self {
            Self::None if first => {
                *self = Self::One(transaction, mode);
                Acquired::New
            }
            Self::One(holder, held) if *holder == transaction => {
                if mode == LockMode::Exclusive {
                    *held = mode;
                }
                Acquired::Held
            }
            Self::Many(holders) if mode == LockMode::Shared && holders.contains(&transaction) => {
                Acquired::Held
            }
            Self::One(holder, LockMode::Shared) if mode == LockMode::Shared && first => {
                *self = Self::Many(vec![*holder, transaction]);
                Acquired::New
            }
            Self::Many(holders) if mode == LockMode::Shared && first => {
                holders.push(transaction);
                Acquired::New
            }
            _ => Acquired::Busy,
        }
    }

    fn release(&mut self, transaction: TransactionId) {
        match self {
            Self::One(holder, _) if *holder == transaction => *self = Self::None,
            Self::Many(holders) => {
                holders.retain(|holder| *holder != transaction);
                if let [last] = holders.as_slice() {
                    *self = Self::One(*last, LockMode::Shared);
                }
            }
            Self::None | Self::One(..) => {}
        }
    }
}

impl std::fmt::Debug for Locks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Locks")
            .field("rows", &state.rows.len())
            .field("waits", &state.waits.len())
            .finish_non_exhaustive()
    }
}
