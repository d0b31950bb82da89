//! Operands of one run: parameters brought to the types of their fields, lists
//! sorted, patterns compiled.

use std::borrow::Cow;
use std::sync::Arc;

use ahash::AHashMap;

use super::execution::defect;
use super::like::Like;
use super::params::Params;
use super::regex::Regex;
use super::shape::{OperandKind, OperandShape, Source, Typed};
use crate::catalog::{FieldType, coerce_compared, coerced};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Value, ValueRef, encode_key};

/// An operand, ready for use.
#[derive(Debug)]
pub(super) enum Operand {
    Value(Value),
    List(List),
    /// Place in a list by key, the first of equal values.
    Ranks(AHashMap<Vec<u8>, usize>),
    Tuples(Tuples),
    Like(Like),
    Regex(Arc<Regex>),
    /// A null in the place of a pattern or list: nothing is known.
    Unknown,
    Keys(Vec<String>),
    /// A number of rows; `None` means all.
    Rows(Option<usize>),
}

/// The values of a list, as keys.
#[derive(Debug)]
pub(super) struct List {
    /// Keys of the values that are not null, sorted, each once.
    pub keys: Vec<Vec<u8>>,
    pub has_null: bool,
}

/// The tuples of a list.
#[derive(Debug, Default)]
pub(super) struct Tuples {
    /// Those without nulls: the values, sorted, each once.
    pub complete: Vec<Vec<Value>>,
    /// Those with nulls, which never equal anything but may leave it unknown.
    pub partial: Vec<Vec<Value>>,
}

/// Makes the operands of a run.
///
/// # Errors
/// `InvalidPlan` for a parameter that is missing or of the wrong kind, those of
/// [`coerce`], those of [`Regex::new`].
pub(super) fn bind(shapes: &[OperandShape], params: &Params) -> Result<Vec<Operand>> {
    shapes.iter().map(|shape| bind_one(shape, params)).collect()
}

fn bind_one(shape: &OperandShape, params: &Params) -> Result<Operand> {
    let value = get(&shape.source, params)?;
    Ok(match &shape.kind {
        OperandKind::Value(field) => Operand::Value(compared(field.as_ref(), value.into_owned())?),
        OperandKind::Stored(_) => Operand::Value(stored(shape, params)?.into_owned()),
        OperandKind::List(field) => match value.into_owned() {
            Value::Null => Operand::Unknown,
            Value::Array(items) => Operand::List(List::new(field.as_ref(), items)?),
            other => return Err(kind(&shape.source, "a list", &other)),
        },
        OperandKind::Ranks(field) => match value.into_owned() {
            Value::Null => Operand::Ranks(AHashMap::new()),
            Value::Array(items) => Operand::Ranks(ranks(field.as_ref(), items)?),
            other => return Err(kind(&shape.source, "a list", &other)),
        },
        OperandKind::Tuples(fields) => match value.into_owned() {
            Value::Null => Operand::Unknown,
            Value::Array(items) => Operand::Tuples(tuples(&shape.source, fields, items)?),
            other => return Err(kind(&shape.source, "a list of tuples", &other)),
        },
        OperandKind::Like(fold) => match value.as_ref() {
            Value::Null => Operand::Unknown,
            other => match text_of(other.as_ref()) {
                Some(pattern) => Operand::Like(Like::new(&pattern, *fold)),
                None => return Err(kind(&shape.source, "a text", other)),
            },
        },
        OperandKind::Regex { flags, last } => {
            let flags = match flags {
                Some(flags) => get(flags, params)?.into_owned(),
                None => Value::Null,
            };
            match (value.as_ref(), &flags) {
                (Value::Null, _) => Operand::Unknown,
                (Value::Text(pattern), Value::Null) => Operand::Regex(last.compile(pattern, "")?),
                (Value::Text(pattern), Value::Text(flags)) => Operand::Regex(last.compile(pattern, flags)?),
                (Value::Text(_), other) | (other, _) => return Err(kind(&shape.source, "a text", other)),
            }
        }
        OperandKind::Keys => match value.into_owned() {
            Value::Null => Operand::Unknown,
            Value::Text(key) => Operand::Keys(vec![key]),
            Value::Array(items) => Operand::Keys(
                items
                    .into_iter()
                    .map(|item| match item {
                        Value::Text(key) => Ok(key),
                        other => Err(kind(&shape.source, "a list of texts", &other)),
                    })
                    .collect::<Result<_>>()?,
            ),
            other => return Err(kind(&shape.source, "a list of texts", &other)),
        },
        OperandKind::Rows => Operand::Rows(rows(&shape.source, value.as_ref())?),
    })
}

fn get<'p>(source: &'p Source, params: &'p Params) -> Result<Cow<'p, Value>> {
    match source {
        Source::Constant(value) => Ok(Cow::Borrowed(value)),
        Source::Parameter(number) => match params.get(*number) {
            Some(Some(value)) => Ok(Cow::Borrowed(value)),
            Some(None) => {
                Err(Error::new(ErrorCode::InvalidPlan, format!("parameter {number} must not be absent")))
            }
            None => Err(Error::new(
                ErrorCode::InvalidPlan,
                format!("parameter {number} is missing: there are {}", params.len()),
            )),
        },
    }
}

/// The value that a field is given.
pub(super) fn stored<'p>(shape: &'p OperandShape, params: &'p Params) -> Result<Cow<'p, Value>> {
    let OperandKind::Stored(field) = &shape.kind else {
        return Err(defect("an operand is not to be stored"));
    };
    coerced(field, get(&shape.source, params)?)
}

/// Appends the key of an operand that a field is compared with; tells whether it has one, which a null has not.
pub(super) fn append_key(shape: &OperandShape, params: &Params, key: &mut Vec<u8>) -> Result<bool> {
    let OperandKind::Value(field) = &shape.kind else { return Ok(false) };
    let value = compared(field.as_ref(), get(&shape.source, params)?.into_owned())?;
    if value.is_null() {
        return Ok(false);
    }
    encode_key(key, value.as_ref());
    Ok(true)
}

/// Whether an operand is certainly a number of rows above none.
pub(super) fn is_positive(shape: &OperandShape, params: &Params) -> bool {
    get(&shape.source, params).is_ok_and(|value| matches!(*value, Value::Int(1..)))
}

/// The value as the field compares it. A number that the field could not hold
/// is a number nevertheless: a whole field may be compared with 1.5.
fn compared(field: Option<&Typed>, value: Value) -> Result<Value> {
    let Some(Typed { field, collection }) = field else { return Ok(value) };
    let numeric =
        matches!(field.kind, FieldType::Int | FieldType::BigInt | FieldType::Float | FieldType::Decimal);
    match &value {
        Value::Int(_) | Value::Decimal(_) if numeric => Ok(value),
        Value::Float(float) if numeric && float.is_finite() => Ok(value),
        _ => coerce_compared(field, value).map_err(|error| {
            let message = format!("collection \"{collection}\": {}", error.message);
            Error { message, ..error }.of_collection(collection)
        }),
    }
}

impl List {
    fn new(field: Option<&Typed>, items: Vec<Value>) -> Result<Self> {
        let mut list = Self { keys: Vec::with_capacity(items.len()), has_null: false };
        for item in items {
            let value = compared(field, item)?;
            if value.is_null() {
                list.has_null = true;
                continue;
            }
            let mut key = Vec::with_capacity(16);
            encode_key(&mut key, value.as_ref());
            list.keys.push(key);
        }
        list.keys.sort_unstable();
        list.keys.dedup();
        Ok(list)
    }
}

fn ranks(field: Option<&Typed>, items: Vec<Value>) -> Result<AHashMap<Vec<u8>, usize>> {
    let mut ranks = AHashMap::with_capacity(items.len());
    for (rank, item) in items.into_iter().enumerate() {
        let mut key = Vec::with_capacity(16);
        encode_key(&mut key, compared(field, item)?.as_ref());
        ranks.entry(key).or_insert(rank);
    }
    Ok(ranks)
}

fn tuples(source: &Source, fields: &[Option<Typed>], items: Vec<Value>) -> Result<Tuples> {
    let mut tuples = Tuples::default();
    for item in items {
        let members = match item {
            Value::Array(members) if members.len() == fields.len() => members,
            other => {
                return Err(kind(source, &format!("a list of tuples of {} values", fields.len()), &other));
            }
        };
        let tuple = members
            .into_iter()
            .zip(fields)
            .map(|(member, field)| compared(field.as_ref(), member))
            .collect::<Result<Vec<_>>>()?;
        if tuple.iter().any(Value::is_null) {
            tuples.partial.push(tuple)
        } else {
            tuples.complete.push(tuple)
        }
    }
    tuples.complete.sort_unstable();
    tuples.complete.dedup();
    Ok(tuples)
}

fn rows(source: &Source, value: &Value) -> Result<Option<usize>> {
    match value {
        Value::Null => Ok(None),
        Value::Int(rows) if *rows >= 0 => Ok(Some(usize::try_from(*rows).unwrap_or(usize::MAX))),
        other => Err(kind(source, "a number of rows", other)),
    }
}

fn kind(source: &Source, expected: &str, found: &Value) -> Error {
    let name = match source {
        Source::Parameter(number) => format!("parameter {number}"),
        Source::Constant(_) => "a constant of the plan".to_owned(),
    };
    let found = found.as_ref();
    let message = format!("{name} must be {expected}, not {} {}", found.type_name(), found.short());
    Error::new(ErrorCode::TypeMismatch, message)
}

/// A scalar as the text that patterns are matched against.
pub(super) fn text_of(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        ValueRef::Text(text) | ValueRef::Decimal(text) => Some(Cow::Borrowed(text)),
        ValueRef::Int(value) => Some(Cow::Owned(value.to_string())),
        ValueRef::Float(value) => Some(Cow::Owned(value.to_string())),
        ValueRef::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
        ValueRef::Date(value) => Some(Cow::Owned(crate::value::format_date(value))),
        ValueRef::Array(_) | ValueRef::Doc(_) => Some(Cow::Owned(value.to_json().to_string())),
        ValueRef::Null | ValueRef::Bytes(_) => None,
    }
}
