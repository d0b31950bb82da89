//! The functions that are not hot, as generated bindings on handles.

use std::sync::Arc;
use std::time::SystemTime;

use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;

use super::change::{lines, parsed};
use super::handle::Handle;
use super::raw::{self, with_environment};
use super::state::MOST;
use super::wake::{Told, Waker};
use crate::catalog::{DiffOptions, Rename};
use crate::error::{Error, ErrorCode, Result};
use crate::log::Statistics;
use crate::query::Plan;
use crate::store::{Store, WaitId};

/// The functions that run plans, over two buffers of their own.
#[napi(
    ts_return_type = "{ attach(input: Float64Array, output: Float64Array): void; exec(session: number, plan: number, text: string): string; start(session: number, plan: number, text: string): string; next(cursor: number): string; closeCursor(cursor: number): void }"
)]
pub fn connect(env: Env) -> napi::Result<Object<'static>> {
    raw::connect(&env)
}

/// How many rows a statement may look at before it goes on in a thread; as many as by default without a number.
#[napi]
pub fn set_most(env: Env, most: Option<f64>) -> napi::Result<()> {
    with_environment(&env, |state| {
        state.most = most.map_or(MOST, |most| most as usize);
        Ok(())
    })
}

/// Opens the store of a name, or without a name a private one.
#[napi]
pub fn open(env: Env, name: Option<String>) -> napi::Result<f64> {
    with_environment(&env, |state| number(state.stores.insert(Store::open(name.as_deref()))))
}

/// Begins to wait until all that was committed is kept as was asked for; gives
/// the number of the wait, or 0 if there is nothing to wait for.
#[napi]
pub fn wait_durable(env: Env, store: f64) -> napi::Result<f64> {
    with_environment(&env, |state| {
        let wait = state.wait_durable(Handle::from_number(store))?;
        Ok(wait.map_or(0.0, |wait| wait.0 as f64))
    })
}

/// How the log of a store is doing, as JSON; nothing where nothing is kept.
#[napi]
pub fn statistics(env: Env, store: f64) -> napi::Result<Option<String>> {
    with_environment(&env, |state| {
        let store = state.stores.get(Handle::from_number(store))?;
        let shown = |statistics: Statistics| {
            let milliseconds = |time: Option<SystemTime>| {
                Some(time?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis() as u64)
            };
            serde_json::json!({
                "path": store.path(),
                "durability": statistics.durability.as_str(),
                "sequence": statistics.sequence,
                "synced": statistics.synced,
                "logBytes": statistics.log_bytes,
                "checkpoint": statistics.checkpoint,
                "checkpointBytes": statistics.checkpoint_bytes,
                "syncedAt": milliseconds(statistics.synced_at),
                "checkpointedAt": milliseconds(statistics.checkpointed_at),
                "failed": statistics.failed.map(|error| error.message),
                "notices": store.notices(),
            })
            .to_string()
        };
        Ok(store.statistics().map(shown))
    })
}

/// Rolls back the transactions begun on a store handle and closes it.
#[napi]
pub fn close(env: Env, store: f64) -> napi::Result<()> {
    with_environment(&env, |state| state.close(Handle::from_number(store)))
}

/// Reads a plan.
#[napi]
pub fn compile(env: Env, plan: String) -> napi::Result<f64> {
    with_environment(&env, |state| number(state.plans.insert(Plan::parse(&plan)?.into())))
}

/// Lets a plan go.
#[napi]
pub fn drop_plan(env: Env, plan: f64) -> napi::Result<()> {
    with_environment(&env, |state| state.plans.remove(Handle::from_number(plan)).map(drop))
}

/// What the attempts at the same work leave to each other.
#[napi]
pub fn new_attempts(env: Env) -> napi::Result<f64> {
    with_environment(&env, |state| number(state.attempts.insert(Arc::default())))
}

/// Says that there will be no other attempt.
#[napi]
pub fn drop_attempts(env: Env, attempts: f64) -> napi::Result<()> {
    with_environment(&env, |state| state.attempts.remove(Handle::from_number(attempts)).map(drop))
}

/// Which function is told that a wait has ended: its number, and 0 where it was
/// granted, 1 for a deadlock, 2 where the transaction has ended.
#[napi(ts_args_type = "told: (wait: number, how: number) => void")]
pub fn on_wake(env: Env, told: Function<'_, Told, ()>) -> napi::Result<()> {
    let waker = Waker::new(&told)?;
    with_environment(&env, |state| {
        state.waker = Some(waker);
        Ok(())
    })
}

/// Begins to wait for the next lock that a transaction is to begin with, or the
/// one that its last statement failed for; gives the number of the wait, or 0 if
/// there is nothing to wait for.
#[napi]
pub fn wait_for_lock(env: Env, transaction: f64) -> napi::Result<f64> {
    with_environment(&env, |state| {
        let wait = state.wait(Handle::from_number(transaction))?;
        Ok(wait.map_or(0.0, |wait| wait.0 as f64))
    })
}

/// Ends a wait; false if it has ended already.
#[napi]
pub fn cancel_wait(env: Env, transaction: f64, wait: f64) -> napi::Result<bool> {
    with_environment(&env, |state| {
        Ok(state.transaction(Handle::from_number(transaction))?.cancel_wait(WaitId(wait as u64)))
    })
}

/// Keeps the store as it is.
#[napi]
pub fn snapshot(env: Env, store: f64) -> napi::Result<f64> {
    with_environment(&env, |state| {
        let snapshot = state.stores.get(Handle::from_number(store))?.snapshot()?;
        number(state.snapshots.insert(snapshot))
    })
}

/// Opens a new store that begins as what was kept, under a name that no other has.
#[napi]
pub fn fork(env: Env, snapshot: f64, name: String) -> napi::Result<f64> {
    with_environment(&env, |state| {
        let snapshot = state.snapshots.get(Handle::from_number(snapshot))?;
        number(state.stores.insert(snapshot.fork(Some(&name))?))
    })
}

/// Makes the store what it was.
#[napi]
pub fn restore(env: Env, store: f64, snapshot: f64) -> napi::Result<()> {
    with_environment(&env, |state| {
        let store = state.stores.get(Handle::from_number(store))?;
        store.restore(state.snapshots.get(Handle::from_number(snapshot))?)
    })
}

/// Lets a snapshot go.
#[napi]
pub fn drop_snapshot(env: Env, snapshot: f64) -> napi::Result<()> {
    with_environment(&env, |state| state.snapshots.remove(Handle::from_number(snapshot)).map(drop))
}

/// What `applySchema` would change.
#[napi]
pub fn diff_schema(env: Env, session: f64, target: String, options: String) -> napi::Result<Vec<String>> {
    with_environment(&env, |state| {
        let (target, options) = (parsed(&target)?, parsed::<DiffOptions>(&options)?);
        let root = state.root(Handle::from_number(session))?;
        Ok(lines(&crate::catalog::diff(&root.catalog, &target, options)))
    })
}

/// Creates collections beside those there are; gives a line for each change.
#[napi]
pub fn create_schema(env: Env, session: f64, target: String) -> napi::Result<Vec<String>> {
    with_environment(&env, |state| {
        let target = parsed(&target)?;
        let changes =
            state.write(Handle::from_number(session), |transaction| transaction.create_schema(&target))?;
        Ok(lines(&changes))
    })
}

/// Gives a collection another name.
#[napi]
pub fn rename_collection(env: Env, session: f64, from: String, to: String) -> napi::Result<()> {
    let rename = Rename::Collection { from: &from, to: &to };
    with_environment(&env, |state| {
        state.write(Handle::from_number(session), |transaction| transaction.rename(rename))
    })
}

/// Gives a field of a collection another name.
#[napi]
pub fn rename_field(
    env: Env,
    session: f64,
    collection: String,
    from: String,
    to: String,
) -> napi::Result<()> {
    let rename = Rename::Field { collection: &collection, from: &from, to: &to };
    with_environment(&env, |state| {
        state.write(Handle::from_number(session), |transaction| transaction.rename(rename))
    })
}

/// Drops the named collections, without names all; gives a line for each change.
#[napi]
pub fn drop_schema(env: Env, session: f64, collections: Option<Vec<String>>) -> napi::Result<Vec<String>> {
    with_environment(&env, |state| {
        let changes = state.write(Handle::from_number(session), |transaction| match &collections {
            Some(names) => {
                transaction.drop_collections(&names.iter().map(String::as_str).collect::<Vec<_>>())
            }
            None => transaction.drop_schema(),
        })?;
        Ok(lines(&changes))
    })
}

/// Takes all rows out of the named collections, without names of all.
#[napi]
pub fn clear(
    env: Env,
    session: f64,
    collections: Option<Vec<String>>,
    reset_counters: bool,
) -> napi::Result<()> {
    with_environment(&env, |state| {
        state.write(Handle::from_number(session), |transaction| {
            let root = transaction.root()?;
            let ids = match &collections {
                Some(names) => {
                    names.iter().map(|name| Ok(root.catalog.get(name)?.id)).collect::<Result<Vec<_>>>()?
                }
                None => root.collections().map(|collection| collection.schema.id).collect(),
            };
            transaction.clear(&ids, reset_counters)
        })
    })
}

/// The schema as JSON text.
#[napi]
pub fn describe(env: Env, session: f64) -> napi::Result<String> {
    with_environment(&env, |state| {
        let definition = state.root(Handle::from_number(session))?.catalog.definition();
        serde_json::to_string(&definition).map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))
    })
}

/// An index that the store made by itself.
#[napi(object)]
pub struct AutoIndex {
    /// The collection's name.
    pub collection: String,
    /// What is indexed: field names, with the keys inside documents behind them.
    pub paths: Vec<String>,
    /// How many entries it has.
    pub entries: f64,
}

/// The indexes that the store made by itself.
#[napi]
pub fn auto_indexes(env: Env, session: f64) -> napi::Result<Vec<AutoIndex>> {
    with_environment(&env, |state| {
        let indexes = state.root(Handle::from_number(session))?.auto_indexes();
        let shown = |index: crate::store::AutoIndex| AutoIndex {
            collection: index.collection,
            paths: index.paths,
            entries: index.entries as f64,
        };
        Ok(indexes.into_iter().map(shown).collect())
    })
}

/// Switches the making of indexes by the store itself on, or off, which drops those there are.
#[napi]
pub fn set_auto_index(env: Env, store: f64, on: bool) -> napi::Result<()> {
    with_environment(&env, |state| state.stores.get(Handle::from_number(store))?.set_auto_index(on))
}

fn number(handle: Result<Handle>) -> Result<f64> {
    handle.map(Handle::to_number)
}
