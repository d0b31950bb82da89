//! A new store of what can be read of a damaged one.
//!
//! Rows that contradict others are kept apart rather than changed: what the new
//! store has was written as it is. Of rows with the same unique values the one
//! that was written last stays; rows that point at nothing go, and those that
//! point at them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::backup::{Step, Watch, unreachable_at};
use super::root::{Root, encode_fields};
use super::{Store, image, lines};
use crate::catalog::{CollectionId, INSERTED, Schema, UPDATED};
use crate::error::{Error, ErrorCode, Result};
use crate::log::{self, Apart, Directory, Finding, Findings, Severity, Survey, Vfs};
use crate::value::{Row, ValueRef, skip_key};

/// The file beside a salvaged store that tells what was lost, and has the rows that are kept apart.
pub const LOST: &str = "lost.jsonl";

/// What became of a damaged store.
#[derive(Debug)]
pub struct Salvaged {
    /// What the new store holds.
    pub root: Arc<Root>,
    /// The version up to which nothing was missing; `None` if something was of the checkpoint.
    pub whole: Option<u64>,
    /// What was wrong with the damaged one.
    pub findings: Findings,
    /// How many rows are kept apart, by the name of their collection or its number.
    pub apart: BTreeMap<String, u64>,
}

impl Salvaged {
    /// Whether all that there ever was is in the new store.
    pub fn is_whole(&self) -> bool {
        self.findings.is_clean() && self.apart.is_empty()
    }
}

/// A line of the file beside the store.
#[derive(Serialize)]
#[serde(tag = "lost", rename_all = "camelCase")]
enum Line<'a> {
    Finding(&'a Finding),
    Row { collection: Json, why: &'a str, row: Json },
}

impl Store {
    /// Writes what can be read of the store in a directory to another, new or
    /// empty, as a store that can be opened; changes nothing in the first. What is
    /// lost, and rows that have no place, are in the file [`LOST`] beside it.
    ///
    /// # Errors
    /// `Corrupt` if nothing at all can be read; `StoreExists` if the directory is
    /// not empty; `StoreLocked`, `NewerFormat`, and `Storage` for what the disk says.
    pub fn salvage_path(from: &Path, to: &Path, watch: Watch<'_>) -> Result<Salvaged> {
        let source = Directory::existing(from).map_err(|error| unreachable_at(from, &error))?;
        let inside = std::path::absolute(to).is_ok_and(|to| to.starts_with(source.path()));
        if inside {
            let message = format!("{} is in the store that is not to be changed: name another", to.display());
            return Err(Error::new(ErrorCode::StoreExists, message));
        }
        let target = Directory::open(to).map_err(|error| unreachable_at(to, &error))?;
        Self::salvage_in(&source, &target, watch).inspect_err(|_| {
            // Only where it is empty, as it is when nothing could be read.
            let _ = std::fs::remove_dir(target.path());
        })
    }

    pub(super) fn salvage_in(from: &dyn Vfs, to: &dyn Vfs, watch: Watch<'_>) -> Result<Salvaged> {
        log::must_be_empty(to)?;
        let Survey { state, whole, findings, apart } =
            log::survey(from, &mut |done, total| watch(Step::Files, done, total))?;
        let nothing = state.collections.iter().flatten().next().is_none() && apart.is_empty();
        if nothing && findings.worst() == Some(Severity::Damage) {
            let why: Vec<&str> = findings.list().iter().map(|finding| finding.message.as_str()).collect();
            let message = format!("nothing of the store can be read: {}", why.join("; "));
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        let (root, _) = image::to_root(state)?;
        let mut sorting = Sorting { root, apart };
        sorting.sort()?;
        let Sorting { root, apart } = sorting;
        let total = root.collections().map(|collection| collection.rows.len() as u64).sum();
        let left = root.examine(&mut |done| watch(Step::Rows, done, total));
        if let Some(finding) = left.list().first() {
            let message = format!("what was salvaged contradicts itself: {}", finding.message);
            return Err(Error::new(ErrorCode::Internal, message));
        }
        let mut counts = BTreeMap::new();
        for row in &apart {
            *counts.entry(called(row)).or_default() += 1;
        }
        let salvaged = Salvaged { root: Arc::new(root), whole, findings, apart: counts };
        let mut lines = salvaged.findings.list().iter().map(Line::Finding).map(|line| line.to_text());
        let mut lines = lines.by_ref().chain(apart.iter().map(|row| Line::of(row).to_text()));
        let lost = (!salvaged.is_whole()).then_some((LOST, &mut lines as &mut dyn Iterator<Item = String>));
        log::backup_beside(to, &image::of_root(&salvaged.root), lost)?;
        Ok(salvaged)
    }
}

/// The name of a row's collection, or its number.
fn called(row: &Apart) -> String {
    row.schema.as_ref().map_or_else(|| row.collection.0.to_string(), |schema| schema.name().to_owned())
}

impl<'a> Line<'a> {
    fn of(row: &'a Apart) -> Self {
        let collection = match &row.schema {
            Some(schema) => Json::from(schema.name()),
            None => Json::from(row.collection.0),
        };
        Self::Row { collection, why: &row.why, row: lines::row(row.schema.as_deref(), &row.row) }
    }

    fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| json!({"lost": error.to_string()}).to_string())
    }
}

/// A version whose rows are being sorted: those that may stay, and the others.
struct Sorting {
    root: Root,
    apart: Vec<Apart>,
}

impl Sorting {
    fn sort(&mut self) -> Result<()> {
        let schemas: Vec<Arc<Schema>> = self.root.catalog.schemas().cloned().collect();
        for schema in &schemas {
            self.count(schema)?;
            self.misfits(schema)?;
            self.unique(schema)?;
        }
        let mut dangling = Vec::new();
        for schema in &schemas {
            for (key, row) in &self.root.collection(schema.id)?.rows {
                if let Some(why) = self.dangles(schema, row)? {
                    dangling.push((Arc::clone(schema), key.to_vec(), why));
                }
            }
        }
        while let Some((schema, key, why)) = dangling.pop() {
            let Some(row) = self.take(&schema, &key, why)? else { continue };
            // Those that pointed at it point at nothing now.
            for incoming in &schema.incoming {
                let collection = Arc::clone(self.root.collection(incoming.collection)?);
                let Some(foreign) = collection.schema.foreign.get(incoming.foreign) else { continue };
                let mut target = Vec::new();
                if encode_fields(&mut target, &row, &foreign.target_fields)
                    || self.root.has_target(foreign, &target)?
                {
                    continue;
                }
                for key in collection.pointing(foreign, &target)? {
                    let why = format!("it points at nothing through foreign key \"{}\"", foreign.name);
                    dangling.push((Arc::clone(&collection.schema), key, why));
                }
            }
        }
        Ok(())
    }

    /// Moves the counter past all numbers that are known to have been used.
    fn count(&self, schema: &Schema) -> Result<()> {
        let Some(position) = schema.auto_increment else { return Ok(()) };
        let collection = self.root.collection(schema.id)?;
        let others = self.apart.iter().filter(|row| row.collection == schema.id && row.schema.is_some());
        let rows = collection.rows.iter().map(|(_, row)| row).chain(others.map(|row| &row.row));
        for row in rows {
            if let ValueRef::Int(number) = row.get(position) {
                collection.shared.move_past(number);
            }
        }
        Ok(())
    }

    fn misfits(&mut self, schema: &Arc<Schema>) -> Result<()> {
        let collection = Arc::clone(self.root.collection(schema.id)?);
        for (key, row) in &collection.rows {
            if let Some(misfit) = schema.misfits(row).next() {
                self.take(schema, key, format!("it {}", misfit.what))?;
            }
        }
        Ok(())
    }

    /// Of rows with the same values in a unique index the one written last stays.
    fn unique(&mut self, schema: &Arc<Schema>) -> Result<()> {
        for (number, spec) in schema.indexes.iter().enumerate().filter(|(_, spec)| spec.unique) {
            let collection = Arc::clone(self.root.collection(schema.id)?);
            let mut stays: Option<(&[u8], &[u8], &Row)> = None;
            for (entry, ()) in &collection.index(number)?.tree {
                let (values, key) = entry.split_at(skip_key(entry, spec.components.len()));
                let Some(row) = collection.rows.get(key) else { continue };
                if spec.components.iter().any(|part| part.of(row).is_null()) {
                    continue;
                }
                let Some((same, other, rival)) = stays.filter(|(same, ..)| *same == values) else {
                    stays = Some((values, key, row));
                    continue;
                };
                let newer = written(row) > written(rival);
                let (loser, winner) = if newer { (other, row) } else { (key, rival) };
                let name = schema.key_json(winner);
                let why =
                    format!("row {name} has its values in unique index \"{}\", and is newer", spec.name);
                self.take(schema, loser, why)?;
                if newer {
                    stays = Some((same, key, row));
                }
            }
        }
        Ok(())
    }

    /// Why a row cannot stay, if it points at nothing.
    fn dangles(&self, schema: &Schema, row: &Row) -> Result<Option<String>> {
        for foreign in &schema.foreign {
            let mut key = Vec::new();
            if !encode_fields(&mut key, row, &foreign.fields) && !self.root.has_target(foreign, &key)? {
                return Ok(Some(format!("it points at nothing through foreign key \"{}\"", foreign.name)));
            }
        }
        Ok(None)
    }

    /// Takes a row out and keeps it apart; `None` if it is gone already.
    fn take(&mut self, schema: &Arc<Schema>, key: &[u8], why: String) -> Result<Option<Row>> {
        let id: CollectionId = schema.id;
        let collection = self.root.collection_mut(id)?;
        let Some(row) = collection.rows.remove(key) else { return Ok(None) };
        for index in &mut collection.indexes {
            let mut entry = Vec::new();
            index.spec.encode(&mut entry, &row);
            entry.extend_from_slice(key);
            index.tree.remove(&entry);
        }
        self.apart.push(Apart { collection: id, schema: Some(Arc::clone(schema)), row: row.clone(), why });
        Ok(Some(row))
    }
}

/// When a row was written last, by the clock of its store.
fn written(row: &Row) -> i64 {
    let tick = |at| match row.get(at) {
        ValueRef::Int(tick) => tick,
        _ => 0,
    };
    tick(INSERTED).max(tick(UPDATED))
}
