//! Automatic indexes.

use serde_json::json;

use super::*;

fn filled() -> Arc<Store> {
    let store = open(library());
    write(&store, |w| {
        for name in ["a", "b", "a"] {
            insert(w, "author", json!({"name": name}))?;
        }
        Ok(())
    })
    .unwrap();
    store
}

#[test]
fn an_automatic_index_is_published_and_kept_up() {
    let store = filled();
    let root = store.current().unwrap();
    let author = id(&root, "author");
    let name = [component(&root, "author", "name")];
    assert_eq!(root.by_name("author").unwrap().note_scan(&name, 5), 5);
    assert_eq!(root.by_name("author").unwrap().note_scan(&name, 5), 10);
    let indexed = store.install_auto_index(&root, author, &name).unwrap();
    assert_eq!(indexed.by_name("author").unwrap().note_scan(&name, 5), 5, "scans are counted anew");
    assert_eq!(indexed.sequence, root.sequence, "no new version of the data");
    assert!(Arc::ptr_eq(&store.current().unwrap(), &indexed));
    assert!(Arc::ptr_eq(&store.install_auto_index(&indexed, author, &name).unwrap(), &indexed));
    let listed = indexed.auto_indexes();
    assert_eq!(
        (listed[0].collection.as_str(), listed[0].paths.as_slice(), listed[0].entries),
        ("author", &["name".to_owned()][..], 3)
    );
    write(&store, |w| update(w, "author", 2, json!({"name": "a"}))).unwrap();
    assert_eq!(entries(&store.current().unwrap(), "author", "auto(name)", "a"), 3);
    store.set_auto_index(false).unwrap();
    assert!(store.current().unwrap().auto_indexes().is_empty());
    let root = store.current().unwrap();
    assert!(Arc::ptr_eq(&store.install_auto_index(&root, author, &name).unwrap(), &root), "switched off");
    assert!(!store.auto_index());
}

#[test]
fn an_index_made_for_an_older_version_is_published_where_rows_are_the_same() {
    let store = filled();
    let old = store.current().unwrap();
    let (author, book) = (id(&old, "author"), id(&old, "book"));
    write(&store, |w| insert(w, "author", json!({"name": "c"}))).unwrap();
    let name = [component(&old, "author", "name")];
    let title = [component(&old, "book", "title")];
    let indexed = store.install_auto_index(&old, author, &name).unwrap();
    assert_eq!(indexed.auto_indexes().len(), 1);
    assert!(store.current().unwrap().auto_indexes().is_empty(), "the authors are others");
    store.install_auto_index(&old, book, &title).unwrap();
    assert_eq!(store.current().unwrap().auto_indexes().len(), 1, "the books are not");
    store.current().unwrap().check().unwrap();
}

#[test]
fn transactions_keep_what_was_made_meanwhile() {
    let store = filled();
    let mut transaction = begin(&store);
    transaction.statement(|w| insert(w, "author", json!({"name": "c"}))).unwrap();
    let root = store.current().unwrap();
    let (author, book) = (id(&root, "author"), id(&root, "book"));
    store.install_auto_index(&root, book, &[component(&root, "book", "title")]).unwrap();
    transaction.install_auto_index(author, &[component(&root, "author", "name")]).unwrap();
    assert_eq!(entries(transaction.root().unwrap(), "author", "auto(name)", "c"), 1);
    transaction.commit().unwrap();
    let root = store.current().unwrap();
    root.check().unwrap();
    assert_eq!(root.auto_indexes().len(), 2);
    let mut transaction = begin(&store);
    transaction.statement(|w| insert(w, "author", json!({"name": "d"}))).unwrap();
    store.set_auto_index(false).unwrap();
    transaction.commit().unwrap();
    assert!(store.current().unwrap().auto_indexes().is_empty(), "what was switched off does not come back");
}

#[test]
fn schema_changes_keep_automatic_indexes_where_rows_stay() {
    let store = filled();
    let root = store.current().unwrap();
    store.install_auto_index(&root, id(&root, "author"), &[component(&root, "author", "name")]).unwrap();
    let mut more = library();
    more["collections"][0]["fields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "x", "type": "int", "nullable": true}));
    apply(&store, more).unwrap();
    assert_eq!(store.current().unwrap().auto_indexes().len(), 1);
}
