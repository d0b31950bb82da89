//! Random programs of transactions on the store, compared with a naive model.
//!
//! After each step what every transaction sees must be what the model says, now
//! and then what is published, and every index must agree with its rows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "store_model/naive.rs"]
mod naive;

use std::sync::Arc;

use collection_store::catalog::{Component, DiffOptions, Rule};
use collection_store::error::{ErrorCode, Result as StoreResult};
use collection_store::store::{Begin, Isolation, Root, SavepointId, Snapshot, Store, Transaction, Writer};
use collection_store::value::{Row, Value, ValueRef, encode_key};
use naive::{CHILD, Event, Link, Owner, PARENT, State, Statement, World};
use proptest::prelude::*;
use serde_json::json;

const TABLES: [&str; 2] = ["parent", "child"];

/// Something a statement does. `None` in an insert is null, or the next number.
#[derive(Clone, Debug)]
enum Action {
    Insert(usize, Vec<Option<i64>>),
    Update(usize, i64, Vec<(usize, Option<i64>)>),
    Delete(usize, i64),
    DeleteAll(usize),
}

#[derive(Clone, Debug)]
enum Op {
    Begin { slot: usize, flush: bool },
    Statement { slot: usize, actions: Vec<Action> },
    Savepoint { slot: usize },
    RollbackTo { slot: usize, which: usize },
    Release { slot: usize, which: usize },
    Commit { slot: usize },
    Rollback { slot: usize },
    Clear { slot: usize, reset: bool },
    Snapshot,
    Restore { which: usize },
}

fn field(table: usize, at: usize) -> BoxedStrategy<Option<i64>> {
    let (given, values) = match (table, at) {
        (PARENT, 0) => (0.7, 0i64..6),
        (CHILD, 0) => (0.95, 0i64..8),
        (CHILD, 1) => (0.6, 0i64..6),
        (CHILD, 2) => (0.4, 0i64..8),
        _ => (0.7, 0i64..4),
    };
    prop::option::weighted(given, values).boxed()
}

fn action() -> impl Strategy<Value = Action> {
    let table = prop_oneof![2 => Just(PARENT), 3 => Just(CHILD)];
    table.prop_flat_map(|table| {
        let width = if table == PARENT { 3 } else { 5 };
        let fields: Vec<_> = (0..width).map(|at| field(table, at)).collect();
        let change = (0..width).prop_flat_map(move |at| field(table, at).prop_map(move |value| (at, value)));
        prop_oneof![
            4 => fields.prop_map(move |fields| Action::Insert(table, fields)),
            3 => (0i64..8, prop::collection::vec(change, 1..3))
                .prop_map(move |(key, changes)| Action::Update(table, key, changes)),
            2 => (0i64..8).prop_map(move |key| Action::Delete(table, key)),
            1 => Just(Action::DeleteAll(table)),
        ]
    })
}

fn op() -> impl Strategy<Value = Op> {
    let slot = 0usize..3;
    prop_oneof![
        4 => (slot.clone(), any::<bool>()).prop_map(|(slot, flush)| Op::Begin { slot, flush }),
        14 => (slot.clone(), prop::collection::vec(action(), 1..4))
            .prop_map(|(slot, actions)| Op::Statement { slot, actions }),
        2 => slot.clone().prop_map(|slot| Op::Savepoint { slot }),
        2 => (slot.clone(), 0usize..4).prop_map(|(slot, which)| Op::RollbackTo { slot, which }),
        1 => (slot.clone(), 0usize..4).prop_map(|(slot, which)| Op::Release { slot, which }),
        4 => slot.clone().prop_map(|slot| Op::Commit { slot }),
        1 => slot.clone().prop_map(|slot| Op::Rollback { slot }),
        1 => (slot, any::<bool>()).prop_map(|(slot, reset)| Op::Clear { slot, reset }),
        1 => Just(Op::Snapshot),
        1 => (0usize..3).prop_map(|which| Op::Restore { which }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        3 => Just(Rule::Cascade),
        2 => Just(Rule::SetNull),
        1 => Just(Rule::SetDefault),
        1 => Just(Rule::Restrict),
        1 => Just(Rule::NoAction),
    ]
}

/// The store and the model side by side.
struct Both {
    store: Arc<Store>,
    world: World,
    published: State,
    version: u64,
    slots: [Option<Pair>; 3],
    snapshots: Vec<(Snapshot, State, i64)>,
    /// A savepoint that no open transaction has.
    stale: Option<SavepointId>,
}

/// A transaction and its model.
struct Pair {
    real: Transaction,
    flush: bool,
    /// Whether it keeps to its version.
    settled: bool,
    base: u64,
    base_state: State,
    state: State,
    events: Vec<Event>,
    restructured: bool,
    savepoints: Vec<Point>,
}

struct Point {
    id: SavepointId,
    base: u64,
    base_state: State,
    locks: usize,
    state: State,
    events: Vec<Event>,
    restructured: bool,
}

impl Both {
    fn new(rules: [Rule; 4], automatic: bool) -> Self {
        let [parent_delete, parent_update, up_delete, up_update] = rules;
        let schema = json!({"collections": [
            {
                "name": "parent",
                "fields": [
                    {"name": "id", "type": "int", "autoIncrement": true},
                    {"name": "code", "type": "text", "nullable": true},
                    {"name": "n", "type": "int", "nullable": true}
                ],
                "primary": ["id"],
                "indexes": [{"name": "code", "paths": [{"field": "code"}], "unique": true}]
            },
            {
                "name": "child",
                "fields": [
                    {"name": "id", "type": "int"},
                    {"name": "parent_id", "type": "int", "nullable": true, "default": {"value": 1}},
                    {"name": "up", "type": "int", "nullable": true, "default": {"value": 1}},
                    {"name": "v", "type": "int", "nullable": true},
                    {"name": "data", "type": "json", "nullable": true}
                ],
                "primary": ["id"],
                "indexes": [
                    {"name": "parent_v", "paths": [{"field": "parent_id"}, {"field": "v"}], "unique": true},
                    {"name": "w", "paths": [{"field": "data", "json": ["a", "w"]}, {"field": "v"}]}
                ],
                "foreign": [
                    {
                        "name": "parent", "fields": ["parent_id"], "target": "parent", "targetFields": ["id"],
                        "onDelete": parent_delete, "onUpdate": parent_update
                    },
                    {
                        "name": "up", "fields": ["up"], "target": "child", "targetFields": ["id"],
                        "onDelete": up_delete, "onUpdate": up_update
                    }
                ]
            }
        ]});
        let store = Store::open(None);
        let mut transaction = store.begin(Begin::default()).unwrap();
        transaction.apply_schema(&serde_json::from_value(schema).unwrap(), DiffOptions::default()).unwrap();
        transaction.commit().unwrap();
        if automatic {
            let root = store.current().unwrap();
            let parent = root.by_name("parent").unwrap().schema.id;
            store.install_auto_index(&root, parent, &[Component::field(4)]).unwrap();
        }
        let links = vec![
            Link { from: CHILD, field: 1, to: PARENT, on_delete: parent_delete, on_update: parent_update },
            Link { from: CHILD, field: 2, to: CHILD, on_delete: up_delete, on_update: up_update },
        ];
        Self {
            store,
            world: World { links, counters: vec![0], ticks: 0, locks: Vec::new() },
            published: State::default(),
            version: 0,
            slots: [None, None, None],
            snapshots: Vec::new(),
            stale: None,
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Begin { slot, flush } => self.begin(slot, flush),
            Op::Statement { slot, actions } => self.statement(slot, &actions),
            Op::Savepoint { slot } => {
                if let Some(pair) = &mut self.slots[slot] {
                    pair.savepoints.push(Point {
                        id: pair.real.savepoint().unwrap(),
                        base: pair.base,
                        base_state: pair.base_state.clone(),
                        state: pair.state.clone(),
                        events: pair.events.clone(),
                        restructured: pair.restructured,
                        locks: self.world.locks.iter().filter(|(owner, _)| *owner == slot).count(),
                    });
                    pair.settled = true;
                }
            }
            Op::RollbackTo { slot, which } => {
                if let Some(pair) = &mut self.slots[slot] {
                    let Some(point) = pair.savepoints.get(which) else {
                        expect_lost(self.stale.map(|stale| pair.real.rollback_to(stale)));
                        return;
                    };
                    pair.real.rollback_to(point.id).unwrap();
                    pair.base = point.base;
                    pair.state = point.state.clone();
                    pair.events = point.events.clone();
                    pair.restructured = point.restructured;
                    pair.base_state = point.base_state.clone();
                    let mut own = 0;
                    self.world.locks.retain(|(owner, _)| {
                        own += usize::from(*owner == slot);
                        *owner != slot || own <= point.locks
                    });
                    self.stale =
                        pair.savepoints.drain(which + 1..).next_back().map(|point| point.id).or(self.stale);
                }
            }
            Op::Release { slot, which } => {
                if let Some(pair) = &mut self.slots[slot] {
                    let Some(point) = pair.savepoints.get(which) else {
                        expect_lost(self.stale.map(|stale| pair.real.release(stale)));
                        return;
                    };
                    pair.real.release(point.id).unwrap();
                    self.stale = pair.savepoints.drain(which..).next_back().map(|point| point.id);
                }
            }
            Op::Commit { slot } => self.commit(slot),
            Op::Rollback { slot } => {
                if let Some(mut pair) = self.slots[slot].take() {
                    pair.real.rollback().unwrap();
                    self.world.locks.retain(|(owner, _)| *owner != slot);
                }
            }
            Op::Clear { slot, reset } => self.clear(slot, reset),
            Op::Snapshot => {
                let counter = self.world.counters[self.published.counter];
                self.snapshots.push((self.store.snapshot().unwrap(), self.published.clone(), counter));
            }
            Op::Restore { which } => {
                if let Some((snapshot, state, counter)) = self.snapshots.get(which) {
                    self.store.restore(snapshot).unwrap();
                    self.published = state.clone();
                    self.world.counters.push(*counter);
                    self.published.counter = self.world.counters.len() - 1;
                    self.version += 1;
                }
            }
        }
    }

    fn begin(&mut self, slot: usize, flush: bool) {
        if self.slots[slot].is_none() {
            let isolation = if flush { Isolation::ReadCommitted } else { Isolation::Snapshot };
            let real = self.store.begin(Begin { isolation, ..Begin::default() }).unwrap();
            self.slots[slot] = Some(Pair {
                real,
                flush,
                settled: false,
                base: self.version,
                base_state: self.published.clone(),
                state: self.published.clone(),
                events: Vec::new(),
                restructured: false,
                savepoints: Vec::new(),
            });
        }
    }

    /// A flush sees what others have committed; `Err` where its own does not go together with that.
    fn refresh(&mut self, slot: usize) -> Result<(), ErrorCode> {
        let Some(pair) = &mut self.slots[slot] else { return Ok(()) };
        if !pair.flush && !pair.settled {
            (pair.base, pair.base_state) = (self.version, self.published.clone());
            pair.state = self.published.clone();
        }
        if !pair.flush || pair.restructured || pair.base == self.version {
            return Ok(());
        }
        (pair.state, pair.events) =
            naive::merge(&mut self.world, &pair.state, &pair.events, &self.published, true)?;
        (pair.base, pair.base_state) = (self.version, self.published.clone());
        Ok(())
    }

    fn statement(&mut self, slot: usize, actions: &[Action]) {
        self.begin(slot, actions.len().is_multiple_of(2));
        let fresh = self.refresh(slot);
        let Some(pair) = &mut self.slots[slot] else { return };
        let real = pair.real.root().map(drop).and_then(|()| {
            pair.real.statement(|writer| actions.iter().try_for_each(|action| act(writer, action)))
        });
        let counters = self.world.counters.clone();
        let expected = fresh.and_then(|()| {
            let state = pair.state.clone();
            let strict = pair.settled && (!pair.flush || pair.restructured);
            let base_and_newest = strict.then(|| (pair.base_state.clone(), self.published.clone()));
            let owner = Some(Owner { slot, base_and_newest });
            let mut statement = Statement { world: &mut self.world, state, events: Vec::new(), owner };
            for action in actions {
                match action {
                    Action::Insert(table, fields) => statement.insert(*table, fields.clone())?,
                    Action::Update(table, key, changes) => statement.update(*table, *key, changes)?,
                    Action::Delete(table, key) => statement.delete(*table, *key)?,
                    Action::DeleteAll(table) => statement.delete_all(*table)?,
                }
            }
            statement.finish()
        });
        assert_eq!(
            real.as_ref().map_err(|error| error.code).err(),
            expected.as_ref().err().copied(),
            "{real:?}"
        );
        match expected {
            Ok((state, events)) => {
                pair.state = state;
                pair.events.extend(events);
                pair.settled = true;
            }
            // What it counted is given back.
            Err(_) => self.world.counters = counters,
        }
    }

    fn clear(&mut self, slot: usize, reset: bool) {
        let fresh = self.refresh(slot);
        let Some(pair) = &mut self.slots[slot] else { return };
        let ids = [PARENT, CHILD]
            .map(|table| self.store.current().unwrap().by_name(TABLES[table]).unwrap().schema.id);
        let real = pair.real.clear(&ids, reset);
        assert_eq!(real.map_err(|error| error.code), fresh);
        if fresh.is_ok() {
            pair.state.tables = Default::default();
            pair.restructured = true;
            pair.settled = true;
            if reset {
                self.world.counters.push(0);
                pair.state.counter = self.world.counters.len() - 1;
            }
        }
    }

    fn commit(&mut self, slot: usize) {
        let Some(mut pair) = self.slots[slot].take() else { return };
        let real = pair.real.commit();
        self.world.locks.retain(|(owner, _)| *owner != slot);
        let expected = if pair.events.is_empty() && !pair.restructured {
            Ok(None)
        } else if self.version == pair.base {
            Ok(Some(pair.state))
        } else if pair.restructured {
            Err(ErrorCode::WriteConflict)
        } else {
            let merged =
                naive::merge(&mut self.world, &pair.state, &pair.events, &self.published, pair.flush);
            merged.map(|(state, _)| Some(state))
        };
        match (&real, expected) {
            (Ok(_), Ok(Some(state))) => {
                self.published = state;
                self.version += 1;
            }
            (Ok(_), Ok(None)) => {}
            (Err(error), Err(code)) => assert_eq!(error.code, code, "{error}"),
            (real, expected) => panic!("the store says {real:?}, the model {:?}", expected.map(drop)),
        }
        let again = pair.real.commit().unwrap_err();
        assert_eq!(again.code, ErrorCode::TransactionClosed);
    }

    /// Whoever looks at what is published keeps a transaction from writing to it in place.
    fn agree(&mut self, published: bool) {
        if published {
            let root = self.store.current().unwrap();
            root.check().unwrap();
            assert_eq!(shown(&root), self.published.tables, "what is published");
        }
        for slot in 0..self.slots.len() {
            let fresh = self.refresh(slot);
            let Some(pair) = &mut self.slots[slot] else { continue };
            match pair.real.root() {
                Ok(root) => {
                    root.check().unwrap();
                    assert_eq!(fresh, Ok(()));
                    assert_eq!(shown(root), pair.state.tables, "what transaction {slot} sees");
                }
                Err(error) => assert_eq!(Err(error.code), fresh, "{error}"),
            }
        }
        for (snapshot, state, _) in &self.snapshots {
            assert_eq!(shown(snapshot.root()), state.tables, "a snapshot does not change");
        }
    }
}

fn expect_lost(result: Option<StoreResult<()>>) {
    if let Some(result) = result {
        assert_eq!(result.unwrap_err().code, ErrorCode::SavepointNotFound);
    }
}

/// The model has numbers only; the store has a text here and a document there.
fn value(table: usize, field: usize, number: Option<i64>) -> Value {
    match (table, field, number) {
        (_, _, None) => Value::Null,
        (PARENT, 1, Some(number)) => Value::Text("é\0".repeat(usize::try_from(number).unwrap())),
        (CHILD, 4, Some(number)) => {
            Value::Doc(vec![("a".to_owned(), Value::Doc(vec![("w".to_owned(), Value::Int(number))]))])
        }
        (_, _, Some(number)) => Value::Int(number),
    }
}

fn number(value: ValueRef) -> Option<i64> {
    match value {
        ValueRef::Int(number) => Some(number),
        ValueRef::Text(text) => i64::try_from(text.chars().count() / 2).ok(),
        ValueRef::Doc(_) => number(value.at_path(&["a".to_owned(), "w".to_owned()])?),
        _ => None,
    }
}

fn act(writer: &mut Writer, action: &Action) -> StoreResult<()> {
    let id = |writer: &Writer, table: usize| Ok::<_, _>(writer.root().by_name(TABLES[table])?.schema.id);
    let key = |key: i64| {
        let mut bytes = Vec::new();
        encode_key(&mut bytes, ValueRef::Int(key));
        bytes
    };
    match action {
        Action::Insert(table, fields) => {
            let mut values = vec![None, None];
            values.extend(fields.iter().enumerate().map(|(at, number)| Some(value(*table, at, *number))));
            writer.insert(id(writer, *table)?, values).map(drop)
        }
        Action::Update(table, row, changes) => {
            let changes: Vec<(usize, Value)> =
                changes.iter().map(|(at, number)| (at + 2, value(*table, *at, *number))).collect();
            writer.update(id(writer, *table)?, &key(*row), &changes).map(drop)
        }
        Action::Delete(table, row) => writer.delete(id(writer, *table)?, &key(*row)).map(drop),
        Action::DeleteAll(table) => writer.delete_all(id(writer, *table)?).map(drop),
    }
}

/// The rows of a version as the model has them, but for who is who and when.
fn shown(root: &Root) -> Tables {
    let fields = |row: &Row| (2..row.len()).map(|at| number(row.get(at))).collect::<Vec<_>>();
    let table = |name: &str| root.by_name(name).unwrap().rows.iter().map(|(_, row)| fields(row)).collect();
    Tables(TABLES.map(table))
}

#[derive(Debug)]
struct Tables([Vec<Vec<Option<i64>>>; 2]);

impl PartialEq<[std::collections::BTreeMap<i64, naive::Record>; 2]> for Tables {
    fn eq(&self, other: &[std::collections::BTreeMap<i64, naive::Record>; 2]) -> bool {
        self.0
            .iter()
            .zip(other)
            .all(|(own, model)| own.iter().eq(model.values().map(|record| &record.fields)))
    }
}

proptest! {
    #[test]
    fn behaves_like_the_model(
        rules in [rule(), rule(), rule(), rule()],
        automatic in any::<bool>(),
        often in prop_oneof![Just(0.1), Just(1.0)],
        ops in prop::collection::vec((op(), 0.0..1.0), 1..120),
    ) {
        let mut both = Both::new(rules, automatic);
        for (op, chance) in ops {
            both.step(op);
            both.agree(chance < often);
        }
        both.agree(true);
    }
}
