//! Values as byte strings that sort as the values do.
//!
//! Two laws hold for all values: keys order as [`compare`](super::compare)
//! does, and no key is the beginning of a different one. So components can be
//! put one after another and order as tuples, and the entries that begin with a
//! key are exactly those with an equal component.
//!
//! A number is its tag, which holds the sign, and the order-preserving bits of a
//! double: the nearest to an integer, the greatest not above a decimal. Where
//! doubles are too far apart for integers (from 2^53 on), what the integer has
//! more or less than the double follows. The last bit of these bytes says
//! whether it is all; if not, the digits of the decimal follow.

use super::ValueRef;
use super::decimal::{Digits, compare_float, floor_to_i64, nearest};

/// First bytes of keys, in the order of types. All lie above `END`.
mod tag {
    pub const NULL: u8 = 0x10;
    pub const FALSE: u8 = 0x20;
    pub const TRUE: u8 = 0x21;
    pub const NEGATIVE: u8 = 0x30;
    pub const POSITIVE: u8 = 0x31;
    pub const DATE: u8 = 0x40;
    pub const TEXT: u8 = 0x50;
    pub const BYTES: u8 = 0x60;
    pub const ARRAY: u8 = 0x70;
    pub const DOC: u8 = 0x80;
}

/// Ends texts, bytes, arrays, documents and the digits of a positive decimal.
const END: u8 = 0;
/// In texts and bytes: the next byte less one is `END` or `ESCAPE` itself.
const ESCAPE: u8 = 1;
/// Added to exponents and remainders, which thereby are never negative.
const EXPONENT_BIAS: i64 = 0x8000;
const REMAINDER_BIAS: i128 = 0x4000;
/// From here on (2^53) not every integer is a double.
const SPARSE: f64 = 9_007_199_254_740_992.0;
const SIGN: u64 = 1 << 63;

/// Appends the key of a value.
pub fn encode_key(out: &mut Vec<u8>, value: ValueRef) {
    match value {
        ValueRef::Null => out.push(tag::NULL),
        ValueRef::Bool(false) => out.push(tag::FALSE),
        ValueRef::Bool(true) => out.push(tag::TRUE),
        ValueRef::Int(value) => encode_int(out, value, true),
        ValueRef::Float(value) => encode_number(out, value, 0, true),
        ValueRef::Decimal(text) => encode_decimal(out, text),
        ValueRef::Date(value) => {
            out.push(tag::DATE);
            out.extend_from_slice(&(value as u64 ^ SIGN).to_be_bytes());
        }
        ValueRef::Text(text) => {
            encode_text_prefix(out, text);
            out.push(END);
        }
        ValueRef::Bytes(bytes) => {
            out.push(tag::BYTES);
            escape(out, bytes);
            out.push(END);
        }
        ValueRef::Array(items) => {
            out.push(tag::ARRAY);
            items.iter().for_each(|item| encode_key(out, item));
            out.push(END);
        }
        ValueRef::Doc(doc) => {
            out.push(tag::DOC);
            for (key, value) in doc.sorted() {
                encode_key(out, ValueRef::Text(key));
                encode_key(out, value);
            }
            out.push(END);
        }
    }
}

/// Appends what the keys of all texts that begin with `text`, and no others,
/// begin with.
pub fn encode_text_prefix(out: &mut Vec<u8>, text: &str) {
    out.push(tag::TEXT);
    escape(out, text.as_bytes());
}

fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    // Looks at every byte even after a find, which lets it look at many at once.
    if !bytes.iter().fold(false, |found, &byte| found | (byte <= ESCAPE)) {
        return out.extend_from_slice(bytes);
    }
    for &byte in bytes {
        if byte <= ESCAPE {
            out.extend_from_slice(&[ESCAPE, byte + 1]);
        } else {
            out.push(byte);
        }
    }
}

fn encode_int(out: &mut Vec<u8>, value: i64, complete: bool) {
    if complete && value.unsigned_abs() < SPARSE as u64 {
        return encode_ordered(out, (value as f64).to_bits(), 0);
    }
    let near = value as f64;
    encode_number(out, near, i128::from(value) - near as i128, complete);
}

fn encode_number(out: &mut Vec<u8>, float: f64, remainder: i128, complete: bool) {
    // One zero and one not-a-number.
    let float = if float.is_nan() { f64::NAN.abs() } else { float + 0.0 };
    let more = u64::from(!complete);
    if is_sparse(float) {
        encode_ordered(out, float.to_bits(), 0);
        let remainder = (remainder + REMAINDER_BIAS) as u64;
        out.extend_from_slice(&((remainder << 1 | more) as u16).to_be_bytes());
    } else {
        encode_ordered(out, float.to_bits(), more);
    }
}

/// Appends the sign and the other bits of a double, with one bit behind them.
fn encode_ordered(out: &mut Vec<u8>, bits: u64, last: u64) {
    let (sign, ordered) = match bits & SIGN {
        0 => (tag::POSITIVE, bits << 1),
        _ => (tag::NEGATIVE, !bits << 1),
    };
    let mut key = [sign; 9];
    let [_, rest @ ..] = &mut key;
    *rest = (ordered | last).to_be_bytes();
    out.extend_from_slice(&key);
}

fn is_sparse(float: f64) -> bool {
    float.is_nan() || float.abs() >= SPARSE
}

fn encode_decimal(out: &mut Vec<u8>, text: &str) {
    let near = nearest(text);
    let complete = match floor_to_i64(text).filter(|_| is_sparse(near)) {
        Some((floor, exact)) => {
            encode_int(out, floor, exact);
            exact
        }
        None => {
            let order = compare_float(text, near);
            let floor = if order.is_lt() { near.next_down() } else { near };
            encode_number(out, floor, 0, order.is_eq());
            order.is_eq()
        }
    };
    if !complete {
        encode_digits(out, Digits::of(text));
    }
}

/// Exponent, then the digits in pairs, each pair plus one; all inverted where
/// the decimal is negative, so that a greater magnitude is less.
fn encode_digits(out: &mut Vec<u8>, digits: Digits) {
    let mask = if digits.negative { 0xff } else { 0 };
    let exponent = (digits.exponent + EXPONENT_BIAS) as u16;
    out.extend(exponent.to_be_bytes().map(|byte| byte ^ mask));
    let mut rest = digits.iter();
    while let Some(tens) = rest.next() {
        let pair = tens * 10 + rest.next().unwrap_or(0);
        out.push((pair + 1) ^ mask);
    }
    out.push(END ^ mask);
}

/// The length of the first `components` keys at the start of `bytes`; all of
/// them, where there are fewer.
pub fn skip_key(bytes: &[u8], components: usize) -> usize {
    let mut at = 0;
    for _ in 0..components {
        match skip_one(bytes, at) {
            Some(end) => at = end,
            None => return bytes.len(),
        }
    }
    at
}

/// Where the key that starts at `at` ends.
fn skip_one(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    let mut open = 0usize;
    loop {
        let tag = *bytes.get(at)?;
        at += 1;
        match tag {
            END => open = open.checked_sub(1)?,
            tag::ARRAY | tag::DOC => open += 1,
            tag::NEGATIVE | tag::POSITIVE => at = skip_number(bytes, at, tag)?,
            tag::DATE => at += 8,
            tag::TEXT | tag::BYTES => at = find(bytes, at, END)?,
            _ => {}
        }
        if at > bytes.len() {
            return None;
        }
        if open == 0 {
            return Some(at);
        }
    }
}

/// A number, from behind its tag.
fn skip_number(bytes: &[u8], at: usize, tag: u8) -> Option<usize> {
    let word = u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?);
    let float = match tag {
        tag::NEGATIVE => f64::from_bits(!(word >> 1)),
        _ => f64::from_bits(word >> 1),
    };
    let end = if is_sparse(float) { at + 10 } else { at + 8 };
    if bytes.get(end - 1)? & 1 == 0 {
        return Some(end);
    }
    find(bytes, end + 2, if tag == tag::NEGATIVE { !END } else { END })
}

/// Behind the first `wanted` at or after `at`.
fn find(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    Some(at + bytes.get(at..)?.iter().position(|&byte| byte == wanted)? + 1)
}

/// The smallest byte string above everything that begins with `prefix`; `None`
/// where there is none, which no prefix of a key is concerned by unless empty.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    if let Some(byte) = next.last_mut() {
        *byte += 1;
    }
    Some(next)
}
