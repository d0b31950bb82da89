//! Order, and keys that keep it.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 3000 }))]

    #[test]
    fn numbers_compare_by_exact_value((a, b) in pair()) {
        if let (Some(x), Some(y)) = (exact(&a), exact(&b)) {
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        }
    }

    #[test]
    fn keys_order_as_values_do((a, b) in pair()) {
        prop_assert_eq!(key(&a).cmp(&key(&b)), compare(a.as_ref(), b.as_ref()));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }

    #[test]
    fn no_key_begins_a_different_one((a, b) in pair()) {
        prop_assert_eq!(key(&b).starts_with(&key(&a)), a == b);
    }

    #[test]
    fn keys_in_a_row_order_as_tuples(pairs in prop::collection::vec(pair(), 1..4)) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let keys = |values: &[Value]| values.iter().flat_map(key).collect::<Vec<_>>();
        prop_assert_eq!(keys(&a).cmp(&keys(&b)), a.cmp(&b));
    }

    #[test]
    fn skip_key_finds_the_end_of_each(values in prop::collection::vec(value(), 0..5), tail in bytes()) {
        let mut all = Vec::new();
        let mut ends = vec![0];
        for value in &values {
            encode_key(&mut all, value.as_ref());
            ends.push(all.len());
        }
        all.extend(tail);
        for (components, end) in ends.iter().enumerate() {
            prop_assert_eq!(skip_key(&all, components), *end);
        }
    }

    #[test]
    fn skip_key_stays_within_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40), components in 0..9usize) {
        prop_assert!(skip_key(&bytes, components) <= bytes.len());
    }

    #[test]
    fn skip_key_stays_within_a_cut_key(value in value(), keep in any::<prop::sample::Index>()) {
        let whole = key(&value);
        let cut = &whole[..keep.index(whole.len())];
        prop_assert_eq!(skip_key(cut, 1), cut.len());
    }

    #[test]
    fn a_successor_parts_what_begins_with_a_prefix_from_the_rest(prefix in bytes(), other in bytes()) {
        match successor(&prefix) {
            Some(next) => {
                prop_assert!(next > prefix);
                prop_assert_eq!(other >= prefix && other < next, other.starts_with(&prefix));
            }
            None => prop_assert!(prefix.iter().all(|&byte| byte == 0xff)),
        }
    }

    #[test]
    fn a_text_prefix_begins_the_keys_of_texts_that_begin_so(a in text(), b in text()) {
        for (start, whole) in [(&a, &b), (&a, &format!("{a}{b}"))] {
            let mut prefix = Vec::new();
            encode_text_prefix(&mut prefix, start);
            let whole_key = key(&Value::from(whole.as_str()));
            prop_assert_eq!(whole_key.starts_with(&prefix), whole.starts_with(start.as_str()));
        }
    }
}

#[test]
fn the_order_is_as_documented() {
    let doc = |entries: &[(&str, i64)]| {
        Value::Doc(entries.iter().map(|(key, value)| (key.to_string(), Value::Int(*value))).collect())
    };
    let decimal = |text: &str| Value::Decimal(Decimal::parse(text).unwrap());
    let ascending = [
        Value::Null,
        false.into(),
        true.into(),
        f64::NEG_INFINITY.into(),
        decimal("-1e400"),
        f64::MIN.into(),
        i64::MIN.into(),
        decimal("-9007199254740993.5"),
        (-9007199254740993i64).into(),
        (-9007199254740992f64).into(),
        (-1i64).into(),
        decimal("-0.1"),
        (-5e-324).into(),
        decimal("-1e-400"),
        0i64.into(),
        decimal("1e-400"),
        5e-324.into(),
        decimal("0.1"),
        0.1.into(),
        decimal("0.2"),
        1i64.into(),
        decimal("1.00000000000000000000000000001"),
        1.5.into(),
        9007199254740992f64.into(),
        9007199254740993i64.into(),
        decimal("9007199254740993.000001"),
        9007199254740994f64.into(),
        (i64::MAX - 1).into(),
        i64::MAX.into(),
        decimal("9223372036854775807.5"),
        9223372036854775808f64.into(),
        decimal("9223372036854775808.5"),
        f64::MAX.into(),
        decimal("1e400"),
        f64::INFINITY.into(),
        f64::NAN.into(),
        Value::Date(-1),
        Value::Date(0),
        "".into(),
        "\0".into(),
        "\0a".into(),
        "\u{1}".into(),
        "a".into(),
        "a\0".into(),
        "ab".into(),
        "\u{ffff}".into(),
        "😀".into(),
        Value::Bytes(vec![]),
        Value::Bytes(vec![0]),
        Value::Bytes(vec![255]),
        Value::Array(vec![]),
        Value::Array(vec![Value::Null]),
        Value::Array(vec![1i64.into()]),
        Value::Array(vec![1i64.into(), Value::Null]),
        Value::Array(vec![Value::Array(vec![])]),
        doc(&[]),
        doc(&[("a", 1)]),
        doc(&[("b", 1), ("a", 1)]),
        doc(&[("a", 2)]),
        doc(&[("b", 0)]),
    ];
    for (i, a) in ascending.iter().enumerate() {
        for (j, b) in ascending.iter().enumerate() {
            assert_eq!(a.cmp(b), i.cmp(&j), "{a:?} and {b:?}");
            assert_eq!(key(a).cmp(&key(b)), i.cmp(&j), "the keys of {a:?} and {b:?}");
        }
    }
}

#[test]
fn what_is_equal_has_one_key() {
    let decimal = |text: &str| Value::Decimal(Decimal::parse(text).unwrap());
    let doc = |entries: &[(&str, i64)]| {
        Value::Doc(entries.iter().map(|(key, value)| (key.to_string(), Value::Int(*value))).collect())
    };
    let groups = [
        vec![0i64.into(), 0.0.into(), (-0.0).into(), decimal("-0.00"), decimal("0e9")],
        vec![5i64.into(), 5.0.into(), decimal("5.000"), decimal("0.5e1")],
        vec![f64::NAN.into(), (-f64::NAN).into()],
        vec![decimal("0.1"), decimal(".1"), decimal("1e-1"), decimal("+0.10")],
        vec![doc(&[("a", 1), ("b", 2)]), doc(&[("b", 2), ("a", 1)]), doc(&[("a", 7), ("b", 2), ("a", 1)])],
    ];
    for group in groups {
        for (a, b) in group.iter().flat_map(|a| group.iter().map(move |b| (a, b))) {
            assert_eq!(a, b);
            assert_eq!(key(a), key(b));
        }
    }
}

#[test]
fn keys_of_common_values_are_short() {
    assert_eq!(key(&1i64.into()).len(), 9);
    assert_eq!(key(&i64::MAX.into()).len(), 11);
    assert_eq!(key(&"abc".into()).len(), 5);
    assert_eq!(key(&Value::Decimal(Decimal::parse("19.5").unwrap())).len(), 9);
    assert_eq!(key(&Value::Decimal(Decimal::parse("19.99").unwrap())).len(), 14);
}

#[test]
fn a_successor_of_nothing_is_nothing() {
    assert_eq!(successor(b""), None);
    assert_eq!(successor(b"\xff\xff"), None);
    assert_eq!(successor(b"a\xff").as_deref(), Some(&b"b"[..]));
}
