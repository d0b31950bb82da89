//! Conditions: names become positions, negations move inwards.

use std::sync::Arc;

use super::super::plan::{Comparison, Expr, Operand, Path, Quantifier};
use super::super::regex::LastRegex;
use super::super::shape::*;
use super::{Resolver, typed};
use crate::catalog::{FieldType, Schema, member_schema};
use crate::error::{Error, ErrorCode, Result};

impl<'c> Resolver<'c> {
    /// A whole condition as conditions that must all hold.
    pub(super) fn filter(&mut self, schema: &'c Arc<Schema>, expr: Option<&Expr>) -> Result<Filter> {
        let mut filter = Filter::default();
        if let Some(expr) = expr {
            let condition = self.condition(schema, expr, false)?;
            self.conjunct(&mut filter, condition);
        }
        Ok(filter)
    }

    /// A condition on rows that are found once for all rows that they are asked for: it cannot look back.
    fn apart(&mut self, schema: &'c Arc<Schema>, expr: &Expr) -> Result<Filter> {
        let way = std::mem::take(&mut self.way);
        let filter = self.filter(schema, Some(expr));
        self.way = way;
        filter
    }

    fn conjunct(&mut self, filter: &mut Filter, condition: Condition) {
        match condition {
            Condition::All(inner) => {
                filter.conditions.extend(inner.conditions);
                filter.implied.extend(inner.implied);
            }
            Condition::Const(true) => {}
            condition => {
                filter.implied.extend(self.implied(&condition));
                filter.conditions.push(condition);
            }
        }
    }

    fn conjuncts(&mut self, conditions: Vec<Condition>) -> Filter {
        let mut filter = Filter::default();
        for condition in conditions {
            self.conjunct(&mut filter, condition);
        }
        filter
    }

    /// What a condition on a path through relations says about related rows, if
    /// it cannot hold for null, which stands for no row.
    fn implied(&mut self, condition: &Condition) -> Option<Condition> {
        let local = |path: &ValuePath| ValuePath { via: Vec::new(), component: path.component.clone() };
        let (path, inner) = match condition {
            Condition::Compare { op, path, operand } if *op != Comparison::Ne => {
                (path, Condition::Compare { op: *op, path: local(path), operand: *operand })
            }
            Condition::In { path, operand } => (path, Condition::In { path: local(path), operand: *operand }),
            Condition::Like { path, operand } => {
                (path, Condition::Like { path: local(path), operand: *operand })
            }
            _ => return None,
        };
        if path.via.is_empty() || path.via.iter().any(|step| !step.filter.conditions.is_empty()) {
            return None;
        }
        let mut condition = inner;
        for Step { join, .. } in path.via.iter().rev() {
            condition = Condition::Related(Box::new(Related {
                number: self.relation(),
                join: join.clone(),
                quantifier: Quantifier::Some,
                filter: Filter { conditions: vec![condition], implied: Vec::new() },
            }));
        }
        Some(condition)
    }

    fn relation(&mut self) -> usize {
        self.relations += 1;
        self.relations - 1
    }

    /// A condition or, if `negated`, its opposite. By De Morgan's laws, which
    /// hold for three values as well.
    pub(super) fn condition(
        &mut self,
        schema: &'c Arc<Schema>,
        expr: &Expr,
        negated: bool,
    ) -> Result<Condition> {
        Ok(match expr {
            Expr::Const(value) => Condition::Const(*value != negated),
            Expr::Not(inner) => self.condition(schema, inner, !negated)?,
            Expr::All(members) | Expr::Any(members) => {
                let conditions = members
                    .iter()
                    .map(|member| self.condition(schema, member, negated))
                    .collect::<Result<Vec<_>>>()?;
                if matches!(expr, Expr::All(_)) != negated {
                    Condition::All(self.conjuncts(conditions))
                } else {
                    let arms =
                        conditions.into_iter().map(|condition| self.conjuncts(vec![condition])).collect();
                    Condition::Any(arms)
                }
            }
            Expr::Cmp { op, path, value } => {
                let (path, operand) = self.compared(schema, path, value)?;
                let op = if negated { opposite(*op) } else { *op };
                Condition::Compare { op, path, operand }
            }
            Expr::Before(expr) => {
                let Some(before) = self.way.pop() else {
                    return Err(super::invalid(
                        "a condition is about a row before, but none leads to its own",
                    ));
                };
                self.looks_back = true;
                let condition = self.condition(before, expr, negated)?;
                self.way.push(before);
                Condition::Before(self.conjuncts(vec![condition]))
            }
            Expr::Related { join, quantifier, filter } => {
                let (join, target) = self.join(schema, join)?;
                let (quantifier, negated) = match (quantifier, negated) {
                    (Quantifier::Some, true) => (Quantifier::None, false),
                    (Quantifier::None, true) => (Quantifier::Some, false),
                    (quantifier, negated) => (*quantifier, negated),
                };
                let filter = self.apart(target, filter)?;
                let number = self.relation();
                not_if(negated, Condition::Related(Box::new(Related { number, join, quantifier, filter })))
            }
            Expr::Counted { join, filter, op, value } => {
                let (join, target) = self.join(schema, join)?;
                let filter = self.apart(target, filter)?;
                let op = if negated { opposite(*op) } else { *op };
                let operand = self.operand(value, OperandKind::Value(None));
                Condition::Counted(Box::new(Counted { join, filter, op, operand }))
            }
            Expr::Exists(path) => not_if(!negated, Condition::Null(self.path(schema, path)?.0)),
            Expr::Null(path) => not_if(negated, Condition::Null(self.path(schema, path)?.0)),
            _ => not_if(negated, self.test(schema, expr)?),
        })
    }

    fn test(&mut self, schema: &'c Arc<Schema>, expr: &Expr) -> Result<Condition> {
        Ok(match expr {
            Expr::In { path, values } => {
                let (path, end) = self.path(schema, path)?;
                let kind = OperandKind::List(typed(end, &path));
                Condition::In { path, operand: self.operand(values, kind) }
            }
            Expr::TupleIn { paths, values } => {
                if paths.is_empty() {
                    return Err(super::invalid("a tuple of a plan has no members"));
                }
                let mut fields = Vec::with_capacity(paths.len());
                let mut resolved = Vec::with_capacity(paths.len());
                for path in paths {
                    let (path, end) = self.path(schema, path)?;
                    fields.push(typed(end, &path));
                    resolved.push(path);
                }
                Condition::TupleIn {
                    paths: resolved,
                    operand: self.operand(values, OperandKind::Tuples(fields)),
                }
            }
            Expr::Like { path, pattern, fold } => {
                let path = self.textual(schema, path, "like")?;
                Condition::Like { path, operand: self.operand(pattern, OperandKind::Like(*fold)) }
            }
            Expr::Regex { path, pattern, flags } => {
                let path = self.textual(schema, path, "regex")?;
                let flags = flags.as_ref().map(|flags| self.source(flags));
                Condition::Regex {
                    path,
                    operand: self.operand(pattern, OperandKind::Regex { flags, last: LastRegex::default() }),
                }
            }
            Expr::Contains { path, value } => {
                self.document(schema, path, value, DocumentRelation::Contains, "contains")?
            }
            Expr::Contained { path, value } => {
                self.document(schema, path, value, DocumentRelation::Contained, "contained")?
            }
            Expr::Overlap { path, value } => {
                self.document(schema, path, value, DocumentRelation::Overlap, "overlap")?
            }
            Expr::HasKeys { path, keys, any } => {
                let path = self.json(schema, path, "hasKeys")?;
                Condition::HasKeys { path, operand: self.operand(keys, OperandKind::Keys), any: *any }
            }
            Expr::Member { path, filter } => {
                let path = self.json(schema, path, "member")?;
                Condition::Member { path, filter: self.apart(member_schema(), filter)? }
            }
            other => return Err(super::invalid(format!("the condition {other:?} has no place here"))),
        })
    }

    fn compared(
        &mut self,
        schema: &'c Arc<Schema>,
        path: &Path,
        value: &Operand,
    ) -> Result<(ValuePath, OperandId)> {
        let (path, end) = self.path(schema, path)?;
        let kind = OperandKind::Value(typed(end, &path));
        Ok((path, self.operand(value, kind)))
    }

    fn document(
        &mut self,
        schema: &'c Arc<Schema>,
        path: &Path,
        value: &Operand,
        relation: DocumentRelation,
        operator: &str,
    ) -> Result<Condition> {
        let path = self.json(schema, path, operator)?;
        Ok(Condition::Document { relation, path, operand: self.operand(value, OperandKind::Value(None)) })
    }

    /// A path to what can be read as text.
    fn textual(&mut self, schema: &'c Arc<Schema>, path: &Path, operator: &str) -> Result<ValuePath> {
        let (path, end) = self.path(schema, path)?;
        match typed(end, &path) {
            Some(typed) if typed.field.kind == FieldType::Bytes => {
                Err(misplaced(end, &path, operator, "text"))
            }
            _ => Ok(path),
        }
    }

    /// A path to documents.
    fn json(&mut self, schema: &'c Arc<Schema>, path: &Path, operator: &str) -> Result<ValuePath> {
        let (path, end) = self.path(schema, path)?;
        match typed(end, &path) {
            Some(_) => Err(misplaced(end, &path, operator, "documents")),
            None => Ok(path),
        }
    }
}

fn misplaced(schema: &Schema, path: &ValuePath, operator: &str, what: &str) -> Error {
    let field = schema.field_name(path.component.position);
    let message = format!(
        "operator \"{operator}\" needs {what}, which field \"{field}\" of collection \"{}\" has not",
        schema.name()
    );
    Error::new(ErrorCode::TypeMismatch, message).of_collection(schema.name()).of_fields([field])
}

fn not_if(negated: bool, condition: Condition) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}

fn opposite(op: Comparison) -> Comparison {
    match op {
        Comparison::Eq => Comparison::Ne,
        Comparison::Ne => Comparison::Eq,
        Comparison::Gt => Comparison::Lte,
        Comparison::Gte => Comparison::Lt,
        Comparison::Lt => Comparison::Gte,
        Comparison::Lte => Comparison::Gt,
    }
}
