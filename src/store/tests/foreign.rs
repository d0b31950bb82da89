//! Foreign keys and their rules.

use serde_json::json;

use super::*;
use crate::store::Isolation;

/// A parent and a child that points at it, under rules.
fn family(on_delete: &str, on_update: &str) -> Arc<Store> {
    let store = open(json!({"collections": [
        {"name": "parent", "fields": [{"name": "id", "type": "int"}], "primary": ["id"]},
        {
            "name": "child",
            "fields": [
                {"name": "id", "type": "int"},
                {"name": "parent_id", "type": "int", "nullable": true, "default": {"value": 9}}
            ],
            "primary": ["id"],
            "foreign": [{
                "name": "child_parent", "fields": ["parent_id"], "target": "parent", "targetFields": ["id"],
                "onDelete": on_delete, "onUpdate": on_update
            }]
        }
    ]}));
    write(&store, |w| {
        for id in [1, 2] {
            insert(w, "parent", json!({"id": id}))?;
            insert(w, "child", json!({"id": id, "parent_id": id}))?;
        }
        insert(w, "child", json!({"id": 3, "parent_id": 1}))?;
        insert(w, "child", json!({"id": 4, "parent_id": null}))
    })
    .unwrap();
    store
}

fn children(store: &Arc<Store>) -> Json {
    rows(&store.current().unwrap(), "child")
}

#[test]
fn a_row_must_point_at_a_row() {
    let store = family("noAction", "noAction");
    let error = write(&store, |w| insert(w, "child", json!({"id": 5, "parent_id": 7}))).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::ForeignKey, Some("child_parent")));
    assert_eq!(
        error.message,
        "foreign key \"child_parent\" of collection \"child\": (parent_id) = (7), but \"parent\" has no row with such (id)"
    );
    assert_eq!((error.collection.as_deref(), error.fields), (Some("child"), vec!["parent_id".to_owned()]));
    assert_eq!(
        code(write(&store, |w| update(w, "child", 1, json!({"parent_id": 7})))),
        ErrorCode::ForeignKey
    );
    // The order within a statement does not matter.
    write(&store, |w| {
        insert(w, "child", json!({"id": 5, "parent_id": 7}))?;
        insert(w, "parent", json!({"id": 7}))
    })
    .unwrap();
    // What is taken back within the statement is not checked.
    write(&store, |w| {
        insert(w, "child", json!({"id": 6, "parent_id": 8}))?;
        update(w, "child", 6, json!({"parent_id": null}))?;
        insert(w, "child", json!({"id": 7, "parent_id": 8}))?;
        delete(w, "child", 7)
    })
    .unwrap();
    // What only moves is checked where it went.
    let moved = write(&store, |w| {
        insert(w, "child", json!({"id": 7, "parent_id": 8}))?;
        update(w, "child", 7, json!({"id": 8}))
    });
    assert_eq!(code(moved), ErrorCode::ForeignKey);
}

#[test]
fn cascade() {
    let store = family("cascade", "cascade");
    write(&store, |w| update(w, "parent", 2, json!({"id": 5}))).unwrap();
    assert_eq!(children(&store), json!([[1, 1], [2, 5], [3, 1], [4, null]]));
    write(&store, |w| delete(w, "parent", 1)).unwrap();
    assert_eq!(children(&store), json!([[2, 5], [4, null]]));
}

#[test]
fn set_null() {
    let store = family("setNull", "setNull");
    write(&store, |w| update(w, "parent", 2, json!({"id": 5}))).unwrap();
    write(&store, |w| delete(w, "parent", 1)).unwrap();
    assert_eq!(children(&store), json!([[1, null], [2, null], [3, null], [4, null]]));
}

#[test]
fn set_default() {
    let store = family("setDefault", "setDefault");
    assert_eq!(code(write(&store, |w| delete(w, "parent", 1))), ErrorCode::ForeignKey);
    write(&store, |w| insert(w, "parent", json!({"id": 9}))).unwrap();
    write(&store, |w| delete(w, "parent", 1)).unwrap();
    write(&store, |w| update(w, "parent", 2, json!({"id": 5}))).unwrap();
    assert_eq!(children(&store), json!([[1, 9], [2, 9], [3, 9], [4, null]]));
}

#[test]
fn restrict_and_no_action() {
    for rule in ["restrict", "noAction"] {
        let store = family(rule, rule);
        let error = write(&store, |w| delete(w, "parent", 1)).unwrap_err();
        assert_eq!(
            error.message,
            "foreign key \"child_parent\" of collection \"child\": 2 rows of \"child\" still point at (id) = (1) of \"parent\""
        );
        assert_eq!(code(write(&store, |w| update(w, "parent", 1, json!({"id": 5})))), ErrorCode::ForeignKey);
        // The order within a statement does not matter for what it deletes itself.
        write(&store, |w| {
            delete(w, "parent", 1)?;
            delete(w, "child", 1)?;
            delete(w, "child", 3)
        })
        .unwrap();
        assert_eq!(children(&store), json!([[2, 2], [4, null]]));
        // A row that is there again is pointed at again.
        write(&store, |w| {
            delete(w, "parent", 2)?;
            insert(w, "parent", json!({"id": 2}))
        })
        .unwrap();
    }
}

#[test]
fn no_action_waits_for_other_rules_and_restrict_does_not() {
    for (rule, works) in [("noAction", true), ("restrict", false)] {
        let store = open(json!({"collections": [
            {"name": "a", "fields": [{"name": "id", "type": "int"}], "primary": ["id"]},
            {
                "name": "b",
                "fields": [{"name": "id", "type": "int"}, {"name": "one", "type": "int"}, {"name": "two", "type": "int"}],
                "primary": ["id"],
                "foreign": [
                    {"name": "one", "fields": ["one"], "target": "a", "targetFields": ["id"], "onDelete": rule},
                    {"name": "two", "fields": ["two"], "target": "a", "targetFields": ["id"], "onDelete": "cascade"}
                ]
            }
        ]}));
        write(&store, |w| {
            insert(w, "a", json!({"id": 1}))?;
            insert(w, "b", json!({"id": 1, "one": 1, "two": 1}))
        })
        .unwrap();
        assert_eq!(write(&store, |w| delete(w, "a", 1)).is_ok(), works, "{rule}");
        assert_eq!(store.current().unwrap().by_name("b").unwrap().rows.is_empty(), works);
    }
}

#[test]
fn keys_that_move_up_take_their_own_with_them() {
    let store = family("cascade", "cascade");
    write(&store, |w| {
        update(w, "parent", 2, json!({"id": 3}))?;
        update(w, "parent", 1, json!({"id": 2}))
    })
    .unwrap();
    assert_eq!(children(&store), json!([[1, 2], [2, 3], [3, 2], [4, null]]));
}

/// Rows that point at each other in their own collection.
fn tree(on_delete: &str) -> Arc<Store> {
    open(json!({"collections": [{
        "name": "node",
        "fields": [{"name": "id", "type": "int"}, {"name": "up", "type": "int", "nullable": true}],
        "primary": ["id"],
        "foreign": [{
            "name": "node_up", "fields": ["up"], "target": "node", "targetFields": ["id"],
            "onDelete": on_delete, "onUpdate": "cascade"
        }]
    }]}))
}

#[test]
fn a_collection_may_point_at_itself_in_circles() {
    let store = tree("cascade");
    write(&store, |w| {
        insert(w, "node", json!({"id": 1, "up": 3}))?;
        insert(w, "node", json!({"id": 2, "up": 1}))?;
        insert(w, "node", json!({"id": 3, "up": 2}))?;
        insert(w, "node", json!({"id": 4, "up": 4}))
    })
    .unwrap();
    write(&store, |w| update(w, "node", 2, json!({"id": 20}))).unwrap();
    write(&store, |w| update(w, "node", 4, json!({"id": 40}))).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "node"), json!([[1, 3], [3, 20], [20, 1], [40, 40]]));
    write(&store, |w| delete(w, "node", 3)).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "node"), json!([[40, 40]]));
}

#[test]
fn deletes_cascade_to_any_depth() {
    let store = tree("cascade");
    write(&store, |w| {
        insert(w, "node", json!({"id": 0}))?;
        (1..5_000).try_for_each(|id| insert(w, "node", json!({"id": id, "up": id - 1})).map(drop))
    })
    .unwrap();
    write(&store, |w| delete(w, "node", 0)).unwrap();
    assert!(store.current().unwrap().by_name("node").unwrap().rows.is_empty());
}

#[test]
fn everything_may_go_at_once_under_restrict() {
    let store = tree("restrict");
    write(&store, |w| {
        insert(w, "node", json!({"id": 1}))?;
        insert(w, "node", json!({"id": 2, "up": 1}))
    })
    .unwrap();
    assert_eq!(code(write(&store, |w| delete(w, "node", 1))), ErrorCode::ForeignKey);
    write(&store, |w| {
        delete(w, "node", 1)?;
        delete(w, "node", 2)
    })
    .unwrap();
}

#[test]
fn changes_that_chase_each_other_end_in_an_error() {
    let one = |name: &str, other: &str| {
        json!({
            "name": name, "fields": [{"name": "id", "type": "int"}], "primary": ["id"],
            "foreign": [{
                "name": format!("{name}_{other}"), "fields": ["id"], "target": other, "targetFields": ["id"],
                "onUpdate": "cascade"
            }]
        })
    };
    let store = open(json!({"collections": [one("a", "b"), one("b", "a")]}));
    write(&store, |w| {
        insert(w, "a", json!({"id": 1}))?;
        insert(w, "b", json!({"id": 1}))
    })
    .unwrap();
    write(&store, |w| update(w, "a", 1, json!({"id": 2}))).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "b"), json!([[2]]));
    let chase = write(&store, |w| {
        update(w, "a", 2, json!({"id": 1}))?;
        update(w, "a", 1, json!({"id": 2}))
    });
    assert_eq!(code(chase), ErrorCode::ForeignKey);
    assert_eq!(rows(&store.current().unwrap(), "a"), json!([[2]]));
}

#[test]
fn composite_keys_in_another_order_and_unique_targets() {
    let store = open(json!({"collections": [
        {
            "name": "p",
            "fields": [
                {"name": "x", "type": "int"}, {"name": "y", "type": "text"},
                {"name": "code", "type": "text", "nullable": true}
            ],
            "primary": ["x", "y"],
            "indexes": [{"name": "p_code", "paths": [{"field": "code"}], "unique": true}]
        },
        {
            "name": "c",
            "fields": [
                {"name": "id", "type": "int"},
                {"name": "py", "type": "text", "nullable": true}, {"name": "px", "type": "int", "nullable": true},
                {"name": "code", "type": "text", "nullable": true}
            ],
            "primary": ["id"],
            "foreign": [
                {
                    "name": "c_p", "fields": ["py", "px"], "target": "p", "targetFields": ["y", "x"],
                    "onDelete": "setNull", "onUpdate": "cascade"
                },
                {
                    "name": "c_code", "fields": ["code"], "target": "p", "targetFields": ["code"],
                    "onDelete": "cascade", "onUpdate": "cascade"
                }
            ]
        }
    ]}));
    write(&store, |w| {
        insert(w, "p", json!({"x": 1, "y": "a", "code": "one"}))?;
        insert(w, "p", json!({"x": 2, "y": "a"}))?;
        insert(w, "c", json!({"id": 1, "px": 1, "py": "a"}))?;
        insert(w, "c", json!({"id": 2, "px": 2, "py": "a", "code": "one"}))?;
        // With a null in it, the key points at nothing.
        insert(w, "c", json!({"id": 3, "px": 9}))
    })
    .unwrap();
    assert_eq!(
        code(write(&store, |w| insert(w, "c", json!({"id": 4, "px": 1, "py": "b"})))),
        ErrorCode::ForeignKey
    );
    let schema = id(&store.current().unwrap(), "p");
    let key = key_of(&[1.into(), "a".into()]);
    write(&store, |w| w.update(schema, &key, &[(3, "b".into()), (4, "uno".into())])).unwrap();
    assert_eq!(
        rows(&store.current().unwrap(), "c"),
        json!([[1, "b", 1, null], [2, "a", 2, "uno"], [3, null, 9, null]])
    );
    write(&store, |w| w.delete(schema, &key_of(&[1.into(), "b".into()]))).unwrap();
    assert_eq!(rows(&store.current().unwrap(), "c"), json!([[1, null, null, null], [3, null, 9, null]]));
}

#[test]
fn set_null_on_a_field_that_must_not_be_null_is_refused() {
    let store = open(json!({"collections": [
        {"name": "p", "fields": [{"name": "id", "type": "int"}], "primary": ["id"]},
        {
            "name": "c", "fields": [{"name": "id", "type": "int"}, {"name": "p", "type": "int"}], "primary": ["id"],
            "foreign": [{
                "name": "c_p", "fields": ["p"], "target": "p", "targetFields": ["id"], "onDelete": "setNull"
            }]
        }
    ]}));
    write(&store, |w| {
        insert(w, "p", json!({"id": 1}))?;
        insert(w, "c", json!({"id": 1, "p": 1}))
    })
    .unwrap();
    let error = write(&store, |w| delete(w, "p", 1)).unwrap_err();
    assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::NotNull, Some("c_p")));
}

/// Parent and child as in [`family`], their key checked when a transaction commits.
fn deferred_family(on_delete: &str) -> Arc<Store> {
    let store = family(on_delete, "noAction");
    let mut schema = store.current().unwrap().catalog.definition();
    for foreign in schema.collections.iter_mut().flat_map(|def| &mut def.foreign) {
        foreign.deferred = true;
    }
    let mut tx = store.begin(Begin::default()).unwrap();
    assert_eq!(tx.apply_schema(&schema, DiffOptions::default()).unwrap().len(), 2);
    tx.commit().unwrap();
    store
}

#[test]
fn a_deferred_key_is_checked_when_the_transaction_commits() {
    for isolation in [Isolation::Snapshot, Isolation::ReadCommitted] {
        let store = deferred_family("noAction");
        let begin = || store.begin(Begin { isolation, ..Begin::default() }).unwrap();
        let mut tx = begin();
        tx.statement(|w| insert(w, "child", json!({"id": 5, "parent_id": 7}))).unwrap();
        tx.statement(|w| delete(w, "parent", 2)).unwrap();
        // Others commit: what was done is done again on their version.
        write(&store, |w| insert(w, "parent", json!({"id": 8}))).unwrap();
        tx.statement(|w| insert(w, "parent", json!({"id": 7}))).unwrap();
        tx.statement(|w| update(w, "child", 2, json!({"parent_id": 8}))).unwrap();
        tx.commit().unwrap();

        let mut tx = begin();
        tx.statement(|w| insert(w, "child", json!({"id": 6, "parent_id": 70}))).unwrap();
        let error = tx.commit().unwrap_err();
        assert_eq!((error.code, error.constraint.as_deref()), (ErrorCode::ForeignKey, Some("child_parent")));

        let mut tx = begin();
        tx.statement(|w| delete(w, "parent", 1)).unwrap();
        assert_eq!(tx.commit().unwrap_err().code, ErrorCode::ForeignKey);

        let mut tx = begin();
        let savepoint = tx.savepoint().unwrap();
        tx.statement(|w| delete(w, "parent", 1)).unwrap();
        tx.rollback_to(savepoint).unwrap();
        tx.commit().unwrap();
    }
}

#[test]
fn a_deferred_key_has_its_rules_followed_at_once() {
    let store = deferred_family("cascade");
    let mut tx = store.begin(Begin::default()).unwrap();
    tx.statement(|w| delete(w, "parent", 1)).unwrap();
    assert_eq!(rows(tx.root().unwrap(), "child").as_array().unwrap().len(), 2);
    let restricting = deferred_family("restrict");
    let mut tx = restricting.begin(Begin::default()).unwrap();
    assert_eq!(code(tx.statement(|w| delete(w, "parent", 1))), ErrorCode::ForeignKey);
}

#[test]
fn nothing_points_at_a_null() {
    for deferred in [false, true] {
        let field = |name: &str| json!({"name": name, "type": "text", "nullable": true});
        let id = json!({"name": "id", "type": "int"});
        let store = open(json!({"collections": [
            {
                "name": "target", "fields": [id, field("code")], "primary": ["id"],
                "indexes": [{"name": "code", "paths": [{"field": "code"}], "unique": true}]
            },
            {
                "name": "pointer", "fields": [id, field("at")], "primary": ["id"],
                "foreign": [{
                    "name": "pointer_at", "fields": ["at"], "target": "target", "targetFields": ["code"],
                    "deferred": deferred
                }]
            }
        ]}));
        write(&store, |w| {
            insert(w, "target", json!({"id": 1}))?;
            insert(w, "target", json!({"id": 2}))?;
            insert(w, "pointer", json!({"id": 1}))
        })
        .unwrap();
        write(&store, |w| update(w, "target", 1, json!({"code": "taken"}))).unwrap();
        assert!(write(&store, |w| delete(w, "target", 2)).unwrap(), "deferred: {deferred}");
    }
}
