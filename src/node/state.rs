//! What an environment, that is a JavaScript thread, has open.

use std::sync::Arc;

use super::handle::{Handle, Kind, Table};
use super::reading::Reading;
use crate::error::Result;
use crate::query::Plan;
use crate::store::{Begin, Root, Snapshot, Store, Transaction};

/// All that JavaScript holds handles of.
pub(super) struct Environment {
    pub(super) stores: Table<Arc<Store>>,
    pub(super) transactions: Table<OpenTransaction>,
    pub(super) plans: Table<Arc<Plan>>,
    pub(super) cursors: Table<Reading>,
    pub(super) snapshots: Table<Snapshot>,
}

/// A transaction and the store handle that it was begun on.
pub(super) struct OpenTransaction {
    pub(super) transaction: Transaction,
    store: Handle,
}

impl Environment {
    pub(super) fn new() -> Self {
        Self {
            stores: Table::new(Kind::Store),
            transactions: Table::new(Kind::Transaction),
            plans: Table::new(Kind::Plan),
            cursors: Table::new(Kind::Cursor),
            snapshots: Table::new(Kind::Snapshot),
        }
    }

    /// Begins a transaction on a store.
    pub(super) fn begin(&mut self, store: Handle, options: Begin) -> Result<Handle> {
        let transaction = self.stores.get(store)?.begin(options)?;
        self.transactions.insert(OpenTransaction { transaction, store })
    }

    /// Takes a transaction out, to end it.
    pub(super) fn end(&mut self, transaction: Handle) -> Result<Transaction> {
        Ok(self.transactions.remove(transaction)?.transaction)
    }

    /// Rolls back what was begun on a store handle and closes it.
    pub(super) fn close(&mut self, store: Handle) -> Result<()> {
        let closed = self.stores.remove(store)?;
        for transaction in self.transactions.handles(|open| open.store == store) {
            self.transactions.remove(transaction)?.transaction.rollback()?;
        }
        closed.close();
        Ok(())
    }

    /// The version that a session sees.
    pub(super) fn root(&mut self, session: Handle) -> Result<Arc<Root>> {
        if session.is(Kind::Store) {
            return self.stores.get(session)?.current();
        }
        self.transactions.get_mut(session)?.transaction.root().cloned()
    }

    /// Does something in the transaction that a session is, or for a store in one of its own.
    pub(super) fn write<T>(
        &mut self,
        session: Handle,
        body: impl FnOnce(&mut Transaction) -> Result<T>,
    ) -> Result<T> {
        if !session.is(Kind::Store) {
            return body(&mut self.transactions.get_mut(session)?.transaction);
        }
        let options = Begin { read_committed: true, ..Begin::default() };
        let mut transaction = self.stores.get(session)?.begin(options)?;
        let result = body(&mut transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Ends everything: transactions are rolled back, stores closed.
    pub(super) fn clear(&mut self) {
        self.cursors.clear();
        self.transactions.clear();
        self.snapshots.clear();
        self.plans.clear();
        self.stores.clear();
    }
}
