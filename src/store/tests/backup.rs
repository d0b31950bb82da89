//! Backups are whole stores, or none.

use serde_json::json;

use super::damage::{content, keep, small};
use super::*;
use crate::log::{Fault, TestDirectory};

#[test]
fn a_backup_of_a_store_on_a_disk_or_in_memory_is_opened_with_all_it_had() {
    let (files, expected) = small();
    let store = keep(&TestDirectory::of(files)).unwrap();
    let backup = TestDirectory::default();
    store.current().unwrap().backup_in(&backup).unwrap();
    assert_eq!(content(&keep(&backup).unwrap()), expected);

    let memory = Store::open(None);
    apply(&memory, library()).unwrap();
    write(&memory, |w| insert(w, "author", json!({"name": "a", "email": "a@b"}))).unwrap();
    let backup = TestDirectory::default();
    memory.current().unwrap().backup_in(&backup).unwrap();
    let opened = keep(&backup).unwrap();
    assert_eq!(content(&opened), content(&memory));
    // It goes on where it was: counters as well.
    write(&opened, |w| insert(w, "author", json!({"name": "b", "email": "b@b"}))).unwrap();
    opened.close().unwrap();
    let checked = Store::check_in(&backup, &mut |_, _, _| ()).unwrap();
    assert!(checked.findings.list().is_empty(), "{:?}", checked.findings);
    assert_eq!(checked.root.sequence, memory.current().unwrap().sequence + 1);

    let empty = TestDirectory::default();
    Store::open(None).current().unwrap().backup_in(&empty).unwrap();
    assert_eq!(keep(&empty).unwrap().current().unwrap().sequence, 0);
}

#[test]
fn a_directory_that_is_not_empty_is_left_alone() {
    let (files, _) = small();
    let disk = TestDirectory::of(files.clone());
    let error = Store::open(None).current().unwrap().backup_in(&disk).unwrap_err();
    assert_eq!(error.code, ErrorCode::StoreExists);
    assert_eq!(disk.contents(), files);
}

/// What is in a directory is a store with all that it should have, or none at all.
fn is_whole(disk: &TestDirectory, expected: &Json) -> bool {
    match Store::check_in(disk, &mut |_, _, _| ()) {
        Ok(checked) if checked.findings.is_clean() => {
            assert_eq!(&content(&keep(disk).unwrap()), expected);
            true
        }
        _ => {
            // Nothing, of which a new store is made, or refused.
            if let Ok(store) = keep(disk) {
                assert_eq!(store.current().unwrap().sequence, 0);
            }
            false
        }
    }
}

/// Makes a backup onto a disk that fails at each of its operations in turn.
fn break_off(faults: &[Fault], mut then: impl FnMut(Fault, Result<()>, &TestDirectory)) {
    let (files, expected) = small();
    let store = keep(&TestDirectory::of(files)).unwrap();
    let root = store.current().unwrap();
    let mut random = crate::log::tests::Random::new(7);
    for fault in faults {
        let whole = TestDirectory::default();
        root.backup_in(&whole).unwrap();
        for operation in 1..=whole.operations() {
            let disk = TestDirectory::default();
            disk.fail_at(operation, *fault);
            let made = root.backup_in(&disk);
            for _ in 0..8 {
                let after = disk.reboot(&mut random);
                assert!(is_whole(&after, &expected) || made.is_err(), "{fault:?} at operation {operation}");
            }
            then(*fault, made, &disk);
        }
    }
    // Whatever became of them, the store goes on.
    write(&store, |w| insert(w, "author", json!({"name": "later"}))).unwrap();
    store.wait_durable(store.current().unwrap().sequence).unwrap();
}

#[test]
fn a_backup_that_was_broken_off_is_whole_or_no_store() {
    break_off(&[Fault::Stop], |_, made, disk| assert!(made.is_err() && disk.stopped()));
}

#[test]
fn a_backup_that_fails_says_why_and_leaves_nothing_behind() {
    use std::io::ErrorKind::{Other, StorageFull};
    let faults = [Fault::Error(Other), Fault::Error(StorageFull), Fault::Short];
    break_off(&faults, |fault, made, disk| match fault {
        Fault::Error(kind) => {
            let error = made.unwrap_err();
            assert_eq!(error.code, ErrorCode::Storage);
            assert!(error.message.contains(&std::io::Error::from(kind).to_string()), "{error}");
            assert!(disk.contents().keys().all(|name| name == "LOCK"), "{:?}", disk.contents().keys());
            // The same directory will do for the next.
            let (files, expected) = small();
            let root = keep(&TestDirectory::of(files)).unwrap().current().unwrap();
            root.backup_in(disk).unwrap();
            assert!(is_whole(disk, &expected));
        }
        _ => made.unwrap(),
    });
}

#[test]
fn a_backup_onto_a_disk_that_is_too_small_takes_no_room() {
    let (files, expected) = small();
    let root = keep(&TestDirectory::of(files)).unwrap().current().unwrap();
    let needed = {
        let disk = TestDirectory::default();
        root.backup_in(&disk).unwrap();
        disk.used()
    };
    for room in (0..needed).step_by(7) {
        let disk = TestDirectory::default();
        disk.limit(Some(room));
        let error = root.backup_in(&disk).unwrap_err();
        assert!(error.message.contains("no storage space"), "{error}");
        assert_eq!(disk.used(), 0);
        assert!(!is_whole(&disk, &expected));
    }
}
