//! A check finds each kind of thing that can be wrong, says which, and goes on.

use std::collections::BTreeMap;

use serde_json::json;

use super::damage::{found, keep, kinds, named, small};
use super::*;
use crate::log::tests::{record, with_frame};
use crate::log::{Finding, FindingKind, Findings, Severity, TestDirectory};
use crate::store::root::{Collection, Index, Shared};
use crate::tree::Tree;
use crate::value::ValueRef;

type Files = BTreeMap<String, Vec<u8>>;

/// A version with one author, who has a book.
fn version() -> Root {
    let mut json = library();
    json["collections"][0]["fields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "kind", "type": "text", "nullable": true, "oneOf": ["poet", "novelist"]}));
    let store = open(json);
    write(&store, |w| insert(w, "author", json!({"name": "a", "email": "a@b"}))).unwrap();
    write(&store, |w| insert(w, "book", json!({"title": "first", "author_id": 1}))).unwrap();
    Root::clone(&store.current().unwrap())
}

/// What is found when something has been done to a collection.
fn after(name: &str, change: impl FnOnce(&mut Collection)) -> Findings {
    let mut root = version();
    root.check().unwrap();
    let id = id(&root, name);
    change(root.collection_mut(id).unwrap());
    root.examine(&mut |_| ())
}

/// What is found when a collection has these rows, indexed as they should be.
fn with_rows(name: &str, change: impl FnOnce(&Row) -> Vec<Row>) -> Findings {
    after(name, |collection| {
        let (_, row) = collection.rows.first().unwrap();
        let rows = change(&row.clone());
        let keyed = rows.into_iter().map(|row| (collection.schema.primary_key(&row), row));
        collection.rows = Tree::from_sorted(keyed);
        let specs = collection.schema.indexes.iter();
        collection.indexes = specs.map(|spec| Index::build(Arc::clone(spec), &collection.rows)).collect();
    })
}

fn only(findings: &Findings) -> &Finding {
    let [finding] = findings.list() else { panic!("{findings:?}") };
    finding
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(version().examine(&mut |_| ()).worst(), None);
    let (files, _) = small();
    assert_eq!(found(&files).unwrap().worst(), None);
}

#[test]
fn a_row_that_does_not_fit_its_collection_is_found() {
    let position = |name: &str| version().by_name("author").unwrap().schema.position(name).unwrap();
    let cases = [
        ("name", ValueRef::Null, FindingKind::NotNull, "has null in field \"name\""),
        ("born", ValueRef::Text("x"), FindingKind::Type, "has \"x\" in field \"born\" of type int"),
        ("kind", ValueRef::Text("x"), FindingKind::Check, "has \"x\", which field \"kind\" may not hold"),
    ];
    for (field, value, kind, what) in cases {
        let findings = with_rows("author", |row| vec![row.with(&[(position(field), value)])]);
        let finding = only(&findings);
        assert_eq!((finding.kind, finding.severity), (kind, Severity::Violation));
        assert_eq!(finding.message, format!("row [1] of collection \"author\" {what}"));
        assert_eq!(finding.key, Some(json!([1])));
        assert_eq!(finding.constraint.as_deref(), Some(field));
    }
    let findings = with_rows("author", |row| vec![row.with(&[(row.len(), ValueRef::Int(1))])]);
    assert_eq!(only(&findings).kind, FindingKind::Fields);
    assert!(only(&findings).message.contains("has 9 fields, of which the collection has 8"), "{findings:?}");
}

#[test]
fn a_row_under_another_key_is_found() {
    let findings = after("book", |collection| {
        let (_, row) = collection.rows.first().unwrap();
        let row = row.clone();
        collection.rows = Tree::new();
        collection.rows.insert(&key_of(&[7.into()]), row);
    });
    assert!(kinds(&findings).contains(&FindingKind::Key), "{findings:?}");
}

#[test]
fn a_tree_that_contradicts_itself_is_found() {
    let findings = after("author", |collection| collection.rows = collection.rows.miscounted());
    assert_eq!(only(&findings).kind, FindingKind::Tree);
    assert!(
        only(&findings).message.starts_with("the rows of collection \"author\": tree says 2"),
        "{findings:?}"
    );
    let findings = after("author", |collection| {
        let index = &mut collection.indexes[1];
        index.tree = index.tree.miscounted();
    });
    assert_eq!(only(&findings).kind, FindingKind::Tree);
    assert_eq!(only(&findings).constraint.as_deref(), Some("author_city"));
}

#[test]
fn an_index_that_disagrees_with_the_rows_is_found() {
    let findings = after("author", |collection| collection.indexes[0].tree = Tree::new());
    assert_eq!(only(&findings).kind, FindingKind::IndexMissing);
    assert_eq!(
        only(&findings).message,
        "row [1] of collection \"author\" has no entry in index \"author_email\""
    );
    let findings = after("author", |collection| {
        let entry = key_of(&["c@d".into(), 9.into()]);
        collection.indexes[0].tree.insert(&entry, ());
    });
    assert_eq!(only(&findings).kind, FindingKind::IndexSuperfluous);
    assert_eq!(only(&findings).constraint.as_deref(), Some("author_email"));
    let findings = after("author", |collection| {
        let mut tree = Tree::new();
        tree.insert(&key_of(&["c@d".into(), 1.into()]), ());
        collection.indexes[0].tree = tree;
    });
    assert_eq!(kinds(&findings), [FindingKind::IndexMissing, FindingKind::IndexWrong]);
}

#[test]
fn two_rows_with_the_values_of_a_unique_index_are_found() {
    let findings = with_rows("author", |row| {
        let alike = row.with(&[(2, ValueRef::Int(0))]);
        let null = row.with(&[(2, ValueRef::Int(-1)), (4, ValueRef::Null)]);
        let another = row.with(&[(2, ValueRef::Int(-2)), (4, ValueRef::Null)]);
        vec![another, null, alike, row.clone()]
    });
    let finding = only(&findings);
    assert_eq!((finding.kind, finding.constraint.as_deref()), (FindingKind::Unique, Some("author_email")));
    assert!(finding.message.contains("has the values of row [0]"), "{finding:?}");
}

#[test]
fn a_row_that_points_at_nothing_is_found() {
    let mut root = version();
    let author = id(&root, "author");
    *root.collection_mut(author).unwrap() = {
        let mut empty = Collection::new(Arc::clone(&root.collection(author).unwrap().schema));
        empty.shared = Arc::new(Shared::new(1));
        empty
    };
    let findings = root.examine(&mut |_| ());
    let finding = only(&findings);
    assert_eq!((finding.kind, finding.constraint.as_deref()), (FindingKind::ForeignKey, Some("book_author")));
    assert!(
        finding.message.contains("points at nothing: (author_id) = (1) is not in \"author\""),
        "{finding:?}"
    );
}

#[test]
fn a_counter_that_numbers_have_passed_is_found() {
    let findings = after("book", |collection| collection.shared = Arc::new(Shared::new(0)));
    assert_eq!(only(&findings).kind, FindingKind::Counter);
    assert_eq!(only(&findings).collection.as_deref(), Some("book"));
}

#[test]
fn a_definition_that_is_not_the_catalogs_is_found() {
    let findings = after("book", |collection| {
        collection.schema = Arc::new(crate::catalog::Schema::clone(&collection.schema));
    });
    assert_eq!(only(&findings).kind, FindingKind::Definition);
    let findings = after("author", |collection| drop(collection.indexes.remove(0)));
    assert!(findings.list()[0].message.contains("index \"author_email\""), "{findings:?}");
    let mut root = version();
    root.collections.pop();
    assert_eq!(root.examine(&mut |_| ()).list()[0].kind, FindingKind::Definition);
}

#[test]
fn of_very_many_alike_only_how_many_is_kept() {
    let findings = with_rows("author", |row| {
        let name = version().by_name("author").unwrap().schema.position("name").unwrap();
        let nameless = |id| row.with(&[(2, ValueRef::Int(id)), (name, ValueRef::Null), (4, ValueRef::Null)]);
        let mut rows: Vec<Row> = (-1000..0).map(nameless).collect();
        rows.push(row.clone());
        rows
    });
    assert_eq!(findings.list().len(), 100);
    assert_eq!(findings.more(), 900);
}

/// What is found once something has been done to the files of a store.
fn of_files(change: impl FnOnce(&mut Files)) -> Findings {
    let (mut files, _) = small();
    change(&mut files);
    found(&files).unwrap()
}

fn file<'a>(files: &'a mut Files, prefix: &str) -> &'a mut Vec<u8> {
    let name = named(files, prefix).to_owned();
    files.get_mut(&name).unwrap()
}

#[test]
fn what_is_wrong_with_files_is_found() {
    let missing = |prefix: &'static str| {
        of_files(move |files| {
            let name = named(files, prefix).to_owned();
            files.remove(&name);
        })
    };
    for prefix in ["MANIFEST", "checkpoint-", "log-"] {
        assert!(kinds(&missing(prefix)).contains(&FindingKind::MissingFile), "{prefix}");
    }
    for prefix in ["MANIFEST", "checkpoint-", "log-"] {
        let findings = of_files(|files| file(files, prefix)[30] ^= 1);
        assert_eq!(kinds(&findings), [FindingKind::Header], "{prefix}");
    }
    let findings = of_files(|files| {
        let (other, _) = small();
        *file(files, "checkpoint-") = other[named(&other, "checkpoint-")].clone();
    });
    assert!(kinds(&findings).contains(&FindingKind::ForeignFile), "{findings:?}");
    let findings = of_files(|files| file(files, "log-").extend_from_slice(&[9; 100]));
    assert_eq!(only(&findings).kind, FindingKind::TornEnd);
    assert_eq!(findings.worst(), Some(Severity::Notice));
    let findings = of_files(|files| drop(files.insert("log-0000000000000001".to_owned(), Vec::new())));
    assert_eq!(only(&findings).kind, FindingKind::LeftOver);
}

#[test]
fn a_damaged_record_is_found_and_what_it_leaves_missing() {
    let findings = of_files(|files| file(files, "log-")[60] ^= 1);
    assert_eq!(kinds(&findings), [FindingKind::Checksum, FindingKind::Gap]);
    let [damage, gap] = findings.list() else { panic!("{findings:?}") };
    assert_eq!(damage.offset, Some(56));
    assert!(damage.message.contains("the checksum of a frame is wrong; it goes on at byte"), "{damage:?}");
    assert_eq!(gap.versions, Some((3, 3)));
    assert!(gap.message.starts_with("version 3 is missing"), "{gap:?}");
}

#[test]
fn bytes_with_a_right_checksum_that_make_no_sense_are_found() {
    let checkpoint = |contents: &'static [u8]| {
        of_files(move |files| {
            let file = file(files, "checkpoint-");
            *file = with_frame(file, contents);
        })
    };
    assert_eq!(kinds(&checkpoint(&[9, 9])), [FindingKind::Contents]);
    let log = |contents: Vec<u8>| {
        of_files(move |files| {
            let file = file(files, "log-");
            *file = with_frame(file, &contents);
        })
    };
    assert_eq!(kinds(&log(vec![9, 9])), [FindingKind::Contents]);
    let newest = 4;
    let wrong = record(newest + 1, newest, |record| {
        record.collection(CollectionId(0), 1);
        record.delete(b"nobody");
    });
    let findings = log(wrong);
    assert!(only(&findings).message.contains("deletes a row that is not there"), "{findings:?}");
    let no_row = record(newest + 1, newest, |record| {
        record.collection(CollectionId(0), 1);
        record.put(&[255, 255, 255]);
    });
    assert_eq!(only(&log(no_row)).severity, Severity::Damage);
}

#[test]
fn rows_that_break_a_constraint_on_the_disk_are_found() {
    let mut root = version();
    let author = id(&root, "author");
    root.collection_mut(author).unwrap().rows = Tree::new();
    let disk = TestDirectory::default();
    root.backup_in(&disk).unwrap();
    let findings = found(&disk.contents()).unwrap();
    assert_eq!(only(&findings).kind, FindingKind::ForeignKey);
    assert_eq!(findings.worst(), Some(Severity::Violation));
    keep(&disk).unwrap();
}

#[test]
fn of_a_checkpoint_with_damage_all_other_parts_are_looked_at() {
    let store = open(library());
    for _ in 0..400 {
        let name = "n".repeat(500);
        write(&store, |w| insert(w, "author", json!({"name": name}))).unwrap();
    }
    let disk = TestDirectory::default();
    store.current().unwrap().backup_in(&disk).unwrap();
    let mut files = disk.contents();
    let bytes = file(&mut files, "checkpoint-");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let findings = found(&files).unwrap();
    assert_eq!(kinds(&findings), [FindingKind::Checksum, FindingKind::MissingRows]);
    let [damage, rows] = findings.list() else { panic!("{findings:?}") };
    let between = "it lies between row [125] of \"author\" and row [250] of \"author\"";
    assert!(damage.message.contains(between), "{}", damage.message);
    assert!(rows.message.contains("rows of collection \"author\" can be read, of 400"), "{rows:?}");
}

#[test]
fn behind_much_damage_a_checkpoint_goes_on() {
    let store = open(library());
    let mut transaction = begin(&store);
    let name = "n".repeat(500);
    transaction
        .statement(|w| (0..1200).try_for_each(|_| insert(w, "author", json!({"name": name})).map(drop)))
        .unwrap();
    transaction.commit().unwrap();
    let disk = TestDirectory::default();
    store.current().unwrap().backup_in(&disk).unwrap();
    let files = disk.contents();
    let mut random = crate::log::tests::Random::new(3);
    let mut left = |at: usize, length: usize, step: usize| {
        let mut files = files.clone();
        let bytes = file(&mut files, "checkpoint-");
        for start in (at..400_000).step_by(step) {
            bytes[start..start + length].iter_mut().for_each(|byte| *byte = random.number() as u8);
        }
        let checked = Store::check_in(&TestDirectory::of(files), &mut |_, _, _| ()).unwrap();
        checked.root.by_name("author").unwrap().rows.len()
    };
    // A part has 125 rows in 65 KB; there are ten.
    assert_eq!(left(1000, 600, 1_000_000), 1075, "the first is lost");
    assert_eq!(left(1000, 600, 60_000), 455, "the first six are lost");
    assert_eq!(left(100_000, 150_000, 1_000_000), 704, "the one behind has nobody left to prove it");
    let zeroes = {
        let mut files = files.clone();
        file(&mut files, "checkpoint-")[100_000..250_000].fill(0);
        let checked = Store::check_in(&TestDirectory::of(files), &mut |_, _, _| ()).unwrap();
        checked.root.by_name("author").unwrap().rows.len()
    };
    assert_eq!(zeroes, 704);
}

#[test]
fn there_must_be_a_store_to_be_checked() {
    assert_eq!(found(&Files::new()).unwrap_err().code, ErrorCode::Storage);
    let (mut files, _) = small();
    files.retain(|name, _| name == "LOCK");
    assert_eq!(found(&files).unwrap_err().code, ErrorCode::Storage);
    let (mut files, _) = small();
    // The header of a newer format has a right checksum, and that of a damaged one has not.
    assert!(kinds(&of_files(|files| file(files, "log-")[8] = 2)).contains(&FindingKind::Header));
    let header = file(&mut files, "log-");
    header[8] = 2;
    let sum = crc32c::crc32c(&header[..44]).to_le_bytes();
    header[44..48].copy_from_slice(&sum);
    assert_eq!(found(&files).unwrap_err().code, ErrorCode::NewerFormat);
}

#[test]
fn a_file_that_cannot_be_read_is_found() {
    let place = std::env::temp_dir().join(format!("store-unreadable-{}", std::process::id()));
    let store = Store::open_path(&place, crate::store::Keep::default()).unwrap();
    apply(&store, library()).unwrap();
    store.close().unwrap();
    std::fs::remove_file(place.join("log-0000000000000001")).unwrap();
    std::fs::create_dir(place.join("log-0000000000000001")).unwrap();
    let checked = Store::check_path(&place, &mut |_, _, _| ());
    std::fs::remove_dir_all(&place).unwrap();
    let findings = checked.unwrap().findings;
    assert_eq!(findings.list()[0].kind, FindingKind::Unreadable, "{findings:?}");
}
