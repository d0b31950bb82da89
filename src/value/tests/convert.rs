//! Values from and to JSON, dates and messages.

use serde_json::json;

use super::*;
use crate::error::ErrorCode;

#[test]
fn whole_json_numbers_are_integers() {
    let read = |json| written(Value::from_json(&json).as_ref());
    assert_eq!(read(json!(1)), "Int(1)");
    assert_eq!(read(json!(1.0)), "Int(1)");
    assert_eq!(read(json!(-1e3)), "Int(-1000)");
    assert_eq!(read(json!(1.5)), "Float(1.5)");
    assert_eq!(read(json!(i64::MIN)), format!("Int({})", i64::MIN));
    assert_eq!(read(json!(i64::MAX)), format!("Int({})", i64::MAX));
    assert_eq!(read(json!(-9223372036854775808.0)), format!("Int({})", i64::MIN));
    assert_eq!(read(json!(9223372036854775808.0)), "Float(9.223372036854776e18)");
    assert_eq!(read(json!(u64::MAX)), "Float(1.8446744073709552e19)");
}

#[test]
fn json_comes_back() {
    let json = json!({"a": [1, 2.5, "x", null, true], "b": {"$set": {}, "__proto__": []}});
    let value = Value::from_json(&json);
    assert_eq!(value.as_ref().to_json(), json);
    assert_eq!(Row::from_values(&[value.as_ref()]).get(0).to_json(), json);
}

#[test]
fn what_json_has_no_form_for_becomes_text() {
    assert_eq!(Value::Date(0).as_ref().to_json(), json!("1970-01-01T00:00:00.000Z"));
    assert_eq!(Value::Bytes(vec![0, 255]).as_ref().to_json(), json!("\\x00ff"));
    assert_eq!(ValueRef::Decimal("1.10").to_json(), json!("1.10"));
    assert_eq!(Value::Float(f64::NAN).as_ref().to_json(), json!(null));
}

#[test]
fn dates_are_read_in_the_usual_forms() {
    let day = 1_709_164_800_000; // 2024-02-29
    for (text, expected) in [
        ("1970-01-01", 0),
        ("2024-02-29", day),
        ("2024-02-29 01:02:03", day + 3_723_000),
        ("2024-02-29T01:02:03", day + 3_723_000),
        ("2024-02-29T01:02:03Z", day + 3_723_000),
        ("2024-02-29 01:02:03Z", day + 3_723_000),
        ("2024-02-29T01:02:03.4", day + 3_723_400),
        ("2024-02-29T01:02:03.456Z", day + 3_723_456),
        ("2024-02-29T01:02:03.456999Z", day + 3_723_456),
        ("2024-02-29T01:02:03.456+02:30", day + 3_723_456 - 9_000_000),
        ("2024-02-29 01:02:03-01:00", day + 3_723_000 + 3_600_000),
        ("2024-02-29T01:02Z", day + 3_720_000),
        ("2024-02-29T01:02", day + 3_720_000),
        ("2024-02-29 01", day + 3_600_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("1969-12-31T23:59:59.9995Z", -1),
        ("0001-01-01", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ] {
        assert_eq!(parse_date(text).ok(), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_date_is_refused_by_name() {
    for text in [
        "",
        "x",
        "2024",
        "2024-13-01",
        "2024-02-30",
        "2024-1-1",
        "2024-01-01T25:00:00",
        "2024-01-01T00:00:00+",
        "2024-01-01T00:00:00Z[Europe/Berlin]",
        "2024-01-01 ",
        " 2024-01-01",
        "12:00:00",
        "2024-01-01T00:00:00 Z",
        "2024-01-01T",
        "1700000000000",
        "2024-01-01Z",
        "20240101",
        "2024-W01-1",
        "now",
    ] {
        let error = parse_date(text).expect_err(text);
        assert_eq!(error.code, ErrorCode::TypeMismatch);
        assert!(error.message.starts_with(&format!("{text:?}")), "{}", error.message);
    }
}

proptest! {
    #[test]
    fn dates_come_back(milliseconds in -377_705_116_800_000..=253_402_300_799_999i64) {
        prop_assert_eq!(parse_date(&format_date(milliseconds)).unwrap(), milliseconds);
    }

    #[test]
    fn any_number_can_be_shown_as_a_date(milliseconds in any::<i64>()) {
        prop_assert!(!format_date(milliseconds).is_empty());
    }

    #[test]
    fn any_text_is_a_date_or_an_error(text in "[-0-9TZ:. +]{0,24}|.{0,12}") {
        if let Ok(milliseconds) = parse_date(&text) {
            prop_assert_eq!(parse_date(&format_date(milliseconds)).unwrap(), milliseconds);
        }
    }

    #[test]
    fn values_in_messages_are_short(value in value()) {
        let shown = value.as_ref().short().to_string();
        // The quotes and the ellipsis come on top.
        prop_assert!(shown.chars().count() <= 43, "{}", shown);
    }
}

#[test]
fn values_in_messages_are_readable() {
    let show = |value: Value| value.as_ref().short().to_string();
    assert_eq!(show(Value::Null), "null");
    assert_eq!(show("O\"Hara\n".into()), r#""O\"Hara\n""#);
    assert_eq!(show("a".repeat(100).into()), format!("\"{}…\"", "a".repeat(40)));
    assert_eq!(show("é".repeat(40).into()), format!("\"{}\"", "é".repeat(40)));
    assert_eq!(show(Value::Date(0)), "1970-01-01T00:00:00.000Z");
    assert_eq!(show(Value::Bytes(vec![0, 171])), "0x00ab");
    assert_eq!(show(Value::from_json(&json!({"a": [1, "b"], "c": null}))), r#"{"a": [1, "b"], "c": null}"#);
    let long = Value::Array((0..1000i64).map(Value::from).collect());
    assert_eq!(show(long), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1…");
}
