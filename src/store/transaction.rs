//! Transactions: a version of their own, and what they did to it.

mod commit;
mod savepoint;

use std::sync::Arc;

pub use savepoint::SavepointId;

use super::Store;
use super::attempts::Attempts;
use super::dispose::dispose;
use super::foreign::Cause;
use super::guard::{Blocked, Guard, Patience};
use super::loan::{FEW, Loan};
use super::locks::{LockMode, RowId, TransactionId, WaitId, Waiting, Wake};
use super::reads::Reads;
use super::root::Root;
use super::writer::{Effect, Writer};
use crate::catalog::Schema;
use crate::error::{Error, ErrorCode, Result};
use crate::sync::Mutex;
use crate::value::Row;
use savepoint::Savepoint;

/// What a transaction sees of others, and what becomes of it when they change the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Each statement sees what others have committed until then. A row that
    /// another transaction is changing is waited for, and changed as it is then.
    ReadCommitted,
    /// All statements see the version that was the newest at the first. Where
    /// another transaction has changed a row since, changing it too is a conflict.
    #[default]
    Snapshot,
    /// As `Snapshot`, and a commit of changes is a conflict where others have
    /// changed anything that the transaction has read, or would have.
    Serializable,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begin {
    /// What it sees of others.
    pub isolation: Isolation,
    /// Writes are refused.
    pub read_only: bool,
}

impl Begin {
    /// As a flush begins, or a statement by itself: never in conflict with others.
    pub const READ_COMMITTED: Self = Self { isolation: Isolation::ReadCommitted, read_only: false };
}

/// A transaction. Dropping it rolls it back.
///
/// Every method of one that has ended is `TransactionClosed`, and of one whose
/// store handle was closed `StoreClosed`.
pub struct Transaction {
    pub(super) store: Arc<Store>,
    id: TransactionId,
    options: Begin,
    /// Whether anything has been seen of the version: until then it may be replaced by a newer one.
    settled: bool,
    /// The published version that `root` stands on.
    base: Arc<Root>,
    /// The version with this transaction's changes.
    pub(super) root: Arc<Root>,
    effects: Vec<Effect>,
    /// The version that it was lent and the effects on it: then those above are not there.
    loan: Option<Arc<Loan>>,
    /// Whether it did what effects do not tell: changed the schema or cleared a collection.
    pub(super) restructured: bool,
    savepoints: Vec<Savepoint>,
    /// The locks that it holds or waits for, in the order in which it asked.
    held: Vec<RowId>,
    /// Whether it has ever waited.
    waited: bool,
    /// The lock that the last statement has failed for.
    blocked: Option<Blocked>,
    /// What it is one attempt at, if it will be made again.
    attempts: Option<Arc<Attempts>>,
    /// The locks that it is still to begin with, the last first.
    ahead: Vec<RowId>,
    /// Whether commits are kept since it began, or since then.
    watches: bool,
    /// What it has read, where that is to be known.
    reads: Option<Arc<Mutex<Reads>>>,
    /// Whether others had committed when it did.
    overtaken: bool,
    ended: bool,
}

impl Transaction {
    pub(super) fn new(store: Arc<Store>, options: Begin, attempts: Option<Arc<Attempts>>) -> Result<Self> {
        store.check_open()?;
        let serializable = options.isolation == Isolation::Serializable && !options.read_only;
        if serializable {
            store.watch();
        }
        let base = store.current()?;
        Ok(Self {
            store,
            id: attempts.as_ref().map_or_else(TransactionId::next, |attempts| attempts.id),
            options,
            settled: false,
            root: Arc::clone(&base),
            base,
            effects: Vec::new(),
            loan: None,
            restructured: false,
            savepoints: Vec::new(),
            held: Vec::new(),
            waited: false,
            blocked: None,
            // What only reads is in conflict with nobody.
            ahead: attempts
                .as_ref()
                .filter(|_| !options.read_only)
                .map_or_else(Vec::new, |attempts| attempts.wanted()),
            attempts,
            watches: serializable,
            reads: serializable.then(Arc::default),
            overtaken: false,
            ended: false,
        })
    }

    /// The version that the next statement sees.
    ///
    /// # Errors
    /// Under read committed, whatever keeps the transaction's changes from
    /// standing on what others have committed, such as `Unique`.
    pub fn root(&mut self) -> Result<&Arc<Root>> {
        self.check_open()?;
        if let Some(work) = self.loan.as_ref().and_then(|loan| loan.working()) {
            self.root = Arc::clone(&work.root);
            drop(work);
            return Ok(&self.root);
        }
        self.part();
        if self.options.isolation == Isolation::ReadCommitted {
            if !self.restructured && self.store.sequence() != self.base.sequence {
                let newest = self.store.current()?;
                self.advance(&newest)?;
            }
        } else if !self.settled && self.store.sequence() != self.base.sequence {
            self.base = self.store.current()?;
            self.root = Arc::clone(&self.base);
        }
        Ok(&self.root)
    }

    /// Looks at the version that the next statement sees, without holding it where it was lent.
    ///
    /// # Errors
    /// As [`Transaction::root`].
    pub fn look<T>(&mut self, body: impl FnOnce(&Root) -> T) -> Result<T> {
        self.check_open()?;
        if let Some(work) = self.loan.as_ref().and_then(|loan| loan.working()) {
            return Ok(body(&work.root));
        }
        Ok(body(self.root()?))
    }

    /// Says that what the version holds has been seen: the transaction keeps to it.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// Where to note what is read, if that is to be known.
    pub fn reads(&self) -> Option<&Arc<Mutex<Reads>>> {
        self.reads.as_ref()
    }

    /// What the transaction has done, in order.
    pub fn effects(&mut self) -> &[Effect] {
        self.part();
        &self.effects
    }

    /// Has a version of its own from now on, if it was lent one.
    pub(super) fn part(&mut self) {
        if let Some(loan) = self.loan.take()
            && let Some((base, root, effects)) = self.store.core.part(&loan)
        {
            (self.base, self.root, self.effects) = (base, root, effects);
            self.keep_savepoints();
        }
    }

    /// Whether nothing was done to the version that it stands on.
    fn is_base(&self) -> bool {
        !self.restructured && self.effects.is_empty() && Arc::ptr_eq(&self.root, &self.base)
    }

    /// Sees to it that so many rows are written where that is best: a few of them in place, if it can be.
    fn borrow(&mut self, rows: usize) {
        if rows > FEW {
            self.part();
        } else if self.loan.is_none() && self.is_base() {
            Root::let_go(&mut self.root);
            self.loan = self.store.core.lend(&mut self.base);
            if self.loan.is_none() {
                self.root = Arc::clone(&self.base);
            }
        }
    }

    /// Runs one statement on the version that [`Transaction::root`] gave: all of
    /// it happens, or on an error nothing. Foreign keys are seen to at its end.
    ///
    /// # Errors
    /// `Locked` if a row is locked by another transaction, to be run again after
    /// [`Transaction::wait`]; `Stale` under read committed if it was changed since,
    /// to be run again at once; `WriteConflict` at other levels; those of constraints.
    pub fn statement<T>(&mut self, run: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        self.statement_of(1, run)
    }

    /// As [`Transaction::statement`], for one that is known to be about so many rows.
    ///
    /// # Errors
    /// As [`Transaction::statement`].
    pub fn statement_of<T>(&mut self, rows: usize, run: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        self.check_writable()?;
        self.borrow(rows);
        let loan = self.loan.clone();
        let mut work = loan.as_ref().and_then(|loan| loan.working());
        if work.is_none() {
            self.part();
        }
        let isolation = self.patient_isolation();
        let (root, effects, lent, sequence) = match (&mut work, &loan) {
            (Some(work), Some(loan)) => {
                // What is written to must be held by nobody else.
                Root::let_go(&mut self.root);
                let (root, effects, lent) = work.parts(&self.store.core, loan);
                (root, effects, Some(lent), loan.sequence)
            }
            _ => (&mut self.root, &mut self.effects, None, self.base.sequence),
        };
        let guard = Guard {
            store: &self.store,
            transaction: self.id,
            isolation,
            sequence,
            base: &self.base,
            blocked: &mut self.blocked,
            held: &mut self.held,
            attempts: self.attempts.as_deref(),
        };
        let mut writer = Writer::new(root, effects, self.store.clock()).guarded(guard).lent(lent);
        let result = run(&mut writer).and_then(|value| writer.finish(Cause::Statement).map(|()| value));
        match &result {
            Ok(_) => self.settled = true,
            Err(_) => writer.undo()?,
        }
        result
    }

    /// Locks a row of the version that [`Transaction::root`] gave, until the
    /// transaction ends; false where others have the lock and the row is to be skipped.
    ///
    /// # Errors
    /// `ReadOnly`, `Locked`, `LockNotAvailable`; `Stale` and `WriteConflict` as [`Transaction::statement`].
    pub fn lock(&mut self, schema: &Schema, row: &Row, mode: LockMode, patience: Patience) -> Result<bool> {
        self.check_writable()?;
        self.part();
        let mut guard = Guard {
            store: &self.store,
            transaction: self.id,
            isolation: self.patient_isolation(),
            sequence: self.base.sequence,
            base: &self.base,
            blocked: &mut self.blocked,
            held: &mut self.held,
            attempts: self.attempts.as_deref(),
        };
        guard.lock(schema, &schema.primary_key(row), row, mode, patience)
    }

    /// The level at which a row is found to have changed: where nothing was seen
    /// yet, a statement can begin on a newer version.
    fn patient_isolation(&self) -> Isolation {
        match self.settled {
            // What it did to the schema cannot be done again on a newer version.
            true if self.restructured => Isolation::Snapshot,
            true => self.options.isolation,
            false => Isolation::ReadCommitted,
        }
    }

    /// Waits for the lock that the last statement has failed for; `None` if there
    /// is nothing to wait for. When the wait has ended, `wake` is called.
    ///
    /// # Errors
    /// `Deadlock` if it would be without end, and this transaction is the one to give way.
    pub fn wait(&mut self, wake: Wake) -> Result<Option<WaitId>> {
        self.check_open()?;
        let Some(Blocked { collection, row, mode }) = self.blocked.take() else { return Ok(None) };
        if let Some(attempts) = self.attempts.as_deref().filter(|_| mode == LockMode::Exclusive) {
            attempts.note_row(self.store.locks(), collection, row);
        }
        self.begin_wait(row, mode, wake)
    }

    /// Waits for the next of the locks that an attempt begins with, and is to be
    /// called until there are none: `None`. When a wait has ended, its `wake` is called.
    ///
    /// # Errors
    /// As [`Transaction::wait`].
    pub fn wait_ahead(&mut self, wake: impl Fn() -> Wake) -> Result<Option<WaitId>> {
        self.check_open()?;
        while let Some(row) = self.ahead.pop() {
            if let Some(begun) = self.begin_wait(row, LockMode::Exclusive, wake())? {
                return Ok(Some(begun));
            }
        }
        Ok(None)
    }

    fn begin_wait(&mut self, row: RowId, mode: LockMode, wake: Wake) -> Result<Option<WaitId>> {
        self.waited = true;
        // Noted before anybody can hand it over: what is not held is passed over at the end.
        // A shared one that is to become exclusive belongs where it was.
        if !self.held.contains(&row) {
            self.held.push(row);
        }
        match self.store.locks().wait(self.id, row, mode, wake) {
            Waiting::Granted => Ok(None),
            Waiting::Begun(id) => Ok(Some(id)),
            Waiting::Deadlock => Err(Error::new(
                ErrorCode::Deadlock,
                "transactions wait for each other's locks, and this one, the youngest, gives way: run it again",
            )),
        }
    }

    /// Ends a wait; false if it has ended already.
    pub fn cancel_wait(&self, id: WaitId) -> bool {
        self.store.locks().cancel(id)
    }

    /// Publishes what the transaction did and ends it, whether or not that
    /// succeeds; gives the sequence number of the version that has it.
    ///
    /// # Errors
    /// `WriteConflict` if others changed the same rows, or the schema, or the
    /// store was restored; the errors of constraints that hold no longer.
    pub fn commit(&mut self) -> Result<u64> {
        self.check_open()?;
        self.ended = true;
        self.savepoints.clear();
        if self.loan.is_some() {
            // What is published is to be held by nobody else.
            Root::let_go(&mut self.root);
        }
        let result = match self.loan.as_ref().and_then(|loan| self.store.publish_lent(loan)) {
            Some(Ok(sequence)) => {
                self.loan = None;
                Ok(sequence)
            }
            Some(error) => error,
            None => self.publish(),
        };
        self.forget();
        result
    }

    /// Ends the transaction as if it had never been.
    pub fn rollback(&mut self) -> Result<()> {
        self.check_open()?;
        self.ended = true;
        self.savepoints.clear();
        self.forget();
        Ok(())
    }

    pub(super) fn check_open(&self) -> Result<()> {
        self.store.check_open()?;
        if self.ended {
            let message = "the transaction has ended already: begin a new one";
            return Err(Error::new(ErrorCode::TransactionClosed, message));
        }
        Ok(())
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.options.read_only {
            return Err(Error::new(ErrorCode::ReadOnly, "the transaction is read-only: it cannot write"));
        }
        Ok(())
    }

    /// Lets go of the data, and of what keeps others waiting.
    fn forget(&mut self) {
        if let Some(loan) = self.loan.take() {
            Root::let_go(&mut self.root);
            self.store.core.roll_back(&loan);
        }
        let effects = std::mem::take(&mut self.effects);
        let rows = if self.restructured { self.base.rows().max(self.root.rows()) } else { effects.len() };
        if rows > 0 {
            let of = |root: &mut Arc<Root>| std::mem::replace(root, Root::nothing());
            dispose((of(&mut self.base), of(&mut self.root), effects), rows);
        }
        Root::let_go(&mut self.base);
        Root::let_go(&mut self.root);
        let held = std::mem::take(&mut self.held);
        if self.waited || !held.is_empty() {
            self.store.locks().end(self.id, &held);
        }
        self.reads = None;
        if std::mem::take(&mut self.watches) {
            self.store.unwatch();
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            self.forget();
        }
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("options", &self.options)
            .field("base", &self.base.sequence)
            .field("effects", &self.effects.len())
            .field("savepoints", &self.savepoints.iter().map(|point| point.id).collect::<Vec<_>>())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
