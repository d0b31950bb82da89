//! Which rows come, in which form, order and pieces.

use std::cmp::Ordering;

use super::*;

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
fn lists_over_an_index_keep_orders_of_mixed_directions() {
    let index = |paths: &[&str]| {
        let paths: Vec<Json> = paths.iter().map(|path| json!({"field": path, "json": []})).collect();
        json!({"name": paths.len().to_string(), "paths": paths, "unique": false})
    };
    let store = store_of(json!({"collections": [{"name": "thing", "primary": ["id"],
        "fields": [{"name": "id", "type": "int"}, field("num", "int"), field("text", "text"), field("more", "int")],
        "indexes": [index(&["num", "text"]), index(&["num", "text", "more"])]}]}));
    let all: Vec<(i64, i64, String, i64)> = (0..240)
        .map(|id| (id, id % 3, format!("{}{}", ["a", "b", "Ab"][id as usize / 3 % 3], id % 5), id % 4))
        .collect();
    let values = all.iter().flat_map(|(id, num, text, more)| {
        [Value::Int(*id), Value::Int(*num), Value::Text(text.clone()), Value::Int(*more)]
    });
    run(
        &store,
        json!({"insert": {"into": "thing", "fields": ["id", "num", "text", "more"]}}),
        values.collect(),
    );

    let path = |name: &str| json!({"field": name});
    let one_of = |name: &str, values: Json| json!({"in": {"path": path(name), "values": {"v": values}}});
    let tuples = json!([[1, "a1"], [2, "b0"], [1, "b1"], [0, "Ab2"], [1, "Ab4"]]);
    let tuple = json!({"tupleIn": {"paths": [path("num"), path("text")], "values": {"v": tuples}}});
    let begins = json!({"like": {"path": path("text"), "pattern": {"v": "a%"}, "fold": "ascii"}});
    let texts = json!(["a1", "b0", "b1", "Ab2"]);
    let conditions = [
        json!({"all": []}),
        one_of("num", json!([0, 2])),
        json!({"all": [one_of("num", json!([0, 2])), one_of("text", texts.clone())]}),
        json!({"all": [one_of("num", json!([1])), one_of("text", texts.clone())]}),
        json!({"all": [one_of("num", json!([0, 2])), one_of("text", texts), one_of("more", json!([1, 2]))]}),
        json!({"all": [one_of("num", json!([0, 2])), begins]}),
        tuple,
    ];
    for condition in conditions {
        let matching = ids(&store, condition.clone(), vec![]);
        assert!(!matching.is_empty(), "{condition}");
        for directions in 0..16 {
            let desc = |key: usize| directions & (1 << key) != 0;
            let order: Vec<Json> = ["num", "text", "more", "id"]
                .iter()
                .enumerate()
                .map(|(at, name)| json!({"path": path(name), "desc": desc(at)}))
                .collect();
            for keys in 1..=4 {
                let turned = |at: usize, order: Ordering| if desc(at) { order.reverse() } else { order };
                let mut expected: Vec<_> = all.iter().filter(|row| matching.contains(&row.0)).collect();
                expected.sort_by(|one, other| {
                    let by =
                        [one.1.cmp(&other.1), one.2.cmp(&other.2), one.3.cmp(&other.3), one.0.cmp(&other.0)];
                    let by = by.into_iter().enumerate().take(keys).map(|(at, order)| turned(at, order));
                    by.fold(Ordering::Equal, Ordering::then).then(one.0.cmp(&other.0))
                });
                let expected: Vec<i64> = expected.iter().map(|row| row.0).collect();
                let plan = json!({"find": {"from": "thing", "where": condition, "order": order[..keys],
                    "select": {"fields": [{"field": "id", "as": "number"}]}}});
                let found: Vec<i64> = run(&store, plan.clone(), vec![])
                    .1
                    .iter()
                    .map(|id| id.as_f64().unwrap() as i64)
                    .collect();
                assert_eq!(found, expected, "{plan}");
            }
        }
    }
}

#[test]
fn a_find_by_key_is_answered_at_once_when_it_has_been_run_before() {
    let store = store();
    insert(&store, &["text"], vec![vec!["a".into()], vec!["b".into()]]);
    let find = |field: &str, page: Json| {
        let mut find = json!({"from": "thing", "select": {"fields": [{"field": "text", "as": "text"}]},
            "where": {"cmp": {"op": "eq", "path": {"field": field}, "value": {"p": 0}}}});
        find.as_object_mut().unwrap().extend(page.as_object().unwrap().clone());
        Plan::parse(&json!({"find": find}).to_string()).unwrap()
    };
    let at_once = |plan: &Plan, key: i64| {
        let mut rows = Rows::default();
        let params = Params::new(vec![Some(key.into())]);
        plan.find_one(&mut Session::Store(&store), &params, &mut rows).unwrap().map(|_| rows.0)
    };
    let prepared = |plan: Plan| {
        plan.run(Session::Store(&store), Params::new(vec![Some(1.into())])).unwrap();
        plan
    };
    let by_id = find("id", json!({}));
    assert_eq!(at_once(&by_id, 2), None, "not before it has been run");
    let by_id = prepared(by_id);
    assert_eq!(at_once(&by_id, 2), Some(vec![json!("b")]));
    assert_eq!(at_once(&by_id, 3), Some(vec![]));
    assert_eq!(at_once(&prepared(find("id", json!({"offset": {"v": 1}}))), 2), None);
    assert_eq!(at_once(&prepared(find("num", json!({}))), 2), None);
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
