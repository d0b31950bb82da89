//! What a record, or a row, does to a state that it may not fit, as versions are missing.

use std::sync::Arc;

use super::super::record::{Part, Record};
use super::super::{State, Stored};
use super::Apart;
use crate::catalog::{CollectionId, Schema};
use crate::tree::Tree;
use crate::value::Row;

impl State {
    /// Does what can be done of a transaction; gives the version that it makes.
    /// Where versions are missing, rows that do not fit their collection as it is
    /// known are put apart.
    pub(super) fn apply_what_fits(
        &mut self,
        mut record: Record<'_>,
        whole: bool,
        apart: &mut Vec<Apart>,
    ) -> std::result::Result<u64, String> {
        let mut parts = Vec::new();
        while let Some(part) = record.next().ok_or("a record is cut short")? {
            parts.push(part);
        }
        self.sequence = record.sequence;
        let mut used = None;
        let mut wrong = None;
        let mut doubtful = Vec::new();
        for part in parts {
            match part {
                Part::Schema(json) => {
                    let before = std::mem::take(&mut self.collections);
                    self.collections.clone_from(&before);
                    if let Err(error) = self.redefine(json) {
                        wrong = Some(error.message);
                    }
                    if !whole {
                        doubtful = self.doubt(before);
                    }
                    used = None;
                }
                Part::Collection(id, counter) => {
                    used = Some(id);
                    match self.stored(used) {
                        Ok(stored) => stored.counter = counter,
                        Err(error) if whole => wrong = Some(error.message),
                        Err(_) => {}
                    }
                }
                Part::Clear => {
                    if let Ok(stored) = self.stored(used) {
                        stored.rows = Tree::new();
                    }
                    doubtful.retain(|old: &Stored| Some(old.schema.id) != used);
                }
                Part::Delete(key) => {
                    if let Ok(stored) = self.stored(used)
                        && stored.rows.remove(key).is_none()
                        && whole
                    {
                        wrong = Some("a record deletes a row that is not there".to_owned());
                    }
                }
                Part::Put(bytes) => match Row::from_bytes(bytes) {
                    Ok(row) => self.put_what_fits(used, row, whole, apart),
                    Err(error) => wrong = Some(error.message),
                },
            }
        }
        for old in doubtful {
            let known =
                self.stored(Some(old.schema.id)).map(|stored| stored.rows.clone()).unwrap_or_default();
            for (key, row) in &old.rows {
                if !known.contains_key(key) {
                    let why = "its collection has changed in versions that are missing".to_owned();
                    let (collection, schema) = (old.schema.id, Some(Arc::clone(&old.schema)));
                    apart.push(Apart { collection, schema, row: row.clone(), why });
                }
            }
        }
        wrong.map_or(Ok(record.sequence), Err)
    }

    /// Takes rows away that may be of another form than their collection now says:
    /// what changed it may be missing, and what follows only tells of rows that it
    /// has changed itself.
    fn doubt(&mut self, before: Vec<Option<Stored>>) -> Vec<Stored> {
        let mut doubtful = Vec::new();
        for old in before.into_iter().flatten() {
            let Ok(now) = self.stored(Some(old.schema.id)) else { continue };
            let form = |schema: &Schema| -> Vec<_> {
                schema.fields.iter().map(|field| (field.def.name.clone(), field.def.kind)).collect()
            };
            // Fields that were added behind the others are null in rows from before.
            let same = old.schema.name() == now.schema.name()
                && old.schema.primary == now.schema.primary
                && form(&now.schema).starts_with(&form(&old.schema));
            if !same {
                now.rows = Tree::new();
                doubtful.push(old);
            }
        }
        doubtful
    }

    pub(super) fn put_what_fits(
        &mut self,
        id: Option<CollectionId>,
        row: Row,
        whole: bool,
        apart: &mut Vec<Apart>,
    ) {
        let Ok(Stored { schema, rows, .. }) = self.stored(id) else {
            let why = "its collection is not known: the definition is lost".to_owned();
            return apart.extend(id.map(|collection| Apart { collection, schema: None, row, why }));
        };
        let misfit = if whole { None } else { schema.misfits(&row).next() };
        match misfit {
            None => drop(rows.insert(&schema.primary_key(&row), row)),
            Some(misfit) => {
                let why = format!("it {}, and versions before it are missing", misfit.what);
                let (collection, schema) = (schema.id, Some(Arc::clone(schema)));
                apart.push(Apart { collection, schema, row, why });
            }
        }
    }
}
