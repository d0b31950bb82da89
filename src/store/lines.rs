//! Rows as lines of JSON, in the form that dumps have (`driver/dumps/values.ts`).

use serde_json::{Map, Number, Value as Json, json};

use crate::catalog::{FieldType, Schema};
use crate::value::{Row, ValueRef, format_date};

/// The greatest whole number that is exact in JavaScript.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// A row as an object of its fields; without a definition, a list of its values.
pub(super) fn row(schema: Option<&Schema>, row: &Row) -> Json {
    let Some(schema) = schema else {
        return (crate::catalog::FIRST_FIELD..row.len()).map(|at| document(row.get(at))).collect();
    };
    let mut fields: Map<String, Json> = schema
        .fields
        .iter()
        .map(|field| (field.def.name.clone(), value(field.def.kind, row.get(field.position))))
        .collect();
    // More than the definition knows is not lost either.
    for at in schema.width()..row.len() {
        fields.insert(format!("${at}"), document(row.get(at)));
    }
    Json::Object(fields)
}

/// A value of a field; one of another type than that as in a document.
fn value(kind: FieldType, value: ValueRef<'_>) -> Json {
    match (kind, value) {
        (FieldType::BigInt, ValueRef::Int(int)) => Json::String(int.to_string()),
        (FieldType::Int, ValueRef::Int(int)) => int.into(),
        (FieldType::Date, ValueRef::Date(date)) => Json::String(format_date(date)),
        (FieldType::Bytes, ValueRef::Bytes(bytes)) => Json::String(base64(bytes)),
        _ => document(value),
    }
}

/// A value in a document, which has no types to tell what JSON cannot.
fn document(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Bool(bool) => bool.into(),
        ValueRef::Int(int) if (-MAX_SAFE..=MAX_SAFE).contains(&int) => int.into(),
        ValueRef::Int(int) => json!({"$bigint": int.to_string()}),
        ValueRef::Float(float) => Number::from_f64(float).map_or(Json::Null, Json::Number),
        ValueRef::Decimal(text) | ValueRef::Text(text) => text.into(),
        ValueRef::Date(date) => json!({"$date": format_date(date)}),
        ValueRef::Bytes(bytes) => json!({"$bytes": base64(bytes)}),
        ValueRef::Array(items) => items.iter().map(document).collect(),
        ValueRef::Doc(doc) => {
            let object: Map<String, Json> =
                doc.iter().map(|(key, value)| (key.to_owned(), document(value))).collect();
            // What might be taken for one of the above.
            let tagged = object.len() == 1 && object.keys().all(|key| key.starts_with('$'));
            if tagged { json!({"$object": object}) } else { Json::Object(object) }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * at)) as usize & 63).copied().unwrap_or(b'=');
            text.push(if at > group.len() { '=' } else { digit.into() });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn bytes_are_written_in_base64() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0, 128, 255]), "AID/");
    }

    #[test]
    fn what_json_cannot_say_is_an_object_of_one_key() {
        let doc = Value::Doc(vec![
            ("big".to_owned(), Value::Int(1 << 60)),
            ("when".to_owned(), Value::Date(0)),
            ("raw".to_owned(), Value::Bytes(vec![0, 128, 255])),
            ("tag".to_owned(), Value::Doc(vec![("$date".to_owned(), Value::Int(1))])),
        ]);
        let expected = json!({
            "big": {"$bigint": "1152921504606846976"},
            "when": {"$date": "1970-01-01T00:00:00.000Z"},
            "raw": {"$bytes": "AID/"},
            "tag": {"$object": {"$date": 1}},
        });
        assert_eq!(document(doc.as_ref()), expected);
        assert_eq!(value(FieldType::BigInt, ValueRef::Int(5)), json!("5"));
        assert_eq!(value(FieldType::BigInt, ValueRef::Text("x")), json!("x"));
    }
}
