//! Resolved definitions: names have become positions, and every key knows where
//! it is stored.

use std::collections::HashMap;
use std::sync::Arc;

use super::def::{CollectionDef, FieldDef, Path, Rule};
use super::default::DefaultValue;
use super::suggest::unknown;
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Row, Value, ValueRef, encode_key};

/// The row position of the sequence number of a row's insertion.
pub const INSERTED: usize = 0;
/// The row position of the sequence number of a row's last update.
pub const UPDATED: usize = 1;
/// The row position of the first field of a definition.
pub const FIRST_FIELD: usize = 2;

/// The number of a collection in its database. Numbers of dropped collections are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(pub u32);

impl CollectionId {
    /// The number as an index into lists of collections.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A field with its place in rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The definition.
    pub def: FieldDef,
    /// The position in a row, [`FIRST_FIELD`] or above.
    pub position: usize,
    /// The default, checked against the type.
    pub default: Option<DefaultValue>,
}

/// One component of an index: a row position, and keys to follow inside a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Component {
    /// The position in a row.
    pub position: usize,
    /// Keys to follow inside the value; empty for the value itself.
    pub json: Vec<String>,
}

impl Component {
    /// The component of a whole field.
    pub fn field(position: usize) -> Self {
        Self { position, json: Vec::new() }
    }

    /// The value of this component in a row; null where the path leads nowhere.
    pub fn of<'a>(&self, row: &'a Row) -> ValueRef<'a> {
        let value = row.get(self.position);
        if self.json.is_empty() { value } else { value.at_path(&self.json).unwrap_or(ValueRef::Null) }
    }
}

/// Why an index exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexOrigin {
    /// The definition asks for it.
    Declared,
    /// A foreign key needs it to find the rows that point.
    Foreign,
    /// Queries gained from it.
    Automatic,
}

/// What an index holds.
///
/// An entry's key is the encoded components, then the encoded primary key. A
/// unique index has the same entries; it is unique in that no two of them have
/// the same components, unless one of the components is null.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSpec {
    /// The name in messages.
    pub name: String,
    /// What is indexed, most significant first.
    pub components: Vec<Component>,
    /// Whether two rows may not have the same values.
    pub unique: bool,
    /// Why the index exists.
    pub origin: IndexOrigin,
}

impl IndexSpec {
    /// Appends the components of a row; tells whether one of them is null.
    pub fn encode(&self, out: &mut Vec<u8>, row: &Row) -> bool {
        let mut null = false;
        for component in &self.components {
            let value = component.of(row);
            null |= value.is_null();
            encode_key(out, value);
        }
        null
    }

    /// The positions of the fields that the components are in.
    pub fn positions(&self) -> impl Iterator<Item = usize> {
        self.components.iter().map(|component| component.position)
    }

    /// The values of a row in this index.
    pub fn values(&self, row: &Row) -> Vec<Value> {
        self.components.iter().map(|component| component.of(row).to_value()).collect()
    }

    /// Whether the index is over exactly these whole fields, in this order.
    pub fn is_over(&self, positions: &[usize]) -> bool {
        self.components.len() == positions.len() && self.begins_with(positions)
    }

    /// Whether the index begins with exactly these whole fields, in this order.
    pub fn begins_with(&self, positions: &[usize]) -> bool {
        self.components.len() >= positions.len()
            && self
                .components
                .iter()
                .zip(positions)
                .all(|(part, at)| part.json.is_empty() && part.position == *at)
    }
}

/// Where rows are found by some of their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// In the rows themselves: the fields are the primary key or begin it.
    Primary,
    /// In the index of this number.
    Index(usize),
}

/// A foreign key, as the collection that points sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: String,
    /// The row positions that point, in the order of the target's key.
    pub fields: Vec<usize>,
    /// Where the rows that point are found.
    pub access: Access,
    /// The collection pointed at.
    pub target: CollectionId,
    /// The row positions pointed at, in the order of the target's key.
    pub target_fields: Vec<usize>,
    /// Where the row pointed at is found.
    pub target_access: Access,
    /// What happens when the target row is deleted.
    pub on_delete: Rule,
    /// What happens when the target fields change.
    pub on_update: Rule,
    /// Whether it is checked when the transaction commits.
    pub deferred: bool,
}

/// A foreign key, as the collection pointed at sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The collection that points.
    pub collection: CollectionId,
    /// The number of its foreign key.
    pub foreign: usize,
}

/// A collection's definition, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The collection's number.
    pub id: CollectionId,
    /// The definition.
    pub def: CollectionDef,
    /// The fields, by row position less [`FIRST_FIELD`].
    pub fields: Vec<Field>,
    /// The row positions of the primary key.
    pub primary: Vec<usize>,
    /// The declared indexes, then those of foreign keys.
    pub indexes: Vec<Arc<IndexSpec>>,
    /// The foreign keys of this collection.
    pub foreign: Vec<ForeignKey>,
    /// The foreign keys of any collection that point at this one.
    pub incoming: Vec<Incoming>,
    /// The row position of the field that counts by itself.
    pub auto_increment: Option<usize>,
    pub(super) positions: HashMap<String, usize>,
}

impl Schema {
    /// The collection's name.
    pub fn name(&self) -> &str {
        &self.def.name
    }

    /// How many positions a complete row has.
    pub fn width(&self) -> usize {
        FIRST_FIELD + self.fields.len()
    }

    /// The row position of a field, or of `$inserted` or `$updated`. An unknown
    /// name is `FieldNotFound`.
    pub fn position(&self, name: &str) -> Result<usize> {
        match name {
            "$inserted" => Ok(INSERTED),
            "$updated" => Ok(UPDATED),
            _ => self.positions.get(name).copied().ok_or_else(|| {
                let of = format!(" of collection \"{}\"", self.name());
                let names = self.fields.iter().map(|field| field.def.name.as_str());
                Error::new(ErrorCode::FieldNotFound, unknown("field", name, &of, names))
                    .of_collection(self.name())
                    .of_fields([name])
            }),
        }
    }

    /// The field at a row position; `None` for `$inserted`, `$updated` and beyond the end.
    pub fn field(&self, position: usize) -> Option<&Field> {
        self.fields.get(position.checked_sub(FIRST_FIELD)?)
    }

    /// The name of a row position.
    pub fn field_name(&self, position: usize) -> &str {
        match position {
            INSERTED => "$inserted",
            UPDATED => "$updated",
            _ => self.field(position).map_or("?", |field| &field.def.name),
        }
    }

    /// The names of row positions.
    pub fn field_names(&self, positions: &[usize]) -> Vec<String> {
        positions.iter().map(|position| self.field_name(*position).to_owned()).collect()
    }

    /// The index component of a path. An unknown field is `FieldNotFound`; a path
    /// into a field that is not json is `TypeMismatch`.
    pub fn component(&self, path: &Path) -> Result<Component> {
        let position = self.position(&path.field)?;
        let inside = self.field(position).is_none_or(|field| field.def.kind != super::FieldType::Json);
        if inside && !path.json.is_empty() {
            let message = format!(
                "\"{path}\" leads into field \"{}\" of collection \"{}\", which is not of type json",
                path.field,
                self.name()
            );
            return Err(Error::new(ErrorCode::TypeMismatch, message)
                .of_collection(self.name())
                .of_fields([path.field.as_str()]));
        }
        Ok(Component { position, json: path.json.clone() })
    }

    /// The encoded primary key of a row: its key among the rows.
    pub fn primary_key(&self, row: &Row) -> Vec<u8> {
        let mut key = Vec::with_capacity(16);
        self.encode_primary(&mut key, row);
        key
    }

    /// Appends the encoded primary key of a row.
    pub fn encode_primary(&self, out: &mut Vec<u8>, row: &Row) {
        for position in &self.primary {
            encode_key(out, row.get(*position));
        }
    }

    /// The values of a row's primary key as a JSON array.
    pub fn key_json(&self, row: &Row) -> String {
        let values = self.primary.iter().map(|at| row.get(*at).to_json()).collect();
        serde_json::Value::Array(values).to_string()
    }

    /// The values of some positions of a row as messages show them: `(1, "a…")`.
    pub fn shown(&self, row: &Row, positions: &[usize]) -> String {
        let values: Vec<String> = positions.iter().map(|at| row.get(*at).short().to_string()).collect();
        format!("({})", values.join(", "))
    }
}

/// All collections of a version of the database, resolved. Immutable.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub(super) schemas: Vec<Option<Arc<Schema>>>,
    pub(super) by_name: HashMap<String, CollectionId>,
    pub(super) defers: bool,
}

impl Catalog {
    /// The collection of a name; `CollectionNotFound` says what there is.
    pub fn get(&self, name: &str) -> Result<&Arc<Schema>> {
        self.find(name).ok_or_else(|| {
            let names = self.schemas().map(|schema| schema.name());
            Error::new(ErrorCode::CollectionNotFound, unknown("collection", name, "", names))
                .of_collection(name)
        })
    }

    /// Whether some foreign key is checked only when a transaction commits.
    pub fn defers(&self) -> bool {
        self.defers
    }

    /// The collection of a name, if it exists.
    pub fn find(&self, name: &str) -> Option<&Arc<Schema>> {
        self.schema(*self.by_name.get(name)?)
    }

    /// The collection of a number, if it exists.
    pub fn schema(&self, id: CollectionId) -> Option<&Arc<Schema>> {
        self.schemas.get(id.index())?.as_ref()
    }

    /// All collections, by number.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        self.schemas.iter().flatten()
    }

    /// One above the greatest number of a collection.
    pub fn capacity(&self) -> usize {
        self.schemas.len()
    }

    /// The definitions this catalog was resolved from.
    pub fn definition(&self) -> super::SchemaDef {
        super::SchemaDef { collections: self.schemas().map(|schema| schema.def.clone()).collect() }
    }
}
