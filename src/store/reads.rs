//! What a serializable transaction has read, and whether others have changed it since.
//!
//! A commit is checked against those that came after its transaction's
//! beginning (backward validation: Kung and Robinson, 1981). What was read is
//! kept as the ranges of keys that were searched, so that a row which would have
//! been found had it been there is noticed too.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};

use super::recent::{Change, Commit};
use super::writer::Effect;
use crate::catalog::{Catalog, CollectionId, IndexSpec, Schema};
use crate::value::Row;

/// So many reads of a collection are remembered one by one; more count as all of it.
const MOST: usize = 10_000;

/// A range of encoded keys.
pub type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What a transaction has read.
#[derive(Debug, Default)]
pub struct Reads {
    collections: AHashMap<CollectionId, CollectionReads>,
}

#[derive(Debug, Default)]
struct CollectionReads {
    whole: bool,
    keys: AHashSet<Vec<u8>>,
    ranges: Vec<KeyRange>,
    entries: Vec<(Arc<IndexSpec>, KeyRange)>,
}

impl Reads {
    /// Notes that a whole collection was read.
    pub fn whole(&mut self, id: CollectionId) {
        let reads = self.collections.entry(id).or_default();
        *reads = CollectionReads { whole: true, ..CollectionReads::default() };
    }

    /// Notes that the row of an encoded primary key was read, or found missing.
    pub fn key(&mut self, id: CollectionId, key: &[u8]) {
        if let Some(reads) = self.room(id)
            && !reads.keys.contains(key)
        {
            reads.keys.insert(key.to_vec());
        }
    }

    /// Notes that a range of primary keys, or of the entries of an index, was read.
    pub fn range(&mut self, id: CollectionId, index: Option<&Arc<IndexSpec>>, range: KeyRange) {
        let Some(reads) = self.room(id) else { return };
        match index {
            None => reads.ranges.push(range),
            Some(spec) => reads.entries.push((Arc::clone(spec), range)),
        }
    }

    /// Where to note what was read of a collection; nowhere when all of it was.
    fn room(&mut self, id: CollectionId) -> Option<&mut CollectionReads> {
        let reads = self.collections.entry(id).or_default();
        if reads.keys.len() + reads.ranges.len() + reads.entries.len() >= MOST {
            *reads = CollectionReads { whole: true, ..CollectionReads::default() };
        }
        (!reads.whole).then_some(reads)
    }

    /// The collections of which anything was read.
    pub(super) fn collections(&self) -> impl Iterator<Item = CollectionId> {
        self.collections.keys().copied()
    }

    /// Whether a row was read by its key, and only so: a lock on the row would have kept it as it was.
    pub(super) fn by_key(&self, schema: &Schema, row: &Row) -> bool {
        let reads = self.collections.get(&schema.id);
        reads.is_some_and(|reads| reads.keys.contains(&schema.primary_key(row)))
    }

    /// The first row that was read, or would have been, and that a commit changed.
    /// The row is `None` where it changed more than rows.
    pub(super) fn changed_by<'c>(&self, commit: &'c Commit) -> Option<Option<(&'c Effect, &'c Arc<Schema>)>> {
        let effects = match &commit.change {
            Change::Rows(effects) => effects,
            Change::Everything => return (!self.collections.is_empty()).then_some(None),
        };
        effects.iter().find_map(|effect| self.touched(effect, &commit.catalog)).map(Some)
    }

    fn touched<'c>(&self, effect: &'c Effect, catalog: &'c Catalog) -> Option<(&'c Effect, &'c Arc<Schema>)> {
        let reads = self.collections.get(&effect.collection)?;
        let schema = catalog.schema(effect.collection)?;
        let rows = [&effect.before, &effect.after];
        let hit = reads.whole || rows.into_iter().flatten().any(|row| reads.has(schema, row));
        hit.then_some((effect, schema))
    }
}

impl CollectionReads {
    fn has(&self, schema: &Schema, row: &Row) -> bool {
        let primary = schema.primary_key(row);
        if self.keys.contains(&primary) || self.ranges.iter().any(|range| within(range, &primary)) {
            return true;
        }
        let mut entry = Vec::new();
        self.entries.iter().any(|(spec, range)| {
            entry.clear();
            spec.encode(&mut entry, row);
            entry.extend_from_slice(&primary);
            within(range, &entry)
        })
    }
}

fn within((low, high): &KeyRange, key: &[u8]) -> bool {
    let range = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
    RangeBounds::<[u8]>::contains(&range, key)
}
