//! Committed changes as documents.

use crate::catalog::{Catalog, Schema};
use crate::store::{Change, Commit, Effect};
use crate::value::{Row, Value};

/// The changes of a commit to some collections, or to all: a document for each
/// row, with `sequence`, `type`, `collection`, `key`, `before` and `after`. One of
/// type `reset` stands for a commit that changed more than rows.
pub fn change_documents(commit: &Commit, collections: Option<&[String]>) -> Vec<Value> {
    let sequence = Value::Int(i64::try_from(commit.sequence).unwrap_or(i64::MAX));
    match &commit.change {
        Change::Everything => vec![document([("sequence", sequence), ("type", text("reset"))])],
        Change::Rows(effects) => {
            let wanted = |schema: &Schema| {
                collections.is_none_or(|names| names.iter().any(|name| name == schema.name()))
            };
            let change = |effect| row_change(&sequence, effect, &commit.catalog, &wanted);
            effects.iter().filter_map(change).collect()
        }
    }
}

fn row_change(
    sequence: &Value,
    effect: &Effect,
    catalog: &Catalog,
    wanted: &dyn Fn(&Schema) -> bool,
) -> Option<Value> {
    let schema = catalog.schema(effect.collection).filter(|schema| wanted(schema))?;
    let (kind, keyed) = match (&effect.before, &effect.after) {
        (None, Some(after)) => ("insert", after),
        (Some(before), Some(_)) => ("update", before),
        (Some(before), None) => ("delete", before),
        (None, None) => return None,
    };
    let key = schema.primary.iter().map(|at| (schema.field_name(*at), keyed.get(*at).to_value()));
    let mut entries = vec![
        ("sequence", sequence.clone()),
        ("type", text(kind)),
        ("collection", text(schema.name())),
        ("key", document(key)),
    ];
    entries.extend(effect.before.as_ref().map(|row| ("before", fields(schema, row))));
    entries.extend(effect.after.as_ref().map(|row| ("after", fields(schema, row))));
    Some(document(entries))
}

fn fields(schema: &Schema, row: &Row) -> Value {
    document(schema.fields.iter().map(|field| (field.def.name.as_str(), row.get(field.position).to_value())))
}

fn document<'n>(entries: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    Value::Doc(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
