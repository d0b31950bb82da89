//! Pages in an order by something related, found group by group.
//!
//! Rows that point at the same related row have the same place in such an order.
//! So it is the groups that are sorted, by one row of each, and only the rows of
//! those that the page reaches into are looked at.

use super::execution::{Execution, defect};
use super::lookup::{FOLLOWING, Lookup, Through, row_of, tree_over};
use super::planner::Choice;
use super::shape::{FindShape, OrderKey};
use super::sort::{SORTING, Sorter};
use crate::error::Result;
use crate::store::{Collection, Index};
use crate::value::{Row, skip_key, successor};

/// Groups must be so many times fewer than rows for a detour by an index to pay.
const LEAST_FAN: usize = 4;
/// The end of a group with more entries is looked up, and not walked to.
const WALKED: usize = 16;

/// Neighbouring entries of an index that begin alike.
struct Group {
    /// What places its rows in the order.
    place: Vec<u8>,
    start: usize,
    end: usize,
}

impl Execution {
    /// The rows of a page, if finding them by groups is better than sorting all that match.
    pub fn find_grouped(
        &self,
        find: &FindShape,
        collection: &Collection,
        choice: &Choice,
        offset: usize,
        limit: usize,
    ) -> Result<Option<Vec<Row>>> {
        let total = collection.rows.len();
        let Some(key) = find.order.keys.first() else { return Ok(None) };
        let Some(join) = key.path.via.first().map(|step| &step.join) else { return Ok(None) };
        let related = self.root.collection(join.target)?.rows.len();
        let most_match = choice.is_exact() && choice.access.entries() >= total / 2;
        let few_groups = related.saturating_mul(LEAST_FAN) <= total && join.is_plain() && !self.looks_back();
        if limit == usize::MAX || !most_match || !few_groups {
            return Ok(None);
        }
        let Some((Through::Index(number), _)) = tree_over(collection, &join.local) else { return Ok(None) };
        let index = collection.indexes.get(number).ok_or_else(|| defect("an index is not there"))?;
        let mut groups = self.groups(collection, index, join.local.len(), key)?;
        groups.sort_unstable_by(|a, b| a.place.cmp(&b.place));

        // The groups are not those that the chosen path covers.
        let covered = vec![false; find.rows.filter.conditions.len()];
        let mut page = Vec::new();
        let mut ahead = offset;
        for level in groups.chunk_by(|a, b| a.place == b.place) {
            let wanted = limit - page.len();
            if wanted == 0 {
                break;
            }
            let size: usize = level.iter().map(|group| group.end - group.start).sum();
            if covered.is_empty() && size <= ahead {
                ahead -= size;
                continue;
            }
            self.allowance.spend(size.saturating_mul(1 + SORTING))?;
            let mut sorter = Sorter::page(&find.order, ahead.saturating_add(wanted));
            let mut matching = 0;
            for group in level {
                let mut entries = index.tree.iter();
                entries.skip_front(group.start);
                for (entry, ()) in entries.take(group.end - group.start) {
                    let row = row_of(collection, index, entry)?;
                    if self.holds_rest(&find.rows.filter, &covered, row)? {
                        sorter.push(self, &collection.schema, row)?;
                        matching += 1;
                    }
                }
            }
            let skipped = ahead.min(matching);
            ahead -= skipped;
            page.extend(sorter.finish().into_iter().skip(skipped).take(wanted));
        }
        Ok(Some(page))
    }

    /// The groups of an index by its first components, each with its place in the order.
    fn groups(
        &self,
        collection: &Collection,
        index: &Index,
        width: usize,
        key: &OrderKey,
    ) -> Result<Vec<Group>> {
        let direct = match key.path.via.split_first() {
            Some((step, rest))
                if width == 1
                    && step.filter.conditions.is_empty()
                    && matches!(
                        self.lookup(&step.join)?,
                        Lookup::Keyed { through: Through::Primary, .. }
                    ) =>
            {
                let target = self.root.collection(step.join.target)?;
                (target.schema.primary.len() == 1).then_some((target, rest))
            }
            _ => None,
        };
        let mut groups = Vec::new();
        let mut start = 0;
        let mut entries = index.tree.iter().peekable();
        while let Some((entry, ())) = entries.next() {
            let prefix = entry.get(..skip_key(entry, width)).unwrap_or(entry);
            let mut end = start + 1;
            while end - start < WALKED && entries.next_if(|(next, ())| next.starts_with(prefix)).is_some() {
                end += 1;
            }
            if end - start == WALKED {
                end = successor(prefix).map_or(index.tree.len(), |next| index.tree.rank(&next));
                let mut rest = index.tree.iter();
                rest.skip_front(end);
                entries = rest.peekable();
            }
            self.allowance.spend(FOLLOWING)?;
            let mut place = Vec::with_capacity(24);
            match direct {
                // The key in the entry is that of the related row: what lies between needs no look.
                Some((target, rest)) => {
                    self.watch.key(target.schema.id, prefix);
                    self.with_value_behind(target.rows.get(prefix), rest, &key.path.component, |value| {
                        self.place_value(&mut place, key, value)
                    })??
                }
                None => self.place(&mut place, key, row_of(collection, index, entry)?)?,
            }
            groups.push(Group { place, start, end });
            start = end;
        }
        Ok(groups)
    }
}
