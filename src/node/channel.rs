//! Running plans for JavaScript: what the hot functions do, apart from Node-API.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use super::handle::{Handle, Kind};
use super::pack::{PackedText, Text};
use super::params::{Failure, read_params};
use super::reading::{Reading, read_one, set_away, set_cursor};
use super::state::{Environment, OpenCursor};
use super::statement::Given;
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Params, Session};
use crate::store::{Begin, Isolation, SavepointId};

/// Where the parameters may need more slots, reading them is not for the thread of
/// JavaScript. A buffer is only as large while a call needs it to be.
const MOST_READ: usize = 1 << 17;

/// One caller's way to run plans. Several may share an environment.
pub(super) struct Channel {
    environment: Rc<RefCell<Environment>>,
    /// The text of the chunk at hand; kept for its memory.
    text: Text,
}

impl Channel {
    pub(super) fn new(environment: Rc<RefCell<Environment>>) -> Self {
        Self { environment, text: Text::default() }
    }

    /// Runs a plan in a store or transaction with the parameters in `input` and
    /// `text`; packs the first chunk of its rows into `output` and gives their text.
    /// One that is `patient` may be given up for taking too long, to be run in a thread.
    pub(super) fn exec(
        &mut self,
        session: Handle,
        plan: Handle,
        input: &[f64],
        text: &[u16],
        output: &mut [f64],
        patient: bool,
    ) -> std::result::Result<PackedText<'_>, Failure> {
        let mut environment = borrow(&self.environment)?;
        if patient && input.len() > MOST_READ {
            self.text.clear();
            let given = Given::Packed { slots: input.to_vec(), text: text.to_vec() };
            set_away(output, environment.send_away(session, plan, given)?.to_number());
            return Ok(self.text.as_packed());
        }
        let params = Params::new(read_params(input, text)?);
        let Environment { stores, transactions, plans, cursors, most, .. } = &mut *environment;
        let mut target = if session.is(Kind::Store) {
            Session::Store(stores.get(session)?)
        } else {
            Session::Transaction(transactions.get_mut(session)?.here()?)
        };
        let most = if patient { *most } else { usize::MAX };
        let runnable = plans.get(plan)?;
        if most > 0 && read_one(runnable, &mut target, &params, output, &mut self.text)? {
            return Ok(self.text.as_packed());
        }
        let read = runnable.run_within(target, &params, most).and_then(|outcome| {
            let mut reading = Reading::new(outcome.rows, outcome.affected);
            let more = reading.read(output, &mut self.text)?;
            reading.relax();
            Ok(more.then_some(reading))
        });
        match read {
            Ok(None) => {}
            Ok(Some(reading)) => {
                set_cursor(output, cursors.insert(OpenCursor::new(reading, session))?.to_number());
            }
            Err(Error { code: ErrorCode::TooLong, .. }) => {
                self.text.clear();
                set_away(output, environment.send_away(session, plan, Given::Read(params))?.to_number());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(self.text.as_packed())
    }

    /// Packs the next chunk of a cursor. A cursor that was read to its end, or
    /// that failed, is let go, as is one whose session has ended.
    pub(super) fn next(&mut self, cursor: Handle, output: &mut [f64]) -> Result<PackedText<'_>> {
        let mut environment = borrow(&self.environment)?;
        let read = environment.cursor(cursor).and_then(|open| open.reading.read(output, &mut self.text));
        match &read {
            Ok(true) => set_cursor(output, cursor.to_number()),
            // Where the handle is stale there is nothing to let go, and `read` says so.
            Ok(false) | Err(_) => drop(environment.cursors.remove(cursor)),
        }
        read?;
        Ok(self.text.as_packed())
    }

    /// Begins a transaction, or the next attempt at one where a handle of attempts is given. The mode is the level of
    /// isolation (0 read committed, 1 snapshot, 2 serializable), and 4 more where it only reads.
    pub(super) fn begin(&mut self, store: Handle, mode: u32, attempts: Handle) -> Result<Handle> {
        let isolation = match mode & 3 {
            0 => Isolation::ReadCommitted,
            1 => Isolation::Snapshot,
            _ => Isolation::Serializable,
        };
        let options = Begin { isolation, read_only: mode & 4 != 0 };
        let attempts = attempts.is(Kind::Attempts).then_some(attempts);
        borrow(&self.environment)?.begin(store, options, attempts)
    }

    /// Commits and ends a transaction, whether or not that succeeds; gives the number of the version made. Where a lot
    /// was done, one that is patient is left as it is, to be committed in a thread.
    pub(super) fn commit(&mut self, transaction: Handle, patient: bool) -> Result<Option<u64>> {
        let mut environment = borrow(&self.environment)?;
        if patient {
            let most = environment.most;
            if environment.transaction(transaction)?.weight() > most {
                return Ok(None);
            }
        }
        environment.taken(transaction)?.commit().map(Some)
    }

    /// Rolls a transaction back and ends it.
    pub(super) fn rollback(&mut self, transaction: Handle) -> Result<()> {
        borrow(&self.environment)?.end(transaction)
    }

    /// Sets a savepoint, which refuses writes until it ends where it is to.
    pub(super) fn savepoint(&mut self, transaction: Handle, read_only: bool) -> Result<SavepointId> {
        let mut environment = borrow(&self.environment)?;
        let transaction = environment.transaction(transaction)?;
        let savepoint = transaction.savepoint()?;
        if read_only {
            transaction.restrict();
        }
        Ok(savepoint)
    }

    /// Goes back to a savepoint, which stays.
    pub(super) fn rollback_to(&mut self, transaction: Handle, savepoint: SavepointId) -> Result<()> {
        borrow(&self.environment)?.transaction(transaction)?.rollback_to(savepoint)
    }

    /// Ends a savepoint and later ones.
    pub(super) fn release(&mut self, transaction: Handle, savepoint: SavepointId) -> Result<()> {
        borrow(&self.environment)?.transaction(transaction)?.release(savepoint)
    }

    /// Lets go of a cursor; of one that is gone already, nothing.
    pub(super) fn close_cursor(&mut self, cursor: Handle) -> Result<()> {
        // An error says that the cursor is gone, which is what was asked for.
        borrow(&self.environment)?.cursors.remove(cursor).ok();
        Ok(())
    }
}

fn borrow(environment: &RefCell<Environment>) -> Result<RefMut<'_, Environment>> {
    environment.try_borrow_mut().map_err(|_| Error::new(ErrorCode::Internal, "The engine was re-entered."))
}
