//! What takes as long as a store is large, done beside the event loop: promises
//! of generated bindings, kept by the threads that the runtime has for such work.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{AsyncTask, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Task};
use napi_derive::napi;

use super::handle::Handle;
use super::raw::{guarded, settled, with_environment};
use crate::error::Result;
use crate::log::{Durability, Findings};
use crate::store::{Keep, LOST, Root, Step, Store};

/// Opens the store that is kept in a directory, or makes an empty one there. A
/// commit counts as made when it is on the disk (0), at once, to be on the disk
/// within `interval` milliseconds (1), or at once (2).
#[napi(ts_return_type = "Promise<number>")]
pub fn open_path(path: String, durability: u32, interval: f64) -> AsyncTask<Opening> {
    let durability = match durability {
        0 => Durability::Commit,
        1 => Durability::Interval(Duration::from_millis(interval as u64)),
        _ => Durability::None,
    };
    AsyncTask::new(Opening { path: path.into(), keep: Keep { durability, ..Keep::default() } })
}

/// Rolls back the transactions begun on a store handle and closes it, as the
/// other closing does, but brings what was committed to the disk in a thread.
/// The handle is of no use as soon as this returns.
#[napi(ts_return_type = "Promise<void>")]
pub fn close_aside(env: Env, store: f64) -> napi::Result<AsyncTask<Work>> {
    let store = with_environment(&env, |state| state.release(Handle::from_number(store)))?;
    Ok(AsyncTask::new(Work { store, work: Store::close }))
}

/// Writes a checkpoint of what is committed.
#[napi(ts_return_type = "Promise<void>")]
pub fn checkpoint(env: Env, store: f64) -> napi::Result<AsyncTask<Work>> {
    let store = with_environment(&env, |state| state.stores.get(Handle::from_number(store)).map(Arc::clone))?;
    Ok(AsyncTask::new(Work { store, work: Store::checkpoint }))
}

/// Writes what is committed now to a directory, as a store that can be opened.
#[napi(ts_return_type = "Promise<void>")]
pub fn backup(env: Env, store: f64, path: String) -> napi::Result<AsyncTask<Backup>> {
    let root = with_environment(&env, |state| state.stores.get(Handle::from_number(store))?.current())?;
    Ok(AsyncTask::new(Backup { root, path: path.into() }))
}

/// Examines the store in a directory and changes nothing; gives what it holds,
/// and all that is wrong with it, as JSON. The function hears how far it is: at
/// which step (0 files, 1 rows), and how much of how much of it is done.
#[napi(ts_return_type = "Promise<string>")]
pub fn check(
    path: String,
    #[napi(ts_arg_type = "(step: number, done: number, total: number) => void")] watch: Option<
        Function<'_, Progress, ()>,
    >,
) -> napi::Result<AsyncTask<Check>> {
    Ok(AsyncTask::new(Check { path: path.into(), watcher: Watcher::new(watch)? }))
}

/// Writes what can be read of the store in a directory to another, new or empty;
/// gives what became of it as JSON. The function hears how far it is.
#[napi(ts_return_type = "Promise<string>")]
pub fn salvage(
    from: String,
    to: String,
    #[napi(ts_arg_type = "(step: number, done: number, total: number) => void")] watch: Option<
        Function<'_, Progress, ()>,
    >,
) -> napi::Result<AsyncTask<Salvage>> {
    Ok(AsyncTask::new(Salvage { from: from.into(), to: to.into(), watcher: Watcher::new(watch)? }))
}

/// Reads the store in a directory into one in memory, and changes nothing in the
/// directory: for those who only want to look.
#[napi(ts_return_type = "Promise<number>")]
pub fn open_view(path: String) -> AsyncTask<View> {
    AsyncTask::new(View { path: path.into() })
}

/// Examines what is committed now; gives the same as the other check.
#[napi(ts_return_type = "Promise<string>")]
pub fn examine(env: Env, store: f64) -> napi::Result<AsyncTask<Examination>> {
    let root = with_environment(&env, |state| state.stores.get(Handle::from_number(store))?.current())?;
    Ok(AsyncTask::new(Examination { root }))
}

/// The opening of a store.
pub struct Opening {
    path: PathBuf,
    keep: Keep,
}

impl Task for Opening {
    type Output = Result<Arc<Store>>;
    type JsValue = f64;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| Store::open_path(&self.path, self.keep)))
    }

    fn resolve(&mut self, env: Env, opened: Self::Output) -> napi::Result<f64> {
        settled(&env, |state| state.stores.insert(opened?).map(Handle::to_number))
    }
}

/// Work on a store that gives nothing but its end.
pub struct Work {
    store: Arc<Store>,
    work: fn(&Store) -> Result<()>,
}

impl Task for Work {
    type Output = Result<()>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| (self.work)(&self.store)))
    }

    fn resolve(&mut self, env: Env, ended: Self::Output) -> napi::Result<()> {
        settled(&env, |_| ended)
    }
}

/// The writing of a version to a directory.
pub struct Backup {
    root: Arc<Root>,
    path: PathBuf,
}

impl Task for Backup {
    type Output = Result<()>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| self.root.backup(&self.path)))
    }

    fn resolve(&mut self, env: Env, ended: Self::Output) -> napi::Result<()> {
        settled(&env, |_| ended)
    }
}

/// The reading of all of a store.
pub struct Check {
    path: PathBuf,
    watcher: Watcher,
}

impl Task for Check {
    type Output = Result<String>;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| {
            let checked =
                Store::check_path(&self.path, &mut |step, done, total| self.watcher.tell(step, done, total))?;
            Ok(report(&checked.root, &checked.findings).to_string())
        }))
    }

    fn resolve(&mut self, env: Env, checked: Self::Output) -> napi::Result<String> {
        settled(&env, |_| checked)
    }
}

/// The saving of what can be read of a store.
pub struct Salvage {
    from: PathBuf,
    to: PathBuf,
    watcher: Watcher,
}

impl Task for Salvage {
    type Output = Result<String>;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| {
            let watch = &mut |step, done, total| self.watcher.tell(step, done, total);
            let salvaged = Store::salvage_path(&self.from, &self.to, watch)?;
            let mut report = report(&salvaged.root, &salvaged.findings);
            report["whole"] = salvaged.whole.into();
            report["apart"] = serde_json::json!(salvaged.apart);
            report["lost"] = (!salvaged.is_whole()).then_some(LOST).into();
            Ok(report.to_string())
        }))
    }

    fn resolve(&mut self, env: Env, salvaged: Self::Output) -> napi::Result<String> {
        settled(&env, |_| salvaged)
    }
}

/// The reading of a store that is not to be changed.
pub struct View {
    path: PathBuf,
}

impl Task for View {
    type Output = Result<Arc<Store>>;
    type JsValue = f64;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| Store::view_path(&self.path)))
    }

    fn resolve(&mut self, env: Env, opened: Self::Output) -> napi::Result<f64> {
        settled(&env, |state| state.stores.insert(opened?).map(Handle::to_number))
    }
}

/// The going through all of a version.
pub struct Examination {
    root: Arc<Root>,
}

impl Task for Examination {
    type Output = Result<String>;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guarded(|| Ok(report(&self.root, &self.root.examine(&mut |_| ())).to_string())))
    }

    fn resolve(&mut self, env: Env, examined: Self::Output) -> napi::Result<String> {
        settled(&env, |_| examined)
    }
}

/// What a version holds and what is wrong with it, as JSON.
fn report(root: &Root, findings: &Findings) -> serde_json::Value {
    let collections =
        root.collections().map(|one| serde_json::json!({"name": one.schema.name(), "rows": one.rows.len()}));
    serde_json::json!({
        "sequence": root.sequence,
        "collections": collections.collect::<Vec<_>>(),
        "findings": findings.list(),
        "more": findings.more(),
    })
}

/// What is told of the progress: the step, what is done of it, and all of it.
pub type Progress = FnArgs<(f64, f64, f64)>;

/// Tells a function how far something is, not more often than anybody can see.
pub struct Watcher {
    told: Option<ThreadsafeFunction<Progress, (), Progress, napi::Status, false, true>>,
    last: Option<(Step, Instant)>,
}

impl Watcher {
    fn new(told: Option<Function<'_, Progress, ()>>) -> napi::Result<Self> {
        let build = |told: Function<'_, Progress, ()>| {
            told.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()
        };
        Ok(Self { told: told.map(build).transpose()?, last: None })
    }

    fn tell(&mut self, step: Step, done: u64, total: u64) {
        let Some(told) = &self.told else { return };
        let shown = |(last, at): (Step, Instant)| last == step && at.elapsed() < Duration::from_millis(50);
        if done < total && self.last.is_some_and(shown) {
            return;
        }
        self.last = Some((step, Instant::now()));
        let step = match step {
            Step::Files => 0.0,
            Step::Rows => 1.0,
        };
        // Where the environment has ended meanwhile there is nobody left to tell.
        told.call((step, done as f64, total as f64).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
