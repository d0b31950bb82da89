//! The table of locks, apart from any store.

use std::sync::Arc;

use parking_lot::Mutex;

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
