//! The latest commits, kept while somebody asks what has changed since.

use std::collections::VecDeque;
use std::sync::Arc;

use super::locks::WaitId;
use super::writer::Effect;
use crate::catalog::Catalog;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// So many changes of rows are kept; whoever needs older ones comes too late.
const MOST: usize = 100_000;

/// What a commit did.
#[derive(Debug)]
pub struct Commit {
    /// The number of the version that it made.
    pub sequence: u64,
    /// The catalog of that version.
    pub catalog: Arc<Catalog>,
    /// What changed.
    pub change: Change,
}

/// What changed with a commit.
#[derive(Debug)]
pub enum Change {
    /// These rows.
    Rows(Vec<Effect>),
    /// Anything: the schema changed, a collection was cleared or the store restored.
    Everything,
}

impl Change {
    /// How many changes of rows it counts for.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Rows(effects) => effects.len().max(1),
            Self::Everything => 1,
        }
    }
}

/// Commits that nobody is interested in.
#[expect(dead_code, reason = "they are only to be let go, which may take long")]
pub(super) enum Unwanted {
    New(Commit),
    Old(Vec<Arc<Commit>>),
}

/// The latest commits of a store.
#[derive(Default)]
pub(super) struct Recent {
    /// How many watch: where nobody does, commits look no further. Changed while the state is locked.
    watchers: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    weight: usize,
    commits: VecDeque<Arc<Commit>>,
    /// Who waits for the next commit.
    waits: Vec<(WaitId, WakeReader)>,
}

/// Called with the next commit, from whatever thread makes it.
type WakeReader = Box<dyn FnOnce(WaitId) + Send>;

impl Recent {
    /// Keeps commits from now on. To be called while nothing is published.
    pub fn watch(&self) {
        let state = self.state.lock();
        self.watchers.fetch_add(1, Ordering::SeqCst);
        drop(state);
    }

    /// Ends what one [`Recent::watch`] began.
    pub fn unwatch(&self) {
        let mut state = self.state.lock();
        if self.watchers.fetch_sub(1, Ordering::SeqCst) == 1 {
            *state = State::default();
        }
    }

    /// Whether nobody watches, so that nobody waits either.
    fn is_alone(&self) -> bool {
        self.watchers.load(Ordering::SeqCst) == 0
    }

    /// Calls back with the next commit, if `newest` is not behind a version already. To be called by who watches.
    pub fn wait(&self, after: u64, newest: impl Fn() -> u64, wake: WakeReader) -> Option<WaitId> {
        let mut state = self.state.lock();
        // Asked while the state is locked: whoever publishes after that wakes those who wait.
        if newest() > after {
            return None;
        }
        let id = WaitId::next();
        state.waits.push((id, wake));
        Some(id)
    }

    /// Ends a wait; nothing if it has ended already.
    pub fn cancel(&self, id: WaitId) {
        self.state.lock().waits.retain(|(waiting, _)| *waiting != id);
    }

    /// Wakes whoever waits for a commit. To be called when it is published.
    pub fn published(&self) {
        if self.is_alone() {
            return;
        }
        let waits = std::mem::take(&mut self.state.lock().waits);
        for (id, wake) in waits {
            wake(id);
        }
    }

    /// Keeps a commit, if anybody is interested, and gives what is not kept, or no longer. To be called in the order of
    /// the commits.
    pub fn note(&self, commit: Commit) -> Unwanted {
        if self.is_alone() {
            return Unwanted::New(commit);
        }
        let mut state = self.state.lock();
        if self.is_alone() {
            return Unwanted::New(commit);
        }
        state.weight += commit.change.weight();
        state.commits.push_back(Arc::new(commit));
        let mut old = Vec::new();
        while state.weight > MOST {
            let Some(oldest) = state.commits.pop_front() else { break };
            state.weight -= oldest.change.weight();
            old.push(oldest);
        }
        Unwanted::Old(old)
    }

    /// The commits behind a version up to another; `None` if some are not kept any more.
    pub fn between(&self, after: u64, until: u64) -> Option<Vec<Arc<Commit>>> {
        let state = self.state.lock();
        let wanted = until.saturating_sub(after);
        let first = state.commits.front().map_or(until, |commit| commit.sequence);
        let skipped = after.saturating_add(1).checked_sub(first);
        let Some(skipped) = skipped.filter(|_| wanted > 0) else {
            return (wanted == 0).then(Vec::new);
        };
        let kept = state.commits.iter().skip(skipped as usize).take(wanted as usize);
        let commits: Vec<_> = kept.map(Arc::clone).collect();
        (commits.len() as u64 == wanted).then_some(commits)
    }
}
