//! Values from and to JSON.

use std::fmt::Write;

use serde_json::{Map, Number, Value as Json};

use super::{Value, ValueRef, format_date};

impl Value {
    /// The value of a JSON text. Numbers that are whole and fit 64 bits become
    /// integers, however they are written; others become doubles.
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => from_number(number),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => {
                Self::Doc(entries.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect())
            }
        }
    }
}

fn from_number(number: &Number) -> Value {
    if let Some(int) = number.as_i64() {
        return Value::Int(int);
    }
    let float = number.as_f64().unwrap_or(f64::NAN);
    // The casts saturate, and 2^63 - 1 is no double: only what fits comes back the same.
    let int = float as i64;
    if int as f64 == float && int != i64::MAX { Value::Int(int) } else { Value::Float(float) }
}

impl ValueRef<'_> {
    /// The value as JSON: decimals as text, dates as ISO 8601, bytes as `\x`
    /// and hexadecimal digits, numbers that are not finite as null.
    pub fn to_json(self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Int(value) => Json::Number(value.into()),
            Self::Float(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
            Self::Decimal(text) | Self::Text(text) => Json::String(text.to_owned()),
            Self::Date(value) => Json::String(format_date(value)),
            Self::Bytes(bytes) => Json::String(hexadecimal(bytes)),
            Self::Array(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Doc(doc) => Json::Object(
                doc.iter().map(|(key, value)| (key.to_owned(), value.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("\\x"), |mut text, byte| {
        // Writing into a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
