//! Not null, unique, defaults, counting, and indexes that follow their rows.

use serde_json::json;

use super::*;

#[test]
fn an_insert_fills_in_counts_and_orders() {
    let store = open(library());
    let row = write(&store, |w| insert(w, "author", json!({"name": "Ada"}))).unwrap();
    let second = write(&store, |w| insert(w, "author", json!({"name": "Bob", "born": null}))).unwrap();
    let root = store.current().unwrap();
    assert_eq!(rows(&root, "author"), json!([[1, "Ada", null, 1900, null], [2, "Bob", null, null, null]]));
    assert_eq!((row.get(0).to_json(), row.get(1).to_json()), (json!(1), json!(1)));
    assert!(second.get(0) > row.get(0));
    let updated = write(&store, |w| update(w, "author", 1, json!({"born": 1815}))).unwrap().unwrap();
    assert!(updated.get(1) > second.get(1), "an update is newer than every earlier write");
    assert_eq!(updated.get(0), row.get(0), "an update leaves the order of insertion");
}

#[test]
fn counters_move_past_what_is_given_and_are_not_rolled_back() {
    let store = open(library());
    let number = |json| {
        let row = write(&store, |w| insert(w, "author", json))?;
        Ok::<_, crate::error::Error>(row.get(2).to_json())
    };
    assert_eq!(number(json!({"name": "a", "id": 10})).unwrap(), json!(10));
    assert_eq!(number(json!({"name": "b"})).unwrap(), json!(11));
    assert_eq!(number(json!({"name": "c", "id": null})).unwrap(), json!(12));
    assert_eq!(number(json!({"name": "d", "id": -5})).unwrap(), json!(-5));
    let mut transaction = begin(&store);
    transaction.statement(|w| insert(w, "author", json!({"name": "e"}))).unwrap();
    transaction.rollback().unwrap();
    assert_eq!(number(json!({"name": "f"})).unwrap(), json!(14));
    write(&store, |w| update(w, "author", 14, json!({"id": 20}))).unwrap();
    assert_eq!(number(json!({"name": "g"})).unwrap(), json!(21));
    assert_eq!(number(json!({"name": "h", "id": i64::MAX})).unwrap(), json!(i64::MAX));
    assert_eq!(code(number(json!({"name": "i"}))), ErrorCode::OutOfRange);
}

#[test]
fn not_null_names_field_and_collection() {
    let store = open(library());
    let error = write(&store, |w| insert(w, "author", json!({"email": "x"}))).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotNull);
    assert_eq!(error.message, "field \"name\" of collection \"author\" must not be null");
    assert_eq!((error.collection.as_deref(), error.fields), (Some("author"), vec!["name".to_owned()]));
    write(&store, |w| insert(w, "author", json!({"name": "x"}))).unwrap();
    assert_eq!(code(write(&store, |w| update(w, "author", 1, json!({"name": null})))), ErrorCode::NotNull);
    assert_eq!(code(write(&store, |w| update(w, "author", 1, json!({"id": null})))), ErrorCode::NotNull);
}

#[test]
fn type_errors_name_field_and_collection() {
    let store = open(library());
    let error = write(&store, |w| insert(w, "author", json!({"name": "x", "born": "old"}))).unwrap_err();
    assert_eq!(error.code, ErrorCode::TypeMismatch);
    assert_eq!(
        error.message,
        "collection \"author\": text \"old\" cannot be stored in field \"born\" of type int"
    );
}

#[test]
fn unique_compares_values_and_lets_nulls_be() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a", "email": "a@x"}))).unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "c"}))).unwrap();
    let long = "a".repeat(100);
    write(&store, |w| insert(w, "author", json!({"name": "d", "email": long}))).unwrap();
    let error = write(&store, |w| insert(w, "author", json!({"name": "e", "email": long}))).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::Unique, Some("author_email")));
    assert_eq!(error.fields, ["email"]);
    assert!(error.message.starts_with(
        "unique index \"author_email\" of collection \"author\": another row has (email) = (\"aaaa"
    ));
    assert!(error.message.len() < 160, "values are shortened: {}", error.message);
    assert_eq!(code(write(&store, |w| update(w, "author", 2, json!({"email": "a@x"})))), ErrorCode::Unique);
    // The same value again is no conflict with oneself.
    write(&store, |w| update(w, "author", 1, json!({"email": "a@x", "name": "A"}))).unwrap();
    // A value that was given up is free.
    write(&store, |w| update(w, "author", 1, json!({"email": null}))).unwrap();
    write(&store, |w| update(w, "author", 2, json!({"email": "a@x"}))).unwrap();
}

#[test]
fn primary_keys_are_unique_and_may_change() {
    let store = open(library());
    write(&store, |w| {
        insert(w, "author", json!({"name": "a", "email": "a", "data": {"address": {"city": "Rome"}}}))
    })
    .unwrap();
    let error = write(&store, |w| insert(w, "author", json!({"name": "b", "id": 1}))).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::Unique, Some("primary")));
    assert_eq!(error.message, "primary key of collection \"author\": another row has (id) = (1)");
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    assert_eq!(code(write(&store, |w| update(w, "author", 1, json!({"id": 2})))), ErrorCode::Unique);
    write(&store, |w| update(w, "author", 1, json!({"id": 7}))).unwrap();
    let root = store.current().unwrap();
    assert_eq!(column(&root, "author", "id"), json!([2, 7]));
    assert_eq!(entries(&root, "author", "author_city", "Rome"), 1);
}

#[test]
fn composite_unique_and_primary_keys() {
    let store = open(json!({"collections": [{
        "name": "t",
        "fields": [
            {"name": "a", "type": "int"}, {"name": "b", "type": "text"},
            {"name": "c", "type": "int", "nullable": true}, {"name": "d", "type": "text", "nullable": true}
        ],
        "primary": ["a", "b"],
        "indexes": [{"name": "cd", "paths": [{"field": "c"}, {"field": "d"}], "unique": true}]
    }]}));
    write(&store, |w| insert(w, "t", json!({"a": 1, "b": "x", "c": 1, "d": "p"}))).unwrap();
    write(&store, |w| insert(w, "t", json!({"a": 1, "b": "y", "c": 1, "d": "q"}))).unwrap();
    write(&store, |w| insert(w, "t", json!({"a": 2, "b": "x", "c": 1}))).unwrap();
    write(&store, |w| insert(w, "t", json!({"a": 2, "b": "y", "c": 1}))).unwrap();
    assert_eq!(code(write(&store, |w| insert(w, "t", json!({"a": 1, "b": "x"})))), ErrorCode::Unique);
    let error = write(&store, |w| insert(w, "t", json!({"a": 3, "b": "x", "c": 1, "d": "q"}))).unwrap_err();
    assert!(error.message.ends_with("another row has (c, d) = (1, \"q\")"), "{error}");
    assert_eq!(error.fields, ["c", "d"]);
}

#[test]
fn json_paths_are_indexed_where_they_lead_somewhere() {
    let store = open(library());
    let city = |name: &str| json!({"name": "x", "data": {"address": {"city": name}}});
    write(&store, |w| insert(w, "author", city("Rome"))).unwrap();
    write(&store, |w| insert(w, "author", city("Oslo"))).unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "x", "data": {"address": 5}}))).unwrap();
    write(&store, |w| update(w, "author", 2, json!({"data": {"address": {"city": "Rome"}}}))).unwrap();
    let root = store.current().unwrap();
    assert_eq!(entries(&root, "author", "author_city", "Rome"), 2);
    assert_eq!(entries(&root, "author", "author_city", "Oslo"), 0);
    assert_eq!(entries(&root, "author", "author_city", Value::Null), 1);
}

#[test]
fn missing_rows_and_fields() {
    let store = open(library());
    assert!(write(&store, |w| update(w, "author", 1, json!({"name": "x"}))).unwrap().is_none());
    assert!(!write(&store, |w| delete(w, "author", 1)).unwrap());
    let error = write(&store, |w| insert(w, "author", json!({"nmae": "x", "name": "x"}))).unwrap_err();
    assert_eq!(error.code, ErrorCode::FieldNotFound);
    let error = write(&store, |w| insert(w, "author", json!({"$inserted": 1, "name": "x"}))).unwrap_err();
    assert_eq!((error.code, error.fields), (ErrorCode::InvalidPlan, vec!["$inserted".to_owned()]));
    let root = store.current().unwrap();
    let beyond = write(&store, |w| w.update(id(&root, "author"), &[], &[(99, Value::Null)]));
    assert!(beyond.unwrap().is_none());
    write(&store, |w| insert(w, "author", json!({"name": "x"}))).unwrap();
    let beyond = write(&store, |w| w.update(id(&root, "author"), &key_of(&[1.into()]), &[(99, Value::Null)]));
    assert_eq!(code(beyond), ErrorCode::InvalidPlan);
    assert_eq!(code(write(&store, |w| w.delete(CollectionId(9), &[]))), ErrorCode::CollectionNotFound);
}

#[test]
fn an_enumeration_holds_its_texts_and_null() {
    let schema = |choices: &[&str]| {
        json!({"collections": [{
            "name": "article",
            "fields": [
                {"name": "id", "type": "int"},
                {"name": "state", "type": "text", "nullable": true, "oneOf": choices}
            ],
            "primary": ["id"]
        }]})
    };
    let store = open(schema(&["draft", "published"]));
    write(&store, |w| insert(w, "article", json!({"id": 1, "state": "draft"}))).unwrap();
    write(&store, |w| insert(w, "article", json!({"id": 2, "state": null}))).unwrap();
    let error = write(&store, |w| update(w, "article", 1, json!({"state": "lost"}))).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::Check, Some("state")));
    assert_eq!(
        error.message,
        "field \"state\" of collection \"article\" must be one of \"draft\", \"published\", not \"lost\""
    );
    assert_eq!(apply(&store, schema(&["published"])).unwrap_err().code, ErrorCode::InvalidSchema);
    apply(&store, schema(&["draft", "retracted"])).unwrap();
    write(&store, |w| update(w, "article", 1, json!({"state": "retracted"}))).unwrap();
}
