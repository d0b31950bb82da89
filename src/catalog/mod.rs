//! What collections are: fields, keys, indexes and constraints.
//!
//! A caller describes a database by a [`SchemaDef`]; [`Catalog::resolve`] checks
//! it and turns names into positions; [`diff`] tells what leads from one to the
//! other; [`coerce`] brings a value to the type of its field. Nothing here knows
//! of stored data.

mod coerce;
mod def;
mod default;
mod diff;
mod member;
mod misfit;
mod rename;
mod resolve;
mod schema;
mod suggest;

pub use coerce::{coerce, coerce_compared, coerced};
pub use def::{CollectionDef, DefaultDef, FieldDef, FieldType, ForeignDef, IndexDef, Path, Rule, SchemaDef};
pub use default::{DefaultValue, now};
pub use diff::{Change, DiffOptions, diff, merge};
pub use member::{MEMBER, member_row, member_schema};
pub use misfit::{Misfit, Why};
pub use rename::Rename;
pub use schema::{
    Access, Catalog, CollectionId, Component, FIRST_FIELD, Field, ForeignKey, INSERTED, Incoming,
    IndexOrigin, IndexSpec, Schema, UPDATED,
};
pub use suggest::unknown;
