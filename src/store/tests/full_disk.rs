//! Disks that fill up: nothing that was told to be kept is lost, reads go on,
//! and once there is room the store goes on.

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::durable::{World, dump, first_seed, keep_by_chance, patience, step};
use super::*;
use crate::log::TestDirectory;
use crate::log::tests::Random;
use crate::store::Keep;

/// Lets a program run on a disk until it is full, makes room, and so on.
fn fill(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let disk = TestDirectory::default();
    let keep = keep_by_chance(&mut random);
    let mut world = World::open(&disk, keep).unwrap();
    let mut full = 0;
    for _ in 0..4 {
        disk.limit(Some(disk.used() + random.below(5000) as usize));
        let mut snapshots = Vec::new();
        let error = (0..60).find_map(|_| step(&mut world, &mut random, &mut snapshots).err());
        if let Some(error) = error {
            assert_eq!(error.code, ErrorCode::Storage, "{error}");
            assert!(error.message.contains("no storage space"), "{error}");
            full += 1;
        }
        if let Ok(root) = world.store.current() {
            assert_eq!(dump(&root), world.versions[&root.sequence].0, "reads go on");
            let failed = world.store.statistics().and_then(|statistics| statistics.failed);
            if failed.is_some() {
                let mut transaction = begin(&world.store);
                let field = json!({"name": "id", "type": "int"});
                let more = json!({"name": "one more", "fields": [field], "primary": ["id"]});
                transaction.create_schema(&def(json!({"collections": [more]}))).unwrap();
                let error = transaction.commit().unwrap_err();
                assert!(error.message.contains("nothing can be written since"), "{error}");
            }
        }
        // What closing cannot write is not lost by it; often it is closed by the failure already.
        let _ = world.store.close();
        match Store::open_in(Arc::new(disk.clone()), keep) {
            Ok(store) => {
                world.store = store;
                world.compare();
                let _ = world.store.close();
            }
            Err(error) => assert_eq!(error.code, ErrorCode::Storage, "{error}"),
        }
        disk.limit(None);
        world.store = Store::open_in(Arc::new(disk.clone()), keep).unwrap();
        world.go_on_from_here();
        for _ in 0..3 {
            step(&mut world, &mut random, &mut Vec::new()).unwrap();
        }
    }
    full
}

#[test]
fn survives_disks_that_are_full_again_and_again() {
    let (first, begun, mut full) = (first_seed(), Instant::now(), 0);
    for seed in first.. {
        let result = std::panic::catch_unwind(|| fill(seed));
        assert!(result.is_ok(), "STORE_CRASH_SEED={seed}");
        full += result.unwrap_or_default();
        if begun.elapsed() > patience() {
            println!("{full} times full from STORE_CRASH_SEED={first} on");
            assert!(full > 0);
            return;
        }
    }
}

/// Commits, checkpoints that are asked for and that are due on a disk with so much room, until it is full; then there is
/// room. Gives what there was no room for.
fn with_room(room: usize) -> Vec<&'static str> {
    let disk = TestDirectory::default();
    disk.limit(Some(room));
    let keep = Keep { checkpoint_after: 1500, ..Keep::default() };
    let mut kept = 0;
    // A disk that is too small for an empty store has nothing to lose.
    if let Ok(store) = Store::open_in(Arc::new(disk.clone()), keep) {
        let commit = |number: usize| -> Result<u64> {
            let mut transaction = begin(&store);
            if number == 0 {
                transaction.apply_schema(&def(library()), DiffOptions::default())?;
            } else {
                let name = "n".repeat(number * 10);
                transaction.statement(|w| insert(w, "author", json!({"name": name})))?;
            }
            let sequence = transaction.commit()?;
            store.wait_durable(sequence)?;
            Ok(sequence)
        };
        for number in 0..30 {
            match commit(number) {
                Ok(sequence) => kept = sequence,
                Err(error) => {
                    assert_eq!(error.code, ErrorCode::Storage);
                    assert!(error.message.contains("no storage space"), "{error}");
                    break;
                }
            }
            // One that finds no room is of no consequence, but where nobody knows which manifest is there.
            if number % 7 == 6 {
                let _ = store.checkpoint();
            }
        }
        let root = store.current().unwrap();
        root.check().unwrap();
        assert!(root.sequence >= kept, "reads go on");
        let _ = store.close();
    }
    let refused = disk.refused();
    disk.limit(None);
    let store = Store::open_in(Arc::new(disk), keep).unwrap();
    let root = store.current().unwrap();
    root.check().unwrap();
    assert!(root.sequence >= kept, "{kept} was told to be kept, {} is there", root.sequence);
    if kept > 0 {
        let authors = root.by_name("author").unwrap().rows.len() as u64;
        assert_eq!(authors, root.sequence - 1);
        write(&store, |w| insert(w, "author", json!({"name": "later"}))).unwrap();
        store.checkpoint().unwrap();
    }
    store.close().unwrap();
    let kind = |(name, at): &(String, usize)| match name.split('-').next() {
        Some("log") if *at < 48 => "a segment's header",
        Some("log") => "a record",
        Some("checkpoint") => "a checkpoint",
        _ => "a manifest",
    };
    refused.iter().map(kind).collect()
}

#[test]
fn survives_a_disk_that_is_full_at_any_byte() {
    let mut refused = std::collections::BTreeSet::new();
    for room in (400..12_000).step_by(31) {
        let result = std::panic::catch_unwind(|| with_room(room));
        assert!(result.is_ok(), "with room for {room} bytes");
        refused.extend(result.unwrap_or_default());
    }
    let kinds: Vec<_> = refused.into_iter().collect();
    assert_eq!(kinds, ["a checkpoint", "a manifest", "a record", "a segment's header"]);
}

/// The same on a file system, which is to be small: its directory is in `STORE_SMALL_DISK`.
#[test]
#[ignore = "needs a small file system"]
fn survives_a_file_system_that_is_full() {
    let path = std::env::var("STORE_SMALL_DISK").unwrap();
    let (data, ballast) = (Path::new(&path).join("data"), Path::new(&path).join("ballast"));
    let _ = std::fs::remove_dir_all(&data);
    let mut kept = 0;
    for round in 0..5 {
        // A checkpoint now and then, which finds no room either.
        let keep = Keep { checkpoint_after: 100_000, ..Keep::default() };
        std::fs::write(&ballast, vec![1; 256 << 10]).unwrap();
        let store = Store::open_path(&data, keep).unwrap();
        if round == 0 {
            apply(&store, library()).unwrap();
        }
        let before = store.current().unwrap().by_name("author").unwrap().rows.len();
        assert!(before >= kept, "{kept} rows were told to be kept, {before} are there");
        kept = before;
        let error = loop {
            let mut transaction = begin(&store);
            let name = "n".repeat(200);
            transaction.statement(|w| insert(w, "author", json!({"name": name}))).unwrap();
            match transaction.commit().and_then(|sequence| store.wait_durable(sequence)) {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code, ErrorCode::Storage);
        assert!(error.message.contains("No space left"), "{error}");
        let root = store.current().unwrap();
        root.check().unwrap();
        assert!(root.by_name("author").unwrap().rows.len() >= kept, "reads go on");
        let backup = Path::new(&path).join("backup");
        assert_eq!(code(root.backup(&backup)), ErrorCode::Storage);
        let left = std::fs::read_dir(&backup).map_or(0, Iterator::count);
        assert!(left <= 1, "but for its lock a backup that failed leaves nothing");
        assert_eq!(code(store.close()), ErrorCode::Storage);
        std::fs::remove_file(&ballast).unwrap();
        let store = Store::open_path(&data, keep).unwrap();
        assert!(store.current().unwrap().by_name("author").unwrap().rows.len() >= kept);
        // Room for the next round: clear and let a checkpoint take the log's place.
        let mut transaction = begin(&store);
        let author = id(transaction.root().unwrap(), "author");
        transaction.clear(&[author], false).unwrap();
        transaction.commit().unwrap();
        store.checkpoint().unwrap();
        store.close().unwrap();
        kept = 0;
        println!("round {round}: full and emptied");
    }
}
