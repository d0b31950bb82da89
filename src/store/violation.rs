//! The errors of constraints: each names the collection, the constraint, the
//! fields and, shortened, the values.

use crate::catalog::{FieldDef, ForeignKey, IndexSpec, Schema};
use crate::error::{Error, ErrorCode};
use crate::value::{Row, Value, ValueRef};

/// An error about a row, made of what messages call it: names the collection, the fields of the key and their values.
pub(super) fn of_row(schema: &Schema, row: &Row, error: impl FnOnce(&str) -> Error) -> Error {
    let fields = schema.field_names(&schema.primary);
    let key = schema.shown(row, &schema.primary);
    let called = format!("row ({}) = {key} of collection \"{}\"", fields.join(", "), schema.name());
    error(&called).of_collection(schema.name()).of_fields(fields).of_key(schema.key_json(row))
}

/// Another row has the primary key of this one.
pub(super) fn primary(schema: &Schema, row: &Row) -> Error {
    let fields = schema.field_names(&schema.primary);
    let message = format!(
        "primary key of collection \"{}\": another row has ({}) = {}",
        schema.name(),
        fields.join(", "),
        schema.shown(row, &schema.primary)
    );
    Error::new(ErrorCode::Unique, message)
        .of_collection(schema.name())
        .of_constraint("primary")
        .of_fields(fields)
}

/// Another row has the values of this one in a unique index.
pub(super) fn unique(schema: &Schema, spec: &IndexSpec, row: &Row) -> Error {
    let paths: Vec<String> = spec
        .components
        .iter()
        .map(|part| {
            let field = std::iter::once(schema.field_name(part.position));
            field.chain(part.json.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
        })
        .collect();
    let values: Vec<String> = spec.components.iter().map(|part| part.of(row).short().to_string()).collect();
    let message = format!(
        "unique index \"{}\" of collection \"{}\": another row has ({}) = ({})",
        spec.name,
        schema.name(),
        paths.join(", "),
        values.join(", ")
    );
    let mut fields: Vec<&str> = spec.components.iter().map(|part| schema.field_name(part.position)).collect();
    fields.dedup();
    Error::new(ErrorCode::Unique, message)
        .of_collection(schema.name())
        .of_constraint(&spec.name)
        .of_fields(fields)
}

/// A field that must not be null is.
pub(super) fn not_null(schema: &Schema, position: usize) -> Error {
    let field = schema.field_name(position);
    let message = format!("field \"{field}\" of collection \"{}\" must not be null", schema.name());
    Error::new(ErrorCode::NotNull, message).of_collection(schema.name()).of_fields([field])
}

/// A text is not among those that an enumeration has.
pub(super) fn choice(schema: &Schema, field: &FieldDef, value: &Value) -> Error {
    let choices: Vec<String> =
        field.one_of.iter().flatten().map(|choice| ValueRef::Text(choice).short().to_string()).collect();
    let message = format!(
        "field \"{}\" of collection \"{}\" must be one of {}, not {}",
        field.name,
        schema.name(),
        choices.join(", "),
        value.as_ref().short()
    );
    Error::new(ErrorCode::Check, message)
        .of_collection(schema.name())
        .of_constraint(&field.name)
        .of_fields([field.name.as_str()])
}

/// A row points at nothing.
pub(super) fn dangling(schema: &Schema, foreign: &ForeignKey, target: &Schema, row: &Row) -> Error {
    let fields = schema.field_names(&foreign.fields);
    let message = format!(
        "foreign key \"{}\" of collection \"{}\": ({}) = {}, but \"{}\" has no row with such ({})",
        foreign.name,
        schema.name(),
        fields.join(", "),
        schema.shown(row, &foreign.fields),
        target.name(),
        target.field_names(&foreign.target_fields).join(", ")
    );
    of_foreign(schema, foreign, message)
}

/// A row that others point at goes or changes its key.
pub(super) fn referenced(
    schema: &Schema,
    foreign: &ForeignKey,
    target: &Schema,
    row: &Row,
    rows: usize,
) -> Error {
    let plural = if rows == 1 { "row of" } else { "rows of" };
    let message = format!(
        "foreign key \"{}\" of collection \"{}\": {rows} {plural} \"{}\" still point at ({}) = {} of \"{}\"",
        foreign.name,
        schema.name(),
        schema.name(),
        target.field_names(&foreign.target_fields).join(", "),
        target.shown(row, &foreign.target_fields),
        target.name()
    );
    of_foreign(schema, foreign, message)
}

/// A foreign key is violated; the message says how.
pub(super) fn of_foreign(schema: &Schema, foreign: &ForeignKey, message: String) -> Error {
    Error::new(ErrorCode::ForeignKey, message)
        .of_collection(schema.name())
        .of_constraint(&foreign.name)
        .of_fields(schema.field_names(&foreign.fields))
}
