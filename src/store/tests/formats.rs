//! Stores as released versions of this software wrote them, kept in
//! `tests/formats`: each is opened, and holds what was written.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::log::TestDirectory;
use crate::store::Keep;

/// Where they are: a directory for each format, in it one for each store, with
/// its files and what they hold.
fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

const EXPECTED: &str = "expected.json";

fn keep(disk: &TestDirectory) -> Arc<Store> {
    Store::open_in(Arc::new(disk.clone()), Keep::default()).unwrap()
}

/// Everything that a store holds, each value with its type.
fn describe(store: &Store) -> Json {
    let root = store.current().unwrap();
    root.check().unwrap();
    let value = |value: crate::value::ValueRef<'_>| format!("{} {}", value.type_name(), value.to_json());
    let collections = root.collections().map(|collection| {
        let row = |row: &Row| (0..collection.schema.width()).map(|at| value(row.get(at))).collect::<Vec<_>>();
        json!({
            "id": collection.schema.id.0,
            "def": collection.schema.def,
            "counter": collection.shared.counter(),
            "rows": collection.rows.iter().map(|(_, values)| row(values)).collect::<Vec<_>>(),
        })
    });
    json!({"sequence": root.sequence, "collections": collections.collect::<Vec<_>>()})
}

/// A field of each type, and parts that point at such things.
fn everything() -> Json {
    let field = |kind: &str| json!({"name": kind, "type": kind, "nullable": true});
    let kinds = ["int", "bigint", "float", "decimal", "bool", "text", "date", "bytes", "json"];
    let mut fields = vec![json!({"name": "id", "type": "int", "autoIncrement": true})];
    fields.extend(kinds.map(field));
    fields.extend([
        json!({"name": "state", "type": "text", "oneOf": ["new", "old"], "default": {"value": "new"}}),
        json!({"name": "made", "type": "date", "nullable": true, "default": {"now": true}}),
    ]);
    json!({"collections": [
        {
            "name": "thing", "fields": fields, "primary": ["id"],
            "indexes": [
                {"name": "thing_text", "paths": [{"field": "text"}], "unique": true},
                {"name": "thing_date_decimal", "paths": [{"field": "date"}, {"field": "decimal"}]},
                {"name": "thing_place", "paths": [{"field": "json", "json": ["place", "city"]}]}
            ]
        },
        {
            "name": "part",
            "fields": [
                {"name": "code", "type": "text"},
                {"name": "number", "type": "bigint"},
                {"name": "thing", "type": "int", "nullable": true},
                {"name": "beside", "type": "text", "nullable": true}
            ],
            "primary": ["code", "number"],
            "foreign": [
                {
                    "name": "part_thing", "fields": ["thing"], "target": "thing", "targetFields": ["id"],
                    "onDelete": "setNull", "onUpdate": "cascade"
                },
                {
                    "name": "part_beside", "fields": ["beside"], "target": "thing",
                    "targetFields": ["text"], "deferred": true
                }
            ]
        },
        {"name": "empty", "fields": [{"name": "id", "type": "text"}], "primary": ["id"]}
    ]})
}

fn thing(writer: &mut Writer, values: [Value; 9]) -> Result<Row> {
    let schema = Arc::clone(&writer.root().by_name("thing")?.schema);
    let first = schema.position("int")?;
    let mut row = vec![None; schema.width()];
    row.iter_mut().skip(first).zip(values).for_each(|(slot, value)| *slot = Some(value));
    writer.insert(schema.id, row)
}

/// Ordinary values, the greatest and the least, the empty ones and none at all.
fn things(writer: &mut Writer) -> Result<()> {
    let decimal = |text: &str| Value::Text(text.to_owned());
    let text = |text: &str| Value::Text(text.to_owned());
    let document = json!({"place": {"city": "Würzburg"}, "list": [1, 2.5, null, true, "x", {}], "": []});
    thing(
        writer,
        [
            Value::Int(-42),
            Value::Int(i64::MAX),
            Value::Float(0.1),
            decimal("12345678901234567890.0100"),
            Value::Bool(true),
            text("naïve 🦀 text"),
            Value::Date(1_700_000_000_123),
            Value::Bytes((0..=255).collect()),
            Value::from_json(&document),
        ],
    )?;
    thing(
        writer,
        [
            Value::Float(1.5),
            Value::Int(i64::MIN),
            Value::Float(-0.0),
            decimal("-0.5"),
            Value::Bool(false),
            text(""),
            Value::Date(-8_640_000_000_000_000),
            Value::Bytes(Vec::new()),
            Value::Doc(vec![
                ("when".to_owned(), Value::Date(0)),
                ("raw".to_owned(), Value::Bytes(vec![0, 255])),
            ]),
        ],
    )?;
    thing(
        writer,
        [
            Value::Int(0),
            Value::Int(0),
            Value::Float(f64::MIN_POSITIVE),
            decimal("0"),
            Value::Bool(true),
            text(&"long ".repeat(300)),
            Value::Date(8_640_000_000_000_000),
            Value::Bytes(vec![7; 300]),
            Value::Array(vec![Value::Text("of".to_owned()), Value::Null]),
        ],
    )?;
    thing(writer, std::array::from_fn(|_| Value::Null))?;
    Ok(())
}

fn parts(writer: &mut Writer) -> Result<()> {
    insert(writer, "part", json!({"code": "a", "number": 1, "thing": 1, "beside": ""}))?;
    insert(writer, "part", json!({"code": "a", "number": -1, "thing": 2}))?;
    insert(writer, "part", json!({"code": "", "number": 0})).map(drop)
}

/// A store whose rows are all in the log.
fn with_a_log_only(disk: &TestDirectory) -> Arc<Store> {
    let store = keep(disk);
    apply(&store, everything()).unwrap();
    write(&store, things).unwrap();
    write(&store, parts).unwrap();
    write(&store, |w| update(w, "thing", 1, json!({"state": "old"}))).unwrap();
    write(&store, |w| delete(w, "thing", 3)).unwrap();
    store
}

/// A store with a checkpoint, and behind it changes of rows and of the schema.
fn with_a_checkpoint(disk: &TestDirectory) -> Arc<Store> {
    let store = with_a_log_only(disk);
    store.checkpoint().unwrap();
    write(&store, |w| delete(w, "thing", 4)).unwrap();
    let snapshot = store.snapshot().unwrap();
    write(&store, |w| update(w, "thing", 1, json!({"int": 1.25, "json": {"place": {"city": "Köln"}}})))
        .unwrap();
    let mut target = everything();
    let collections = target["collections"].as_array_mut().unwrap();
    collections.pop();
    let added = json!({"name": "added", "type": "int", "default": {"value": 7}});
    collections[0]["fields"].as_array_mut().unwrap().insert(1, added);
    collections[0]["indexes"].as_array_mut().unwrap().pop();
    apply(&store, target).unwrap();
    write(&store, |w| insert(w, "thing", json!({"added": 8, "text": "behind the change"}))).unwrap();
    let mut transaction = begin(&store);
    let part = id(transaction.root().unwrap(), "part");
    transaction.clear(&[part], true).unwrap();
    transaction.commit().unwrap();
    store.restore(&snapshot).unwrap();
    write(&store, |w| insert(w, "part", json!({"code": "z", "number": 9, "thing": 1}))).unwrap();
    store
}

/// Opens a store of a format that was released, and goes on with it.
fn opens(files: BTreeMap<String, Vec<u8>>, expected: &Json, what: &str) {
    let disk = TestDirectory::of(files);
    let store = keep(&disk);
    assert!(store.notices().is_empty(), "{what}: {:?}", store.notices());
    assert_eq!(&describe(&store), expected, "{what}");
    write(&store, |w| insert(w, "part", json!({"code": "new", "number": 1, "thing": 1}))).unwrap();
    store.checkpoint().unwrap();
    let grown = describe(&store);
    store.close().unwrap();
    assert_eq!(describe(&keep(&disk)), grown, "{what}, written by this version");
}

#[test]
fn every_released_format_is_opened() {
    let mut opened = 0;
    for format in fs::read_dir(directory()).unwrap() {
        for kept in fs::read_dir(format.unwrap().path()).unwrap() {
            let path = kept.unwrap().path();
            let mut files = BTreeMap::new();
            for file in fs::read_dir(&path).unwrap() {
                let file = file.unwrap();
                files.insert(file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap());
            }
            let expected = serde_json::from_slice(&files.remove(EXPECTED).unwrap()).unwrap();
            opens(files, &expected, &path.display().to_string());
            opened += 1;
        }
    }
    assert!(opened >= 2, "{opened} stores");
}

/// The format that this version writes, as the manifest says.
fn current() -> String {
    let disk = TestDirectory::default();
    keep(&disk).close().unwrap();
    let manifest = &disk.contents()["MANIFEST"];
    u32::from_le_bytes(manifest[8..12].try_into().unwrap()).to_string()
}

#[test]
fn the_format_that_is_written_is_among_those_that_are_kept() {
    assert!(directory().join(current()).is_dir(), "write it once, as docs/durability.md says");
}

/// Run once for each format, before it is released: what was written is never written again.
#[test]
#[ignore = "writes into tests/formats"]
fn write_the_format_that_is_to_be_released() {
    type Make = fn(&TestDirectory) -> Arc<Store>;
    let format = directory().join(current());
    assert!(!format.exists(), "{} is there already", format.display());
    for (name, make) in [("log", with_a_log_only as Make), ("checkpoint", with_a_checkpoint)] {
        let disk = TestDirectory::default();
        let store = make(&disk);
        let expected = describe(&store);
        store.close().unwrap();
        let path = format.join(name);
        fs::create_dir_all(&path).unwrap();
        for (name, contents) in disk.contents() {
            fs::write(path.join(name), contents).unwrap();
        }
        fs::write(path.join(EXPECTED), serde_json::to_string_pretty(&expected).unwrap() + "\n").unwrap();
    }
}
