//! Readers of committed changes, for JavaScript.

use napi::Env;
use napi_derive::napi;

use super::handle::Handle;
use super::raw::with_environment;
use super::reading::Reading;
use super::state::{Environment, OpenCursor};
use crate::error::Result;
use crate::query::{Cursor, change_documents};
use crate::store::{Feed, WaitId};

/// So many commits are read at a time.
const MOST_COMMITS: u64 = 256;

/// A reader of changes, the store handle it belongs to and what it is to read.
pub(super) struct OpenFeed {
    feed: Feed,
    pub(super) store: Handle,
    collections: Option<Vec<String>>,
}

impl Environment {
    /// A cursor over the changes that have been committed since it was last asked; `None` if none have.
    fn read_changes(&mut self, feed: Handle) -> Result<Option<Handle>> {
        let open = self.feeds.get_mut(feed)?;
        loop {
            let commits = open.feed.read(MOST_COMMITS)?;
            if commits.is_empty() {
                return Ok(None);
            }
            let wanted = open.collections.as_deref();
            let documents: Vec<_> =
                commits.iter().flat_map(|commit| change_documents(commit, wanted)).collect();
            if !documents.is_empty() {
                let reading = Reading::new(Cursor::documents(documents), 0);
                return self.cursors.insert(OpenCursor::new(reading, feed)).map(Some);
            }
        }
    }
}

/// Begins to read the changes behind a version, without one behind the newest, of
/// the named collections, without names of all.
#[napi]
pub fn open_changes(
    env: Env,
    store: f64,
    from: Option<f64>,
    collections: Option<Vec<String>>,
) -> napi::Result<f64> {
    with_environment(&env, |state| {
        let store = Handle::from_number(store);
        let current = state.stores.get(store)?.current()?;
        for name in collections.iter().flatten() {
            current.catalog.get(name)?;
        }
        let feed = state.stores.get(store)?.changes(from.map(|from| from as u64))?;
        state.feeds.insert(OpenFeed { feed, store, collections }).map(Handle::to_number)
    })
}

/// A cursor over the changes committed since it was last asked, each a document; 0 if there are none.
#[napi]
pub fn read_changes(env: Env, feed: f64) -> napi::Result<f64> {
    with_environment(&env, |state| {
        Ok(state.read_changes(Handle::from_number(feed))?.map_or(0.0, Handle::to_number))
    })
}

/// Begins to wait for the next commit; gives the number of the wait, or 0 if there are changes already.
#[napi]
pub fn wait_for_changes(env: Env, feed: f64) -> napi::Result<f64> {
    with_environment(&env, |state| {
        let waker = state.waker()?;
        let open = state.feeds.get(Handle::from_number(feed))?;
        let wait = open.feed.wait(Box::new(move |wait| waker.tell(wait.0, 0)))?;
        Ok(wait.map_or(0.0, |wait| wait.0 as f64))
    })
}

/// Ends the reading of changes, and the wait for more of them, if there is one.
#[napi]
pub fn close_changes(env: Env, feed: f64, wait: f64) -> napi::Result<()> {
    with_environment(&env, |state| {
        let open = state.feeds.remove(Handle::from_number(feed))?;
        open.feed.cancel_wait(WaitId(wait as u64));
        Ok(())
    })
}

/// The number of the newest version of a store.
#[napi]
pub fn sequence(env: Env, store: f64) -> napi::Result<f64> {
    with_environment(&env, |state| {
        Ok(state.stores.get(Handle::from_number(store))?.current()?.sequence as f64)
    })
}
