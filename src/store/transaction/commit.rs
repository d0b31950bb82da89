//! Publishing what a transaction did.

use std::sync::Arc;

use super::Transaction;
use crate::catalog::Schema;
use crate::error::Result;
use crate::store::absorb::absorb;
use crate::store::loan::FEW;
use crate::store::reads::Reads;
use crate::store::recent::{Change, Commit};
use crate::store::replay;
use crate::store::root::Root;
use crate::store::writer::{Effect, Writer};
use crate::store::{Isolation, Published};

impl Transaction {
    /// Has what others commit from now on kept, because much will be done: it is
    /// then less to do that here than to do all of this on theirs.
    pub fn keep_up(&mut self) {
        if !std::mem::replace(&mut self.watches, true) {
            self.store.watch();
        }
    }

    pub(super) fn publish(&mut self) -> Result<u64> {
        self.part();
        if self.effects.len() > FEW && !self.restructured {
            self.catch_up()?;
        }
        if self.effects.is_empty() && !self.restructured {
            Ok(self.base.sequence)
        } else {
            let store = Arc::clone(&self.store);
            store.publish(|current| {
                self.overtaken |= current.sequence != self.base.sequence;
                self.validate(current)?;
                self.rebase(current)?;
                self.check_deferred()?;
                let change = match self.restructured {
                    true => Change::Everything,
                    false => Change::Rows(std::mem::take(&mut self.effects)),
                };
                // Whoever publishes must be alone with the version; the base costs nothing in its place.
                let root = std::mem::replace(&mut self.root, Arc::clone(&self.base));
                Ok(Published { root, change })
            })
        }
    }

    /// Whether others had committed since its version when it tried to.
    pub fn was_overtaken(&self) -> bool {
        self.overtaken
    }

    /// Makes the working version stand on the newest one before others have to
    /// wait for it, as long as they leave much to do.
    fn catch_up(&mut self) -> Result<()> {
        const ROUNDS: usize = 8;
        for _ in 0..ROUNDS {
            let newest = self.store.current()?;
            if newest.sequence == self.base.sequence {
                break;
            }
            self.overtaken = true;
            self.validate(&newest)?;
            self.advance(&newest)?;
        }
        Ok(())
    }

    /// Makes the working version stand on a newer one: by less work than doing all again, if that will do.
    pub(super) fn advance(&mut self, newest: &Arc<Root>) -> Result<()> {
        let commits = self.store.commits_between(self.base.sequence, newest.sequence);
        let few = |commits: &Vec<Arc<Commit>>| {
            commits.iter().map(|commit| commit.change.weight()).sum::<usize>() < self.effects.len()
        };
        let absorbed =
            commits.filter(few).and_then(|commits| absorb(&self.root, &commits, newest, self.store.clock()));
        match absorbed {
            Some(root) => {
                self.root = root;
                self.base = Arc::clone(newest);
                Ok(())
            }
            None => self.replay(newest),
        }
    }

    /// Makes the working version stand on the newest one, for a commit.
    fn rebase(&mut self, newest: &Arc<Root>) -> Result<()> {
        if newest.sequence != self.base.sequence {
            if self.restructured {
                return Err(replay::conflict(
                    "others committed or restored while it changed the schema or cleared a collection",
                ));
            }
            return self.advance(newest);
        }
        if !Arc::ptr_eq(newest, &self.base) {
            self.adopt(newest);
        }
        Ok(())
    }

    /// Sees to it that nothing has changed that the transaction has read.
    fn validate(&self, newest: &Root) -> Result<()> {
        let Some(reads) = &self.reads else { return Ok(()) };
        let Some(commits) = self.store.commits_between(self.base.sequence, newest.sequence) else {
            if let Some(attempts) = &self.attempts {
                for id in reads.lock().collections() {
                    attempts.note_collection(self.store.locks(), id);
                }
            }
            return Err(replay::conflict("too much has been committed since it began"));
        };
        let reads = reads.lock();
        match commits.iter().find_map(|commit| reads.changed_by(commit)) {
            None => Ok(()),
            Some(None) => {
                Err(replay::conflict("others changed the schema, cleared a collection or restored"))
            }
            Some(Some((effect, schema))) => {
                self.note_read(&reads, effect, schema);
                Err(replay::conflict_over(schema, effect.before.as_ref().or(effect.after.as_ref())))
            }
        }
    }

    /// Notes what a lock would have to be on, for what was read not to change.
    fn note_read(&self, reads: &Reads, effect: &Effect, schema: &Schema) {
        let Some(attempts) = &self.attempts else { return };
        match &effect.before {
            Some(row) if reads.by_key(schema, row) => {
                let locks = self.store.locks();
                attempts.note_row(locks, schema.id, locks.row(schema.id, &schema.primary_key(row)));
            }
            _ => attempts.note_collection(self.store.locks(), schema.id),
        }
    }

    fn check_deferred(&mut self) -> Result<()> {
        if !self.root.catalog.defers() {
            return Ok(());
        }
        Writer::new(&mut self.root, &mut self.effects, self.store.clock()).check_deferred()
    }

    /// Takes over the automatic indexes that were made since, where the data is still the same.
    fn adopt(&mut self, newest: &Root) {
        let root = Arc::make_mut(&mut self.root);
        for (slot, published) in root.collections.iter_mut().zip(&newest.collections) {
            if let (Some(own), Some(published)) = (slot, published)
                && own.rows.ptr_eq(&published.rows)
                && Arc::ptr_eq(&own.schema, &published.schema)
                && Arc::ptr_eq(&own.shared, &published.shared)
            {
                *own = Arc::clone(published);
            }
        }
    }

    /// Does what was done again, on a newer version.
    fn replay(&mut self, newest: &Arc<Root>) -> Result<()> {
        let (root, effects) = replay::replay(
            &self.root,
            &self.effects,
            newest,
            self.options.isolation == Isolation::ReadCommitted,
            self.store.clock(),
        )?;
        for savepoint in self.savepoints.iter_mut().filter(|savepoint| savepoint.told.is_none()) {
            savepoint.told = Some(self.effects.iter().take(savepoint.effects).cloned().collect());
        }
        self.root = root;
        self.effects = effects;
        self.base = Arc::clone(newest);
        Ok(())
    }

    /// What its commit costs, in rows looked at.
    pub fn weight(&self) -> usize {
        let rows = if self.restructured { self.base.rows().max(self.root.rows()) } else { 0 };
        self.effects.len().saturating_mul(8).max(rows)
    }
}
