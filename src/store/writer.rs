//! Writing rows: the one place where rows and indexes change.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::guard::{Guard, Patience};
use super::loan::{FEW, Lent};
use super::locks::LockMode;
use super::memory::Memory;
use super::root::{Clock, Collection, Index, Root, Shared};
use super::violation;
use crate::catalog::{self, CollectionId, FIRST_FIELD, Field, INSERTED, Schema, UPDATED, coerced};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Fields, Row, Value, ValueRef};

/// What happened to a row.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The collection.
    pub collection: CollectionId,
    /// The row as it was; `None` if it is new.
    pub before: Option<Row>,
    /// The row as it is; `None` if it is gone.
    pub after: Option<Row>,
}

/// Writes the rows of one statement into a version that nobody else sees yet.
///
/// Not null and unique are checked with each row, foreign keys when the
/// statement ends, which is also when their rules are followed.
pub struct Writer<'t> {
    root: &'t mut Arc<Root>,
    pub(super) effects: &'t mut Vec<Effect>,
    /// The number of effects before this statement.
    pub(super) first: usize,
    clock: &'t Clock,
    /// Locks the rows that are changed; none where they have been before.
    guard: Option<Guard<'t>>,
    /// The loan to be ended when there are more than a few effects, where the version is lent.
    lent: Option<Lent<'t>>,
    /// The time of the statement, the same for all its rows.
    now: Option<i64>,
    /// Counters as the statement moved them: from where to where.
    counted: Vec<(Arc<Shared>, i64, i64)>,
    memory: Memory,
}

/// Values of fields by row position, which are the writer's own where they had to be made fitting.
pub type Changes<'v> = SmallVec<[(usize, Cow<'v, Value>); 4]>;

impl<'t> Writer<'t> {
    pub(super) fn new(root: &'t mut Arc<Root>, effects: &'t mut Vec<Effect>, clock: &'t Clock) -> Self {
        let first = effects.len();
        Self {
            root,
            effects,
            first,
            clock,
            guard: None,
            lent: None,
            now: None,
            counted: Vec::new(),
            memory: Memory::take(),
        }
    }

    /// The same writer, locking what it changes.
    pub(super) fn guarded(self, guard: Guard<'t>) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// The same writer, writing to a version that is lent if one is given.
    pub(super) fn lent(self, lent: Option<Lent<'t>>) -> Self {
        Self { lent, ..self }
    }

    /// The version as written so far. A clone that is kept makes the next write copy.
    pub fn root(&self) -> &Arc<Root> {
        self.root
    }

    /// Inserts a row. `values` are by row position ([`FIRST_FIELD`] is the first
    /// field's; the system fields before it must be `None`); what is `None` or
    /// beyond the end takes the field's default, its next number, or null.
    ///
    /// # Errors
    /// Those of [`coerce`](catalog::coerce), `NotNull`, `Unique`, and `OutOfRange` when the
    /// auto-increment field has counted to its end.
    pub fn insert(&mut self, id: CollectionId, values: Vec<Option<Value>>) -> Result<Row> {
        self.insert_given(id, &mut values.into_iter().map(|value| value.map(Cow::Owned)).collect())
    }

    /// As [`Writer::insert`], of values that need not be the writer's own. Where it succeeds, they are all there, and fit.
    ///
    /// # Errors
    /// Those of [`Writer::insert`].
    pub fn insert_given(
        &mut self,
        id: CollectionId,
        values: &mut Vec<Option<Cow<'_, Value>>>,
    ) -> Result<Row> {
        let collection = self.root.collection(id)?;
        let schema = Arc::clone(&collection.schema);
        check_positions(
            &schema,
            values.iter().enumerate().filter(|(_, value)| value.is_some()).map(|(at, _)| at),
        )?;
        values.resize(schema.width(), None);
        for (field, value) in schema.fields.iter().zip(values.iter_mut().skip(FIRST_FIELD)) {
            let given = match value.take() {
                Some(value) => fit(&schema, field, value)?,
                None => Cow::Owned(match &field.default {
                    Some(default) => default.evaluate(*self.now.get_or_insert_with(catalog::now)),
                    None => Value::Null,
                }),
            };
            if given.is_null() && !field.def.nullable && !field.def.auto_increment {
                return Err(violation::not_null(&schema, field.position));
            }
            *value = Some(given);
        }
        // Last, so that a row which is refused by now has taken no number.
        if let Some(value) = schema.auto_increment.and_then(|position| values.get_mut(position)) {
            let given = value.take().map(Cow::into_owned).unwrap_or_default();
            *value = Some(Cow::Owned(count(&schema, collection, given, &mut self.counted)?));
        }
        let tick = self.clock.tick();
        let builder = &mut self.memory.builder;
        builder.reserve(schema.width(), 16 * schema.width());
        builder.push(ValueRef::Int(tick)).push(ValueRef::Int(tick));
        for value in values.iter().skip(FIRST_FIELD) {
            builder.push(value.as_deref().map_or(ValueRef::Null, Value::as_ref));
        }
        let row = builder.finish();
        self.replace(&schema, None, Some(row.clone()))?;
        Ok(row)
    }

    /// Changes fields, by row position, of the row with an encoded primary key.
    /// Gives the new row, or `None` if there is no such row.
    ///
    /// # Errors
    /// Those of [`Writer::change`].
    pub fn update(
        &mut self,
        id: CollectionId,
        key: &[u8],
        changes: &[(usize, Value)],
    ) -> Result<Option<Row>> {
        let before = self.root.collection(id)?.rows.get(key).cloned();
        let mut changes = changes.iter().map(|(position, value)| (*position, Cow::Borrowed(value))).collect();
        before.map(|before| self.change(id, before, &mut changes)).transpose()
    }

    /// Changes fields of a row that is there. Gives the new row.
    ///
    /// # Errors
    /// Those of [`coerce`](catalog::coerce), `NotNull`, `Unique`.
    pub fn change(&mut self, id: CollectionId, before: Row, changes: &mut Changes<'_>) -> Result<Row> {
        let collection = self.root.collection(id)?;
        let schema = Arc::clone(&collection.schema);
        check_positions(&schema, changes.iter().map(|(position, _)| *position))?;
        for (position, value) in changes.iter_mut() {
            let Some(field) = schema.field(*position) else { continue };
            *value = fit(&schema, field, std::mem::take(value))?;
            if value.is_null() && !field.def.nullable {
                return Err(violation::not_null(&schema, *position));
            }
            if field.def.auto_increment {
                note(&mut self.counted, collection, move_past(collection, value));
            }
        }
        changes.push((UPDATED, Cow::Owned(Value::Int(self.clock.tick()))));
        // Of a field given twice the last counts.
        let given = |at: usize| changes.iter().rfind(|(given, _)| *given == at);
        let builder = &mut self.memory.builder;
        let after =
            before.with_in(builder, schema.width(), |at| given(at).map(|(_, value)| value.as_ref().as_ref()));
        let changed = before.differing(&after, changes.iter().map(|(at, _)| *at));
        self.replace_changed(&schema, Some(before), Some(after.clone()), changed)?;
        Ok(after)
    }

    /// Deletes the row with an encoded primary key; tells whether there was one.
    pub fn delete(&mut self, id: CollectionId, key: &[u8]) -> Result<bool> {
        let collection = self.root.collection(id)?;
        let Some(before) = collection.rows.get(key).cloned() else { return Ok(false) };
        self.delete_row(id, before)?;
        Ok(true)
    }

    /// Deletes a row that is there.
    pub fn delete_row(&mut self, id: CollectionId, row: Row) -> Result<()> {
        let schema = Arc::clone(&self.root.collection(id)?.schema);
        self.replace(&schema, Some(row), None)
    }

    /// Deletes all rows of a collection; tells how many there were. What it does is what as many
    /// single deletions do, but that the trees are let go whole instead of being taken apart.
    pub fn delete_all(&mut self, id: CollectionId) -> Result<u64> {
        let collection = self.root.collection(id)?;
        let (schema, rows) = (Arc::clone(&collection.schema), collection.rows.clone());
        if rows.is_empty() {
            return Ok(0);
        }
        self.expect(rows.len());
        if let Some(guard) = &mut self.guard {
            guard.enter(&schema)?;
            for (key, row) in &rows {
                guard.lock(&schema, key, row, LockMode::Exclusive, Patience::Wait)?;
            }
        }
        Arc::make_mut(self.root).collection_mut(id)?.empty();
        self.effects.extend(rows.iter().map(|(_, row)| Effect {
            collection: id,
            before: Some(row.clone()),
            after: None,
        }));
        Ok(rows.len() as u64)
    }

    /// Puts one row in the place of another, in rows and indexes. Either may be
    /// absent. On an error nothing has changed.
    pub(super) fn replace(&mut self, schema: &Schema, before: Option<Row>, after: Option<Row>) -> Result<()> {
        let changed = differing(schema, before.as_ref(), after.as_ref());
        self.replace_changed(schema, before, after, changed)
    }

    /// As [`Writer::replace`], of rows that are known to differ in some fields only.
    fn replace_changed(
        &mut self,
        schema: &Schema,
        before: Option<Row>,
        after: Option<Row>,
        changed: Fields,
    ) -> Result<()> {
        if let Some(guard) = &mut self.guard {
            guard.enter(schema)?;
            if let Some(before) = &before {
                self.memory.key.clear();
                schema.encode_primary(&mut self.memory.key, before);
                guard.lock(schema, &self.memory.key, before, LockMode::Exclusive, Patience::Wait)?;
            }
        }
        if let Some(after) = &after {
            self.check_unique(schema, before.as_ref(), after, changed)?;
        }
        self.expect(1);
        self.put(schema, before.as_ref(), after.as_ref(), changed)?;
        self.effects.push(Effect { collection: schema.id, before, after });
        Ok(())
    }

    /// Ends the loan of the version where so many rows more are too many for it.
    fn expect(&mut self, rows: usize) {
        if let Some(lent) = self.lent.take_if(|_| self.effects.len() + rows > FEW) {
            lent.end(self.root, self.effects);
        }
    }

    /// Takes back what was done, by statements before this one too, but for so many effects.
    pub(super) fn undo_to(mut self, effects: usize) -> Result<()> {
        self.first = effects;
        self.undo()
    }

    /// Takes back what the statement has done. Keeping the version from before
    /// instead would make each statement copy what it changes.
    pub(super) fn undo(&mut self) -> Result<()> {
        while self.effects.len() > self.first {
            let Some(Effect { collection, before, after }) = self.effects.pop() else { break };
            let schema = Arc::clone(&self.root.collection(collection)?.schema);
            let changed = differing(&schema, before.as_ref(), after.as_ref());
            self.put(&schema, after.as_ref(), before.as_ref(), changed)?;
        }
        // Nobody has seen the numbers of a statement that failed.
        while let Some((shared, from, to)) = self.counted.pop() {
            shared.give_back(from, to);
        }
        Ok(())
    }

    /// Puts one row in the place of another, whatever the constraints say.
    fn put(
        &mut self,
        schema: &Schema,
        before: Option<&Row>,
        after: Option<&Row>,
        changed: Fields,
    ) -> Result<()> {
        let collection = Arc::make_mut(self.root).collection_mut(schema.id)?;
        let moved = changed.contain_any(schema.primary.iter().copied());
        for index in &mut collection.indexes {
            if !moved && !changed.contain_any(index.spec.positions()) {
                continue;
            }
            self.memory.entry.clear();
            if let Some(before) = before {
                index.spec.encode(&mut self.memory.entry, before);
                schema.encode_primary(&mut self.memory.entry, before);
                index.tree.remove(&self.memory.entry);
            }
            if let Some(after) = after {
                self.memory.entry.clear();
                index.spec.encode(&mut self.memory.entry, after);
                schema.encode_primary(&mut self.memory.entry, after);
                index.tree.insert(&self.memory.entry, ());
            }
        }
        if let Some(before) = before.filter(|_| moved) {
            self.memory.key.clear();
            schema.encode_primary(&mut self.memory.key, before);
            collection.rows.remove(&self.memory.key);
        }
        if let Some(after) = after {
            self.memory.key.clear();
            schema.encode_primary(&mut self.memory.key, after);
            collection.rows.insert(&self.memory.key, after.clone());
        }
        Ok(())
    }

    fn check_unique(
        &mut self,
        schema: &Schema,
        before: Option<&Row>,
        after: &Row,
        changed: Fields,
    ) -> Result<()> {
        let collection = self.root.collection(schema.id)?;
        if changed.contain_any(schema.primary.iter().copied()) {
            self.memory.key.clear();
            schema.encode_primary(&mut self.memory.key, after);
            self.memory.entry.clear();
            if let Some(before) = before {
                schema.encode_primary(&mut self.memory.entry, before);
            }
            if self.memory.key != self.memory.entry && collection.rows.contains_key(&self.memory.key) {
                return Err(violation::primary(schema, after));
            }
        }
        let touched = |index: &&Index| index.spec.unique && changed.contain_any(index.spec.positions());
        for index in collection.indexes.iter().filter(touched) {
            self.memory.key.clear();
            if index.spec.encode(&mut self.memory.key, after) {
                continue;
            }
            if let Some(before) = before {
                self.memory.entry.clear();
                index.spec.encode(&mut self.memory.entry, before);
                if self.memory.entry == self.memory.key {
                    continue;
                }
            }
            if index.entry(&self.memory.key).is_some() {
                return Err(violation::unique(schema, &index.spec, after));
            }
        }
        Ok(())
    }
}

/// The fields in which two rows differ: all, where one is absent.
fn differing(schema: &Schema, before: Option<&Row>, after: Option<&Row>) -> Fields {
    match (before, after) {
        (Some(before), Some(after)) => before.differing(after, 0..schema.width()),
        _ => Fields::ALL,
    }
}

/// Only fields of the definition can be written, not `$inserted`, `$updated` or what is not there.
fn check_positions(schema: &Schema, mut positions: impl Iterator<Item = usize>) -> Result<()> {
    match positions.find(|position| schema.field(*position).is_none()) {
        None => Ok(()),
        Some(position @ (INSERTED | UPDATED)) => {
            let name = schema.field_name(position);
            let message =
                format!("\"{name}\" of collection \"{}\" is kept by the store itself", schema.name());
            Err(Error::new(ErrorCode::InvalidPlan, message).of_collection(schema.name()).of_fields([name]))
        }
        Some(position) => {
            let message = format!("collection \"{}\" has no field at position {position}", schema.name());
            Err(Error::new(ErrorCode::InvalidPlan, message).of_collection(schema.name()))
        }
    }
}

/// The value in the field's type; an error names the collection too.
fn fit<'v>(schema: &Schema, field: &Field, value: Cow<'v, Value>) -> Result<Cow<'v, Value>> {
    let value = coerced(&field.def, value).map_err(|error| {
        let message = format!("collection \"{}\": {}", schema.name(), error.message);
        Error { message, ..error }.of_collection(schema.name())
    })?;
    if field.def.allows(&value) { Ok(value) } else { Err(violation::choice(schema, &field.def, &value)) }
}

/// The next number in place of null; a number that was given moves the counter past it.
fn count(
    schema: &Schema,
    collection: &Collection,
    value: Value,
    counted: &mut Vec<(Arc<Shared>, i64, i64)>,
) -> Result<Value> {
    if !value.is_null() {
        note(counted, collection, move_past(collection, &value));
        return Ok(value);
    }
    let next = collection.shared.next().ok_or_else(|| {
        let message =
            format!("the auto-increment field of collection \"{}\" has no numbers left", schema.name());
        Error::new(ErrorCode::OutOfRange, message).of_collection(schema.name())
    })?;
    note(counted, collection, Some((next - 1, next)));
    Ok(Value::Int(next))
}

/// Remembers how a counter moved; steps that follow each other are one.
fn note(counted: &mut Vec<(Arc<Shared>, i64, i64)>, collection: &Collection, moved: Option<(i64, i64)>) {
    let Some((from, to)) = moved else { return };
    match counted.last_mut() {
        Some((shared, _, last)) if *last == from && Arc::ptr_eq(shared, &collection.shared) => *last = to,
        _ => counted.push((Arc::clone(&collection.shared), from, to)),
    }
}

/// Moves the counter past a value; tells from where to where, if it moved.
pub(super) fn move_past(collection: &Collection, value: &Value) -> Option<(i64, i64)> {
    match value {
        Value::Int(int) => collection.shared.move_past(*int),
        Value::Float(float) => collection.shared.move_past(float.ceil() as i64),
        _ => None,
    }
}
