//! Versions of the database as the log knows them: without indexes, and what
//! changes from one to the next as images of rows.

use std::cmp::Ordering;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use super::recent::Change;
use super::root::{Collection, Index, Root, Shared};
use crate::catalog::{CollectionId, INSERTED, IndexSpec, Schema, UPDATED};
use crate::error::{Error, ErrorCode, Result};
use crate::log::{RecordWriter, State, Stored};
use crate::tree::Tree;
use crate::value::{Row, ValueRef};

/// For so many rows another thread is worth its while.
const MANY: usize = 10_000;

/// How a version differs from the one before.
pub(super) struct Image<'a> {
    /// The whole definition, if it is another.
    definition: Option<Vec<u8>>,
    collections: Vec<Part<'a>>,
}

struct Part<'a> {
    id: CollectionId,
    counter: i64,
    clear: bool,
    deleted: Vec<Vec<u8>>,
    put: Vec<&'a Row>,
}

impl Image<'_> {
    pub fn write(&self, record: &mut RecordWriter) {
        if let Some(definition) = &self.definition {
            record.schema(definition);
        }
        for part in &self.collections {
            record.collection(part.id, part.counter);
            if part.clear {
                record.clear();
            }
            part.deleted.iter().for_each(|key| record.delete(key));
            part.put.iter().for_each(|row| record.put(row.as_bytes()));
        }
    }
}

/// What the log is to know of a change.
pub(super) fn of_change<'a>(current: &Root, next: &'a Root, change: &Change) -> Result<Image<'a>> {
    match change {
        Change::Rows(effects) => {
            // Only what became of each row counts, and the versions know that.
            let mut keys = Vec::with_capacity(effects.len());
            for effect in effects {
                let new = next.collection(effect.collection)?;
                if new.rows.is_empty() {
                    // Rows have a key, so that none stands for all of them.
                    keys.push((effect.collection, Vec::new()));
                    continue;
                }
                let rows = effect.before.iter().chain(&effect.after);
                keys.extend(rows.map(|row| (effect.collection, new.schema.primary_key(row))));
            }
            keys.sort_unstable();
            keys.dedup();
            let mut collections: Vec<Part<'a>> = Vec::new();
            for (id, key) in keys {
                let new = next.collection(id)?;
                if new.rows.is_empty() {
                    collections.push(Part::whole(new));
                    continue;
                }
                if collections.last().is_none_or(|part| part.id != id) {
                    collections.push(Part::of(new));
                }
                let before = current.collection(id)?.rows.get(&key);
                let Some(part) = collections.last_mut() else { continue };
                match (before, new.rows.get(&key)) {
                    (Some(before), Some(after)) if before.ptr_eq(after) => {}
                    (_, Some(after)) => part.put.push(after),
                    (Some(_), None) => part.deleted.push(key),
                    (None, None) => {}
                }
            }
            Ok(Image { definition: None, collections })
        }
        Change::Everything => {
            let same = Arc::ptr_eq(&current.catalog, &next.catalog);
            let definition = if same { None } else { Some(State::definition(&next.catalog)?) };
            let collections = next.collections().map(|new| difference(current, new)).collect();
            Ok(Image { definition, collections })
        }
    }
}

impl<'a> Part<'a> {
    fn of(collection: &Collection) -> Self {
        let counter = collection.shared.counter();
        Self { id: collection.schema.id, counter, clear: false, deleted: Vec::new(), put: Vec::new() }
    }

    /// The whole collection, whatever it was.
    fn whole(new: &'a Collection) -> Self {
        Self { clear: true, put: new.rows.iter().map(|(_, row)| row).collect(), ..Self::of(new) }
    }
}

/// What became of a collection, by comparing all of its rows.
fn difference<'a>(current: &Root, new: &'a Collection) -> Part<'a> {
    let mut part = Part::of(new);
    let Some(old) = current.find(new.schema.id) else {
        return Part { clear: false, ..Part::whole(new) };
    };
    if old.rows.ptr_eq(&new.rows) {
        return part;
    }
    let (mut before, mut after) = (old.rows.iter().peekable(), new.rows.iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let gone = if order.is_le() { before.next() } else { None };
        let come = if order.is_ge() { after.next() } else { None };
        match (gone, come) {
            (Some((_, gone)), Some((_, come))) if gone.ptr_eq(come) => {}
            (_, Some((_, come))) => part.put.push(come),
            (Some((key, _)), None) => part.deleted.push(key.to_vec()),
            (None, None) => {}
        }
        if part.deleted.len() > new.rows.len() {
            return Part::whole(new);
        }
    }
    part
}

/// A version for a checkpoint. It costs a pointer for each collection.
pub(super) fn of_root(root: &Root) -> State {
    let stored = |collection: &Arc<Collection>| Stored {
        schema: Arc::clone(&collection.schema),
        rows: collection.rows.clone(),
        counter: collection.shared.counter(),
    };
    State {
        sequence: root.sequence,
        catalog: Arc::clone(&root.catalog),
        collections: root.collections.iter().map(|slot| slot.as_ref().map(stored)).collect(),
    }
}

/// The version of a state, its indexes made, and the last number that the clock gave.
pub(crate) fn to_root(state: State) -> Result<(Root, u64)> {
    let mut last_tick = 0;
    let mut collections = Vec::with_capacity(state.collections.len());
    for slot in state.collections {
        let Some(Stored { schema, rows, counter }) = slot else {
            collections.push(None);
            continue;
        };
        last_tick = last_tick.max(newest_tick(&rows));
        let indexes = build(&schema, &rows)?;
        let shared = Arc::new(Shared::new(counter));
        collections.push(Some(Arc::new(Collection { schema, rows, indexes, shared })));
    }
    Ok((Root { catalog: state.catalog, sequence: state.sequence, collections }, last_tick))
}

/// The indexes of a collection, those of many rows side by side.
fn build(schema: &Schema, rows: &Tree<Row>) -> Result<Vec<Index>> {
    let failed = |why: String| {
        let message = format!("the indexes of collection \"{}\" could not be made: {why}", schema.name());
        Error::new(ErrorCode::Internal, message)
    };
    let one = |spec: &Arc<IndexSpec>| Index::build(Arc::clone(spec), rows);
    if rows.len() < MANY || schema.indexes.len() < 2 {
        return Ok(schema.indexes.iter().map(one).collect());
    }
    std::thread::scope(|scope| {
        let building: std::io::Result<Vec<_>> = schema
            .indexes
            .iter()
            .map(|spec| std::thread::Builder::new().spawn_scoped(scope, move || one(spec)))
            .collect();
        let building = building.map_err(|error| failed(error.to_string()))?;
        let join = |thread: ScopedJoinHandle<'_, Index>| {
            thread.join().map_err(|_| failed("a thread has ended in a panic".to_owned()))
        };
        building.into_iter().map(join).collect()
    })
}

fn newest_tick(rows: &Tree<Row>) -> u64 {
    let tick = |row: &Row, at| match row.get(at) {
        ValueRef::Int(tick) => u64::try_from(tick).unwrap_or(0),
        _ => 0,
    };
    rows.iter().map(|(_, row)| tick(row, INSERTED).max(tick(row, UPDATED))).max().unwrap_or(0)
}
