//! Changes of the schema, and commits: in a thread where they take long.

use std::fmt::Display;

use napi::bindgen_prelude::{AsyncTask, Either};
use napi::{Env, Task};
use napi_derive::napi;

use super::handle::Handle;
use super::lent::Target;
use super::raw::{guarded, settled, with_environment};
use super::state::alone;
use crate::catalog::{DiffOptions, SchemaDef};
use crate::error::{Error, ErrorCode, Result};
use crate::store::Transaction;

/// Changes the schema to the target; gives a line for each change. A patient
/// caller gets a promise of them where there is a lot of data.
#[napi(ts_return_type = "string[] | Promise<string[]>")]
pub fn apply_schema(
    env: Env,
    session: f64,
    target: String,
    options: String,
    patient: bool,
) -> napi::Result<Either<Vec<String>, AsyncTask<Change>>> {
    let session = Handle::from_number(session);
    with_environment(&env, |state| {
        let (schema, options) = (parsed(&target)?, parsed(&options)?);
        if patient && state.root(session)?.rows() > state.most {
            let target = state.target(session)?;
            return Ok(Either::B(AsyncTask::new(Change { session, target, schema, options })));
        }
        state.write(session, |transaction| apply(transaction, &schema, options)).map(Either::A)
    })
}

/// Commits and ends a transaction in a thread, whether or not that succeeds; gives
/// the number of the version made.
#[napi(ts_return_type = "Promise<number>")]
pub fn commit_aside(env: Env, transaction: f64) -> napi::Result<AsyncTask<Commit>> {
    with_environment(&env, |state| {
        let transaction = state.taken(Handle::from_number(transaction))?;
        Ok(AsyncTask::new(Commit { transaction }))
    })
}

fn apply(transaction: &mut Transaction, schema: &SchemaDef, options: DiffOptions) -> Result<Vec<String>> {
    Ok(lines(&transaction.apply_schema(schema, options)?))
}

/// Changes as lines for people.
pub(super) fn lines(changes: &[impl Display]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

/// What JavaScript has written as JSON.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorCode::InvalidSchema, format!("The definition of the schema cannot be read: {error}"))
    })
}

/// A change of the schema in a thread.
pub struct Change {
    session: Handle,
    target: Target,
    schema: SchemaDef,
    options: DiffOptions,
}

impl Task for Change {
    type Output = Result<Vec<String>>;
    type JsValue = Vec<String>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let work = |transaction: &mut Transaction| apply(transaction, &self.schema, self.options);
        Ok(guarded(|| match &self.target {
            Target::Store(store) => alone(store, work),
            Target::Transaction(lent) => lent.with(work),
        }))
    }

    fn resolve(&mut self, env: Env, changes: Self::Output) -> napi::Result<Vec<String>> {
        settled(&env, |state| {
            state.take_back(self.session, &self.target);
            changes
        })
    }
}

/// A commit in a thread.
pub struct Commit {
    transaction: Transaction,
}

impl Task for Commit {
    type Output = Result<u64>;
    type JsValue = f64;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| self.transaction.commit()))
    }

    fn resolve(&mut self, env: Env, committed: Self::Output) -> napi::Result<f64> {
        settled(&env, |_| committed.map(|sequence| sequence as f64))
    }
}
