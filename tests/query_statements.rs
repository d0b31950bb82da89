//! Statements one by one: operators, outputs, writes, and what is said about mistakes.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use collection_store::error::{Error, ErrorCode};
use collection_store::query::{Params, Plan, Session, Sink, Wire};
use collection_store::store::{Begin, Store};
use collection_store::value::{Decimal, Value, ValueRef};
use serde_json::{Value as Json, json};

/// Rows as JSON arrays of their parts.
#[derive(Default)]
struct Rows(Vec<Json>);

impl Sink for Rows {
    fn null(&mut self, _: Wire) {
        self.0.push(Json::Null);
    }
    fn number(&mut self, value: f64) {
        self.0.push(json!(value));
    }
    fn bool(&mut self, value: bool) {
        self.0.push(json!(value));
    }
    fn bigint(&mut self, value: i64) {
        self.0.push(json!(format!("{value}n")));
    }
    fn text(&mut self, value: &str) {
        self.0.push(json!(value));
    }
    fn bytes(&mut self, value: &[u8]) {
        self.0.push(json!(value));
    }
    fn json(&mut self, value: ValueRef<'_>) {
        self.0.push(value.to_json());
    }
    fn one(&mut self, present: bool) {
        self.0.push(json!({"one": present}));
    }
    fn many(&mut self, rows: usize) {
        self.0.push(json!({"many": rows}));
    }
}

fn field(name: &str, kind: &str) -> Json {
    json!({"name": name, "type": kind, "nullable": true})
}

fn store() -> Arc<Store> {
    let schema = json!({"collections": [
        {"name": "thing", "primary": ["id"],
         "fields": [
            {"name": "id", "type": "int", "autoIncrement": true}, field("text", "text"), field("num", "int"),
            field("big", "bigint"), field("real", "float"), field("dec", "decimal"), field("flag", "bool"),
            field("day", "date"), field("raw", "bytes"), field("doc", "json"),
            {"name": "version", "type": "int", "nullable": false, "default": {"value": 1}},
         ],
         "indexes": [{"name": "thing_text", "paths": [{"field": "text", "json": []}], "unique": true}]},
        {"name": "part", "primary": ["thing_id", "code"],
         "fields": [{"name": "thing_id", "type": "int"}, {"name": "code", "type": "text"}, field("size", "int")],
         "indexes": [], "foreign": [{"name": "part_thing", "fields": ["thing_id"], "target": "thing",
            "targetFields": ["id"], "onDelete": "cascade"}]},
    ]});
    store_of(schema)
}

fn store_of(schema: Json) -> Arc<Store> {
    let store = Store::open(None);
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
    transaction.commit().unwrap();
    store
}

fn try_run(store: &Arc<Store>, plan: Json, params: Vec<Option<Value>>) -> Result<(u64, Vec<Json>), Error> {
    let outcome = Plan::parse(&plan.to_string())?.run(Session::Store(store), Params::new(params))?;
    let (mut cursor, mut rows) = (outcome.rows, Rows::default());
    while !cursor.is_done() {
        cursor.next_chunk(2, &mut rows)?;
    }
    Ok((outcome.affected, rows.0))
}

fn run(store: &Arc<Store>, plan: Json, params: Vec<Value>) -> (u64, Vec<Json>) {
    try_run(store, plan, params.into_iter().map(Some).collect()).unwrap()
}

fn insert(store: &Arc<Store>, fields: &[&str], rows: Vec<Vec<Value>>) {
    run(store, json!({"insert": {"into": "thing", "fields": fields}}), rows.concat());
}

fn ids(store: &Arc<Store>, filter: Json, params: Vec<Value>) -> Vec<i64> {
    let plan = json!({"find": {"from": "thing", "where": filter, "select": {"fields": [{"field": "id", "as": "number"}]}}});
    run(store, plan, params).1.iter().map(|id| id.as_f64().unwrap() as i64).collect()
}

fn doc(json: Json) -> Value {
    Value::from_json(&json)
}

#[test]
fn operators_keep_to_three_valued_logic() {
    let store = store();
    let rows: Vec<(Value, Value, Value)> = vec![
        (
            "abc".into(),
            1.into(),
            doc(json!({"a": {"b": 1}, "tags": ["x", "y"], "list": [{"k": 1}, {"k": 2}]})),
        ),
        ("ABD".into(), 2.into(), doc(json!({"a": {"b": "1"}, "tags": []}))),
        (Value::Null, Value::Null, Value::Null),
        ("école".into(), 10.into(), doc(json!({"a": null, "__proto__": 1, "$set": true}))),
        ("100%".into(), (-5).into(), doc(json!(["x", "a", 5]))),
    ];
    insert(
        &store,
        &["text", "num", "doc"],
        rows.into_iter().map(|(text, num, doc)| vec![text, num, doc]).collect(),
    );
    let at = |field: &str, json: &[&str]| json!({"field": field, "json": json});
    let cmp = |op: &str, path: Json| json!({"cmp": {"op": op, "path": path, "value": {"p": 0}}});
    let not = |inner: Json| json!({"not": inner});
    let like = |fold: &str| json!({"like": {"path": at("text", &[]), "pattern": {"p": 0}, "fold": fold}});
    let regex =
        |flags: &str| json!({"regex": {"path": at("text", &[]), "pattern": {"p": 0}, "flags": {"v": flags}}});
    let contains = |op: &str, path: Json| json!({op: {"path": path, "value": {"p": 0}}});
    let keys = |path: Json, any: bool| json!({"hasKeys": {"path": path, "keys": {"p": 0}, "any": any}});
    let member = |path: Json, filter: Json| json!({"member": {"path": path, "where": filter}});
    let list = |json: Json| doc(json);
    let cases: Vec<(Json, Value, &[i64])> = vec![
        (cmp("eq", at("num", &[])), 2.into(), &[2]),
        (cmp("ne", at("num", &[])), 2.into(), &[1, 4, 5]),
        (not(cmp("ne", at("num", &[]))), 2.into(), &[2]),
        (not(cmp("lt", at("num", &[]))), 2.into(), &[2, 4]),
        (cmp("gt", at("num", &[])), Value::Float(1.5), &[2, 4]),
        (cmp("gt", at("num", &[])), "1".into(), &[2, 4]),
        (cmp("eq", at("num", &[])), Value::Null, &[]),
        (not(cmp("eq", at("num", &[]))), Value::Null, &[]),
        (cmp("eq", at("doc", &["a", "b"])), 1.into(), &[1]),
        (cmp("eq", at("doc", &["a", "b"])), "1".into(), &[2]),
        (cmp("ne", at("doc", &["a", "b"])), 1.into(), &[2]),
        (cmp("eq", at("doc", &["list", "1", "k"])), 2.into(), &[1]),
        (cmp("eq", at("doc", &["__proto__"])), 1.into(), &[4]),
        (cmp("eq", at("doc", &["$set"])), true.into(), &[4]),
        (cmp("eq", at("doc", &["a"])), doc(json!({"b": 1})), &[1]),
        (json!({"in": {"path": at("num", &[]), "values": {"p": 0}}}), list(json!([2, 10, "1"])), &[1, 2, 4]),
        (json!({"in": {"path": at("num", &[]), "values": {"p": 0}}}), list(json!([])), &[]),
        (not(json!({"in": {"path": at("num", &[]), "values": {"p": 0}}})), list(json!([])), &[1, 2, 3, 4, 5]),
        (not(json!({"in": {"path": at("num", &[]), "values": {"p": 0}}})), list(json!([2])), &[1, 4, 5]),
        (not(json!({"in": {"path": at("num", &[]), "values": {"p": 0}}})), list(json!([2, null])), &[]),
        (like("ascii"), "ab_".into(), &[1, 2]),
        (like("ascii"), "É%".into(), &[]),
        (like("unicode"), "É%".into(), &[4]),
        (like("unicode"), "100\\%".into(), &[5]),
        (not(like("ascii")), "ab_".into(), &[4, 5]),
        (regex(""), "^ab".into(), &[1]),
        (regex("i"), "^ab".into(), &[1, 2]),
        (not(regex("i")), "^ab".into(), &[4, 5]),
        (contains("contains", at("doc", &[])), doc(json!({"tags": ["y"]})), &[1]),
        (contains("contains", at("doc", &["tags"])), doc(json!([])), &[1, 2]),
        (contains("contained", at("doc", &["tags"])), doc(json!(["x", "y", "z"])), &[1, 2]),
        (contains("overlap", at("doc", &["tags"])), doc(json!(["y", "q"])), &[1]),
        (not(contains("overlap", at("doc", &["tags"]))), doc(json!(["y", "q"])), &[2]),
        (member(at("doc", &["list"]), cmp("gt", at("$member", &["k"]))), 1.into(), &[1]),
        (member(at("doc", &["list"]), cmp("gt", at("$member", &["k"]))), 2.into(), &[]),
        (not(member(at("doc", &["list"]), cmp("eq", at("$member", &["k"])))), 1.into(), &[2, 3, 4, 5]),
        (member(at("doc", &["list"]), not(cmp("eq", at("$member", &["other"])))), 1.into(), &[]),
        (member(at("doc", &[]), cmp("eq", at("$member", &[]))), "a".into(), &[5]),
        (member(at("doc", &["a"]), cmp("eq", at("$member", &[]))), 1.into(), &[]),
        (keys(at("doc", &[]), true), list(json!(["tags", "$set"])), &[1, 2, 4]),
        (keys(at("doc", &[]), false), list(json!(["a", "tags"])), &[1, 2]),
        (keys(at("doc", &[]), false), list(json!(["x", "a"])), &[5]),
    ];
    for (filter, param, expected) in cases {
        assert_eq!(ids(&store, filter.clone(), vec![param.clone()]), expected, "{filter} {param:?}");
    }
    for (filter, expected) in [
        (json!({"null": at("num", &[])}), &[3][..]),
        (json!({"null": at("doc", &["a", "b"])}), &[3, 4, 5]),
        (json!({"exists": at("doc", &["a"])}), &[1, 2]),
        (not(json!({"exists": at("text", &[])})), &[3]),
        (json!({"all": []}), &[1, 2, 3, 4, 5]),
        (json!({"any": []}), &[]),
        (json!({"const": false}), &[]),
    ] {
        assert_eq!(ids(&store, filter.clone(), vec![]), expected, "{filter}");
    }
}

#[test]
fn fields_leave_in_the_form_asked_for() {
    let store = store();
    let values = vec![
        "x".into(),
        7.into(),
        Value::Int(i64::MAX),
        Value::Float(2.5),
        Value::Decimal(Decimal::parse("1.10").unwrap()),
        true.into(),
        Value::Date(1_000),
        Value::Bytes(vec![0, 255]),
        doc(json!({"a": [1]})),
    ];
    let fields = ["text", "num", "big", "real", "dec", "flag", "day", "raw", "doc"];
    insert(&store, &fields, vec![values, vec![Value::Null; 9]]);
    let wires = ["text", "number", "bigint", "number", "decimal", "bool", "date", "bytes", "json"];
    let fields: Vec<Json> =
        fields.iter().zip(wires).map(|(field, wire)| json!({"field": field, "as": wire})).collect();
    let (_, rows) = run(&store, json!({"find": {"from": "thing", "select": {"fields": fields}}}), vec![]);
    let mut expected = vec![
        json!("x"),
        json!(7.0),
        json!("9223372036854775807n"),
        json!(2.5),
        json!("1.10"),
        json!(true),
        json!(1000.0),
        json!([0, 255]),
        json!({"a": [1]}),
    ];
    expected.extend(vec![Json::Null; 9]);
    assert_eq!(rows, expected);
}

#[test]
fn inserts_return_what_was_stored() {
    let store = store();
    let plan = json!({"insert": {"into": "thing", "fields": ["text", "version"],
        "returning": [{"field": "id", "as": "number"}, {"field": "version", "as": "number"}]}});
    let (affected, rows) =
        try_run(&store, plan, vec![Some("a".into()), None, Some("b".into()), Some(5.into())]).unwrap();
    assert_eq!((affected, rows), (2, vec![json!(1.0), json!(1.0), json!(2.0), json!(5.0)]));
    let plan =
        json!({"insert": {"into": "thing", "fields": [], "returning": [{"field": "id", "as": "number"}]}});
    assert_eq!(run(&store, plan, vec![]), (1, vec![json!(3.0)]));
}

#[test]
fn a_failed_insert_leaves_nothing_behind() {
    let store = store();
    let plan = json!({"insert": {"into": "thing", "fields": ["text"]}});
    let error = try_run(&store, plan, vec![Some("a".into()), Some("a".into())]).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::Unique, Some("thing_text")));
    assert_eq!(ids(&store, json!({"const": true}), vec![]), [] as [i64; 0]);
}

#[test]
fn conflicts_are_ignored_or_merged() {
    let store = store();
    insert(&store, &["text", "num"], vec![vec!["a".into(), 1.into()], vec!["b".into(), 2.into()]]);
    let upsert = |conflict: Json| {
        json!({"insert": {"into": "thing", "fields": ["text", "num", "real"], "conflict": conflict,
            "returning": [{"field": "$row", "as": "number"}, {"field": "text", "as": "text"}, {"field": "num", "as": "number"}]}})
    };
    let rows = |rows: &[(&str, i64)]| -> Vec<Value> {
        rows.iter().flat_map(|(text, num)| [Value::from(*text), (*num).into(), Value::Float(0.5)]).collect()
    };
    let ignored = run(
        &store,
        upsert(json!({"fields": ["text"], "action": "ignore"})),
        rows(&[("a", 9), ("c", 3), ("c", 4)]),
    );
    assert_eq!(ignored, (1, vec![json!(1.0), json!("c"), json!(3.0)]));
    let merged = run(
        &store,
        upsert(json!({"fields": ["text"], "action": "merge", "merge": ["num"]})),
        rows(&[("d", 4), ("a", 7)]),
    );
    assert_eq!(merged, (2, vec![json!(0.0), json!("d"), json!(4.0), json!(1.0), json!("a"), json!(7.0)]));
    let merged =
        run(&store, upsert(json!({"fields": ["text"], "action": "merge"})), rows(&[("b", 20), ("b", 21)]));
    assert_eq!(merged.1, vec![json!(0.0), json!("b"), json!(20.0), json!(1.0), json!("b"), json!(21.0)]);
    // The condition's parameters come before those of the rows.
    let conditional = json!({"fields": ["text"], "action": "merge",
        "where": {"cmp": {"op": "lt", "path": {"field": "num"}, "value": {"p": 0}}}});
    let mut params = vec![Value::Int(10)];
    params.extend(rows(&[("a", 70), ("b", 70)]));
    assert_eq!(run(&store, upsert(conditional), params), (1, vec![json!(0.0), json!("a"), json!(70.0)]));
    let plan = json!({"find": {"from": "thing", "order": [{"path": {"field": "text"}}], "select": {"fields": [
        {"field": "text", "as": "text"}, {"field": "num", "as": "number"}, {"field": "real", "as": "number"}]}}});
    assert_eq!(
        run(&store, plan, vec![]).1,
        vec![
            json!("a"),
            json!(70.0),
            json!(0.5),
            json!("b"),
            json!(21.0),
            json!(0.5),
            json!("c"),
            json!(3.0),
            json!(0.5),
            json!("d"),
            json!(4.0),
            json!(0.5),
        ]
    );
    let by = json!({"fields": ["num"], "action": "ignore"});
    let error = try_run(&store, upsert(by), vec![]).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidPlan);
    assert!(error.message.contains("neither its primary key nor a unique index"), "{error}");
}

#[test]
fn updates_set_increase_and_take_the_time() {
    let store = store();
    insert(
        &store,
        &["text", "num", "dec"],
        vec![vec!["a".into(), 1.into(), "0.1".into()], vec!["b".into(), Value::Null, "2".into()]],
    );
    let plan = json!({"update": {"in": "thing", "set": [
        {"field": "num", "inc": 2}, {"field": "dec", "inc": -1}, {"field": "flag", "value": {"p": 0}}, {"field": "day", "now": true},
    ], "returning": [{"field": "num", "as": "number"}, {"field": "dec", "as": "decimal"}, {"field": "flag", "as": "bool"}]}});
    let (affected, rows) = run(&store, plan, vec![1.into()]);
    assert_eq!(affected, 2);
    assert_eq!(rows, vec![json!(3.0), json!("-0.9"), json!(true), Json::Null, json!("1"), json!(true)]);
    assert_eq!(ids(&store, json!({"null": {"field": "day"}}), vec![]), [] as [i64; 0]);
    let plan = json!({"update": {"in": "thing", "set": [{"field": "big", "value": {"v": i64::MAX}}]}});
    run(&store, plan, vec![]);
    let plan = json!({"update": {"in": "thing", "set": [{"field": "big", "inc": 1}]}});
    let error = try_run(&store, plan, vec![]).unwrap_err();
    assert_eq!((error.code, error.fields), (ErrorCode::OutOfRange, vec!["big".to_owned()]));
}

#[test]
fn many_updates_find_their_rows_by_key() {
    let store = store();
    insert(&store, &["text", "num"], vec![vec!["a".into(), 1.into()], vec!["b".into(), 2.into()]]);
    let plan = json!({"updateMany": {"in": "thing", "key": ["version", "id"], "set": ["text", "num"],
        "bump": {"field": "version", "inc": 1},
        "returning": [{"field": "$row", "as": "number"}, {"field": "version", "as": "number"}]}});
    let row = |version: i64, id: i64, text: Option<&str>, num: Option<i64>| {
        vec![Some(version.into()), Some(id.into()), text.map(Value::from), num.map(Value::from)]
    };
    // The first row is not there, the last has another version.
    let params = [
        row(1, 9, Some("x"), None),
        row(1, 2, None, Some(20)),
        row(1, 1, Some("A"), None),
        row(1, 2, Some("late"), None),
    ];
    let (affected, rows) = try_run(&store, plan, params.concat()).unwrap();
    assert_eq!((affected, rows), (2, vec![json!(1.0), json!(2.0), json!(2.0), json!(2.0)]));
    let plan = json!({"find": {"from": "thing", "select": {"fields": [
        {"field": "text", "as": "text"}, {"field": "num", "as": "number"}]}}});
    assert_eq!(run(&store, plan, vec![]).1, vec![json!("A"), json!(1.0), json!("b"), json!(20.0)]);
}

#[test]
fn deletes_follow_foreign_keys() {
    let store = store();
    insert(&store, &["text"], vec![vec!["a".into()], vec!["b".into()]]);
    let parts = vec![1.into(), "x".into(), 2.into(), "x".into(), 2.into(), "y".into()];
    run(&store, json!({"insert": {"into": "part", "fields": ["thing_id", "code"]}}), parts);
    let related = json!({"related": {"join": {"collection": "part", "on": [["id", "thing_id"]]}, "quantifier": "some",
        "where": {"cmp": {"op": "eq", "path": {"field": "code"}, "value": {"p": 0}}}}});
    assert_eq!(ids(&store, related.clone(), vec!["y".into()]), [2]);
    assert_eq!(run(&store, json!({"delete": {"from": "thing", "where": related}}), vec!["y".into()]).0, 1);
    assert_eq!(run(&store, json!({"count": {"from": "part"}}), vec![]).0, 1);
    let plan = json!({"insert": {"into": "part", "fields": ["thing_id", "code"]}});
    let error = try_run(&store, plan, vec![Some(7.into()), Some("z".into())]).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::ForeignKey, Some("part_thing")));
}

#[test]
fn joins_compare_fields_with_constants_on_either_side() {
    for indexed in [false, true] {
        let indexes = if indexed {
            json!([{"name": "note_of", "paths": [{"field": "kind", "json": []}, {"field": "of", "json": []}], "unique": false}])
        } else {
            json!([])
        };
        let plain = |name: &str| {
            json!({"name": name, "primary": ["id"], "indexes": [],
                "fields": [{"name": "id", "type": "int", "autoIncrement": true}, field("text", "text")]})
        };
        let schema = json!({"collections": [plain("post"), plain("film"),
            {"name": "note", "primary": ["id"], "indexes": indexes,
             "fields": [{"name": "id", "type": "int", "autoIncrement": true}, field("kind", "text"), field("of", "int")]}]});
        let store = Store::open(None);
        let mut transaction = store.begin(Begin::default()).unwrap();
        transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
        transaction.commit().unwrap();
        for collection in ["post", "film"] {
            let plan = json!({"insert": {"into": collection, "fields": ["text"]}});
            run(
                &store,
                plan,
                vec![format!("{collection} 1").as_str().into(), format!("{collection} 2").as_str().into()],
            );
        }
        let of = |kind: &str, of: i64| vec![Value::from(kind), Value::Int(of)];
        let notes =
            [of("post", 1), of("film", 1), of("post", 2), of("post", 1), vec![Value::Null, Value::Int(1)]];
        run(&store, json!({"insert": {"into": "note", "fields": ["kind", "of"]}}), notes.concat());

        let post = json!({"collection": "post", "on": [["kind", {"v": "post"}], ["of", "id"]]});
        let notes = json!({"collection": "note", "on": [[{"v": "post"}, "kind"], ["id", "of"]]});
        let related = |join: &Json, quantifier: &str, filter: Json| json!({"related": {"join": join, "quantifier": quantifier, "where": filter}});
        let found = |from: &str, filter: Json, params: Vec<Value>| {
            let plan = json!({"find": {"from": from, "where": filter, "select": {"fields": [{"field": "id", "as": "number"}]}}});
            run(&store, plan, params).1.iter().map(|id| id.as_f64().unwrap() as i64).collect::<Vec<_>>()
        };
        let named = json!({"like": {"path": {"field": "text"}, "pattern": {"p": 0}, "fold": "ascii"}});
        assert_eq!(found("note", related(&post, "some", named.clone()), vec!["%1".into()]), [1, 4]);
        assert_eq!(found("note", related(&post, "none", json!({"const": true})), vec![]), [2, 5]);
        let id = json!({"cmp": {"op": "eq", "path": {"field": "id"}, "value": {"p": 0}}});
        assert_eq!(found("note", related(&post, "some", id.clone()), vec![1.into()]), [1, 4]);
        assert_eq!(found("post", related(&notes, "some", json!({"const": true})), vec![]), [1, 2]);
        assert_eq!(found("post", related(&notes, "some", id.clone()), vec![2.into()]), [] as [i64; 0]);
        assert_eq!(found("post", related(&notes, "some", id), vec![3.into()]), [2]);

        let select = json!({"fields": [{"field": "id", "as": "number"}], "nested": [
            {"name": "post", "join": post, "many": false, "select": {"fields": [{"field": "text", "as": "text"}]}}]});
        let order = json!([{"path": {"field": "text", "via": [post]}, "desc": true}]);
        let plan = json!({"find": {"from": "note", "order": order, "select": select}});
        let (yes, no) = (json!({"one": true}), json!({"one": false}));
        let expected = json!([3.0, yes, "post 2", 1.0, yes, "post 1", 4.0, yes, "post 1", 2.0, no, 5.0, no]);
        assert_eq!(Json::Array(run(&store, plan, vec![]).1), expected);
        let select = json!({"fields": [], "nested": [
            {"name": "notes", "join": notes, "many": true, "select": {"fields": [{"field": "id", "as": "number"}]}}]});
        let plan = json!({"find": {"from": "post", "select": select}});
        assert_eq!(
            Json::Array(run(&store, plan, vec![]).1),
            json!([{"many": 2}, 1.0, 4.0, {"many": 1}, 3.0])
        );

        for on in [
            json!([["kind", {"v": "post"}]]),
            json!([["kind", {"v": null}], ["of", "id"]]),
            json!([[{"v": 1}, {"v": 1}]]),
        ] {
            let filter = related(&json!({"collection": "post", "on": on}), "some", json!({"const": true}));
            let error =
                try_run(&store, json!({"count": {"from": "note", "where": filter}}), vec![]).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidPlan, "{}", error.message);
        }
    }
}

#[test]
fn pages_have_no_overlap_and_reverse_is_the_exact_opposite() {
    let store = store();
    insert(&store, &["num"], (0..7).map(|at| vec![Value::Int(at % 2)]).collect());
    let page = |limit: Json, offset: Json, reverse: bool| {
        let plan = json!({"find": {"from": "thing", "order": [{"path": {"field": "num"}, "desc": true}], "limit": limit,
            "offset": offset, "reverse": reverse, "select": {"fields": [{"field": "id", "as": "number"}]}}});
        run(&store, plan, vec![]).1.iter().map(|id| id.as_f64().unwrap() as i64).collect::<Vec<_>>()
    };
    assert_eq!(page(json!({"v": null}), json!({"v": 0}), false), [2, 4, 6, 1, 3, 5, 7]);
    assert_eq!(page(json!({"v": 3}), json!({"v": 0}), false), [2, 4, 6]);
    assert_eq!(page(json!({"v": 3}), json!({"v": 3}), false), [1, 3, 5]);
    assert_eq!(page(json!({"v": 2}), json!({"v": 0}), true), [7, 5]);
    assert_eq!(page(json!({"v": 0}), json!({"v": 0}), false), [] as [i64; 0]);
    assert_eq!(page(json!({"v": 5}), json!({"v": 100}), false), [] as [i64; 0]);
}

#[test]
fn finds_by_key_are_as_finds_of_any_other_kind() {
    let store = store();
    let texts = [Value::from("a"), "b".into(), Value::Null, "d".into(), Value::Null];
    insert(&store, &["text"], texts.into_iter().map(|text| vec![text]).collect());
    let parts = [(1, "x"), (1, "y"), (2, "x")].map(|(thing, code)| [Value::Int(thing), code.into()]).concat();
    run(&store, json!({"insert": {"into": "part", "fields": ["thing_id", "code"]}}), parts);
    let cmp =
        |field: &str, value: Json| json!({"cmp": {"op": "eq", "path": {"field": field}, "value": value}});
    let select = |name: &str| json!({"fields": [{"field": name, "as": "number"}]});
    let by = |from: &str, name: &str, conditions: Vec<Json>, page: &Json| {
        let mut find = json!({"from": from, "where": {"all": conditions}, "select": select(name)});
        for (key, value) in page.as_object().unwrap() {
            find[key] = value.clone();
        }
        json!({"find": find})
    };
    let cases = [
        ("thing", "id", vec![cmp("id", json!({"p": 0}))]),
        ("thing", "id", vec![cmp("text", json!({"p": 0}))]),
        ("thing", "id", vec![cmp("text", json!({"v": "d"}))]),
        ("part", "thing_id", vec![cmp("code", json!({"p": 1})), cmp("thing_id", json!({"p": 0}))]),
        ("part", "thing_id", vec![cmp("thing_id", json!({"p": 0}))]),
        ("thing", "id", vec![cmp("id", json!({"p": 0})), cmp("id", json!({"p": 1}))]),
        ("thing", "id", vec![cmp("id", json!({"p": 0})), cmp("text", json!({"p": 1}))]),
    ];
    let given: [&[Value]; 8] = [
        &[],
        &[Value::Int(1), "x".into()],
        &[Value::Int(2), "b".into()],
        &[Value::Int(9), "x".into()],
        &[Value::Float(1.5), "x".into()],
        &[Value::Null, Value::Null],
        &["b".into(), "x".into()],
        &[doc(json!({"a": 1})), "x".into()],
    ];
    let pages =
        [json!({}), json!({"limit": {"p": 2}}), json!({"offset": {"p": 2}}), json!({"limit": {"v": 3}})];
    let rows = [None, Some(Value::Null), Some(Value::Int(0)), Some(Value::Int(1)), Some("much".into())];
    let mut found = 0;
    for (from, name, conditions) in cases {
        let mut compare = |given: &[Value], page: &Json, rows: &Option<Value>| {
            let params: Vec<_> = given.iter().chain(rows).cloned().map(Some).collect();
            let plan = by(from, name, conditions.clone(), page);
            // What leaves something to check is never found by its key alone.
            let checked = [conditions.clone(), vec![json!({"exists": {"field": name}})]].concat();
            let other = by(from, name, checked, page);
            let this = try_run(&store, plan.clone(), params.clone());
            let that = try_run(&store, other, params.clone());
            found += this.as_ref().map_or(0, |(_, rows)| rows.len());
            let said = |result: Result<_, Error>| result.map_err(|error| (error.code, error.message));
            assert_eq!(said(this), said(that), "{plan} {params:?}");
        };
        for given in given {
            for page in &pages {
                rows.iter().for_each(|rows| compare(given, page, rows));
            }
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn a_cursor_reads_the_version_that_it_began_with() {
    let store = store();
    insert(&store, &["num"], (0..6).map(|at| vec![Value::Int(at)]).collect());
    let plan = json!({"find": {"from": "thing", "select": {"fields": [{"field": "id", "as": "number"}]}}});
    let plan = Plan::parse(&plan.to_string()).unwrap();
    let mut cursor = plan.run(Session::Store(&store), Params::default()).unwrap().rows;
    let mut rows = Rows::default();
    assert_eq!(cursor.next_chunk(2, &mut rows).unwrap(), 2);
    run(&store, json!({"delete": {"from": "thing"}}), vec![]);
    assert_eq!(cursor.next_chunk(10, &mut rows).unwrap(), 4);
    assert_eq!(rows.0.len(), 6);
    assert!(cursor.is_done());
    // The plan sees the newest version at its next run.
    assert!(plan.run(Session::Store(&store), Params::default()).unwrap().rows.is_done());
}

#[test]
fn mistakes_are_named() {
    let store = store();
    insert(&store, &["num"], vec![vec![1.into()]]);
    let find = |filter: Json| json!({"find": {"from": "thing", "where": filter, "select": {"fields": []}}});
    let cmp = |field: &str, json: &[&str]| json!({"cmp": {"op": "eq", "path": {"field": field, "json": json}, "value": {"p": 0}}});
    let one = |value: Value| vec![Some(value)];
    let cases: Vec<(Json, Vec<Option<Value>>, ErrorCode, &str)> = vec![
        (json!({"count": {"from": "thign"}}), vec![], ErrorCode::CollectionNotFound, "thign"),
        (find(cmp("nmu", &[])), one(1.into()), ErrorCode::FieldNotFound, "nmu"),
        (find(cmp("num", &["a"])), one(1.into()), ErrorCode::TypeMismatch, "num.a"),
        (find(cmp("num", &[])), one("old".into()), ErrorCode::TypeMismatch, "\"num\""),
        (find(cmp("flag", &[])), one(2.into()), ErrorCode::TypeMismatch, "\"flag\""),
        (find(cmp("real", &[])), one(Value::Float(f64::NAN)), ErrorCode::NotFinite, "\"real\""),
        (find(cmp("num", &[])), vec![], ErrorCode::InvalidPlan, "1 parameters, not 0"),
        (find(cmp("num", &[])), vec![None], ErrorCode::InvalidPlan, "must not be absent"),
        (
            find(json!({"regex": {"path": {"field": "text"}, "pattern": {"p": 0}}})),
            one("(".into()),
            ErrorCode::PatternSyntax,
            "/(/",
        ),
        (
            find(json!({"like": {"path": {"field": "raw"}, "pattern": {"p": 0}, "fold": "ascii"}})),
            one("a".into()),
            ErrorCode::TypeMismatch,
            "\"raw\"",
        ),
        (
            find(json!({"contains": {"path": {"field": "num"}, "value": {"p": 0}}})),
            one(1.into()),
            ErrorCode::TypeMismatch,
            "\"contains\"",
        ),
        (
            find(json!({"in": {"path": {"field": "num"}, "values": {"p": 0}}})),
            one(1.into()),
            ErrorCode::TypeMismatch,
            "a list",
        ),
        (
            find(json!({"cmp": {"op": "like", "path": {"field": "num"}, "value": {"p": 0}}})),
            one(1.into()),
            ErrorCode::InvalidPlan,
            "like",
        ),
        (
            find(json!({"cmp": {"op": "eq", "path": {"field": "num"}, "value": {"p": 0}, "extra": 1}})),
            one(1.into()),
            ErrorCode::InvalidPlan,
            "extra",
        ),
        (
            find(
                json!({"related": {"join": {"collection": "part", "on": [["text", "thing_id"]]}, "quantifier": "some", "where": {"const": true}}}),
            ),
            vec![],
            ErrorCode::TypeMismatch,
            "cannot be joined",
        ),
        (
            json!({"find": {"from": "thing", "select": {"fields": [{"field": "text", "as": "date"}]}}}),
            vec![],
            ErrorCode::TypeMismatch,
            "\"text\"",
        ),
        (
            json!({"find": {"from": "thing", "limit": {"v": -1}, "select": {"fields": []}}}),
            vec![],
            ErrorCode::TypeMismatch,
            "number of rows",
        ),
        (
            json!({"update": {"in": "thing", "set": [{"field": "num"}]}}),
            vec![],
            ErrorCode::InvalidPlan,
            "one of value, inc and now",
        ),
        (
            json!({"update": {"in": "thing", "set": [{"field": "num", "inc": 1}, {"field": "num", "inc": 1}]}}),
            vec![],
            ErrorCode::FieldDuplicate,
            "num",
        ),
        (
            json!({"update": {"in": "thing", "set": [{"field": "$inserted", "inc": 1}]}}),
            vec![],
            ErrorCode::InvalidPlan,
            "$inserted",
        ),
        (
            json!({"updateMany": {"in": "thing", "key": ["text"], "set": ["num"]}}),
            vec![],
            ErrorCode::InvalidPlan,
            "\"id\"",
        ),
        (
            json!({"insert": {"into": "thing", "fields": ["num", "text"]}}),
            one(1.into()),
            ErrorCode::InvalidPlan,
            "1 parameters",
        ),
        (
            json!({"insert": {"into": "thing", "fields": ["num"]}}),
            one("x".into()),
            ErrorCode::TypeMismatch,
            "\"num\"",
        ),
        (json!({"drop": {}}), vec![], ErrorCode::InvalidPlan, "drop"),
    ];
    for (plan, params, code, part) in cases {
        let error = try_run(&store, plan.clone(), params).unwrap_err();
        assert_eq!(error.code, code, "{plan}: {error}");
        assert!(error.message.contains(part), "{plan}: {error}");
    }
    assert_eq!(ids(&store, json!({"const": true}), vec![]), [1]);
}

#[test]
fn explains_the_access_path() {
    let store = store();
    insert(
        &store,
        &["text", "num"],
        (0..200).map(|at| vec![format!("t{at:03}").into(), (at % 10).into()]).collect(),
    );
    let explain = |filter: Json, order: Json, limit: Json, params: Vec<Value>| {
        let plan = json!({"find": {"from": "thing", "where": filter, "order": order, "limit": {"v": limit},
            "select": {"fields": []}}});
        Plan::parse(&plan.to_string()).unwrap().explain(Session::Store(&store), params.into()).unwrap()
    };
    let cmp = |field: &str| json!({"cmp": {"op": "eq", "path": {"field": field}, "value": {"p": 0}}});
    let by = |field: &str| json!([{"path": {"field": field}, "desc": true}]);
    let then_by_id = |desc: bool| json!([{"path": {"field": "text"}, "desc": false}, {"path": {"field": "id"}, "desc": desc}]);
    let cases = [
        (
            explain(cmp("id"), json!([]), Json::Null, vec![5.into()]),
            "access: primary key",
            "rows: at most 1 of 200",
        ),
        (
            explain(cmp("text"), json!([]), Json::Null, vec!["t005".into()]),
            "access: index thing_text",
            "rows: at most 1 of 200",
        ),
        (
            explain(cmp("num"), json!([]), Json::Null, vec![5.into()]),
            "access: all rows",
            "conditions checked on rows: 1",
        ),
        (
            explain(json!({"const": true}), by("text"), 3.into(), vec![]),
            "access: index thing_text",
            "backwards",
        ),
        (
            explain(json!({"const": true}), then_by_id(false), 3.into(), vec![]),
            "access: index thing_text",
            "order: that of the access path",
        ),
        (
            explain(json!({"const": true}), then_by_id(true), 3.into(), vec![]),
            "access: index thing_text",
            "order: that of the access path",
        ),
        (
            explain(json!({"const": true}), by("num"), 3.into(), vec![]),
            "access: all rows",
            "by sorting, keeping the first",
        ),
        (explain(cmp("num"), json!([]), Json::Null, vec![Value::Null]), "nothing", "rows: at most 0 of 200"),
        (
            explain(json!({"any": [cmp("text"), cmp("text")]}), json!([]), Json::Null, vec!["t005".into()]),
            "access: union of (index thing_text; index thing_text)",
            "checked on rows: 0",
        ),
    ];
    for (text, access, more) in cases {
        assert!(text.contains(access) && text.contains(more), "{text}");
    }
}

/// A row by `id`, group and `num`.
type Grouped = (i64, Option<i64>, i64);

/// `id`s by group, order and page as the definition says: sorted, then counted.
fn naive_pages(
    rows: &[Grouped],
    group: impl Fn(&Grouped) -> Option<i64>,
    place: impl Fn(&Grouped) -> (i64, i64),
    (offset, limit): (usize, usize),
) -> Vec<i64> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(place);
    let mut ids = Vec::new();
    for (at, row) in sorted.iter().enumerate() {
        let before = sorted.iter().take(at).filter(|other| group(other) == group(row)).count();
        if before >= offset && before - offset < limit {
            ids.push(row.0);
        }
    }
    ids
}

#[test]
fn each_group_has_a_page_of_its_own() {
    let store = store_of(json!({"collections": [{
        "name": "thing", "primary": ["id"],
        "fields": [{"name": "id", "type": "int"}, field("text", "text"), field("num", "int"), field("real", "float")],
        "indexes": [{"name": "by_text", "paths": [{"field": "text", "json": []}], "unique": false}],
    }]}));
    // Groups of different sizes, one of them of rows without a value.
    let rows: Vec<Grouped> =
        (1..=60).map(|id| (id, (id % 7 != 0).then_some(id * id % 5), id * 37 % 11)).collect();
    insert(
        &store,
        &["id", "text", "num", "real"],
        rows.iter()
            .map(|(id, group, num)| {
                let text = group.map_or(Value::Null, |group| Value::from(format!("g{group}").as_str()));
                vec![(*id).into(), text, (*num).into(), Value::Float((id % 3) as f64)]
            })
            .collect(),
    );
    let find = |order: Json, reverse: bool, paths: Json, page: (usize, usize), all: (usize, Option<i64>)| {
        let plan = json!({"find": {
            "from": "thing", "order": order, "reverse": reverse, "limit": {"v": all.1}, "offset": {"v": all.0},
            "per": {"paths": paths, "limit": {"p": 0}, "offset": {"p": 1}},
            "select": {"fields": [{"field": "id", "as": "number"}]},
        }});
        let params = vec![Value::Int(page.1 as i64), Value::Int(page.0 as i64)];
        let found = run(&store, plan, params).1;
        found.iter().map(|id| id.as_f64().unwrap() as i64).collect::<Vec<_>>()
    };
    let (text, id) = (json!([{"path": {"field": "text"}}]), json!([]));
    let num = json!([{"path": {"field": "num"}, "desc": true}]);
    let by_text = json!([{"field": "text"}]);
    for page in [(0, 1), (0, 3), (2, 2), (5, 100), (100, 1), (1, 0)] {
        let naive = |place: fn(&Grouped) -> (i64, i64)| naive_pages(&rows, |row| row.1, place, page);
        assert_eq!(find(num.clone(), false, by_text.clone(), page, (0, None)), naive(|row| (-row.2, row.0)));
        assert_eq!(find(num.clone(), true, by_text.clone(), page, (0, None)), naive(|row| (row.2, -row.0)));
        assert_eq!(find(id.clone(), false, by_text.clone(), page, (0, None)), naive(|row| (row.0, 0)));
        // In the order of an index, of which the groups are runs.
        let of_text = |row: &Grouped| (row.1.unwrap_or(-1), row.0);
        assert_eq!(find(text.clone(), false, by_text.clone(), page, (0, None)), naive(of_text));
        // The page of the result is one of the rows that the groups' pages leave.
        let whole = naive(|row| (-row.2, row.0));
        let part: Vec<i64> = whole.into_iter().skip(1).take(2).collect();
        assert_eq!(find(num.clone(), false, by_text.clone(), page, (1, Some(2))), part);
    }
    // All that is named tells groups apart; where nothing is, all rows are one.
    let both = json!([{"field": "text"}, {"field": "real"}]);
    let groups = |row: &Grouped| Some(row.1.unwrap_or(-1) * 3 + row.0 % 3);
    let expected = naive_pages(&rows, groups, |row| (-row.2, row.0), (1, 1));
    assert_eq!(find(num.clone(), false, both, (1, 1), (0, None)), expected);
    assert_eq!(find(id, false, json!([]), (1, 2), (0, None)), [2, 3]);

    let mistaken = |per: Json, params: Vec<Option<Value>>| {
        let plan = json!({"find": {"from": "thing", "per": per, "select": {"fields": []}}});
        try_run(&store, plan, params).unwrap_err().code
    };
    let per = json!({"paths": by_text, "limit": {"p": 0}});
    assert_eq!(mistaken(per.clone(), vec![Some(Value::Int(-1))]), ErrorCode::TypeMismatch);
    assert_eq!(mistaken(per, vec![]), ErrorCode::InvalidPlan);
    let unknown = json!({"paths": [{"field": "texd"}], "limit": {"v": 1}});
    assert_eq!(mistaken(unknown, vec![]), ErrorCode::FieldNotFound);
}

#[test]
fn rows_are_counted_by_groups() {
    let store = store();
    let rows = [(Some(2), true), (Some(1), false), (None, false), (Some(1), false), (Some(1), true)];
    let value = |num: Option<i64>| num.map_or(Value::Null, Value::Int);
    insert(&store, &["num", "flag"], rows.map(|(num, flag)| vec![value(num), Value::Bool(flag)]).into());
    let by = json!([
        {"field": "num", "as": "number"}, {"field": "flag", "as": "bool"}, {"field": "$row", "as": "number"}
    ]);
    let (groups, log) = run(&store, json!({"count": {"from": "thing", "by": by}}), vec![]);
    assert_eq!(groups, 4);
    assert_eq!(Json::Array(log), json!([null, false, 1.0, 1.0, false, 2.0, 1.0, true, 1.0, 2.0, true, 1.0]));
    let only = json!({"cmp": {"op": "eq", "path": {"field": "flag"}, "value": {"p": 0}}});
    let plan = json!({"count": {"from": "thing", "where": only, "by": [{"field": "$row", "as": "number"}]}});
    assert_eq!(run(&store, plan, vec![Value::Bool(false)]), (1, vec![json!(3.0)]));
}

#[test]
fn a_piece_ends_where_many_rows_were_looked_at() {
    let store = store();
    let last = 40_000;
    insert(&store, &["num"], (1..=last).map(|at| vec![Value::Int(at)]).collect());
    let filter = json!({"cmp": {"op": "eq", "path": {"field": "num"}, "value": {"v": last}}});
    let select = json!({"fields": [{"field": "id", "as": "number"}]});
    let plan = json!({"find": {"from": "thing", "where": filter, "select": select}});
    let mut cursor =
        Plan::parse(&plan.to_string()).unwrap().run(Session::Store(&store), Params::default()).unwrap().rows;
    let mut rows = Rows::default();
    let mut pieces = Vec::new();
    while !cursor.is_done() {
        pieces.push(cursor.next_chunk(256, &mut rows).unwrap());
    }
    assert_eq!(pieces, [0, 0, 1]);
}

#[test]
fn what_would_take_too_long_has_not_happened() {
    let store = store();
    insert(&store, &["num"], (0..100).map(|at| vec![Value::Int(at)]).collect());
    let filter = json!({"cmp": {"op": "lt", "path": {"field": "num"}, "value": {"v": 50}}});
    let code = |plan: Json, params: Vec<Option<Value>>, most: usize| {
        let plan = Plan::parse(&plan.to_string()).unwrap();
        let outcome = plan.run_within(Session::Store(&store), &Params::new(params), most);
        outcome.err().map(|error| error.code)
    };
    let increase = json!([{"field": "num", "inc": 100}]);
    for plan in [
        json!({"count": {"from": "thing", "where": filter}}),
        json!({"find": {"from": "thing", "order": [{"path": {"field": "num"}}], "select": {"fields": []}}}),
        json!({"update": {"in": "thing", "where": filter, "set": increase}}),
        json!({"delete": {"from": "thing", "where": filter}}),
        json!({"delete": {"from": "thing"}}),
    ] {
        assert_eq!(code(plan.clone(), vec![], 99), Some(ErrorCode::TooLong), "{plan}");
    }
    let more = json!({"insert": {"into": "thing", "fields": ["num"]}});
    assert_eq!(code(more.clone(), vec![Some(1.into()); 13], 99), Some(ErrorCode::TooLong));
    assert_eq!(store.current().unwrap().sequence, 2, "nothing was committed but the schema and the rows");
    assert_eq!(code(more, vec![Some(1.into()); 12], 99), None);
    assert_eq!(
        code(json!({"count": {"from": "thing"}}), vec![], 0),
        None,
        "rows are counted without a look at them"
    );
}

#[test]
fn conditions_on_the_rows_of_a_way_look_back_at_those_that_lead_to_them() {
    let store = store();
    insert(&store, &["text"], vec![vec!["a".into()], vec!["b".into()], vec!["c".into()]]);
    let parts: Vec<Vec<Value>> = [(1, "x", 1), (1, "y", 9), (2, "x", 4), (2, "y", 7), (3, "x", 5)]
        .map(|(thing, code, size)| vec![thing.into(), code.into(), size.into()])
        .into();
    let plan = json!({"insert": {"into": "part", "fields": ["thing_id", "code", "size"]}});
    run(&store, plan, parts.concat());

    let is = |field: &str, value: Json| json!({"cmp": {"op": "eq", "path": {"field": field}, "value": {"v": value}}});
    let parts = |filter: Json| json!({"collection": "part", "on": [["id", "thing_id"]], "many": true, "where": filter});
    let find = |order: Json| {
        let select = json!({"fields": [{"field": "id", "as": "number"}]});
        try_run(&store, json!({"find": {"from": "thing", "order": order, "select": select}}), vec![])
    };
    let by_size = |via: Json| json!([{"path": {"field": "size", "via": via}, "desc": false}]);
    // Of "b" all parts count, of the others those that are called "y".
    let of_b = json!({"any": [{"before": is("text", json!("b"))}, is("code", json!("y"))]});
    assert_eq!(find(by_size(json!([parts(of_b.clone())]))).unwrap().1, [3.0, 2.0, 1.0]);

    // Two steps further on, beginning at the same row again.
    let thing = json!({"collection": "thing", "on": [["thing_id", "id"]]});
    let first = json!({"any": [{"before": {"before": {"before": is("text", json!("c"))}}}, is("size", json!(9)), is("size", json!(4))]});
    let via = json!([parts(json!({"const": true})), thing, parts(first)]);
    assert_eq!(find(by_size(via)).unwrap().1, [2.0, 3.0, 1.0]);

    // No row leads to that of a whole condition, or to those that are looked for by themselves.
    let counted = json!({"count": {"from": "thing", "where": {"before": {"const": true}}}});
    let related = json!({"related": {"join": {"collection": "thing", "on": [["thing_id", "id"]]}, "quantifier": "some", "where": of_b}});
    for result in [try_run(&store, counted, vec![]), find(by_size(json!([parts(related)])))] {
        let error = result.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidPlan, "{}", error.message);
    }
}
