//! What comes back, and in which order.

use std::sync::Arc;

use super::super::by_key::ByKey;
use super::super::plan::{self, Nulls, Wire};
use super::super::shape::*;
use super::{Resolver, typed};
use crate::catalog::{FieldType, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::store::{LockMode, Patience};

impl<'c> Resolver<'c> {
    pub(super) fn find(&mut self, find: &plan::Find) -> Result<FindShape> {
        let mut rows = self.matching(&find.from, find.filter.as_ref())?;
        let schema = self.schema(&find.from)?;
        let order = self.order(schema, &find.order, find.reverse)?;
        let (select, required) = self.select(schema, &find.select)?;
        let Filter { conditions, implied } = required;
        rows.filter.conditions.extend(conditions);
        rows.filter.implied.extend(implied);
        rows.by_key = ByKey::of(schema, &rows.filter);
        Ok(FindShape {
            rows,
            order,
            limit: find.limit.as_ref().map(|limit| self.operand(limit, OperandKind::Rows)),
            offset: find.offset.as_ref().map(|offset| self.operand(offset, OperandKind::Rows)),
            select,
            per: find.per.as_ref().map(|per| self.per(schema, per)).transpose()?,
            lock: find.lock.as_ref().map(|lock| self.lock(schema, lock)).transpose()?,
        })
    }

    fn lock(&self, schema: &Arc<Schema>, lock: &plan::Lock) -> Result<LockShape> {
        let of = lock.of.iter().map(|name| self.schema(name).map(Arc::clone)).collect::<Result<Vec<_>>>()?;
        Ok(LockShape {
            mode: match lock.mode {
                plan::LockStrength::Shared => LockMode::Shared,
                plan::LockStrength::Exclusive => LockMode::Exclusive,
            },
            patience: match lock.busy {
                plan::Busy::Wait => Patience::Wait,
                plan::Busy::Fail => Patience::Fail,
                plan::Busy::Skip => Patience::Skip,
            },
            of: if of.is_empty() { vec![Arc::clone(schema)] } else { of },
        })
    }

    fn per(&mut self, schema: &'c Arc<Schema>, per: &plan::Per) -> Result<PerShape> {
        let paths = per.paths.iter().map(|path| Ok(self.path(schema, path)?.0)).collect::<Result<_>>()?;
        Ok(PerShape {
            paths,
            limit: self.operand(&per.limit, OperandKind::Rows),
            offset: per.offset.as_ref().map(|offset| self.operand(offset, OperandKind::Rows)),
        })
    }

    pub(super) fn order(
        &mut self,
        schema: &'c Arc<Schema>,
        order: &[plan::Order],
        reverse: bool,
    ) -> Result<OrderShape> {
        let mut keys = Vec::with_capacity(order.len());
        for key in order {
            let (path, end) = self.path(schema, &key.path)?;
            let desc = key.desc != reverse;
            let nulls_first = match key.nulls {
                Some(nulls) => (nulls == Nulls::First) != reverse,
                None => !desc,
            };
            let field = typed(end, &path);
            let nullable = !path.via.is_empty()
                || match end.field(path.component.position) {
                    Some(field) => field.def.nullable || !path.component.json.is_empty(),
                    None => false,
                };
            let ranks = key.values.as_ref().map(|values| self.operand(values, OperandKind::Ranks(field)));
            keys.push(OrderKey { path, desc, nulls_first, ranks, nullable });
        }
        let ways: Vec<Way<'_>> = order.iter().map(|key| key.path.via.as_slice()).enumerate().collect();
        let many = order.iter().any(|key| key.path.via.iter().any(|step| step.many));
        let branches = if many { self.branches(schema, &ways)? } else { Vec::new() };
        Ok(OrderShape { keys, branches, ties_desc: reverse })
    }

    /// What begins alike, taken together.
    fn branches(&mut self, schema: &'c Arc<Schema>, ways: &[Way<'_>]) -> Result<Vec<Branch>> {
        let mut together: Vec<(&plan::Step, Vec<Way<'_>>)> = Vec::new();
        for (number, way) in ways {
            let Some((step, rest)) = way.split_first() else { continue };
            match together.iter_mut().find(|(known, _)| *known == step) {
                Some((_, ways)) => ways.push((*number, rest)),
                None => together.push((step, vec![(*number, rest)])),
            }
        }
        let mut branches = Vec::with_capacity(together.len());
        for (step, ways) in together {
            let (step, target) = self.step(schema, step)?;
            let keys = ways.iter().filter(|(_, rest)| rest.is_empty()).map(|(number, _)| *number).collect();
            self.way.push(schema);
            branches.push(Branch { step, keys, branches: self.branches(target, &ways)? });
            self.way.pop();
        }
        Ok(branches)
    }

    /// What is handed out, and the condition that required nested rows are.
    pub(super) fn select(
        &mut self,
        schema: &'c Arc<Schema>,
        select: &plan::Select,
    ) -> Result<(SelectShape, Filter)> {
        let fields = select.fields.iter().map(|field| output(schema, field, false)).collect::<Result<_>>()?;
        let mut required = Filter::default();
        let mut nested = Vec::with_capacity(select.nested.len());
        for part in &select.nested {
            let shape = self.nested(schema, part)?;
            if part.required {
                required.conditions.push(self.required(schema, part)?);
            }
            nested.push(shape);
        }
        Ok((SelectShape { fields, nested }, required))
    }

    fn nested(&mut self, schema: &'c Arc<Schema>, nested: &plan::Nested) -> Result<NestedShape> {
        let mut steps = Vec::with_capacity(2);
        let mut schema = schema;
        if let Some(via) = &nested.via {
            let (step, pivot) = self.step(schema, via)?;
            steps.push(step);
            schema = pivot;
        }
        let (join, schema) = self.join(schema, &nested.join)?;
        let mut filter = self.filter(schema, nested.filter.as_ref())?;
        let (select, required) = self.select(schema, &nested.select)?;
        filter.conditions.extend(required.conditions);
        let order = self.order(schema, &nested.order, false)?;
        steps.push(Step { join, filter: Arc::new(filter) });
        Ok(NestedShape { steps, many: nested.many, order, select })
    }

    /// That there is a nested row. Resolved apart from the nested rows themselves, which are found in another way.
    fn required(&mut self, schema: &'c Arc<Schema>, nested: &plan::Nested) -> Result<Condition> {
        let expr = found(nested);
        self.condition(schema, &expr, false)
    }

    /// What a write hands out.
    pub(super) fn returning(&mut self, schema: &Schema, fields: &[plan::SelectField]) -> Result<SelectShape> {
        let fields = fields.iter().map(|field| output(schema, field, true)).collect::<Result<_>>()?;
        Ok(SelectShape { fields, nested: Vec::new() })
    }
}

/// The number of a criterion, and what is left of its way.
type Way<'p> = (usize, &'p [plan::Step]);

fn requirement(nested: &plan::Nested) -> Option<plan::Expr> {
    nested.required.then(|| found(nested))
}

/// That there is a nested row.
fn found(nested: &plan::Nested) -> plan::Expr {
    let inner = nested.filter.iter().cloned().chain(nested.select.nested.iter().filter_map(requirement));
    let found = related(&nested.join, plan::Expr::All(inner.collect()));
    let Some(via) = &nested.via else { return found };
    let here = via.filter.as_deref().cloned();
    related(&via.join(), plan::Expr::All(here.into_iter().chain([found]).collect()))
}

fn related(step: &plan::Join, filter: plan::Expr) -> plan::Expr {
    plan::Expr::Related { join: step.clone(), quantifier: plan::Quantifier::Some, filter: Box::new(filter) }
}

fn output(schema: &Schema, field: &plan::SelectField, written: bool) -> Result<Output> {
    let wire = field.wire;
    if written && field.field == "$row" {
        return match wire {
            Wire::Number => Ok(Output { field: OutputField::Place, wire }),
            _ => Err(super::invalid("the place of a row, \"$row\", is a number")),
        };
    }
    let position = schema.position(&field.field)?;
    let kind = schema.field(position).map_or(FieldType::Int, |field| field.def.kind);
    if !carries(wire, kind) {
        let message = format!(
            "field \"{}\" of collection \"{}\" has type {} and cannot be handed out as {wire:?}",
            field.field,
            schema.name(),
            kind.as_str()
        );
        return Err(Error::new(ErrorCode::TypeMismatch, message)
            .of_collection(schema.name())
            .of_fields([field.field.as_str()]));
    }
    Ok(Output { field: OutputField::Position(position), wire })
}

/// Whether values of a type can leave in a form.
fn carries(wire: Wire, kind: FieldType) -> bool {
    use FieldType::*;
    match wire {
        Wire::Json => true,
        Wire::Number => matches!(kind, Int | BigInt | Float | Decimal | Bool | Date),
        Wire::Bigint => matches!(kind, BigInt | Int),
        Wire::Decimal => matches!(kind, Decimal | Int | BigInt | Float),
        Wire::Text => matches!(kind, Text | Decimal | Int | BigInt | Float),
        Wire::Bool => kind == Bool,
        Wire::Date => kind == Date,
        Wire::Bytes => kind == Bytes,
    }
}
