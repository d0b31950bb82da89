//! Rows and the documents inside them.

use super::*;

fn row(values: &[Value]) -> Row {
    let refs: Vec<_> = values.iter().map(Value::as_ref).collect();
    Row::from_values(&refs)
}

fn fields() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(value(), 0..8)
}

/// A path by the plainest means.
fn follow<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    let Some((segment, rest)) = path.split_first() else {
        return Some(value);
    };
    match value {
        Value::Doc(entries) => follow(&entries.iter().rfind(|(key, _)| key == segment)?.1, rest),
        Value::Array(items) => {
            let index = (0..items.len()).find(|index| index.to_string() == *segment)?;
            follow(&items[index], rest)
        }
        _ => None,
    }
}

/// Reads all there is to read.
fn visit(value: ValueRef) {
    let owned = value.to_value();
    assert_eq!(value, owned.as_ref());
    key(&owned);
    if let ValueRef::Doc(doc) = value {
        for (name, _) in doc {
            assert!(doc.get(name).is_some(), "the key {name:?} is found");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 1500 }))]

    #[test]
    fn a_row_gives_back_what_was_put_in(values in fields()) {
        let row = row(&values);
        prop_assert_eq!(row.len(), values.len());
        for (field, value) in values.iter().enumerate() {
            prop_assert_eq!(written(row.get(field)), written(value.as_ref()));
            prop_assert_eq!(row.is_null(field), value.is_null());
            prop_assert_eq!(row.get(field), value.as_ref());
        }
        prop_assert!(row.get(values.len()).is_null());
        prop_assert!(row.is_null(usize::MAX) && row.get(usize::MAX).is_null());
    }

    #[test]
    fn the_bytes_of_a_row_are_a_row(values in fields()) {
        let row = row(&values);
        let again = Row::from_bytes(row.as_bytes()).unwrap();
        prop_assert_eq!(again.as_bytes(), row.as_bytes());
        prop_assert!(!again.ptr_eq(&row) && row.clone().ptr_eq(&row));
    }

    #[test]
    fn any_bytes_are_a_row_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(row) = Row::from_bytes(&bytes) {
            (0..row.len()).for_each(|field| visit(row.get(field)));
        }
    }

    #[test]
    fn bytes_that_were_tampered_with_are_a_row_or_an_error(
        values in fields(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = row(&values).as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        if let Ok(row) = Row::from_bytes(&bytes) {
            (0..row.len()).for_each(|field| visit(row.get(field)));
        }
    }

    #[test]
    fn a_row_cut_short_or_prolonged_is_an_error(values in fields(), keep in any::<prop::sample::Index>()) {
        let whole = row(&values);
        let bytes = whole.as_bytes();
        prop_assert!(Row::from_bytes(&bytes[..keep.index(bytes.len())]).is_err());
        prop_assert!(Row::from_bytes(&[bytes, &[0]].concat()).is_err());
    }

    #[test]
    fn paths_lead_to_the_same_in_rows_and_in_values(
        value in value(),
        path in prop::collection::vec("[ab\0]{0,2}|[0-4]|01", 0..4),
    ) {
        let row = row(std::slice::from_ref(&value));
        let expected = follow(&value, &path).map(|value| written(value.as_ref()));
        prop_assert_eq!(value.as_ref().at_path(&path).map(written), expected.clone());
        prop_assert_eq!(row.get(0).at_path(&path).map(written), expected);
    }

    #[test]
    fn a_changed_row_keeps_the_other_fields(
        values in fields(),
        changes in prop::collection::vec((0..10usize, value()), 0..4),
    ) {
        let before = row(&values);
        let refs: Vec<_> = changes.iter().map(|(field, value)| (*field, value.as_ref())).collect();
        let after = before.with(&refs);
        let mut expected = values.clone();
        for (field, value) in changes {
            expected.resize(expected.len().max(field + 1), Value::Null);
            expected[field] = value;
        }
        let expected = row(&expected);
        prop_assert_eq!(after.as_bytes(), expected.as_bytes());
        for field in 0..10 {
            let same = written(before.get(field)) == written(after.get(field));
            // A negative zero and the kinds of not-a-number differ in bits only.
            if before.same_field(&after, field) || same {
                prop_assert_eq!(before.get(field), after.get(field));
            }
            prop_assert!(same || !before.same_field(&after, field));
        }
    }

    #[test]
    fn what_is_stored_can_be_stored_again(value in value()) {
        let first = row(&[value]);
        let second = Row::from_values(&[first.get(0)]);
        prop_assert_eq!(first.as_bytes(), second.as_bytes());
    }
}

#[test]
fn a_builder_builds_one_row_after_another() {
    let mut builder = RowBuilder::new();
    let first = builder.push(ValueRef::Int(1)).push(ValueRef::Text("one")).finish();
    assert!(builder.is_empty());
    let second = builder.push(ValueRef::Int(2)).push_from(&first, 1).push_from(&first, 9).finish();
    assert_eq!(second.as_bytes(), row(&[2i64.into(), "one".into(), Value::Null]).as_bytes());
    assert_eq!(Row::from_values(&[]).len(), 0);
}

#[test]
fn rows_are_small() {
    let values =
        [1i64.into(), 300i64.into(), Value::Null, true.into(), "abc".into(), 0.5.into(), (-1i64).into()];
    // Header, an offset byte each, then tags and payloads.
    assert_eq!(row(&values).as_bytes().len(), 1 + 7 + 2 + 3 + 1 + 4 + 9 + 2);
}

#[test]
fn integers_of_every_length_come_back() {
    for shift in 0..64 {
        for by in [-1, 0, 1] {
            let int = (1i64 << shift).wrapping_add(by);
            for int in [int, int.wrapping_neg()] {
                let row = row(&[int.into(), Value::Date(int)]);
                assert_eq!(written(row.get(0)), format!("Int({int})"));
                assert_eq!(written(row.get(1)), format!("Date({int})"));
            }
        }
    }
}

#[test]
fn rows_arrays_and_documents_may_be_large() {
    for count in [62, 63, 64, 255, 256, 257, 1000, 70_000] {
        let items: Vec<Value> = (0..count).map(|item| Value::Int(item as i64)).collect();
        // Keys that do not ascend, so that their order has to be stored.
        let entries: Vec<_> =
            (0..count).rev().map(|item| (format!("key{item}"), Value::Int(item as i64))).collect();
        let row = row(&[Value::Array(items.clone()), Value::Doc(entries), "x".repeat(count).into()]);
        let row = Row::from_bytes(row.as_bytes()).unwrap();
        for item in [0, 1, count / 2, count - 1] {
            let path = |segment: String| [segment];
            let expected = Some(ValueRef::Int(item as i64));
            assert_eq!(row.get(0).at_path(&path(item.to_string())), expected);
            assert_eq!(row.get(1).at_path(&path(format!("key{item}"))), expected);
        }
        assert_eq!(row.get(0).at_path(&[count.to_string()]), None);
        assert_eq!(row.get(1).at_path(&["key".to_owned()]), None);
        assert_eq!(written(row.get(2)), format!("Text({:?})", "x".repeat(count)));
        assert_eq!(Row::from_values(&vec![ValueRef::Bool(true); count]).len(), count);
        assert_eq!(self::row(&items).get(count - 1), ValueRef::Int(count as i64 - 1));
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth| (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]));
    let deepest = nested(MAX_DEPTH);
    assert!(deepest.check_depth().is_ok());
    assert!(Row::from_bytes(row(&[deepest]).as_bytes()).is_ok());
    let deeper = nested(MAX_DEPTH + 1);
    assert_eq!(deeper.check_depth().unwrap_err().code, crate::error::ErrorCode::OutOfRange);
    let error = Row::from_bytes(row(&[deeper]).as_bytes()).unwrap_err();
    assert_eq!(error.code, crate::error::ErrorCode::Corrupt);
}

#[test]
fn a_null_on_the_way_is_not_a_value() {
    let doc = Value::Doc(vec![("a".into(), Value::Null), ("list".into(), Value::Array(vec![7i64.into()]))]);
    let row = row(&[doc]);
    let at = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|segment| segment.to_string()).collect();
        row.get(0).at_path(&path).map(written)
    };
    assert_eq!(at(&["a"]).as_deref(), Some("Null"));
    assert_eq!(at(&["a", "b"]), None);
    assert_eq!(at(&["b"]), None);
    assert_eq!(at(&["list", "0"]).as_deref(), Some("Int(7)"));
    for segment in ["1", "-1", "+0", "00", "", "x", "99999999999999999999"] {
        assert_eq!(at(&["list", segment]), None, "{segment}");
    }
}

#[test]
fn an_order_of_keys_that_is_none_is_refused() {
    let doc = Value::Doc(vec![("b".into(), 1i64.into()), ("a".into(), 2i64.into())]);
    let row = row(&[doc]);
    let (entries, order) = row.as_bytes().split_at(row.as_bytes().len() - 2);
    assert_eq!(order, [1, 0]);
    for wrong in [[0, 1], [0, 0], [1, 1], [1, 2], [255, 0]] {
        let error = Row::from_bytes(&[entries, &wrong].concat()).unwrap_err();
        assert_eq!(error.code, crate::error::ErrorCode::Corrupt, "{wrong:?}");
    }
}
