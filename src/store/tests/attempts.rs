//! Work that is attempted again.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::store::{Attempts, Isolation};

/// How many attempts work needs that reads and changes another row each time, while
/// somebody else changes that row as soon as it is read.
fn attempts_at(isolation: Isolation) -> i64 {
    const ROWS: i64 = 40;
    let store = open(library());
    write(&store, |w| (0..ROWS).try_for_each(|_| insert(w, "author", json!({"name": "somebody"})).map(drop)))
        .unwrap();
    let attempts = Arc::new(Attempts::new());
    for count in 1..ROWS {
        let options = Begin { isolation, ..Begin::default() };
        let mut work = store.begin_again(options, Arc::clone(&attempts)).unwrap();
        assert!(work.wait_ahead(|| Box::new(|_, _| {})).unwrap().is_none());
        let id = id(work.root().unwrap(), "author");
        work.settle();
        if let Some(reads) = work.reads() {
            reads.lock().key(id, &key_of(&[count.into()]));
        }
        let mut other = begin(&store);
        let faster = other
            .statement(|w| update(w, "author", count, json!({"name": "faster"})))
            .and_then(|_| other.commit());
        drop(other);
        let done = work
            .statement(|w| update(w, "author", count, json!({"name": "slower"})))
            .and_then(|_| work.commit());
        match done {
            Ok(_) => {
                assert_eq!(code(faster), ErrorCode::Locked, "it waits for the work");
                return count;
            }
            Err(error) => assert_eq!(error.code, ErrorCode::WriteConflict),
        }
    }
    ROWS
}

#[test]
fn who_meets_another_row_each_time_gets_through() {
    for isolation in [Isolation::Snapshot, Isolation::Serializable] {
        assert_eq!(attempts_at(isolation), 6, "{isolation:?}");
    }
}
