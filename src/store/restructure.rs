//! What a transaction does to the schema, and to whole collections.

use std::sync::Arc;

use super::alter;
use super::root::Root;
use super::transaction::Transaction;
use crate::catalog::{Catalog, Change, CollectionId, Component, DiffOptions, Rename, SchemaDef, diff, merge};
use crate::error::{Error, ErrorCode, Result};

impl Transaction {
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

    /// Gives a collection or a field another name, in a time that does not
    /// depend on the rows.
    ///
    /// # Errors
    /// Those of [`Catalog::renamed`].
    pub fn rename(&mut self, rename: Rename<'_>) -> Result<()> {
        self.check_writable()?;
        let renamed = alter::rename(self.root()?, rename)?;
        self.restructure(renamed);
        Ok(())
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
        self.part();
        self.root = self.store.install_auto_index(&self.root, id, components)?;
        Ok(())
    }

    fn restructure(&mut self, root: Root) {
        self.part();
        self.root = Arc::new(root);
        self.restructured = true;
        self.settle();
    }
}
