//! From the plan language to shapes: looks up every name once.

mod condition;
mod select;
mod write;

use std::sync::Arc;

use super::plan::{self, Statement};
use super::shape::*;
use crate::catalog::{self, Catalog, FieldDef, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::value::Value;

/// The shape of a statement in a catalog.
///
/// # Errors
/// `CollectionNotFound` and `FieldNotFound` for names that are not there, with
/// what may have been meant; `InvalidPlan` and `TypeMismatch` for what makes no sense.
pub(super) fn resolve(statement: &Statement, catalog: &Catalog) -> Result<Shape> {
    let mut resolver =
        Resolver { catalog, operands: Vec::new(), joins: Vec::new(), relations: 0, parameters: 0 };
    let body = match statement {
        Statement::Find(find) => Body::Find(resolver.find(find)?),
        Statement::Count(count) => Body::Count(resolver.matching(&count.from, count.filter.as_ref())?),
        Statement::Insert(insert) => Body::Insert(resolver.insert(insert)?),
        Statement::Update(update) => Body::Update(resolver.update(update)?),
        Statement::UpdateMany(update) => Body::UpdateMany(resolver.update_many(update)?),
        Statement::Delete(delete) => Body::Delete(resolver.matching(&delete.from, delete.filter.as_ref())?),
    };
    Ok(Shape {
        body,
        operands: resolver.operands,
        joins: resolver.joins,
        relations: resolver.relations,
        parameters: resolver.parameters,
    })
}

struct Resolver<'c> {
    catalog: &'c Catalog,
    operands: Vec<OperandShape>,
    joins: Vec<Join>,
    relations: usize,
    parameters: usize,
}

impl<'c> Resolver<'c> {
    fn schema(&self, name: &str) -> Result<&'c Arc<Schema>> {
        self.catalog.get(name)
    }

    fn matching(&mut self, collection: &str, filter: Option<&plan::Expr>) -> Result<Matching> {
        let schema = self.schema(collection)?;
        Ok(Matching { schema: Arc::clone(schema), filter: self.filter(schema, filter)? })
    }

    fn source(&mut self, operand: &plan::Operand) -> Source {
        match operand {
            plan::Operand::Parameter(number) => {
                self.parameters = self.parameters.max(number.saturating_add(1));
                Source::Parameter(*number)
            }
            plan::Operand::Constant(json) => Source::Constant(Value::from_json(json)),
        }
    }

    fn operand(&mut self, operand: &plan::Operand, kind: OperandKind) -> OperandId {
        let source = self.source(operand);
        self.operands.push(OperandShape { source, kind });
        self.operands.len() - 1
    }

    fn join(&mut self, from: &Schema, join: &plan::Join) -> Result<(Join, &'c Arc<Schema>)> {
        let target = self.schema(&join.collection)?;
        if join.on.is_empty() {
            return Err(invalid(format!(
                "the join from \"{}\" to \"{}\" names no fields",
                from.name(),
                target.name()
            )));
        }
        let mut resolved =
            Join { number: self.joins.len(), target: target.id, local: Vec::new(), remote: Vec::new() };
        for (here, there) in &join.on {
            let (local, remote) = (from.position(here)?, target.position(there)?);
            let fits = match (from.field(local), target.field(remote)) {
                (Some(local), Some(remote)) => local.def.kind.fits(remote.def.kind),
                (local, remote) => local.is_none() && remote.is_none(),
            };
            if !fits {
                let message = format!(
                    "field \"{here}\" of collection \"{}\" cannot be joined with field \"{there}\" of collection \"{}\": \
                     their types differ",
                    from.name(),
                    target.name()
                );
                return Err(Error::new(ErrorCode::TypeMismatch, message)
                    .of_collection(from.name())
                    .of_fields([here]));
            }
            resolved.local.push(local);
            resolved.remote.push(remote);
        }
        self.joins.push(resolved.clone());
        Ok((resolved, target))
    }

    /// A path, and the collection that it ends in.
    fn path(&mut self, from: &'c Arc<Schema>, path: &plan::Path) -> Result<(ValuePath, &'c Arc<Schema>)> {
        let mut schema = from;
        let mut via = Vec::with_capacity(path.via.len());
        for step in &path.via {
            let (join, target) = self.join(schema, step)?;
            via.push(join);
            schema = target;
        }
        let component =
            schema.component(&catalog::Path { field: path.field.clone(), json: path.json.clone() })?;
        Ok((ValuePath { via, component }, schema))
    }
}

/// The field whose type values at a path have; none where anything may be.
fn typed<'s>(schema: &'s Schema, path: &ValuePath) -> Option<&'s FieldDef> {
    let field = &schema.field(path.component.position)?.def;
    let typed = path.component.json.is_empty() && field.kind != catalog::FieldType::Json;
    typed.then_some(field)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidPlan, message)
}
