//! What is said about mistakes, about ways to rows, and where a statement takes too long.

use super::*;

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
        (
            find(cmp("num", &[])),
            one("old".into()),
            ErrorCode::TypeMismatch,
            "collection \"thing\": text \"old\" cannot be compared with field \"num\"",
        ),
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
