//! How fast stores that are kept are; run by hand, as times depend on the machine:
//! `cargo test --release --no-default-features --test durable_speed -- --ignored --nocapture --test-threads 1`
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use collection_store::catalog::{CollectionId, DiffOptions, FIRST_FIELD};
use collection_store::log::Durability;
use collection_store::store::{Begin, Keep, Store};
use collection_store::value::Value;
use serde_json::json;

const ROWS: i64 = 1_000_000;
const NO_CHECKPOINT: u64 = u64::MAX;

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("collection-store-speed-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn open(path: &Path, durability: Durability) -> Arc<Store> {
    Store::open_path(path, Keep { durability, checkpoint_after: NO_CHECKPOINT }).unwrap()
}

fn create(store: &Arc<Store>) {
    let def = json!({"collections": [{
        "name": "person",
        "fields": [
            {"name": "id", "type": "int", "autoIncrement": true},
            {"name": "email", "type": "text"},
            {"name": "born", "type": "date"},
            {"name": "about", "type": "text"}
        ],
        "primary": ["id"],
        "indexes": [
            {"name": "email", "paths": [{"field": "email"}], "unique": true},
            {"name": "born", "paths": [{"field": "born"}]}
        ]
    }]});
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.apply_schema(&serde_json::from_value(def).unwrap(), DiffOptions::default()).unwrap();
    transaction.commit().unwrap();
}

fn insert(store: &Arc<Store>, numbers: std::ops::Range<i64>) -> u64 {
    let mut transaction = store.begin(Begin::READ_COMMITTED).unwrap();
    transaction.root().unwrap();
    transaction
        .statement(|writer| {
            for number in numbers {
                let mut values = vec![None; FIRST_FIELD + 1];
                values.push(Some(Value::Text(format!("person.{}@example.org", number * 7919 % ROWS))));
                values.push(Some(Value::Date(number * 104_729 % 10_000_000)));
                values.push(Some(Value::Text("about ".repeat(15))));
                writer.insert(CollectionId(0), values)?;
            }
            Ok(())
        })
        .unwrap();
    transaction.commit().unwrap()
}

fn seconds<T>(what: &str, run: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let value = run();
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what}: {seconds:.3} s");
    (value, seconds)
}

#[test]
#[ignore = "takes long"]
fn open_replay_and_checkpoint() {
    let path = directory("open");
    let store = open(&path, Durability::None);
    create(&store);
    for start in (0..ROWS).step_by(100) {
        insert(&store, start..start + 100);
    }
    println!("log: {} bytes a row", store.statistics().unwrap().log_bytes as i64 / ROWS);
    store.close().unwrap();
    let (store, replayed) = seconds("open from the log", || open(&path, Durability::None));
    println!("{:.0} row images a second", ROWS as f64 / replayed);
    seconds("checkpoint", || store.checkpoint().unwrap());
    store.close().unwrap();
    let (store, _) = seconds("open from the checkpoint", || open(&path, Durability::None));
    assert_eq!(store.current().unwrap().by_name("person").unwrap().rows.len() as i64, ROWS);
    store.close().unwrap();
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
#[ignore = "takes long"]
fn writers_that_wait_for_the_disk() {
    for writers in [1, 4, 16] {
        let path = directory("writers");
        let store = open(&path, Durability::Commit);
        create(&store);
        let begun = Instant::now();
        let running: Vec<_> = (0..writers)
            .map(|writer| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    let mut commits = 0;
                    while begun.elapsed() < Duration::from_secs(2) {
                        let number = writer * 10_000 + commits;
                        store.wait_durable(insert(&store, number..number + 1)).unwrap();
                        commits += 1;
                    }
                    commits
                })
            })
            .collect();
        let commits: i64 = running.into_iter().map(|writer| writer.join().unwrap()).sum();
        println!("{writers} writers: {:.0} commits a second", commits as f64 / begun.elapsed().as_secs_f64());
        store.close().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
    }
}
