//! Checks histories of lists that were read and appended to, as Elle does
//! (Kingsbury and Alvaro, 2020): the lists tell in which order the appends
//! happened, and so which transaction must come before which.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a transaction.
pub type Id = usize;

/// What a committed transaction did, in its order.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// What it has read before it appended to the same key itself.
    pub reads: Vec<(i64, Vec<Id>)>,
    /// The keys that it has appended its number to.
    pub appends: Vec<i64>,
}

/// What must not be found in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Level {
    /// No cycle of writes and reads of what was written (G0, G1).
    ReadCommitted,
    /// And none with a single read of what was overwritten (G-single, lost updates).
    Snapshot,
    /// And none with several (G2).
    Serializable,
}

/// Why a transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    /// It wrote what the other overwrote or read.
    Wrote,
    /// It read what the other overwrote.
    Read,
}

/// What is wrong with a history; `None` if nothing is.
pub fn check(
    transactions: &BTreeMap<Id, Transaction>,
    last: &BTreeMap<i64, Vec<Id>>,
    level: Level,
) -> Option<String> {
    for (key, list) in last {
        for id in list {
            match transactions.get(id) {
                None => return Some(format!("key {key} has the append of {id}, which was not committed")),
                Some(transaction) if !transaction.appends.contains(key) => {
                    return Some(format!("key {key} has an append that {id} did not make"));
                }
                Some(_) => {}
            }
        }
        if list.iter().collect::<BTreeSet<_>>().len() != list.len() {
            return Some(format!("key {key} has an append twice: {list:?}"));
        }
    }
    for (id, transaction) in transactions {
        if let Some(key) =
            transaction.appends.iter().find(|key| !last.get(key).is_some_and(|list| list.contains(id)))
        {
            return Some(format!("the append of {id} to key {key} was lost"));
        }
    }
    let mut edges: BTreeSet<(Id, Id, Edge)> = BTreeSet::new();
    for list in last.values() {
        edges.extend(list.windows(2).map(|pair| (pair[0], pair[1], Edge::Wrote)));
    }
    for (id, transaction) in transactions {
        for (key, read) in &transaction.reads {
            let list = last.get(key).map_or(&[][..], Vec::as_slice);
            if !list.starts_with(read) {
                return Some(format!("{id} has read {read:?} of key {key}, which ended as {list:?}"));
            }
            if let Some(writer) = read.last().filter(|writer| *writer != id) {
                edges.insert((*writer, *id, Edge::Wrote));
            }
            if let Some(next) = list.get(read.len()).filter(|next| *next != id) {
                edges.insert((*id, *next, Edge::Read));
            }
        }
    }
    let of = |wanted: &dyn Fn(Edge) -> bool| {
        let mut graph: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
        for (from, to, edge) in &edges {
            if wanted(*edge) {
                graph.entry(*from).or_default().push(*to);
            }
        }
        graph
    };
    let writes = of(&|edge| edge == Edge::Wrote);
    if let Some(cycle) = cycle(&writes) {
        return Some(format!("a cycle of writes (G0 or G1c): {cycle:?}"));
    }
    if level >= Level::Snapshot
        && let Some((from, to, _)) =
            edges.iter().find(|(from, to, edge)| *edge == Edge::Read && reaches(&writes, *to, *from))
    {
        return Some(format!(
            "read skew (G-single): {from} has read what {to} overwrote, and comes after it"
        ));
    }
    if level == Level::Serializable
        && let Some(cycle) = cycle(&of(&|_| true))
    {
        return Some(format!("write skew (G2): {cycle:?}"));
    }
    None
}

fn reaches(graph: &BTreeMap<Id, Vec<Id>>, from: Id, to: Id) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        open.extend(graph.get(&id).into_iter().flatten().filter(|next| seen.insert(**next)));
    }
    false
}

/// A cycle, if there is one: what is left when all that nobody points at is taken away (Kahn, 1962).
fn cycle(graph: &BTreeMap<Id, Vec<Id>>) -> Option<Vec<Id>> {
    let mut incoming: BTreeMap<Id, usize> = BTreeMap::new();
    for (from, to) in graph.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to))) {
        incoming.entry(*from).or_default();
        *incoming.entry(*to).or_default() += 1;
    }
    let mut free: Vec<Id> = incoming.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop() {
        incoming.remove(&id);
        for to in graph.get(&id).into_iter().flatten() {
            if let Some(count) = incoming.get_mut(to) {
                *count -= 1;
                if *count == 0 {
                    free.push(*to);
                }
            }
        }
    }
    (!incoming.is_empty()).then(|| incoming.into_keys().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen<'a> = (Id, &'a [(i64, &'a [Id])], &'a [i64]);

    fn found(transactions: &[Seen], last: &[(i64, &[Id])]) -> [bool; 3] {
        let transactions: BTreeMap<Id, Transaction> = transactions
            .iter()
            .map(|(id, reads, appends)| {
                let reads = reads.iter().map(|(key, list)| (*key, list.to_vec())).collect();
                (*id, Transaction { reads, appends: appends.to_vec() })
            })
            .collect();
        let last = last.iter().map(|(key, list)| (*key, list.to_vec())).collect();
        [Level::ReadCommitted, Level::Snapshot, Level::Serializable]
            .map(|level| check(&transactions, &last, level).is_some())
    }

    const EVERYWHERE: [bool; 3] = [true; 3];

    #[test]
    fn nothing_is_found_where_nothing_is_wrong() {
        let history: &[Seen] = &[(1, &[(1, &[])], &[1]), (2, &[(1, &[1])], &[1, 2]), (3, &[(2, &[2])], &[])];
        assert_eq!(found(history, &[(1, &[1, 2]), (2, &[2])]), [false; 3]);
    }

    #[test]
    fn aborted_lost_and_doubled_appends_are_found() {
        assert_eq!(found(&[(1, &[], &[1])], &[(1, &[1, 2])]), EVERYWHERE);
        assert_eq!(found(&[(1, &[], &[1])], &[(1, &[])]), EVERYWHERE);
        assert_eq!(found(&[(1, &[], &[1])], &[(1, &[1, 1])]), EVERYWHERE);
        assert_eq!(found(&[(1, &[], &[1]), (2, &[(1, &[3])], &[])], &[(1, &[1])]), EVERYWHERE);
    }

    #[test]
    fn cycles_of_writes_are_found() {
        assert_eq!(found(&[(1, &[], &[1, 2]), (2, &[], &[1, 2])], &[(1, &[1, 2]), (2, &[2, 1])]), EVERYWHERE);
        let circular: &[Seen] = &[(1, &[(2, &[2])], &[1]), (2, &[(1, &[1])], &[2])];
        assert_eq!(found(circular, &[(1, &[1]), (2, &[2])]), EVERYWHERE);
    }

    #[test]
    fn read_skew_and_lost_updates_are_found_above_read_committed() {
        let skew: &[Seen] = &[(1, &[], &[1, 2]), (2, &[(1, &[]), (2, &[1])], &[])];
        assert_eq!(found(skew, &[(1, &[1]), (2, &[1])]), [false, true, true]);
        let lost: &[Seen] = &[(1, &[(1, &[])], &[1]), (2, &[(1, &[])], &[1])];
        assert_eq!(found(lost, &[(1, &[1, 2])]), [false, true, true]);
    }

    #[test]
    fn write_skew_is_found_among_the_serializable() {
        let skew: &[Seen] = &[(1, &[(1, &[]), (2, &[])], &[1]), (2, &[(1, &[]), (2, &[])], &[2])];
        assert_eq!(found(skew, &[(1, &[1]), (2, &[2])]), [false, false, true]);
    }
}
