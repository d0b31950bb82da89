//! What is done with every combination of files that may be found: a test for
//! each line of the table in `docs/durability.md`, beside those of `damage`.

use std::collections::BTreeMap;

use serde_json::json;

use super::damage::{content, found, keep, named, refused, small};
use super::*;
use crate::log::TestDirectory;

type Files = BTreeMap<String, Vec<u8>>;

const HEADER: usize = 48;

/// The files of one store at a checkpoint, with commits behind it, and later:
/// behind another checkpoint.
struct Times {
    earlier: Files,
    later: Files,
    /// What it held at the end.
    expected: Json,
}

fn times() -> Times {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    apply(&store, library()).unwrap();
    let author = |name: &str| write(&store, |w| insert(w, "author", json!({"name": name}))).unwrap();
    author("a");
    store.checkpoint().unwrap();
    author("b");
    store.close().unwrap();
    let earlier = disk.contents();
    let store = keep(&disk).unwrap();
    store.checkpoint().unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "c"}))).unwrap();
    let expected = content(&store);
    store.close().unwrap();
    Times { earlier, later: disk.contents(), expected }
}

/// Opens what must open; gives what it holds, and the names of the files then.
fn opened(files: &Files) -> (Json, Vec<String>) {
    let checked = found(files).unwrap();
    assert!(checked.is_clean(), "{checked:?}");
    let disk = TestDirectory::of(files.clone());
    let store = keep(&disk).unwrap();
    let holds = content(&store);
    store.close().unwrap();
    assert_eq!(content(&keep(&disk).unwrap()), holds, "it is the same when opened once more");
    (holds, disk.contents().into_keys().collect())
}

fn is_empty(files: &Files) {
    let disk = TestDirectory::of(files.clone());
    let store = keep(&disk).unwrap();
    assert_eq!(store.current().unwrap().sequence, 0);
    assert_eq!(store.current().unwrap().collections().count(), 0);
    apply(&store, library()).unwrap();
    store.close().unwrap();
    keep(&disk).unwrap().current().unwrap().by_name("author").unwrap();
}

/// The store of `small` with the files of another moment in it: its own first segment, cut or whole.
fn segment_after(files: &Files, contents: &[u8]) -> (String, Files) {
    let last = named(files, "log-");
    let number = u64::from_str_radix(last.trim_start_matches("log-"), 16).unwrap() + 1;
    let name = format!("log-{number:016x}");
    let mut files = files.clone();
    files.insert(name.clone(), contents.to_vec());
    (name, files)
}

#[test]
fn a_directory_without_a_store_becomes_an_empty_one() {
    is_empty(&Files::new());
    let other = |name: &str| Files::from([(name.to_owned(), vec![1, 2, 3])]);
    is_empty(&other("LOCK"));
    is_empty(&other("notes of the owner"));
    is_empty(&other("MANIFEST.next"));
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_anew() {
    let disk = TestDirectory::default();
    keep(&disk).unwrap().close().unwrap();
    let made = disk.contents();
    for length in 0..=HEADER {
        let mut files = made.clone();
        files.remove("MANIFEST");
        files.get_mut("log-0000000000000001").unwrap().truncate(length);
        is_empty(&files);
        let (_, message) = {
            files.get_mut("log-0000000000000001").unwrap().resize(HEADER + 1, 0);
            refused(&files)
        };
        assert!(message.contains("MANIFEST is damaged"), "{message}");
    }
}

#[test]
fn a_manifest_that_is_cut_or_too_long_is_refused() {
    let (files, _) = small();
    for length in (0..HEADER).chain([HEADER + 1]) {
        let mut files = files.clone();
        files.get_mut("MANIFEST").unwrap().resize(length, 0);
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::Corrupt);
        assert!(message.starts_with("MANIFEST is damaged at byte 0"), "{message}");
    }
}

#[test]
fn a_manifest_of_another_moment_is_true_or_refused() {
    let Times { earlier, later, expected } = times();
    let with = |files: &Files, manifest: &Files| {
        let mut files = files.clone();
        files.insert("MANIFEST".to_owned(), manifest["MANIFEST"].clone());
        files
    };
    for (files, manifest) in [(&earlier, &later), (&later, &earlier)] {
        let (code, message) = refused(&with(files, manifest));
        assert_eq!(code, ErrorCode::Corrupt, "its checkpoint is not there: {message}");
        assert!(message.contains(named(manifest, "checkpoint-")), "{message}");
    }
    // All that the older one names is there still: the log tells the rest.
    let mut all = earlier.clone();
    all.extend(later.clone());
    let (holds, left) = opened(&with(&all, &earlier));
    assert_eq!(holds, expected);
    assert!(!left.iter().any(|name| name == named(&later, "checkpoint-")), "{left:?}");
}

#[test]
fn of_two_checkpoints_the_one_that_the_manifest_names_counts() {
    let Times { earlier, later, expected } = times();
    let mut all = earlier.clone();
    all.extend(later.clone());
    let (holds, left) = opened(&all);
    assert_eq!(holds, expected);
    assert_eq!(left, later.into_keys().collect::<Vec<_>>(), "what the other needs is gone");
}

#[test]
fn a_checkpoint_that_is_cut_or_too_long_is_refused() {
    let (files, _) = small();
    let name = named(&files, "checkpoint-").to_owned();
    let whole = files[&name].len();
    for length in (0..whole).chain([whole + 1, whole + 100]) {
        let mut files = files.clone();
        files.get_mut(&name).unwrap().resize(length, 0);
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::Corrupt);
        assert!(message.contains(&name), "{message}");
    }
}

#[test]
fn a_last_segment_without_its_header_is_begun_anew() {
    let (files, expected) = small();
    let header = files[named(&files, "log-")][..HEADER].to_vec();
    for length in 0..HEADER {
        let (name, files) = segment_after(&files, &header[..length]);
        let (holds, left) = opened(&files);
        assert_eq!(holds, expected);
        assert!(left.contains(&name), "{left:?}");
    }
    // What has more than a header was in use.
    let (name, files) = segment_after(&files, &[0; HEADER + 1]);
    let (code, message) = refused(&files);
    assert_eq!(code, ErrorCode::Corrupt);
    assert!(message.starts_with(&format!("{name} is damaged at byte 0")), "{message}");
}

#[test]
fn a_first_segment_without_its_header_is_refused() {
    let (files, _) = small();
    let name = named(&files, "log-").to_owned();
    for length in 0..HEADER {
        let mut files = files.clone();
        files.get_mut(&name).unwrap().truncate(length);
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::Corrupt);
        assert!(
            message.contains(&format!("{name} is damaged at byte 0: its header is missing")),
            "{message}"
        );
    }
}

#[test]
fn a_segment_with_another_behind_it_must_be_whole() {
    let Times { earlier, later, .. } = times();
    // The manifest of the earlier moment needs both segments.
    let mut all = later.clone();
    all.extend(earlier.clone());
    opened(&all);
    let first = named(&earlier, "log-").to_owned();
    let whole = all[&first].len();
    // The mark at its end may be missing, and zeroes may be behind it.
    for length in [whole - 8, whole + 100] {
        let mut files = all.clone();
        files.get_mut(&first).unwrap().resize(length, 0);
        opened(&files);
    }
    for length in (0..whole - 8).chain([whole - 1]) {
        let mut files = all.clone();
        files.get_mut(&first).unwrap().truncate(length);
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::Corrupt, "cut to {length}: {message}");
    }
    let mut files = all.clone();
    *files.get_mut(&first).unwrap().last_mut().unwrap() ^= 1;
    assert_eq!(refused(&files).0, ErrorCode::Corrupt);
}

#[test]
fn an_older_format_that_never_was_is_refused() {
    let (files, _) = small();
    for name in files.keys().filter(|name| *name != "LOCK") {
        let mut files = files.clone();
        files.get_mut(name).unwrap()[8] = 0;
        let (code, message) = refused(&files);
        assert_eq!(code, ErrorCode::Corrupt);
        assert!(message.contains(name.as_str()), "{message}");
    }
}
