//! Stores that are kept: what is there when they are opened again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::catalog::Rename;
use crate::log::tests::Random;
use crate::log::{Durability, Fault, TestDirectory};
use crate::store::Keep;

/// A disk on which a store is kept, and what it should hold.
pub struct World {
    pub disk: TestDirectory,
    pub keep: Keep,
    pub store: Arc<Store>,
    /// What each version held.
    pub versions: BTreeMap<u64, (Json, Vec<i64>)>,
    /// The newest version that was said to be kept.
    told: Arc<AtomicU64>,
}

impl World {
    pub fn open(disk: &TestDirectory, keep: Keep) -> Result<Self> {
        let store = Store::open_in(Arc::new(disk.clone()), keep)?;
        let mut world =
            Self { disk: disk.clone(), keep, store, versions: BTreeMap::new(), told: Arc::default() };
        world.note();
        Ok(world)
    }

    /// Notes the newest version.
    pub fn note(&mut self) {
        let root = self.store.current().unwrap();
        self.versions.insert(root.sequence, (dump(&root), counters(&root)));
        let told = Arc::clone(&self.told);
        let sequence = root.sequence;
        self.store.when_durable(
            sequence,
            Box::new(move |result| {
                if result.is_ok() {
                    told.fetch_max(sequence, Ordering::SeqCst);
                }
            }),
        );
    }

    fn reopen(&mut self) -> Result<()> {
        self.store.close()?;
        examine(&self.disk);
        self.store = Store::open_in(Arc::new(self.disk.clone()), self.keep)?;
        self.compare();
        Ok(())
    }

    /// Forgets the versions that were not told to be kept and are not there.
    pub fn go_on_from_here(&mut self) {
        self.compare();
        self.versions.split_off(&(self.store.current().unwrap().sequence + 1));
    }

    /// What is there must be one of the versions, not older than what was told.
    pub fn compare(&self) {
        let root = self.store.current().unwrap();
        root.check().unwrap();
        let sequence = root.sequence;
        if self.keep.durability == Durability::Commit {
            let told = self.told.load(Ordering::SeqCst);
            assert!(sequence >= told, "version {told} was told to be kept, but the newest is {sequence}");
        }
        let (expected, counted) = &self.versions[&sequence];
        assert_eq!(&dump(&root), expected, "version {sequence} is not what it was");
        let counters = counters(&root);
        assert!(counters.iter().zip(counted).all(|(now, then)| now >= then), "a counter went back");
    }
}

/// A check finds nothing wrong, whatever opening will have to put right.
pub fn examine(disk: &TestDirectory) {
    match Store::check_in(disk, &mut |_, _, _| ()) {
        Ok(checked) => assert!(checked.findings.is_clean(), "{:?}", checked.findings),
        Err(error) => assert!(error.message.starts_with("there is no store"), "{error}"),
    }
}

/// The counters of a version: kept at least as far as its commit saw them.
fn counters(root: &Root) -> Vec<i64> {
    root.collections().map(|collection| collection.shared.counter()).collect()
}

/// Everything else that a version is to keep.
pub fn dump(root: &Root) -> Json {
    let collections = root.collections().map(|collection| {
        let row =
            |row: &Row| (0..collection.schema.width()).map(|at| row.get(at).to_json()).collect::<Vec<_>>();
        json!({
            "id": collection.schema.id.0,
            "def": collection.schema.def,
            "rows": collection.rows.iter().map(|(_, values)| row(values)).collect::<Vec<_>>(),
        })
    });
    collections.collect()
}

/// Does something by chance, be it to the schema or to rows. What a constraint refuses is not done.
pub fn step(
    world: &mut World,
    random: &mut Random,
    snapshots: &mut Vec<crate::store::Snapshot>,
) -> Result<()> {
    match attempt(world, random, snapshots) {
        Err(error) if matches!(error.code, ErrorCode::ForeignKey | ErrorCode::Unique) => Ok(()),
        done => done,
    }
}

fn attempt(
    world: &mut World,
    random: &mut Random,
    snapshots: &mut Vec<crate::store::Snapshot>,
) -> Result<()> {
    let store = Arc::clone(&world.store);
    let mut transaction = if random.below(2) == 0 { begin(&store) } else { begin_flush(&store) };
    let known = |name: &str| store.current().is_ok_and(|root| root.catalog.find(name).is_some());
    if !restructured::repair(&mut transaction)? {
        let key = random.below(12) as f64;
        match random.below(21) {
            16..20 => transaction = restructured::change(world, transaction, random)?,
            0 => {
                let mut target = library();
                let extra =
                    json!({"name": "extra", "type": "int", "nullable": true, "default": {"value": 7}});
                let fields = target["collections"][0]["fields"].as_array_mut().unwrap();
                if random.below(2) == 0 {
                    fields.push(extra)
                } else {
                    fields.insert(1, extra)
                }
                transaction.apply_schema(&def(target), DiffOptions::default())?;
                transaction.statement(|w| insert(w, "author", json!({"name": "with the new field"})))?;
            }
            1 => {
                transaction.apply_schema(&def(library()), DiffOptions::default())?;
            }
            2 => {
                let root = transaction.root()?;
                let ids = [id(root, "author"), id(root, "book")];
                transaction.clear(&ids, random.below(2) == 0)?;
            }
            3 if known("note") => {
                transaction.drop_collections(&["note"])?;
            }
            3 => {
                let note =
                    json!({"name": "note", "fields": [{"name": "id", "type": "text"}], "primary": ["id"]});
                transaction.create_schema(&def(json!({"collections": [note]})))?;
                transaction.statement(|w| insert(w, "note", json!({"id": "first"})))?;
            }
            4 => {
                let mut target = library();
                target["collections"][1]["fields"][1]["name"] = "title".into();
                transaction.apply_schema(&def(target), DiffOptions::default())?;
                transaction.rename(Rename::Field { collection: "book", from: "title", to: "heading" })?;
                transaction.rename(Rename::Field { collection: "book", from: "heading", to: "title" })?;
            }
            5 => snapshots.push(store.snapshot()?),
            6 => {
                if let Some(snapshot) = snapshots.last() {
                    store.restore(snapshot)?;
                    world.note();
                }
                return Ok(());
            }
            7 => {
                transaction.statement(|w| delete(w, "author", key))?;
            }
            20 => {
                let id = id(transaction.root()?, if random.below(2) == 0 { "author" } else { "book" });
                transaction.statement(|w| w.delete_all(id))?;
            }
            8 | 9 => {
                transaction.statement(|w| {
                    update(w, "author", key, json!({"name": "n".repeat(random.below(900) as usize)}))
                })?;
            }
            10 => {
                // The same key is free and taken within one transaction.
                transaction.statement(|w| delete(w, "author", key))?;
                transaction.statement(|w| insert(w, "author", json!({"id": key, "name": "again"})))?;
            }
            _ => {
                let count = random.below(4) + 1;
                transaction.statement(|w| {
                    let author =
                        insert(w, "author", json!({"name": "a", "data": {"address": {"city": "x"}}}))?;
                    for number in 0..count {
                        let author = author.get(2).to_json();
                        insert(w, "book", json!({"title": format!("book {number}"), "author_id": author}))?;
                    }
                    Ok(())
                })?;
            }
        }
    }
    let sequence = transaction.commit()?;
    world.note();
    if random.below(3) == 0 {
        world.store.wait_durable(sequence)?;
    }
    match random.below(12) {
        0 => world.store.checkpoint(),
        1 => {
            snapshots.clear();
            world.reopen()
        }
        _ => Ok(()),
    }
}

pub fn keep_by_chance(random: &mut Random) -> Keep {
    let durability = match random.below(6) {
        0 => Durability::None,
        1 => Durability::Interval(Duration::ZERO),
        2 => Durability::Interval(Duration::from_secs(1)),
        _ => Durability::Commit,
    };
    Keep { durability, checkpoint_after: if random.below(2) == 0 { 4000 } else { u64::MAX } }
}

/// Runs the program of a seed on a disk until something fails; then what is on
/// the disk must be right, whether the process has ended or the power went.
fn run(seed: u64, fault: Option<(u64, Fault)>) -> u64 {
    let mut random = Random::new(seed);
    let disk = TestDirectory::default();
    let keep = keep_by_chance(&mut random);
    if let Some((operation, fault)) = fault {
        disk.fail_at(operation, fault);
    }
    let mut worlds = World::open(&disk, keep);
    let mut failed = false;
    if let Ok(world) = &mut worlds {
        let mut snapshots = Vec::new();
        for _ in 0..14 {
            if let Err(error) = step(world, &mut random, &mut snapshots) {
                assert!(fault.is_some(), "{error}");
                failed = true;
                break;
            }
        }
        if let Ok(root) = world.store.current() {
            assert_eq!(dump(&root), world.versions[&root.sequence].0, "what is in memory can be read");
        }
    }
    let (versions, told) = match &worlds {
        Ok(world) => {
            if random.below(2) == 0 {
                let closed = world.store.close();
                assert!(closed.is_ok() || failed || fault.is_some());
            }
            // What is told from here on need not be on the disks below.
            (world.versions.clone(), world.told.load(Ordering::SeqCst))
        }
        Err(error) => {
            assert!(fault.is_some(), "{error}");
            (BTreeMap::from([(0, (json!([]), Vec::new()))]), 0)
        }
    };
    let operations = disk.operations();
    for disk in [disk.kill(), disk.reboot(&mut random)] {
        examine(&disk);
        let store = Store::open_in(Arc::new(disk.clone()), keep).unwrap();
        let told = Arc::new(AtomicU64::new(told));
        let mut world = World { disk, keep, store, versions: versions.clone(), told };
        world.go_on_from_here();
        // And the store goes on.
        let mut others = Vec::new();
        for _ in 0..3 {
            step(&mut world, &mut random, &mut others).unwrap();
        }
        world.reopen().unwrap();
    }
    operations
}

/// The seed that tests of chance begin with.
pub fn first_seed() -> u64 {
    let first = std::env::var("STORE_CRASH_SEED").ok().and_then(|text| text.parse().ok());
    first.unwrap_or_else(|| u64::from(std::process::id()) << 16)
}

/// How long the tests below go on, in milliseconds each.
pub fn patience() -> Duration {
    let patience = std::env::var("STORE_CRASH_MILLISECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(patience.unwrap_or(4000))
}

/// Runs programs with a fault at each of their operations.
fn torment(faults: &[Fault]) {
    let first = first_seed();
    let (begun, seeds, points) = (Instant::now(), AtomicU64::new(first), AtomicU64::new(0));
    let programs = || {
        while begun.elapsed() < patience() {
            let seed = seeds.fetch_add(1, Ordering::SeqCst);
            let operations = run(seed, None);
            for (operation, fault) in (1..=operations).flat_map(|at| faults.iter().map(move |it| (at, *it))) {
                let result = std::panic::catch_unwind(|| run(seed, Some((operation, fault))));
                assert!(result.is_ok(), "STORE_CRASH_SEED={seed}, {fault:?} at operation {operation}");
                points.fetch_add(1, Ordering::SeqCst);
                if begun.elapsed() > patience() {
                    return;
                }
            }
        }
    };
    // Each waits for the threads of its store most of the time.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(programs);
        }
    });
    println!("{points:?} faults from STORE_CRASH_SEED={first} on");
}

#[test]
fn commits_that_need_not_wait_for_the_disk_wait_where_it_falls_far_behind() {
    let disk = TestDirectory::default();
    let keep = Keep { durability: Durability::None, ..Keep::default() };
    let store = Store::open_in(Arc::new(disk.clone()), keep).unwrap();
    apply(&store, library()).unwrap();
    let held = disk.hold();
    let mut commits = 0;
    let sequence = loop {
        let name = "n".repeat(1 << 20);
        let mut transaction = begin(&store);
        transaction.statement(|w| insert(w, "author", json!({"name": name}))).unwrap();
        let sequence = transaction.commit().unwrap();
        match store.durable(sequence) {
            Some(result) => result.unwrap(),
            None => break sequence,
        }
        commits += 1;
        assert!(commits < 30);
    };
    assert!(commits >= 4, "{commits} commits");
    drop(held);
    store.wait_durable(sequence).unwrap();
}

#[test]
fn a_checkpoint_leaves_the_disk_to_commits_again_and_again() {
    let disk = TestDirectory::default();
    let store = Store::open_in(Arc::new(disk.clone()), Keep::default()).unwrap();
    apply(&store, library()).unwrap();
    for _ in 0..400 {
        write(&store, |w| insert(w, "author", json!({"name": "n".repeat(4000)}))).unwrap();
        store.wait_durable(store.current().unwrap().sequence).unwrap();
    }
    store.checkpoint().unwrap();
    assert!(store.statistics().unwrap().checkpoint_bytes > 1_600_000);
    assert!(disk.backlog() < 400_000, "{} bytes to be synced at once", disk.backlog());
}

#[test]
fn survives_the_loss_of_power_at_any_operation() {
    torment(&[Fault::Stop]);
}

#[test]
fn survives_errors_of_the_disk_at_any_operation() {
    use std::io::ErrorKind;
    torment(&[Fault::Error(ErrorKind::Other), Fault::Error(ErrorKind::StorageFull), Fault::Short]);
}
