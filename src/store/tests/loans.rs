//! Versions that are written in place.

use super::*;
use crate::store::Isolation;
use crate::store::loan::FEW;

fn add(transaction: &mut Transaction, name: &str) {
    transaction.statement(|writer| insert(writer, "author", json!({"name": name}))).unwrap();
}

fn names(root: &Root) -> Json {
    root.check().unwrap();
    column(root, "author", "name")
}

fn store() -> Arc<Store> {
    let store = open(library());
    write(&store, |writer| {
        for name in ["a", "b"] {
            insert(writer, "author", json!({"name": name, "email": name}))?;
        }
        insert(writer, "book", json!({"title": "t", "author_id": 1}))
    })
    .unwrap();
    store
}

/// The place in memory of what holds the rows: the same where a version was written in place.
fn place(store: &Store) -> *const () {
    let root = store.core.current();
    Arc::as_ptr(root.by_name("author").unwrap()).cast()
}

#[test]
fn few_rows_are_written_in_place_where_nobody_looks() {
    let store = store();
    let before = place(&store);
    let mut transaction = begin(&store);
    add(&mut transaction, "c");
    assert_eq!(names(transaction.root().unwrap()), json!(["a", "b", "c"]));
    add(&mut transaction, "d");
    transaction.commit().unwrap();
    assert_eq!(place(&store), before);
    assert_eq!(names(&store.current().unwrap()), json!(["a", "b", "c", "d"]));

    let seen = store.current().unwrap();
    let mut transaction = begin(&store);
    add(&mut transaction, "e");
    transaction.commit().unwrap();
    assert_ne!(place(&store), before, "somebody holds the version");
    assert_eq!(names(&seen), json!(["a", "b", "c", "d"]));
}

#[test]
fn whoever_looks_sees_what_was_committed() {
    let store = store();
    let ends: [fn(&mut Transaction) -> Result<u64>; 2] = [|t| t.rollback().map(|()| 0), Transaction::commit];
    for end in ends {
        let committed = names(&store.current().unwrap());
        let sequence = store.sequence();
        let mut transaction = begin(&store);
        add(&mut transaction, "new");
        transaction
            .statement(|writer| {
                update(writer, "author", 1, json!({"email": "other"}))?;
                delete(writer, "author", 2)
            })
            .unwrap();
        let seen = store.current().unwrap();
        assert_eq!((names(&seen), seen.sequence), (committed.clone(), sequence));
        assert_eq!(entries(&seen, "author", "author_email", "a"), 1);
        add(&mut transaction, "newer");
        assert_eq!(names(&store.current().unwrap()), committed);
        assert_eq!(transaction.effects().len(), 4);
        let own = names(transaction.root().unwrap());
        let number = end(&mut transaction).unwrap();
        let newest = store.current().unwrap();
        assert_eq!(names(&newest), if number > sequence { own } else { committed.clone() });
        assert_eq!(names(&seen), committed);
    }
}

#[test]
fn a_rollback_leaves_the_very_rows_that_were_there() {
    let store = store();
    let row = |store: &Store| store.core.current().by_name("author").unwrap().rows.first().unwrap().1.clone();
    let (before, sequence) = (row(&store), store.sequence());
    for explicit in [true, false] {
        let mut transaction = begin(&store);
        transaction
            .statement(|writer| {
                update(writer, "author", 1, json!({"name": "x"}))?;
                delete(writer, "author", 2)
            })
            .unwrap();
        assert!(
            transaction.statement(|writer| insert(writer, "author", json!({"id": 1, "name": "y"}))).is_err()
        );
        assert_eq!(names(transaction.root().unwrap()), json!(["x"]));
        if explicit {
            transaction.rollback().unwrap();
        }
        drop(transaction);
        assert!(row(&store).ptr_eq(&before));
        assert_eq!(names(&store.current().unwrap()), json!(["a", "b"]));
        assert_eq!(store.sequence(), sequence);
    }
}

#[test]
fn many_rows_are_not_written_in_place() {
    let store = store();
    let before = place(&store);
    for statements in [1, FEW + 10] {
        let mut transaction = begin(&store);
        for _ in 0..statements {
            let rows = (FEW + 10) / statements;
            transaction
                .statement(|writer| {
                    (0..rows).try_for_each(|_| insert(writer, "author", json!({"name": "n"})).map(drop))
                })
                .unwrap();
        }
        assert_eq!(names(&store.core.current()), json!(["a", "b"]));
        assert_eq!(transaction.root().unwrap().by_name("author").unwrap().rows.len(), FEW + 12);
    }
    write(&store, |writer| {
        (0..FEW).try_for_each(|_| insert(writer, "book", json!({"title": "u", "author_id": 2})).map(drop))
    })
    .unwrap();
    let mut transaction = begin(&store);
    transaction.statement(|writer| delete(writer, "author", 2)).unwrap();
    assert_eq!(store.current().unwrap().by_name("book").unwrap().rows.len(), FEW + 1);
    transaction.commit().unwrap();
    assert_eq!(column(&store.current().unwrap(), "book", "title"), json!(["t"]));
    assert_ne!(place(&store), before, "what follows from a row counts too");
}

#[test]
fn a_conflict_is_one_also_with_what_was_written_in_place() {
    let store = store();
    for isolation in [Isolation::Snapshot, Isolation::Serializable, Isolation::ReadCommitted] {
        let mut first = begin(&store);
        first.statement(|writer| update(writer, "author", 1, json!({"name": "first"}))).unwrap();
        let mut second = store.begin(Begin { isolation, ..Begin::default() }).unwrap();
        second.root().unwrap();
        second.settle();
        second.statement(|writer| update(writer, "author", 2, json!({"name": "second"}))).unwrap();
        let blocked = second.statement(|writer| update(writer, "author", 1, json!({"name": "second"})));
        assert_eq!(code(blocked), ErrorCode::Locked);
        first.commit().unwrap();
        let late = second.statement(|writer| update(writer, "author", 1, json!({"name": "second"})));
        let merged = isolation == Isolation::ReadCommitted;
        assert_eq!(code(late), if merged { ErrorCode::Stale } else { ErrorCode::WriteConflict });
        second.commit().unwrap();
        assert_eq!(names(&store.current().unwrap()), json!(["first", "second"]));
        write(&store, |writer| update(writer, "author", 2, json!({"name": "b"}))).unwrap();
    }
}

#[test]
fn what_a_transaction_does_beside_writing_rows_works_on_what_it_wrote_in_place() {
    let store = store();
    let mut transaction = begin(&store);
    add(&mut transaction, "c");
    let savepoint = transaction.savepoint().unwrap();
    add(&mut transaction, "d");
    transaction.rollback_to(savepoint).unwrap();
    assert_eq!(names(transaction.root().unwrap()), json!(["a", "b", "c"]));
    transaction.commit().unwrap();

    let mut transaction = begin(&store);
    add(&mut transaction, "d");
    let root = Arc::clone(transaction.root().unwrap());
    transaction.install_auto_index(id(&root, "author"), &[component(&root, "author", "name")]).unwrap();
    assert_eq!(entries(transaction.root().unwrap(), "author", "auto(name)", "d"), 1);
    transaction.commit().unwrap();
    assert_eq!(entries(&store.current().unwrap(), "author", "auto(name)", "d"), 1);

    let mut transaction = begin(&store);
    add(&mut transaction, "e");
    transaction.drop_collections(&["book"]).unwrap();
    assert_eq!(store.current().unwrap().collections().count(), 2);
    transaction.commit().unwrap();
    assert_eq!(names(&store.current().unwrap()), json!(["a", "b", "c", "d", "e"]));
    assert_eq!(store.current().unwrap().collections().count(), 1);
}

#[test]
fn savepoints_are_gone_back_to_in_place_and_where_somebody_has_looked() {
    for looks in 0..8 {
        let store = store();
        let look = |step: usize| match looks {
            0 => {}
            looks => drop((step == looks).then(|| store.current().unwrap())),
        };
        let before = place(&store);
        let mut transaction = begin(&store);
        let first = transaction.savepoint().unwrap();
        look(1);
        add(&mut transaction, "c");
        look(2);
        let second = transaction.savepoint().unwrap();
        transaction.statement(|writer| update(writer, "author", 1, json!({"email": "other"}))).unwrap();
        look(3);
        let third = transaction.savepoint().unwrap();
        transaction.statement(|writer| delete(writer, "author", 2)).unwrap();
        look(4);
        transaction.rollback_to(third).unwrap();
        assert_eq!(names(transaction.root().unwrap()), json!(["a", "b", "c"]));
        look(5);
        transaction.rollback_to(second).unwrap();
        assert_eq!(column(transaction.root().unwrap(), "author", "email"), json!(["a", "b", null]));
        assert_eq!(code(transaction.rollback_to(third)), ErrorCode::SavepointNotFound);
        add(&mut transaction, "d");
        look(6);
        transaction.release(second).unwrap();
        assert_eq!(names(transaction.root().unwrap()), json!(["a", "b", "c", "d"]));
        transaction.rollback_to(first).unwrap();
        assert_eq!(names(transaction.root().unwrap()), json!(["a", "b"]));
        look(7);
        add(&mut transaction, "e");
        transaction.commit().unwrap();
        assert_eq!(names(&store.core.current()), json!(["a", "b", "e"]));
        assert!(looks > 0 || place(&store) == before);
    }
}

#[test]
fn a_store_that_is_closed_keeps_nothing_of_what_was_written_in_place() {
    let store = store();
    let other = Store::open(Some("loans"));
    let same = Store::open(Some("loans"));
    apply(&other, library()).unwrap();
    for store in [&store, &other] {
        let mut transaction = begin(store);
        add(&mut transaction, "lost");
        store.close().unwrap();
        assert_eq!(code(transaction.commit()), ErrorCode::StoreClosed);
        drop(transaction);
    }
    assert_eq!(names(&same.current().unwrap()), json!([]));
    assert!(store.core.current().collections().next().is_none());
}
