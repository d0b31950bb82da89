//! The way to one row: where conditions name its whole primary key, nothing is better.

use super::super::access::{Access, Direction};
use super::super::execution::Execution;
use super::super::plan::Comparison;
use super::super::shape::{Condition, Filter};
use super::{Choice, PRIMARY};
use crate::error::Result;
use crate::store::Collection;
use crate::value::encode_key;

impl Execution {
    /// The row with the primary key that conditions of a filter name, field by
    /// field; `None` where they do not. Found without the other ways being looked at.
    pub(super) fn point(&self, collection: &Collection, filter: &Filter) -> Result<Option<Choice>> {
        let schema = &collection.schema;
        let named = |position: usize| {
            filter.conditions.iter().enumerate().find_map(|(number, condition)| {
                let Condition::Compare { op: Comparison::Eq, path, operand } = condition else { return None };
                let component = path.here()?;
                (component.position == position && component.json.is_empty()).then_some((number, *operand))
            })
        };
        if !schema.primary.iter().all(|position| named(*position).is_some()) {
            return Ok(None);
        }
        let mut key = Vec::with_capacity(16 * schema.primary.len());
        let mut covered = vec![false; filter.conditions.len()];
        for (number, operand) in schema.primary.iter().filter_map(|position| named(*position)) {
            let value = self.value(operand)?;
            if value.is_null() {
                return Ok(None);
            }
            encode_key(&mut key, value.as_ref());
            if let Some(covered) = covered.get_mut(number) {
                *covered = true;
            }
        }
        let access = Access::Points(vec![key]);
        self.watch.access(collection, &access);
        Ok(Some(Choice { access, covered, direction: Some(Direction::default()), note: PRIMARY.into() }))
    }
}
