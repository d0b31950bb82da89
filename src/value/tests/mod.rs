//! What the module promises, for values as odd as they come.

mod convert;
mod decimals;
mod keys;
mod rows;

use std::str::FromStr;

use bigdecimal::BigDecimal;
use proptest::prelude::*;

use super::*;

/// Where doubles stop to hold every integer, and where integers end.
const EDGES: [i64; 7] = [0, 1 << 53, -(1 << 53), 1 << 62, i64::MAX, i64::MIN, 1 << 20];

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -5..5i64,
        (prop::sample::select(&EDGES[..]), -1100..1100i64).prop_map(|(edge, by)| edge.saturating_add(by)),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let odd = [0.0, -0.0, 5e-324, -5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 0.1, 1.1, 0.5, -0.5];
    let not_finite = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        prop::sample::select(odd.to_vec()),
        prop::sample::select(not_finite.to_vec()),
        int().prop_map(|int| int as f64),
        int().prop_map(|int| (int as f64).next_down()),
        (-2000..2000i32).prop_map(|eighths| f64::from(eighths) / 8.0),
    ]
}

/// A finite double in full, as decimals can be exact.
fn expanded(float: f64) -> String {
    BigDecimal::try_from(float).unwrap().to_plain_string()
}

fn decimal_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[+-]?[0-9]{1,3}(\\.[0-9]{0,3})?",
        "[+-]?[0-9]{0,34}\\.[0-9]{1,34}",
        "[+-]?[0-9]{1,20}(\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}",
        (int(), "(\\.[05]{0,2})?").prop_map(|(int, fraction)| format!("{int}{fraction}")),
        float().prop_filter("finite", |float| float.is_finite()).prop_map(expanded),
        // Just beside a double.
        (float().prop_filter("finite", |float| float.is_finite()), "[01]{1,3}").prop_map(|(float, tail)| {
            let text = expanded(float);
            if text.contains('.') { text + &tail } else { format!("{text}.{tail}") }
        }),
    ]
}

fn decimal() -> impl Strategy<Value = Decimal> {
    decimal_text().prop_map(|text| Decimal::parse(&text).unwrap())
}

/// Few characters, so that texts often agree for a while.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[\0\u{1}\u{2}ab\u{7f}éﬁ😀]{0,4}", any::<String>()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let few = prop::sample::select(vec![0u8, 1, 2, 97, 254, 255]);
    prop_oneof![prop::collection::vec(few, 0..4), prop::collection::vec(any::<u8>(), 0..20)]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        int().prop_map(Value::Int),
        float().prop_map(Value::Float),
        decimal().prop_map(Value::Decimal)
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        6 => number(),
        1 => int().prop_map(Value::Date),
        3 => text().prop_map(Value::Text),
        2 => bytes().prop_map(Value::Bytes),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec(("[ab\0]{0,2}", inner), 0..5).prop_map(Value::Doc),
        ]
    })
}

/// Pairs that often are close to each other or equal, beside unrelated ones.
fn pair() -> impl Strategy<Value = (Value, Value)> {
    prop_oneof![
        (value(), value()),
        (number(), number()),
        (int(), -3..3i64, 0..9u8).prop_map(|(int, by, kinds)| {
            let near = int.saturating_add(by);
            (as_number(int, kinds % 3), as_number(near, kinds / 3))
        }),
        (float().prop_filter("finite", |float| float.is_finite()), "0{0,2}1?").prop_map(|(float, tail)| {
            let text = expanded(float);
            let text = if text.contains('.') { text + &tail } else { format!("{text}.{tail}") };
            (Value::Float(float), Value::Decimal(Decimal::parse(&text).unwrap()))
        }),
    ]
}

fn as_number(int: i64, kind: u8) -> Value {
    match kind {
        0 => Value::Int(int),
        1 => Value::Float(int as f64),
        _ => Value::Decimal(Decimal::from(int)),
    }
}

fn key(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(&mut out, value.as_ref());
    out
}

/// Identity, which is finer than equality: what was written comes back as it was.
fn written(value: ValueRef) -> String {
    format!("{:?}", value.to_value())
}

/// The exact value by another road: everything as one big decimal.
fn exact(value: &Value) -> Option<BigDecimal> {
    match value {
        Value::Int(int) => Some(BigDecimal::from(*int)),
        Value::Float(float) => BigDecimal::try_from(*float).ok(),
        Value::Decimal(decimal) => BigDecimal::from_str(decimal.as_str()).ok(),
        _ => None,
    }
}
