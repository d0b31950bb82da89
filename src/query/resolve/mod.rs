//! From the plan language to shapes: looks up every name once.

mod condition;
mod select;
mod write;

use std::sync::Arc;

use super::by_key::ByKey;
use super::plan::{self, Statement};
use super::shape::*;
use crate::catalog::{self, Catalog, Schema, coerce};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Value, encode_key};

/// The shape of a statement in a catalog.
///
/// # Errors
/// `CollectionNotFound` and `FieldNotFound` for names that are not there, with
/// what may have been meant; `InvalidPlan` and `TypeMismatch` for what makes no sense.
pub(super) fn resolve(statement: &Statement, catalog: &Catalog) -> Result<Shape> {
    let mut resolver = Resolver {
        catalog,
        operands: Vec::new(),
        joins: Vec::new(),
        relations: 0,
        parameters: 0,
        way: Vec::new(),
        looks_back: false,
    };
    let body = match statement {
        Statement::Find(find) => Body::Find(resolver.find(find)?),
        Statement::Count(count) => resolver.count(count)?,
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
        looks_back: resolver.looks_back,
        parameters: resolver.parameters,
    })
}

struct Resolver<'c> {
    catalog: &'c Catalog,
    operands: Vec<OperandShape>,
    joins: Vec<Join>,
    relations: usize,
    parameters: usize,
    /// The collections that lead to the one that a condition is about.
    way: Vec<&'c Arc<Schema>>,
    looks_back: bool,
}

impl<'c> Resolver<'c> {
    fn schema(&self, name: &str) -> Result<&'c Arc<Schema>> {
        self.catalog.get(name)
    }

    fn matching(&mut self, collection: &str, filter: Option<&plan::Expr>) -> Result<Matching> {
        let schema = self.schema(collection)?;
        let filter = self.filter(schema, filter)?;
        Ok(Matching { schema: Arc::clone(schema), by_key: ByKey::of(schema, &filter), filter })
    }

    fn count(&mut self, count: &plan::Count) -> Result<Body> {
        let rows = self.matching(&count.from, count.filter.as_ref())?;
        let Some(by) = &count.by else { return Ok(Body::Count(rows)) };
        let returning = self.returning(&rows.schema, by)?;
        let group = returning.fields.iter().filter_map(|output| match output.field {
            OutputField::Position(position) => Some(position),
            OutputField::Place => None,
        });
        Ok(Body::CountBy(CountByShape { group: group.collect(), rows, returning }))
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
        let mut resolved =
            Join { number: self.joins.len(), target: target.id, local: Vec::new(), remote: Vec::new() };
        for pair in &join.on {
            let (local, remote) = match pair {
                (plan::JoinEnd::Field(here), plan::JoinEnd::Field(there)) => {
                    let (local, remote) = joined_fields(from, here, target, there)?;
                    (JoinEnd::Field(local), JoinEnd::Field(remote))
                }
                (plan::JoinEnd::Field(here), plan::JoinEnd::Constant(constant)) => {
                    let position = from.position(here)?;
                    (JoinEnd::Field(position), constant_end(from, position, constant)?)
                }
                (plan::JoinEnd::Constant(constant), plan::JoinEnd::Field(there)) => {
                    let position = target.position(there)?;
                    (constant_end(target, position, constant)?, JoinEnd::Field(position))
                }
                (plan::JoinEnd::Constant(_), plan::JoinEnd::Constant(_)) => {
                    return Err(invalid("a join compares two constants"));
                }
            };
            resolved.local.push(local);
            resolved.remote.push(remote);
        }
        if !join.on.is_empty()
            && !resolved
                .local
                .iter()
                .zip(&resolved.remote)
                .any(|(local, remote)| local.field().is_some() && remote.field().is_some())
        {
            return Err(invalid(format!(
                "the join from \"{}\" to \"{}\" compares no fields of both",
                from.name(),
                target.name()
            )));
        }
        self.joins.push(resolved.clone());
        Ok((resolved, target))
    }

    /// A path, and the collection that it ends in.
    fn path(&mut self, from: &'c Arc<Schema>, path: &plan::Path) -> Result<(ValuePath, &'c Arc<Schema>)> {
        let mut schema = from;
        let mut via = Vec::with_capacity(path.via.len());
        let begun = self.way.len();
        for step in &path.via {
            let (step, target) = self.step(schema, step)?;
            via.push(step);
            self.way.push(schema);
            schema = target;
        }
        self.way.truncate(begun);
        let component =
            schema.component(&catalog::Path { field: path.field.clone(), json: path.json.clone() })?;
        Ok((ValuePath { via, component }, schema))
    }

    fn step(&mut self, from: &'c Arc<Schema>, step: &plan::Step) -> Result<(Step, &'c Arc<Schema>)> {
        let (join, target) = self.join(from, &step.join())?;
        self.way.push(from);
        let filter = Arc::new(self.filter(target, step.filter.as_deref())?);
        self.way.pop();
        Ok((Step { join, filter }, target))
    }
}

/// The positions of two fields that a join compares.
fn joined_fields(from: &Schema, here: &str, target: &Schema, there: &str) -> Result<(usize, usize)> {
    let (local, remote) = (from.position(here)?, target.position(there)?);
    let fits = match (from.field(local), target.field(remote)) {
        (Some(local), Some(remote)) => local.def.kind.fits(remote.def.kind),
        (local, remote) => local.is_none() && remote.is_none(),
    };
    if fits {
        return Ok((local, remote));
    }
    let message = format!(
        "field \"{here}\" of collection \"{}\" cannot be joined with field \"{there}\" of collection \"{}\": \
         their types differ",
        from.name(),
        target.name()
    );
    Err(Error::new(ErrorCode::TypeMismatch, message).of_collection(from.name()).of_fields([here]))
}

/// A constant that a field equals.
fn constant_end(schema: &Schema, position: usize, constant: &plan::Constant) -> Result<JoinEnd> {
    let value = Value::from_json(&constant.value);
    let value = match schema.field(position) {
        Some(field) => coerce(&field.def, value).map_err(|error| error.of_collection(schema.name()))?,
        None => value,
    };
    if value.is_null() {
        return Err(invalid("a join compares a field with null, which nothing equals"));
    }
    let mut key = Vec::new();
    encode_key(&mut key, value.as_ref());
    Ok(JoinEnd::Constant(key))
}

/// The field whose type values at a path have; none where anything may be.
fn typed(schema: &Schema, path: &ValuePath) -> Option<Typed> {
    let field = &schema.field(path.component.position)?.def;
    let typed = path.component.json.is_empty() && field.kind != catalog::FieldType::Json;
    typed.then(|| Typed { field: field.clone(), collection: schema.name().to_owned() })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidPlan, message)
}
