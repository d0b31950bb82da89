//! The way to one row: where conditions name its whole primary key or all that a
//! unique index is over, nothing is better.

use std::borrow::Cow;

use super::super::access::{Access, Direction};
use super::super::execution::Execution;
use super::super::lookup::Through;
use super::super::shape::{Filter, whole};
use super::{Choice, PRIMARY};
use crate::error::Result;
use crate::store::Collection;
use crate::value::encode_key;

/// The key of one row, and which conditions it takes care of.
type Point = (Vec<u8>, Vec<bool>);

impl Execution {
    /// The row with the primary key, or with the values of a unique index, that
    /// conditions of a filter name, field by field; `None` where they do not. Found
    /// without the other ways being looked at.
    pub(super) fn point(&self, collection: &Collection, filter: &Filter) -> Result<Option<Choice>> {
        let primary = &collection.schema.primary;
        if let Some((key, covered)) = self.key_of(filter, primary.len(), |at| primary.get(at).copied())? {
            let access = Access::Points(vec![key]);
            self.watch.access(collection, &access);
            return Ok(Some(chosen(access, covered, PRIMARY.into())));
        }
        for (number, index) in collection.indexes.iter().enumerate().filter(|(_, index)| index.spec.unique) {
            let components = &index.spec.components;
            let field = |at: usize| whole(components.get(at)?);
            let Some((entry, covered)) = self.key_of(filter, components.len(), field)? else { continue };
            self.watch.prefix(collection, Through::Index(number), &entry);
            let key = index.entry(&entry).and_then(|found| index.primary_key(found));
            let access = Access::Points(key.map(<[u8]>::to_vec).into_iter().collect());
            return Ok(Some(chosen(access, covered, ["index ", &index.spec.name].concat().into())));
        }
        Ok(None)
    }

    /// The key that conditions name part by part; `None` where one is not named, or null.
    fn key_of(
        &self,
        filter: &Filter,
        parts: usize,
        field: impl Fn(usize) -> Option<usize>,
    ) -> Result<Option<Point>> {
        let part = |at| field(at).and_then(|position| filter.equal_to(position));
        if !(0..parts).all(|at| part(at).is_some()) {
            return Ok(None);
        }
        let mut key = Vec::with_capacity(16 * parts);
        let mut covered = vec![false; filter.conditions.len()];
        for (number, operand) in (0..parts).filter_map(part) {
            let value = self.value(operand)?;
            if value.is_null() {
                return Ok(None);
            }
            encode_key(&mut key, value.as_ref());
            if let Some(covered) = covered.get_mut(number) {
                *covered = true;
            }
        }
        Ok(Some((key, covered)))
    }
}

fn chosen(access: Access, covered: Vec<bool>, note: Cow<'static, str>) -> Choice {
    Choice { access, covered, direction: Some(Direction::default()), note }
}
