//! Statements one by one: operators, outputs, writes, and what is said about mistakes.

#![allow(clippy::unwrap_used)]

mod mistakes;
mod operators;
mod rows;
mod writes;

use std::sync::Arc;

use collection_store::error::{Error, ErrorCode};
use collection_store::query::{Params, Plan, Session, Sink, Wire};
use collection_store::store::{Begin, Store};
use collection_store::value::{Decimal, Value, ValueRef};
use serde_json::{Value as Json, json};

/// Rows as JSON arrays of their parts.
#[derive(Default)]
struct Rows(Vec<Json>);

impl Sink for Rows {
    fn null(&mut self, _: Wire) {
        self.0.push(Json::Null);
    }
    fn number(&mut self, value: f64) {
        self.0.push(json!(value));
    }
    fn bool(&mut self, value: bool) {
        self.0.push(json!(value));
    }
    fn bigint(&mut self, value: i64) {
        self.0.push(json!(format!("{value}n")));
    }
    fn text(&mut self, value: &str) {
        self.0.push(json!(value));
    }
    fn bytes(&mut self, value: &[u8]) {
        self.0.push(json!(value));
    }
    fn json(&mut self, value: ValueRef<'_>) {
        self.0.push(value.to_json());
    }
    fn one(&mut self, present: bool) {
        self.0.push(json!({"one": present}));
    }
    fn many(&mut self, rows: usize) {
        self.0.push(json!({"many": rows}));
    }
}

fn field(name: &str, kind: &str) -> Json {
    json!({"name": name, "type": kind, "nullable": true})
}

fn store() -> Arc<Store> {
    let schema = json!({"collections": [
        {"name": "thing", "primary": ["id"],
         "fields": [
            {"name": "id", "type": "int", "autoIncrement": true}, field("text", "text"), field("num", "int"),
            field("big", "bigint"), field("real", "float"), field("dec", "decimal"), field("flag", "bool"),
            field("day", "date"), field("raw", "bytes"), field("doc", "json"),
            {"name": "version", "type": "int", "nullable": false, "default": {"value": 1}},
         ],
         "indexes": [{"name": "thing_text", "paths": [{"field": "text", "json": []}], "unique": true}]},
        {"name": "part", "primary": ["thing_id", "code"],
         "fields": [{"name": "thing_id", "type": "int"}, {"name": "code", "type": "text"}, field("size", "int")],
         "indexes": [], "foreign": [{"name": "part_thing", "fields": ["thing_id"], "target": "thing",
            "targetFields": ["id"], "onDelete": "cascade"}]},
    ]});
    store_of(schema)
}

fn store_of(schema: Json) -> Arc<Store> {
    let store = Store::open(None);
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
    transaction.commit().unwrap();
    store
}

fn try_run(store: &Arc<Store>, plan: Json, params: Vec<Option<Value>>) -> Result<(u64, Vec<Json>), Error> {
    let (plan, params) = (Plan::parse(&plan.to_string())?, Params::new(params));
    let outcome = plan.run(Session::Store(store), params.clone())?;
    let (mut cursor, mut rows) = (outcome.rows, Rows::default());
    while !cursor.is_done() {
        cursor.next_chunk(2, &mut rows)?;
    }
    let mut at_once = Rows::default();
    if plan.find_one(&mut Session::Store(store), &params, &mut at_once)?.is_some() {
        assert_eq!(at_once.0, rows.0, "the row of a key");
    }
    Ok((outcome.affected, rows.0))
}

fn run(store: &Arc<Store>, plan: Json, params: Vec<Value>) -> (u64, Vec<Json>) {
    try_run(store, plan, params.into_iter().map(Some).collect()).unwrap()
}

fn insert(store: &Arc<Store>, fields: &[&str], rows: Vec<Vec<Value>>) {
    run(store, json!({"insert": {"into": "thing", "fields": fields}}), rows.concat());
}

fn ids(store: &Arc<Store>, filter: Json, params: Vec<Value>) -> Vec<i64> {
    let plan = json!({"find": {"from": "thing", "where": filter, "select": {"fields": [{"field": "id", "as": "number"}]}}});
    run(store, plan, params).1.iter().map(|id| id.as_f64().unwrap() as i64).collect()
}

fn doc(json: Json) -> Value {
    Value::from_json(&json)
}
