//! What conditions mean, and what joins lead to.

use super::*;

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
