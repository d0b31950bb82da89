//! Foreign keys: what follows from the rows that a statement has changed.
//!
//! When a statement ends, its effects are gone through in order. A key that went
//! away calls for the rules of those who point at it; what the rules change is
//! appended to the effects and gone through as well. Then, with everything in
//! place, whatever still points must point at something.

use std::ops::Bound;

use super::root::{Collection, encode_fields};
use super::violation;
use super::writer::{Effect, Writer};
use crate::catalog::{Access, DefaultValue, ForeignKey, Incoming, Rule, now};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Row, Value, successor};

/// How often a changed key may be followed to a key that changes for it. Deletes
/// end by themselves; changes could chase each other in a circle.
const MAX_CASCADE: usize = 1_000;

/// What the effects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// What a statement did, step by step.
    Statement,
    /// The sum of what a transaction did, its rules followed already: they are
    /// followed again only for rows that others have written since.
    Replay,
}

impl Collection {
    /// The primary keys of the rows whose foreign key has this value.
    pub(super) fn pointing(&self, foreign: &ForeignKey, key: &[u8]) -> Result<Vec<Vec<u8>>> {
        let end = successor(key);
        let range = (Bound::Included(key), end.as_deref().map_or(Bound::Unbounded, Bound::Excluded));
        Ok(match foreign.access {
            Access::Primary => self.rows.range(range.0, range.1).map(|(key, _)| key.to_vec()).collect(),
            Access::Index(number) => {
                let index = self.index(number)?;
                let primary = |entry| index.primary_key(entry).unwrap_or_default().to_vec();
                index.tree.range(range.0, range.1).map(|(entry, ())| primary(entry)).collect()
            }
        })
    }
}

/// When what a foreign key refuses is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// At the end of the statement.
    Statement,
    /// When the transaction commits: the key is deferred.
    Commit,
}

impl When {
    fn concerns(self, foreign: &ForeignKey) -> bool {
        foreign.deferred == (self == Self::Commit)
    }
}

/// A key that went away while a rule says to look at it only at the end.
struct Owed {
    incoming: Incoming,
    row: Row,
}

impl Writer<'_> {
    /// Follows the rules of foreign keys and checks what is left.
    pub(super) fn finish(&mut self, cause: Cause) -> Result<()> {
        let mut owed = Vec::new();
        let mut at = self.first;
        let mut generation = 0;
        let mut generation_end = self.effects.len();
        while at < self.effects.len() {
            if at == generation_end {
                generation += 1;
                generation_end = self.effects.len();
            }
            self.follow(at, cause, generation, &mut owed)?;
            at += 1;
        }
        for at in self.first..self.effects.len() {
            self.check_outgoing(at, When::Statement)?;
        }
        owed.iter().try_for_each(|owed| self.refuse_pointing(owed.incoming, &owed.row))
    }

    /// Checks the deferred foreign keys of all effects, for a commit.
    pub(super) fn check_deferred(&self) -> Result<()> {
        for (at, effect) in self.effects.iter().enumerate() {
            self.check_outgoing(at, When::Commit)?;
            let Some(before) = &effect.before else { continue };
            for incoming in &self.root().collection(effect.collection)?.schema.incoming {
                if self.foreign(*incoming)?.deferred {
                    self.refuse_pointing(*incoming, before)?;
                }
            }
        }
        Ok(())
    }

    /// Follows the rules of those who point at what an effect took away.
    fn follow(&mut self, at: usize, cause: Cause, generation: usize, owed: &mut Vec<Owed>) -> Result<()> {
        let Some(Effect { collection, before: Some(_), .. }) = self.effects.get(at) else { return Ok(()) };
        let schema = &self.root().collection(*collection)?.schema;
        if schema.incoming.is_empty() {
            return Ok(());
        }
        let incoming = schema.incoming.clone();
        let Some(Effect { before: Some(before), after, .. }) = self.effects.get(at).cloned() else {
            return Ok(());
        };
        let mut vanished = Vec::with_capacity(incoming.len());
        for incoming in incoming {
            let foreign = self.foreign(incoming)?;
            let mut old = Vec::new();
            if encode_fields(&mut old, &before, &foreign.target_fields) {
                continue;
            }
            let rule = match &after {
                Some(after) => {
                    let mut new = Vec::new();
                    encode_fields(&mut new, after, &foreign.target_fields);
                    if new == old {
                        continue;
                    }
                    foreign.on_update
                }
                None => foreign.on_delete,
            };
            // A deleted row that is there again, or one that others have put in its
            // place, is what pointed at the old one now points at.
            if (after.is_none() || cause == Cause::Replay) && self.root().has_target(foreign, &old)? {
                continue;
            }
            vanished.push((incoming, rule, old));
        }
        for (incoming, _, _) in vanished.iter().filter(|(_, rule, _)| *rule == Rule::Restrict) {
            self.refuse_pointing(*incoming, &before)?;
        }
        for (incoming, rule, old) in vanished {
            let deferred = self.foreign(incoming)?.deferred;
            match rule {
                Rule::Restrict => {}
                Rule::NoAction if deferred => {}
                Rule::NoAction => owed.push(Owed { incoming, row: before.clone() }),
                Rule::Cascade | Rule::SetNull | Rule::SetDefault => {
                    self.apply(incoming, rule, &old, after.as_ref(), generation)?;
                }
            }
            // A default may be the very key that went away.
            if rule == Rule::SetDefault && !deferred {
                owed.push(Owed { incoming, row: before.clone() });
            }
        }
        Ok(())
    }

    /// Applies a rule to the rows that point at a key.
    fn apply(
        &mut self,
        incoming: Incoming,
        rule: Rule,
        old: &[u8],
        after: Option<&Row>,
        generation: usize,
    ) -> Result<()> {
        let collection = self.root().collection(incoming.collection)?;
        let schema = std::sync::Arc::clone(&collection.schema);
        let foreign = self.foreign(incoming)?;
        let pointing = collection.pointing(foreign, old)?;
        let changes: Vec<(usize, Value)> = match (rule, after) {
            (Rule::Cascade, None) => {
                for key in pointing {
                    self.delete(incoming.collection, &key)?;
                }
                return Ok(());
            }
            (Rule::Cascade, Some(after)) => {
                let pairs = foreign.fields.iter().zip(&foreign.target_fields);
                pairs.map(|(own, target)| (*own, after.get(*target).to_value())).collect()
            }
            (Rule::SetDefault, _) => {
                let default = |position: usize| {
                    let default = schema.field(position).and_then(|field| field.default.as_ref());
                    default.map_or(Value::Null, |default: &DefaultValue| default.evaluate(now()))
                };
                foreign.fields.iter().map(|own| (*own, default(*own))).collect()
            }
            _ => foreign.fields.iter().map(|own| (*own, Value::Null)).collect(),
        };
        if generation > MAX_CASCADE {
            let message = format!(
                "foreign key \"{}\" of collection \"{}\": more than {MAX_CASCADE} changes follow from each other",
                foreign.name,
                schema.name()
            );
            return Err(violation::of_foreign(&schema, foreign, message));
        }
        let constraint = foreign.name.clone();
        for key in pointing {
            self.update(incoming.collection, &key, &changes)
                .map_err(|error| error.of_constraint(&constraint))?;
        }
        Ok(())
    }

    /// Refuses that rows point at what this row was, unless another row has its key now.
    fn refuse_pointing(&self, incoming: Incoming, row: &Row) -> Result<()> {
        let foreign = self.foreign(incoming)?;
        let mut key = Vec::new();
        // Nothing points at a null.
        if encode_fields(&mut key, row, &foreign.target_fields) || self.root().has_target(foreign, &key)? {
            return Ok(());
        }
        let collection = self.root().collection(incoming.collection)?;
        let rows = collection.pointing(foreign, &key)?.len();
        if rows == 0 {
            return Ok(());
        }
        let target = &self.root().collection(foreign.target)?.schema;
        Err(violation::referenced(&collection.schema, foreign, target, row, rows))
    }

    /// Checks that the row an effect left behind points at rows that exist.
    fn check_outgoing(&self, at: usize, when: When) -> Result<()> {
        let Some(Effect { collection, before, after: Some(after) }) = self.effects.get(at) else {
            return Ok(());
        };
        let collection = self.root().collection(*collection)?;
        let schema = &collection.schema;
        if schema.foreign.is_empty() {
            return Ok(());
        }
        let same = |fields: &[usize], other: &Row| fields.iter().all(|field| after.same_field(other, *field));
        let unmoved = before.as_ref().filter(|before| same(&schema.primary, before));
        let mut row = None;
        for foreign in &schema.foreign {
            if !when.concerns(foreign) || unmoved.is_some_and(|before| same(&foreign.fields, before)) {
                continue;
            }
            let mut key = Vec::new();
            if encode_fields(&mut key, after, &foreign.fields) {
                continue;
            }
            // A later effect may have taken the row away, or changed where it
            // points, which is then checked with that effect.
            let row = *row.get_or_insert_with(|| collection.rows.get(&schema.primary_key(after)));
            if row.is_some_and(|row| same(&foreign.fields, row)) && !self.root().has_target(foreign, &key)? {
                let target = &self.root().collection(foreign.target)?.schema;
                return Err(violation::dangling(schema, foreign, target, after));
            }
        }
        Ok(())
    }

    fn foreign(&self, incoming: Incoming) -> Result<&ForeignKey> {
        let schema = &self.root().collection(incoming.collection)?.schema;
        schema.foreign.get(incoming.foreign).ok_or_else(|| {
            let message = format!("collection \"{}\" lacks foreign key {}", schema.name(), incoming.foreign);
            Error::new(ErrorCode::Internal, message)
        })
    }
}
