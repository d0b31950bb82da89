//! The store under every order in which threads may meet, as far as chance and
//! time reach: a model of locks and atomics decides who goes on, finds whoever
//! waits for ever, and prints how to repeat what went wrong.

use std::sync::Arc;

use serde_json::json;
use shuttle::sync::mpsc;
use shuttle::{check_pct, check_random, thread};

use super::{Attempts, Begin, Isolation, Store, Transaction, Woken};
use crate::error::{Error, ErrorCode, Result};
use crate::value::{Value, ValueRef, encode_key};

/// How many schedules of each test are tried in each way.
const SCHEDULES: usize = 10_000;

/// Tries schedules that are random, and such as find bugs of few switches (Burckhardt and others, 2010).
fn schedules(run: impl Fn() + Send + Sync + Clone + 'static) {
    check_random(run.clone(), SCHEDULES);
    check_pct(run, SCHEDULES, 3);
}

/// Rows 1 and 2, with the number 0.
fn store() -> Arc<Store> {
    let schema = json!({"collections": [{
        "name": "row", "primary": ["id"],
        "fields": [{"name": "id", "type": "int"}, {"name": "number", "type": "int"}]
    }]});
    let store = Store::open(None);
    let mut transaction = store.begin(Begin::default()).unwrap();
    transaction.create_schema(&serde_json::from_value(schema).unwrap()).unwrap();
    transaction
        .statement(|writer| {
            let id = writer.root().by_name("row")?.schema.id;
            for key in [1, 2] {
                writer.insert(id, vec![None, None, Some(Value::Int(key)), Some(Value::Int(0))])?;
            }
            Ok(())
        })
        .unwrap();
    transaction.commit().unwrap();
    store
}

fn key(id: i64) -> Vec<u8> {
    let mut key = Vec::new();
    encode_key(&mut key, ValueRef::Int(id));
    key
}

fn begin(store: &Arc<Store>, isolation: Isolation) -> Transaction {
    store.begin(Begin { isolation, ..Begin::default() }).unwrap()
}

/// Changes a number, and waits for whoever has locked its row; gives what it was.
fn change(transaction: &mut Transaction, id: i64, to: impl Fn(i64) -> i64) -> Result<i64> {
    loop {
        let collection = transaction.root()?.by_name("row")?.schema.id;
        let tried = transaction.statement(|writer| {
            let row = writer.root().collection(collection)?.rows.get(&key(id)).cloned().unwrap();
            let ValueRef::Int(before) = row.get(3) else { panic!("a number is whole") };
            writer.update(collection, &key(id), &[(3, Value::Int(to(before)))])?;
            Ok(before)
        });
        match tried {
            Err(error) if error.code == ErrorCode::Stale => {}
            Err(error) if error.code == ErrorCode::Locked => {
                let (told, hears) = mpsc::channel();
                let wake = Box::new(move |_, how| told.send(how).unwrap());
                if transaction.wait(wake)?.is_some() && hears.recv().unwrap() != Woken::Granted {
                    return Err(Error::new(ErrorCode::Deadlock, "gave way"));
                }
            }
            done => return done,
        }
    }
}

fn read(transaction: &mut Transaction, id: i64) -> i64 {
    let root = Arc::clone(transaction.root().unwrap());
    transaction.settle();
    let rows = root.by_name("row").unwrap();
    if let Some(reads) = transaction.reads() {
        reads.lock().key(rows.schema.id, &key(id));
    }
    let row = rows.rows.get(&key(id)).unwrap();
    let ValueRef::Int(number) = row.get(3) else { panic!("a number is whole") };
    number
}

fn numbers(store: &Arc<Store>) -> [i64; 2] {
    let mut transaction = begin(store, Isolation::Snapshot);
    [1, 2].map(|id| read(&mut transaction, id))
}

fn in_threads(count: usize, run: impl Fn(usize) + Send + Sync + 'static) {
    let run = Arc::new(run);
    let threads: Vec<_> = (0..count)
        .map(|number| {
            let run = Arc::clone(&run);
            thread::spawn(move || run(number))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn whoever_waits_goes_on_from_what_the_other_wrote() {
    schedules(|| {
        let store = store();
        let before = store.sequence();
        let shared = Arc::clone(&store);
        in_threads(3, move |_| {
            let mut transaction = begin(&shared, Isolation::ReadCommitted);
            change(&mut transaction, 1, |number| number + 1).unwrap();
            transaction.commit().unwrap();
        });
        assert_eq!(numbers(&store), [3, 0]);
        assert_eq!(store.sequence(), before + 3);
        assert_eq!(format!("{:?}", store.locks()), "Locks { rows: 0, waits: 0, .. }");
    });
}

#[test]
fn deadlocks_are_found_and_conflicts_told() {
    for isolation in [Isolation::ReadCommitted, Isolation::Snapshot] {
        schedules(move || {
            let store = store();
            let shared = Arc::clone(&store);
            let committed = Arc::new(std::sync::atomic::AtomicU64::new(0));
            let counted = Arc::clone(&committed);
            in_threads(3, move |number| {
                let mut transaction = begin(&shared, isolation);
                let order = if number == 0 { [1, 2] } else { [2, 1] };
                let done = order
                    .into_iter()
                    .try_for_each(|id| change(&mut transaction, id, |number| number + 1).map(drop))
                    .and_then(|()| transaction.commit());
                match done {
                    Ok(_) => drop(counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst)),
                    Err(error) => {
                        assert!(
                            matches!(error.code, ErrorCode::Deadlock | ErrorCode::WriteConflict),
                            "{error}"
                        )
                    }
                }
            });
            let committed = committed.load(std::sync::atomic::Ordering::SeqCst) as i64;
            assert!(committed > 0, "somebody gets through");
            assert_eq!(numbers(&store), [committed; 2]);
            assert_eq!(format!("{:?}", store.locks()), "Locks { rows: 0, waits: 0, .. }");
        });
    }
}

#[test]
fn of_serializable_transactions_that_read_what_others_write_one_gives_way() {
    schedules(|| {
        let store = store();
        let shared = Arc::clone(&store);
        in_threads(2, move |number| {
            let mut transaction = begin(&shared, Isolation::Serializable);
            let sum = read(&mut transaction, 1) + read(&mut transaction, 2);
            if sum == 0 && change(&mut transaction, 1 + number as i64, |_| 1).is_ok() {
                match transaction.commit() {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.code, ErrorCode::WriteConflict),
                }
            }
        });
        assert_eq!(numbers(&store).iter().sum::<i64>(), 1);
    });
}

#[test]
fn readers_see_versions_whole_and_never_go_back() {
    schedules(|| {
        let store = store();
        let shared = Arc::clone(&store);
        in_threads(3, move |number| {
            if number == 0 {
                for kept in [true, false, true] {
                    let mut transaction = begin(&shared, Isolation::Snapshot);
                    for id in [1, 2] {
                        change(&mut transaction, id, |number| number + 1).unwrap();
                    }
                    if kept {
                        transaction.commit().unwrap();
                    }
                }
            } else {
                let mut last = 0;
                for _ in 0..3 {
                    let [one, two] = numbers(&shared);
                    assert_eq!(one, two);
                    assert!(one >= last);
                    last = one;
                }
            }
        });
    });
}

#[test]
fn a_reader_of_changes_misses_none() {
    schedules(|| {
        let store = store();
        let shared = Arc::clone(&store);
        let mut feed = store.changes(None).unwrap();
        let reader = thread::spawn(move || {
            let mut seen = Vec::new();
            while seen.len() < 4 {
                let commits = feed.read(100).unwrap();
                seen.extend(commits.iter().map(|commit| commit.sequence));
                if commits.is_empty() {
                    let (told, hears) = mpsc::channel();
                    if feed.wait(Box::new(move |_| told.send(()).unwrap())).unwrap().is_some() {
                        hears.recv().unwrap();
                    }
                }
            }
            seen
        });
        let first = store.sequence() + 1;
        in_threads(2, move |number| {
            for _ in 0..2 {
                let mut transaction = begin(&shared, Isolation::ReadCommitted);
                change(&mut transaction, 1 + number as i64, |number| number + 1).unwrap();
                transaction.commit().unwrap();
            }
        });
        assert_eq!(reader.join().unwrap(), (first..first + 4).collect::<Vec<_>>());
    });
}

#[test]
fn waits_that_are_given_up_keep_nobody_from_the_lock() {
    schedules(|| {
        let store = store();
        let shared = Arc::clone(&store);
        in_threads(3, move |number| {
            let mut transaction = begin(&shared, Isolation::ReadCommitted);
            if number > 0 {
                change(&mut transaction, 1, |number| number + 1).unwrap();
                transaction.commit().unwrap();
                return;
            }
            let tried =
                transaction.root().and_then(|root| Ok(root.by_name("row")?.schema.id)).and_then(|id| {
                    transaction.statement(|writer| writer.update(id, &key(1), &[(3, Value::Int(100))]))
                });
            if tried.is_err_and(|error| error.code == ErrorCode::Locked) {
                let (told, hears) = mpsc::channel();
                let wake = Box::new(move |_, how| told.send(how).unwrap());
                if let Some(wait) = transaction.wait(wake).unwrap()
                    && !transaction.cancel_wait(wait)
                {
                    assert_eq!(hears.recv().unwrap(), Woken::Granted);
                }
            }
            transaction.rollback().unwrap();
        });
        assert_eq!(numbers(&store), [2, 0]);
        assert_eq!(format!("{:?}", store.locks()), "Locks { rows: 0, waits: 0, .. }");
    });
}

#[test]
fn a_restored_snapshot_is_in_the_way_of_whoever_wrote_meanwhile() {
    schedules(|| {
        let store = store();
        let snapshot = store.snapshot().unwrap();
        let mut ended = begin(&store, Isolation::Snapshot);
        change(&mut ended, 1, |_| 10).unwrap();
        ended.commit().unwrap();
        let shared = Arc::clone(&store);
        in_threads(2, move |number| {
            if number == 0 {
                shared.restore(&snapshot).unwrap();
                return;
            }
            let mut transaction = begin(&shared, Isolation::Snapshot);
            let before = change(&mut transaction, 1, |number| number + 1);
            match before.and_then(|before| transaction.commit().map(|_| before)) {
                Ok(before) => assert!(before == 0 || before == 10),
                Err(error) => assert_eq!(error.code, ErrorCode::WriteConflict),
            }
        });
        assert!(matches!(numbers(&store), [0 | 1, 0]), "{:?}", numbers(&store));
    });
}

/// Attempts some work until it is in no conflict; gives how often that was.
fn attempt(store: &Arc<Store>, isolation: Isolation, work: impl Fn(&mut Transaction) -> Result<()>) -> usize {
    let attempts = Arc::new(Attempts::new());
    let options = Begin { isolation, ..Begin::default() };
    for count in 1.. {
        let mut transaction = store.begin_again(options, Arc::clone(&attempts)).unwrap();
        let done = wait_ahead(&mut transaction)
            .and_then(|()| work(&mut transaction))
            .and_then(|()| transaction.commit().map(drop));
        match done {
            Ok(()) => return count,
            Err(error) => {
                assert!(matches!(error.code, ErrorCode::Deadlock | ErrorCode::WriteConflict), "{error}");
            }
        }
    }
    0
}

fn wait_ahead(transaction: &mut Transaction) -> Result<()> {
    let (told, hears) = mpsc::channel();
    while transaction
        .wait_ahead(|| {
            let told = told.clone();
            Box::new(move |_, how| told.send(how).unwrap())
        })?
        .is_some()
    {
        if hears.recv().unwrap() != Woken::Granted {
            return Err(Error::new(ErrorCode::Deadlock, "gave way"));
        }
    }
    Ok(())
}

fn insert(transaction: &mut Transaction, id: i64) -> Result<()> {
    loop {
        let collection = transaction.root()?.by_name("row")?.schema.id;
        let values = vec![None, None, Some(Value::Int(id)), Some(Value::Int(0))];
        match transaction.statement(|writer| writer.insert(collection, values.clone()).map(drop)) {
            Err(error) if error.code == ErrorCode::Locked => {
                let (told, hears) = mpsc::channel();
                let wake = Box::new(move |_, how| told.send(how).unwrap());
                if transaction.wait(wake)?.is_some() && hears.recv().unwrap() != Woken::Granted {
                    return Err(Error::new(ErrorCode::Deadlock, "gave way"));
                }
            }
            done => return done,
        }
    }
}

#[test]
fn who_comes_again_gets_through_however_often_others_write_the_same() {
    const WRITES: usize = 6;
    for isolation in [Isolation::Snapshot, Isolation::Serializable] {
        schedules(move || {
            let store = store();
            let shared = Arc::clone(&store);
            in_threads(2, move |number| {
                if number == 0 {
                    let attempts = attempt(&shared, isolation, |transaction| {
                        let sum = read(transaction, 1) + read(transaction, 2);
                        change(transaction, 1, |_| sum)
                            .and_then(|_| change(transaction, 2, |_| sum))
                            .map(drop)
                    });
                    // One for each row, and one that nobody is in the way of any more.
                    assert!(attempts <= 3, "{attempts} attempts");
                    return;
                }
                for count in 0..WRITES {
                    let mut transaction = begin(&shared, Isolation::ReadCommitted);
                    change(&mut transaction, 1 + count as i64 % 2, |number| number + 1).unwrap();
                    transaction.commit().unwrap();
                }
            });
            assert_eq!(format!("{:?}", store.locks()), "Locks { rows: 0, waits: 0, .. }");
        });
    }
}

#[test]
fn of_those_who_come_again_all_get_through() {
    for isolation in [Isolation::Snapshot, Isolation::Serializable] {
        schedules(move || {
            let store = store();
            let shared = Arc::clone(&store);
            in_threads(3, move |number| {
                let order = if number == 0 { [1, 2] } else { [2, 1] };
                let attempts = attempt(&shared, isolation, |transaction| {
                    order
                        .into_iter()
                        .try_for_each(|id| change(transaction, id, |number| number + 1).map(drop))
                });
                assert!(attempts <= 6, "{attempts} attempts");
            });
            assert_eq!(numbers(&store), [3; 2]);
            assert_eq!(format!("{:?}", store.locks()), "Locks { rows: 0, waits: 0, .. }");
        });
    }
}

#[test]
fn who_comes_again_gets_through_however_often_others_insert_where_it_has_searched() {
    const INSERTS: i64 = 6;
    schedules(|| {
        let store = store();
        let shared = Arc::clone(&store);
        in_threads(2, move |number| {
            if number == 0 {
                let attempts = attempt(&shared, Isolation::Serializable, |transaction| {
                    let root = Arc::clone(transaction.root()?);
                    transaction.settle();
                    let rows = root.by_name("row")?;
                    transaction.reads().unwrap().lock().whole(rows.schema.id);
                    let count = rows.rows.len() as i64;
                    change(transaction, 1, |_| count).map(drop)
                });
                // The second may meet an insertion that had begun before it was known who wants to be alone.
                assert!(attempts <= 3, "{attempts} attempts");
                return;
            }
            for count in 0..INSERTS {
                let mut transaction = begin(&shared, Isolation::ReadCommitted);
                insert(&mut transaction, 10 + count).unwrap();
                transaction.commit().unwrap();
            }
        });
        assert_eq!(format!("{:?}", store.locks()), "Locks { rows: 0, waits: 0, .. }");
        assert_eq!(store.locks().guards().load(crate::sync::atomic::Ordering::SeqCst), 0);
    });
}
