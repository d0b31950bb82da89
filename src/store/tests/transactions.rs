//! Statements, savepoints, commits that meet others.

use serde_json::json;

use super::*;
use crate::store::Woken;

fn add(transaction: &mut Transaction, name: &str) -> Result<Row> {
    transaction.statement(|w| insert(w, "author", json!({"name": name})))
}

fn names(root: &Root) -> Json {
    column(root, "author", "name")
}

#[test]
fn a_failed_statement_leaves_nothing() {
    let store = open(library());
    let mut transaction = begin(&store);
    add(&mut transaction, "a").unwrap();
    let failed = transaction.statement(|w| {
        insert(w, "author", json!({"name": "b"}))?;
        insert(w, "author", json!({"id": 1, "name": "c"}))
    });
    assert_eq!(code(failed), ErrorCode::Unique);
    assert_eq!(transaction.effects().len(), 1);
    add(&mut transaction, "d").unwrap();
    assert_eq!(names(transaction.root().unwrap()), json!(["a", "d"]));
    assert_eq!(names(&store.current().unwrap()), json!([]), "nobody sees it before the commit");
    transaction.commit().unwrap();
    assert_eq!(names(&store.current().unwrap()), json!(["a", "d"]));
}

#[test]
fn savepoints_nest_and_keep_their_meaning() {
    let store = open(library());
    let mut transaction = begin(&store);
    add(&mut transaction, "a").unwrap();
    let outer = transaction.savepoint().unwrap();
    add(&mut transaction, "b").unwrap();
    let inner = transaction.savepoint().unwrap();
    add(&mut transaction, "c").unwrap();
    transaction.rollback_to(inner).unwrap();
    assert_eq!(names(transaction.root().unwrap()), json!(["a", "b"]));
    add(&mut transaction, "d").unwrap();
    transaction.rollback_to(inner).unwrap();
    assert_eq!(names(transaction.root().unwrap()), json!(["a", "b"]), "it stays usable");
    transaction.rollback_to(outer).unwrap();
    assert_eq!(code(transaction.rollback_to(inner)), ErrorCode::SavepointNotFound);
    assert_eq!(names(transaction.root().unwrap()), json!(["a"]));
    let third = transaction.savepoint().unwrap();
    add(&mut transaction, "e").unwrap();
    transaction.release(outer).unwrap();
    assert_eq!(code(transaction.release(third)), ErrorCode::SavepointNotFound, "later ones go with it");
    transaction.commit().unwrap();
    assert_eq!(names(&store.current().unwrap()), json!(["a", "e"]));
}

#[test]
fn savepoints_of_others_are_not_found() {
    let store = open(library());
    let (mut one, mut other) = (begin(&store), begin(&store));
    let savepoint = one.savepoint().unwrap();
    other.savepoint().unwrap();
    assert_eq!(code(other.rollback_to(savepoint)), ErrorCode::SavepointNotFound);
    assert_eq!(code(other.release(savepoint)), ErrorCode::SavepointNotFound);
}

#[test]
fn an_ended_transaction_says_so() {
    let store = open(library());
    for commit in [true, false] {
        let mut transaction = begin(&store);
        let savepoint = transaction.savepoint().unwrap();
        if commit {
            transaction.commit().map(drop).unwrap()
        } else {
            transaction.rollback().unwrap()
        }
        let closed = ErrorCode::TransactionClosed;
        assert_eq!(code(transaction.commit()), closed);
        assert_eq!(code(transaction.rollback()), closed);
        assert_eq!(code(transaction.savepoint()), closed);
        assert_eq!(code(transaction.rollback_to(savepoint)), closed);
        assert_eq!(code(transaction.root().cloned()), closed);
        assert_eq!(code(add(&mut transaction, "x")), closed);
        assert_eq!(code(transaction.drop_schema()), closed);
        assert_eq!(code(transaction.clear(&[], false)), closed);
    }
}

#[test]
fn read_only_refuses_writes() {
    let store = open(library());
    let mut transaction = store.begin(Begin { read_only: true, ..Begin::default() }).unwrap();
    assert_eq!(code(add(&mut transaction, "a")), ErrorCode::ReadOnly);
    assert_eq!(code(transaction.drop_schema()), ErrorCode::ReadOnly);
    assert_eq!(code(transaction.clear(&[], true)), ErrorCode::ReadOnly);
    assert_eq!(names(transaction.root().unwrap()), json!([]));
    transaction.commit().unwrap();
}

#[test]
fn a_dropped_transaction_is_rolled_back() {
    let store = open(library());
    add(&mut begin(&store), "a").unwrap();
    assert_eq!(names(&store.current().unwrap()), json!([]));
}

#[test]
fn commits_count_versions() {
    let store = open(library());
    let first = store.current().unwrap().sequence;
    let mut transaction = begin(&store);
    add(&mut transaction, "a").unwrap();
    assert_eq!(transaction.commit().unwrap(), first + 1);
    assert_eq!(begin(&store).commit().unwrap(), first + 1, "a commit of nothing is no version");
}

#[test]
fn a_snapshot_transaction_does_not_see_others_and_merges_with_them() {
    let store = open(library());
    let (mut one, mut other) = (begin(&store), begin(&store));
    other.settle();
    add(&mut one, "a").unwrap();
    one.commit().unwrap();
    assert_eq!(names(other.root().unwrap()), json!([]));
    add(&mut other, "b").unwrap();
    other.commit().unwrap();
    let root = store.current().unwrap();
    root.check().unwrap();
    assert_eq!(names(&root), json!(["a", "b"]));
}

#[test]
fn the_first_to_change_a_row_wins() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    for change in [json!({"name": "b"}), Json::Null] {
        let (mut one, mut other) = (begin(&store), begin(&store));
        other.settle();
        let mut attempt = || {
            other.statement(|w| match change.is_null() {
                true => delete(w, "author", 1).map(drop),
                false => update(w, "author", 1, change.clone()).map(drop),
            })
        };
        one.statement(|w| update(w, "author", 1, json!({"born": 1}))).unwrap();
        assert_eq!(code(attempt()), ErrorCode::Locked, "nobody knows yet whether that will last");
        one.commit().unwrap();
        let error = attempt().unwrap_err();
        assert_eq!((error.code, error.collection.as_deref()), (ErrorCode::WriteConflict, Some("author")));
        assert_eq!(error.key.as_deref(), Some("[1]"));
        assert!(error.message.contains("row (id) = (1) of collection \"author\" was changed"), "{error}");
    }
    assert_eq!(rows(&store.current().unwrap(), "author"), json!([[1, "a", null, 1, null]]));
}

#[test]
fn a_flush_goes_on_from_the_result_of_others() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a", "email": "a"}))).unwrap();
    let (mut one, mut flush) = (begin(&store), begin_flush(&store));
    one.statement(|w| update(w, "author", 1, json!({"born": 1}))).unwrap();
    let change = |w: &mut Writer| update(w, "author", 1, json!({"email": "b"}));
    assert_eq!(code(flush.statement(change)), ErrorCode::Locked);
    let (woken, waiting) = std::sync::mpsc::channel();
    assert!(flush.wait(Box::new(move |_, how| woken.send(how).unwrap())).unwrap().is_some());
    one.commit().unwrap();
    assert_eq!(waiting.recv().unwrap(), Woken::Granted);
    assert_eq!(code(flush.statement(change)), ErrorCode::Stale, "the version is the one from before");
    flush.root().unwrap();
    flush.statement(change).unwrap();
    assert_eq!(
        rows(flush.root().unwrap(), "author"),
        json!([[1, "a", "b", 1, null]]),
        "it sees what was committed"
    );
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    flush.commit().unwrap();
    store.current().unwrap().check().unwrap();
    assert_eq!(names(&store.current().unwrap()), json!(["a", "b"]));
}

#[test]
fn a_transaction_begins_with_its_first_statement() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    let (mut one, mut other) = (begin(&store), begin(&store));
    one.statement(|w| update(w, "author", 1, json!({"born": 1}))).unwrap();
    let change = |w: &mut Writer| update(w, "author", 1, json!({"name": "b"}));
    assert_eq!(code(other.statement(change)), ErrorCode::Locked);
    one.commit().unwrap();
    other.root().unwrap();
    other.statement(change).unwrap();
    other.commit().unwrap();
    assert_eq!(rows(&store.current().unwrap(), "author"), json!([[1, "b", null, 1, null]]));
}

#[test]
fn a_rollback_to_a_savepoint_gives_its_locks_back() {
    let store = open(library());
    for name in ["a", "b"] {
        write(&store, |w| insert(w, "author", json!({"name": name}))).unwrap();
    }
    let (mut one, mut other) = (begin(&store), begin(&store));
    one.statement(|w| update(w, "author", 1, json!({"born": 1}))).unwrap();
    let savepoint = one.savepoint().unwrap();
    one.statement(|w| update(w, "author", 2, json!({"born": 1}))).unwrap();
    assert_eq!(code(other.statement(|w| update(w, "author", 2, json!({"born": 2})))), ErrorCode::Locked);
    one.rollback_to(savepoint).unwrap();
    other.statement(|w| update(w, "author", 2, json!({"born": 2}))).unwrap();
    assert_eq!(code(other.statement(|w| update(w, "author", 1, json!({"born": 2})))), ErrorCode::Locked);
    drop(one);
    other.statement(|w| update(w, "author", 1, json!({"born": 2}))).unwrap();
}

#[test]
fn a_flush_rolled_back_to_a_savepoint_still_sees_others() {
    let store = open(library());
    let mut flush = begin_flush(&store);
    let savepoint = flush.savepoint().unwrap();
    add(&mut flush, "a").unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    assert_eq!(names(flush.root().unwrap()), json!(["a", "b"]));
    flush.rollback_to(savepoint).unwrap();
    assert_eq!(names(flush.root().unwrap()), json!(["b"]));
    flush.commit().unwrap();
}

#[test]
fn constraints_are_checked_again_when_others_were_faster() {
    let store = open(library());
    let (mut one, mut other) = (begin(&store), begin(&store));
    one.statement(|w| insert(w, "author", json!({"name": "a", "email": "x"}))).unwrap();
    other.statement(|w| insert(w, "author", json!({"name": "b", "email": "x"}))).unwrap();
    one.commit().unwrap();
    assert_eq!(code(other.commit()), ErrorCode::Unique);

    let (mut one, mut other) = (begin(&store), begin(&store));
    one.statement(|w| delete(w, "author", 1)).unwrap();
    other.statement(|w| insert(w, "book", json!({"title": "t", "author_id": 1}))).unwrap();
    one.commit().unwrap();
    assert_eq!(code(other.commit()), ErrorCode::ForeignKey);
}

#[test]
fn rules_are_followed_for_rows_that_others_wrote() {
    let store = open(library());
    write(&store, |w| {
        insert(w, "author", json!({"name": "a"}))?;
        insert(w, "author", json!({"name": "b"}))
    })
    .unwrap();
    let mut flush = begin_flush(&store);
    flush.statement(|w| delete(w, "author", 1)).unwrap();
    flush.statement(|w| update(w, "author", 2, json!({"id": 5}))).unwrap();
    write(&store, |w| {
        insert(w, "book", json!({"title": "t", "author_id": 1}))?;
        insert(w, "book", json!({"title": "u", "author_id": 2}))
    })
    .unwrap();
    flush.commit().unwrap();
    let root = store.current().unwrap();
    root.check().unwrap();
    assert_eq!(rows(&root, "book"), json!([[2, "u", 5]]));
}

#[test]
fn values_that_changed_hands_step_by_step_do_not_conflict_with_themselves() {
    let store = open(library());
    write(&store, |w| {
        insert(w, "author", json!({"name": "a", "email": "1"}))?;
        insert(w, "author", json!({"name": "b", "email": "2"}))
    })
    .unwrap();
    let mut transaction = begin(&store);
    for (key, email) in [(1, "3"), (2, "1"), (1, "2")] {
        transaction.statement(|w| update(w, "author", key, json!({"email": email}))).unwrap();
    }
    transaction
        .statement(|w| {
            delete(w, "author", 1)?;
            insert(w, "author", json!({"id": 1, "name": "new", "email": "2"}))
        })
        .unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "c"}))).unwrap();
    transaction.commit().unwrap();
    let root = store.current().unwrap();
    root.check().unwrap();
    assert_eq!(column(&root, "author", "email"), json!(["2", "1", null]));
    assert_eq!(names(&root), json!(["new", "b", "c"]));
}

#[test]
fn a_changed_schema_conflicts() {
    let store = open(library());
    let mut transaction = begin(&store);
    add(&mut transaction, "a").unwrap();
    let mut only = library();
    only["collections"][0]["fields"].as_array_mut().unwrap().pop();
    only["collections"][0]["indexes"].as_array_mut().unwrap().pop();
    apply(&store, only).unwrap();
    assert_eq!(code(transaction.commit()), ErrorCode::WriteConflict);
    let mut structural = begin(&store);
    structural.clear(&[CollectionId(0)], false).unwrap();
    structural.drop_schema().unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    assert_eq!(code(structural.commit()), ErrorCode::WriteConflict);
}

#[test]
fn schema_changes_are_rolled_back_too() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    let mut transaction = begin(&store);
    let savepoint = transaction.savepoint().unwrap();
    transaction.drop_schema().unwrap();
    assert_eq!(code(transaction.root().unwrap().by_name("author").cloned()), ErrorCode::CollectionNotFound);
    transaction.rollback_to(savepoint).unwrap();
    assert_eq!(names(transaction.root().unwrap()), json!(["a"]));
    transaction.commit().unwrap();
    assert_eq!(names(&store.current().unwrap()), json!(["a"]));
}

#[test]
fn many_threads_lose_nothing() {
    let store = open(library());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    let mut transaction = if number % 2 == 0 { begin(store) } else { begin_flush(store) };
                    add(&mut transaction, &format!("{thread}-{number}")).unwrap();
                    transaction.commit().unwrap();
                }
            });
        }
    });
    let root = store.current().unwrap();
    root.check().unwrap();
    assert_eq!(root.by_name("author").unwrap().rows.len(), 200);
}

#[test]
fn keys_that_moved_up_stay_where_they_went_when_others_were_faster() {
    let store = open(library());
    write(&store, |w| {
        for name in ["a", "b"] {
            let author = insert(w, "author", json!({"name": name}))?;
            insert(w, "book", json!({"title": name, "author_id": author.get(2).to_json()}))?;
        }
        Ok(())
    })
    .unwrap();
    let mut transaction = begin(&store);
    transaction
        .statement(|w| {
            update(w, "author", 2, json!({"id": 3}))?;
            update(w, "author", 1, json!({"id": 2}))
        })
        .unwrap();
    write(&store, |w| insert(w, "book", json!({"title": "c"}))).unwrap();
    transaction.commit().unwrap();
    assert_eq!(column(&store.current().unwrap(), "book", "author_id"), json!([2, 3, null]));
}
