//! Changes of the schema by chance, of every kind, while there are rows.

use serde_json::json;

use super::durable::World;
use super::*;
use crate::catalog::Rename;
use crate::log::tests::Random;

/// The library, with any part of it other than it was: fields added, dropped and of another type, indexes, constraints,
/// and what becomes of books without their author.
fn target(random: &mut Random) -> Json {
    let mut chance = || random.below(2) == 0;
    let mut target = library();
    let [author, book] = target["collections"].as_array_mut().unwrap().as_mut_slice() else { panic!() };
    let born = match (chance(), chance()) {
        (true, _) => json!({"name": "born", "type": "int", "nullable": true, "default": {"value": 1900}}),
        (_, true) => json!({"name": "born", "type": "text", "nullable": true, "default": {"value": "1900"}}),
        _ => json!({"name": "born", "type": "float", "nullable": true, "default": {"value": 1900.5}}),
    };
    let (fields, indexes) = (&mut author["fields"].take(), &mut author["indexes"].take());
    let (fields, indexes) = (fields.as_array_mut().unwrap(), indexes.as_array_mut().unwrap());
    fields[3] = born;
    if chance() {
        indexes.pop();
    }
    if chance() {
        fields.remove(2);
        indexes.remove(0);
    }
    if chance() {
        let extra = json!({"name": "extra", "type": "int", "nullable": chance(), "default": {"value": 7}});
        let at = if chance() { 1 } else { fields.len() };
        fields.insert(at, extra);
    }
    if chance() {
        let unique = chance() && chance();
        indexes.push(json!({"name": "author_name", "paths": [{"field": "name"}], "unique": unique}));
    }
    (author["fields"], author["indexes"]) = (json!(fields), json!(indexes));
    match (chance(), chance()) {
        (true, true) => book["foreign"] = json!([]),
        (true, false) => book["foreign"][0]["onDelete"] = "setNull".into(),
        _ => {}
    }
    if chance() && chance() {
        target["collections"].as_array_mut().unwrap().pop();
    }
    target
}

/// Brings back what steps need; false where nothing is missing.
pub fn repair(transaction: &mut Transaction) -> Result<bool> {
    let root = Arc::clone(transaction.root()?);
    if root.catalog.find("writer").is_some() {
        transaction.rename(Rename::Collection { from: "writer", to: "author" })?;
    } else if root.catalog.find("author").is_some_and(|author| author.position("label").is_ok()) {
        transaction.rename(Rename::Field { collection: "author", from: "label", to: "name" })?;
    } else if root.catalog.find("author").is_none() || root.catalog.find("book").is_none() {
        transaction.apply_schema(&def(library()), DiffOptions::default())?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Changes the schema in a transaction, or in two, the first of which is committed.
pub fn change(world: &mut World, mut transaction: Transaction, random: &mut Random) -> Result<Transaction> {
    let there = |transaction: &mut Transaction, name: &str| {
        transaction.root().is_ok_and(|root| root.catalog.find(name).is_some())
    };
    match random.below(8) {
        0 => {
            transaction.rename(Rename::Collection { from: "author", to: "writer" })?;
            transaction.statement(|w| insert(w, "writer", json!({"name": "while it was a writer"})))?;
        }
        1 => {
            transaction.rename(Rename::Field { collection: "author", from: "name", to: "label" })?;
            transaction.statement(|w| insert(w, "author", json!({"label": "while it was a label"})))?;
        }
        2 if there(&mut transaction, "note") && !there(&mut transaction, "memo") => {
            transaction.rename(Rename::Collection { from: "note", to: "memo" })?;
            return Ok(transaction);
        }
        2 | 3 => {
            let names = ["note", "memo", "book"].map(|name| (name, there(&mut transaction, name)));
            let names: Vec<_> = names.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
            transaction.drop_collections(&names)?;
            return Ok(transaction);
        }
        _ => {
            transaction.apply_schema(&def(target(random)), DiffOptions::default())?;
            if random.below(2) == 0 {
                transaction.statement(|w| insert(w, "author", json!({"name": "under another schema"})))?;
            }
            return Ok(transaction);
        }
    }
    transaction.commit()?;
    world.note();
    let mut transaction = begin(&world.store);
    repair(&mut transaction)?;
    Ok(transaction)
}
