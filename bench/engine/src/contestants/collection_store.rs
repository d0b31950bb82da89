//! The engine of this package, by the plans that its binding runs.

use std::sync::Arc;

use collection_store::catalog::FIRST_FIELD;
use collection_store::query::{Params, Plan, Session, Sink, Wire};
use collection_store::store::{Begin, Store, Transaction};
use collection_store::value::{Value, ValueRef, encode_key};
use serde_json::{Value as Json, json};

use super::Contestant;
use crate::data::{Person, Probe};

const NAMES: [&str; 8] = ["id", "name", "email", "city", "age", "score", "active", "note"];

impl Sink for Probe {
    fn null(&mut self, _: Wire) {
        self.text("");
    }
    fn number(&mut self, value: f64) {
        Self::number(self, value);
    }
    fn bool(&mut self, value: bool) {
        Self::number(self, f64::from(u8::from(value)));
    }
    fn bigint(&mut self, value: i64) {
        Self::number(self, value as f64);
    }
    fn text(&mut self, value: &str) {
        Self::text(self, value);
    }
    fn bytes(&mut self, _: &[u8]) {}
    fn json(&mut self, _: ValueRef<'_>) {}
    fn one(&mut self, _: bool) {}
    fn many(&mut self, _: usize) {}
}

pub struct Plans {
    store: Arc<Store>,
    get: Plan,
    by_unique: Plan,
    by_index: Plan,
    by_composite: Plan,
    up_to: Plan,
    range: Plan,
    page: Plan,
    count_range: Plan,
    count: Plan,
    insert: Plan,
    upsert: Plan,
    update: Plan,
    update_many: Plan,
    remove: Plan,
    remove_above: Plan,
}

fn cmp(field: &str, op: &str, parameter: usize) -> Json {
    json!({"cmp": {"op": op, "path": {"field": field}, "value": {"p": parameter}}})
}

fn plan(of: Json) -> Plan {
    Plan::parse(&of.to_string()).unwrap()
}

fn find(more: Json) -> Plan {
    let wires = ["number", "text", "text", "text", "number", "number", "bool", "text"];
    let fields: Vec<Json> =
        NAMES.iter().zip(wires).map(|(field, wire)| json!({"field": field, "as": wire})).collect();
    let mut find = json!({"from": "person", "select": {"fields": fields}});
    find.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    plan(json!({"find": find}))
}

fn order(fields: &[&str]) -> Json {
    fields.iter().map(|field| json!({"path": {"field": field}, "desc": false})).collect()
}

fn values(people: &[Person]) -> Params {
    let mut values = Vec::with_capacity(people.len() * NAMES.len());
    for person in people {
        values.extend([
            Value::Int(person.id),
            Value::Text(person.name.clone()),
            Value::Text(person.email.clone()),
            Value::Text(person.city.clone()),
            Value::Int(person.age),
            Value::Float(person.score),
            Value::Bool(person.active),
            Value::Text(person.note.clone()),
        ]);
    }
    values.into()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

impl Plans {
    pub fn open() -> Self {
        let types = ["int", "text", "text", "text", "int", "float", "bool", "text"];
        let fields: Vec<Json> = NAMES
            .iter()
            .zip(types)
            .map(|(name, kind)| json!({"name": name, "type": kind, "nullable": false}))
            .collect();
        let index = |name: &str, fields: &[&str], unique: bool| {
            let paths: Vec<Json> = fields.iter().map(|field| json!({"field": field, "json": []})).collect();
            json!({"name": name, "paths": paths, "unique": unique})
        };
        let schema = json!({"collections": [{
            "name": "person", "fields": fields, "primary": ["id"], "foreign": [],
            "indexes": [
                index("email", &["email"], true),
                index("city", &["city"], false),
                index("age_name", &["age", "name"], false),
            ],
        }]});
        let store = Store::open(None);
        let mut transaction = store.begin(Begin::default()).unwrap();
        transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
        transaction.commit().unwrap();
        let by_id = || cmp("id", "eq", 0);
        let ages = || json!({"all": [cmp("age", "gte", 0), cmp("age", "lt", 1)]});
        Self {
            store,
            get: find(json!({"where": by_id()})),
            by_unique: find(json!({"where": cmp("email", "eq", 0)})),
            by_index: find(json!({"where": cmp("city", "eq", 0)})),
            by_composite: find(json!({"where": {"all": [cmp("age", "eq", 0), cmp("name", "eq", 1)]}})),
            up_to: find(json!({"where": cmp("id", "lte", 0)})),
            range: find(json!({"where": ages(), "order": order(&["age", "name", "id"]), "limit": {"p": 2}})),
            page: find(json!({"order": order(&["id"]), "limit": {"p": 0}, "offset": {"p": 1}})),
            count_range: plan(json!({"count": {"from": "person", "where": ages()}})),
            count: plan(json!({"count": {"from": "person"}})),
            insert: plan(json!({"insert": {"into": "person", "fields": NAMES}})),
            upsert: plan(json!({"insert": {"into": "person", "fields": NAMES,
                "conflict": {"fields": ["id"], "action": "merge", "merge": &NAMES[1..]}}})),
            update: plan(json!({"update": {"in": "person", "where": by_id(),
                "set": [{"field": "score", "value": {"p": 1}}]}})),
            update_many: plan(json!({"updateMany": {"in": "person", "key": ["id"], "set": ["score"]}})),
            remove: plan(json!({"delete": {"from": "person", "where": by_id()}})),
            remove_above: plan(json!({"delete": {"from": "person", "where": cmp("id", "gt", 0)}})),
        }
    }

    fn find(&self, plan: &Plan, values: Vec<Value>, probe: &mut Probe) {
        let mut session = Session::Store(&self.store);
        let params = values.into();
        if plan.find_one(&mut session, &params, probe).unwrap().is_some() {
            return;
        }
        let mut rows = plan.run(session, params).unwrap().rows;
        while !rows.is_done() {
            rows.next_chunk(256, probe).unwrap();
        }
    }

    fn write(&self, plan: &Plan, params: Params) -> u64 {
        plan.run(Session::Store(&self.store), params).unwrap().affected
    }

    fn transaction<T>(&self, run: impl FnOnce(&mut Transaction) -> T) -> T {
        let mut transaction = self.store.begin(Begin::default()).unwrap();
        let result = run(&mut transaction);
        transaction.commit().unwrap();
        result
    }

    fn score(&self, transaction: &mut Transaction, id: i64) -> f64 {
        let root = Arc::clone(transaction.root().unwrap());
        let people = root.by_name("person").unwrap();
        let at = people.schema.position("score").unwrap();
        let mut key = Vec::new();
        encode_key(&mut key, ValueRef::Int(id));
        match people.rows.get(&key).unwrap().get(at) {
            ValueRef::Float(score) => score,
            ValueRef::Int(score) => score as f64,
            _ => f64::NAN,
        }
    }

    fn inside(&mut self, id: i64, score: f64, back: bool) -> f64 {
        self.transaction(|transaction| {
            let savepoint = transaction.savepoint().unwrap();
            self.update.run(Session::Transaction(transaction), vec![id.into(), score.into()].into()).unwrap();
            if back {
                transaction.rollback_to(savepoint).unwrap();
            }
            transaction.release(savepoint).unwrap();
            self.score(transaction, id)
        })
    }
}

impl Contestant for Plans {
    fn get(&self, id: i64, probe: &mut Probe) {
        self.find(&self.get, vec![id.into()], probe);
    }

    fn get_directly(&self, id: i64, probe: &mut Probe) {
        let root = self.store.current().unwrap();
        let people = root.by_name("person").unwrap();
        let mut key = Vec::with_capacity(9);
        encode_key(&mut key, ValueRef::Int(id));
        let Some(row) = people.rows.get(&key) else { return };
        for at in FIRST_FIELD..row.len() {
            match row.get(at) {
                ValueRef::Int(value) => probe.number(value as f64),
                ValueRef::Float(value) => probe.number(value),
                ValueRef::Bool(value) => probe.number(f64::from(u8::from(value))),
                ValueRef::Text(value) => probe.text(value),
                _ => {}
            }
        }
    }

    fn by_unique(&self, email: &str, probe: &mut Probe) {
        self.find(&self.by_unique, vec![text(email)], probe);
    }

    fn by_index(&self, city: &str, probe: &mut Probe) {
        self.find(&self.by_index, vec![text(city)], probe);
    }

    fn by_composite(&self, age: i64, name: &str, probe: &mut Probe) {
        self.find(&self.by_composite, vec![age.into(), text(name)], probe);
    }

    fn up_to(&self, id: i64, probe: &mut Probe) {
        self.find(&self.up_to, vec![id.into()], probe);
    }

    fn range(&self, from: i64, to: i64, limit: usize, probe: &mut Probe) {
        self.find(&self.range, vec![from.into(), to.into(), (limit as i64).into()], probe);
    }

    fn page(&self, limit: usize, offset: usize, probe: &mut Probe) {
        self.find(&self.page, vec![(limit as i64).into(), (offset as i64).into()], probe);
    }

    fn count_range(&self, from: i64, to: i64) -> u64 {
        self.write(&self.count_range, vec![from.into(), to.into()].into())
    }

    fn count(&self) -> u64 {
        self.write(&self.count, Params::default())
    }

    fn insert_many(&mut self, people: &[Person]) -> u64 {
        self.write(&self.insert, values(people))
    }

    fn upsert_many(&mut self, people: &[Person]) -> u64 {
        self.write(&self.upsert, values(people))
    }

    fn update(&mut self, id: i64, score: f64) -> u64 {
        self.write(&self.update, vec![id.into(), score.into()].into())
    }

    fn update_many(&mut self, changes: &[(i64, f64)]) -> u64 {
        let values: Vec<Value> =
            changes.iter().flat_map(|(id, score)| [Value::Int(*id), Value::Float(*score)]).collect();
        self.write(&self.update_many, values.into())
    }

    fn remove(&mut self, id: i64) -> u64 {
        self.write(&self.remove, vec![id.into()].into())
    }

    fn remove_above(&mut self, id: i64) -> u64 {
        self.write(&self.remove_above, vec![id.into()].into())
    }

    fn savepoint(&mut self, id: i64, score: f64) -> f64 {
        self.inside(id, score, true)
    }

    fn nested(&mut self, id: i64, score: f64) -> f64 {
        self.inside(id, score, false)
    }
}
