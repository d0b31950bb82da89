//! Tests of the store, and what they share.

mod absorb;
mod attempts;
mod automatic;
mod backup;
mod check;
mod constraints;
mod damage;
mod durable;
mod foreign;
mod formats;
mod full_disk;
mod lifecycle;
mod loans;
mod locks;
mod rename;
mod restructured;
mod salvage;
mod schema;
mod startup;
mod transactions;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Begin, Root, Store, Transaction, Writer};
use crate::catalog::{CollectionId, Component, DiffOptions, SchemaDef};
use crate::error::{ErrorCode, Result};
use crate::value::{Row, Value, encode_key};

pub fn def(json: Json) -> SchemaDef {
    serde_json::from_value(json).unwrap()
}

/// Authors that count themselves, and books that point at them.
pub fn library() -> Json {
    json!({"collections": [
        {
            "name": "author",
            "fields": [
                {"name": "id", "type": "int", "autoIncrement": true},
                {"name": "name", "type": "text"},
                {"name": "email", "type": "text", "nullable": true},
                {"name": "born", "type": "int", "nullable": true, "default": {"value": 1900}},
                {"name": "data", "type": "json", "nullable": true}
            ],
            "primary": ["id"],
            "indexes": [
                {"name": "author_email", "paths": [{"field": "email"}], "unique": true},
                {"name": "author_city", "paths": [{"field": "data", "json": ["address", "city"]}]}
            ]
        },
        {
            "name": "book",
            "fields": [
                {"name": "id", "type": "int", "autoIncrement": true},
                {"name": "title", "type": "text"},
                {"name": "author_id", "type": "int", "nullable": true}
            ],
            "primary": ["id"],
            "foreign": [{
                "name": "book_author", "fields": ["author_id"], "target": "author", "targetFields": ["id"],
                "onDelete": "cascade", "onUpdate": "cascade"
            }]
        }
    ]})
}

pub fn open(json: Json) -> Arc<Store> {
    let store = Store::open(None);
    apply(&store, json).unwrap();
    store
}

pub fn apply(store: &Arc<Store>, json: Json) -> Result<Vec<String>> {
    let mut transaction = store.begin(Begin::default())?;
    let changes = transaction.apply_schema(&def(json), DiffOptions::default())?;
    transaction.commit()?;
    store.current()?.check().unwrap();
    Ok(changes.iter().map(ToString::to_string).collect())
}

pub fn begin(store: &Arc<Store>) -> Transaction {
    store.begin(Begin::default()).unwrap()
}

/// Begins as a flush does.
pub fn begin_flush(store: &Arc<Store>) -> Transaction {
    store.begin(Begin::READ_COMMITTED).unwrap()
}

/// One statement, committed at once.
pub fn write<T>(store: &Arc<Store>, run: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
    let mut transaction = begin(store);
    let value = transaction.statement(run)?;
    transaction.commit()?;
    store.current()?.check().unwrap();
    Ok(value)
}

/// Inserts a row given as JSON by field name.
pub fn insert(writer: &mut Writer, collection: &str, json: Json) -> Result<Row> {
    let schema = Arc::clone(&writer.root().by_name(collection)?.schema);
    let mut values = vec![None; schema.width()];
    for (name, value) in json.as_object().unwrap() {
        values[schema.position(name)?] = Some(Value::from_json(value));
    }
    writer.insert(schema.id, values)
}

/// Updates the row with a primary key of one field.
pub fn update(
    writer: &mut Writer,
    collection: &str,
    key: impl Into<Value>,
    json: Json,
) -> Result<Option<Row>> {
    let schema = Arc::clone(&writer.root().by_name(collection)?.schema);
    let changes: Result<Vec<(usize, Value)>> = json
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| Ok((schema.position(name)?, Value::from_json(value))))
        .collect();
    writer.update(schema.id, &key_of(&[key.into()]), &changes?)
}

pub fn delete(writer: &mut Writer, collection: &str, key: impl Into<Value>) -> Result<bool> {
    let id = writer.root().by_name(collection)?.schema.id;
    writer.delete(id, &key_of(&[key.into()]))
}

pub fn key_of(values: &[Value]) -> Vec<u8> {
    values.iter().fold(Vec::new(), |mut key, value| {
        encode_key(&mut key, value.as_ref());
        key
    })
}

pub fn id(root: &Root, collection: &str) -> CollectionId {
    root.catalog.get(collection).unwrap().id
}

/// All rows of a collection as JSON lists of their fields.
pub fn rows(root: &Root, collection: &str) -> Json {
    let collection = root.by_name(collection).unwrap();
    let row = |row: &Row| (2..collection.schema.width()).map(|at| row.get(at).to_json()).collect::<Vec<_>>();
    collection.rows.iter().map(|(_, values)| Json::from(row(values))).collect()
}

/// The values of one field in all rows.
pub fn column(root: &Root, collection: &str, field: &str) -> Json {
    let collection = root.by_name(collection).unwrap();
    let position = collection.schema.position(field).unwrap();
    collection.rows.iter().map(|(_, row)| row.get(position).to_json()).collect()
}

/// How many entries an index has for a value.
pub fn entries(root: &Root, collection: &str, index: &str, value: impl Into<Value>) -> usize {
    let collection = root.by_name(collection).unwrap();
    let index = collection.indexes.iter().find(|known| known.spec.name == index).unwrap();
    let prefix = key_of(&[value.into()]);
    index.tree.iter().filter(|(entry, ())| entry.starts_with(&prefix)).count()
}

pub fn component(root: &Root, collection: &str, field: &str) -> Component {
    Component::field(root.by_name(collection).unwrap().schema.position(field).unwrap())
}

pub fn code<T>(result: Result<T>) -> ErrorCode {
    result.map(drop).unwrap_err().code
}
