//! Bringing values to the type of their field.
//!
//! What is allowed follows the assignment casts of PostgreSQL and the column
//! affinity of SQLite where they agree; nothing is changed without being exact,
//! but for a double that stands for a decimal text.

use std::borrow::Cow;

use super::def::{FieldDef, FieldType};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Decimal, Value, format_date, parse_date};

/// The greatest distance from 1970 that a JavaScript date can have, in milliseconds.
pub(super) const MAX_DATE: i64 = 8_640_000_000_000_000;
/// 2^63, the first double above every 64-bit integer.
const INT_END: f64 = 9_223_372_036_854_775_808.0;

/// The value as the field stores and compares it; null stays null.
///
/// # Errors
/// `TypeMismatch` where the field cannot hold such a value, `OutOfRange` where
/// it is too great, `NotFinite` for not-a-number and the infinities.
pub fn coerce(field: &FieldDef, value: Value) -> Result<Value> {
    to_type(field.kind, value)
        .map_err(|(problem, value)| problem.into_error(field, &value, "cannot be stored in"))
}

/// As [`coerce`], of a value that the field is only compared with.
///
/// # Errors
/// Those of [`coerce`].
pub fn coerce_compared(field: &FieldDef, value: Value) -> Result<Value> {
    to_type(field.kind, value)
        .map_err(|(problem, value)| problem.into_error(field, &value, "cannot be compared with"))
}

/// As [`coerce`], of a value that need not be one's own where it is of the type already.
///
/// # Errors
/// Those of [`coerce`].
pub fn coerced<'v>(field: &FieldDef, value: Cow<'v, Value>) -> Result<Cow<'v, Value>> {
    if is_of_type(field.kind, &value) { Ok(value) } else { coerce(field, value.into_owned()).map(Cow::Owned) }
}

/// Whether a value certainly is as the field stores it.
fn is_of_type(kind: FieldType, value: &Value) -> bool {
    match (kind, value) {
        (FieldType::Float, Value::Float(float)) => float.is_finite(),
        (_, Value::Null)
        | (FieldType::Int | FieldType::BigInt, Value::Int(_))
        | (FieldType::Text, Value::Text(_))
        | (FieldType::Bool, Value::Bool(_))
        | (FieldType::Decimal, Value::Decimal(_))
        | (FieldType::Bytes, Value::Bytes(_)) => true,
        _ => false,
    }
}

/// Why a value does not fit; the names are added by [`coerce`].
enum Problem {
    Mismatch,
    Fraction,
    Range,
    NotFinite,
    Depth,
}

/// A failure keeps the value, which the message shows.
type Attempt = std::result::Result<Value, (Problem, Value)>;

impl Problem {
    fn into_error(self, field: &FieldDef, value: &Value, cannot: &str) -> Error {
        let (code, why) = match self {
            Self::Mismatch => (ErrorCode::TypeMismatch, cannot),
            Self::Fraction => (ErrorCode::TypeMismatch, "is not whole, as it must be in"),
            Self::Range => (ErrorCode::OutOfRange, "is out of the range of"),
            Self::NotFinite => {
                (ErrorCode::NotFinite, "holds a number that is not finite, which is refused in")
            }
            Self::Depth => (ErrorCode::OutOfRange, "nests too deep for"),
        };
        let value = value.as_ref();
        // A value that nests too deep is not walked to be shown.
        let shown = if matches!(self, Self::Depth) { String::new() } else { value.short().to_string() };
        let message = format!(
            "{} {shown} {why} field \"{}\" of type {}",
            value.type_name(),
            field.name,
            field.kind.as_str()
        );
        Error::new(code, message).of_fields([field.name.as_str()])
    }
}

fn to_type(kind: FieldType, value: Value) -> Attempt {
    if value.is_null() {
        return Ok(value);
    }
    match kind {
        FieldType::Int => to_number(value),
        FieldType::BigInt => match to_number(value)? {
            value @ Value::Float(_) => Err((Problem::Fraction, value)),
            value => Ok(value),
        },
        FieldType::Float => to_float(value),
        FieldType::Decimal => to_decimal(value),
        FieldType::Bool => match value {
            Value::Bool(_) => Ok(value),
            Value::Int(0 | 1) => Ok(Value::Bool(matches!(value, Value::Int(1)))),
            Value::Float(float) if float == 0.0 || float == 1.0 => Ok(Value::Bool(float == 1.0)),
            value => Err((Problem::Mismatch, value)),
        },
        FieldType::Text => to_text(value),
        FieldType::Date => to_date(value),
        FieldType::Bytes => match value {
            Value::Bytes(_) => Ok(value),
            value => Err((Problem::Mismatch, value)),
        },
        FieldType::Json => to_json(value),
    }
}

/// A whole number as an integer, another as a double.
fn to_number(value: Value) -> Attempt {
    let float = match &value {
        Value::Int(_) => return Ok(value),
        Value::Bool(bool) => return Ok(Value::Int((*bool).into())),
        Value::Date(date) => return Ok(Value::Int(*date)),
        Value::Float(float) => *float,
        Value::Decimal(decimal) => match decimal.to_i64() {
            Some(int) => return Ok(Value::Int(int)),
            None => decimal.to_f64(),
        },
        Value::Text(text) => match parse(text) {
            Ok(decimal) => match decimal.to_i64() {
                Some(int) => return Ok(Value::Int(int)),
                None => decimal.to_f64(),
            },
            Err(problem) => return Err((problem, value)),
        },
        _ => return Err((Problem::Mismatch, value)),
    };
    if float.is_nan() || matches!(value, Value::Float(_)) && float.is_infinite() {
        return Err((Problem::NotFinite, value));
    }
    match float.fract() == 0.0 {
        true if (-INT_END..INT_END).contains(&float) => Ok(Value::Int(float as i64)),
        false if float.is_finite() => Ok(Value::Float(float)),
        _ => Err((Problem::Range, value)),
    }
}

fn to_float(value: Value) -> Attempt {
    let float = match &value {
        Value::Float(float) if float.is_finite() => return Ok(value),
        Value::Float(_) => return Err((Problem::NotFinite, value)),
        Value::Int(int) => *int as f64,
        Value::Bool(bool) => f64::from(u8::from(*bool)),
        Value::Decimal(decimal) => decimal.to_f64(),
        Value::Text(text) => match parse(text) {
            Ok(decimal) => decimal.to_f64(),
            Err(problem) => return Err((problem, value)),
        },
        _ => return Err((Problem::Mismatch, value)),
    };
    if float.is_finite() { Ok(Value::Float(float)) } else { Err((Problem::Range, value)) }
}

fn to_decimal(value: Value) -> Attempt {
    let parsed = match &value {
        Value::Decimal(_) => return Ok(value),
        Value::Int(int) => return Ok(Value::Decimal(Decimal::from(*int))),
        Value::Float(float) if !float.is_finite() => Err(Problem::NotFinite),
        // Adding zero makes one zero of both.
        Value::Float(float) => parse(&(float + 0.0).to_string()),
        Value::Text(text) => parse(text),
        _ => Err(Problem::Mismatch),
    };
    parsed.map(Value::Decimal).map_err(|problem| (problem, value))
}

/// Reads a number as people write it; nothing else that looks like one, such as "inf" or "0x1".
fn parse(text: &str) -> std::result::Result<Decimal, Problem> {
    Decimal::parse(text.trim_ascii()).map_err(|error| match error.code {
        ErrorCode::OutOfRange => Problem::Range,
        _ => Problem::Mismatch,
    })
}

fn to_text(value: Value) -> Attempt {
    Ok(Value::Text(match &value {
        Value::Text(_) => return Ok(value),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) if !float.is_finite() => return Err((Problem::NotFinite, value)),
        Value::Float(float) => (float + 0.0).to_string(),
        Value::Decimal(decimal) => decimal.as_str().to_owned(),
        Value::Date(date) => format_date(*date),
        _ => return Err((Problem::Mismatch, value)),
    }))
}

fn to_date(value: Value) -> Attempt {
    let milliseconds = match &value {
        Value::Date(date) | Value::Int(date) => *date,
        Value::Float(float) if !float.is_finite() => return Err((Problem::NotFinite, value)),
        // As a JavaScript date does, which has no fractions of milliseconds.
        Value::Float(float) => float.trunc() as i64,
        Value::Text(text) => match parse_date(text.trim_ascii()) {
            Ok(date) => date,
            Err(_) => return Err((Problem::Mismatch, value)),
        },
        _ => return Err((Problem::Mismatch, value)),
    };
    if (-MAX_DATE..=MAX_DATE).contains(&milliseconds) {
        Ok(Value::Date(milliseconds))
    } else {
        Err((Problem::Range, value))
    }
}

fn to_json(value: Value) -> Attempt {
    fn finite(value: &Value) -> bool {
        match value {
            Value::Float(float) => float.is_finite(),
            Value::Array(items) => items.iter().all(finite),
            Value::Doc(entries) => entries.iter().all(|(_, item)| finite(item)),
            _ => true,
        }
    }
    if value.check_depth().is_err() {
        return Err((Problem::Depth, value));
    }
    if finite(&value) { Ok(value) } else { Err((Problem::NotFinite, value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(kind: FieldType, value: impl Into<Value>) -> std::result::Result<Value, ErrorCode> {
        let field = FieldDef {
            name: "f".to_owned(),
            kind,
            nullable: true,
            default: None,
            auto_increment: false,
            one_of: None,
        };
        coerce(&field, value.into()).map_err(|error| error.code)
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(Decimal::parse(text).unwrap())
    }

    #[test]
    fn null_fits_every_type() {
        for kind in [FieldType::Int, FieldType::Decimal, FieldType::Bytes, FieldType::Json] {
            assert!(to(kind, Value::Null).unwrap().is_null());
        }
    }

    #[test]
    fn whole_numbers_become_integers() {
        assert!(matches!(to(FieldType::Int, 5.0), Ok(Value::Int(5))));
        assert!(matches!(to(FieldType::Int, -0.0), Ok(Value::Int(0))));
        assert!(matches!(to(FieldType::Int, 5.5), Ok(Value::Float(float)) if float == 5.5));
        assert!(matches!(to(FieldType::Int, true), Ok(Value::Int(1))));
        assert!(matches!(to(FieldType::Int, " 42 "), Ok(Value::Int(42))));
        assert!(matches!(to(FieldType::Int, "4.20e1"), Ok(Value::Int(42))));
        assert!(matches!(to(FieldType::Int, "9223372036854775807"), Ok(Value::Int(i64::MAX))));
        assert!(matches!(to(FieldType::Int, i64::MIN as f64), Ok(Value::Int(i64::MIN))));
        assert!(matches!(to(FieldType::Float, 7), Ok(Value::Float(_))));
        assert_eq!(to(FieldType::BigInt, 1.5), Err(ErrorCode::TypeMismatch));
        assert!(matches!(to(FieldType::BigInt, decimal("12.00")), Ok(Value::Int(12))));
    }

    #[test]
    fn numbers_refuse_what_they_cannot_hold() {
        for text in ["", "abc", "1x", "0x10", "inf", "NaN", "1 2", "--1"] {
            for kind in [FieldType::Int, FieldType::BigInt, FieldType::Float, FieldType::Decimal] {
                assert_eq!(to(kind, text), Err(ErrorCode::TypeMismatch), "{text} in {kind:?}");
            }
        }
        for kind in [
            FieldType::Int,
            FieldType::BigInt,
            FieldType::Float,
            FieldType::Decimal,
            FieldType::Text,
            FieldType::Date,
        ] {
            assert_eq!(to(kind, f64::NAN), Err(ErrorCode::NotFinite), "{kind:?}");
            assert_eq!(to(kind, f64::NEG_INFINITY), Err(ErrorCode::NotFinite), "{kind:?}");
        }
        assert_eq!(to(FieldType::Int, 9_223_372_036_854_775_808.0), Err(ErrorCode::OutOfRange));
        assert_eq!(to(FieldType::BigInt, "9223372036854775808"), Err(ErrorCode::OutOfRange));
        assert_eq!(to(FieldType::Float, "1e999"), Err(ErrorCode::OutOfRange));
        assert_eq!(to(FieldType::Int, Value::Date(5)), Ok(Value::Int(5)));
    }

    #[test]
    fn decimals_keep_their_scale() {
        let scale = |value: Value| match to(FieldType::Decimal, value) {
            Ok(Value::Decimal(decimal)) => decimal.as_str().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(scale("1.10".into()), "1.10");
        assert_eq!(scale(3.into()), "3");
        assert_eq!(scale(0.1.into()), "0.1");
        assert_eq!(scale((-0.0).into()), "0");
    }

    #[test]
    fn booleans_accept_zero_and_one() {
        assert_eq!(to(FieldType::Bool, 0), Ok(false.into()));
        assert_eq!(to(FieldType::Bool, 1.0), Ok(true.into()));
        assert_eq!(to(FieldType::Bool, 2), Err(ErrorCode::TypeMismatch));
        assert_eq!(to(FieldType::Bool, "true"), Err(ErrorCode::TypeMismatch));
    }

    #[test]
    fn texts_take_the_form_of_scalars() {
        assert_eq!(to(FieldType::Text, 1.0), Ok("1".into()));
        assert_eq!(to(FieldType::Text, decimal("1.50")), Ok("1.50".into()));
        assert_eq!(to(FieldType::Text, true), Ok("true".into()));
        assert_eq!(to(FieldType::Text, Value::Date(0)), Ok("1970-01-01T00:00:00.000Z".into()));
        assert_eq!(to(FieldType::Text, Value::Array(vec![])), Err(ErrorCode::TypeMismatch));
        assert_eq!(to(FieldType::Text, b"x".to_vec()), Err(ErrorCode::TypeMismatch));
    }

    #[test]
    fn dates_come_from_text_and_numbers() {
        assert_eq!(to(FieldType::Date, "1970-01-02"), Ok(Value::Date(86_400_000)));
        assert_eq!(to(FieldType::Date, 1.9), Ok(Value::Date(1)));
        assert_eq!(to(FieldType::Date, MAX_DATE + 1), Err(ErrorCode::OutOfRange));
        assert_eq!(to(FieldType::Date, "tomorrow"), Err(ErrorCode::TypeMismatch));
    }

    #[test]
    fn json_takes_anything_finite_and_not_too_deep() {
        let nan = Value::Doc(vec![("a".to_owned(), Value::Array(vec![f64::NAN.into()]))]);
        assert_eq!(to(FieldType::Json, nan), Err(ErrorCode::NotFinite));
        let deep = (0..10_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert_eq!(to(FieldType::Json, deep), Err(ErrorCode::OutOfRange));
        assert_eq!(to(FieldType::Json, "text"), Ok("text".into()));
    }

    #[test]
    fn messages_name_field_type_and_value() {
        let field = FieldDef {
            name: "age".to_owned(),
            kind: FieldType::Int,
            nullable: true,
            default: None,
            auto_increment: false,
            one_of: None,
        };
        let error = coerce(&field, "old".into()).unwrap_err();
        assert_eq!(error.message, "text \"old\" cannot be stored in field \"age\" of type int");
        assert_eq!(error.fields, ["age"]);
    }
}
