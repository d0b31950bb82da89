//! Automatic indexes: made because queries gain from them, not because somebody
//! declared them. They hold the same data in another order, so making one is no
//! new version of the database.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Store;
use super::root::{Collection, Index, Root};
use crate::catalog::{CollectionId, Component, IndexOrigin, IndexSpec, Schema};
use crate::error::Result;

/// An automatic index of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoIndex {
    /// The collection's name.
    pub collection: String,
    /// What is indexed: field names, with the keys inside documents behind them.
    pub paths: Vec<String>,
    /// How many entries it has.
    pub entries: usize,
}

impl Root {
    /// The automatic indexes of this version.
    pub fn auto_indexes(&self) -> Vec<AutoIndex> {
        let of = |collection: &Collection| {
            let shown = |index: &Index| AutoIndex {
                collection: collection.schema.name().to_owned(),
                paths: index.spec.components.iter().map(|part| path(&collection.schema, part)).collect(),
                entries: index.tree.len(),
            };
            collection.automatic().map(shown).collect::<Vec<_>>()
        };
        self.collections().flat_map(|collection| of(collection)).collect()
    }

    /// The version with one index more.
    fn with_index(&self, id: CollectionId, index: Index) -> Result<Arc<Self>> {
        let mut root = self.clone();
        root.collection_mut(id)?.indexes.push(index);
        Ok(Arc::new(root))
    }

    /// Takes all automatic indexes away.
    pub(super) fn drop_automatic(&mut self) {
        for collection in self.collections.iter_mut().flatten() {
            if collection.automatic().next().is_some() {
                let automatic = |index: &Index| index.spec.origin == IndexOrigin::Automatic;
                Arc::make_mut(collection).indexes.retain(|index| !automatic(index));
            }
        }
    }
}

fn path(schema: &Schema, component: &Component) -> String {
    let field = std::iter::once(schema.field_name(component.position));
    field.chain(component.json.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
}

impl Store {
    /// Whether indexes are made automatically; they are unless switched off.
    pub fn auto_index(&self) -> bool {
        self.core.auto_index.load(Ordering::SeqCst)
    }

    /// Switches the making of automatic indexes on, or off, which drops those there are.
    ///
    /// # Errors
    /// `StoreClosed`.
    pub fn set_auto_index(&self, on: bool) -> Result<()> {
        self.check_open()?;
        let publishing = self.core.publishing.lock();
        self.core.auto_index.store(on, Ordering::SeqCst);
        if !on {
            let mut root = self.core.current();
            Arc::make_mut(&mut root).drop_automatic();
            self.core.replace(root);
        }
        drop(publishing);
        Ok(())
    }

    /// Makes an automatic index over a version and gives that version with it;
    /// the very same one if the index is there already or they are switched off.
    /// Where the published version has the same rows, it gets the index too.
    ///
    /// # Errors
    /// `StoreClosed`, and `CollectionNotFound` if the version has no such collection.
    pub fn install_auto_index(
        &self,
        expected: &Arc<Root>,
        id: CollectionId,
        components: &[Component],
    ) -> Result<Arc<Root>> {
        self.check_open()?;
        let collection = expected.collection(id)?;
        let exists = |collection: &Collection| {
            collection.indexes.iter().any(|index| index.spec.components == components)
        };
        if !self.auto_index() || exists(collection) {
            return Ok(Arc::clone(expected));
        }
        let paths: Vec<String> = components.iter().map(|part| path(&collection.schema, part)).collect();
        let spec = IndexSpec {
            name: format!("auto({})", paths.join(", ")),
            components: components.to_vec(),
            unique: false,
            origin: IndexOrigin::Automatic,
        };
        // The long work is done before anything is locked.
        let index = Index::build(Arc::new(spec), &collection.rows);
        let indexed = expected.with_index(id, index.clone())?;
        collection.shared.forget_scans(components);
        let publishing = self.core.publishing.lock();
        let current = self.core.current();
        if Arc::ptr_eq(&current, expected) {
            self.core.replace(Arc::clone(&indexed));
        } else if self.auto_index()
            && let Some(published) = current.find(id)
            && published.rows.ptr_eq(&collection.rows)
            && Arc::ptr_eq(&published.schema, &collection.schema)
            && !exists(published)
        {
            self.core.replace(current.with_index(id, index)?);
        }
        drop(publishing);
        Ok(indexed)
    }
}
