//! Noting what a run reads, for transactions that must know at their commit
//! whether others have changed it.

use std::ops::Bound;
use std::sync::Arc;

use super::access::Access;
use super::lookup::Through;
use super::planner::Range;
use crate::catalog::CollectionId;
use crate::store::{Collection, KeyRange, Reads};
use crate::sync::Mutex;
use crate::value::successor;

/// Where a run notes what it reads; nowhere, mostly.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Option<Arc<Mutex<Reads>>>);

impl Watch {
    /// Notes in these reads.
    pub fn of(reads: Option<&Arc<Mutex<Reads>>>) -> Self {
        Self(reads.cloned())
    }

    /// Notes that all of a collection is read.
    pub fn whole(&self, id: CollectionId) {
        if let Some(reads) = &self.0 {
            reads.lock().whole(id);
        }
    }

    /// Notes that the row of a primary key is read, or missed.
    pub fn key(&self, id: CollectionId, key: &[u8]) {
        if let Some(reads) = &self.0 {
            reads.lock().key(id, key);
        }
    }

    /// Notes that what begins with a prefix in a tree is read.
    pub fn prefix(&self, collection: &Collection, through: Through, prefix: &[u8]) {
        let Some(reads) = &self.0 else { return };
        let high = successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        note(&mut reads.lock(), collection, through, (Bound::Included(prefix.to_vec()), high));
    }

    /// Notes that what an access path leads to is read.
    pub fn access(&self, collection: &Collection, access: &Access) {
        let Some(reads) = &self.0 else { return };
        let mut reads = reads.lock();
        match access {
            Access::Points(keys) => keys.iter().for_each(|key| reads.key(collection.schema.id, key)),
            Access::Spans { through, ranges, .. } => {
                for Range { low, high } in ranges {
                    let high = high.clone().map_or(Bound::Unbounded, Bound::Excluded);
                    note(&mut reads, collection, *through, (Bound::Included(low.clone()), high));
                }
            }
        }
    }
}

fn note(reads: &mut Reads, collection: &Collection, through: Through, range: KeyRange) {
    let id = collection.schema.id;
    match through {
        Through::Primary => reads.range(id, None, range),
        Through::Index(number) => match collection.indexes.get(number) {
            Some(index) => reads.range(id, Some(&index.spec), range),
            None => reads.whole(id),
        },
    }
}
