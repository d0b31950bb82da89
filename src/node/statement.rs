//! Statements that take their time, in a thread.
//!
//! A statement that is found to look at more rows than it may on the thread of
//! JavaScript is run again in a thread of the runtime's pool: on the version that
//! there is when it runs, or with the transaction it belongs to, which is lent for
//! as long as it takes. Its first rows are packed there, too.

use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;

use super::handle::Handle;
use super::lent::Target;
use super::params::{Failure, read_params};
use super::raw::{guarded, settled, with_environment};
use super::reading::Reading;
use super::state::{Environment, OpenCursor, alone};
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Cursor, Outcome, Params, Plan, Session};
use crate::store::Transaction;

/// A statement on its way to a thread.
pub(super) struct Statement {
    plan: Arc<Plan>,
    given: Given,
    target: Target,
}

/// The parameters of a statement.
pub(super) enum Given {
    Read(Params),
    /// As they came: reading them takes long, too.
    Packed {
        slots: Vec<f64>,
        text: Vec<u16>,
    },
}

impl Given {
    fn read(&mut self) -> std::result::Result<Params, Failure> {
        match self {
            Self::Read(params) => Ok(std::mem::take(params)),
            Self::Packed { slots, text } => Ok(Params::new(read_params(slots, text)?)),
        }
    }
}

impl Statement {
    fn run(&mut self) -> std::result::Result<Outcome, Failure> {
        let params = self.given.read()?;
        let patiently = |transaction: &mut Transaction| {
            if self.plan.writes() {
                transaction.keep_up();
            }
            self.plan.run_within(Session::Transaction(transaction), &params, usize::MAX)
        };
        Ok(match &self.target {
            Target::Store(store) if self.plan.writes() => alone(store, patiently),
            Target::Store(store) => self.plan.run_within(Session::Store(store), &params, usize::MAX),
            Target::Transaction(lent) => lent.with(patiently),
        }?)
    }
}

impl Environment {
    /// Prepares a statement for a thread; gives the cursor that will have its rows.
    pub(super) fn send_away(&mut self, session: Handle, plan: Handle, given: Given) -> Result<Handle> {
        let target = self.target(session)?;
        let statement = Statement { plan: Arc::clone(self.plans.get(plan)?), given, target };
        let mut open = OpenCursor::new(Reading::new(Cursor::empty(), 0), session);
        open.statement = Some(statement);
        self.cursors.insert(open)
    }
}

/// Runs the statement of a cursor in a thread, whose rows can be read then.
#[napi(ts_return_type = "Promise<void>")]
pub fn run_aside(env: Env, cursor: f64) -> napi::Result<AsyncTask<Run>> {
    let cursor = Handle::from_number(cursor);
    with_environment(&env, |state| {
        let open = state.cursors.get_mut(cursor)?;
        let session = open.session;
        let statement = open.statement.take();
        let statement = statement
            .ok_or_else(|| Error::new(ErrorCode::Internal, "The statement of a cursor runs already."))?;
        Ok(AsyncTask::new(Run { cursor, session, statement }))
    })
}

/// The run of a statement in a thread.
pub struct Run {
    cursor: Handle,
    session: Handle,
    statement: Statement,
}

impl Task for Run {
    type Output = std::result::Result<Reading, Failure>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| {
            let outcome = self.statement.run()?;
            let mut reading = Reading::new(outcome.rows, outcome.affected);
            reading.pack_ahead()?;
            Ok(reading)
        }))
    }

    fn resolve(&mut self, env: Env, ended: Self::Output) -> napi::Result<()> {
        settled(&env, |state| {
            state.take_back(self.session, &self.statement.target);
            match ended {
                // Where it was closed meanwhile, nobody wants its rows.
                Ok(reading) => {
                    if let Ok(open) = state.cursors.get_mut(self.cursor) {
                        open.reading = reading;
                    }
                    Ok(())
                }
                Err(error) => {
                    drop(state.cursors.remove(self.cursor));
                    Err(error)
                }
            }
        })
    }
}
