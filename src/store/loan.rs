//! Writing in place: the newest version, lent to a transaction while nobody else holds it.
//!
//! To change a version that others hold, a path of nodes is copied for each entry. So a transaction that has few rows
//! to write is lent the version itself: what it writes is written in place, and its effects tell how to take it back.
//! A commit or a rollback returns the version. Whoever asks for it meanwhile ends the loan: from what was lent the
//! version is made as it was, by copying, and the transaction goes on as one that has its own. Nobody sees a
//! difference, and whoever asks waits for one statement of few rows at most.
//!
//! Locks are taken in this order: publishing, a loan's work, the newest version.

use std::sync::Arc;

use super::recent::{Change, Commit};
use super::root::{Clock, Root};
use super::writer::{Effect, Writer};
use super::{Core, Store};
use crate::error::Result;
use crate::sync::{Mutex, MutexGuard};

/// So many rows are written in place, and no more: they may have to be taken back while others wait.
pub(super) const FEW: usize = 64;

/// The newest version of a store.
pub(super) enum Newest {
    /// For all to read.
    Here(Arc<Root>),
    /// With a transaction, which may have written to it.
    Lent(Arc<Loan>),
}

impl Newest {
    /// How many rows it has; of one that is lent nobody knows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Here(root) => root.rows(),
            Self::Lent(_) => 0,
        }
    }
}

impl Default for Newest {
    fn default() -> Self {
        Self::Here(Arc::default())
    }
}

/// A version that is lent, or was.
pub(super) struct Loan {
    /// The number of the version.
    pub sequence: u64,
    work: Mutex<Work>,
}

/// What a transaction has made of a version that it was lent.
pub(super) struct Work {
    pub root: Arc<Root>,
    pub effects: Vec<Effect>,
    stage: Stage,
}

enum Stage {
    Lent,
    /// The version is published again, as it was.
    Ended(Arc<Root>),
    /// Nothing is left here.
    Over,
}

/// The parts of a loan while a statement writes.
pub(super) struct Lent<'t> {
    core: &'t Core,
    loan: &'t Arc<Loan>,
    stage: &'t mut Stage,
}

impl Loan {
    /// What the transaction has made of the version, if it still has it: for as long as this is kept, it does.
    pub fn working(&self) -> Option<MutexGuard<'_, Work>> {
        Some(self.work.lock()).filter(|work| matches!(work.stage, Stage::Lent))
    }
}

impl Work {
    /// What a statement writes to, and what ends the loan if it writes too much.
    pub fn parts<'t>(
        &'t mut self,
        core: &'t Core,
        loan: &'t Arc<Loan>,
    ) -> (&'t mut Arc<Root>, &'t mut Vec<Effect>, Lent<'t>) {
        (&mut self.root, &mut self.effects, Lent { core, loan, stage: &mut self.stage })
    }

    /// Takes back what was written, all but the first so many effects.
    pub fn take_back(&mut self, to: usize, clock: &Clock) {
        take_back(&mut self.root, &mut self.effects, to, clock);
    }
}

impl Lent<'_> {
    /// Publishes the version as it was before the effects.
    pub fn end(self, root: &Arc<Root>, effects: &[Effect]) {
        let mut base = Arc::clone(root);
        take_back(&mut base, &mut effects.to_vec(), 0, &self.core.clock);
        self.core.give_back(self.loan, Arc::clone(&base));
        *self.stage = Stage::Ended(base);
    }
}

/// Takes effects back, all but the first so many.
pub(super) fn take_back(root: &mut Arc<Root>, effects: &mut Vec<Effect>, to: usize, clock: &Clock) {
    let undone = Writer::new(root, effects, clock).undo_to(to);
    debug_assert!(undone.is_ok(), "the collections of effects are there");
}

impl Core {
    /// The newest version, for all to read.
    pub fn current(&self) -> Arc<Root> {
        loop {
            let loan = match &*self.newest.read() {
                Newest::Here(root) => return Arc::clone(root),
                Newest::Lent(loan) => Arc::clone(loan),
            };
            self.end(&loan, &mut loan.work.lock());
        }
    }

    /// Looks at the newest version without holding it, unless it is lent.
    pub fn look<T>(&self, body: impl FnOnce(&Root) -> T) -> T {
        if let Newest::Here(root) = &*self.newest.read() {
            return body(root);
        }
        body(&self.current())
    }

    fn end(&self, loan: &Arc<Loan>, work: &mut Work) {
        if matches!(work.stage, Stage::Lent) {
            let (root, effects, lent) = work.parts(self, loan);
            lent.end(root, effects);
        }
    }

    /// Lends a version if it is the newest, nobody but the lender holds it and none is being published; it is gone
    /// from `base` then.
    pub fn lend(&self, base: &mut Arc<Root>) -> Option<Arc<Loan>> {
        // The log is written before a version is published, which may have to wait: others must not wait for that.
        if self.durable.is_some() {
            return None;
        }
        let publishing = self.publishing.try_lock()?;
        let mut newest = self.newest.write();
        match &*newest {
            Newest::Here(root) if Arc::ptr_eq(root, base) && Arc::strong_count(root) == 2 => {}
            _ => return None,
        }
        let root = std::mem::replace(base, Root::nothing());
        let work = Work { root, effects: Vec::new(), stage: Stage::Lent };
        let loan = Arc::new(Loan { sequence: work.root.sequence, work: Mutex::new(work) });
        *newest = Newest::Lent(Arc::clone(&loan));
        drop(newest);
        drop(publishing);
        Some(loan)
    }

    /// Ends a loan for the transaction that has it; gives the version as it was, and what the transaction made of it.
    pub fn part(&self, loan: &Arc<Loan>) -> Option<(Arc<Root>, Arc<Root>, Vec<Effect>)> {
        let mut work = loan.work.lock();
        self.end(loan, &mut work);
        let Stage::Ended(base) = std::mem::replace(&mut work.stage, Stage::Over) else { return None };
        Some((base, std::mem::replace(&mut work.root, Root::nothing()), std::mem::take(&mut work.effects)))
    }

    /// Takes back what was written to a version that is lent, and publishes it again.
    pub fn roll_back(&self, loan: &Arc<Loan>) {
        if let Some(mut work) = loan.working() {
            let Work { root, effects, stage } = &mut *work;
            take_back(root, effects, 0, &self.clock);
            self.give_back(loan, std::mem::replace(root, Root::nothing()));
            *stage = Stage::Over;
        }
    }

    /// Publishes a version in the place of a loan, unless the store was closed meanwhile.
    fn give_back(&self, loan: &Arc<Loan>, root: Arc<Root>) {
        let mut newest = self.newest.write();
        if matches!(&*newest, Newest::Lent(same) if Arc::ptr_eq(same, loan)) {
            *newest = Newest::Here(root);
        }
    }
}

impl Store {
    /// Publishes what a transaction has made of a version that it was lent, and gives its sequence number: the loan is
    /// over then. `None` if it was ended before.
    pub(super) fn publish_lent(&self, loan: &Arc<Loan>) -> Option<Result<u64>> {
        let publishing = self.core.publishing.lock();
        let mut work = loan.working()?;
        let Work { root, effects, stage } = &mut *work;
        if effects.is_empty() {
            self.core.give_back(loan, std::mem::replace(root, Root::nothing()));
            *stage = Stage::Over;
            return Some(Ok(loan.sequence));
        }
        let sound = self.check_open().and_then(|()| match root.catalog.defers() {
            true => Writer::new(root, effects, self.clock()).check_deferred(),
            false => Ok(()),
        });
        if let Err(error) = sound {
            return Some(Err(error));
        }
        let sequence = self.number(root, loan.sequence);
        let (root, effects) = (std::mem::replace(root, Root::nothing()), std::mem::take(effects));
        let catalog = Arc::clone(&root.catalog);
        self.core.recent.note(Commit { sequence, catalog, change: Change::Rows(effects) });
        self.core.give_back(loan, root);
        self.core.count(sequence);
        *stage = Stage::Over;
        drop(work);
        drop(publishing);
        self.core.recent.published();
        Some(Ok(sequence))
    }
}
