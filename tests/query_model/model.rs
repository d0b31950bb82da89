//! The naive reading of conditions and orders: loops over vectors of rows.

use std::cmp::Ordering;

use collection_store::value::Value;
use serde_json::{Value as Json, json};

pub const AUTHOR: usize = 0;
pub const BOOK: usize = 1;
pub const NAMES: [&str; 2] = ["author", "book"];
pub const FIELDS: [&[&str]; 2] =
    [&["id", "name", "age", "score", "meta", "tags"], &["id", "author_id", "title", "year", "code"]];

pub type Row = Vec<Value>;

/// The rows of both collections, in the order of their primary keys.
#[derive(Clone, Debug)]
pub struct Data(pub [Vec<Row>; 2]);

/// Relations between the collections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rel {
    Books,
    Author,
    /// Authors named like a title: no foreign key.
    Namesakes,
}

impl Rel {
    pub fn from(self) -> usize {
        if self == Self::Books { AUTHOR } else { BOOK }
    }

    pub fn to(self) -> usize {
        1 - self.from()
    }

    fn on(self) -> (usize, usize) {
        match self {
            Self::Books => (0, 1),
            Self::Author => (1, 0),
            Self::Namesakes => (2, 1),
        }
    }

    pub fn json(self) -> Json {
        let (local, target) = self.on();
        json!({"collection": NAMES[self.to()], "on": [[FIELDS[self.from()][local], FIELDS[self.to()][target]]]})
    }

    pub fn rows<'d>(self, data: &'d Data, row: &Row) -> Vec<&'d Row> {
        let (local, target) = self.on();
        data.0[self.to()]
            .iter()
            .filter(|other| !row[local].is_null() && row[local] == other[target])
            .collect()
    }
}

#[derive(Clone, Debug)]
pub struct Path {
    pub via: Option<Rel>,
    pub table: usize,
    pub field: usize,
    pub json: Vec<&'static str>,
}

impl Path {
    pub fn json(&self) -> Json {
        let via: Vec<Json> = self.via.iter().map(|rel| rel.json()).collect();
        json!({"field": FIELDS[self.table][self.field], "json": self.json, "via": via})
    }

    pub fn value(&self, data: &Data, row: &Row) -> Value {
        match self.via {
            None => self.here(row),
            Some(rel) => rel
                .rows(data, row)
                .into_iter()
                .map(|row| self.here(row))
                .filter(|value| !value.is_null())
                .min()
                .unwrap_or(Value::Null),
        }
    }

    fn here(&self, row: &Row) -> Value {
        let mut value = row[self.field].clone();
        for key in &self.json {
            value = match value {
                Value::Doc(entries) => {
                    entries.into_iter().find(|(name, _)| name == key).map_or(Value::Null, |(_, value)| value)
                }
                Value::Array(items) => {
                    key.parse::<usize>().ok().and_then(|at| items.get(at).cloned()).unwrap_or(Value::Null)
                }
                _ => Value::Null,
            };
        }
        value
    }
}

#[derive(Clone, Debug)]
pub enum Cond {
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
    Const(bool),
    Cmp(Path, &'static str, Value),
    In(Path, Vec<Value>),
    Null(Path),
    Exists(Path),
    TupleIn(Vec<Path>, Vec<Vec<Value>>),
    Like(Path, String),
    Contains(Path, Value),
    HasKeys(Path, Vec<String>, bool),
    Related(Rel, &'static str, Box<Cond>),
    Counted(Rel, &'static str, Value, Box<Cond>),
    Member(Path, Member),
}

/// A condition on one member of an array.
#[derive(Clone, Debug)]
pub struct Member {
    pub op: &'static str,
    pub value: Value,
    pub negated: bool,
}

/// Collects parameters while a condition becomes a plan.
pub type Given = Vec<Value>;

fn given(params: &mut Given, value: Value) -> Json {
    params.push(value);
    json!({"p": params.len() - 1})
}

impl Cond {
    pub fn json(&self, params: &mut Given) -> Json {
        match self {
            Self::All(members) => {
                json!({"all": members.iter().map(|member| member.json(params)).collect::<Vec<_>>()})
            }
            Self::Any(members) => {
                json!({"any": members.iter().map(|member| member.json(params)).collect::<Vec<_>>()})
            }
            Self::Not(inner) => json!({"not": inner.json(params)}),
            Self::Const(value) => json!({"const": value}),
            Self::Cmp(path, op, value) => {
                json!({"cmp": {"op": op, "path": path.json(), "value": given(params, value.clone())}})
            }
            Self::In(path, values) => {
                json!({"in": {"path": path.json(), "values": given(params, Value::Array(values.clone()))}})
            }
            Self::Null(path) => json!({"null": path.json()}),
            Self::Exists(path) => json!({"exists": path.json()}),
            Self::TupleIn(paths, tuples) => {
                let tuples = tuples.iter().cloned().map(Value::Array).collect();
                let paths: Vec<Json> = paths.iter().map(Path::json).collect();
                json!({"tupleIn": {"paths": paths, "values": given(params, Value::Array(tuples))}})
            }
            Self::Like(path, pattern) => {
                json!({"like": {"path": path.json(), "pattern": given(params, pattern.as_str().into()), "fold": "ascii"}})
            }
            Self::Contains(path, value) => {
                json!({"contains": {"path": path.json(), "value": given(params, value.clone())}})
            }
            Self::HasKeys(path, keys, any) => {
                let keys = Value::Array(keys.iter().map(|key| key.as_str().into()).collect());
                json!({"hasKeys": {"path": path.json(), "keys": given(params, keys), "any": any}})
            }
            Self::Related(rel, quantifier, inner) => {
                json!({"related": {"join": rel.json(), "quantifier": quantifier, "where": inner.json(params)}})
            }
            Self::Counted(rel, op, value, inner) => {
                let value = given(params, value.clone());
                json!({"counted": {"join": rel.json(), "where": inner.json(params), "op": op, "value": value}})
            }
            Self::Member(path, Member { op, value, negated }) => {
                let value = given(params, value.clone());
                let test = json!({"cmp": {"op": op, "path": {"field": "$member"}, "value": value}});
                let test = if *negated { json!({"not": test}) } else { test };
                json!({"member": {"path": path.json(), "where": test}})
            }
        }
    }

    pub fn eval(&self, data: &Data, row: &Row) -> Option<bool> {
        match self {
            Self::All(members) => fold(members.iter().map(|member| member.eval(data, row)), false),
            Self::Any(members) => fold(members.iter().map(|member| member.eval(data, row)), true),
            Self::Not(inner) => inner.eval(data, row).map(|value| !value),
            Self::Const(value) => Some(*value),
            Self::Cmp(path, op, value) => compare(&path.value(data, row), op, value),
            Self::In(path, values) => {
                let value = path.value(data, row);
                fold(values.iter().map(|other| known(&value, other).map(Ordering::is_eq)), true)
            }
            Self::Null(path) => Some(path.value(data, row).is_null()),
            Self::Exists(path) => Some(!path.value(data, row).is_null()),
            Self::TupleIn(paths, tuples) => {
                let values: Vec<Value> = paths.iter().map(|path| path.value(data, row)).collect();
                fold(
                    tuples.iter().map(|tuple| {
                        fold(values.iter().zip(tuple).map(|(a, b)| known(a, b).map(Ordering::is_eq)), false)
                    }),
                    true,
                )
            }
            Self::Like(path, pattern) => match path.value(data, row) {
                Value::Text(text) => {
                    let lower = |text: &str| text.to_ascii_lowercase().chars().collect::<Vec<_>>();
                    Some(like(&lower(pattern), &lower(&text)))
                }
                Value::Null => None,
                other => unreachable!("{other:?}"),
            },
            Self::Contains(path, value) => match (path.value(data, row), value) {
                (Value::Null, _) => None,
                (Value::Array(items), Value::Array(wanted)) => {
                    Some(wanted.iter().all(|item| items.contains(item)))
                }
                (found, _) => unreachable!("{found:?}"),
            },
            Self::HasKeys(path, keys, any) => match path.value(data, row) {
                Value::Null => None,
                Value::Doc(entries) => {
                    let mut has = keys.iter().map(|key| entries.iter().any(|(name, _)| name == key));
                    Some(if *any { has.any(|has| has) } else { has.all(|has| has) })
                }
                other => unreachable!("{other:?}"),
            },
            Self::Related(rel, quantifier, inner) => {
                let results: Vec<_> =
                    rel.rows(data, row).into_iter().map(|row| inner.eval(data, row)).collect();
                Some(match *quantifier {
                    "some" => results.contains(&Some(true)),
                    "none" => !results.contains(&Some(true)),
                    "every" => !results.contains(&Some(false)),
                    _ => unreachable!("{quantifier}"),
                })
            }
            Self::Counted(rel, op, value, inner) => {
                let rows = rel.rows(data, row).into_iter();
                let count = rows.filter(|row| inner.eval(data, row) == Some(true)).count();
                compare(&Value::Int(count as i64), op, value)
            }
            Self::Member(path, Member { op, value, negated }) => match path.value(data, row) {
                Value::Array(items) => {
                    Some(items.iter().any(|item| compare(item, op, value) == Some(!negated)))
                }
                _ => Some(false),
            },
        }
    }
}

/// Kleene's conjunction (`decisive` false) and disjunction (`decisive` true).
fn fold(values: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let values: Vec<_> = values.collect();
    if values.contains(&Some(decisive)) {
        Some(decisive)
    } else if values.contains(&None) {
        None
    } else {
        Some(!decisive)
    }
}

fn compare(a: &Value, op: &str, b: &Value) -> Option<bool> {
    let order = known(a, b)?;
    Some(match op {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        _ => unreachable!("{op}"),
    })
}

fn known(a: &Value, b: &Value) -> Option<Ordering> {
    (!a.is_null() && !b.is_null()).then(|| a.cmp(b))
}

fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some('%'), _) => {
            like(&pattern[1..], text) || text.split_first().is_some_and(|(_, rest)| like(pattern, rest))
        }
        (Some('_'), Some(_)) => like(&pattern[1..], &text[1..]),
        (Some(a), Some(b)) => a == b && like(&pattern[1..], &text[1..]),
        _ => false,
    }
}

#[derive(Clone, Debug)]
pub struct Key {
    pub path: Path,
    pub desc: bool,
    pub nulls: Option<&'static str>,
    pub values: Option<Vec<Value>>,
}

impl Key {
    pub fn json(&self, params: &mut Given) -> Json {
        let mut key = json!({"path": self.path.json(), "desc": self.desc});
        if let Some(nulls) = self.nulls {
            key["nulls"] = nulls.into();
        }
        if let Some(values) = &self.values {
            key["values"] = given(params, Value::Array(values.clone()));
        }
        key
    }

    fn compare(&self, data: &Data, a: &Row, b: &Row) -> Ordering {
        let of = |row: &Row| {
            let value = self.path.value(data, row);
            match &self.values {
                None => value,
                Some(_) if value.is_null() => Value::Null,
                Some(values) => values.iter().position(|other| *other == value).map(|at| at as i64).into(),
            }
        };
        let (a, b) = (of(a), of(b));
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (false, false) if self.desc => b.cmp(&a),
            (false, false) => a.cmp(&b),
            (a_null, _) => {
                let first = self.nulls.map_or(!self.desc, |nulls| nulls == "first");
                if a_null == first { Ordering::Less } else { Ordering::Greater }
            }
        }
    }
}

/// The rows that match, in order.
pub fn find<'d>(
    data: &'d Data,
    table: usize,
    condition: &Cond,
    order: &[Key],
    reverse: bool,
) -> Vec<&'d Row> {
    let mut rows: Vec<&Row> =
        data.0[table].iter().filter(|row| condition.eval(data, row) == Some(true)).collect();
    rows.sort_by(|a, b| {
        order
            .iter()
            .map(|key| key.compare(data, a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a[0].cmp(&b[0]))
    });
    if reverse {
        rows.reverse();
    }
    rows
}
