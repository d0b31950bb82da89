//! Whether a version of the database is what it claims to be.

use std::sync::Arc;

use super::root::{Collection, Index, Root, encode_fields};
use crate::catalog::{IndexSpec, Misfit, Why};
use crate::log::{Finding, FindingKind, Findings};
use crate::value::{Row, ValueRef, skip_key};

impl Root {
    /// Goes through everything and gives all that is wrong: the trees, that rows
    /// are as their collections say, that every index has exactly the entries of
    /// its rows, unique, foreign keys and counters. It takes time in proportion to
    /// the data; `watch` hears how many rows were looked at.
    pub fn examine(&self, watch: &mut dyn FnMut(u64)) -> Findings {
        let mut found = Findings::default();
        self.examine_definition(&mut found);
        let mut rows = 0;
        for collection in self.collections() {
            examine_rows(collection, &mut found, &mut |done| watch(rows + done));
            rows += collection.rows.len() as u64;
            for index in &collection.indexes {
                examine_index(collection, index, &mut found);
            }
            self.examine_foreign(collection, &mut found);
            watch(rows);
        }
        found
    }

    /// The same for tests.
    ///
    /// # Errors
    /// All that is wrong, a line each.
    pub fn check(&self) -> Result<(), String> {
        let found = self.examine(&mut |_| ());
        if found.list().is_empty() {
            return Ok(());
        }
        Err(found.list().iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("\n"))
    }

    fn examine_definition(&self, found: &mut Findings) {
        let mut add = |name: &str, why: String| {
            found.add(Finding {
                collection: Some(name.to_owned()),
                ..Finding::new(FindingKind::Definition, format!("collection \"{name}\": {why}"))
            });
        };
        for (number, slot) in self.collections.iter().enumerate() {
            let Some(collection) = slot else { continue };
            let schema = &collection.schema;
            let known = self.catalog.find(schema.name());
            if schema.id.index() != number || !known.is_some_and(|known| Arc::ptr_eq(known, schema)) {
                add(schema.name(), "its definition is not the catalog's".to_owned());
            }
            let specs: Vec<&Arc<IndexSpec>> = collection.indexes.iter().map(|index| &index.spec).collect();
            for (at, spec) in schema.indexes.iter().enumerate() {
                if !specs.get(at).is_some_and(|known| *known == spec) {
                    add(schema.name(), format!("index \"{}\" of its definition is not there", spec.name));
                }
            }
        }
        for schema in self.catalog.schemas() {
            if self.find(schema.id).is_none() {
                add(schema.name(), "the catalog has it and the version has not".to_owned());
            }
        }
    }

    fn examine_foreign(&self, collection: &Collection, found: &mut Findings) {
        let schema = &collection.schema;
        for foreign in &schema.foreign {
            for (_, row) in &collection.rows {
                let mut key = Vec::new();
                if encode_fields(&mut key, row, &foreign.fields) {
                    continue;
                }
                let why = match self.has_target(foreign, &key) {
                    Ok(true) => continue,
                    Ok(false) => {
                        let target = self.find(foreign.target);
                        let target = target.map_or("?", |target| target.schema.name());
                        let fields = schema.field_names(&foreign.fields).join(", ");
                        let shown = schema.shown(row, &foreign.fields);
                        format!("points at nothing: ({fields}) = {shown} is not in \"{target}\"")
                    }
                    Err(error) => error.message,
                };
                found.add(of_row(
                    collection,
                    row,
                    FindingKind::ForeignKey,
                    &foreign.name,
                    format!("{why}, through foreign key \"{}\"", foreign.name),
                ));
            }
        }
    }
}

/// A finding about a row; `why` goes on from what the row is called.
fn of_row(
    collection: &Collection,
    row: &Row,
    kind: FindingKind,
    constraint: &str,
    why: impl std::fmt::Display,
) -> Finding {
    let schema = &collection.schema;
    let key = schema.key_json(row);
    let message = format!("row {key} of collection \"{}\" {why}", schema.name());
    Finding {
        collection: Some(schema.name().to_owned()),
        constraint: (!constraint.is_empty()).then(|| constraint.to_owned()),
        key: serde_json::from_str(&key).ok(),
        ..Finding::new(kind, message)
    }
}

fn of_tree(collection: &Collection, constraint: Option<&str>, why: &str) -> Finding {
    let name = collection.schema.name();
    let what = constraint.map_or_else(|| "the rows".to_owned(), |index| format!("index \"{index}\""));
    Finding {
        collection: Some(name.to_owned()),
        constraint: constraint.map(str::to_owned),
        ..Finding::new(FindingKind::Tree, format!("{what} of collection \"{name}\": {why}"))
    }
}

/// Every so many rows, progress is told.
const STRIDE: u64 = 4096;

fn examine_rows(collection: &Collection, found: &mut Findings, watch: &mut dyn FnMut(u64)) {
    if let Err(why) = collection.rows.check() {
        found.add(of_tree(collection, None, &why));
    }
    let schema = &collection.schema;
    let counter = collection.shared.counter();
    let mut highest: Option<(i64, &Row)> = None;
    let mut own = Vec::new();
    let mut done = 0;
    for (key, row) in &collection.rows {
        own.clear();
        schema.encode_primary(&mut own, row);
        if own != key {
            let why = "is under a key that is not its own";
            found.add(of_row(collection, row, FindingKind::Key, "", why));
        }
        for Misfit { field, why, what } in schema.misfits(row) {
            let kind = match why {
                Why::Fields => FindingKind::Fields,
                Why::Null => FindingKind::NotNull,
                Why::Type => FindingKind::Type,
                Why::Choice => FindingKind::Check,
            };
            found.add(of_row(collection, row, kind, &field, what));
        }
        if let Some(ValueRef::Int(number)) = schema.auto_increment.map(|at| row.get(at))
            && highest.is_none_or(|(most, _)| number > most)
        {
            highest = Some((number, row));
        }
        done += 1;
        if done % STRIDE == 0 {
            watch(done);
        }
    }
    if let Some((number, row)) = highest
        && number > counter
    {
        let why = format!("has number {number}, but the counter is only at {counter}");
        found.add(of_row(collection, row, FindingKind::Counter, "", why));
    }
}

fn examine_index(collection: &Collection, index: &Index, found: &mut Findings) {
    let name = index.spec.name.as_str();
    if let Err(why) = index.tree.check() {
        found.add(of_tree(collection, Some(name), &why));
    }
    let mut expected: Vec<(Vec<u8>, &Row)> = Vec::with_capacity(collection.rows.len());
    for (key, row) in &collection.rows {
        let mut entry = Vec::with_capacity(key.len() + 16);
        index.spec.encode(&mut entry, row);
        entry.extend_from_slice(key);
        expected.push((entry, row));
    }
    expected.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    compare_entries(collection, index, &expected, found);
    if index.spec.unique {
        examine_unique(collection, index, &expected, found);
    }
}

/// Goes through the entries that should be and those that are, both in order.
fn compare_entries(
    collection: &Collection,
    index: &Index,
    expected: &[(Vec<u8>, &Row)],
    found: &mut Findings,
) {
    let name = index.spec.name.as_str();
    let mut actual = index.tree.iter().map(|(entry, ())| entry).peekable();
    let superfluous = |entry: &[u8]| {
        let skipped = skip_key(entry, index.spec.components.len());
        match collection.rows.get(entry.get(skipped..).unwrap_or_default()) {
            Some(row) => {
                let why = format!("has an entry of other values in index \"{name}\"");
                of_row(collection, row, FindingKind::IndexWrong, name, why)
            }
            None => {
                let of = collection.schema.name();
                let message = format!("index \"{name}\" of collection \"{of}\" has an entry without a row");
                Finding {
                    collection: Some(of.to_owned()),
                    constraint: Some(name.to_owned()),
                    ..Finding::new(FindingKind::IndexSuperfluous, message)
                }
            }
        }
    };
    for (entry, row) in expected {
        while let Some(more) = actual.next_if(|actual| *actual < entry.as_slice()) {
            found.add(superfluous(more));
        }
        if actual.next_if_eq(&entry.as_slice()).is_none() {
            let why = format!("has no entry in index \"{name}\"");
            found.add(of_row(collection, row, FindingKind::IndexMissing, name, why));
        }
    }
    actual.for_each(|more| found.add(superfluous(more)));
}

/// Of entries with the same values, which lie side by side, there may be only one.
fn examine_unique(
    collection: &Collection,
    index: &Index,
    expected: &[(Vec<u8>, &Row)],
    found: &mut Findings,
) {
    let values = |(entry, row): &(Vec<u8>, &Row)| {
        let length = skip_key(entry, index.spec.components.len());
        let null = index.spec.components.iter().any(|part| part.of(row).is_null());
        (!null).then(|| entry.get(..length).unwrap_or_default().to_vec())
    };
    for pair in expected.windows(2) {
        let [one, other] = pair else { continue };
        if values(one).is_some_and(|values_of_one| Some(values_of_one) == values(other)) {
            let schema = &collection.schema;
            let why = format!(
                "has the values of row {} in unique index \"{}\"",
                schema.key_json(one.1),
                index.spec.name
            );
            found.add(of_row(collection, other.1, FindingKind::Unique, &index.spec.name, why));
        }
    }
}
