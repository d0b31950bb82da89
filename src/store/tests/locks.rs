//! The table of locks, apart from any store.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::super::locks::{Acquired, LockMode, Locks, RowId, TransactionId, WaitId, Waiting, Wake, Woken};
use crate::catalog::CollectionId;
use LockMode::{Exclusive, Shared};

/// A table, and who was woken how.
#[derive(Default)]
struct Scene {
    locks: Locks,
    woken: Arc<Mutex<Vec<(u8, Woken)>>>,
}

impl Scene {
    fn row(&self, key: u8) -> RowId {
        self.locks.row(CollectionId(1), &[key])
    }

    fn wait(&self, who: u8, transaction: TransactionId, key: u8, mode: LockMode) -> Waiting {
        let woken = Arc::clone(&self.woken);
        let wake: Wake = Box::new(move |_, how| woken.lock().push((who, how)));
        self.locks.wait(transaction, self.row(key), mode, wake)
    }

    fn begun(&self, who: u8, transaction: TransactionId, key: u8, mode: LockMode) -> WaitId {
        match self.wait(who, transaction, key, mode) {
            Waiting::Begun(id) => id,
            other => panic!("{other:?}"),
        }
    }

    fn woken(&self) -> Vec<(u8, Woken)> {
        std::mem::take(&mut *self.woken.lock())
    }

    /// Ends a transaction, whichever of the rows it has locked.
    fn end(&self, transaction: TransactionId) {
        let rows: Vec<RowId> = (0..10).map(|key| self.row(key)).collect();
        self.locks.end(transaction, &rows);
    }

    fn take(&self, transaction: TransactionId, key: u8, mode: LockMode) -> Acquired {
        self.locks.acquire(transaction, self.row(key), mode)
    }
}

#[test]
fn a_lock_is_shared_or_exclusive_and_can_grow() {
    let scene = Scene::default();
    let [one, two] = [(); 2].map(|()| TransactionId::next());
    assert_eq!(scene.take(one, 1, Shared), Acquired::New);
    assert_eq!(scene.take(one, 1, Shared), Acquired::Held);
    assert_eq!(scene.take(two, 1, Shared), Acquired::New);
    assert_eq!(scene.take(one, 1, Exclusive), Acquired::Busy);
    scene.end(two);
    assert_eq!(scene.take(one, 1, Exclusive), Acquired::Held);
    assert_eq!(scene.take(two, 1, Shared), Acquired::Busy);
    assert_eq!(scene.take(two, 2, Exclusive), Acquired::New);
    scene.end(one);
    assert_eq!(scene.take(two, 1, Exclusive), Acquired::New);
    scene.end(two);
    assert_eq!(format!("{:?}", scene.locks), "Locks { rows: 0, waits: 0, .. }");
}

#[test]
fn the_queue_is_fair() {
    let scene = Scene::default();
    let [one, two, three, four] = [(); 4].map(|()| TransactionId::next());
    scene.take(one, 1, Shared);
    scene.begun(2, two, 1, Exclusive);
    // It could share with the holder, but would then keep the writer waiting.
    assert_eq!(scene.take(three, 1, Shared), Acquired::Busy);
    scene.begun(3, three, 1, Shared);
    scene.begun(4, four, 1, Shared);
    scene.end(one);
    assert_eq!(scene.woken(), [(2, Woken::Granted)]);
    scene.end(two);
    assert_eq!(scene.woken(), [(3, Woken::Granted), (4, Woken::Granted)]);
    assert_eq!(scene.take(three, 1, Shared), Acquired::Held);
}

#[test]
fn a_wait_that_is_given_up_lets_those_behind_it_pass() {
    let scene = Scene::default();
    let [one, two, three] = [(); 3].map(|()| TransactionId::next());
    scene.take(one, 1, Shared);
    let wait = scene.begun(2, two, 1, Exclusive);
    scene.begun(3, three, 1, Shared);
    assert!(scene.locks.cancel(wait));
    assert!(!scene.locks.cancel(wait));
    assert_eq!(scene.woken(), [(3, Woken::Granted)]);
}

#[test]
fn locks_since_a_savepoint_are_given_back() {
    let scene = Scene::default();
    let [one, two] = [(); 2].map(|()| TransactionId::next());
    scene.take(one, 1, Exclusive);
    scene.take(one, 2, Exclusive);
    scene.begun(2, two, 2, Exclusive);
    scene.locks.release(one, &[scene.row(2), scene.row(3)]);
    assert_eq!(scene.woken(), [(2, Woken::Granted)]);
    assert_eq!(scene.take(two, 1, Exclusive), Acquired::Busy);
}

#[test]
fn the_youngest_of_a_deadlock_gives_way() {
    let scene = Scene::default();
    let [old, young] = [(); 2].map(|()| TransactionId::next());
    scene.take(old, 1, Exclusive);
    scene.take(young, 2, Exclusive);
    scene.begun(1, old, 2, Exclusive);
    assert_eq!(scene.wait(2, young, 1, Exclusive), Waiting::Deadlock);
    assert_eq!(scene.woken(), []);
    scene.end(young);
    assert_eq!(scene.woken(), [(1, Woken::Granted)]);

    let [old, young] = [(); 2].map(|()| TransactionId::next());
    scene.take(old, 3, Exclusive);
    scene.take(young, 4, Exclusive);
    scene.begun(2, young, 3, Exclusive);
    scene.begun(1, old, 4, Exclusive);
    assert_eq!(scene.woken(), [(2, Woken::Deadlock)]);
    scene.end(young);
    assert_eq!(scene.woken(), [(1, Woken::Granted)]);
}

#[test]
fn two_that_share_and_both_want_more_are_a_deadlock() {
    let scene = Scene::default();
    let [old, young] = [(); 2].map(|()| TransactionId::next());
    scene.take(old, 1, Shared);
    scene.take(young, 1, Shared);
    scene.begun(1, old, 1, Exclusive);
    assert_eq!(scene.wait(2, young, 1, Exclusive), Waiting::Deadlock);
    scene.end(young);
    assert_eq!(scene.woken(), [(1, Woken::Granted)]);
}

#[test]
fn a_cycle_through_a_queue_is_found() {
    let scene = Scene::default();
    let [one, two, three] = [(); 3].map(|()| TransactionId::next());
    scene.take(one, 1, Shared);
    scene.take(three, 2, Exclusive);
    scene.begun(2, two, 1, Exclusive);
    // Waits behind the writer, though it could share with the holder.
    scene.begun(3, three, 1, Shared);
    assert!(matches!(scene.wait(1, one, 2, Exclusive), Waiting::Begun(_)));
    // `three` waited for `two`, `two` for `one`, `one` for `three`.
    assert_eq!(scene.woken(), [(3, Woken::Deadlock)]);
}

#[test]
fn the_waits_of_a_transaction_end_with_it() {
    let scene = Scene::default();
    let [one, two] = [(); 2].map(|()| TransactionId::next());
    scene.take(one, 1, Exclusive);
    scene.begun(2, two, 1, Exclusive);
    scene.end(two);
    assert_eq!(scene.woken(), [(2, Woken::Ended)]);
    scene.end(one);
    assert_eq!(format!("{:?}", scene.locks), "Locks { rows: 0, waits: 0, .. }");
}

/// What the table must be like, kept from what it says.
#[derive(Default)]
struct Expected {
    holders: BTreeMap<u8, Vec<(usize, LockMode)>>,
    queues: BTreeMap<u8, Vec<(WaitId, usize, LockMode)>>,
}

impl Expected {
    fn may_hold(&self, who: usize, key: u8, mode: LockMode) -> bool {
        let others = self.holders.get(&key).into_iter().flatten().filter(|(holder, _)| *holder != who);
        others.into_iter().all(|(_, held)| *held == Shared && mode == Shared)
    }

    fn grant(&mut self, who: usize, key: u8, mode: LockMode) {
        assert!(self.may_hold(who, key, mode), "{who} got a lock of {key} that others keep it from");
        let holders = self.holders.entry(key).or_default();
        match holders.iter_mut().find(|(holder, _)| *holder == who) {
            Some((_, held)) if mode == Exclusive => *held = mode,
            Some(_) => {}
            None => holders.push((who, mode)),
        }
    }

    fn leave(&mut self, id: WaitId) -> Option<(u8, usize, LockMode)> {
        self.queues.iter_mut().find_map(|(key, queue)| {
            let place = queue.iter().position(|(waiting, ..)| *waiting == id)?;
            let (_, who, mode) = queue.remove(place);
            Some((*key, who, mode))
        })
    }

    fn ended(&mut self, (id, how): (WaitId, Woken)) {
        let (key, who, mode) = self.leave(id).expect("a wait ended twice");
        if how == Woken::Granted {
            self.grant(who, key, mode);
        }
    }

    /// Nobody waits for what is free, nor for somebody who waits for them.
    fn check(&self) {
        let mut edges = Vec::new();
        for (key, queue) in &self.queues {
            if let Some((_, who, mode)) = queue.first() {
                assert!(!self.may_hold(*who, *key, *mode), "{who} waits for {key}, which is free");
            }
            for (place, (_, who, _)) in queue.iter().enumerate() {
                let holders = self.holders.get(key).into_iter().flatten().map(|(holder, _)| *holder);
                let ahead = queue.iter().take(place).map(|(_, ahead, _)| *ahead);
                edges.extend(holders.chain(ahead).filter(|other| other != who).map(|other| (*who, other)));
            }
        }
        for start in 0..TRANSACTIONS {
            let mut reached = vec![start];
            let mut at = 0;
            while let Some(from) = reached.get(at).copied() {
                at += 1;
                for (_, to) in edges.iter().filter(|(waiting, _)| *waiting == from) {
                    assert_ne!(*to, start, "a deadlock is left: {edges:?}");
                    if !reached.contains(to) {
                        reached.push(*to);
                    }
                }
            }
        }
    }
}

const TRANSACTIONS: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Acquire(usize, u8, bool),
    Wait(usize, u8, bool),
    Cancel(usize),
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let of = || (0..TRANSACTIONS, 0u8..4, any::<bool>());
    prop_oneof![
        3 => of().prop_map(|(who, key, exclusive)| Step::Acquire(who, key, exclusive)),
        4 => of().prop_map(|(who, key, exclusive)| Step::Wait(who, key, exclusive)),
        1 => (0usize..4).prop_map(Step::Cancel),
        2 => (0..TRANSACTIONS).prop_map(Step::End),
    ]
}

proptest! {
    #[test]
    fn locks_are_what_was_said_of_them(steps in proptest::collection::vec(step(), 1..80)) {
        let locks = Locks::default();
        let row = |key: u8| locks.row(CollectionId(1), &[key]);
        let rows: Vec<RowId> = (0..4).map(row).collect();
        let mut ids = [(); TRANSACTIONS].map(|()| TransactionId::next());
        let woken: Arc<Mutex<Vec<(WaitId, Woken)>>> = Arc::default();
        let mut expected = Expected::default();
        let mode = |exclusive: bool| if exclusive { Exclusive } else { Shared };
        for step in steps {
            let mut begun = None;
            match step {
                Step::Acquire(who, key, exclusive) => match locks.acquire(ids[who], row(key), mode(exclusive)) {
                    Acquired::New | Acquired::Held => expected.grant(who, key, mode(exclusive)),
                    Acquired::Busy => {
                        let queued = expected.queues.get(&key).is_some_and(|queue| !queue.is_empty());
                        prop_assert!(queued || !expected.may_hold(who, key, mode(exclusive)));
                    }
                },
                Step::Wait(who, key, exclusive) => {
                    let woken = Arc::clone(&woken);
                    let wake: Wake = Box::new(move |id, how| woken.lock().push((id, how)));
                    match locks.wait(ids[who], row(key), mode(exclusive), wake) {
                        Waiting::Granted => begun = Some((None, who, key, mode(exclusive))),
                        Waiting::Begun(id) => begun = Some((Some(id), who, key, mode(exclusive))),
                        Waiting::Deadlock => {}
                    }
                }
                Step::Cancel(place) => {
                    let waiting = expected.queues.values().flatten().nth(place).map(|(id, ..)| *id);
                    if let Some(id) = waiting {
                        prop_assert!(locks.cancel(id));
                        expected.leave(id);
                    }
                }
                Step::End(who) => {
                    locks.end(ids[who], &rows);
                    for holders in expected.holders.values_mut() {
                        holders.retain(|(holder, _)| *holder != who);
                    }
                    // A younger one takes its place.
                    ids[who] = TransactionId::next();
                }
            }
            for ended in std::mem::take(&mut *woken.lock()) {
                expected.ended(ended);
            }
            match begun {
                Some((Some(id), who, key, mode)) => {
                    let first = expected.holders.get(&key).is_some_and(|all| all.iter().any(|(holder, _)| *holder == who));
                    let queue = expected.queues.entry(key).or_default();
                    queue.insert(if first { 0 } else { queue.len() }, (id, who, mode));
                }
                Some((None, who, key, mode)) => expected.grant(who, key, mode),
                None => {}
            }
            expected.check();
        }
        for id in ids {
            locks.end(id, &rows);
        }
        prop_assert_eq!(format!("{locks:?}"), "Locks { rows: 0, waits: 0, .. }");
    }
}
