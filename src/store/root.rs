//! A version of the whole database: an immutable value.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::catalog::{Access, Catalog, CollectionId, Component, ForeignKey, IndexOrigin, IndexSpec, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use crate::tree::Tree;
use crate::value::{Row, encode_key, skip_key};

/// A version of the database. Immutable once it is shared; a clone copies one
/// pointer for each collection and nothing else.
#[derive(Clone, Default)]
pub struct Root {
    /// What the collections are.
    pub catalog: Arc<Catalog>,
    /// How many versions have been published before this one.
    pub sequence: u64,
    pub(super) collections: Vec<Option<Arc<Collection>>>,
}

static NOTHING: LazyLock<Arc<Root>> = LazyLock::new(Arc::default);

impl Root {
    /// Stands for a version that is done with.
    pub(crate) fn nothing() -> Arc<Self> {
        Arc::clone(&NOTHING)
    }

    /// Lets go of a version, if that is not done yet.
    pub(crate) fn let_go(root: &mut Arc<Self>) {
        if !Arc::ptr_eq(root, &NOTHING) {
            *root = Self::nothing();
        }
    }

    /// A collection of this version's catalog.
    ///
    /// # Errors
    /// `CollectionNotFound` for a number that this version does not have.
    pub fn collection(&self, id: CollectionId) -> Result<&Arc<Collection>> {
        self.find(id).ok_or_else(|| {
            let message = format!("this version of the database has no collection number {}", id.0);
            Error::new(ErrorCode::CollectionNotFound, message)
        })
    }

    /// A collection by its name; `CollectionNotFound` says which there are.
    pub fn by_name(&self, name: &str) -> Result<&Arc<Collection>> {
        self.collection(self.catalog.get(name)?.id)
    }

    /// All collections, by number.
    pub fn collections(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.collections.iter().flatten()
    }

    /// How many rows there are in all collections.
    pub fn rows(&self) -> usize {
        self.collections().map(|collection| collection.rows.len()).sum()
    }

    pub(super) fn find(&self, id: CollectionId) -> Option<&Arc<Collection>> {
        self.collections.get(id.index())?.as_ref()
    }

    /// The collection for writing; copied where another version shares it.
    pub(super) fn collection_mut(&mut self, id: CollectionId) -> Result<&mut Collection> {
        match self.collections.get_mut(id.index()) {
            Some(Some(collection)) => Ok(Arc::make_mut(collection)),
            _ => {
                let message = format!("this version of the database has no collection number {}", id.0);
                Err(Error::new(ErrorCode::CollectionNotFound, message))
            }
        }
    }

    /// Whether a row has these target fields of a foreign key, given as its key there.
    pub(super) fn has_target(&self, foreign: &ForeignKey, key: &[u8]) -> Result<bool> {
        let target = self.collection(foreign.target)?;
        Ok(match foreign.target_access {
            Access::Primary => target.rows.contains_key(key),
            Access::Index(number) => target.index(number)?.entry(key).is_some(),
        })
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root")
            .field("sequence", &self.sequence)
            .field("collections", &self.collections().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A collection in a version of the database.
#[derive(Clone)]
pub struct Collection {
    /// The definition.
    pub schema: Arc<Schema>,
    /// The rows by encoded primary key.
    pub rows: Tree<Row>,
    /// The indexes: those of the schema in its order, then the automatic ones.
    pub indexes: Vec<Index>,
    /// What all versions of the collection have in common.
    pub shared: Arc<Shared>,
}

impl Collection {
    /// An empty collection.
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        let indexes = schema.indexes.iter().cloned().map(Index::new).collect();
        Self { schema, rows: Tree::new(), indexes, shared: Arc::default() }
    }

    /// Takes all rows out, in a time that does not depend on their number.
    pub(super) fn empty(&mut self) {
        self.rows = Tree::new();
        self.indexes.iter_mut().for_each(|index| index.tree = Tree::new());
    }

    /// The index of a number that comes from this collection's schema.
    pub(super) fn index(&self, number: usize) -> Result<&Index> {
        self.indexes.get(number).ok_or_else(|| {
            let message = format!("collection \"{}\" lacks index number {number}", self.schema.name());
            Error::new(ErrorCode::Internal, message)
        })
    }

    /// The automatic indexes.
    pub fn automatic(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.spec.origin == IndexOrigin::Automatic)
    }

    /// Adds to what scans for these components have cost since an index was last
    /// made, in rows looked at, and gives the sum.
    pub fn note_scan(&self, components: &[Component], rows: u64) -> u64 {
        let mut scanned = self.shared.scanned.lock();
        match scanned.get_mut(components) {
            Some(sum) => {
                *sum = sum.saturating_add(rows);
                *sum
            }
            None => {
                scanned.insert(components.into(), rows);
                rows
            }
        }
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("name", &self.schema.name())
            .field("rows", &self.rows.len())
            .field("indexes", &self.indexes.iter().map(|index| &index.spec.name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// An index in a version of the database.
#[derive(Clone)]
pub struct Index {
    /// What the index holds.
    pub spec: Arc<IndexSpec>,
    /// Entries: the components of a row, then its primary key, both encoded.
    pub tree: Tree<()>,
}

impl Index {
    /// An empty index.
    pub(super) fn new(spec: Arc<IndexSpec>) -> Self {
        Self { spec, tree: Tree::new() }
    }

    /// An index of some rows, in one go.
    pub(super) fn build(spec: Arc<IndexSpec>, rows: &Tree<Row>) -> Self {
        let mut keys: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
        for (primary, row) in rows {
            let mut key = Vec::with_capacity(primary.len() + 16);
            spec.encode(&mut key, row);
            key.extend_from_slice(primary);
            keys.push(key);
        }
        keys.sort_unstable();
        Self { spec, tree: Tree::from_sorted(keys.into_iter().map(|key| (key, ()))) }
    }

    /// The first entry that begins with these components.
    pub fn entry(&self, prefix: &[u8]) -> Option<&[u8]> {
        self.tree.first_from(prefix).map(|(entry, ())| entry).filter(|entry| entry.starts_with(prefix))
    }

    /// The primary key that stands behind the components in an entry.
    pub fn primary_key<'e>(&self, entry: &'e [u8]) -> Option<&'e [u8]> {
        entry.get(skip_key(entry, self.spec.components.len())..)
    }
}

/// What the versions of a collection have in common. It is not part of any of
/// them: counting on is not undone by a rollback. A collection that is created
/// anew, cleared with its counter, or restored begins with another: versions
/// before and after that have no history in common.
#[derive(Debug, Default)]
pub struct Shared {
    /// The last value that the auto-increment field took.
    counter: AtomicI64,
    /// Rows looked at by scans, by what an index would have had to be over.
    scanned: Mutex<HashMap<Box<[Component]>, u64>>,
}

impl Shared {
    pub(super) fn new(counter: i64) -> Self {
        Self { counter: AtomicI64::new(counter), scanned: Mutex::default() }
    }

    /// The last value that the auto-increment field took; 0 before the first.
    pub fn counter(&self) -> i64 {
        self.counter.load(Ordering::SeqCst)
    }

    /// The next value; `None` when there are no more.
    pub(super) fn next(&self) -> Option<i64> {
        let next = |last: i64| last.checked_add(1);
        self.counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok().and_then(next)
    }

    /// Moves past a value that was given; tells from where to where, if it moved.
    pub(super) fn move_past(&self, value: i64) -> Option<(i64, i64)> {
        let before = self.counter.fetch_max(value, Ordering::SeqCst);
        (before < value).then_some((before, value))
    }

    /// Goes back from a value, unless others have counted on from there.
    pub(super) fn give_back(&self, from: i64, to: i64) {
        // Either way it is right: a number that is not given back is only left out.
        let _ = self.counter.compare_exchange(to, from, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub(super) fn forget_scans(&self, components: &[Component]) {
        self.scanned.lock().remove(components);
    }
}

/// The store-wide order of insertions and updates.
#[derive(Debug, Default)]
pub(super) struct Clock(AtomicU64);

impl Clock {
    /// The next number, from 1.
    pub fn tick(&self) -> i64 {
        i64::try_from(self.0.fetch_add(1, Ordering::SeqCst)).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The number given last; 0 before the first.
    pub fn last(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Goes on behind a number.
    pub fn move_to(&self, last: u64) {
        self.0.fetch_max(last, Ordering::SeqCst);
    }
}

/// Appends the encoded values of some positions of a row; tells whether one is null.
pub(super) fn encode_fields(out: &mut Vec<u8>, row: &Row, positions: &[usize]) -> bool {
    let mut null = false;
    for position in positions {
        let value = row.get(*position);
        null |= value.is_null();
        encode_key(out, value);
    }
    null
}
