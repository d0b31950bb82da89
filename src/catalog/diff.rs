//! What leads from one definition of a database to another.

use std::fmt;

use serde::Deserialize;

use super::def::{CollectionDef, DefaultDef, FieldDef, ForeignDef, IndexDef, Rule, SchemaDef};
use super::schema::Catalog;

/// What a change of schema may take away.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct DiffOptions {
    /// Whether collections that the target does not mention are dropped.
    pub drop_tables: bool,
    /// Whether collections and fields that the target does not mention stay.
    pub safe: bool,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self { drop_tables: true, safe: false }
    }
}

/// One step from a definition to another. `Display` gives a readable line.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are what the variants' sentences name")]
pub enum Change {
    /// A collection comes into being.
    CreateCollection { collection: CollectionDef },
    /// A collection goes, with its rows.
    DropCollection { collection: String },
    /// A field is added.
    AddField { collection: String, field: FieldDef },
    /// A field goes, with its values.
    DropField { collection: String, field: String },
    /// A field changes its type, nullability, default or counting.
    ChangeField { collection: String, from: FieldDef, to: FieldDef },
    /// The primary key becomes another.
    ChangePrimary { collection: String, from: Vec<String>, to: Vec<String> },
    /// An index is added.
    AddIndex { collection: String, index: IndexDef },
    /// An index goes.
    DropIndex { collection: String, index: String },
    /// A foreign key is added.
    AddForeign { collection: String, foreign: ForeignDef },
    /// A foreign key goes.
    DropForeign { collection: String, foreign: String },
}

/// The changes that lead from a catalog to a target, in an order in which they can be made.
pub fn diff(current: &Catalog, target: &SchemaDef, options: DiffOptions) -> Vec<Change> {
    let from = current.definition();
    compare(&from, &merge(&from, target, options))
}

/// What a database looks like after a change to the target: fields keep their
/// order and new ones follow, and what the options protect stays.
pub fn merge(current: &SchemaDef, target: &SchemaDef, options: DiffOptions) -> SchemaDef {
    let keep_collections = options.safe || !options.drop_tables;
    let mut collections = Vec::new();
    for old in &current.collections {
        match named(&target.collections, |def| &def.name, &old.name) {
            Some(new) => collections.push(merge_collection(old, new, options.safe)),
            None if keep_collections => collections.push(old.clone()),
            None => {}
        }
    }
    let is_new = |def: &&CollectionDef| named(&current.collections, |old| &old.name, &def.name).is_none();
    collections.extend(target.collections.iter().filter(is_new).cloned());
    SchemaDef { collections }
}

fn merge_collection(old: &CollectionDef, new: &CollectionDef, safe: bool) -> CollectionDef {
    let mut fields = Vec::with_capacity(new.fields.len());
    for field in &old.fields {
        match named(&new.fields, |def| &def.name, &field.name) {
            Some(changed) => fields.push(changed.clone()),
            None if safe => fields.push(field.clone()),
            None => {}
        }
    }
    // Not by name alone: a field that the target has twice must be found out by resolving.
    let mut kept: Vec<&str> = old.fields.iter().map(|field| field.name.as_str()).collect();
    for field in &new.fields {
        match kept.iter().position(|name| *name == field.name) {
            Some(at) => drop(kept.swap_remove(at)),
            None => fields.push(field.clone()),
        }
    }
    CollectionDef { fields, ..new.clone() }
}

fn compare(from: &SchemaDef, to: &SchemaDef) -> Vec<Change> {
    let mut dropped_keys = Vec::new();
    let mut changes = Vec::new();
    let mut added_keys = Vec::new();
    for old in &from.collections {
        let collection = old.name.clone();
        match named(&to.collections, |def| &def.name, &old.name) {
            None => changes.push(Change::DropCollection { collection }),
            Some(new) => {
                for key in missing(&old.foreign, &new.foreign) {
                    dropped_keys.push(Change::DropForeign {
                        collection: collection.clone(),
                        foreign: key.name.clone(),
                    });
                }
                compare_collection(old, new, &mut changes);
                for key in missing(&new.foreign, &old.foreign) {
                    added_keys
                        .push(Change::AddForeign { collection: collection.clone(), foreign: key.clone() });
                }
            }
        }
    }
    for new in &to.collections {
        if named(&from.collections, |def| &def.name, &new.name).is_none() {
            changes.push(Change::CreateCollection { collection: new.clone() });
        }
    }
    dropped_keys.into_iter().chain(changes).chain(added_keys).collect()
}

fn compare_collection(old: &CollectionDef, new: &CollectionDef, changes: &mut Vec<Change>) {
    let collection = || old.name.clone();
    for index in missing(&old.indexes, &new.indexes) {
        changes.push(Change::DropIndex { collection: collection(), index: index.name.clone() });
    }
    for field in &new.fields {
        match named(&old.fields, |def| &def.name, &field.name) {
            None => changes.push(Change::AddField { collection: collection(), field: field.clone() }),
            Some(before) if before != field => changes.push(Change::ChangeField {
                collection: collection(),
                from: before.clone(),
                to: field.clone(),
            }),
            Some(_) => {}
        }
    }
    for field in &old.fields {
        if named(&new.fields, |def| &def.name, &field.name).is_none() {
            changes.push(Change::DropField { collection: collection(), field: field.name.clone() });
        }
    }
    if old.primary != new.primary {
        changes.push(Change::ChangePrimary {
            collection: collection(),
            from: old.primary.clone(),
            to: new.primary.clone(),
        });
    }
    for index in missing(&new.indexes, &old.indexes) {
        changes.push(Change::AddIndex { collection: collection(), index: index.clone() });
    }
}

fn named<'a, T>(list: &'a [T], name: impl Fn(&T) -> &String, wanted: &str) -> Option<&'a T> {
    list.iter().find(|item| name(item) == wanted)
}

/// What one list has and the other does not, or not alike.
fn missing<'a, T: PartialEq>(list: &'a [T], other: &'a [T]) -> impl Iterator<Item = &'a T> {
    list.iter().filter(|item| !other.contains(item))
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateCollection { collection } => write_collection(f, collection),
            Self::DropCollection { collection } => write!(f, "drop collection {collection}"),
            Self::AddField { collection, field } => write!(f, "add field {collection}.{}", Shown(field)),
            Self::DropField { collection, field } => write!(f, "drop field {collection}.{field}"),
            Self::ChangeField { collection, from, to } => {
                write!(f, "change field {collection}.{} (was {})", Shown(to), Type(from))
            }
            Self::ChangePrimary { collection, from, to } => {
                write!(
                    f,
                    "change primary key of {collection} to ({}) (was ({}))",
                    to.join(", "),
                    from.join(", ")
                )
            }
            Self::AddIndex { collection, index } => write!(f, "add {} to {collection}", Shown(index)),
            Self::DropIndex { collection, index } => write!(f, "drop index {index} of {collection}"),
            Self::AddForeign { collection, foreign } => write!(f, "add {} to {collection}", Shown(foreign)),
            Self::DropForeign { collection, foreign } => {
                write!(f, "drop foreign key {foreign} of {collection}")
            }
        }
    }
}

fn write_collection(f: &mut fmt::Formatter<'_>, def: &CollectionDef) -> fmt::Result {
    writeln!(f, "create collection {} (", def.name)?;
    for field in &def.fields {
        writeln!(f, "  {},", Shown(field))?;
    }
    write!(f, "  primary key ({})", def.primary.join(", "))?;
    for index in &def.indexes {
        write!(f, ",\n  {}", Shown(index))?;
    }
    for foreign in &def.foreign {
        write!(f, ",\n  {}", Shown(foreign))?;
    }
    write!(f, "\n)")
}

/// A definition as a line of a description.
struct Shown<'a, T>(&'a T);

impl fmt::Display for Shown<'_, FieldDef> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.name, Type(self.0))
    }
}

/// A field but for its name.
struct Type<'a>(&'a FieldDef);

impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.as_str())?;
        f.write_str(if self.0.nullable { " null" } else { " not null" })?;
        match &self.0.default {
            Some(DefaultDef::Value(value)) => write!(f, " default {value}")?,
            Some(DefaultDef::Now(_)) => f.write_str(" default now")?,
            None => {}
        }
        f.write_str(if self.0.auto_increment { " auto increment" } else { "" })?;
        match &self.0.one_of {
            Some(choices) => write!(f, " one of ({})", choices.join(", ")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Shown<'_, IndexDef> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.unique { "unique index" } else { "index" };
        let paths: Vec<String> = self.0.paths.iter().map(ToString::to_string).collect();
        write!(f, "{kind} {} ({})", self.0.name, paths.join(", "))
    }
}

impl fmt::Display for Shown<'_, ForeignDef> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ForeignDef { name, fields, target, target_fields, on_delete, on_update, deferred } = self.0;
        let (fields, target_fields) = (fields.join(", "), target_fields.join(", "));
        write!(f, "foreign key {name} ({fields}) references {target} ({target_fields})")?;
        for (event, rule) in [("delete", on_delete), ("update", on_update)] {
            if *rule != Rule::NoAction {
                write!(f, " on {event} {}", rule.as_str())?;
            }
        }
        f.write_str(if *deferred { " deferred" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn def(json: Json) -> SchemaDef {
        serde_json::from_value(json!({ "collections": json })).unwrap()
    }

    fn shown(from: Json, to: Json, options: DiffOptions) -> Vec<String> {
        let current = Catalog::resolve(&def(from), &Catalog::default()).unwrap();
        diff(&current, &def(to), options).iter().map(ToString::to_string).collect()
    }

    fn library() -> Json {
        json!([
            {
                "name": "author",
                "fields": [
                    {"name": "id", "type": "int", "autoIncrement": true},
                    {"name": "name", "type": "text", "default": {"value": "?"}},
                    {"name": "born", "type": "date", "nullable": true}
                ],
                "primary": ["id"],
                "indexes": [{"name": "author_name", "paths": [{"field": "name"}], "unique": true}]
            },
            {
                "name": "book",
                "fields": [{"name": "id", "type": "int"}, {"name": "author_id", "type": "int", "nullable": true}],
                "primary": ["id"],
                "foreign": [{
                    "name": "book_author", "fields": ["author_id"], "target": "author", "targetFields": ["id"],
                    "onDelete": "setNull", "onUpdate": "cascade"
                }]
            }
        ])
    }

    #[test]
    fn a_created_collection_reads_as_its_definition() {
        assert_eq!(
            shown(json!([]), library(), DiffOptions::default()).join("\n"),
            "create collection author (\n\
             \x20 id int not null auto increment,\n\
             \x20 name text not null default \"?\",\n\
             \x20 born date null,\n\
             \x20 primary key (id),\n\
             \x20 unique index author_name (name)\n\
             )\n\
             create collection book (\n\
             \x20 id int not null,\n\
             \x20 author_id int null,\n\
             \x20 primary key (id),\n\
             \x20 foreign key book_author (author_id) references author (id) on delete set null on update cascade\n\
             )"
        );
    }

    #[test]
    fn every_change_has_a_line() {
        let mut target = library();
        let author = &mut target[0];
        author["fields"][1] = json!({"name": "name", "type": "text", "nullable": true});
        author["fields"][2] = json!({"name": "age", "type": "int", "nullable": true});
        author["primary"] = json!(["id", "born"]);
        author["fields"].as_array_mut().unwrap().push(json!({"name": "born", "type": "text"}));
        author["indexes"] = json!([{"name": "a", "paths": [{"field": "age"}]}]);
        target.as_array_mut().unwrap().truncate(1);
        assert_eq!(
            shown(library(), target.clone(), DiffOptions::default()),
            [
                "drop index author_name of author",
                "change field author.name text null (was text not null default \"?\")",
                "change field author.born text not null (was date null)",
                "add field author.age int null",
                "change primary key of author to (id, born) (was (id))",
                "add index a (age) to author",
                "drop collection book",
            ]
        );
        target[0]["fields"].as_array_mut().unwrap().remove(2);
        target[0]["indexes"] = json!([]);
        let safe = DiffOptions { safe: true, drop_tables: true };
        assert!(!shown(library(), target, safe).iter().any(|line| line.contains("drop collection")));
    }

    #[test]
    fn the_same_is_no_change_in_any_order() {
        let mut target = library();
        target.as_array_mut().unwrap().reverse();
        target[1]["fields"].as_array_mut().unwrap().reverse();
        assert_eq!(shown(library(), target, DiffOptions::default()), Vec::<String>::new());
    }

    #[test]
    fn a_changed_foreign_key_is_dropped_and_added() {
        let mut target = library();
        target[1]["foreign"][0]["onDelete"] = json!("cascade");
        assert_eq!(
            shown(library(), target, DiffOptions::default()),
            [
                "drop foreign key book_author of book",
                "add foreign key book_author (author_id) references author (id) on delete cascade on update cascade to book",
            ]
        );
    }
}
