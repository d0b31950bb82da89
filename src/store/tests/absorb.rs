//! Transactions of many changes beside others that commit.

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::store::Isolation;
use crate::store::loan::FEW;

const AUTHORS: i64 = 30;

/// A statement: what it does, to which author or book, and with which email.
type Op = (u8, i64, i64);

fn op() -> impl Strategy<Value = Op> {
    (0..6u8, 1..=AUTHORS + 5, 0..AUTHORS * 3)
}

fn run(transaction: &mut Transaction, (kind, id, email): Op) -> Result<()> {
    transaction.root()?;
    transaction.statement(|writer| match kind {
        0 => insert(writer, "author", json!({"name": "new", "email": email.to_string()})).map(drop),
        1 => update(writer, "author", id, json!({"email": email.to_string()})).map(drop),
        2 => update(writer, "author", id, json!({"name": email.to_string()})).map(drop),
        3 => delete(writer, "author", id).map(drop),
        4 => insert(writer, "book", json!({"title": "new", "author_id": id})).map(drop),
        _ => delete(writer, "book", id).map(drop),
    })
}

/// What is in the store at the end, and how the commit of the transaction of many changes ended.
fn outcome(isolation: Isolation, keeps_up: bool, ops: &[(bool, Op)]) -> (Option<ErrorCode>, Vec<Json>) {
    let store = open(library());
    write(&store, |writer| {
        (0..AUTHORS).try_for_each(|at| {
            insert(writer, "author", json!({"name": "old", "email": at.to_string()}))?;
            insert(writer, "book", json!({"title": "old", "author_id": at + 1})).map(drop)
        })
    })
    .unwrap();
    let mut many = store.begin(Begin { isolation, ..Begin::default() }).unwrap();
    if keeps_up {
        many.keep_up();
    }
    many.statement(|writer| {
        (0..=FEW).try_for_each(|_| insert(writer, "book", json!({"title": "many"})).map(drop))
    })
    .unwrap();
    for (own, op) in ops {
        // What is locked, or against a constraint, does not happen.
        let _: Result<()> = if *own {
            run(&mut many, *op)
        } else {
            let mut other = begin_flush(&store);
            run(&mut other, *op).and_then(|()| other.commit().map(drop))
        };
    }
    let code = many.commit().err().map(|error: Error| error.code);
    let root = store.current().unwrap();
    root.check().unwrap();
    let columns =
        [("author", "id"), ("author", "name"), ("author", "email"), ("book", "id"), ("book", "author_id")];
    (code, columns.map(|(collection, field)| column(&root, collection, field)).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn end_alike_whether_theirs_is_done_on_others_or_others_on_theirs(
        isolation in prop::sample::select(vec![Isolation::ReadCommitted, Isolation::Snapshot, Isolation::Serializable]),
        ops in prop::collection::vec((any::<bool>(), op()), 1..30),
    ) {
        prop_assert_eq!(outcome(isolation, true, &ops), outcome(isolation, false, &ops));
    }
}

#[test]
fn take_over_what_others_have_committed() {
    let store = open(library());
    write(&store, |writer| {
        (0..3).try_for_each(|_| insert(writer, "author", json!({"name": "old"})).map(drop))
    })
    .unwrap();
    let mut many = begin(&store);
    many.keep_up();
    many.statement(|writer| {
        (0..100).try_for_each(|_| insert(writer, "author", json!({"name": "many"})).map(drop))
    })
    .unwrap();
    write(&store, |writer| {
        update(writer, "author", 1, json!({"name": "other"}))?;
        delete(writer, "author", 2)?;
        insert(writer, "book", json!({"title": "other", "author_id": 3}))
    })
    .unwrap();
    let others = store.current().unwrap();
    many.commit().unwrap();
    let root = store.current().unwrap();
    root.check().unwrap();
    assert_eq!(root.by_name("author").unwrap().rows.len(), 102);
    assert_eq!(column(&root, "book", "title"), json!(["other"]));
    let first = |root: &Root| root.by_name("author").unwrap().rows.first().unwrap().1.clone();
    assert!(first(&root).ptr_eq(&first(&others)), "their rows are the very same");
}
