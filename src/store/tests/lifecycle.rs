//! Opening and closing, snapshots, and what may cross threads.

use serde_json::json;

use super::*;
use crate::store::{Effect, Snapshot};

#[test]
fn everything_may_cross_threads() {
    fn assert<T: Send + Sync>() {}
    assert::<Store>();
    assert::<Transaction>();
    assert::<Snapshot>();
    assert::<Root>();
    assert::<Effect>();
}

#[test]
fn a_name_is_one_store_while_it_is_open() {
    let name = "lifecycle: a name is one store";
    let (one, two) = (Store::open(Some(name)), Store::open(Some(name)));
    apply(&one, library()).unwrap();
    assert!(two.current().unwrap().by_name("author").is_ok());
    let weak = Arc::downgrade(&one.current().unwrap());
    one.close().unwrap();
    one.close().unwrap();
    assert_eq!(code(one.current()), ErrorCode::StoreClosed);
    assert!(two.current().unwrap().by_name("author").is_ok(), "the other handle is still open");
    drop(two);
    assert!(weak.upgrade().is_none(), "with the last handle the data goes");
    let again = Store::open(Some(name));
    assert_eq!(again.current().unwrap().collections().count(), 0);
    assert_eq!(code(one.snapshot()), ErrorCode::StoreClosed, "a closed handle stays closed");
    assert_eq!(again.name(), Some(name));
}

#[test]
fn without_a_name_a_store_is_private() {
    let (one, two) = (open(library()), Store::open(None));
    assert_eq!(two.current().unwrap().collections().count(), 0);
    drop(one);
}

#[test]
fn a_closed_store_says_so() {
    let store = open(library());
    let mut transaction = begin(&store);
    transaction.statement(|w| insert(w, "author", json!({"name": "a"}))).unwrap();
    let snapshot = store.snapshot().unwrap();
    let root = store.current().unwrap();
    store.close().unwrap();
    let closed = ErrorCode::StoreClosed;
    assert_eq!(code(transaction.commit()), closed);
    assert_eq!(code(transaction.root().cloned()), closed);
    assert_eq!(code(store.begin(Begin::default())), closed);
    assert_eq!(code(store.restore(&snapshot)), closed);
    assert_eq!(code(store.set_auto_index(false)), closed);
    assert_eq!(code(store.install_auto_index(&root, CollectionId(0), &[])), closed);
}

#[test]
fn a_snapshot_is_put_back_with_schema_and_counters() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    let snapshot = store.snapshot().unwrap();
    let before = store.current().unwrap().sequence;
    for _ in 0..2 {
        let row = write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
        assert_eq!(row.get(2).to_json(), json!(2), "the counter went back");
        apply(&store, json!({"collections": []})).unwrap();
        store.restore(&snapshot).unwrap();
        store.current().unwrap().check().unwrap();
        assert_eq!(column(&store.current().unwrap(), "author", "name"), json!(["a"]));
    }
    assert!(store.current().unwrap().sequence > before, "a restore is a new version");
    assert_eq!(snapshot.root().sequence, before);
}

#[test]
fn a_snapshot_of_another_store_is_refused() {
    let (one, two) = (open(library()), open(library()));
    assert_eq!(code(two.restore(&one.snapshot().unwrap())), ErrorCode::ForeignSnapshot);
}

#[test]
fn a_fork_begins_as_a_copy_and_goes_its_own_way() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    let fork = store.fork(None).unwrap();
    for (of, other, name) in [(&store, &fork, "b"), (&fork, &store, "c")] {
        let row = write(of, |w| insert(w, "author", json!({"name": name}))).unwrap();
        assert_eq!(row.get(2).to_json(), json!(2), "each has counters of its own");
        assert_eq!(column(&of.current().unwrap(), "author", "name"), json!(["a", name]));
        assert_ne!(column(&other.current().unwrap(), "author", "name"), json!(["a", name]));
    }
    assert_eq!(code(fork.restore(&store.snapshot().unwrap())), ErrorCode::ForeignSnapshot);
    apply(&fork, json!({"collections": []})).unwrap();
    assert!(store.current().unwrap().by_name("author").is_ok());
}

#[test]
fn a_fork_keeps_the_order_of_insertion() {
    let store = open(library());
    for name in ["c", "b", "a"] {
        write(&store, |w| insert(w, "author", json!({"name": name}))).unwrap();
    }
    let fork = store.fork(None).unwrap();
    let root = fork.current().unwrap();
    let stamp = |row: &crate::value::Row| row.get(crate::catalog::INSERTED).to_json().as_i64().unwrap();
    let collection = root.collection(id(&root, "author")).unwrap();
    let last = collection.rows.iter().map(|(_, row)| stamp(row)).max().unwrap();
    let row = write(&fork, |w| insert(w, "author", json!({"name": "d"}))).unwrap();
    assert!(stamp(&row) > last);
}

#[test]
fn a_fork_needs_a_name_that_is_free() {
    let name = "lifecycle: a fork needs a name";
    let store = open(library());
    let fork = store.fork(Some(name)).unwrap();
    assert_eq!(code(store.fork(Some(name))), ErrorCode::StoreExists);
    let other = Store::open(Some(name));
    assert!(other.current().unwrap().by_name("author").is_ok(), "others find it");
    fork.close().unwrap();
    assert_eq!(code(store.fork(Some(name))), ErrorCode::StoreExists);
    drop(other);
    assert!(store.fork(Some(name)).is_ok());
}

#[test]
fn a_fork_of_a_snapshot_outlives_the_store() {
    let store = open(library());
    write(&store, |w| insert(w, "author", json!({"name": "a"}))).unwrap();
    store.set_auto_index(false).unwrap();
    let snapshot = store.snapshot().unwrap();
    write(&store, |w| insert(w, "author", json!({"name": "b"}))).unwrap();
    store.close().unwrap();
    assert_eq!(code(store.fork(None)), ErrorCode::StoreClosed);
    let fork = snapshot.fork(None).unwrap();
    fork.current().unwrap().check().unwrap();
    assert_eq!(column(&fork.current().unwrap(), "author", "name"), json!(["a"]));
    assert!(!fork.auto_index(), "as it was switched in the other");
}

#[test]
fn transactions_over_a_restore_conflict() {
    let store = open(library());
    let snapshot = store.snapshot().unwrap();
    for mut transaction in [begin(&store), begin_flush(&store)] {
        let mut reader = begin(&store);
        transaction.statement(|w| insert(w, "author", json!({"name": "a"}))).unwrap();
        store.restore(&snapshot).unwrap();
        assert_eq!(code(transaction.commit()), ErrorCode::WriteConflict);
        assert_eq!(column(reader.root().unwrap(), "author", "name"), json!([]));
        reader.commit().unwrap();
    }
    assert_eq!(column(&store.current().unwrap(), "author", "name"), json!([]));
}

#[test]
fn clearing_empties_and_resets_when_asked() {
    let store = open(library());
    let fill = || {
        write(&store, |w| {
            let author = insert(w, "author", json!({"name": "a"}))?;
            insert(w, "book", json!({"title": "t", "author_id": author.get(2).to_json()}))?;
            Ok(author.get(2).to_json())
        })
        .unwrap()
    };
    assert_eq!(fill(), json!(1));
    let root = store.current().unwrap();
    let (author, book) = (id(&root, "author"), id(&root, "book"));
    let clear = |ids: &[CollectionId], reset| {
        let mut transaction = begin(&store);
        transaction.clear(ids, reset)?;
        transaction.commit()?;
        store.current()?.check().unwrap();
        Ok::<_, crate::error::Error>(())
    };
    let error = clear(&[author], false).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::ForeignKey, Some("book_author")));
    clear(&[author, book], false).unwrap();
    assert_eq!(fill(), json!(2));
    clear(&[book, author], true).unwrap();
    assert_eq!(fill(), json!(1));
    clear(&[book], false).unwrap();
    clear(&[author], false).unwrap();
    assert_eq!(code(clear(&[CollectionId(7)], false)), ErrorCode::CollectionNotFound);
    // A reset that is rolled back has not happened.
    let mut transaction = begin(&store);
    transaction.clear(&[author, book], true).unwrap();
    transaction.rollback().unwrap();
    assert_eq!(fill(), json!(2));
}
