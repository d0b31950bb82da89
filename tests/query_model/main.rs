//! Random queries over random data, with and without indexes, against a naive
//! evaluation that knows nothing of trees, indexes or plans.

#![allow(clippy::unwrap_used, clippy::panic)]

mod generate;
mod model;

use std::sync::Arc;

use collection_store::catalog::SchemaDef;
use collection_store::error::{Error, ErrorCode};
use collection_store::query::{Params, Plan, Session, Sink, Wire};
use collection_store::store::{Begin, Store};
use collection_store::value::{Value, ValueRef};
use model::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Indexes to choose from: collection, paths.
fn indexes() -> Vec<(usize, Json)> {
    let plain =
        |names: &[&str]| names.iter().map(|name| json!({"field": name, "json": []})).collect::<Vec<_>>();
    vec![
        (AUTHOR, json!(plain(&["age"]))),
        (AUTHOR, json!(plain(&["name"]))),
        (AUTHOR, json!(plain(&["age", "name"]))),
        (AUTHOR, json!(plain(&["name", "age", "score"]))),
        (AUTHOR, json!(plain(&["score", "id"]))),
        (AUTHOR, json!([{"field": "meta", "json": ["a"]}])),
        (AUTHOR, json!([{"field": "meta", "json": ["b", "c"]}, {"field": "age", "json": []}])),
        (BOOK, json!(plain(&["author_id"]))),
        (BOOK, json!(plain(&["author_id", "year"]))),
        (BOOK, json!(plain(&["title"]))),
        (BOOK, json!(plain(&["year", "title"]))),
        (BOOK, json!(plain(&["code"]))),
    ]
}

fn schema(chosen: &[bool]) -> SchemaDef {
    let field =
        |name: &str, kind: &str, nullable: bool| json!({"name": name, "type": kind, "nullable": nullable});
    let mut collections = [
        json!({"name": "author", "primary": ["id"], "indexes": [], "fields": [
            field("id", "int", false), field("name", "text", true), field("age", "int", true),
            field("score", "float", true), field("meta", "json", true), field("tags", "json", true),
        ]}),
        json!({"name": "book", "primary": ["id"], "indexes": [], "fields": [
            field("id", "int", false), field("author_id", "int", true), field("title", "text", true),
            field("year", "int", true), field("code", "bigint", false),
        ]}),
    ];
    for (number, (table, paths)) in indexes().into_iter().enumerate() {
        if chosen.get(number).copied().unwrap_or(false) {
            let index = json!({"name": format!("i{number}"), "paths": paths, "unique": false});
            collections[table]["indexes"].as_array_mut().unwrap().push(index);
        }
    }
    serde_json::from_value(json!({"collections": collections})).unwrap()
}

fn filled(data: &Data, chosen: &[bool]) -> Arc<Store> {
    let store = Store::open(None);
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.create_schema(&schema(chosen)).unwrap();
    for table in [AUTHOR, BOOK] {
        let plan = json!({"insert": {"into": NAMES[table], "fields": FIELDS[table]}});
        let params: Vec<Value> = data.0[table].iter().flatten().cloned().collect();
        let outcome = Plan::parse(&plan.to_string())
            .unwrap()
            .run(Session::Transaction(&mut transaction), params.into())
            .unwrap();
        assert_eq!(outcome.affected, data.0[table].len() as u64);
    }
    transaction.commit().unwrap();
    store
}

/// Writes down everything it gets.
#[derive(Default)]
struct Log(Vec<Json>);

impl Sink for Log {
    fn null(&mut self, _: Wire) {
        self.0.push(Json::Null);
    }
    fn number(&mut self, value: f64) {
        self.0.push(json!(value as i64));
    }
    fn bool(&mut self, value: bool) {
        self.0.push(json!(value));
    }
    fn bigint(&mut self, value: i64) {
        self.0.push(json!(value));
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
        self.0.push(json!(if present { "one" } else { "none" }));
    }
    fn many(&mut self, rows: usize) {
        self.0.push(json!(format!("{rows} rows")));
    }
}

/// Reads everything, in pieces; first with few looks at rows, and with all
/// that it takes only where these were not enough.
fn read(store: &Arc<Store>, plan: &Json, params: &Given, piece: usize) -> Vec<Json> {
    let plan = Plan::parse(&plan.to_string()).unwrap();
    let params = params.clone().into();
    let begin = |most| {
        let mut cursor = plan.run_within(Session::Store(store), &params, most)?.rows;
        let mut log = Log::default();
        assert!(cursor.next_chunk(piece, &mut log)? <= piece);
        cursor.relax();
        Ok((cursor, log))
    };
    let (mut cursor, mut log) = begin(piece * 8)
        .or_else(|error: Error| match error.code {
            ErrorCode::TooLong => begin(usize::MAX),
            _ => Err(error),
        })
        .unwrap();
    while !cursor.is_done() {
        assert!(cursor.next_chunk(piece, &mut log).unwrap() <= piece);
    }
    log.0
}

fn ids(rows: &[&Row]) -> Vec<Json> {
    rows.iter().map(|row| row[0].as_ref().to_json()).collect()
}

#[derive(Clone, Debug)]
struct Query {
    table: usize,
    condition: Cond,
    order: Vec<Key>,
    reverse: bool,
    limit: Option<usize>,
    offset: usize,
}

fn query() -> impl Strategy<Value = Query> {
    prop::sample::select(vec![AUTHOR, BOOK]).prop_flat_map(|table| {
        (
            generate::condition(table, 2),
            generate::order(table),
            any::<bool>(),
            prop::option::of(0..20usize),
            prop_oneof![Just(0usize), 0..30usize],
        )
            .prop_map(move |(condition, order, reverse, limit, offset)| Query {
                table,
                condition,
                order,
                reverse,
                limit,
                offset,
            })
    })
}

fn chosen() -> impl Strategy<Value = Vec<bool>> {
    let count = indexes().len();
    prop_oneof![
        1 => Just(vec![false; count]),
        1 => Just(vec![true; count]),
        4 => prop::collection::vec(any::<bool>(), count),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn finds_and_counts_what_a_naive_evaluation_finds(
        data in generate::data(),
        chosen in chosen(),
        queries in prop::collection::vec(query(), 12),
        piece in 1..40usize,
    ) {
        let store = filled(&data, &chosen);
        for query in &queries {
            let Query { table, condition, order, reverse, limit, offset } = query;
            let expected = find(&data, *table, condition, order, *reverse);
            let mut params = Given::new();
            let filter = condition.json(&mut params);
            let count = json!({"count": {"from": NAMES[*table], "where": filter}});
            let counted = Plan::parse(&count.to_string()).unwrap()
                .run(Session::Store(&store), params.clone().into()).unwrap().affected;
            prop_assert_eq!(counted, expected.len() as u64, "count {}", count);

            let order: Vec<Json> = order.iter().map(|key| key.json(&mut params)).collect();
            let plan = json!({"find": {
                "from": NAMES[*table], "where": filter, "order": order, "reverse": reverse,
                "limit": {"v": limit}, "offset": {"v": offset},
                "select": {"fields": [{"field": "id", "as": "number"}]},
            }});
            let page: Vec<&Row> =
                expected.into_iter().skip(*offset).take(limit.unwrap_or(usize::MAX)).collect();
            let explained = Plan::parse(&plan.to_string()).unwrap()
                .explain(Session::Store(&store), params.clone().into()).unwrap();
            prop_assert_eq!(read(&store, &plan, &params, piece), ids(&page), "{} {:?}\n{}", plan, params, explained);
        }
    }

    #[test]
    fn pages_by_something_related(
        (mut data, few) in (generate::data(), 1..25usize),
        key in generate::related_key(),
        more in generate::order(BOOK),
        reverse in any::<bool>(),
        pages in prop::collection::vec((0..20usize, 0..120usize), 8),
    ) {
        data.0[AUTHOR].truncate(few);
        let store = filled(&data, &vec![true; indexes().len()]);
        let keys: Vec<Key> = std::iter::once(key).chain(more).collect();
        let all = find(&data, BOOK, &Cond::All(Vec::new()), &keys, reverse);
        let mut params = Given::new();
        let order: Vec<Json> = keys.iter().map(|key| key.json(&mut params)).collect();
        for (limit, offset) in pages {
            let plan = json!({"find": {
                "from": NAMES[BOOK], "order": order, "reverse": reverse,
                "limit": {"v": limit}, "offset": {"v": offset},
                "select": {"fields": [{"field": "id", "as": "number"}]},
            }});
            let page: Vec<&Row> = all.iter().copied().skip(offset).take(limit).collect();
            prop_assert_eq!(read(&store, &plan, &params, 7), ids(&page), "{} {:?}", plan, params);
        }
    }

    #[test]
    fn nests_what_joins_lead_to(
        data in generate::data(),
        chosen in chosen(),
        inner in generate::condition(BOOK, 1),
        order in generate::order(BOOK),
        required in any::<bool>(),
        piece in 1..40usize,
    ) {
        let store = filled(&data, &chosen);
        let mut params = Given::new();
        let filter = inner.json(&mut params);
        let keys: Vec<Json> = order.iter().map(|key| key.json(&mut params)).collect();
        let id = json!([{"field": "id", "as": "number"}]);
        let plan = json!({"find": {"from": "author", "select": {"fields": id, "nested": [
            {"join": Rel::Books.json(), "many": true, "required": required, "where": filter, "order": keys,
             "select": {"fields": id, "nested": [
                {"join": Rel::Author.json(), "many": false, "select": {"fields": id}},
             ]}},
        ]}}});
        let found = find(&data, BOOK, &inner, &order, false);
        let mut expected = Vec::new();
        for author in &data.0[AUTHOR] {
            let books: Vec<&Row> = found.iter().copied().filter(|book| book[1] == author[0]).collect();
            if required && books.is_empty() {
                continue;
            }
            expected.push(author[0].as_ref().to_json());
            expected.push(json!(format!("{} rows", books.len())));
            for book in books {
                expected.extend([book[0].as_ref().to_json(), json!("one"), author[0].as_ref().to_json()]);
            }
        }
        prop_assert_eq!(read(&store, &plan, &params, piece), expected, "{} {:?}", plan, params);
    }

    #[test]
    fn updates_and_deletes_what_matches(
        data in generate::data(),
        chosen in chosen(),
        changed in generate::condition(AUTHOR, 2),
        deleted in generate::condition(AUTHOR, 2),
        step in -3..4i64,
    ) {
        let store = filled(&data, &chosen);
        let mut data = data;
        let mut params = Given::new();
        let filter = changed.json(&mut params);
        params.push("new".into());
        let plan = json!({"update": {"in": "author", "where": filter,
            "set": [{"field": "name", "value": {"p": params.len() - 1}}, {"field": "age", "inc": step}],
            "returning": [{"field": "id", "as": "number"}]}});
        let matching: Vec<Value> =
            find(&data, AUTHOR, &changed, &[], false).into_iter().map(|row| row[0].clone()).collect();
        let expected: Vec<Json> = matching.iter().map(|id| id.as_ref().to_json()).collect();
        prop_assert_eq!(read(&store, &plan, &params, 7), expected);
        for row in data.0[AUTHOR].iter_mut().filter(|row| matching.contains(&row[0])) {
            row[1] = "new".into();
            if let Value::Int(age) = row[2] {
                row[2] = Value::Int(age + step);
            }
        }

        let mut params = Given::new();
        let plan = json!({"delete": {"from": "author", "where": deleted.json(&mut params)}});
        let gone: Vec<Value> =
            find(&data, AUTHOR, &deleted, &[], false).into_iter().map(|row| row[0].clone()).collect();
        let outcome = Plan::parse(&plan.to_string()).unwrap().run(Session::Store(&store), params.into()).unwrap();
        prop_assert_eq!(outcome.affected, gone.len() as u64);
        data.0[AUTHOR].retain(|row| !gone.contains(&row[0]));

        let plan = json!({"find": {"from": "author", "select": {"fields": [
            {"field": "id", "as": "number"}, {"field": "name", "as": "text"}, {"field": "age", "as": "number"},
        ]}}});
        let rows: Vec<Json> =
            data.0[AUTHOR].iter().flat_map(|row| &row[..3]).map(|value| value.as_ref().to_json()).collect();
        prop_assert_eq!(read(&store, &plan, &Given::new(), 50), rows);
        store.current().unwrap().check().unwrap();
    }
}

#[test]
fn an_index_made_on_demand_changes_no_answer() {
    let rows: Vec<Row> = (0..2_000)
        .map(|id| {
            vec![
                id.into(),
                format!("n{}", id % 50).into(),
                (id % 97).into(),
                Value::Null,
                Value::Null,
                Value::Null,
            ]
        })
        .collect();
    let store = filled(&Data([rows, Vec::new()]), &[]);
    let plan = json!({"find": {"from": "author",
        "where": {"cmp": {"op": "eq", "path": {"field": "age"}, "value": {"p": 0}}},
        "select": {"fields": [{"field": "id", "as": "number"}]}}});
    let first = read(&store, &plan, &vec![Value::Int(5)], 100);
    assert_eq!(first.len(), 21);
    for _ in 0..3 {
        assert_eq!(read(&store, &plan, &vec![Value::Int(5)], 100), first);
    }
    let made = store.current().unwrap().auto_indexes();
    assert_eq!(made.iter().map(|index| index.paths.clone()).collect::<Vec<_>>(), [["age"]]);
    let explained = Plan::parse(&plan.to_string())
        .unwrap()
        .explain(Session::Store(&store), Params::from(vec![Value::Int(5)]))
        .unwrap();
    assert!(explained.contains("auto(age)") && explained.contains("rows: 21 of 2000"), "{explained}");
}
