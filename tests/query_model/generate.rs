//! Random data, conditions and orders, over few values so that much coincides.

use collection_store::value::Value;
use proptest::prelude::*;

use super::model::*;

const TEXTS: [&str; 9] = ["", "a", "A", "ab", "Abc", "b1", "12-x", "12-Y", "é"];

fn maybe<T: Into<Value> + Clone + std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 5 => strategy.prop_map(Into::into)]
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned)
}

fn age() -> impl Strategy<Value = i64> {
    0..12i64
}

fn score() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![-1.5, 0.0, 0.5, 1.0, 2.25, 1e20])
}

/// Values of any kind, as documents hold them.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        4 => (0..4i64).prop_map(Value::Int),
        1 => Just(Value::Float(1.5)),
        2 => text().prop_map(Value::Text),
    ]
}

fn meta() -> impl Strategy<Value = Value> {
    (prop::option::of(scalar()), prop::option::of(scalar())).prop_map(|(a, c)| {
        let mut entries = Vec::new();
        entries.extend(a.map(|a| ("a".to_owned(), a)));
        entries.extend(c.map(|c| ("b".to_owned(), Value::Doc(vec![("c".to_owned(), c)]))));
        Value::Doc(entries)
    })
}

fn tags() -> impl Strategy<Value = Value> {
    prop::collection::vec((0..3i64).prop_map(Value::Int), 0..3).prop_map(Value::Array)
}

fn numbered(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter()
        .enumerate()
        .map(|(id, mut row)| {
            row.insert(0, Value::Int(id as i64));
            row
        })
        .collect()
}

pub fn data() -> impl Strategy<Value = Data> {
    let author = (maybe(text()), maybe(age()), maybe(score()), maybe(meta()), maybe(tags()))
        .prop_map(|(name, age, score, meta, tags)| vec![name, age, score, meta, tags]);
    let book = (maybe(0..90i64), maybe(text()), maybe(age()), (0..400i64).prop_map(Value::from))
        .prop_map(|(author, title, year, code)| vec![author, title, year, code]);
    (prop::collection::vec(author, 90..160), prop::collection::vec(book, 0..300))
        .prop_map(|(authors, books)| Data([numbered(authors), numbered(books)]))
}

fn path(table: usize, field: usize) -> Path {
    Path { via: None, table, field, json: Vec::new() }
}

fn comparison() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["eq", "eq", "ne", "gt", "gte", "lt", "lte"])
}

/// A field with values to compare it with.
fn operand(table: usize) -> BoxedStrategy<(Path, BoxedStrategy<Value>)> {
    let of = move |field, values: BoxedStrategy<Value>| Just((path(table, field), values)).boxed();
    let json = move |keys: Vec<&'static str>| {
        Just((Path { json: keys, ..path(AUTHOR, 4) }, scalar().boxed())).boxed()
    };
    let number = || maybe(age()).boxed();
    if table == AUTHOR {
        prop_oneof![
            of(0, (0..160i64).prop_map(Value::from).boxed()),
            of(1, maybe(text()).boxed()),
            of(2, number()),
            of(2, Just(Value::Float(5.5)).boxed()),
            of(3, maybe(score()).boxed()),
            json(vec!["a"]),
            json(vec!["b", "c"]),
            Just((Path { via: Some(Rel::Books), ..path(BOOK, 3) }, number())),
        ]
        .boxed()
    } else {
        prop_oneof![
            of(0, (0..300i64).prop_map(Value::from).boxed()),
            of(1, maybe(0..90i64).boxed()),
            of(2, maybe(text()).boxed()),
            of(3, number()),
            of(4, (0..400i64).prop_map(Value::from).boxed()),
            Just((Path { via: Some(Rel::Author), ..path(AUTHOR, 2) }, number())),
            Just((Path { via: Some(Rel::Author), ..path(AUTHOR, 1) }, maybe(text()).boxed())),
        ]
        .boxed()
    }
}

fn leaf(table: usize) -> BoxedStrategy<Cond> {
    let operand = move || operand(table);
    let pair = if table == AUTHOR { (2, 1) } else { (3, 2) };
    let textual = if table == AUTHOR { 1 } else { 2 };
    let common = prop_oneof![
        6 => (operand(), comparison())
            .prop_flat_map(|((path, values), op)| values.prop_map(move |value| Cond::Cmp(path.clone(), op, value))),
        3 => operand().prop_flat_map(|(path, values)| {
            prop::collection::vec(values, 0..5).prop_map(move |values| Cond::In(path.clone(), values))
        }),
        1 => operand().prop_map(|(path, _)| Cond::Null(path)),
        1 => operand().prop_map(|(path, _)| Cond::Exists(path)),
        2 => prop::collection::vec((maybe(age()), maybe(text())), 0..6).prop_map(move |tuples| {
            let tuples = tuples.into_iter().map(|(age, text)| vec![age, text]).collect();
            Cond::TupleIn(vec![path(table, pair.0), path(table, pair.1)], tuples)
        }),
        2 => prop::sample::select(vec!["a%", "%b%", "_", "12-%", "12-x", "%", "A_", "ab%c", "é"])
            .prop_map(move |pattern| Cond::Like(path(table, textual), pattern.to_owned())),
        1 => any::<bool>().prop_map(Cond::Const),
    ];
    if table == BOOK {
        return common.boxed();
    }
    prop_oneof![
        8 => common,
        1 => tags().prop_map(|tags| Cond::Contains(path(AUTHOR, 5), tags)),
        1 => (comparison(), maybe(0..3i64), any::<bool>())
            .prop_map(|(op, value, negated)| Cond::Member(path(AUTHOR, 5), Member { op, value, negated })),
        1 => (prop::collection::vec(prop::sample::select(vec!["a", "b", "x"]), 0..3), any::<bool>()).prop_map(
            |(keys, any)| Cond::HasKeys(path(AUTHOR, 4), keys.into_iter().map(str::to_owned).collect(), any)
        ),
    ]
    .boxed()
}

pub fn condition(table: usize, depth: u32) -> BoxedStrategy<Cond> {
    if depth == 0 {
        return leaf(table);
    }
    let inner = move || condition(table, depth - 1);
    let rels = if table == AUTHOR { vec![Rel::Books] } else { vec![Rel::Author, Rel::Namesakes] };
    let counted = rels.clone();
    prop_oneof![
        3 => leaf(table),
        3 => prop::collection::vec(inner(), 0..4).prop_map(Cond::All),
        3 => prop::collection::vec(inner(), 0..4).prop_map(Cond::Any),
        1 => inner().prop_map(|inner| Cond::Not(Box::new(inner))),
        2 => (prop::sample::select(rels), prop::sample::select(vec!["some", "some", "none", "every"]))
            .prop_flat_map(move |(rel, quantifier)| {
                condition(rel.to(), depth - 1).prop_map(move |inner| Cond::Related(rel, quantifier, Box::new(inner)))
            }),
        1 => (prop::sample::select(counted), comparison(), maybe(0..4i64)).prop_flat_map(move |(rel, op, count)| {
            condition(rel.to(), depth - 1)
                .prop_map(move |inner| Cond::Counted(rel, op, count.clone(), Box::new(inner)))
        }),
    ]
    .boxed()
}

/// An order of books by something of their authors.
pub fn related_key() -> impl Strategy<Value = Key> {
    let nulls = prop::sample::select(vec![None, Some("first"), Some("last")]);
    (1..3usize, any::<bool>(), nulls).prop_map(|(field, desc, nulls)| Key {
        path: Path { via: Some(Rel::Author), ..path(AUTHOR, field) },
        desc,
        nulls,
        values: None,
    })
}

pub fn order(table: usize) -> impl Strategy<Value = Vec<Key>> {
    let key = (
        operand(table),
        any::<bool>(),
        prop::sample::select(vec![None, None, None, Some("first"), Some("last")]),
        prop::bool::weighted(0.2),
    )
        .prop_flat_map(|((path, values), desc, nulls, custom)| {
            prop::collection::vec(values, 0..4).prop_map(move |values| {
                // A null among the values of a custom order says nothing.
                let values = custom.then(|| values.into_iter().filter(|value| !value.is_null()).collect());
                Key { path: path.clone(), desc, nulls, values }
            })
        });
    // Pages are often told apart by the key at the end.
    let end = prop::option::of(any::<bool>());
    (prop::collection::vec(key, 0..3), end).prop_map(move |(mut keys, end)| {
        keys.extend(end.map(|desc| Key { path: path(table, 0), desc, nulls: None, values: None }));
        keys
    })
}
