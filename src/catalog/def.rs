//! Definitions: what a caller says a database should look like.
//!
//! They are plain data, read from and written to JSON with camelCase keys.
//! [`Catalog::resolve`](super::Catalog::resolve) checks them and turns names into positions.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// What a field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A number as JavaScript knows it: a 64-bit integer when whole, else a double.
    Int,
    /// A whole number of 64 bits.
    BigInt,
    /// A double.
    Float,
    /// An exact decimal number that keeps its scale.
    Decimal,
    /// True or false.
    Bool,
    /// Unicode text, ordered by code points.
    Text,
    /// A point in time, in milliseconds since 1970 UTC.
    Date,
    /// Bytes, ordered bytewise.
    Bytes,
    /// A document, a list or any other value.
    Json,
}

impl FieldType {
    /// The name used in definitions and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Float => "float",
            Self::Decimal => "decimal",
            Self::Bool => "bool",
            Self::Text => "text",
            Self::Date => "date",
            Self::Bytes => "bytes",
            Self::Json => "json",
        }
    }

    /// Whether values of both types have comparable keys, as a foreign key needs.
    pub fn fits(self, other: Self) -> bool {
        let number = |kind| matches!(kind, Self::Int | Self::BigInt | Self::Float);
        self == other || (number(self) && number(other))
    }
}

/// What an insert puts into a field that it does not mention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DefaultDef {
    /// Always this value: `{"value": 0}`.
    Value(serde_json::Value),
    /// The time of the insert: `{"now": true}`. Milliseconds, or ISO 8601 in a text field.
    Now(bool),
}

/// A field of a collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldDef {
    /// The name, unique in its collection.
    pub name: String,
    /// What the field can hold.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether null is allowed.
    #[serde(default)]
    pub nullable: bool,
    /// What takes the place of a value that is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultDef>,
    /// Whether a missing value is the next whole number of the collection's counter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_increment: bool,
    /// The only texts that the field may hold, for an enumeration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<String>>,
}

impl FieldDef {
    /// Whether a value of the field's type is among those that it may hold.
    pub fn allows(&self, value: &Value) -> bool {
        match (&self.one_of, value) {
            (Some(choices), Value::Text(text)) => choices.contains(text),
            _ => true,
        }
    }
}

/// A field, or a place inside a json field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Path {
    /// The field's name.
    pub field: String,
    /// Keys to follow inside the field's document; empty for the field itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<String>,
}

impl Path {
    /// The path of a whole field.
    pub fn field(name: impl Into<String>) -> Self {
        Self { field: name.into(), json: Vec::new() }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.field)?;
        self.json.iter().try_for_each(|key| write!(f, ".{key}"))
    }
}

/// A declared index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexDef {
    /// The name, unique in its collection.
    pub name: String,
    /// What is indexed, most significant first.
    pub paths: Vec<Path>,
    /// Whether two rows may not have the same values, unless one of them is null.
    #[serde(default)]
    pub unique: bool,
}

/// What happens to rows that point at a row which goes away or changes its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// They go, or follow, too.
    Cascade,
    /// Their foreign key becomes null.
    SetNull,
    /// Their foreign key takes its fields' defaults.
    SetDefault,
    /// They forbid it, even if a rule of the same statement would remove them.
    Restrict,
    /// They forbid it if they are still there when the statement ends.
    #[default]
    NoAction,
}

impl Rule {
    /// The rule as SQL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cascade => "cascade",
            Self::SetNull => "set null",
            Self::SetDefault => "set default",
            Self::Restrict => "restrict",
            Self::NoAction => "no action",
        }
    }
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignDef {
    /// The constraint's name, unique in its collection.
    pub name: String,
    /// The fields that point.
    pub fields: Vec<String>,
    /// The collection pointed at.
    pub target: String,
    /// The fields pointed at: the primary key or a unique index of the target.
    pub target_fields: Vec<String>,
    /// What happens when the target row is deleted.
    #[serde(default)]
    pub on_delete: Rule,
    /// What happens when the target fields change.
    #[serde(default)]
    pub on_update: Rule,
    /// Whether what it refuses is refused when the transaction commits, and not
    /// at the end of each statement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
}

/// A collection: fields, primary key, indexes and foreign keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CollectionDef {
    /// The name, unique in the database.
    pub name: String,
    /// The fields.
    pub fields: Vec<FieldDef>,
    /// The names of the primary key's fields, at least one.
    pub primary: Vec<String>,
    /// The declared indexes.
    #[serde(default)]
    pub indexes: Vec<IndexDef>,
    /// The foreign keys.
    #[serde(default)]
    pub foreign: Vec<ForeignDef>,
}

/// A whole database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaDef {
    /// The collections.
    pub collections: Vec<CollectionDef>,
}
