//! Transactions in the hands of a thread.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::store::{Store, Transaction};

/// Where a thread is to do its work.
pub(super) enum Target {
    Store(Arc<Store>),
    Transaction(Arc<Lent>),
}

/// A transaction on its way to a thread and back. Whoever ends it meanwhile
/// abandons it: the thread is not kept from its work, but what it did is rolled back.
#[derive(Default)]
pub(super) struct Lent(Mutex<Hands>);

#[derive(Default)]
struct Hands {
    /// Nothing while the thread works with it.
    transaction: Option<Transaction>,
    abandoned: bool,
}

impl Lent {
    /// Takes the transaction; nothing where it was abandoned.
    pub(super) fn take(&self) -> Option<Transaction> {
        self.0.lock().transaction.take()
    }

    /// Works with the transaction, and puts it back.
    ///
    /// # Errors
    /// `TransactionClosed` where it was abandoned.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
        let mut transaction = self.take().ok_or_else(abandoned)?;
        let result = work(&mut transaction);
        self.put(transaction);
        result
    }

    /// Puts the transaction back; rolls it back where it was abandoned.
    pub(super) fn put(&self, transaction: Transaction) {
        let mut hands = self.0.lock();
        if !hands.abandoned {
            hands.transaction = Some(transaction);
        }
    }

    /// Rolls the transaction back, or has the thread do so.
    pub(super) fn abandon(&self) {
        let mut hands = self.0.lock();
        hands.abandoned = true;
        let transaction = hands.transaction.take();
        drop(hands);
        drop(transaction);
    }
}

fn abandoned() -> Error {
    let message = "the transaction was ended while one of its statements was running";
    Error::new(ErrorCode::TransactionClosed, message)
}
