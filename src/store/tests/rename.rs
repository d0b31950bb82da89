//! Other names for collections and fields with data in them.

use serde_json::json;

use super::*;
use crate::catalog::Rename;

fn renamed(store: &Arc<Store>, rename: Rename<'_>) -> Result<()> {
    let mut transaction = begin(store);
    transaction.rename(rename)?;
    transaction.commit()?;
    store.current()?.check().unwrap();
    Ok(())
}

/// An author and a book of theirs.
fn filled() -> Arc<Store> {
    let store = open(library());
    write(&store, |w| {
        insert(w, "author", json!({"name": "a", "email": "a@b", "data": {"address": {"city": "Wien"}}}))?;
        insert(w, "book", json!({"title": "b", "author_id": 1}))
    })
    .unwrap();
    store
}

fn definition(store: &Arc<Store>) -> Json {
    serde_json::to_value(store.current().unwrap().catalog.definition()).unwrap()
}

#[test]
fn a_collection_keeps_rows_indexes_counters_and_who_points_at_it() {
    let store = filled();
    let before = store.current().unwrap();
    renamed(&store, Rename::Collection { from: "author", to: "writer" }).unwrap();
    let after = store.current().unwrap();
    let (old, new) = (before.by_name("author").unwrap(), after.by_name("writer").unwrap());
    assert!(old.rows.ptr_eq(&new.rows));
    assert_eq!(old.schema.id, new.schema.id);
    assert_eq!(after.by_name("author").unwrap_err().code, ErrorCode::CollectionNotFound);
    assert_eq!(definition(&store)["collections"][1]["foreign"][0]["target"], json!("writer"));
    write(&store, |w| insert(w, "writer", json!({"name": "c"}))).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "writer")[1][0], json!(2));
    let dangling = write(&store, |w| insert(w, "book", json!({"title": "x", "author_id": 9})));
    assert_eq!(dangling.unwrap_err().code, ErrorCode::ForeignKey);
    write(&store, |w| delete(w, "writer", 1)).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "book"), json!([]));
}

#[test]
fn a_field_keeps_values_keys_indexes_and_who_points_at_it() {
    let store = filled();
    let before = store.current().unwrap();
    for (collection, from, to) in [
        ("author", "id", "no"),
        ("author", "email", "mail"),
        ("author", "data", "more"),
        ("book", "author_id", "by"),
    ] {
        renamed(&store, Rename::Field { collection, from, to }).unwrap();
    }
    let after = store.current().unwrap();
    assert!(before.by_name("author").unwrap().rows.ptr_eq(&after.by_name("author").unwrap().rows));
    let definition = definition(&store);
    let [author, book] = [&definition["collections"][0], &definition["collections"][1]];
    assert_eq!(author["primary"], json!(["no"]));
    assert_eq!(author["indexes"][0]["paths"], json!([{"field": "mail"}]));
    assert_eq!(author["indexes"][1]["paths"], json!([{"field": "more", "json": ["address", "city"]}]));
    assert_eq!(book["foreign"][0]["fields"], json!(["by"]));
    assert_eq!(book["foreign"][0]["targetFields"], json!(["no"]));
    let taken = write(&store, |w| insert(w, "author", json!({"name": "c", "mail": "a@b"})));
    assert_eq!(taken.unwrap_err().code, ErrorCode::Unique);
    write(&store, |w| delete(w, "author", 1)).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "book"), json!([]));
}

#[test]
fn names_that_are_not_there_or_taken_are_refused() {
    let store = filled();
    for (rename, code) in [
        (Rename::Collection { from: "autor", to: "x" }, ErrorCode::CollectionNotFound),
        (Rename::Collection { from: "author", to: "book" }, ErrorCode::CollectionExists),
        (Rename::Collection { from: "author", to: "author" }, ErrorCode::CollectionExists),
        (Rename::Collection { from: "author", to: "" }, ErrorCode::InvalidSchema),
        (Rename::Field { collection: "autor", from: "name", to: "x" }, ErrorCode::CollectionNotFound),
        (Rename::Field { collection: "author", from: "nme", to: "x" }, ErrorCode::FieldNotFound),
        (Rename::Field { collection: "author", from: "name", to: "email" }, ErrorCode::FieldDuplicate),
        (Rename::Field { collection: "author", from: "name", to: "$x" }, ErrorCode::InvalidSchema),
        (Rename::Field { collection: "author", from: "$updated", to: "x" }, ErrorCode::InvalidSchema),
    ] {
        let before = definition(&store);
        assert_eq!(renamed(&store, rename).unwrap_err().code, code, "{rename:?}");
        assert_eq!(definition(&store), before);
    }
}

#[test]
fn a_rollback_brings_the_name_back_and_writes_of_others_conflict() {
    let store = filled();
    let mut transaction = begin(&store);
    transaction.rename(Rename::Collection { from: "author", to: "writer" }).unwrap();
    assert!(transaction.root().unwrap().by_name("writer").is_ok());
    transaction.rollback().unwrap();
    assert!(store.current().unwrap().by_name("author").is_ok());

    let mut writing = begin(&store);
    writing.statement(|w| insert(w, "author", json!({"name": "c"}))).unwrap();
    renamed(&store, Rename::Field { collection: "author", from: "name", to: "title" }).unwrap();
    assert_eq!(writing.commit().unwrap_err().code, ErrorCode::WriteConflict);
}
