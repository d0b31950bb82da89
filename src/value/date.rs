//! Dates as text: ISO 8601 from and to milliseconds since 1970 UTC.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};

use super::ValueRef;
use crate::error::{Error, ErrorCode, Result};

/// Reads `YYYY-MM-DD`, or that with ` HH:MM[:SS[.fraction]]` behind it, parted by
/// a space or `T`, and then perhaps `Z` or `±hh:mm`. Without a zone it is UTC;
/// what is finer than a millisecond is cut off. Other texts are `TypeMismatch`.
pub fn parse_date(text: &str) -> Result<i64> {
    let shaped = text.as_bytes().first().is_some_and(|first| first.is_ascii_digit() || b"+-".contains(first))
        && !text.contains('[');
    let parsed = shaped.then(|| parse(text)).flatten();
    parsed.ok_or_else(|| {
        let shown = ValueRef::Text(text).short();
        let message = format!("{shown} is not a date such as 2024-12-31 or 2024-12-31T23:59:59.999Z");
        Error::new(ErrorCode::TypeMismatch, message)
    })
}

fn parse(text: &str) -> Option<i64> {
    // With a zone first: without one, jiff refuses; the others ignore none.
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(floor_millisecond(moment));
    }
    let civil: DateTime = match text.len() {
        10 => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
        _ => text.parse().ok()?,
    };
    Some(floor_millisecond(civil.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

/// Toward the past, also before 1970: the fraction of the written second is cut.
fn floor_millisecond(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_nanosecond().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// `YYYY-MM-DDTHH:MM:SS.sssZ`; outside of the years -9999 to 9999, the number
/// of milliseconds.
pub fn format_date(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(moment) => format!("{moment:.3}"),
        Err(_) => format!("{milliseconds} ms"),
    }
}
