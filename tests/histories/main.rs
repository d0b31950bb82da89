//! Random transactions of several threads, and whether what they saw of each
//! other is what their level of isolation allows.
//!
//! `HISTORIES_SEED` repeats the decisions of a run (not how its threads were
//! scheduled), `HISTORIES` says how many transactions there are at each level.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod checker;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use checker::{Id, Level};
use collection_store::error::{Error, ErrorCode};
use collection_store::query::{Params, Plan, Session, Sink, Wire};
use collection_store::store::{Begin, Isolation, Store, Transaction, Woken};
use collection_store::value::{Value, ValueRef, encode_key};
use parking_lot::Mutex;
use serde_json::json;

const KEYS: i64 = 8;
const THREADS: usize = 4;

/// A generator of numbers that is small and good enough (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Rows of a key and a list.
#[derive(Default)]
struct Lists {
    key: i64,
    lists: BTreeMap<i64, Vec<Id>>,
}

impl Sink for Lists {
    fn number(&mut self, value: f64) {
        self.key = value as i64;
    }
    fn text(&mut self, value: &str) {
        self.lists.insert(self.key, ids(value));
    }
    fn null(&mut self, _: Wire) {}
    fn bool(&mut self, _: bool) {}
    fn bigint(&mut self, _: i64) {}
    fn bytes(&mut self, _: &[u8]) {}
    fn json(&mut self, _: ValueRef<'_>) {}
    fn one(&mut self, _: bool) {}
    fn many(&mut self, _: usize) {}
}

fn ids(text: &str) -> Vec<Id> {
    text.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().unwrap()).collect()
}

fn store() -> Arc<Store> {
    let schema = json!({"collections": [{
        "name": "list", "primary": ["id"],
        "fields": [{"name": "id", "type": "int"}, {"name": "place", "type": "int"}, {"name": "ids", "type": "text"}],
        "indexes": [{"name": "place", "paths": [{"field": "place"}]}]
    }]});
    let store = Store::open(None);
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
    transaction.commit().unwrap();
    store
}

/// The plans of reads: by key, by a range of the index, and of everything.
struct Reads([Plan; 3]);

impl Reads {
    fn new() -> Self {
        let plan = |filter: serde_json::Value| {
            let select = json!({"fields": [{"field": "id", "as": "number"}, {"field": "ids", "as": "text"}]});
            Plan::parse(&json!({"find": {"from": "list", "where": filter, "select": select}}).to_string())
                .unwrap()
        };
        let compare = |op: &str, field: &str, param: usize| json!({"cmp": {"op": op, "path": {"field": field}, "value": {"p": param}}});
        Self([
            plan(compare("eq", "id", 0)),
            plan(json!({"all": [compare("gte", "place", 0), compare("lt", "place", 1)]})),
            plan(json!({"const": true})),
        ])
    }

    /// The lists of some keys; those that are not there are empty.
    fn run(
        &self,
        mut session: Session<'_>,
        kind: usize,
        from: i64,
        to: i64,
    ) -> Result<Vec<(i64, Vec<Id>)>, Error> {
        let params =
            [vec![from], vec![from, to], vec![]][kind].iter().map(|key| Some(Value::Int(*key))).collect();
        let (plan, params, mut lists) = (&self.0[kind], Params::new(params), Lists::default());
        if plan.find_one(&mut session, &params, &mut lists)?.is_none() {
            let mut rows = plan.run(session, params)?.rows;
            while !rows.is_done() {
                rows.next_chunk(100, &mut lists)?;
            }
        }
        let keys = [from..from + 1, from..to, 0..KEYS][kind].clone();
        Ok(keys.map(|key| (key, lists.lists.remove(&key).unwrap_or_default())).collect())
    }
}

/// Appends to a list, which is made if it is not there.
fn append(transaction: &mut Transaction, key: i64, id: Id) -> Result<(), Error> {
    transaction.root()?;
    let collection = transaction.root()?.by_name("list")?.schema.id;
    let mut encoded = Vec::new();
    encode_key(&mut encoded, ValueRef::Int(key));
    transaction.statement(|writer| {
        let row = writer.root().collection(collection)?.rows.get(&encoded).cloned();
        match row {
            Some(row) => {
                let ValueRef::Text(before) = row.get(4) else { panic!("a list is a text") };
                let after = format!("{before},{id}");
                writer.update(collection, &encoded, &[(4, Value::Text(after))]).map(drop)
            }
            None => {
                let place = Some(Value::Int(key));
                let row = vec![None, None, place.clone(), place, Some(Value::Text(id.to_string()))];
                writer.insert(collection, row).map(drop)
            }
        }
    })
}

/// Does something until no lock and no newer version is in its way.
fn patiently<T>(
    transaction: &mut Transaction,
    mut work: impl FnMut(&mut Transaction) -> Result<T, Error>,
) -> Result<T, Error> {
    loop {
        match work(transaction) {
            Err(error) if error.code == ErrorCode::Stale => {}
            Err(error) if error.code == ErrorCode::Locked => {
                let (told, waiting) = mpsc::channel();
                if transaction
                    .wait(Box::new(move |_, how| {
                        let _ = told.send(how);
                    }))?
                    .is_some()
                {
                    match waiting.recv_timeout(Duration::from_secs(60)).unwrap() {
                        Woken::Granted => {}
                        how => return Err(Error::new(ErrorCode::Deadlock, format!("{how:?}"))),
                    }
                }
            }
            result => return result,
        }
    }
}

/// Runs a transaction of a few random reads and appends.
fn run(
    store: &Arc<Store>,
    reads: &Reads,
    isolation: Isolation,
    id: Id,
    random: &mut Random,
) -> Result<checker::Transaction, Error> {
    let mut transaction = store.begin(Begin { isolation, ..Begin::default() })?;
    let mut seen = checker::Transaction::default();
    for _ in 0..=random.below(4) {
        let key = random.below(KEYS as u64) as i64;
        if random.below(2) == 0 {
            let to = (key + 1 + random.below(4) as i64).min(KEYS);
            let lists =
                reads.run(Session::Transaction(&mut transaction), random.below(3) as usize, key, to)?;
            seen.reads.extend(lists.into_iter().filter(|(key, _)| !seen.appends.contains(key)));
        } else if !seen.appends.contains(&key) {
            patiently(&mut transaction, |transaction| append(transaction, key, id))?;
            seen.appends.push(key);
        }
        std::thread::yield_now();
    }
    if random.below(10) == 0 {
        transaction.rollback()?;
        return Err(Error::new(ErrorCode::TransactionClosed, "rolled back"));
    }
    transaction.commit()?;
    Ok(seen)
}

fn histories(isolation: Isolation, level: Level) {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = setting("HISTORIES_SEED").unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
    });
    let most = setting("HISTORIES").unwrap_or(20_000) as usize;
    println!("HISTORIES_SEED={seed}");
    // Many short histories rather than a long one: lists stay short, and cycles near their beginning.
    let mut random = Random(seed);
    let (mut committed, mut conflicts) = (0, 0);
    for round in 0..most / 200 {
        let store = store();
        let numbers = AtomicUsize::new(1);
        let history = Mutex::new(BTreeMap::new());
        let seeds: Vec<u64> = (0..THREADS).map(|_| random.below(u64::MAX)).collect();
        let failed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (store, numbers, history, failed) = (&store, &numbers, &history, &failed);
            for own in seeds {
                scope.spawn(move || {
                    let reads = Reads::new();
                    let mut random = Random(own);
                    loop {
                        let id = numbers.fetch_add(1, Ordering::Relaxed);
                        if id > 200 {
                            break;
                        }
                        match run(store, &reads, isolation, id, &mut random) {
                            Ok(seen) => drop(history.lock().insert(id, seen)),
                            Err(error) => match error.code {
                                ErrorCode::WriteConflict | ErrorCode::Deadlock | ErrorCode::Unique => {
                                    failed.fetch_add(1, Ordering::Relaxed);
                                }
                                ErrorCode::TransactionClosed => {}
                                _ => panic!("HISTORIES_SEED={seed}: {error}"),
                            },
                        }
                    }
                });
            }
        });
        let last = Reads::new().run(Session::Store(&store), 2, 0, 0).unwrap().into_iter().collect();
        let history = history.into_inner();
        if let Some(wrong) = checker::check(&history, &last, level) {
            panic!("HISTORIES_SEED={seed}, round {round}: {wrong}\n{last:?}\n{history:?}");
        }
        store.current().unwrap().check().unwrap();
        committed += history.len();
        conflicts += failed.into_inner();
    }
    println!("{committed} transactions committed, {conflicts} failed");
    assert!(committed > most / 4, "hardly anything was committed");
}

#[test]
fn read_committed_shows_what_is_committed() {
    histories(Isolation::ReadCommitted, Level::ReadCommitted);
}

#[test]
fn a_snapshot_is_of_one_moment() {
    histories(Isolation::Snapshot, Level::Snapshot);
}

#[test]
fn serializable_transactions_have_an_order() {
    histories(Isolation::Serializable, Level::Serializable);
}
