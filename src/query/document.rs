//! How documents and arrays relate, as PostgreSQL's operators on jsonb define it.

use crate::value::ValueRef;

/// Whether `outer` contains `inner` (`@>`): scalars when equal, documents when
/// each entry of `inner` is contained in that of the same key, arrays when each
/// member of `inner` is contained in some member. At the top an array contains a
/// scalar that is one of its members.
pub(super) fn contains(outer: ValueRef<'_>, inner: ValueRef<'_>) -> bool {
    match (outer, inner) {
        (ValueRef::Array(_), ValueRef::Array(_) | ValueRef::Doc(_)) => contains_below(outer, inner),
        (ValueRef::Array(items), scalar) => items.iter().any(|item| item == scalar),
        _ => contains_below(outer, inner),
    }
}

fn contains_below(outer: ValueRef<'_>, inner: ValueRef<'_>) -> bool {
    match (outer, inner) {
        (ValueRef::Array(items), ValueRef::Array(wanted)) => {
            wanted.iter().all(|wanted| items.iter().any(|item| contains_below(item, wanted)))
        }
        (ValueRef::Doc(outer), ValueRef::Doc(inner)) => inner
            .iter()
            .all(|(key, wanted)| outer.get(key).is_some_and(|value| contains_below(value, wanted))),
        (outer, inner) => outer == inner,
    }
}

/// Whether two arrays have a member in common (`&&`). A scalar counts as an array of itself.
pub(super) fn overlap(a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    match (a, b) {
        (ValueRef::Array(a), ValueRef::Array(b)) => a.iter().any(|item| b.iter().any(|other| item == other)),
        (ValueRef::Array(items), scalar) | (scalar, ValueRef::Array(items)) => {
            items.iter().any(|item| item == scalar)
        }
        (a, b) => a == b,
    }
}

/// Whether a document has a key, or an array that text as a member (`?`).
pub(super) fn has_key(value: ValueRef<'_>, key: &str) -> bool {
    match value {
        ValueRef::Doc(doc) => doc.get(key).is_some(),
        ValueRef::Array(items) => items.iter().any(|item| item == ValueRef::Text(key)),
        ValueRef::Text(text) => text == key,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn json(text: &str) -> Value {
        Value::from_json(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn contains_as_postgres_does() {
        let cases = [
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            (r#"{"a":1}"#, r#"{}"#, true),
            (r#"{"a":{"b":[1,2]}}"#, r#"{"a":{"b":[2]}}"#, true),
            (r#"{"a":[1]}"#, r#"{"a":1}"#, false),
            ("[1,2,3]", "[3,1,1]", true),
            ("[1,2,3]", "[4]", false),
            ("[1,2,3]", "[]", true),
            ("[]", "[]", true),
            ("[]", "[1]", false),
            ("[1,2]", "2", true),
            ("2", "[2]", false),
            ("[[1,2],3]", "[[1]]", true),
            ("[[1,2],3]", "[1]", false),
            ("[1,2]", r#"{"a":1}"#, false),
            ("1", "1.0", true),
            ("null", "null", true),
        ];
        for (outer, inner, expected) in cases {
            assert_eq!(contains(json(outer).as_ref(), json(inner).as_ref()), expected, "{outer} @> {inner}");
        }
    }

    #[test]
    fn overlaps_when_a_member_is_shared() {
        for (a, b, expected) in [
            ("[1,2]", "[2,3]", true),
            ("[1]", "[2]", false),
            ("[]", "[]", false),
            (r#"["a"]"#, r#""a""#, true),
        ] {
            assert_eq!(overlap(json(a).as_ref(), json(b).as_ref()), expected, "{a} && {b}");
        }
    }

    #[test]
    fn finds_keys_and_members() {
        for (value, key, expected) in [
            (r#"{"a":null}"#, "a", true),
            (r#"{"a":{"b":1}}"#, "b", false),
            (r#"["a","b"]"#, "b", true),
            ("[1]", "1", false),
            (r#"{"__proto__":1}"#, "__proto__", true),
        ] {
            assert_eq!(has_key(json(value).as_ref(), key), expected, "{value} ? {key}");
        }
    }
}
