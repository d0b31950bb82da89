//! The one total order of values.

use std::cmp::Ordering;

use super::ValueRef;
use super::decimal::{compare_decimals, compare_float};

/// The order of two values: null < booleans < numbers < dates < text (by code
/// point) < bytes < arrays (item by item) < documents.
///
/// Numbers compare exactly by value across integers, doubles and decimals;
/// -0.0 equals 0, and not-a-number is equal to itself and above every other.
/// Documents compare as their entries sorted by key, so the order in which the
/// entries were given does not matter.
pub fn compare(a: ValueRef, b: ValueRef) -> Ordering {
    use ValueRef::*;
    match (a, b) {
        (Int(a), Int(b)) => a.cmp(&b),
        (Text(a), Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Date(a), Date(b)) => a.cmp(&b),
        (Float(a), Float(b)) => compare_floats(a, b),
        (Bool(a), Bool(b)) => a.cmp(&b),
        (Decimal(a), Decimal(b)) => compare_decimals(a, b),
        (Int(a), Float(b)) => compare_int_float(a, b),
        (Float(a), Int(b)) => compare_int_float(b, a).reverse(),
        (Decimal(a), Float(b)) => compare_float(a, b),
        (Float(a), Decimal(b)) => compare_float(b, a).reverse(),
        (Decimal(a), Int(b)) => compare_decimal_int(a, b),
        (Int(a), Decimal(b)) => compare_decimal_int(b, a).reverse(),
        (Bytes(a), Bytes(b)) => a.cmp(b),
        (Array(a), Array(b)) => a.iter().cmp(b.iter()),
        (Doc(a), Doc(b)) => a.sorted().cmp(&b.sorted()),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: ValueRef) -> u8 {
    match value {
        ValueRef::Null => 0,
        ValueRef::Bool(_) => 1,
        ValueRef::Int(_) | ValueRef::Float(_) | ValueRef::Decimal(_) => 2,
        ValueRef::Date(_) => 3,
        ValueRef::Text(_) => 4,
        ValueRef::Bytes(_) => 5,
        ValueRef::Array(_) => 6,
        ValueRef::Doc(_) => 7,
    }
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn compare_int_float(int: i64, float: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0; // 2^63
    if float.is_nan() || float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64)).then_with(|| compare_floats(whole, float))
}

fn compare_decimal_int(decimal: &str, int: i64) -> Ordering {
    match super::decimal::floor_to_i64(decimal) {
        Some((floor, exact)) => floor.cmp(&int).then(if exact { Ordering::Equal } else { Ordering::Greater }),
        None if super::decimal::Digits::of(decimal).negative => Ordering::Less,
        None => Ordering::Greater,
    }
}
