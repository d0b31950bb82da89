//! Whether rows that were read are as their collection's definition says.

use super::coerce::MAX_DATE;
use super::def::FieldType;
use super::schema::Schema;
use crate::value::{Row, ValueRef};

/// How a row does not fit its collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The field concerned; empty where it is the row.
    pub field: String,
    /// What it is.
    pub why: Why,
    /// The same for people, said of the row.
    pub what: String,
}

/// Why a row does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has more fields than the collection.
    Fields,
    /// A field that must not be null is.
    Null,
    /// A value is of another type than its field.
    Type,
    /// A text is not among those that the field may hold.
    Choice,
}

impl Schema {
    /// All that keeps a row from being one of this collection.
    pub fn misfits<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = Misfit> + 'a {
        let too_long = (row.len() > self.width()).then(|| Misfit {
            field: String::new(),
            why: Why::Fields,
            what: format!("has {} fields, of which the collection has {}", row.len(), self.width()),
        });
        let of_field = |position: usize| {
            let field = self.field(position)?;
            let name = field.def.name.as_str();
            let value = row.get(position);
            let misfit = |why, what| Some(Misfit { field: name.to_owned(), why, what });
            if value.is_null() {
                return if !field.def.nullable {
                    misfit(Why::Null, format!("has null in field \"{name}\""))
                } else {
                    None
                };
            }
            if !field.def.kind.holds(value) {
                let (kind, shown) = (field.def.kind.as_str(), value.short());
                return misfit(Why::Type, format!("has {shown} in field \"{name}\" of type {kind}"));
            }
            match (&field.def.one_of, value) {
                (Some(choices), ValueRef::Text(text)) if !choices.iter().any(|choice| choice == text) => {
                    misfit(Why::Choice, format!("has {}, which field \"{name}\" may not hold", value.short()))
                }
                _ => None,
            }
        };
        let positions = self.fields.iter().map(|field| field.position);
        too_long.into_iter().chain(positions.filter_map(of_field))
    }
}

impl FieldType {
    /// Whether a value is as fields of this type store it.
    fn holds(self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Float | Self::Int, ValueRef::Float(float)) => float.is_finite(),
            (Self::Date, ValueRef::Date(date)) => (-MAX_DATE..=MAX_DATE).contains(&date),
            (Self::Int | Self::BigInt, ValueRef::Int(_))
            | (Self::Decimal, ValueRef::Decimal(_))
            | (Self::Bool, ValueRef::Bool(_))
            | (Self::Text, ValueRef::Text(_))
            | (Self::Bytes, ValueRef::Bytes(_))
            | (Self::Json, _) => true,
            _ => false,
        }
    }
}
