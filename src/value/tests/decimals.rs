//! Decimals: what is one, and how they compare.

use super::*;
use crate::error::ErrorCode;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 3000 }))]

    #[test]
    fn a_decimal_comes_back_as_written(text in decimal_text()) {
        let decimal = Decimal::parse(&text).unwrap();
        prop_assert_eq!(decimal.as_str(), text.as_str());
        prop_assert_eq!(decimal.to_string(), text);
    }

    #[test]
    fn decimals_compare_by_value(a in decimal_text(), b in decimal_text()) {
        let big = |text: &str| BigDecimal::from_str(text).unwrap();
        let (x, y) = (Decimal::parse(&a).unwrap(), Decimal::parse(&b).unwrap());
        prop_assert_eq!(x.cmp(&y), big(&a).cmp(&big(&b)));
    }

    #[test]
    fn zeros_that_mean_nothing_mean_nothing(
        negative in any::<bool>(), zeros in 0..4usize, whole in "[0-9]{1,30}", fraction in "[0-9]{0,30}", more in 0..4usize,
    ) {
        let sign = if negative { "-" } else { "" };
        let a = format!("{sign}{whole}.{fraction}");
        let b = format!("{sign}{}{whole}.{fraction}{}", "0".repeat(zeros), "0".repeat(more));
        let (a, b) = (Value::Decimal(Decimal::parse(&a).unwrap()), Value::Decimal(Decimal::parse(&b).unwrap()));
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(key(&a), key(&b));
    }

    #[test]
    fn any_text_is_a_decimal_or_an_error(text in "[-+0-9.eE ]{0,8}|.{0,8}") {
        let form = text.strip_prefix(['-', '+']).unwrap_or(&text);
        let (mantissa, exponent) = form.split_once(['e', 'E']).map_or((form, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.chars().all(|char| char.is_ascii_digit());
        let well_formed = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
            && exponent.is_none_or(|text| {
                let text = text.strip_prefix(['-', '+']).unwrap_or(text);
                !text.is_empty() && digits(text)
            });
        match Decimal::parse(&text) {
            Ok(_) => prop_assert!(well_formed),
            Err(error) if error.code == ErrorCode::OutOfRange => prop_assert!(well_formed && exponent.is_some()),
            Err(error) => prop_assert!(!well_formed && error.code == ErrorCode::TypeMismatch),
        }
    }

    #[test]
    fn whole_decimals_are_integers(int in int(), zeros in 0..3usize) {
        let decimal = Decimal::parse(&format!("{int}.{}", "0".repeat(zeros))).unwrap();
        prop_assert_eq!(decimal.to_i64(), Some(int));
        prop_assert_eq!(decimal.to_f64(), int as f64);
        prop_assert_eq!(Decimal::parse(&format!("{int}.5")).unwrap().to_i64(), None);
    }
}

#[test]
fn long_decimals_differ_in_the_last_digit() {
    let a = Decimal::parse("1234567890123456789012345678.9012345678901").unwrap();
    let b = Decimal::parse("1234567890123456789012345678.9012345678902").unwrap();
    assert!(a < b);
    assert!(key(&Value::from(a)) < key(&Value::from(b)));
}

#[test]
fn magnitudes_are_bounded() {
    for text in ["1e16383", "-1e-16385", "1e99999999999999999999", "1e-99999999999999999999"] {
        assert_eq!(Decimal::parse(text).unwrap_err().code, ErrorCode::OutOfRange, "{text}");
    }
    for text in ["9e16382", "-1e-16384", "0e99999999999999999999"] {
        assert!(Decimal::parse(text).is_ok(), "{text}");
    }
    let (low, high) = (Decimal::parse("-9.9e16382").unwrap(), Decimal::parse("9.9e16382").unwrap());
    assert!(key(&Value::from(low)) < key(&Value::Float(f64::MIN)));
    assert!(key(&Value::from(high)) > key(&Value::Float(f64::MAX)));
}

#[test]
fn integers_end_at_64_bits() {
    assert_eq!(Decimal::parse("9223372036854775807").unwrap().to_i64(), Some(i64::MAX));
    assert_eq!(Decimal::parse("9223372036854775808").unwrap().to_i64(), None);
    assert_eq!(Decimal::parse("-9223372036854775808").unwrap().to_i64(), Some(i64::MIN));
    assert_eq!(Decimal::parse("-9223372036854775808.1").unwrap().to_i64(), None);
    assert_eq!(Decimal::parse("1e18").unwrap().to_i64(), Some(1_000_000_000_000_000_000));
    assert_eq!(Decimal::parse("1e19").unwrap().to_i64(), None);
    assert_eq!(Decimal::parse("1e-1").unwrap().to_i64(), None);
}
