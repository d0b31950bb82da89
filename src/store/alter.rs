//! Changing the schema of a version, its data kept.

use std::sync::Arc;

use super::root::{Collection, Index, Root, Shared, encode_fields};
use super::violation;
use super::writer::move_past;
use crate::catalog::{
    self, Catalog, CollectionId, FIRST_FIELD, Field, ForeignKey, INSERTED, Rename, Schema, SchemaDef,
    UPDATED, coerce,
};
use crate::error::{Error, ErrorCode, Result};
use crate::tree::Tree;
use crate::value::{Row, RowBuilder, Value, skip_key};

/// The version with its collections as the definition has them: those of the
/// same name keep their rows.
pub(super) fn alter(root: &Root, target: &SchemaDef) -> Result<Root> {
    let catalog = Arc::new(Catalog::resolve(target, &root.catalog)?);
    let mut altered = Root { collections: vec![None; catalog.capacity()], catalog, ..root.clone() };
    let catalog = Arc::clone(&altered.catalog);
    for schema in catalog.schemas() {
        let collection = match old_of(root, schema) {
            Some(old) if Arc::ptr_eq(&old.schema, schema) => Arc::clone(old),
            Some(old) => Arc::new(rebuild(old, schema)?),
            None => Arc::new(Collection::new(Arc::clone(schema))),
        };
        if let Some(slot) = altered.collections.get_mut(schema.id.index()) {
            *slot = Some(collection);
        }
    }
    for schema in catalog.schemas() {
        check_foreign(root, &altered, schema)?;
    }
    Ok(altered)
}

/// The version with another name for something; rows and indexes are the very same.
pub(super) fn rename(root: &Root, rename: Rename<'_>) -> Result<Root> {
    let catalog = Arc::new(root.catalog.renamed(rename)?);
    let mut renamed = Root { catalog: Arc::clone(&catalog), ..root.clone() };
    for schema in catalog.schemas() {
        if Arc::ptr_eq(&renamed.collection(schema.id)?.schema, schema) {
            continue;
        }
        let collection = renamed.collection_mut(schema.id)?;
        for (index, spec) in collection.indexes.iter_mut().zip(&schema.indexes) {
            index.spec = Arc::clone(spec);
        }
        collection.schema = Arc::clone(schema);
    }
    Ok(renamed)
}

/// The collection as it was; its number alone may have been another's.
fn old_of<'a>(root: &'a Root, schema: &Schema) -> Option<&'a Arc<Collection>> {
    root.find(schema.id).filter(|old| old.schema.name() == schema.name())
}

fn rebuild(old: &Collection, schema: &Arc<Schema>) -> Result<Collection> {
    let rows = Rewrite::new(old, schema)?.run()?;
    let kept = rows.ptr_eq(&old.rows);
    let mut indexes = Vec::with_capacity(schema.indexes.len());
    for spec in &schema.indexes {
        let same = old.indexes.iter().find(|index| kept && index.spec.components == spec.components);
        let index = match same {
            Some(same) => Index { spec: Arc::clone(spec), tree: same.tree.clone() },
            None => Index::build(Arc::clone(spec), &rows),
        };
        if spec.unique && !same.is_some_and(|same| same.spec.unique) {
            check_unique(schema, &index, &rows)?;
        }
        indexes.push(index);
    }
    if kept {
        let declared =
            |index: &Index| schema.indexes.iter().any(|spec| spec.components == index.spec.components);
        indexes.extend(old.automatic().filter(|index| !declared(index)).cloned());
    }
    Ok(Collection { schema: Arc::clone(schema), rows, indexes, shared: Arc::clone(&old.shared) })
}

/// The way of the rows of a collection from a schema to the next.
struct Rewrite<'a> {
    old: &'a Collection,
    schema: &'a Schema,
    /// Where each field was, by row position less [`FIRST_FIELD`].
    sources: Vec<Option<usize>>,
    now: i64,
}

impl<'a> Rewrite<'a> {
    fn new(old: &'a Collection, schema: &'a Schema) -> Result<Self> {
        let sources = schema.fields.iter().map(|field| old.schema.position(&field.def.name).ok()).collect();
        Ok(Self { old, schema, sources, now: catalog::now() })
    }

    /// The rows, which are the very same where nothing in them has to change.
    fn run(&self) -> Result<Tree<Row>> {
        self.check_fillable()?;
        self.check_choices()?;
        if self.old.rows.is_empty() {
            return Ok(self.old.rows.clone());
        }
        if let Some(position) = self.schema.auto_increment
            && self.old.schema.auto_increment != Some(position)
        {
            self.count_from(position);
        }
        if self.is_same() {
            return Ok(self.old.rows.clone());
        }
        let mut builder = RowBuilder::new();
        let mut rows = Vec::with_capacity(self.old.rows.len());
        for (_, row) in &self.old.rows {
            let row = self.row(&mut builder, row)?;
            rows.push((self.schema.primary_key(&row), row));
        }
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        for pair in rows.windows(2) {
            if let [(one, row), (other, _)] = pair
                && one == other
            {
                return Err(violation::primary(self.schema, row));
            }
        }
        Ok(Tree::from_sorted(rows))
    }

    /// Whether the rows are right as they are: nothing moved, changed its type or
    /// has to be filled in, and the key is the same.
    fn is_same(&self) -> bool {
        let old = &self.old.schema;
        // A field that went would leave its values to one that takes its place.
        self.sources.iter().flatten().count() == old.fields.len()
            && old.primary == self.schema.primary
            && self.schema.fields.iter().zip(&self.sources).all(|(field, source)| match source {
                Some(source) => {
                    *source == field.position
                        && old.field(*source).is_some_and(|old| old.def.kind == field.def.kind)
                        && (field.def.nullable || self.nulls(*source) == 0)
                }
                None => field.default.is_none() && field.def.nullable && !field.def.auto_increment,
            })
    }

    /// Refuses fields that must not be null, where rows have no value for them and nothing gives one.
    fn check_fillable(&self) -> Result<()> {
        for (field, source) in self.schema.fields.iter().zip(&self.sources) {
            let filled = field.default.as_ref().is_some_and(|default| !default.evaluate(self.now).is_null());
            if field.def.nullable || filled || field.def.auto_increment {
                continue;
            }
            let rows = source.map_or(self.old.rows.len(), |source| self.nulls(source));
            if rows > 0 {
                let message = format!(
                    "field \"{}\" of collection \"{}\" must not be null and has no default, but {rows} {} no value for it",
                    field.def.name,
                    self.schema.name(),
                    if rows == 1 { "row has" } else { "rows have" }
                );
                return Err(self.refuse(field, message));
            }
        }
        Ok(())
    }

    /// Refuses an enumeration that stored texts are not part of.
    fn check_choices(&self) -> Result<()> {
        for (field, source) in self.schema.fields.iter().zip(&self.sources) {
            let Some(source) = source.filter(|_| field.def.one_of.is_some()) else { continue };
            let before = self.old.schema.field(source).and_then(|old| old.def.one_of.as_ref());
            if before == field.def.one_of.as_ref() {
                continue;
            }
            for (_, row) in &self.old.rows {
                let value = row.get(source).to_value();
                if !field.def.allows(&value) {
                    let error = violation::choice(self.schema, &field.def, &value);
                    return Err(self.refuse(field, error.message));
                }
            }
        }
        Ok(())
    }

    /// How many rows have null at an old position.
    fn nulls(&self, source: usize) -> usize {
        if self.old.schema.field(source).is_some_and(|field| !field.def.nullable) {
            return 0;
        }
        self.old.rows.iter().filter(|(_, row)| row.is_null(source)).count()
    }

    /// A field that begins to count goes on from the values it has.
    fn count_from(&self, position: usize) {
        let source = position.checked_sub(FIRST_FIELD).and_then(|at| *self.sources.get(at)?);
        if let Some(source) = source {
            for (_, row) in &self.old.rows {
                move_past(self.old, &row.get(source).to_value());
            }
        }
    }

    fn row(&self, builder: &mut RowBuilder, row: &Row) -> Result<Row> {
        builder.push_from(row, INSERTED).push_from(row, UPDATED);
        for (field, source) in self.schema.fields.iter().zip(&self.sources) {
            let kept = source.filter(|source| field.def.nullable || !row.is_null(*source));
            match kept {
                Some(source)
                    if self.old.schema.field(source).is_some_and(|old| old.def.kind == field.def.kind) =>
                {
                    builder.push_from(row, source);
                }
                Some(source) => {
                    let value = coerce(&field.def, row.get(source).to_value()).map_err(|error| {
                        let key = self.old.schema.shown(row, &self.old.schema.primary);
                        let message = format!(
                            "field \"{}\" of collection \"{}\" cannot change its type because of row {key}: {error}",
                            field.def.name,
                            self.schema.name()
                        );
                        self.refuse(field, message)
                    })?;
                    builder.push(value.as_ref());
                }
                None => {
                    builder.push(self.fill(field)?.as_ref());
                }
            }
        }
        Ok(builder.finish())
    }

    /// What a row gets in a field that it has no value for.
    fn fill(&self, field: &Field) -> Result<Value> {
        if field.def.auto_increment {
            return self.old.shared.next().map(Value::Int).ok_or_else(|| {
                self.refuse(field, format!("field \"{}\" has no numbers left", field.def.name))
            });
        }
        Ok(field.default.as_ref().map_or(Value::Null, |default| default.evaluate(self.now)))
    }

    fn refuse(&self, field: &Field, message: String) -> Error {
        Error::new(ErrorCode::InvalidSchema, message)
            .of_collection(self.schema.name())
            .of_fields([field.def.name.as_str()])
    }
}

/// Refuses equal entries that stand beside each other, unless one of their values is null.
fn check_unique(schema: &Schema, index: &Index, rows: &Tree<Row>) -> Result<()> {
    let components = index.spec.components.len();
    let mut last: Vec<u8> = Vec::new();
    for (entry, ()) in &index.tree {
        let (values, primary) = entry.split_at(skip_key(entry, components).min(entry.len()));
        if values == last
            && let Some(row) = rows.get(primary)
            && !index.spec.components.iter().any(|component| component.of(row).is_null())
        {
            return Err(violation::unique(schema, &index.spec, row));
        }
        last.clear();
        last.extend_from_slice(values);
    }
    Ok(())
}

/// Checks the rows of a collection against its foreign keys, where either side may have changed.
fn check_foreign(before: &Root, after: &Root, schema: &Schema) -> Result<()> {
    let collection = after.collection(schema.id)?;
    let untouched = |schema: &Schema| {
        let old = old_of(before, schema);
        let new = after.find(schema.id);
        old.zip(new).is_some_and(|(old, new)| old.rows.ptr_eq(&new.rows))
    };
    for foreign in &schema.foreign {
        let target = &after.collection(foreign.target)?.schema;
        let def = schema.def.foreign.iter().find(|def| def.name == foreign.name);
        let known = old_of(before, schema)
            .is_some_and(|old| def.is_some_and(|def| old.schema.def.foreign.contains(def)));
        if !(known && untouched(schema) && untouched(target)) {
            check_rows(after, collection, foreign, target)?;
        }
    }
    Ok(())
}

fn check_rows(root: &Root, collection: &Collection, foreign: &ForeignKey, target: &Schema) -> Result<()> {
    let mut key = Vec::new();
    for (_, row) in &collection.rows {
        key.clear();
        if !encode_fields(&mut key, row, &foreign.fields) && !root.has_target(foreign, &key)? {
            return Err(violation::dangling(&collection.schema, foreign, target, row));
        }
    }
    Ok(())
}

/// The version with some collections empty.
pub(super) fn clear(root: &Root, ids: &[CollectionId], reset_counters: bool) -> Result<Root> {
    let mut cleared = root.clone();
    for id in ids {
        for incoming in &root.collection(*id)?.schema.incoming {
            if !ids.contains(&incoming.collection) {
                check_unreferenced(root, *id, incoming.collection)?;
            }
        }
        let collection = cleared.collection_mut(*id)?;
        collection.empty();
        if reset_counters {
            collection.shared = Arc::new(Shared::default());
        }
    }
    Ok(cleared)
}

/// Refuses to clear a collection that rows of another point at.
fn check_unreferenced(root: &Root, target: CollectionId, from: CollectionId) -> Result<()> {
    let collection = root.collection(from)?;
    let target = root.collection(target)?;
    for foreign in collection.schema.foreign.iter().filter(|foreign| foreign.target == target.schema.id) {
        let points = |row: &Row| foreign.fields.iter().all(|field| !row.is_null(*field));
        let rows = collection.rows.iter().filter(|(_, row)| points(row)).count();
        if rows > 0 {
            let message = format!(
                "collection \"{}\" cannot be cleared: {rows} rows of \"{}\" point at its rows through foreign key \"{}\"",
                target.schema.name(),
                collection.schema.name(),
                foreign.name
            );
            return Err(violation::of_foreign(&collection.schema, foreign, message));
        }
    }
    Ok(())
}
