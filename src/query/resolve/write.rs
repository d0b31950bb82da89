//! Writes: what is changed, and what about keys that are taken.

use super::super::plan;
use super::super::shape::*;
use super::{Resolver, invalid};
use crate::catalog::Schema;
use crate::error::{Error, ErrorCode, Result};

impl Resolver<'_> {
    pub(super) fn insert(&mut self, insert: &plan::Insert) -> Result<InsertShape> {
        let schema = self.schema(&insert.into)?;
        let fields = distinct(schema, &insert.fields)?;
        let conflict = match &insert.conflict {
            Some(conflict) => Some(self.conflict(schema, &fields, conflict)?),
            None => None,
        };
        let returning = self.returning(schema, &insert.returning)?;
        Ok(InsertShape { schema: schema.clone(), fields, conflict, returning })
    }

    fn conflict(
        &mut self,
        schema: &std::sync::Arc<Schema>,
        inserted: &[usize],
        conflict: &plan::Conflict,
    ) -> Result<ConflictShape> {
        let named = distinct(schema, &conflict.fields)?;
        let same = |positions: &[usize]| {
            positions.len() == named.len() && positions.iter().all(|position| named.contains(position))
        };
        let mut keys = Vec::new();
        if named.is_empty() || same(&schema.primary) {
            keys.push(UniqueKey::Primary);
        }
        for (number, index) in schema.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
            let positions: Vec<usize> = index.components.iter().map(|part| part.position).collect();
            let whole = index.components.iter().all(|part| part.json.is_empty());
            if named.is_empty() || whole && same(&positions) {
                keys.push(UniqueKey::Index(number));
            }
        }
        if keys.is_empty() {
            let message = format!(
                "fields {} of collection \"{}\" are neither its primary key nor a unique index, so that no row conflicts by them",
                quoted(&conflict.fields),
                schema.name()
            );
            return Err(Error::new(ErrorCode::InvalidPlan, message)
                .of_collection(schema.name())
                .of_fields(conflict.fields.iter()));
        }
        let merge = match &conflict.merge {
            Some(names) => distinct(schema, names)?,
            None => inserted
                .iter()
                .copied()
                .filter(|position| !named.contains(position) && !schema.primary.contains(position))
                .collect(),
        };
        let id = schema.id;
        let schema = self.catalog.schema(id).ok_or_else(|| invalid("the collection is gone"))?;
        let filter = self.filter(schema, conflict.filter.as_ref())?;
        Ok(ConflictShape { keys, action: conflict.action, merge, filter })
    }

    pub(super) fn update(&mut self, update: &plan::Update) -> Result<UpdateShape> {
        let rows = self.matching(&update.collection, update.filter.as_ref())?;
        distinct(&rows.schema, update.set.iter().map(|assignment| &assignment.field))?;
        let set = update
            .set
            .iter()
            .map(|assignment| self.assignment(&rows.schema, assignment))
            .collect::<Result<Vec<_>>>()?;
        let returning = self.returning(&rows.schema, &update.returning)?;
        Ok(UpdateShape { rows, set, returning })
    }

    fn assignment(&mut self, schema: &Schema, assignment: &plan::Assignment) -> Result<AssignmentShape> {
        let position = schema.position(&assignment.field)?;
        let field = schema
            .field(position)
            .ok_or_else(|| invalid(format!("\"{}\" is kept by the store itself", assignment.field)))?;
        let change = match (&assignment.value, assignment.inc, assignment.now) {
            (Some(value), None, false) => {
                ChangeShape::Set(self.operand(value, OperandKind::Stored(field.def.clone())))
            }
            (None, Some(step), false) => ChangeShape::Increase(step),
            (None, None, true) => ChangeShape::Now,
            _ => {
                let message = format!(
                    "the change of field \"{}\" of collection \"{}\" must be one of value, inc and now",
                    assignment.field,
                    schema.name()
                );
                return Err(invalid(message).of_collection(schema.name()).of_fields([&assignment.field]));
            }
        };
        Ok(AssignmentShape { position, change })
    }

    pub(super) fn update_many(&mut self, update: &plan::UpdateMany) -> Result<UpdateManyShape> {
        let schema = self.schema(&update.collection)?;
        let key = distinct(schema, &update.key)?;
        if let Some(missing) = schema.primary.iter().find(|position| !key.contains(position)) {
            let message = format!(
                "the key of an update of many rows of collection \"{}\" lacks field \"{}\" of the primary key",
                schema.name(),
                schema.field_name(*missing)
            );
            return Err(invalid(message).of_collection(schema.name()));
        }
        let set = distinct(schema, &update.set)?;
        let bump = match &update.bump {
            Some(bump) if bump.value.is_none() => Some(self.assignment(schema, bump)?),
            Some(bump) => {
                let message = format!("the change of field \"{}\" must be one of inc and now", bump.field);
                return Err(invalid(message).of_collection(schema.name()).of_fields([&bump.field]));
            }
            None => None,
        };
        let returning = self.returning(schema, &update.returning)?;
        Ok(UpdateManyShape { schema: schema.clone(), key, set, bump, returning })
    }
}

/// The positions of names, each of which may occur once.
fn distinct<'n>(schema: &Schema, names: impl IntoIterator<Item = &'n String>) -> Result<Vec<usize>> {
    let mut positions = Vec::new();
    for name in names {
        let position = schema.position(name)?;
        if positions.contains(&position) {
            let message = format!("field \"{name}\" of collection \"{}\" is named twice", schema.name());
            return Err(Error::new(ErrorCode::FieldDuplicate, message)
                .of_collection(schema.name())
                .of_fields([name]));
        }
        positions.push(position);
    }
    Ok(positions)
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
