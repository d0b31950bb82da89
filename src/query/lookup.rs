//! Following joins: from a row to those of another collection with equal values.

use std::hint::black_box;
use std::ops::Bound;

use ahash::AHashMap;
use arrayvec::ArrayVec;

use super::execution::{Execution, Wish, defect};
use super::join::encode_ends;
use super::shape::{Join, JoinEnd, Step, ValuePath};
use crate::catalog::Component;
use crate::error::Result;
use crate::store::{Collection, Index};
use crate::tree::BATCH;
use crate::value::{Row, ValueRef, skip_key, successor};

/// A collection with fewer rows gains nothing from an automatic index.
pub(super) const LEAST_INDEXED: usize = 1_000;

/// What finding the first row that a join leads to costs, in rows looked at.
pub(super) const FOLLOWING: usize = 4;

/// The tree that leads to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// The rows themselves, by primary key.
    Primary,
    /// The index of this number.
    Index(usize),
}

/// How the rows that a join leads to are found.
pub(super) enum Lookup {
    /// In a tree that begins with the join's fields.
    Keyed {
        through: Through,
        /// The local ends in the order of the tree's components.
        local: Vec<JoinEnd>,
    },
    /// In a table made for this run, by the fields in the join's order: no tree begins with them.
    Hashed(AHashMap<Vec<u8>, Vec<Row>>),
}

/// A tree whose first components are the fields among some ends in any order;
/// for each of those components, which of the ends it is.
pub(super) fn tree_over(collection: &Collection, ends: &[JoinEnd]) -> Option<(Through, Vec<usize>)> {
    let primary = permutation(&collection.schema.primary, ends).map(|order| (Through::Primary, order));
    // The fewer other components, the shorter the keys.
    primary.or_else(|| {
        let mut best: Option<(usize, Through, Vec<usize>)> = None;
        for (number, index) in collection.indexes.iter().enumerate() {
            let whole: Vec<usize> = index
                .spec
                .components
                .iter()
                .take_while(|part| part.json.is_empty())
                .map(|part| part.position)
                .collect();
            let width = index.spec.components.len();
            if best.as_ref().is_some_and(|(best, ..)| *best <= width) {
                continue;
            }
            if let Some(order) = permutation(&whole, ends) {
                best = Some((width, Through::Index(number), order));
            }
        }
        best.map(|(_, through, order)| (through, order))
    })
}

/// For each of the first components, which of the ends it is, if they are the fields among these exactly.
fn permutation(components: &[usize], ends: &[JoinEnd]) -> Option<Vec<usize>> {
    let fields = || ends.iter().enumerate().filter_map(|(at, end)| Some((at, end.field()?)));
    let first = components.get(..fields().count())?;
    let order: Vec<usize> = first
        .iter()
        .map(|part| fields().find(|(_, field)| field == part).map(|(at, _)| at))
        .collect::<Option<_>>()?;
    let each_once = fields().all(|(at, _)| order.contains(&at));
    each_once.then_some(order)
}

/// The row that an entry of an index is of.
pub(super) fn row_of<'c>(collection: &'c Collection, index: &Index, entry: &[u8]) -> Result<&'c Row> {
    let key = index.primary_key(entry);
    key.and_then(|key| collection.rows.get(key)).ok_or_else(|| defect("an index entry has no row"))
}

/// Appends the rows that some entries of an index are of, at most [`BATCH`] of them.
pub(super) fn rows_of<'c>(
    collection: &'c Collection,
    index: &Index,
    entries: &[&[u8]],
    rows: &mut ArrayVec<&'c Row, BATCH>,
) -> Result<()> {
    let mut keys = ArrayVec::<&[u8], BATCH>::new();
    keys.extend(entries.iter().map_while(|entry| index.primary_key(entry)).take(BATCH));
    collection.rows.get_all(&keys, rows);
    if rows.len() < entries.len() {
        return Err(defect("an index entry has no row"));
    }
    // Whoever looks at the first row waits for all of them.
    for row in rows {
        black_box(row.as_bytes().first());
    }
    Ok(())
}

/// Visits the rows whose keys in a tree begin with a prefix of some components,
/// until the visitor has seen enough. Tells whether it went to the end.
pub(super) fn visit_prefix(
    collection: &Collection,
    through: Through,
    prefix: &[u8],
    components: usize,
    visit: &mut dyn FnMut(&Row) -> Result<bool>,
) -> Result<bool> {
    let end = successor(prefix);
    let high = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    match through {
        Through::Primary if components == collection.schema.primary.len() => {
            match collection.rows.get(prefix) {
                Some(row) => visit(row),
                None => Ok(true),
            }
        }
        Through::Primary => {
            for (_, row) in collection.rows.range(Bound::Included(prefix), high) {
                if !visit(row)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Through::Index(number) => {
            let index = collection.indexes.get(number).ok_or_else(|| defect("an index is not there"))?;
            let width = index.spec.components.len();
            for (entry, ()) in index.tree.range(Bound::Included(prefix), high) {
                let primary = if width == components { prefix.len() } else { skip_key(entry, width) };
                let row = entry
                    .get(primary..)
                    .and_then(|key| collection.rows.get(key))
                    .ok_or_else(|| defect("an index entry has no row"))?;
                if !visit(row)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

impl Execution {
    /// Wishes for the indexes that joins lack.
    pub fn wish_for_joins(&self, joins: &[Join]) -> Result<()> {
        for join in joins {
            let target = self.root.collection(join.target)?;
            if target.rows.len() >= LEAST_INDEXED && tree_over(target, &join.remote).is_none() {
                self.wishes.borrow_mut().push(Wish {
                    collection: join.target,
                    components: join.remote_fields().map(Component::field).collect(),
                    rows: target.rows.len(),
                });
            }
        }
        Ok(())
    }

    /// How the rows that a join leads to are found.
    pub fn lookup(&self, join: &Join) -> Result<&Lookup> {
        let cell = self.lookups.get(join.number).ok_or_else(|| defect("a join is not there"))?;
        if let Some(lookup) = cell.get() {
            return Ok(lookup);
        }
        let target = self.root.collection(join.target)?;
        let lookup = match tree_over(target, &join.remote) {
            Some((through, order)) => {
                let local = order.iter().filter_map(|at| join.local.get(*at).cloned()).collect();
                Lookup::Keyed { through, local }
            }
            None => {
                self.watch.whole(join.target);
                self.allowance.spend(target.rows.len())?;
                let mut table: AHashMap<Vec<u8>, Vec<Row>> = AHashMap::new();
                for (_, row) in &target.rows {
                    let mut key = Vec::with_capacity(16);
                    if join.key_there(&mut key, row) {
                        table.entry(key).or_default().push(row.clone());
                    }
                }
                Lookup::Hashed(table)
            }
        };
        Ok(cell.get_or_init(|| lookup))
    }

    /// As [`Execution::follow`], in the order of the primary key.
    pub fn follow_in_order(
        &self,
        join: &Join,
        row: &Row,
        visit: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<bool> {
        let target = self.root.collection(join.target)?;
        let ordered = match self.lookup(join)? {
            Lookup::Keyed { through: Through::Index(number), local } => {
                target.indexes.get(*number).is_some_and(|index| index.spec.components.len() == local.len())
            }
            Lookup::Keyed { .. } | Lookup::Hashed(_) => true,
        };
        if ordered {
            return self.follow(join, row, visit);
        }
        let mut rows = Vec::new();
        self.follow(join, row, &mut |row| {
            rows.push((target.schema.primary_key(row), row.clone()));
            Ok(true)
        })?;
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (_, row) in &rows {
            if !visit(row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Visits the rows that a join leads to until the visitor has seen enough.
    /// Tells whether it went to the end.
    pub fn follow(
        &self,
        join: &Join,
        row: &Row,
        visit: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<bool> {
        let mut key = Vec::with_capacity(24);
        self.allowance.spend(FOLLOWING)?;
        let visit = &mut |row: &Row| {
            self.allowance.spend(1)?;
            visit(row)
        };
        match self.lookup(join)? {
            Lookup::Keyed { through, local } => {
                if !join.starts_at(row) || !encode_ends(&mut key, row, local) {
                    return Ok(true);
                }
                let target = self.root.collection(join.target)?;
                self.watch.prefix(target, *through, &key);
                visit_prefix(target, *through, &key, local.len(), visit)
            }
            Lookup::Hashed(table) => {
                if !join.key_here(&mut key, row) {
                    return Ok(true);
                }
                for row in table.get(&key).into_iter().flatten() {
                    if !visit(row)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// Visits the rows that count of those that a relation leads to.
    pub fn follow_step(
        &self,
        step: &Step,
        row: &Row,
        visit: &mut dyn FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        self.onward(row, || {
            self.follow(&step.join, row, &mut |next| {
                if self.holds(&step.filter, next)? {
                    visit(next)?;
                }
                Ok(true)
            })
        })?;
        Ok(())
    }

    /// Hands over the value at a path: null where no row is reached, the least
    /// that is not null where several are.
    pub fn with_value<T>(&self, path: &ValuePath, row: &Row, f: impl FnOnce(ValueRef<'_>) -> T) -> Result<T> {
        if path.via.is_empty() {
            return Ok(f(path.component.of(row)));
        }
        let mut least = None;
        self.least(&path.via, &path.component, row, &mut least)?;
        Ok(f(least.as_ref().map_or(ValueRef::Null, |end| path.component.of(end))))
    }

    /// Hands over the value at a path that goes on from a row, if there is one; null if not.
    pub fn with_value_behind<T>(
        &self,
        row: Option<&Row>,
        via: &[Step],
        component: &Component,
        f: impl FnOnce(ValueRef<'_>) -> T,
    ) -> Result<T> {
        let mut least = None;
        if let Some(row) = row {
            self.least(via, component, row, &mut least)?;
        }
        Ok(f(least.as_ref().map_or(ValueRef::Null, |end| component.of(end))))
    }

    fn least(&self, via: &[Step], component: &Component, row: &Row, least: &mut Option<Row>) -> Result<()> {
        let Some((step, rest)) = via.split_first() else {
            let value = component.of(row);
            if !value.is_null() && least.as_ref().is_none_or(|least| value < component.of(least)) {
                *least = Some(row.clone());
            }
            return Ok(());
        };
        self.follow_step(step, row, &mut |next| self.least(rest, component, next, least))
    }
}
