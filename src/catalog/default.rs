//! Defaults: what an insert puts into a field that it does not mention.

use std::time::{SystemTime, UNIX_EPOCH};

use super::coerce::coerce;
use super::def::{DefaultDef, FieldDef, FieldType};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Value, format_date};

/// A default whose value has the type of its field.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// Always this value.
    Value(Value),
    /// The time of the insert.
    Now(FieldType),
}

impl DefaultValue {
    /// Checks a default against its field: `InvalidSchema` says why it cannot be.
    pub(super) fn resolve(field: &FieldDef) -> Result<Option<Self>> {
        let refuse = |why: String| {
            let message = format!("the default of field \"{}\" {why}", field.name);
            Error::new(ErrorCode::InvalidSchema, message).of_fields([field.name.as_str()])
        };
        match &field.default {
            None => Ok(None),
            Some(DefaultDef::Value(json)) => match coerce(field, Value::from_json(json)) {
                Ok(value) => Ok(Some(Self::Value(value))),
                Err(error) => Err(refuse(format!("does not fit: {error}"))),
            },
            Some(DefaultDef::Now(true)) => match field.kind {
                FieldType::Date | FieldType::Text | FieldType::Int | FieldType::BigInt => {
                    Ok(Some(Self::Now(field.kind)))
                }
                other => Err(refuse(format!("is the time, which type {} cannot hold", other.as_str()))),
            },
            Some(DefaultDef::Now(false)) => {
                Err(refuse("must be {\"now\": true} or {\"value\": …}".to_owned()))
            }
        }
    }

    /// The value for an insert at a time, in milliseconds since 1970 UTC.
    pub fn evaluate(&self, now: i64) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Now(FieldType::Text) => Value::Text(format_date(now)),
            Self::Now(FieldType::Date) => Value::Date(now),
            Self::Now(_) => Value::Int(now),
        }
    }
}

/// The time in milliseconds since 1970 UTC.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
