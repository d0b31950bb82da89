//! Damaged files: what is read is right, or it is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::log::{Finding, FindingKind, Findings, Severity, TestDirectory};
use crate::store::Keep;

/// A small store with a checkpoint and a log behind it, closed as it should be.
pub fn small() -> (BTreeMap<String, Vec<u8>>, Json) {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    apply(&store, library()).unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "a", "email": "a@b"}))).unwrap();
    store.checkpoint().unwrap();
    for title in ["first", "second"] {
        write(&store, |w| insert(w, "book", json!({"title": title, "author_id": 1}))).unwrap();
    }
    let expected = content(&store);
    store.close().unwrap();
    (disk.contents(), expected)
}

pub fn keep(disk: &TestDirectory) -> Result<Arc<Store>> {
    Store::open_in(Arc::new(disk.clone()), Keep::default())
}

pub fn content(store: &Store) -> Json {
    let root = store.current().unwrap();
    root.check().unwrap();
    json!([root.sequence, rows(&root, "author"), rows(&root, "book")])
}

/// What a check of these files finds; nothing is changed by it.
pub fn found(files: &BTreeMap<String, Vec<u8>>) -> Result<Findings> {
    let disk = TestDirectory::of(files.clone());
    let checked = Store::check_in(&disk, &mut |_, _, _| ())?;
    assert_eq!(&disk.contents(), files);
    Ok(checked.findings)
}

/// The kinds of what is found, each once.
pub fn kinds(findings: &Findings) -> Vec<FindingKind> {
    let mut kinds: Vec<FindingKind> = findings.list().iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    kinds
}

/// Why it is not opened; nothing is changed then.
pub fn refused(files: &BTreeMap<String, Vec<u8>>) -> (ErrorCode, String) {
    let disk = TestDirectory::of(files.clone());
    let error = keep(&disk).unwrap_err();
    assert_eq!(&disk.contents(), files, "{error}");
    if let Ok(findings) = found(files) {
        assert_eq!(findings.worst(), Some(Severity::Damage), "{error}, but a check finds {findings:?}");
    }
    (error.code, error.message)
}

pub fn named<'a>(files: &'a BTreeMap<String, Vec<u8>>, prefix: &str) -> &'a str {
    files.keys().find(|name| name.starts_with(prefix)).unwrap()
}

#[test]
fn a_byte_that_has_changed_is_found() {
    let (files, expected) = small();
    for (name, bytes) in &files {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut files = files.clone();
                files.get_mut(name).unwrap()[at] ^= flip;
                let checked = found(&files).unwrap();
                match keep(&TestDirectory::of(files)) {
                    Ok(store) => {
                        assert_eq!(content(&store), expected, "byte {at} of {name}");
                        assert!(checked.is_clean(), "byte {at} of {name}: {checked:?}");
                    }
                    Err(error) => {
                        assert_eq!(checked.worst(), Some(Severity::Damage), "byte {at} of {name}: {error}");
                        let named = |one: &Finding| one.file.as_ref() == Some(name);
                        assert!(checked.list().iter().any(named), "byte {at} of {name}: {checked:?}");
                        let known = [ErrorCode::Corrupt, ErrorCode::NewerFormat];
                        assert!(known.contains(&error.code), "byte {at} of {name}: {error}");
                        assert!(error.message.contains(name.as_str()), "{error} does not name {name}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_file_that_was_cut_is_found_or_had_nothing_more_to_say() {
    let (files, expected) = small();
    let log = named(&files, "log-");
    for (name, bytes) in &files {
        for length in 0..bytes.len() {
            let mut files = files.clone();
            files.get_mut(name).unwrap().truncate(length);
            let checked = found(&files).unwrap();
            let opened = keep(&TestDirectory::of(files));
            assert_eq!(checked.is_clean(), opened.is_ok(), "{name} cut to {length}: {checked:?}, {opened:?}");
            match opened {
                // A log that was cut cannot be told from one that was being written.
                Ok(store) if name == log => {
                    let root = store.current().unwrap();
                    root.check().unwrap();
                    assert!(root.sequence <= expected[0].as_u64().unwrap());
                }
                Ok(store) => assert_eq!(content(&store), expected),
                Err(error) => assert_eq!(error.code, ErrorCode::Corrupt, "{name} cut to {length}: {error}"),
            }
        }
    }
}

#[test]
fn a_store_without_its_manifest_is_not_taken_for_a_new_one() {
    let (mut files, _) = small();
    files.remove("MANIFEST");
    let (code, message) = refused(&files);
    assert_eq!(code, ErrorCode::Corrupt);
    assert!(message.starts_with("MANIFEST is damaged"), "{message}");
    assert!(message.contains("`npx collection-store check memory`"), "{message}");
    assert!(message.contains("`npx collection-store salvage memory <new directory>`"), "{message}");
}

#[test]
fn a_store_without_its_checkpoint_or_its_log_is_refused() {
    let (files, _) = small();
    for prefix in ["checkpoint-", "log-"] {
        let mut files = files.clone();
        let name = named(&files, prefix).to_owned();
        files.remove(&name);
        let (_, message) = refused(&files);
        assert!(message.contains(&name), "{message}");
    }
}

#[test]
fn a_gap_between_segments_is_refused() {
    let (mut files, _) = small();
    let last = files[named(&files, "log-")].clone();
    files.insert("log-00000000000000ff".to_owned(), last);
    let (code, message) = refused(&files);
    assert_eq!(code, ErrorCode::Corrupt);
    assert!(message.contains("log-0000000000000003 is damaged at byte 0: it is missing"), "{message}");
}

#[test]
fn files_of_two_stores_are_not_mixed_up() {
    let ((files, _), (other, _)) = (small(), small());
    for prefix in ["checkpoint-", "log-"] {
        let mut files = files.clone();
        let name = named(&files, prefix).to_owned();
        files.insert(name.clone(), other[&name].clone());
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::Corrupt);
        assert!(message.contains(&name), "{message}");
    }
}

#[test]
fn a_newer_format_is_refused() {
    let (files, _) = small();
    for name in files.keys().filter(|name| *name != "LOCK") {
        let mut files = files.clone();
        files.get_mut(name).unwrap()[8] = 2;
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::NewerFormat);
        assert!(message.contains("format 2"), "{message}");
    }
}

#[test]
fn what_is_left_over_is_removed() {
    let (mut files, expected) = small();
    files.insert("MANIFEST.next".to_owned(), vec![1, 2, 3]);
    files.insert("log-0000000000000001".to_owned(), vec![1, 2, 3]);
    files.insert("checkpoint-00000000000000ff".to_owned(), vec![1, 2, 3]);
    files.insert("notes of the owner".to_owned(), vec![1, 2, 3]);
    let disk = TestDirectory::of(files.clone());
    assert_eq!(content(&keep(&disk).unwrap()), expected);
    let (left, gone): (Vec<_>, Vec<_>) = files.keys().partition(|name| disk.contents().contains_key(*name));
    assert_eq!(gone, ["MANIFEST.next", "checkpoint-00000000000000ff", "log-0000000000000001"]);
    assert!(left.contains(&&"notes of the owner".to_owned()));
}

#[test]
fn a_torn_end_is_cut_with_a_notice() {
    let (mut files, expected) = small();
    let name = named(&files, "log-").to_owned();
    files.get_mut(&name).unwrap().extend_from_slice(&[9; 100]);
    let disk = TestDirectory::of(files);
    let store = keep(&disk).unwrap();
    assert_eq!(content(&store), expected);
    let [notice] = store.notices() else { panic!("{:?}", store.notices()) };
    assert!(notice.starts_with(&format!("{name} ended in 100 bytes")), "{notice}");
    store.close().unwrap();
    assert!(keep(&disk).unwrap().notices().is_empty(), "what was cut is gone");
}

/// A store whose process has ended while it was open, and the end of what is written in its log.
fn killed() -> (BTreeMap<String, Vec<u8>>, Json, usize) {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    let kept = |store: &Store| store.wait_durable(store.current().unwrap().sequence).unwrap();
    apply(&store, library()).unwrap();
    kept(&store);
    for name in ["a", "b", "c"] {
        write(&store, |w| insert(w, "author", json!({"name": name}))).unwrap();
        kept(&store);
    }
    // The header and the commits, and a mark before each.
    let end = 4 * 8 + store.statistics().unwrap().log_bytes as usize;
    (disk.kill().contents(), content(&store), end)
}

#[test]
fn room_behind_the_log_is_cut_off_and_not_spoken_of() {
    let (files, expected, used) = killed();
    let name = named(&files, "log-");
    assert!(files[name].len() > used + 1000, "there is room");
    // As much of the room as the system may have left.
    for length in [used, used + 1, used + 8, used + 100, used + 600, files[name].len()] {
        let mut files = files.clone();
        files.get_mut(name).unwrap().truncate(length);
        assert!(found(&files).unwrap().list().is_empty());
        let disk = TestDirectory::of(files);
        let store = keep(&disk).unwrap();
        assert_eq!(content(&store), expected);
        assert!(store.notices().is_empty(), "{:?}", store.notices());
        store.close().unwrap();
        assert!(disk.contents()[name].len() < used + 100, "a closed store has no room");
        assert_eq!(content(&keep(&disk).unwrap()), expected);
    }
}

#[test]
fn a_torn_end_with_room_behind_it_is_cut_with_a_notice() {
    let (files, expected, used) = killed();
    let name = named(&files, "log-");
    for at in [used, used + 7, used + 8, used + 600, files[name].len() - 1] {
        let mut files = files.clone();
        files.get_mut(name).unwrap()[at] = 9;
        let findings = found(&files).unwrap();
        assert_eq!(kinds(&findings), [FindingKind::TornEnd]);
        assert_eq!(findings.list()[0].offset, Some(used as u64));
        let disk = TestDirectory::of(files);
        let store = keep(&disk).unwrap();
        assert_eq!(content(&store), expected, "byte {at}");
        let [notice] = store.notices() else { panic!("{:?}", store.notices()) };
        assert!(notice.starts_with(&format!("{name} ended in ")), "{notice}");
        store.close().unwrap();
        assert!(keep(&disk).unwrap().notices().is_empty());
    }
}

#[test]
fn damage_before_the_room_is_found() {
    let (files, expected, used) = killed();
    let name = named(&files, "log-");
    for at in 0..used {
        let mut files = files.clone();
        files.get_mut(name).unwrap()[at] ^= 0x10;
        let checked = found(&files).unwrap();
        let opened = keep(&TestDirectory::of(files));
        assert_eq!(checked.is_clean(), opened.is_ok(), "byte {at}: {checked:?}");
        match opened {
            // What was synced last cannot be told from what was being written.
            Ok(store) => {
                let found = content(&store);
                assert_eq!(found[0].as_u64().unwrap() + 1, expected[0].as_u64().unwrap(), "byte {at}");
                assert_eq!(store.notices().len(), 1);
            }
            Err(error) => assert!(error.message.contains(name), "{error}"),
        }
    }
}

#[test]
fn a_segment_that_has_ended_has_no_room_behind_it() {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    apply(&store, library()).unwrap();
    store.wait_durable(1).unwrap();
    let used = 8 + store.statistics().unwrap().log_bytes as usize;
    let name = named(&disk.contents(), "log-").to_owned();
    assert!(disk.contents()[&name].len() > used);
    // The checkpoint cannot be written, so both segments are kept.
    disk.limit(Some(disk.used() + 100));
    assert_eq!(code(store.checkpoint()), ErrorCode::Storage);
    assert_eq!(disk.contents()[&name].len(), used);
}

#[test]
fn a_full_disk_loses_nothing() {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    apply(&store, library()).unwrap();
    disk.limit(Some(6000));
    let mut kept = Vec::new();
    let failure = loop {
        let mut transaction = begin(&store);
        let name = "n".repeat(200);
        transaction.statement(|w| insert(w, "author", json!({"name": name}))).unwrap();
        match transaction.commit().and_then(|sequence| store.wait_durable(sequence).map(|()| sequence)) {
            Ok(sequence) => kept.push(sequence),
            Err(error) => break error,
        }
    };
    assert_eq!(failure.code, ErrorCode::Storage);
    assert!(kept.len() > 10);
    let before = rows(&store.current().unwrap(), "author");
    assert!(before.as_array().unwrap().len() >= kept.len(), "reads go on");
    let again = write(&store, |w| insert(w, "author", json!({"name": "one more"}))).unwrap_err();
    assert_eq!(again.code, ErrorCode::Storage);
    assert!(again.message.contains("nothing can be written since"), "{again}");
    assert_eq!(code(store.close()), ErrorCode::Storage);
    disk.limit(None);
    let store = keep(&disk).unwrap();
    assert!(store.current().unwrap().sequence >= *kept.last().unwrap());
    write(&store, |w| insert(w, "author", json!({"name": "one more"}))).unwrap();
    store.close().unwrap();
    assert!(keep(&disk).is_ok());
}

#[test]
fn records_are_little_longer_than_their_rows() {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    apply(&store, library()).unwrap();
    let bytes = |store: &Store| store.statistics().unwrap().log_bytes as usize;
    let before = bytes(&store);
    let mut images = 0;
    for _ in 0..100 {
        let row = write(&store, |w| insert(w, "author", json!({"name": "n".repeat(130)}))).unwrap();
        images += row.as_bytes().len();
    }
    let written = bytes(&store) - before;
    assert!(written * 10 <= images * 13, "{written} bytes for {images} bytes of rows");
    // That all rows are gone is said once, not of each.
    let before = bytes(&store);
    assert_eq!(write(&store, |w| w.delete_all(id(w.root(), "author"))).unwrap(), 100);
    assert!(bytes(&store) - before < 100);
    store.close().unwrap();
    let store = keep(&disk).unwrap();
    let row = write(&store, |w| insert(w, "author", json!({"name": "next"}))).unwrap();
    assert_eq!(row.get(2).to_json(), json!(101));
}

#[test]
fn a_directory_is_one_store_and_of_one_process() {
    let path = directory("a_directory_is_one_store");
    let store = Store::open_path(&path, Keep::default()).unwrap();
    apply(&store, library()).unwrap();
    let other = Store::open_path(&path.join("."), Keep::default()).unwrap();
    assert_eq!(other.current().unwrap().collections().count(), 2);
    let keep = Keep { checkpoint_after: 1, ..Keep::default() };
    assert_eq!(code(Store::open_path(&path, keep)), ErrorCode::StoreLocked);
    // Another process has it: locks are of open files.
    let elsewhere = crate::log::Directory::open(&path).unwrap();
    let error = Store::open_in(Arc::new(elsewhere), Keep::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::StoreLocked);
    assert!(error.message.contains(&format!("process {}", std::process::id())), "{error}");
    store.close().unwrap();
    assert!(other.current().is_ok(), "the other handle is open");
    write(&other, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    other.close().unwrap();
    // What is left of an owner that has gone keeps nobody out.
    std::fs::write(path.join("LOCK"), "process 1 on another host").unwrap();
    let store = Store::open_path(&path, Keep::default()).unwrap();
    assert_eq!(column(&store.current().unwrap(), "author", "name"), json!(["a"]));
    store.checkpoint().unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    drop(store);
    let store = Store::open_path(&path, Keep::default()).unwrap();
    assert_eq!(column(&store.current().unwrap(), "author", "name"), json!(["a", "b"]));
    store.close().unwrap();
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn what_is_told_to_be_kept_is_told_once_the_disk_has_it() {
    let path = directory("what_is_told");
    let store = Store::open_path(&path, Keep::default()).unwrap();
    apply(&store, library()).unwrap();
    let (told, hears) = std::sync::mpsc::channel();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (store, told) = (Arc::clone(&store), told.clone());
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let mut transaction = begin_flush(&store);
                    transaction.statement(|w| insert(w, "author", json!({"name": "a"}))).unwrap();
                    let sequence = transaction.commit().unwrap();
                    let (told, kept) = (told.clone(), Arc::clone(&store));
                    let done = Box::new(move |result: Result<()>| {
                        result.unwrap();
                        assert!(kept.statistics().unwrap().synced >= sequence);
                        told.send(sequence).unwrap();
                    });
                    store.when_durable(sequence, done);
                }
            })
        })
        .collect();
    drop(told);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let mut sequences: Vec<u64> = hears.iter().take(160).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (2..162).collect::<Vec<u64>>());
    store.close().unwrap();
    std::fs::remove_dir_all(&path).unwrap();
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("collection-store-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}
