//! Choosing an access path. The trees know how many entries a range has, so
//! nothing is estimated that can be counted.

mod constraint;
mod order;
mod point;
mod ranges;

use std::borrow::Cow;

use super::access::{Access, Direction, Span};
use super::execution::{Execution, Wish, defect};
use super::join::encode_ends;
use super::lookup::{LEAST_INDEXED, Through, tree_over, visit_prefix};
use super::shape::{Condition, Filter, Join, JoinEnd, OrderShape, Related};
use crate::catalog::Component;
use crate::error::Result;
use crate::store::Collection;
use crate::value::Row;
use constraint::{Constraints, Test, constraints};
pub(super) use ranges::Range;
use ranges::Ranges;

/// What it costs to look at a row, relative to walking the rows themselves.
const BY_PRIMARY: f64 = 1.0;
const BY_POINT: f64 = 3.0;
const BY_INDEX: f64 = 4.0;
/// What it costs to give a row its place in an order.
const SORTING: f64 = 2.0;
/// What the way by primary keys is called.
const PRIMARY: &str = "primary key";
/// A path that costs no more is taken without looking for subtler ones.
const ENOUGH: f64 = 64.0;

/// What is asked of an access path beside the rows.
#[derive(Clone, Copy)]
pub(super) struct Need<'s> {
    /// The order that the rows are wanted in, if any.
    pub order: Option<&'s OrderShape>,
    /// How many rows are wanted, if not all.
    pub rows: Option<usize>,
    /// How many of these are only to be counted off.
    pub offset: usize,
    /// Whether the number of rows is all that is wanted.
    pub count: bool,
}

impl Need<'_> {
    /// All rows in any order.
    pub const ALL: Need<'static> = Need { order: None, rows: None, offset: 0, count: false };
}

/// A chosen access path.
pub(super) struct Choice {
    pub access: Access,
    /// For each condition of the filter, whether all entries of the path fulfil it.
    pub covered: Vec<bool>,
    /// The walk that gives the order asked for; none where rows must be sorted.
    pub direction: Option<Direction>,
    /// For people.
    pub note: Cow<'static, str>,
}

impl Choice {
    /// Whether the path leads to matching rows only.
    pub fn is_exact(&self) -> bool {
        self.covered.iter().all(|covered| *covered)
    }
}

/// A path that could be taken.
struct Candidate<'s> {
    path: Path<'s>,
    /// How many rows it leads to.
    rows: usize,
    covered: Vec<usize>,
    direction: Option<Direction>,
    /// The cost of reaching one row.
    unit: f64,
    /// The cost before the first row.
    setup: f64,
}

enum Path<'s> {
    Ready { access: Access, note: Cow<'static, str> },
    Union(Vec<Choice>),
    Inside(Box<Inside<'s>>),
}

impl Path<'_> {
    /// Whether rows before a page cost nothing.
    fn skips(&self) -> bool {
        matches!(self, Self::Ready { access, .. } if access.skips())
    }
}

/// Beginning with the related rows that match.
struct Inside<'s> {
    related: &'s Related,
    inner: Choice,
    through: Through,
    /// The target's ends in the order of the tree's components.
    remote: Vec<JoinEnd>,
}

impl Execution {
    /// The cheapest way to the rows of a collection that match a filter.
    pub fn choose(&self, collection: &Collection, filter: &Filter, need: Need<'_>) -> Result<Choice> {
        if let Some(point) = self.point(collection, filter)? {
            return Ok(point);
        }
        let total = collection.rows.len();
        let conditions = filter.conditions.len();
        let Some(constraints) = constraints(self, &collection.schema, filter)? else {
            return Ok(Choice {
                access: Access::nothing(),
                covered: vec![true; conditions],
                direction: Some(Direction::default()),
                note: "nothing: the conditions contradict themselves".into(),
            });
        };
        let checks = filter
            .conditions
            .iter()
            .map(|condition| self.check_cost(collection, condition))
            .collect::<Result<Vec<f64>>>()?;
        let mut candidates = vec![self.everything(collection, need)];
        self.by_trees(collection, &constraints, need, &mut candidates);
        let mut best = cheapest(&candidates, need, &checks);
        // What takes steps to find out is not worth it where little can be gained.
        let promising = best > ENOUGH;
        for (number, arms) in constraints.unions.iter().filter(|_| promising) {
            if let Some(candidate) = self.union(collection, *number, arms, best)? {
                best = best.min(cost(&candidate, need, &checks, candidate.rows));
                candidates.push(candidate);
            }
        }
        for (number, related) in constraints.related.iter().filter(|_| promising) {
            if let Some(candidate) = self.inside(collection, *number, related, best)? {
                best = best.min(cost(&candidate, need, &checks, candidate.rows));
                candidates.push(candidate);
            }
        }
        let fewest = candidates.iter().map(|candidate| candidate.rows).min().unwrap_or(total);
        let chosen = candidates
            .into_iter()
            .map(|candidate| (cost(&candidate, need, &checks, fewest), candidate))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, candidate)| candidate)
            .ok_or_else(|| defect("there is no access path"))?;
        self.take(collection, &constraints, chosen, conditions, need)
    }

    /// What it costs to check a condition on a row. Only following relations counts.
    fn check_cost(&self, collection: &Collection, condition: &Condition) -> Result<f64> {
        let all = |filter: &Filter| -> Result<f64> {
            filter.conditions.iter().map(|condition| self.check_cost(collection, condition)).sum()
        };
        match condition {
            Condition::All(filter) => all(filter),
            Condition::Any(arms) => arms.iter().map(all).sum(),
            Condition::Not(condition) => self.check_cost(collection, condition),
            Condition::Related(related) => self.follow_cost(collection, &related.join),
            Condition::Counted(counted) => self.follow_cost(collection, &counted.join),
            _ => Ok(0.0),
        }
    }

    fn follow_cost(&self, collection: &Collection, join: &Join) -> Result<f64> {
        let target = self.root.collection(join.target)?;
        let fan = target.rows.len() as f64 / collection.rows.len().max(1) as f64;
        Ok(BY_INDEX * fan.max(1.0))
    }

    fn everything(&self, collection: &Collection, need: Need<'_>) -> Candidate<'static> {
        let primary = primary_components(collection);
        let fixed = vec![false; primary.len()];
        let direction = match need.order {
            Some(order) => order::supplied(&collection.schema, &primary, true, &fixed, order),
            None => Some(Direction::default()),
        };
        Candidate {
            path: Path::Ready { access: Access::everything(collection), note: "all rows".into() },
            rows: collection.rows.len(),
            covered: Vec::new(),
            direction,
            unit: BY_PRIMARY,
            setup: 0.0,
        }
    }

    /// The primary key and every index.
    fn by_trees<'s>(
        &self,
        collection: &Collection,
        constraints: &Constraints<'_>,
        need: Need<'_>,
        candidates: &mut Vec<Candidate<'s>>,
    ) {
        let primary = primary_components(collection);
        if let Some(ranges) = ranges::ranges(&primary, constraints) {
            let point = ranges.known == primary.len();
            candidates.push(candidate(collection, Through::Primary, &primary, ranges, need));
            // A single row, or none: nothing is better.
            if point && candidates.last().is_some_and(|candidate| candidate.rows <= 1) {
                return;
            }
        }
        for (number, index) in collection.indexes.iter().enumerate() {
            let through = Through::Index(number);
            let components = &index.spec.components;
            match ranges::ranges(components, constraints) {
                Some(ranges) => candidates.push(candidate(collection, through, components, ranges, need)),
                // The index may have the order nevertheless.
                None if need.order.is_some_and(|order| !order.keys.is_empty()) => {
                    let whole = Ranges {
                        ranges: vec![Range { low: Vec::new(), high: None }],
                        fixed: vec![false; components.len()],
                        ..Ranges::default()
                    };
                    let candidate = candidate(collection, through, components, whole, need);
                    if candidate.direction.is_some() {
                        candidates.push(candidate);
                    }
                }
                None => {}
            }
        }
    }

    /// The rows of each arm of an alternative, where every arm has a path that is better than all rows.
    fn union<'s>(
        &self,
        collection: &Collection,
        condition: usize,
        arms: &[Filter],
        limit: f64,
    ) -> Result<Option<Candidate<'s>>> {
        let mut choices = Vec::with_capacity(arms.len());
        let mut rows = 0;
        for arm in arms {
            let choice = self.choose(collection, arm, Need::ALL)?;
            rows += choice.access.entries();
            if rows as f64 * (BY_POINT + BY_PRIMARY) >= limit {
                return Ok(None);
            }
            choices.push(choice);
        }
        let covered = if choices.iter().all(Choice::is_exact) { vec![condition] } else { Vec::new() };
        Ok(Some(Candidate {
            path: Path::Union(choices),
            rows,
            covered,
            direction: None,
            unit: BY_POINT,
            setup: rows as f64 * BY_PRIMARY,
        }))
    }

    /// The rows that matching related rows lead back to.
    fn inside<'s>(
        &self,
        collection: &Collection,
        condition: Option<usize>,
        related: &'s Related,
        limit: f64,
    ) -> Result<Option<Candidate<'s>>> {
        let Some((through, order)) = tree_over(collection, &related.join.local) else { return Ok(None) };
        let target = self.root.collection(related.join.target)?;
        let inner = self.choose(target, &related.filter, Need::ALL)?;
        let found = inner.access.entries();
        // As many rows here for each row there as there are on average.
        let fan = (collection.rows.len() as f64 / target.rows.len().max(1) as f64).max(1.0);
        let rows = (found as f64 * fan).ceil();
        let setup = found as f64 * BY_INDEX + rows * BY_PRIMARY;
        if setup + rows * BY_POINT >= limit {
            return Ok(None);
        }
        let remote = order.iter().filter_map(|at| related.join.remote.get(*at).cloned()).collect();
        Ok(Some(Candidate {
            path: Path::Inside(Box::new(Inside { related, inner, through, remote })),
            rows: (rows as usize).min(collection.rows.len()),
            covered: condition.into_iter().collect(),
            direction: None,
            unit: BY_POINT,
            setup,
        }))
    }

    /// Makes a candidate a path that can be walked.
    fn take(
        &self,
        collection: &Collection,
        constraints: &Constraints<'_>,
        candidate: Candidate<'_>,
        conditions: usize,
        need: Need<'_>,
    ) -> Result<Choice> {
        let mut covered = vec![false; conditions];
        for condition in &candidate.covered {
            if let Some(covered) = covered.get_mut(*condition) {
                *covered = true;
            }
        }
        self.wishes.borrow_mut().extend(wish(collection, constraints, &candidate, need));
        let mut direction = candidate.direction;
        let (access, note) = match candidate.path {
            Path::Ready { access, note } => (access, note),
            Path::Union(arms) => {
                let mut keys = Vec::new();
                let mut notes = Vec::new();
                for arm in arms {
                    self.allowance.spend(arm.access.entries())?;
                    arm.access.primary_keys(collection, &mut keys)?;
                    notes.push(arm.note);
                }
                (sorted_points(keys), format!("union of ({})", notes.join("; ")).into())
            }
            Path::Inside(inside) => {
                let note = format!("back from related rows: {}", inside.inner.note);
                (sorted_points(self.back(collection, *inside)?), note.into())
            }
        };
        if let (Access::Points(_), Some(order)) = (&access, need.order) {
            let primary = primary_components(collection);
            let fixed = vec![false; primary.len()];
            direction = order::supplied(&collection.schema, &primary, true, &fixed, order)
                .filter(|direction| direction.group.is_none());
        } else if need.order.is_none() {
            direction = Some(Direction::default());
        }
        // At most one row is in every order.
        if direction.is_none() && access.entries() <= 1 {
            direction = Some(Direction::default());
        }
        self.watch.access(collection, &access);
        Ok(Choice { access, covered, direction, note })
    }

    /// The primary keys of the rows that matching related rows lead back to.
    fn back(&self, collection: &Collection, inside: Inside<'_>) -> Result<Vec<Vec<u8>>> {
        let Inside { related, inner, through, remote } = inside;
        let target = self.root.collection(related.join.target)?;
        let mut keys = Vec::new();
        let mut seen = ahash::AHashSet::new();
        let mut key = Vec::with_capacity(24);
        self.walk_choice(target, &related.filter, &inner, &mut |row| {
            key.clear();
            if !related.join.ends_at(row) || !encode_ends(&mut key, row, &remote) || seen.contains(&key) {
                return Ok(true);
            }
            seen.insert(key.clone());
            if through == Through::Primary && remote.len() == collection.schema.primary.len() {
                keys.push(key.clone());
                return Ok(true);
            }
            self.watch.prefix(collection, through, &key);
            visit_prefix(collection, through, &key, remote.len(), &mut |row| {
                self.allowance.spend(1)?;
                keys.push(collection.schema.primary_key(row));
                Ok(true)
            })
        })?;
        Ok(keys)
    }

    /// Visits the rows that match a filter, in any order.
    pub fn each_match(
        &self,
        collection: &Collection,
        filter: &Filter,
        visit: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<()> {
        let choice = self.choose(collection, filter, Need::ALL)?;
        self.walk_choice(collection, filter, &choice, visit)
    }

    /// Visits the rows of a chosen path that match the filter.
    pub fn walk_choice(
        &self,
        collection: &Collection,
        filter: &Filter,
        choice: &Choice,
        visit: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<()> {
        let direction = choice.direction.unwrap_or_default();
        choice.access.walk(collection, direction, &mut Default::default(), &mut |row| {
            self.allowance.spend(1)?;
            let goes_on = !self.holds_rest(filter, &choice.covered, row)? || visit(row)?;
            Ok(if goes_on { usize::MAX } else { 0 })
        })?;
        Ok(())
    }

    /// Whether the conditions that a path does not cover hold for a row.
    pub fn holds_rest(&self, filter: &Filter, covered: &[bool], row: &Row) -> Result<bool> {
        for (condition, covered) in filter.conditions.iter().zip(covered) {
            if !covered && self.evaluate(condition, row)? != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn primary_components(collection: &Collection) -> Vec<Component> {
    collection.schema.primary.iter().map(|position| Component::field(*position)).collect()
}

/// Ranges of one tree, counted.
fn candidate<'s>(
    collection: &Collection,
    through: Through,
    components: &[Component],
    ranges: Ranges,
    need: Need<'_>,
) -> Candidate<'s> {
    let is_primary = through == Through::Primary;
    // Each range is walked by itself, and no group may reach over several.
    let together = if ranges.ranges.len() > 1 { ranges.together } else { 0 };
    let direction = match need.order {
        Some(order) => order::supplied(&collection.schema, components, is_primary, &ranges.fixed, order)
            .filter(|direction| direction.group.is_none_or(|components| components >= together)),
        None => Some(Direction::default()),
    };
    let name: Cow<'static, str> = match through {
        Through::Primary => PRIMARY.into(),
        Through::Index(number) => {
            format!("index {}", collection.indexes.get(number).map_or("?", |index| &index.spec.name)).into()
        }
    };
    let note = match ranges.ranges.len() {
        1 => name,
        several => format!("{name}, {several} ranges").into(),
    };
    let covered = ranges.covered;
    if is_primary && ranges.known == components.len() {
        let keys: Vec<Vec<u8>> = ranges.ranges.into_iter().map(|range| range.low).collect();
        let rows = keys.len();
        let direction = direction.filter(|direction| direction.group.is_none());
        let path = Path::Ready { access: Access::Points(keys), note };
        return Candidate { path, rows, covered, direction, unit: BY_POINT, setup: 0.0 };
    }
    let place = |range: &Range| match through {
        Through::Primary => span(&collection.rows, range),
        Through::Index(number) => match collection.indexes.get(number) {
            Some(index) => span(&index.tree, range),
            None => Span { start: 0, end: 0 },
        },
    };
    let spans: Vec<Span> = ranges.ranges.iter().map(place).filter(|span| span.start < span.end).collect();
    let rows = spans.iter().map(|span| span.end - span.start).sum();
    Candidate {
        path: Path::Ready { access: Access::Spans { through, spans, ranges: ranges.ranges }, note },
        rows,
        covered,
        direction,
        unit: if is_primary { BY_PRIMARY } else { BY_INDEX },
        setup: 0.0,
    }
}

fn span<V: Clone>(tree: &crate::tree::Tree<V>, range: &Range) -> Span {
    let start = tree.rank(&range.low);
    let end = range.high.as_ref().map_or(tree.len(), |high| tree.rank(high));
    Span { start, end: end.max(start) }
}

fn sorted_points(mut keys: Vec<Vec<u8>>) -> Access {
    keys.sort_unstable();
    keys.dedup();
    Access::Points(keys)
}

fn cheapest(candidates: &[Candidate<'_>], need: Need<'_>, checks: &[f64]) -> f64 {
    let fewest = candidates.iter().map(|candidate| candidate.rows).min().unwrap_or(0);
    candidates.iter().map(|candidate| cost(candidate, need, checks, fewest)).fold(f64::INFINITY, f64::min)
}

/// What a path costs. `checks` is what it costs to check each condition on a row,
/// `matching` how many rows may match at most.
fn cost(candidate: &Candidate<'_>, need: Need<'_>, checks: &[f64], matching: usize) -> f64 {
    let rows = candidate.rows as f64;
    let exact = candidate.covered.len() == checks.len();
    let uncovered = |(at, _): &(usize, &f64)| !candidate.covered.contains(at);
    let unit =
        candidate.unit + checks.iter().enumerate().filter(uncovered).map(|(_, cost)| cost).sum::<f64>();
    let looked_at = match (candidate.direction, need.rows) {
        _ if need.count && exact => return candidate.setup + 1.0,
        (Some(_), Some(wanted)) if exact => {
            let skipped = if candidate.path.skips() { need.offset } else { 0 };
            rows.min(wanted.saturating_sub(skipped) as f64)
        }
        // Matches are taken to be spread evenly.
        (Some(_), Some(wanted)) => rows.min(wanted as f64 * rows / matching.max(1) as f64),
        (Some(_), None) => rows,
        (None, _) => return candidate.setup + rows * (unit + SORTING),
    };
    candidate.setup + looked_at * unit
}

/// The index that would have served better than looking at all rows.
fn wish(
    collection: &Collection,
    constraints: &Constraints<'_>,
    chosen: &Candidate<'_>,
    need: Need<'_>,
) -> Option<Wish> {
    let total = collection.rows.len();
    let scans =
        matches!(&chosen.path, Path::Ready { access: Access::Spans { .. }, .. }) && chosen.rows == total;
    if !scans || total < LEAST_INDEXED {
        return None;
    }
    let rank = |test: &Test<'_>| match test {
        Test::Equal(_) => 0,
        Test::Among(_) => 1,
        Test::Begins(_) => 2,
        Test::Above { .. } | Test::Below { .. } => 3,
        // Most rows fulfil it.
        Test::NotNull => 4,
    };
    let condition = constraints
        .single
        .iter()
        .filter(|constraint| rank(&constraint.test) < 4)
        .min_by_key(|constraint| rank(&constraint.test))
        .map(|constraint| vec![constraint.component.clone()]);
    let wished = condition.or_else(|| {
        let tuple = constraints.tuples.first()?;
        Some(tuple.components.iter().map(|component| (*component).clone()).collect())
    });
    let by_order = || {
        let key = need.order?.keys.first()?;
        let sorted = chosen.direction.is_none() && need.rows.is_some();
        let indexable = key.ranks.is_none() && need.order?.keys.len() == 1;
        (sorted && indexable).then(|| key.path.here().map(|component| vec![component.clone()]))?
    };
    let wished = wished.or_else(by_order)?;
    let exists = |parts: &[Component]| parts.get(..wished.len()) == Some(&wished);
    let indexed = exists(&primary_components(collection))
        || collection.indexes.iter().any(|index| exists(&index.spec.components));
    (!indexed).then_some(Wish { collection: collection.schema.id, components: wished, rows: total })
}
