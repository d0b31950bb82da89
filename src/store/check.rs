//! Whether a version of the database is what it claims to be; for tests and diagnosis.

use std::collections::HashSet;
use std::sync::Arc;

use super::root::{Collection, Index, Root, encode_fields};
use crate::value::Value;

impl Root {
    /// Goes through everything: the trees, that every index has exactly the
    /// entries of its rows, not null, unique, foreign keys and counters.
    ///
    /// # Errors
    /// A sentence that says what is wrong. It takes time in proportion to the data.
    pub fn check(&self) -> Result<(), String> {
        for (number, slot) in self.collections.iter().enumerate() {
            let Some(collection) = slot else { continue };
            let name = collection.schema.name();
            let known = self.catalog.find(name);
            if collection.schema.id.index() != number
                || !known.is_some_and(|known| Arc::ptr_eq(known, &collection.schema))
            {
                return Err(format!("collection \"{name}\" is not the catalog's"));
            }
            check_rows(collection).map_err(|error| format!("collection \"{name}\": {error}"))?;
            for index in &collection.indexes {
                check_index(collection, index)
                    .map_err(|error| format!("index \"{}\" of \"{name}\": {error}", index.spec.name))?;
            }
            self.check_foreign(collection).map_err(|error| format!("collection \"{name}\": {error}"))?;
        }
        if self.collections().count() == self.catalog.schemas().count() {
            Ok(())
        } else {
            Err("the catalog has other collections than the version".to_owned())
        }
    }

    fn check_foreign(&self, collection: &Collection) -> Result<(), String> {
        for foreign in &collection.schema.foreign {
            for (_, row) in &collection.rows {
                let mut key = Vec::new();
                if !encode_fields(&mut key, row, &foreign.fields)
                    && !self.has_target(foreign, &key).map_err(|error| error.message)?
                {
                    return Err(format!("row {row:?} points at nothing through \"{}\"", foreign.name));
                }
            }
        }
        Ok(())
    }
}

fn check_rows(collection: &Collection) -> Result<(), String> {
    collection.rows.check()?;
    let schema = &collection.schema;
    for (key, row) in &collection.rows {
        if schema.primary_key(row) != key {
            return Err(format!("row {row:?} is under a key that is not its own"));
        }
        if row.len() > schema.width() {
            return Err(format!("row {row:?} has more fields than the collection"));
        }
        for field in &schema.fields {
            let value = row.get(field.position);
            if value.is_null() && !field.def.nullable {
                return Err(format!("field \"{}\" of row {row:?} is null", field.def.name));
            }
            if field.def.auto_increment && value.to_value() > Value::Int(collection.shared.counter()) {
                return Err(format!(
                    "the counter has not passed field \"{}\" of row {row:?}",
                    field.def.name
                ));
            }
        }
    }
    Ok(())
}

fn check_index(collection: &Collection, index: &Index) -> Result<(), String> {
    index.tree.check()?;
    if index.tree.len() != collection.rows.len() {
        return Err(format!("{} entries for {} rows", index.tree.len(), collection.rows.len()));
    }
    let mut seen = HashSet::new();
    for (key, row) in &collection.rows {
        let mut entry = Vec::new();
        let null = index.spec.encode(&mut entry, row);
        if index.spec.unique && !null && !seen.insert(entry.clone()) {
            return Err(format!("the values of row {row:?} are there twice"));
        }
        entry.extend_from_slice(key);
        if !index.tree.contains_key(&entry) {
            return Err(format!("row {row:?} has no entry"));
        }
    }
    Ok(())
}
