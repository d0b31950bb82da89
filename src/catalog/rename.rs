//! Other names for what is there: positions and numbers stay, so rows do not change.

use super::def::SchemaDef;
use super::schema::Catalog;
use crate::error::{Error, ErrorCode, Result};

/// A collection or a field that gets another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what the variants' sentences name")]
pub enum Rename<'a> {
    /// A collection; foreign keys follow.
    Collection { from: &'a str, to: &'a str },
    /// A field of a collection; its keys, indexes and foreign keys follow.
    Field { collection: &'a str, from: &'a str, to: &'a str },
}

impl Catalog {
    /// The catalog with another name for something, everything at its place.
    ///
    /// # Errors
    /// `CollectionNotFound` and `FieldNotFound` for names that are not there,
    /// `CollectionExists` and `FieldDuplicate` for names that are taken, and
    /// `InvalidSchema` for those that cannot be given.
    pub fn renamed(&self, rename: Rename<'_>) -> Result<Self> {
        let mut current = self.clone();
        let mut def = self.definition();
        match rename {
            Rename::Collection { from, to } => {
                let id = self.get(from)?.id;
                if self.find(to).is_some() {
                    let message = format!("collection \"{to}\" exists already");
                    return Err(Error::new(ErrorCode::CollectionExists, message).of_collection(to));
                }
                // Collections keep their numbers by their names.
                current.by_name.remove(from);
                current.by_name.insert(to.to_owned(), id);
                rename_collection(&mut def, from, to);
            }
            Rename::Field { collection, from, to } => {
                let schema = self.get(collection)?;
                if schema.field(schema.position(from)?).is_none() {
                    let message = format!("\"{from}\" of collection \"{collection}\" keeps its name");
                    return Err(Error::new(ErrorCode::InvalidSchema, message)
                        .of_collection(collection)
                        .of_fields([from]));
                }
                rename_field(&mut def, collection, from, to);
            }
        }
        Self::resolve(&def, &current)
    }
}

fn rename_collection(def: &mut SchemaDef, from: &str, to: &str) {
    for collection in &mut def.collections {
        replace(&mut collection.name, from, to);
        for foreign in &mut collection.foreign {
            replace(&mut foreign.target, from, to);
        }
    }
}

fn rename_field(def: &mut SchemaDef, name: &str, from: &str, to: &str) {
    for collection in &mut def.collections {
        let own = collection.name == name;
        for foreign in &mut collection.foreign {
            if own {
                replace_all(&mut foreign.fields, from, to);
            }
            if foreign.target == name {
                replace_all(&mut foreign.target_fields, from, to);
            }
        }
        if own {
            collection.fields.iter_mut().for_each(|field| replace(&mut field.name, from, to));
            replace_all(&mut collection.primary, from, to);
            let paths = collection.indexes.iter_mut().flat_map(|index| &mut index.paths);
            paths.for_each(|path| replace(&mut path.field, from, to));
        }
    }
}

fn replace_all(names: &mut [String], from: &str, to: &str) {
    names.iter_mut().for_each(|name| replace(name, from, to));
}

fn replace(name: &mut String, from: &str, to: &str) {
    if name == from {
        to.clone_into(name);
    }
}
