//! Savepoints: states of a transaction to come back to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Transaction;
use crate::error::{Error, ErrorCode, Result};
use crate::store::loan::take_back;
use crate::store::root::Root;
use crate::store::writer::Effect;

/// The number of a savepoint among all savepoints of all transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SavepointId(pub u64);

pub(super) struct Savepoint {
    pub id: SavepointId,
    pub version: Kept,
    /// How many of the transaction's effects it has.
    pub effects: usize,
    /// How many of its locks.
    pub locks: usize,
    /// Those effects, where the transaction's have since been told anew on a newer version.
    pub told: Option<Vec<Effect>>,
    pub restructured: bool,
    /// Whether the transaction only read when it was set.
    pub read_only: bool,
}

/// The version of a savepoint.
pub(super) enum Kept {
    /// The one that the transaction stands on, or was lent: later effects are to be taken back.
    InPlace,
    /// One of its own, and the published one that it stands on.
    Own { base: Arc<Root>, root: Arc<Root> },
}

impl Transaction {
    /// Sets a savepoint. Its cost does not depend on the data.
    pub fn savepoint(&mut self) -> Result<SavepointId> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        self.check_open()?;
        if !self.settled {
            // What it waited for before it begins is to be seen here, too.
            self.root()?;
            self.settled = true;
        }
        let lent = self.loan.as_ref().and_then(|loan| loan.working()).map(|work| work.effects.len());
        let (version, effects) = match lent {
            Some(effects) => (Kept::InPlace, effects),
            None => {
                self.part();
                let version = match self.is_base() {
                    true => Kept::InPlace,
                    false => Kept::Own { base: Arc::clone(&self.base), root: Arc::clone(&self.root) },
                };
                (version, self.effects.len())
            }
        };
        let id = SavepointId(LAST.fetch_add(1, Ordering::Relaxed) + 1);
        self.savepoints.push(Savepoint {
            id,
            version,
            effects,
            locks: self.held.len(),
            told: None,
            restructured: self.restructured,
            read_only: self.options.read_only,
        });
        Ok(id)
    }

    /// Refuses writes until the newest savepoint is released or gone back to.
    pub fn restrict(&mut self) {
        self.options.read_only = true;
    }

    /// Goes back to a savepoint, which stays; later ones are gone.
    ///
    /// # Errors
    /// `SavepointNotFound` if the savepoint was released, or is of another transaction.
    pub fn rollback_to(&mut self, id: SavepointId) -> Result<()> {
        let at = self.place(id)?;
        self.savepoints.truncate(at + 1);
        self.go_back();
        if let Some(savepoint) = self.savepoints.last() {
            self.restructured = savepoint.restructured;
            self.options.read_only = savepoint.read_only;
            let released = self.held.split_off(savepoint.locks.min(self.held.len()));
            if !released.is_empty() {
                self.store.locks().release(self.id, &released);
            }
        }
        Ok(())
    }

    /// Goes back to the version of the newest savepoint.
    fn go_back(&mut self) {
        let Some(savepoint) = self.savepoints.last() else { return };
        let in_place = matches!(savepoint.version, Kept::InPlace);
        let loan = self.loan.as_ref().filter(|_| in_place);
        if let Some(mut work) = loan.and_then(|loan| loan.working()) {
            Root::let_go(&mut self.root);
            return work.take_back(savepoint.effects, self.store.clock());
        }
        self.part();
        let Some(savepoint) = self.savepoints.last() else { return };
        match &savepoint.version {
            Kept::InPlace => self.root = Arc::clone(&self.base),
            Kept::Own { base, root } => (self.base, self.root) = (Arc::clone(base), Arc::clone(root)),
        }
        match &savepoint.told {
            Some(told) => self.effects.clone_from(told),
            None => self.effects.truncate(savepoint.effects),
        }
    }

    /// Forgets a savepoint and all later ones; what was done since stays.
    ///
    /// # Errors
    /// `SavepointNotFound` if the savepoint was released, or is of another transaction.
    pub fn release(&mut self, id: SavepointId) -> Result<()> {
        let at = self.place(id)?;
        if let Some(savepoint) = self.savepoints.get(at) {
            self.options.read_only = savepoint.read_only;
        }
        self.savepoints.truncate(at);
        Ok(())
    }

    fn place(&self, id: SavepointId) -> Result<usize> {
        self.check_open()?;
        self.savepoints.iter().position(|savepoint| savepoint.id == id).ok_or_else(|| {
            let message =
                "the savepoint does not exist in this transaction, or was released or rolled back over";
            Error::new(ErrorCode::SavepointNotFound, message)
        })
    }

    /// Gives savepoints versions of their own, where effects would have to be taken back for them.
    pub(super) fn keep_savepoints(&mut self) {
        let in_place =
            |savepoint: &&mut Savepoint| savepoint.effects > 0 && matches!(savepoint.version, Kept::InPlace);
        let mut version = None;
        for savepoint in self.savepoints.iter_mut().rev().filter(in_place) {
            let (root, effects) =
                version.get_or_insert_with(|| (Arc::clone(&self.root), self.effects.clone()));
            take_back(root, effects, savepoint.effects, self.store.clock());
            savepoint.version = Kept::Own { base: Arc::clone(&self.base), root: Arc::clone(root) };
        }
    }
}
