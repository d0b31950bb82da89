//! The store as one would write it without caring for time or memory: every
//! version is a copy, every search goes through everything.

use std::collections::BTreeMap;

use collection_store::catalog::Rule;
use collection_store::error::ErrorCode;

pub const PARENT: usize = 0;
pub const CHILD: usize = 1;

/// A record. Its first field is its key; who it is does not change with its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub identity: u64,
    pub stamp: u64,
    pub fields: Vec<Option<i64>>,
}

impl Record {
    pub fn key(&self) -> i64 {
        self.fields[0].unwrap()
    }
}

type Outcome<T> = Result<T, ErrorCode>;

/// What happened to a record.
#[derive(Clone, Debug)]
pub struct Event {
    table: usize,
    identity: u64,
    before: Option<Record>,
    after: Option<Record>,
}

/// A foreign key: a field of a table, the table it points at, the rules.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub from: usize,
    pub field: usize,
    pub to: usize,
    pub on_delete: Rule,
    pub on_update: Rule,
}

#[derive(Clone, Debug, Default)]
pub struct State {
    pub tables: [BTreeMap<i64, Record>; 2],
    /// Which counter is counted on; clearing and restoring begin another.
    pub counter: usize,
}

/// What is not part of any version.
#[derive(Debug)]
pub struct World {
    pub links: Vec<Link>,
    pub counters: Vec<i64>,
    pub ticks: u64,
    /// Which transaction has locked which keys, in the order in which it did.
    pub locks: Vec<(usize, (usize, i64))>,
}

/// Whose statement it is, and what a lock must find.
#[derive(Clone, Debug)]
pub struct Owner {
    pub slot: usize,
    /// The versions that must agree about a row; none where it may have changed.
    pub base_and_newest: Option<(State, State)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Cause {
    Statement,
    Merge,
}

impl World {
    pub fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    fn move_past(&mut self, state: &State, value: Option<i64>) {
        let counter = &mut self.counters[state.counter];
        *counter = (*counter).max(value.unwrap_or(i64::MIN));
    }
}

/// One statement under way.
pub struct Statement<'w> {
    pub world: &'w mut World,
    pub state: State,
    pub events: Vec<Event>,
    /// Nobody, where a transaction is done again.
    pub owner: Option<Owner>,
}

impl Statement<'_> {
    pub fn insert(&mut self, table: usize, mut fields: Vec<Option<i64>>) -> Outcome<()> {
        if table == PARENT {
            match fields[0] {
                None => {
                    self.world.counters[self.state.counter] += 1;
                    fields[0] = Some(self.world.counters[self.state.counter]);
                }
                given => self.world.move_past(&self.state, given),
            }
        } else if fields[0].is_none() {
            return Err(ErrorCode::NotNull);
        }
        let tick = self.world.tick();
        self.replace(table, None, Some(Record { identity: tick, stamp: tick, fields }))
    }

    pub fn update(&mut self, table: usize, key: i64, changes: &[(usize, Option<i64>)]) -> Outcome<()> {
        let Some(before) = self.state.tables[table].get(&key).cloned() else { return Ok(()) };
        let mut after = before.clone();
        for (field, value) in changes {
            if *field == 0 {
                if value.is_none() {
                    return Err(ErrorCode::NotNull);
                }
                if table == PARENT {
                    self.world.move_past(&self.state, *value);
                }
            }
            after.fields[*field] = *value;
        }
        after.stamp = self.world.tick();
        self.replace(table, Some(before), Some(after))
    }

    pub fn delete(&mut self, table: usize, key: i64) -> Outcome<()> {
        match self.state.tables[table].get(&key).cloned() {
            Some(before) => self.replace(table, Some(before), None),
            None => Ok(()),
        }
    }

    pub fn delete_all(&mut self, table: usize) -> Outcome<()> {
        let keys: Vec<i64> = self.state.tables[table].keys().copied().collect();
        keys.into_iter().try_for_each(|key| self.delete(table, key))
    }

    fn replace(&mut self, table: usize, before: Option<Record>, after: Option<Record>) -> Outcome<()> {
        if let Some(before) = &before {
            self.lock(table, before.key())?;
        }
        let rows = &mut self.state.tables[table];
        if let Some(before) = &before {
            rows.remove(&before.key());
        }
        if let Some(after) = &after {
            if rows.contains_key(&after.key()) {
                return Err(ErrorCode::Unique);
            }
            let unique: &[usize] = if table == PARENT { &[1] } else { &[1, 3] };
            let values =
                |record: &Record| unique.iter().map(|at| record.fields[*at]).collect::<Option<Vec<_>>>();
            if values(after).is_some() && rows.values().any(|other| values(other) == values(after)) {
                return Err(ErrorCode::Unique);
            }
            rows.insert(after.key(), after.clone());
        }
        let identity = before.as_ref().or(after.as_ref()).unwrap().identity;
        self.events.push(Event { table, identity, before, after });
        Ok(())
    }

    fn lock(&mut self, table: usize, key: i64) -> Outcome<()> {
        let Some(owner) = &self.owner else { return Ok(()) };
        match self.world.locks.iter().find(|(_, locked)| *locked == (table, key)) {
            Some((slot, _)) if *slot == owner.slot => {}
            Some(_) => return Err(ErrorCode::Locked),
            None => self.world.locks.push((owner.slot, (table, key))),
        }
        match &owner.base_and_newest {
            Some((base, newest)) if base.tables[table].get(&key) != newest.tables[table].get(&key) => {
                Err(ErrorCode::WriteConflict)
            }
            _ => Ok(()),
        }
    }

    pub fn finish(self) -> Outcome<(State, Vec<Event>)> {
        self.settle(Cause::Statement)
    }

    fn settle(mut self, cause: Cause) -> Outcome<(State, Vec<Event>)> {
        let mut at = 0;
        while at < self.events.len() {
            let event = self.events[at].clone();
            if let Some(before) = event.before {
                self.follow(event.table, &before, event.after.as_ref(), cause)?;
            }
            at += 1;
        }
        let links = self.world.links.clone();
        let dangling = links.iter().any(|link| {
            let targets = &self.state.tables[link.to];
            let mut pointers =
                self.state.tables[link.from].values().filter_map(|record| record.fields[link.field]);
            pointers.any(|key| !targets.contains_key(&key))
        });
        if dangling { Err(ErrorCode::ForeignKey) } else { Ok((self.state, self.events)) }
    }

    fn follow(&mut self, table: usize, before: &Record, after: Option<&Record>, cause: Cause) -> Outcome<()> {
        let old = before.key();
        let new = after.map(Record::key);
        let there = |state: &State| state.tables[table].contains_key(&old);
        if new == Some(old) || ((new.is_none() || cause == Cause::Merge) && there(&self.state)) {
            return Ok(());
        }
        let links: Vec<Link> = self.world.links.iter().filter(|link| link.to == table).copied().collect();
        let rule = |link: &Link| if new.is_some() { link.on_update } else { link.on_delete };
        for link in links.iter().filter(|link| rule(link) == Rule::Restrict) {
            if !there(&self.state) && !self.pointing(link, old).is_empty() {
                return Err(ErrorCode::ForeignKey);
            }
        }
        for link in &links {
            for key in self.pointing(link, old) {
                match rule(link) {
                    Rule::Restrict | Rule::NoAction => {}
                    Rule::Cascade if new.is_none() => self.delete(link.from, key)?,
                    Rule::Cascade => self.update(link.from, key, &[(link.field, new)])?,
                    Rule::SetNull => self.update(link.from, key, &[(link.field, None)])?,
                    Rule::SetDefault => self.update(link.from, key, &[(link.field, Some(1))])?,
                }
            }
        }
        Ok(())
    }

    /// In the order of the index that answers it, which decides whom a statement locks before it fails.
    fn pointing(&self, link: &Link, key: i64) -> Vec<i64> {
        let rows = self.state.tables[link.from].values();
        let mut rows: Vec<&Record> = rows.filter(|record| record.fields[link.field] == Some(key)).collect();
        if link.to == PARENT {
            rows.sort_by_key(|record| record.fields[3]);
        }
        rows.into_iter().map(Record::key).collect()
    }
}

/// What the events did, done to another version.
pub fn merge(
    world: &mut World,
    own: &State,
    events: &[Event],
    newest: &State,
    flush: bool,
) -> Outcome<(State, Vec<Event>)> {
    let mut sums: Vec<Event> = Vec::new();
    for event in events {
        match sums.iter_mut().find(|sum| (sum.table, sum.identity) == (event.table, event.identity)) {
            Some(sum) => sum.after.clone_from(&event.after),
            None => sums.push(event.clone()),
        }
    }
    sums.retain(|sum| sum.before.is_some() || sum.after.is_some());
    if !sums.is_empty() && own.counter != newest.counter {
        return Err(ErrorCode::WriteConflict);
    }
    let mut changes = Vec::new();
    for sum in sums {
        let Some(before) = &sum.before else {
            changes.push(sum);
            continue;
        };
        let current = newest.tables[sum.table].get(&before.key()).cloned();
        if !flush && current.as_ref() != Some(before) {
            return Err(ErrorCode::WriteConflict);
        }
        let Some(current) = current else { continue };
        let after = sum.after.map(|after| {
            let mut merged = Record { stamp: after.stamp, ..current.clone() };
            for (field, value) in merged.fields.iter_mut().enumerate() {
                if before.fields[field] != after.fields[field] {
                    *value = after.fields[field];
                }
            }
            merged
        });
        changes.push(Event { table: sum.table, identity: current.identity, before: Some(current), after });
    }
    let mut statement = Statement { world, state: newest.clone(), events: Vec::new(), owner: None };
    for change in &changes {
        if let Some(before) = &change.before {
            statement.state.tables[change.table].remove(&before.key());
        }
    }
    for change in &changes {
        if let Some(after) = &change.after {
            statement.replace(change.table, None, Some(after.clone()))?;
        }
    }
    statement.events = changes;
    statement.settle(Cause::Merge)
}
