//! Changing the schema with data in it.

use serde_json::json;

use super::*;

fn table(fields: Json, rest: Json) -> Json {
    let mut table = json!({"name": "t", "fields": fields, "primary": ["id"]});
    for (key, value) in rest.as_object().unwrap() {
        table[key] = value.clone();
    }
    json!({"collections": [table]})
}

fn fields(extra: &[Json]) -> Json {
    let mut fields =
        vec![json!({"name": "id", "type": "int"}), json!({"name": "a", "type": "text", "nullable": true})];
    fields.extend_from_slice(extra);
    fields.into()
}

/// Three rows: (1, "1"), (2, null), (3, "3").
fn filled() -> Arc<Store> {
    let store = open(table(fields(&[]), json!({})));
    write(&store, |w| {
        insert(w, "t", json!({"id": 1, "a": "1"}))?;
        insert(w, "t", json!({"id": 2}))?;
        insert(w, "t", json!({"id": 3, "a": "3"}))
    })
    .unwrap();
    store
}

fn data(store: &Arc<Store>) -> Json {
    rows(&store.current().unwrap(), "t")
}

#[test]
fn a_nullable_field_costs_nothing() {
    let store = filled();
    let before = store.current().unwrap();
    let changes =
        apply(&store, table(fields(&[json!({"name": "b", "type": "int", "nullable": true})]), json!({})));
    assert_eq!(changes.unwrap(), ["add field t.b int null"]);
    let after = store.current().unwrap();
    assert!(before.by_name("t").unwrap().rows.ptr_eq(&after.by_name("t").unwrap().rows));
    assert_eq!(data(&store), json!([[1, "1", null], [2, null, null], [3, "3", null]]));
    write(&store, |w| update(w, "t", 1, json!({"b": 5}))).unwrap();
    assert_eq!(data(&store)[0], json!([1, "1", 5]));
}

#[test]
fn new_fields_take_their_default() {
    let store = filled();
    let extra = [
        json!({"name": "n", "type": "int", "default": {"value": 0}}),
        json!({"name": "at", "type": "date", "default": {"now": true}}),
        json!({"name": "no", "type": "int", "autoIncrement": true}),
    ];
    let changes = apply(&store, table(fields(&extra), json!({}))).unwrap();
    assert_eq!(
        changes,
        [
            "add field t.n int not null default 0",
            "add field t.at date not null default now",
            "add field t.no int not null auto increment"
        ]
    );
    let root = store.current().unwrap();
    assert_eq!(column(&root, "t", "n"), json!([0, 0, 0]));
    assert_eq!(column(&root, "t", "no"), json!([1, 2, 3]));
    assert!(column(&root, "t", "at")[0].as_str().unwrap().starts_with("20"));
}

#[test]
fn what_cannot_be_filled_is_refused_with_the_number_of_rows() {
    let store = filled();
    let error = apply(&store, table(fields(&[json!({"name": "n", "type": "int"})]), json!({}))).unwrap_err();
    assert_eq!((error.code, error.collection.as_deref()), (ErrorCode::InvalidSchema, Some("t")));
    assert_eq!(error.fields, ["n"]);
    assert_eq!(
        error.message,
        "field \"n\" of collection \"t\" must not be null and has no default, but 3 rows have no value for it"
    );
    let strict = |default: Json| {
        let mut a = json!({"name": "a", "type": "text"});
        if !default.is_null() {
            a["default"] = json!({"value": default});
        }
        table(json!([{"name": "id", "type": "int"}, a]), json!({}))
    };
    let error = apply(&store, strict(Json::Null)).unwrap_err();
    assert!(error.message.ends_with("but 1 row has no value for it"), "{error}");
    apply(&store, strict(json!("?"))).unwrap();
    assert_eq!(data(&store), json!([[1, "1"], [2, "?"], [3, "3"]]));
    // Of an empty collection, anything can be asked.
    let empty = open(table(fields(&[]), json!({})));
    apply(&empty, table(fields(&[json!({"name": "n", "type": "int"})]), json!({}))).unwrap();
}

#[test]
fn a_dropped_field_leaves_nothing_to_the_next() {
    let store = filled();
    let other = json!([{"name": "id", "type": "int"}, {"name": "b", "type": "text", "nullable": true}]);
    let changes = apply(&store, table(other, json!({}))).unwrap();
    assert_eq!(changes, ["add field t.b text null", "drop field t.a"]);
    assert_eq!(data(&store), json!([[1, null], [2, null], [3, null]]));
}

#[test]
fn a_changed_type_converts_or_refuses() {
    let store = filled();
    let typed = |kind: &str| {
        table(
            json!([{"name": "id", "type": "int"}, {"name": "a", "type": kind, "nullable": true}]),
            json!({}),
        )
    };
    assert_eq!(apply(&store, typed("int")).unwrap(), ["change field t.a int null (was text null)"]);
    assert_eq!(data(&store), json!([[1, 1], [2, null], [3, 3]]));
    apply(&store, typed("text")).unwrap();
    write(&store, |w| update(w, "t", 3, json!({"a": "three"}))).unwrap();
    let error = apply(&store, typed("int")).unwrap_err();
    assert_eq!((error.code, error.fields.clone()), (ErrorCode::InvalidSchema, vec!["a".to_owned()]));
    assert!(error.message.contains("because of row (3): text \"three\" cannot be stored"), "{error}");
    assert_eq!(data(&store), json!([[1, "1"], [2, null], [3, "three"]]), "nothing has changed");
}

#[test]
fn indexes_are_built_and_checked() {
    let store = filled();
    let unique = json!({"indexes": [{"name": "t_a", "paths": [{"field": "a"}], "unique": true}]});
    assert_eq!(apply(&store, table(fields(&[]), unique.clone())).unwrap(), ["add unique index t_a (a) to t"]);
    assert_eq!(entries(&store.current().unwrap(), "t", "t_a", "3"), 1);
    assert_eq!(apply(&store, table(fields(&[]), json!({}))).unwrap(), ["drop index t_a of t"]);
    write(&store, |w| insert(w, "t", json!({"id": 4, "a": "3"}))).unwrap();
    write(&store, |w| insert(w, "t", json!({"id": 5}))).unwrap();
    let plain = json!({"indexes": [{"name": "t_a", "paths": [{"field": "a"}]}]});
    apply(&store, table(fields(&[]), plain)).unwrap();
    let error = apply(&store, table(fields(&[]), unique)).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::Unique, Some("t_a")));
    assert!(error.message.contains("(a) = (\"3\")"), "{error}");
}

#[test]
fn a_new_primary_key_files_rows_anew() {
    let store = filled();
    let by_a = |default: &str| {
        table(
            json!([{"name": "id", "type": "int"}, {"name": "a", "type": "text", "default": {"value": default}}]),
            json!({"primary": ["a"]}),
        )
    };
    assert_eq!(code(apply(&store, by_a("3"))), ErrorCode::Unique);
    let changes = apply(&store, by_a("0")).unwrap();
    assert_eq!(changes.last().unwrap(), "change primary key of t to (a) (was (id))");
    assert_eq!(data(&store), json!([[2, "0"], [1, "1"], [3, "3"]]));
}

#[test]
fn a_field_begins_to_count_where_its_values_end() {
    let store = filled();
    let counting = json!([{"name": "id", "type": "int", "autoIncrement": true}, {"name": "a", "type": "text", "nullable": true}]);
    apply(&store, table(counting, json!({}))).unwrap();
    let row = write(&store, |w| insert(w, "t", json!({}))).unwrap();
    assert_eq!(row.get(2).to_json(), json!(4));
}

#[test]
fn a_new_foreign_key_is_checked_against_the_rows() {
    let store = filled();
    let pointing = |to: &str| {
        let mut def = table(
            json!([{"name": "id", "type": "int"}, {"name": "a", "type": "text", "nullable": true}, {"name": "u", "type": "int", "nullable": true}]),
            json!({"foreign": [{"name": "t_u", "fields": ["u"], "target": to, "targetFields": ["id"]}]}),
        );
        def["collections"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "u", "fields": [{"name": "id", "type": "int"}], "primary": ["id"]}));
        def
    };
    let changes = apply(&store, pointing("u")).unwrap();
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[1], "create collection u (\n  id int not null,\n  primary key (id)\n)");
    assert_eq!(changes[2], "add foreign key t_u (u) references u (id) to t");
    write(&store, |w| {
        insert(w, "u", json!({"id": 7}))?;
        update(w, "t", 1, json!({"u": 7}))
    })
    .unwrap();
    let error = apply(&store, pointing("t")).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::ForeignKey, Some("t_u")));
    assert_eq!(apply(&store, pointing("u")).unwrap(), Vec::<String>::new(), "nothing to do is nothing done");
}

#[test]
fn collections_are_created_and_dropped() {
    let store = filled();
    let mut transaction = begin(&store);
    let error = transaction.create_schema(&def(table(fields(&[]), json!({})))).unwrap_err();
    assert_eq!((error.code, error.collection.as_deref()), (ErrorCode::CollectionExists, Some("t")));
    transaction.create_schema(&def(library())).unwrap();
    assert_eq!(code(transaction.drop_collections(&["nope"])), ErrorCode::CollectionNotFound);
    let error = transaction.drop_collections(&["author"]).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::ForeignKey, Some("book_author")));
    let dropped = transaction.drop_collections(&["author", "t", "book"]).unwrap();
    assert_eq!(dropped.len(), 3);
    transaction.commit().unwrap();
    assert_eq!(store.current().unwrap().collections().count(), 0);
}

#[test]
fn a_collection_created_again_is_another() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    let mut over = begin(&store);
    over.statement(|w| update(w, "author", 1, json!({"name": "b"}))).unwrap();
    apply(&store, json!({"collections": []})).unwrap();
    apply(&store, library()).unwrap();
    assert_eq!(code(over.commit()), ErrorCode::WriteConflict);
    let row = write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    assert_eq!(row.get(2).to_json(), json!(1), "it counts from the start");
    // Another one in the same place does not inherit either.
    apply(
        &store,
        json!({"collections": [{"name": "x", "fields": [{"name": "id", "type": "int"}], "primary": ["id"]}]}),
    )
    .unwrap();
    let root = store.current().unwrap();
    assert_eq!((id(&root, "x"), rows(&root, "x")), (CollectionId(0), json!([])));
}

#[test]
fn safe_changes_take_nothing_away() {
    let store = filled();
    let target = def(json!({"collections": [
        {"name": "t", "fields": [{"name": "id", "type": "int"}], "primary": ["id"]}
    ]}));
    let mut transaction = begin(&store);
    let safe = DiffOptions { safe: true, drop_tables: true };
    assert_eq!(transaction.diff_schema(&target, safe).unwrap(), []);
    assert_eq!(transaction.diff_schema(&SchemaDef::default(), safe).unwrap(), []);
    let keep = DiffOptions { safe: false, drop_tables: false };
    assert_eq!(transaction.diff_schema(&SchemaDef::default(), keep).unwrap(), []);
    assert_eq!(transaction.diff_schema(&target, keep).unwrap().len(), 1);
}
