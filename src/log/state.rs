//! What the files of a store say: a version without its indexes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::record::{Part, Record};
use crate::catalog::{Catalog, CollectionDef, CollectionId, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::tree::Tree;
use crate::value::Row;

/// A version of the database as it is stored.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The number of the version.
    pub sequence: u64,
    /// What the collections are.
    pub catalog: Arc<Catalog>,
    /// The collections, by number.
    pub collections: Vec<Option<Stored>>,
}

/// A collection as it is stored.
#[derive(Clone)]
pub struct Stored {
    /// The definition.
    pub schema: Arc<Schema>,
    /// The rows by encoded primary key.
    pub rows: Tree<Row>,
    /// The last value that the auto-increment field took.
    pub counter: i64,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored")
            .field("name", &self.schema.name())
            .field("rows", &self.rows.len())
            .field("counter", &self.counter)
            .finish_non_exhaustive()
    }
}

/// A collection in the JSON of a whole definition.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered<D> {
    id: u32,
    def: D,
}

impl State {
    /// The whole definition of a catalog, with the numbers of its collections.
    ///
    /// # Errors
    /// `Internal` if it cannot be written as JSON.
    pub fn definition(catalog: &Catalog) -> Result<Vec<u8>> {
        let numbered: Vec<Numbered<&CollectionDef>> =
            catalog.schemas().map(|schema| Numbered { id: schema.id.0, def: &schema.def }).collect();
        serde_json::to_vec(&numbered).map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))
    }

    /// Takes over a definition; collections that it has no more are gone.
    pub(super) fn redefine(&mut self, json: &[u8]) -> Result<()> {
        let numbered: Vec<Numbered<CollectionDef>> =
            serde_json::from_slice(json).map_err(|error| corrupt(&error.to_string()))?;
        let numbered = numbered.into_iter().map(|one| (CollectionId(one.id), one.def)).collect();
        let catalog = Catalog::numbered(numbered, &self.catalog)?;
        let mut collections = vec![None; catalog.capacity()];
        for schema in catalog.schemas() {
            let old = self.collections.get_mut(schema.id.index()).and_then(Option::take);
            let (rows, counter) = old.map_or((Tree::new(), 0), |old| (old.rows, old.counter));
            if let Some(slot) = collections.get_mut(schema.id.index()) {
                *slot = Some(Stored { schema: Arc::clone(schema), rows, counter });
            }
        }
        self.catalog = Arc::new(catalog);
        self.collections = collections;
        Ok(())
    }

    /// Does what a transaction did; gives how many rows it changed.
    pub(super) fn apply(&mut self, mut record: Record<'_>) -> Result<u64> {
        if record.base != self.sequence || record.sequence <= record.base {
            return Err(corrupt(&format!(
                "a record makes version {} of version {}, where version {} is the newest",
                record.sequence, record.base, self.sequence
            )));
        }
        let mut used = None;
        let mut rows = 0;
        let mut key = Vec::new();
        loop {
            let part = record.next().ok_or_else(|| corrupt("a record is cut short"))?;
            match part {
                None => break,
                Some(Part::Schema(json)) => {
                    self.redefine(json)?;
                    used = None;
                }
                Some(Part::Collection(id, counter)) => {
                    self.stored(Some(id))?.counter = counter;
                    used = Some(id);
                }
                Some(Part::Clear) => self.stored(used)?.rows = Tree::new(),
                Some(Part::Put(bytes)) => {
                    let stored = self.stored(used)?;
                    let row = Row::from_bytes(bytes)?;
                    key.clear();
                    stored.schema.encode_primary(&mut key, &row);
                    stored.rows.insert(&key, row);
                    rows += 1;
                }
                Some(Part::Delete(key)) => {
                    let stored = self.stored(used)?;
                    if stored.rows.remove(key).is_none() {
                        return Err(corrupt("a record deletes a row that is not there"));
                    }
                    rows += 1;
                }
            }
        }
        self.sequence = record.sequence;
        Ok(rows)
    }

    pub(super) fn stored(&mut self, id: Option<CollectionId>) -> Result<&mut Stored> {
        let stored = id.and_then(|id| self.collections.get_mut(id.index())).and_then(Option::as_mut);
        stored.ok_or_else(|| corrupt("it names a collection that is not there"))
    }
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, why)
}
