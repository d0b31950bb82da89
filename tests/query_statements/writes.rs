//! What is written, what comes back, and what about keys that are taken.

use super::*;

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
fn writes_by_key_are_as_writes_of_any_other_kind() {
    let cmp =
        |field: &str, value: Json| json!({"cmp": {"op": "eq", "path": {"field": field}, "value": value}});
    let conditions =
        [cmp("id", json!({"p": 0})), cmp("text", json!({"p": 0})), cmp("text", json!({"v": "b"}))];
    let given = [Value::Int(2), "b".into(), Value::Int(9), Value::Null, "c".into(), Value::Bool(true)];
    let outcome = |statement: Json, given: &Value| {
        let store = store();
        let texts = [Value::from("a"), "b".into(), Value::Null, "c".into()];
        insert(&store, &["text"], texts.into_iter().map(|text| vec![text]).collect());
        let done = try_run(&store, statement, vec![Some(given.clone()), Some("b".into())]);
        let left = json!({"find": {"from": "thing", "select": {"fields": [
            {"field": "id", "as": "number"}, {"field": "text", "as": "text"}, {"field": "num", "as": "number"}]}}});
        (done.map_err(|error| (error.code, error.message)), run(&store, left, vec![]).1)
    };
    let mut written = 0;
    for condition in &conditions {
        for given in &given {
            for set in [json!([{"field": "num", "inc": 3}]), json!([{"field": "text", "value": {"p": 1}}])] {
                // What leaves something to check is never found by its key alone.
                let filters = [condition.clone(), json!({"all": [condition, {"exists": {"field": "id"}}]})];
                let [this, that] = filters.clone().map(|filter| {
                    outcome(json!({"update": {"in": "thing", "where": filter, "set": set}}), given)
                });
                assert_eq!(this, that, "{condition} {given:?} {set}");
                let [this, that] = filters
                    .map(|filter| outcome(json!({"delete": {"from": "thing", "where": filter}}), given));
                assert_eq!(this, that, "{condition} {given:?}");
                written += this.0.map_or(0, |(affected, _)| affected);
            }
        }
    }
    assert!(written > 10, "{written}");
}
