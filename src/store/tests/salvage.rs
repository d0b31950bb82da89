//! What is saved of damaged stores: all that can be read, and nothing that never was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::damage::{content, found, keep, named};
use super::*;
use crate::log::TestDirectory;
use crate::log::tests::{Random, record, with_frame};
use crate::store::{LOST, Salvaged};

type Files = BTreeMap<String, Vec<u8>>;

/// The files of a store, and all rows that there ever were.
struct Life {
    files: Files,
    ever: BTreeSet<String>,
    /// What it held at the end.
    last: Json,
}

fn rows_of(root: &Root) -> BTreeSet<String> {
    let of = |collection: &Arc<crate::store::Collection>| {
        let name = collection.schema.name().to_owned();
        let width = collection.schema.width();
        let row = move |row: &Row| (0..width).map(|at| row.get(at).to_json()).collect::<Vec<_>>();
        collection.rows.iter().map(|(_, one)| json!([name, row(one)]).to_string()).collect::<Vec<_>>()
    };
    root.collections().flat_map(of).collect()
}

/// A store with a checkpoint and two segments behind it.
fn life() -> Life {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    let mut ever = BTreeSet::new();
    let mut note = |store: &Arc<Store>| ever.extend(rows_of(&store.current().unwrap()));
    apply(&store, library()).unwrap();
    for name in ["a", "b"] {
        let email = format!("{name}@x");
        write(&store, |w| insert(w, "author", json!({"name": name, "email": email}))).unwrap();
        note(&store);
    }
    write(&store, |w| insert(w, "book", json!({"title": "of a", "author_id": 1}))).unwrap();
    note(&store);
    store.checkpoint().unwrap();
    let earlier = disk.contents();
    write(&store, |w| insert(w, "author", json!({"name": "c", "email": "c@x"}))).unwrap();
    note(&store);
    write(&store, |w| insert(w, "book", json!({"title": "of c", "author_id": 3}))).unwrap();
    note(&store);
    // The mail address of one goes to another, in two transactions.
    write(&store, |w| update(w, "author", 2, json!({"email": null}))).unwrap();
    note(&store);
    write(&store, |w| update(w, "author", 1, json!({"email": "b@x"}))).unwrap();
    note(&store);
    store.wait_durable(store.current().unwrap().sequence).unwrap();
    let middle = disk.contents();
    store.checkpoint().unwrap();
    write(&store, |w| insert(w, "book", json!({"title": "of b", "author_id": 2}))).unwrap();
    note(&store);
    write(&store, |w| delete(w, "book", 1)).unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "d"}))).unwrap();
    note(&store);
    let last = content(&store);
    store.close().unwrap();
    let mut files = disk.contents();
    files.retain(|name, _| !name.starts_with("checkpoint-"));
    for (name, mut bytes) in middle.into_iter().chain(earlier) {
        if name == "MANIFEST" || name.starts_with("checkpoint-") {
            files.insert(name, bytes);
        } else {
            // It was open then: without the room behind what is written.
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            files.entry(name).or_insert(bytes);
        }
    }
    assert_eq!(files.keys().filter(|name| name.starts_with("log-")).count(), 2, "{:?}", files.keys());
    Life { files, ever, last }
}

/// What is salvaged, the store that was made, and the lines beside it.
struct Saved {
    salvaged: Salvaged,
    disk: TestDirectory,
    lost: Vec<Json>,
}

impl Saved {
    fn holds(&self) -> Json {
        content(&keep(&self.disk).unwrap())
    }

    fn rows_apart(&self, collection: &str) -> Vec<&Json> {
        let of = |line: &&Json| line["lost"] == "row" && line["collection"] == collection;
        self.lost.iter().filter(of).map(|line| &line["row"]).collect()
    }
}

/// Salvages; whatever comes of it, nothing is changed in the damaged store, and
/// what is made is a whole one.
fn salvage(files: &Files) -> Result<Saved> {
    let (from, disk) = (TestDirectory::of(files.clone()), TestDirectory::default());
    let result = Store::salvage_in(&from, &disk, &mut |_, _, _| ());
    assert_eq!(&from.contents(), files);
    let salvaged = result?;
    let mut made = disk.contents();
    let lines = made.get(LOST).cloned().unwrap_or_default();
    let lost = String::from_utf8(lines).unwrap();
    let lost: Vec<Json> = lost.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lost.is_empty(), salvaged.is_whole());
    made.remove(LOST);
    assert!(found(&made).unwrap().list().is_empty());
    Ok(Saved { salvaged, disk, lost })
}

#[test]
fn a_store_without_damage_is_saved_as_it_is() {
    let Life { files, last, .. } = life();
    let saved = salvage(&files).unwrap();
    assert_eq!(saved.holds(), last);
    assert!(saved.salvaged.is_whole());
    assert_eq!(saved.salvaged.whole, last[0].as_u64());
}

#[test]
fn a_directory_that_is_not_empty_is_left_alone() {
    let Life { files, .. } = life();
    let disk = TestDirectory::of(Files::from([("mine".to_owned(), vec![1])]));
    let error = Store::salvage_in(&TestDirectory::of(files), &disk, &mut |_, _, _| ()).unwrap_err();
    assert_eq!(error.code, ErrorCode::StoreExists);
    assert_eq!(disk.contents().len(), 1);
}

/// Whatever has become of the files, what is saved was written once.
fn nothing_is_invented(files: &Files, ever: &BTreeSet<String>, what: &str) -> u64 {
    match salvage(files) {
        Ok(saved) => {
            let rows = rows_of(&saved.salvaged.root);
            assert!(rows.is_subset(ever), "{what}: {:?}", rows.difference(ever));
            rows.len() as u64
        }
        Err(error) => {
            let known = [ErrorCode::Corrupt, ErrorCode::NewerFormat, ErrorCode::Storage];
            assert!(known.contains(&error.code), "{what}: {error}");
            0
        }
    }
}

#[test]
fn of_a_store_with_any_byte_changed_no_row_is_invented_and_few_are_lost() {
    let Life { files, ever, .. } = life();
    for (name, bytes) in files.iter().filter(|(name, _)| *name != "LOCK") {
        for at in 0..bytes.len() {
            let mut files = files.clone();
            files.get_mut(name).unwrap()[at] ^= 0x5a;
            let rows = nothing_is_invented(&files, &ever, &format!("byte {at} of {name}"));
            if name.starts_with("log-") || name == "MANIFEST" {
                assert!(rows >= 3, "byte {at} of {name}: {rows} rows");
            }
        }
    }
}

#[test]
fn of_a_store_with_any_file_cut_no_row_is_invented() {
    let Life { files, ever, .. } = life();
    for (name, bytes) in files.iter().filter(|(name, _)| *name != "LOCK") {
        for length in 0..bytes.len() {
            let mut files = files.clone();
            files.get_mut(name).unwrap().truncate(length);
            nothing_is_invented(&files, &ever, &format!("{name} cut to {length}"));
        }
    }
}

#[test]
fn of_a_store_changed_by_chance_no_row_is_invented() {
    let Life { files, ever, .. } = life();
    let seed = super::durable::first_seed();
    let mut random = Random::new(seed);
    let names: Vec<&String> = files.keys().filter(|name| *name != "LOCK").collect();
    for round in 0..2000 {
        let mut files = files.clone();
        for _ in 0..=random.below(4) {
            let name = names[random.below(names.len() as u64) as usize];
            let Some(bytes) = files.get_mut(name) else { continue };
            let at = random.below(bytes.len() as u64 + 1) as usize;
            let end = (at + random.below(64) as usize).min(bytes.len());
            match random.below(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => bytes[at..end].fill(0),
                3 => bytes[at..end].iter_mut().for_each(|byte| *byte = random.number() as u8),
                _ => drop(files.remove(name)),
            }
        }
        nothing_is_invented(&files, &ever, &format!("STORE_CRASH_SEED={seed}, round {round}"));
    }
}

#[test]
fn without_its_manifest_all_is_saved() {
    let Life { mut files, last, .. } = life();
    files.remove("MANIFEST");
    let saved = salvage(&files).unwrap();
    assert_eq!(saved.holds(), last);
    assert_eq!(saved.lost.len(), 1, "{:?}", saved.lost);
    assert_eq!(saved.lost[0]["kind"], "missingFile");
}

#[test]
fn without_headers_all_that_records_prove_is_saved() {
    let Life { files, last, .. } = life();
    for prefix in ["checkpoint-", "log-"] {
        let mut files = files.clone();
        let name = named(&files, prefix).to_owned();
        files.get_mut(&name).unwrap()[..48].fill(0);
        assert_eq!(salvage(&files).unwrap().holds(), last, "{name}");
    }
}

#[test]
fn without_its_checkpoint_what_the_log_has_is_kept_apart() {
    let Life { mut files, ever, .. } = life();
    let name = named(&files, "checkpoint-").to_owned();
    files.remove(&name);
    let saved = salvage(&files).unwrap();
    // What the collections are was in the checkpoint alone.
    assert_eq!(saved.salvaged.root.collections().count(), 0);
    assert_eq!(saved.salvaged.whole, None);
    let apart: Vec<&Json> = saved.lost.iter().filter(|line| line["lost"] == "row").collect();
    assert_eq!(apart.len(), 6, "{apart:?}");
    assert_eq!(apart[0]["collection"], 0);
    assert_eq!(apart[0]["row"], json!([3, "c", "c@x", 1900, null]));
    assert!(ever.len() > apart.len());
}

#[test]
fn without_a_segment_rows_that_contradict_others_are_kept_apart() {
    let Life { mut files, .. } = life();
    let (first, second) = {
        let mut logs = files.keys().filter(|name| name.starts_with("log-"));
        (logs.next().unwrap().clone(), logs.next().unwrap().clone())
    };
    // Without the newer one everything is as it was at its beginning.
    let mut without = files.clone();
    without.remove(&second);
    let saved = salvage(&without).unwrap();
    assert!(saved.salvaged.is_whole(), "a store that ends with a segment is one");
    // Without the older one there is a hole.
    files.remove(&first);
    let saved = salvage(&files).unwrap();
    let kinds: Vec<&Json> = saved.lost.iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["missingFile", "gap"]);
    assert_eq!(saved.lost[1]["versions"], json!([5, 8]));
    assert_eq!(saved.salvaged.whole, Some(4));
    let holds = saved.holds();
    assert_eq!(
        holds[1],
        json!([[1, "a", "a@x", 1900, null], [2, "b", "b@x", 1900, null], [4, "d", null, 1900, null]])
    );
    assert_eq!(holds[2], json!([[3, "of b", 2]]), "what was deleted behind the hole is gone");
}

/// The store of `life` without the record of a version.
fn without_version(version: u64) -> Files {
    let Life { mut files, .. } = life();
    let name = named(&files, "log-").to_owned();
    let bytes = files.get_mut(&name).unwrap();
    // Behind the version that the checkpoint is of, which is 4, each record has a head of its own.
    let mut at = 48;
    let mut number = 4;
    loop {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        number += u64::from(length > 0);
        if number == version {
            bytes[at + 9] ^= 1;
            return files;
        }
        at += 8 + length;
    }
}

#[test]
fn a_row_that_points_at_a_lost_one_is_kept_apart() {
    let saved = salvage(&without_version(5)).unwrap();
    assert_eq!(saved.rows_apart("book"), [&json!({"id": 2, "title": "of c", "author_id": 3})]);
    assert!(
        saved
            .lost
            .iter()
            .any(|line| line["why"] == "it points at nothing through foreign key \"book_author\"")
    );
    assert_eq!(saved.salvaged.apart, BTreeMap::from([("book".to_owned(), 1)]));
    // Its number is not given again.
    let store = keep(&saved.disk).unwrap();
    let book = write(&store, |w| insert(w, "book", json!({"title": "next"}))).unwrap();
    assert_eq!(book.get(2).to_json(), 4);
}

#[test]
fn of_two_rows_with_a_unique_value_the_newer_one_stays() {
    let saved = salvage(&without_version(7)).unwrap();
    let apart = saved.rows_apart("author");
    assert_eq!(apart, [&json!({"id": 2, "name": "b", "email": "b@x", "born": 1900, "data": null})]);
    // And with it goes who points at it.
    assert_eq!(saved.rows_apart("book"), [&json!({"id": 3, "title": "of b", "author_id": 2})]);
    let root = &saved.salvaged.root;
    assert_eq!(column(root, "author", "email"), json!(["b@x", "c@x", null]));
}

#[test]
fn whoever_points_at_a_row_that_is_kept_apart_is_so_too() {
    let chain = json!({"collections": [{
        "name": "node",
        "fields": [{"name": "id", "type": "int"}, {"name": "up", "type": "int", "nullable": true}],
        "primary": ["id"],
        "foreign": [{"name": "node_up", "fields": ["up"], "target": "node", "targetFields": ["id"]}]
    }]});
    let store = open(chain);
    let count = 3000;
    let mut transaction = begin(&store);
    transaction
        .statement(|w| {
            for id in 0..count {
                let up = if id == 0 { Json::Null } else { (id - 1).into() };
                insert(w, "node", json!({"id": id, "up": up}))?;
            }
            Ok(())
        })
        .unwrap();
    transaction.commit().unwrap();
    let mut root = Root::clone(&store.current().unwrap());
    let node = id(&root, "node");
    root.collection_mut(node).unwrap().rows.remove(&key_of(&[1000.into()]));
    let disk = TestDirectory::default();
    root.backup_in(&disk).unwrap();
    let saved = salvage(&disk.contents()).unwrap();
    assert_eq!(saved.salvaged.root.by_name("node").unwrap().rows.len(), 1000);
    assert_eq!(saved.salvaged.apart["node"], count - 1001);
}

#[test]
fn a_row_that_does_not_fit_is_kept_apart() {
    let Life { mut files, last, .. } = life();
    let name = files.keys().rfind(|name| name.starts_with("log-")).unwrap().clone();
    let newest = last[0].as_u64().unwrap();
    let bytes = with_frame(
        &files[&name],
        &record(newest + 1, newest, |record| {
            record.collection(CollectionId(1), 9);
            let values = [1.into(), 1.into(), 9.into(), 5.into(), Value::Null];
            record.put(Row::from_values(&values.each_ref().map(Value::as_ref)).as_bytes());
        }),
    );
    files.insert(name, bytes);
    let saved = salvage(&files).unwrap();
    assert_eq!(saved.rows_apart("book"), [&json!({"id": 9, "title": 5, "author_id": null})]);
    assert!(
        saved.lost.iter().any(|line| line["why"] == "it has 5 in field \"title\" of type text"),
        "{:?}",
        saved.lost
    );
    assert_eq!(saved.holds()[2], last[2]);
}

#[test]
fn rows_from_before_a_change_that_may_be_missing_are_kept_apart() {
    let disk = TestDirectory::default();
    let store = keep(&disk).unwrap();
    apply(&store, library()).unwrap();
    for name in ["a", "b"] {
        write(&store, |w| insert(w, "author", json!({"name": name}))).unwrap();
    }
    // Without a field in the middle, so that all rows have another form.
    let mut target = library();
    target["collections"][0]["fields"].as_array_mut().unwrap().remove(2);
    target["collections"][0]["indexes"].as_array_mut().unwrap().remove(0);
    apply(&store, target.clone()).unwrap();
    write(&store, |w| update(w, "author", 2, json!({"name": "newer"}))).unwrap();
    let note = json!({"name": "note", "fields": [{"name": "id", "type": "text"}], "primary": ["id"]});
    target["collections"].as_array_mut().unwrap().push(note);
    apply(&store, target).unwrap();
    store.close().unwrap();
    let files = disk.contents();
    let name = named(&files, "log-").to_owned();
    let mut ends = Vec::new();
    let mut at = 48;
    while at < files[&name].len() {
        let length = u32::from_le_bytes(files[&name][at..at + 4].try_into().unwrap()) as usize;
        if length > 0 {
            ends.push(at);
        }
        at += 8 + length;
    }
    assert_eq!(ends.len(), 6);
    // Without the first change the rows cannot be told from such of the new form.
    let mut damaged = files.clone();
    damaged.get_mut(&name).unwrap()[ends[3] + 9] ^= 1;
    let saved = salvage(&damaged).unwrap();
    assert_eq!(saved.salvaged.root.by_name("author").unwrap().rows.len(), 0);
    let apart = saved.rows_apart("author");
    let names: Vec<&Json> = apart.iter().map(|row| &row["name"]).collect();
    assert_eq!(names.len(), 3, "{apart:?}");
    assert!(names.contains(&&json!("a")) && names.contains(&&json!("b")), "{apart:?}");
    // Where the collection is known to be the same as before, they stay.
    let mut damaged = files.clone();
    damaged.get_mut(&name).unwrap()[ends[4] + 9] ^= 1;
    let saved = salvage(&damaged).unwrap();
    assert_eq!(column(&saved.salvaged.root, "author", "name"), json!(["a", "b"]));
}

#[test]
fn nothing_is_made_where_nothing_can_be_read() {
    let Life { mut files, .. } = life();
    files.values_mut().for_each(|bytes| bytes.fill(7));
    let error = salvage(&files).map(|saved| saved.salvaged).unwrap_err();
    assert_eq!(error.code, ErrorCode::Corrupt);
    assert!(error.message.starts_with("nothing of the store can be read: "), "{error}");
    assert_eq!(salvage(&Files::new()).map(|saved| saved.salvaged).unwrap_err().code, ErrorCode::Storage);
}

#[test]
fn a_store_is_not_salvaged_into_itself() {
    let place = std::env::temp_dir().join(format!("store-salvage-{}", std::process::id()));
    let store = Store::open_path(&place, crate::store::Keep::default()).unwrap();
    apply(&store, library()).unwrap();
    store.close().unwrap();
    let nothing = &mut |_, _, _| ();
    let inside = Store::salvage_path(&place, &place.join("saved"), nothing).map(drop);
    let itself = Store::salvage_path(&place, &place, nothing).map(drop);
    let there = place.join("saved").exists();
    std::fs::remove_dir_all(&place).unwrap();
    assert_eq!((code(inside), code(itself), there), (ErrorCode::StoreExists, ErrorCode::StoreExists, false));
}
