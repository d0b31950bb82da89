//! What keeps hot operations cheap, without timing anything: how often each of them allocates memory, against a bound
//! that is written here. Whoever makes one cheaper lowers its bound; whoever must raise one says why.

// With the binding comes the allocator of the addon, and there can be only one.
#![cfg(not(feature = "node"))]
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use collection_store::query::{Plan, Session, Sink, Wire};
use collection_store::store::{Begin, Store};
use collection_store::value::{Value, ValueRef};
use serde_json::{Value as Json, json};

/// The allocator of the system, with the allocations of each thread counted.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn counted() {
    // A thread that ends allocates when its counter is gone.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is handed to the allocator of the system as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; `alloc` and `realloc` gave what the system did.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        counted();
        // SAFETY: as of `dealloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Lets everything go.
struct Nowhere;

impl Sink for Nowhere {
    fn null(&mut self, _: Wire) {}
    fn number(&mut self, _: f64) {}
    fn bool(&mut self, _: bool) {}
    fn bigint(&mut self, _: i64) {}
    fn text(&mut self, _: &str) {}
    fn bytes(&mut self, _: &[u8]) {}
    fn json(&mut self, _: ValueRef<'_>) {}
    fn one(&mut self, _: bool) {}
    fn many(&mut self, _: usize) {}
}

const ROWS: i64 = 10_000;

fn plan(of: Json) -> Plan {
    Plan::parse(&of.to_string()).unwrap()
}

fn person(id: i64) -> Vec<Value> {
    vec![id.into(), format!("person {id}").into(), format!("person{id}@example.com").into(), (id % 90).into()]
}

/// People with a unique and a plain index.
fn store(insert: &Plan) -> Arc<Store> {
    let field = |name: &str, kind: &str| json!({"name": name, "type": kind, "nullable": false});
    let index = |field: &str, unique: bool| json!({"name": field, "paths": [{"field": field, "json": []}], "unique": unique});
    let schema = json!({"collections": [{
        "name": "person", "primary": ["id"], "foreign": [],
        "fields": [field("id", "int"), field("name", "text"), field("email", "text"), field("age", "int")],
        "indexes": [index("email", true), index("age", false)],
    }]});
    let store = Store::open(None);
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
    transaction.commit().unwrap();
    let rows: Vec<Value> = (0..ROWS).flat_map(person).collect();
    insert.run(Session::Store(&store), rows.into()).unwrap();
    store
}

fn read(store: &Arc<Store>, plan: &Plan, params: Vec<Value>) -> usize {
    let (mut session, params) = (Session::Store(store), params.into());
    if let Some(count) = plan.find_one(&mut session, &params, &mut Nowhere).unwrap() {
        return count;
    }
    let mut rows = plan.run(session, params).unwrap().rows;
    let mut count = 0;
    while !rows.is_done() {
        count += rows.next_chunk(256, &mut Nowhere).unwrap();
    }
    count
}

/// How often each of many operations allocates, on average; what the first ones prepare for the others is left out.
fn allocations(mut operation: impl FnMut(i64)) -> f64 {
    const TIMES: i64 = 200;
    (0..TIMES).for_each(&mut operation);
    let before = ALLOCATIONS.get();
    (TIMES..2 * TIMES).for_each(&mut operation);
    (ALLOCATIONS.get() - before) as f64 / TIMES as f64
}

#[test]
fn hot_operations_allocate_no_more_than_they_did() {
    let insert = plan(json!({"insert": {"into": "person", "fields": ["id", "name", "email", "age"]}}));
    let store = store(&insert);
    let by_id = json!({"cmp": {"op": "eq", "path": {"field": "id"}, "value": {"p": 0}}});
    let select = json!({"fields": [{"field": "id", "as": "number"}, {"field": "name", "as": "text"},
        {"field": "email", "as": "text"}, {"field": "age", "as": "number"}]});
    let get = plan(json!({"find": {"from": "person", "where": by_id, "select": select}}));
    let page = plan(json!({"find": {"from": "person", "limit": {"p": 0}, "select": select}}));
    let count = plan(json!({"count": {"from": "person",
        "where": {"cmp": {"op": "gte", "path": {"field": "age"}, "value": {"p": 0}}}}}));
    let update = plan(
        json!({"update": {"in": "person", "where": by_id, "set": [{"field": "age", "value": {"p": 1}}]}}),
    );
    let mut transaction = store.begin(Begin::default()).unwrap();
    let mut inserting = store.begin(Begin::default()).unwrap();

    let measured = [
        ("get by key", 2.0, allocations(|i| assert_eq!(read(&store, &get, vec![i.into()]), 1))),
        ("find 100 rows", 15.0, allocations(|_| assert_eq!(read(&store, &page, vec![100.into()]), 100))),
        (
            "count over a range",
            26.5,
            allocations(|i| {
                let outcome = count.run(Session::Store(&store), vec![(i % 80).into()].into()).unwrap();
                assert!(outcome.affected > 0);
            }),
        ),
        (
            "insert of one row, commit",
            9.0,
            allocations(|i| {
                insert.run(Session::Store(&store), person(ROWS + i).into()).unwrap();
            }),
        ),
        (
            "insert of one row in an open transaction",
            7.5,
            allocations(|i| {
                insert.run(Session::Transaction(&mut inserting), person(2 * ROWS + i).into()).unwrap();
            }),
        ),
        (
            "update of one row, commit",
            8.0,
            allocations(|i| {
                update.run(Session::Store(&store), vec![(i * 31).into(), (i % 7).into()].into()).unwrap();
            }),
        ),
        (
            "begin, roll back",
            0.0,
            allocations(|_| store.begin(Begin::default()).unwrap().rollback().unwrap()),
        ),
        (
            "savepoint, release",
            0.0,
            allocations(|_| {
                let savepoint = transaction.savepoint().unwrap();
                transaction.release(savepoint).unwrap();
            }),
        ),
        ("snapshot", 1.0, allocations(|_| drop(store.snapshot().unwrap()))),
    ];
    let over: Vec<String> = measured
        .iter()
        .filter(|(_, bound, found)| found > bound)
        .map(|(what, bound, found)| format!("{what}: {found:.2} allocations, bound {bound:.2}"))
        .collect();
    assert!(over.is_empty(), "more allocations than there were:\n{}", over.join("\n"));
}
