//! The change feed: what is committed, in the order of the commits.

use std::sync::Arc;

use super::Store;
use super::locks::WaitId;
use super::recent::Commit;
use crate::error::{Error, ErrorCode, Result};

/// A reader of committed changes. While there is one, the store keeps the latest
/// commits, up to a bound: a reader that falls behind further loses its place.
pub struct Feed {
    store: Arc<Store>,
    /// The version that was read last.
    sequence: u64,
}

impl Feed {
    /// The commits since the last that was read, at most so many; empty when there are none yet.
    ///
    /// # Errors
    /// `TooFarBehind` if some of them are not kept any more, `StoreClosed`.
    pub fn read(&mut self, most: u64) -> Result<Vec<Arc<Commit>>> {
        let newest = self.store.current()?.sequence;
        let until = newest.min(self.sequence.saturating_add(most));
        let commits = self.store.commits_between(self.sequence, until).ok_or_else(|| {
            let message = format!(
                "the changes behind {} are not kept any more, the newest being {newest}: read the collections anew and go on from there",
                self.sequence
            );
            Error::new(ErrorCode::TooFarBehind, message)
        })?;
        self.sequence = until;
        Ok(commits)
    }

    /// Calls back with the next commit; `None` where there are commits to read already.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn wait(&self, wake: Box<dyn FnOnce(WaitId) + Send>) -> Result<Option<WaitId>> {
        self.store.check_open()?;
        Ok(self.store.core.recent.wait(self.sequence, || self.store.sequence(), wake))
    }

    /// Ends a wait; nothing if it has ended already.
    pub fn cancel_wait(&self, id: WaitId) {
        self.store.core.recent.cancel(id);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.store.unwatch();
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Store {
    /// Reads what is committed behind a version; without one, behind the newest.
    ///
    /// # Errors
    /// `TooFarBehind` if the changes behind the version are not kept, `OutOfRange`
    /// if there is no such version yet, `StoreClosed`.
    pub fn changes(self: &Arc<Self>, from: Option<u64>) -> Result<Feed> {
        self.check_open()?;
        self.watch();
        let newest = self.sequence();
        let feed = Feed { store: Arc::clone(self), sequence: from.unwrap_or(newest) };
        if feed.sequence > newest {
            let message =
                format!("there is no version {} of the store yet: the newest is {newest}", feed.sequence);
            return Err(Error::new(ErrorCode::OutOfRange, message));
        }
        if feed.sequence < newest && self.commits_between(feed.sequence, newest).is_none() {
            let message = format!(
                "the changes behind {} are not kept, the newest being {newest}: they are kept while somebody reads them",
                feed.sequence
            );
            return Err(Error::new(ErrorCode::TooFarBehind, message));
        }
        Ok(feed)
    }
}
