//! Exact decimals, kept as written and compared by value.

use std::cmp::Ordering;
use std::str::FromStr;

use bigdecimal::BigDecimal;

use crate::error::{Error, ErrorCode, Result};

/// How far the first digit may stand from the decimal point.
const MAX_EXPONENT: i64 = 16_383;

/// An exact decimal that remembers how it was written: `1.10` equals `1.1` and
/// comes back as `1.10`.
#[derive(Clone, Debug)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`. Anything else is
    /// `TypeMismatch`; a magnitude below 10^-16384 or from 10^16383 on is `OutOfRange`.
    pub fn parse(text: &str) -> Result<Self> {
        check(text).map(|()| Self(text.into()))
    }

    /// The text is known to be a decimal.
    pub(super) fn trusted(text: &str) -> Self {
        debug_assert!(check(text).is_ok());
        Self(text.into())
    }

    /// The decimal as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        nearest(&self.0)
    }

    /// The integer of this value, if it is whole and fits.
    pub fn to_i64(&self) -> Option<i64> {
        floor_to_i64(&self.0).filter(|(_, exact)| *exact).map(|(whole, _)| whole)
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self(value.to_string().into())
    }
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_decimals(&self.0, &other.0)
    }
}

/// Whether a text is a decimal.
pub(super) fn check(text: &str) -> Result<()> {
    let (mantissa, exponent) = split_exponent(unsigned(text).1);
    let (whole, fraction) = split_point(mantissa);
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let mantissa_is = digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0;
    let exponent_is = exponent.is_none_or(|text| {
        let (_, magnitude) = sign(text);
        !magnitude.is_empty() && digits(magnitude)
    });
    if !mantissa_is || !exponent_is {
        let shown = super::ValueRef::Text(text).short();
        return Err(Error::new(ErrorCode::TypeMismatch, format!("{shown} is not a decimal number")));
    }
    if Digits::of(text).exponent.abs() > MAX_EXPONENT {
        let shown = super::ValueRef::Text(text).short();
        return Err(Error::new(
            ErrorCode::OutOfRange,
            format!("The decimal {shown} is below 10^-16384 or above 10^16383 in magnitude"),
        ));
    }
    Ok(())
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn unsigned(text: &str) -> (bool, &[u8]) {
    sign(text.as_bytes())
}

fn split_exponent(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn split_point(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

/// A decimal in normal form, without copying it: ±0.DIGITS × 10^exponent, where
/// DIGITS neither starts nor ends with a zero and is empty for zero.
#[derive(Clone, Copy)]
pub(super) struct Digits<'a> {
    pub negative: bool,
    pub exponent: i64,
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl<'a> Digits<'a> {
    pub fn of(text: &'a str) -> Self {
        let (negative, rest) = unsigned(text);
        let (mantissa, exponent) = split_exponent(rest);
        let (whole, fraction) = split_point(mantissa);
        let mut exponent = exponent.map_or(0, read_exponent);
        let whole = trim_start(whole);
        let mut trimmed = Self { negative, exponent: 0, whole, fraction: trim_end(fraction) };
        exponent += whole.len() as i64;
        if whole.is_empty() {
            trimmed.fraction = trim_start(trimmed.fraction);
            exponent -= (trim_end(fraction).len() - trimmed.fraction.len()) as i64;
        }
        if trimmed.fraction.is_empty() {
            trimmed.whole = trim_end(whole);
        }
        if trimmed.is_zero() {
            return Self { negative: false, ..trimmed };
        }
        Self { exponent, ..trimmed }
    }

    pub fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// How many digits there are.
    fn len(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    /// The digits, 0 to 9.
    pub fn iter(&self) -> impl Iterator<Item = u8> + 'a {
        self.whole.iter().chain(self.fraction).map(|byte| byte.wrapping_sub(b'0'))
    }

    fn signum(&self) -> i8 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

/// Saturates where no decimal that is accepted could be.
fn read_exponent(text: &[u8]) -> i64 {
    let (negative, digits) = sign(text);
    let magnitude =
        digits.iter().fold(0i64, |sum, byte| (sum * 10 + i64::from(byte.wrapping_sub(b'0'))).min(1 << 48));
    if negative { -magnitude } else { magnitude }
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let at = digits.iter().position(|&byte| byte != b'0').unwrap_or(digits.len());
    &digits[at..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let end = digits.iter().rposition(|&byte| byte != b'0').map_or(0, |at| at + 1);
    &digits[..end]
}

/// The order of two decimals by value.
pub(super) fn compare_decimals(a: &str, b: &str) -> Ordering {
    let (a, b) = (Digits::of(a), Digits::of(b));
    a.signum().cmp(&b.signum()).then_with(|| {
        let magnitude = a.exponent.cmp(&b.exponent).then_with(|| a.iter().cmp(b.iter()));
        if a.negative { magnitude.reverse() } else { magnitude }
    })
}

/// The nearest double; an infinity where the magnitude is beyond all doubles.
pub(super) fn nearest(decimal: &str) -> f64 {
    decimal.parse().unwrap_or(0.0)
}

/// The order of a decimal and a double, exactly.
pub(super) fn compare_float(decimal: &str, float: f64) -> Ordering {
    let near = nearest(decimal);
    match near.partial_cmp(&float) {
        None => Ordering::Less,
        // Rounding keeps the order, so only what rounds to the same is in doubt.
        Some(Ordering::Equal) => compare_rounded(decimal, float),
        Some(order) => order,
    }
}

/// The order of a decimal and the double nearest to it.
fn compare_rounded(decimal: &str, float: f64) -> Ordering {
    let digits = Digits::of(decimal);
    if float == 0.0 {
        return digits.signum().cmp(&0);
    }
    if float.is_infinite() {
        return 0.0.partial_cmp(&float).unwrap_or(Ordering::Equal);
    }
    if let Some(order) = compare_small(&digits, float.abs()) {
        return if digits.negative { order.reverse() } else { order };
    }
    match (BigDecimal::from_str(decimal), BigDecimal::try_from(float)) {
        (Ok(decimal), Ok(float)) => decimal.cmp(&float),
        _ => {
            debug_assert!(false, "decimals and finite doubles are representable");
            Ordering::Equal
        }
    }
}

/// The order of magnitudes in 128-bit integers, where these suffice: that is
/// for nearly all decimals people write, at a fraction of the cost.
fn compare_small(digits: &Digits, float: f64) -> Option<Ordering> {
    let scale = i64::try_from(digits.len()).ok()? - digits.exponent;
    if digits.len() > 18 || !(0..=19).contains(&scale) {
        return None;
    }
    let mantissa = digits.iter().fold(0u128, |sum, digit| sum * 10 + u128::from(digit));
    let bits = float.to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    if exponent == 0 {
        return None;
    }
    // float = significand / 2^shift
    let significand = u128::from(fraction | 1 << 52);
    let shift = u32::try_from(1075 - exponent).ok()?;
    if shift > 64 {
        return None;
    }
    Some((mantissa << shift).cmp(&(significand * 10u128.pow(scale as u32))))
}

/// The greatest integer not above a decimal, and whether it is equal to it;
/// `None` outside of 64 bits.
pub(super) fn floor_to_i64(decimal: &str) -> Option<(i64, bool)> {
    let digits = Digits::of(decimal);
    if digits.exponent > 19 {
        return None;
    }
    let places = usize::try_from(digits.exponent).unwrap_or(0);
    let magnitude = digits
        .iter()
        .chain(std::iter::repeat(0))
        .take(places)
        .fold(0i128, |sum, digit| sum * 10 + i128::from(digit));
    let exact = digits.len() <= places;
    let floor = match (digits.negative, exact) {
        (false, _) => magnitude,
        (true, true) => -magnitude,
        (true, false) => -magnitude - 1,
    };
    Some((i64::try_from(floor).ok()?, exact))
}
