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

#[test]
fn a_backup_that_was_broken_off_is_whole_or_no_store() {
    let (files, expected) = small();
    let root = keep(&TestDirectory::of(files)).unwrap().current().unwrap();
    let mut random = crate::log::tests::Random::new(7);
    for operation in 1.. {
        let disk = TestDirectory::default();
        disk.fail_at(operation, Fault::Stop);
        let made = root.backup_in(&disk);
        let stopped = disk.stopped();
        let disk = disk.reboot(&mut random);
        match Store::check_in(&disk, &mut |_, _, _| ()) {
            Ok(checked) if checked.findings.is_clean() => {
                assert_eq!(content(&keep(&disk).unwrap()), expected, "at operation {operation}")
            }
            other => assert!(made.is_err(), "at operation {operation}: {other:?}"),
        }
        if !stopped {
            return;
        }
    }
}
