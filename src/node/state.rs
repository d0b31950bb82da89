//! What an environment, that is a JavaScript thread, has open.

use std::sync::Arc;

use super::changes::OpenFeed;
use super::handle::{Handle, Kind, Table};
use super::lent::{Lent, Target};
use super::reading::Reading;
use super::statement::Statement;
use super::wake::Waker;
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Cursor, Plan};
use crate::store::{Attempts, Begin, Root, Snapshot, Store, Transaction, WaitId, Wake, Woken};

/// All that JavaScript holds handles of.
pub(super) struct Environment {
    pub(super) stores: Table<Arc<Store>>,
    pub(super) transactions: Table<OpenTransaction>,
    pub(super) plans: Table<Arc<Plan>>,
    pub(super) cursors: Table<OpenCursor>,
    pub(super) snapshots: Table<Snapshot>,
    pub(super) feeds: Table<OpenFeed>,
    pub(super) attempts: Table<Arc<Attempts>>,
    /// How JavaScript is told that a wait has ended.
    pub(super) waker: Option<Waker>,
    /// How many rows a statement may look at here, before it goes on in a thread.
    pub(super) most: usize,
}

/// A transaction and the store handle that it was begun on.
pub(super) struct OpenTransaction {
    place: Place,
    store: Handle,
}

/// Where a transaction is.
enum Place {
    Here(Transaction),
    /// In a thread, for as long as a statement takes.
    Lent(Arc<Lent>),
}

impl OpenTransaction {
    /// The transaction.
    ///
    /// # Errors
    /// `TransactionBusy` while it is in a thread.
    pub(super) fn here(&mut self) -> Result<&mut Transaction> {
        match &mut self.place {
            Place::Here(transaction) => Ok(transaction),
            Place::Lent(_) => Err(busy()),
        }
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if let Place::Lent(lent) = &self.place {
            lent.abandon();
        }
    }
}

fn busy() -> Error {
    let message = "a statement of the transaction is still running in a thread: wait for it first";
    Error::new(ErrorCode::TransactionBusy, message)
}

/// A cursor and the session that it was opened in.
pub(super) struct OpenCursor {
    pub(super) reading: Reading,
    pub(super) session: Handle,
    /// The statement that is to give its rows, until a thread has it.
    pub(super) statement: Option<Statement>,
}

impl OpenCursor {
    pub(super) fn new(reading: Reading, session: Handle) -> Self {
        Self { reading, session, statement: None }
    }
}

/// How many rows a statement may look at on the thread of JavaScript: what takes
/// a few milliseconds.
pub(super) const MOST: usize = 16_384;

impl Environment {
    pub(super) fn new() -> Self {
        Self {
            stores: Table::new(Kind::Store),
            transactions: Table::new(Kind::Transaction),
            plans: Table::new(Kind::Plan),
            cursors: Table::new(Kind::Cursor),
            snapshots: Table::new(Kind::Snapshot),
            feeds: Table::new(Kind::Feed),
            attempts: Table::new(Kind::Attempts),
            waker: None,
            most: MOST,
        }
    }

    /// Begins a transaction on a store, or the next attempt at one.
    pub(super) fn begin(
        &mut self,
        store: Handle,
        options: Begin,
        attempts: Option<Handle>,
    ) -> Result<Handle> {
        let begun = self.stores.get(store)?;
        let transaction = match attempts {
            Some(attempts) => begun.begin_again(options, Arc::clone(self.attempts.get(attempts)?))?,
            None => begun.begin(options)?,
        };
        self.transactions.insert(OpenTransaction { place: Place::Here(transaction), store })
    }

    /// An open transaction.
    pub(super) fn transaction(&mut self, transaction: Handle) -> Result<&mut Transaction> {
        self.transactions.get_mut(transaction)?.here()
    }

    /// What a thread is to work with: a transaction comes back from it with [`Self::take_back`].
    pub(super) fn target(&mut self, session: Handle) -> Result<Target> {
        Ok(match session.is(Kind::Store) {
            true => Target::Store(Arc::clone(self.stores.get(session)?)),
            false => Target::Transaction(self.lend(session)?),
        })
    }

    fn lend(&mut self, transaction: Handle) -> Result<Arc<Lent>> {
        let open = self.transactions.get_mut(transaction)?;
        open.here()?;
        let lent = Arc::new(Lent::default());
        if let Place::Here(transaction) = std::mem::replace(&mut open.place, Place::Lent(Arc::clone(&lent))) {
            lent.put(transaction);
        }
        Ok(lent)
    }

    /// Takes a transaction back from a thread, if it has not been ended meanwhile.
    pub(super) fn take_back(&mut self, transaction: Handle, target: &Target) {
        if let Target::Transaction(lent) = target
            && let Ok(open) = self.transactions.get_mut(transaction)
            && let Some(transaction) = lent.take()
        {
            open.place = Place::Here(transaction);
        }
    }

    /// The cursor of a handle, where its session still goes on.
    pub(super) fn cursor(&mut self, cursor: Handle) -> Result<&mut OpenCursor> {
        let open = self.cursors.get_mut(cursor)?;
        if open.session.is(Kind::Feed) {
            self.feeds.get(open.session)?;
        } else if open.session.is(Kind::Store) {
            self.stores.get(open.session)?;
        } else {
            self.transactions.get(open.session)?;
        }
        Ok(open)
    }

    /// Takes a transaction out, to commit it.
    pub(super) fn taken(&mut self, transaction: Handle) -> Result<Transaction> {
        self.transaction(transaction)?;
        let mut open = self.transactions.remove(transaction)?;
        self.empty_cursors(transaction);
        match std::mem::replace(&mut open.place, Place::Lent(Arc::default())) {
            Place::Here(transaction) => Ok(transaction),
            Place::Lent(_) => Err(busy()),
        }
    }

    /// Ends a transaction: what it has not committed is rolled back, by the
    /// thread where it is in one.
    pub(super) fn end(&mut self, transaction: Handle) -> Result<()> {
        drop(self.transactions.remove(transaction)?);
        self.empty_cursors(transaction);
        Ok(())
    }

    /// Lets go of the rows of the cursors of a session. The cursors stay, to say what became of them.
    fn empty_cursors(&mut self, session: Handle) {
        for cursor in self.cursors.handles(|open| open.session == session) {
            if let Ok(open) = self.cursors.get_mut(cursor) {
                open.reading = Reading::new(Cursor::empty(), 0);
            }
        }
    }

    /// Rolls back what was begun on a store handle and closes it.
    pub(super) fn close(&mut self, store: Handle) -> Result<()> {
        self.release(store)?.close()
    }

    /// Rolls back what was begun on a store handle and takes the store out, to be closed.
    pub(super) fn release(&mut self, store: Handle) -> Result<Arc<Store>> {
        let closed = self.stores.remove(store)?;
        for transaction in self.transactions.handles(|open| open.store == store) {
            self.end(transaction)?;
        }
        self.empty_cursors(store);
        for feed in self.feeds.handles(|open| open.store == store) {
            self.feeds.remove(feed)?;
        }
        Ok(closed)
    }

    /// The version that a session sees.
    pub(super) fn root(&mut self, session: Handle) -> Result<Arc<Root>> {
        if session.is(Kind::Store) {
            return self.stores.get(session)?.current();
        }
        self.transaction(session)?.root().cloned()
    }

    /// Does something in the transaction that a session is, or for a store in one of its own.
    pub(super) fn write<T>(
        &mut self,
        session: Handle,
        body: impl Fn(&mut Transaction) -> Result<T>,
    ) -> Result<T> {
        if !session.is(Kind::Store) {
            return body(self.transaction(session)?);
        }
        alone(self.stores.get(session)?, body)
    }

    /// How JavaScript is told that a wait has ended.
    pub(super) fn waker(&self) -> Result<Waker> {
        self.waker.clone().ok_or_else(|| {
            Error::new(ErrorCode::Internal, "The native functions were misused: nobody is there to be told.")
        })
    }

    /// Waits for the next lock that a transaction is to begin with, or the one
    /// that its last statement failed for; `None` if there is nothing to wait for.
    /// JavaScript is told when the wait has ended.
    pub(super) fn wait(&mut self, transaction: Handle) -> Result<Option<WaitId>> {
        let waker = self.waker()?;
        let transaction = self.transaction(transaction)?;
        let wake = || -> Wake {
            let waker = waker.clone();
            Box::new(move |wait, how| waker.tell(wait.0, number(how)))
        };
        match transaction.wait_ahead(wake)? {
            Some(begun) => Ok(Some(begun)),
            None => transaction.wait(wake()),
        }
    }

    /// Waits until all that was committed is kept as was asked for; `None` if
    /// there is nothing to wait for. JavaScript is told when the wait has ended:
    /// 0 where it is kept, and otherwise asks again to be given the error.
    pub(super) fn wait_durable(&mut self, store: Handle) -> Result<Option<WaitId>> {
        let store = self.stores.get(store)?;
        let sequence = store.current()?.sequence;
        if let Some(result) = store.durable(sequence) {
            return result.map(|()| None);
        }
        let waker = self.waker()?;
        let id = WaitId::next();
        store.when_durable(sequence, Box::new(move |result| waker.tell(id.0, u8::from(result.is_err()))));
        Ok(Some(id))
    }

    /// Ends everything: transactions are rolled back, stores closed.
    pub(super) fn clear(&mut self) {
        self.cursors.clear();
        self.transactions.clear();
        self.snapshots.clear();
        self.feeds.clear();
        self.attempts.clear();
        self.plans.clear();
        self.stores.clear();
    }
}

/// Does something in a transaction of its own.
pub(super) fn alone<T>(store: &Arc<Store>, body: impl Fn(&mut Transaction) -> Result<T>) -> Result<T> {
    loop {
        let mut transaction = store.begin(Begin::READ_COMMITTED)?;
        let result = body(&mut transaction)?;
        match transaction.commit() {
            Ok(_) => return Ok(result),
            Err(error) if !transaction.was_overtaken() => return Err(error),
            // Others committed meanwhile: on their version it may do.
            Err(_) => {}
        }
    }
}

/// How a wait ended, as JavaScript knows it.
fn number(how: Woken) -> u8 {
    match how {
        Woken::Granted => 0,
        Woken::Deadlock => 1,
        Woken::Ended => 2,
    }
}
