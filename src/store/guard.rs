//! Locking rows for a transaction, and seeing to it that they are what its version says.

use super::Store;
use super::attempts::Attempts;
use super::locks::{Acquired, LockMode, RowId, TransactionId};
use super::replay::conflict_over;
use super::root::Root;
use super::transaction::Isolation;
use super::violation;
use crate::catalog::{CollectionId, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::sync::atomic::Ordering;
use crate::value::Row;

/// What is done about a lock that others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Wait for it.
    Wait,
    /// Fail.
    Fail,
    /// Do without the row.
    Skip,
}

/// The lock that a statement has failed for, to wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    pub collection: CollectionId,
    pub row: RowId,
    pub mode: LockMode,
}

/// The locks of one transaction, as its statements need them.
pub(super) struct Guard<'t> {
    pub store: &'t Store,
    pub transaction: TransactionId,
    pub isolation: Isolation,
    /// The number of the version that the transaction stands on.
    pub sequence: u64,
    pub base: &'t Root,
    pub blocked: &'t mut Option<Blocked>,
    /// The locks of the transaction, in the order in which it got them.
    pub held: &'t mut Vec<RowId>,
    /// Where to note what it fails for, if it is to be attempted again.
    pub attempts: Option<&'t Attempts>,
}

impl Guard<'_> {
    /// Asks for leave to write to a collection: not while somebody has locked all of it.
    ///
    /// # Errors
    /// `Locked`.
    pub fn enter(&mut self, schema: &Schema) -> Result<()> {
        let locks = self.store.locks();
        if locks.guards().load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        let (row, mode) = (locks.collection(schema.id), LockMode::Shared);
        match locks.acquire(self.transaction, row, mode) {
            Acquired::New => self.held.push(row),
            Acquired::Held => {}
            Acquired::Busy => {
                *self.blocked = Some(Blocked { collection: schema.id, row, mode });
                let name = schema.name();
                let message = format!("collection \"{name}\" is locked by a transaction that is run again");
                return Err(Error::new(ErrorCode::Locked, message).of_collection(name));
            }
        }
        Ok(())
    }

    /// Locks the row of an encoded key, and tells whether it is to be used:
    /// it is not where others have it and `patience` says to skip it.
    ///
    /// # Errors
    /// `Locked` where it must be waited for, `LockNotAvailable` where it must not;
    /// once it is locked, if others have changed it since: `Stale` under read
    /// committed, for the statement to be run on a newer version, else `WriteConflict`.
    pub fn lock(
        &mut self,
        schema: &Schema,
        key: &[u8],
        row: &Row,
        mode: LockMode,
        patience: Patience,
    ) -> Result<bool> {
        let id = self.store.locks().row(schema.id, key);
        match self.store.locks().acquire(self.transaction, id, mode) {
            Acquired::New => {
                self.held.push(id);
                self.check_fresh(id, schema, key, row).map(|()| true)
            }
            // One that was waited for is held already when the row is first looked at.
            Acquired::Held => self.check_fresh(id, schema, key, row).map(|()| true),
            Acquired::Busy => match patience {
                Patience::Wait => {
                    *self.blocked = Some(Blocked { collection: schema.id, row: id, mode });
                    Err(about(schema, row, ErrorCode::Locked, "is locked by another transaction"))
                }
                Patience::Fail => {
                    let why = "is locked by another transaction, and was not to be waited for";
                    Err(about(schema, row, ErrorCode::LockNotAvailable, why))
                }
                Patience::Skip => Ok(false),
            },
        }
    }

    /// Whether the row is still as it was when the transaction looked.
    fn check_fresh(&self, id: RowId, schema: &Schema, key: &[u8], row: &Row) -> Result<()> {
        if self.store.sequence() == self.sequence {
            return Ok(());
        }
        let newest = self.store.current()?;
        let stored = |root: &Root| root.find(schema.id).and_then(|rows| rows.rows.get(key).cloned());
        let same = match (stored(self.base), stored(&newest)) {
            (Some(before), Some(now)) => before.ptr_eq(&now),
            (None, None) => true,
            _ => false,
        };
        match self.isolation {
            _ if same => Ok(()),
            Isolation::ReadCommitted => Err(Error::new(ErrorCode::Stale, "the row has changed meanwhile")),
            Isolation::Snapshot | Isolation::Serializable => {
                if let Some(attempts) = self.attempts {
                    attempts.note_row(self.store.locks(), schema.id, id);
                }
                Err(conflict_over(schema, Some(row)))
            }
        }
    }
}

fn about(schema: &Schema, row: &Row, code: ErrorCode, what: &str) -> Error {
    violation::of_row(schema, row, |row| Error::new(code, format!("{row} {what}")))
}
