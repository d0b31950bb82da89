//! Transactions: a version of their own, and what they did to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use super::Store;
use super::alter;
use super::foreign::Cause;
use super::replay;
use super::root::Root;
use super::writer::{Effect, Writer};
use crate::catalog::{Catalog, Change, CollectionId, Component, DiffOptions, SchemaDef, diff, merge};
use crate::error::{Error, ErrorCode, Result};

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Begin {
    /// Each statement sees what others have committed, and a commit goes on from
    /// their result. Otherwise the transaction sees the version it began with,
    /// and a commit fails if others changed a row that it changed.
    pub read_committed: bool,
    /// Writes are refused.
    pub read_only: bool,
}

/// The name of a savepoint among all savepoints of all transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SavepointId(pub u64);

struct Savepoint {
    id: SavepointId,
    name: String,
    base: Arc<Root>,
    root: Arc<Root>,
    /// How many of the transaction's effects it has.
    effects: usize,
    /// Those effects, where the transaction's have since been told anew on a newer version.
    told: Option<Vec<Effect>>,
    restructured: bool,
}

/// A transaction. Dropping it rolls it back.
///
/// Every method of one that has ended is `TransactionClosed`, and of one whose
/// store handle was closed `StoreClosed`.
pub struct Transaction {
    store: Arc<Store>,
    options: Begin,
    /// The published version that `root` stands on.
    base: Arc<Root>,
    /// The version with this transaction's changes.
    root: Arc<Root>,
    effects: Vec<Effect>,
    /// Whether it did what effects do not tell: changed the schema or cleared a collection.
    restructured: bool,
    savepoints: Vec<Savepoint>,
    ended: bool,
}

impl Transaction {
    pub(super) fn new(store: Arc<Store>, base: Arc<Root>, options: Begin) -> Self {
        Self {
            store,
            options,
            root: Arc::clone(&base),
            base,
            effects: Vec::new(),
            restructured: false,
            savepoints: Vec::new(),
            ended: false,
        }
    }

    /// The version that the next statement sees.
    ///
    /// # Errors
    /// Under `read_committed`, whatever keeps the transaction's changes from
    /// standing on what others have committed, such as `Unique`.
    pub fn root(&mut self) -> Result<&Arc<Root>> {
        self.check_open()?;
        if self.options.read_committed {
            let newest = self.store.current()?;
            if !Arc::ptr_eq(&newest, &self.base) && !self.restructured {
                self.replay(&newest)?;
            }
        }
        Ok(&self.root)
    }

    /// What the transaction has done, in order.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Runs one statement: all of it happens, or on an error nothing. Foreign
    /// keys are seen to at its end.
    pub fn statement<T>(&mut self, run: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        self.check_writable()?;
        self.root()?;
        let mut writer = Writer::new(&mut self.root, &mut self.effects, self.store.clock());
        let result = run(&mut writer).and_then(|value| writer.finish(Cause::Statement).map(|()| value));
        if result.is_err() {
            writer.undo()?;
        }
        result
    }

    /// Sets a savepoint. Its cost does not depend on the data. A name may be used
    /// again; it then means the newest savepoint of that name.
    pub fn savepoint(&mut self, name: &str) -> Result<SavepointId> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        self.check_open()?;
        let id = SavepointId(LAST.fetch_add(1, Ordering::Relaxed) + 1);
        self.savepoints.push(Savepoint {
            id,
            name: name.to_owned(),
            base: Arc::clone(&self.base),
            root: Arc::clone(&self.root),
            effects: self.effects.len(),
            told: None,
            restructured: self.restructured,
        });
        Ok(id)
    }

    /// The newest savepoint of a name, or `SavepointNotFound`.
    pub fn find_savepoint(&self, name: &str) -> Result<SavepointId> {
        self.check_open()?;
        let found = self.savepoints.iter().rfind(|savepoint| savepoint.name == name);
        found.map(|savepoint| savepoint.id).ok_or_else(|| {
            let message = format!("savepoint \"{name}\" does not exist in this transaction");
            Error::new(ErrorCode::SavepointNotFound, message)
        })
    }

    /// Goes back to a savepoint, which stays; later ones are gone.
    ///
    /// # Errors
    /// `SavepointNotFound` if the savepoint was released, or is of another transaction.
    pub fn rollback_to(&mut self, id: SavepointId) -> Result<()> {
        let at = self.place(id)?;
        self.savepoints.truncate(at + 1);
        if let Some(savepoint) = self.savepoints.last() {
            self.base = Arc::clone(&savepoint.base);
            self.root = Arc::clone(&savepoint.root);
            match &savepoint.told {
                Some(told) => self.effects.clone_from(told),
                None => self.effects.truncate(savepoint.effects),
            }
            self.restructured = savepoint.restructured;
        }
        Ok(())
    }

    /// Forgets a savepoint and all later ones; what was done since stays.
    ///
    /// # Errors
    /// `SavepointNotFound` if the savepoint was released, or is of another transaction.
    pub fn release(&mut self, id: SavepointId) -> Result<()> {
        let at = self.place(id)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    /// Publishes what the transaction did and ends it, whether or not that
    /// succeeds; gives the sequence number of the version that has it.
    ///
    /// # Errors
    /// `WriteConflict` if others changed the same rows, or the schema, or the
    /// store was restored; the errors of constraints that hold no longer.
    pub fn commit(&mut self) -> Result<u64> {
        self.check_open()?;
        self.ended = true;
        self.savepoints.clear();
        let result = if self.effects.is_empty() && !self.restructured {
            Ok(self.base.sequence)
        } else {
            let store = Arc::clone(&self.store);
            store.publish(|current| {
                self.rebase(current)?;
                self.check_deferred()?;
                Ok(std::mem::take(&mut self.root))
            })
        };
        self.forget();
        result
    }

    /// Ends the transaction as if it had never been.
    pub fn rollback(&mut self) -> Result<()> {
        self.check_open()?;
        self.ended = true;
        self.savepoints.clear();
        self.forget();
        Ok(())
    }

    /// What would lead from the schema that the transaction sees to the target.
    pub fn diff_schema(&mut self, target: &SchemaDef, options: DiffOptions) -> Result<Vec<Change>> {
        Ok(diff(&self.root()?.catalog, target, options))
    }

    /// Changes the schema to the target; rows keep their data. Gives what changed.
    ///
    /// # Errors
    /// Those of [`Catalog::resolve`], `InvalidSchema` where stored values cannot
    /// become what the target asks, `Unique` and `ForeignKey` where stored rows
    /// violate a new constraint.
    pub fn apply_schema(&mut self, target: &SchemaDef, options: DiffOptions) -> Result<Vec<Change>> {
        self.check_writable()?;
        let catalog = Arc::clone(&self.root()?.catalog);
        // What cannot be resolved is found out before anything is compared.
        let merged = merge(&catalog.definition(), target, options);
        Catalog::resolve(&merged, &catalog)?;
        let changes = diff(&catalog, target, options);
        if !changes.is_empty() {
            self.restructure(alter::alter(&self.root, &merged)?);
        }
        Ok(changes)
    }

    /// Creates the collections of a schema beside those there are.
    ///
    /// # Errors
    /// `CollectionExists` if one is there already; those of [`Catalog::resolve`].
    pub fn create_schema(&mut self, target: &SchemaDef) -> Result<Vec<Change>> {
        self.check_writable()?;
        let root = self.root()?;
        if let Some(def) = target.collections.iter().find(|def| root.catalog.find(&def.name).is_some()) {
            let message = format!("collection \"{}\" exists already", def.name);
            return Err(Error::new(ErrorCode::CollectionExists, message).of_collection(&def.name));
        }
        self.apply_schema(target, DiffOptions { drop_tables: false, safe: false })
    }

    /// Drops collections with their rows and counters.
    ///
    /// # Errors
    /// `CollectionNotFound`; `ForeignKey` if one that stays points at one that goes.
    pub fn drop_collections(&mut self, names: &[&str]) -> Result<Vec<Change>> {
        self.check_writable()?;
        let catalog = Arc::clone(&self.root()?.catalog);
        for name in names {
            catalog.get(name)?;
        }
        let mut rest = catalog.definition();
        rest.collections.retain(|def| !names.contains(&def.name.as_str()));
        let pointing = rest.collections.iter().flat_map(|def| def.foreign.iter().map(move |key| (def, key)));
        if let Some((def, key)) = pointing.into_iter().find(|(_, key)| names.contains(&key.target.as_str())) {
            let message = format!(
                "collection \"{}\" cannot be dropped: foreign key \"{}\" of \"{}\" points at it",
                key.target, key.name, def.name
            );
            let error = Error::new(ErrorCode::ForeignKey, message).of_collection(&def.name);
            return Err(error.of_constraint(&key.name).of_fields(key.fields.iter().map(String::as_str)));
        }
        self.apply_schema(&rest, DiffOptions::default())
    }

    /// Drops all collections.
    pub fn drop_schema(&mut self) -> Result<Vec<Change>> {
        self.apply_schema(&SchemaDef::default(), DiffOptions::default())
    }

    /// Takes all rows out of some collections, in a time that does not depend on
    /// their number unless collections that stay point at them. Counters go on
    /// unless they are reset too.
    ///
    /// # Errors
    /// `ForeignKey` if a row that stays points at one that would go.
    pub fn clear(&mut self, ids: &[CollectionId], reset_counters: bool) -> Result<()> {
        self.check_writable()?;
        let cleared = alter::clear(self.root()?, ids, reset_counters)?;
        self.restructure(cleared);
        Ok(())
    }

    /// Makes an automatic index in the version of this transaction and, where it
    /// has not changed the collection, in the published one.
    pub fn install_auto_index(&mut self, id: CollectionId, components: &[Component]) -> Result<()> {
        self.check_open()?;
        self.root = self.store.install_auto_index(&self.root, id, components)?;
        Ok(())
    }

    fn restructure(&mut self, root: Root) {
        self.root = Arc::new(root);
        self.restructured = true;
    }

    /// Makes the working version stand on the newest one, for a commit.
    fn rebase(&mut self, newest: &Arc<Root>) -> Result<()> {
        if newest.sequence != self.base.sequence {
            if self.restructured {
                return Err(replay::conflict(
                    "others committed or restored while it changed the schema or cleared a collection",
                ));
            }
            return self.replay(newest);
        }
        if !Arc::ptr_eq(newest, &self.base) {
            self.adopt(newest);
        }
        Ok(())
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
            self.options.read_committed,
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

    fn place(&self, id: SavepointId) -> Result<usize> {
        self.check_open()?;
        self.savepoints.iter().position(|savepoint| savepoint.id == id).ok_or_else(|| {
            let message =
                "the savepoint does not exist in this transaction, or was released or rolled back over";
            Error::new(ErrorCode::SavepointNotFound, message)
        })
    }

    fn check_open(&self) -> Result<()> {
        self.store.check_open()?;
        if self.ended {
            let message = "the transaction has ended already: begin a new one";
            return Err(Error::new(ErrorCode::TransactionClosed, message));
        }
        Ok(())
    }

    fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.options.read_only {
            return Err(Error::new(ErrorCode::ReadOnly, "the transaction is read-only: it cannot write"));
        }
        Ok(())
    }

    /// Lets go of the data.
    fn forget(&mut self) {
        self.base = Arc::default();
        self.root = Arc::default();
        self.effects = Vec::new();
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("options", &self.options)
            .field("base", &self.base.sequence)
            .field("effects", &self.effects.len())
            .field("savepoints", &self.savepoints.iter().map(|point| &point.name).collect::<Vec<_>>())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
