//! Dates as text: ISO 8601 from and to milliseconds since 1970 UTC.

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, datetime};
use jiff::fmt::temporal::Pieces;

use super::ValueRef;
use crate::error::{Error, ErrorCode, Result};

/// Where milliseconds are counted from. Civil time reaches to the ends of the
/// years -9999 and 9999, which instants in time do not.
const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);

/// Reads `YYYY-MM-DD`, alone or with `HH:MM:SS.fraction` behind a space or `T`,
/// of which all but the hours may be left out, and then perhaps `Z` or `±hh:mm`.
/// Without a zone it is UTC; what is finer than a millisecond is cut off. Other
/// texts are `TypeMismatch`.
pub fn parse_date(text: &str) -> Result<i64> {
    parse(text).ok_or_else(|| {
        let shown = ValueRef::Text(text).short();
        let message = format!("{shown} is not a date such as 2024-12-31 or 2024-12-31T23:59:59.999Z");
        Error::new(ErrorCode::TypeMismatch, message)
    })
}

fn parse(text: &str) -> Option<i64> {
    // ISO 8601 allows 20241231 too, but that is more likely a number gone astray.
    let dashed = text.trim_start_matches(['+', '-']).contains('-');
    let pieces =
        Pieces::parse(text).ok().filter(|pieces| dashed && pieces.time_zone_annotation().is_none())?;
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let offset = pieces.to_numeric_offset().map_or(0, |offset| offset.seconds());
    let moment = civil.duration_since(EPOCH) - SignedDuration::from_secs(offset.into());
    // Toward the past, also before 1970: the fraction of the written second is cut.
    i64::try_from(moment.as_nanos().div_euclid(1_000_000)).ok()
}

/// `YYYY-MM-DDTHH:MM:SS.sssZ`; outside of the years -9999 to 9999, the number
/// of milliseconds.
pub fn format_date(milliseconds: i64) -> String {
    match EPOCH.checked_add(SignedDuration::from_millis(milliseconds)) {
        Ok(civil) => format!("{civil:.3}Z"),
        Err(_) => format!("{milliseconds} ms"),
    }
}
