//! From a definition to a catalog: every name checked and turned into a position.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::def::{CollectionDef, FieldType, ForeignDef, IndexDef, SchemaDef};
use super::default::DefaultValue;
use super::schema::{
    Access, Catalog, CollectionId, Component, FIRST_FIELD, Field, ForeignKey, Incoming, IndexOrigin,
    IndexSpec, Schema,
};
use super::suggest::unknown;
use crate::error::{Error, ErrorCode, Result};

impl Catalog {
    /// Checks a definition and resolves it. Collections that `current` has too
    /// keep their number there, and share their schema with it where nothing changed.
    ///
    /// # Errors
    /// `FieldDuplicate` for a field named twice, `FieldNotFound` and
    /// `CollectionNotFound` for names that do not exist, `InvalidSchema` for
    /// whatever else contradicts itself.
    pub fn resolve(def: &SchemaDef, current: &Catalog) -> Result<Catalog> {
        let ids = number(def, current)?;
        let capacity = ids.iter().map(|id| id.index() + 1).max().unwrap_or(0);
        let mut drafts: Vec<Option<Schema>> = vec![None; capacity];
        let mut by_name = HashMap::with_capacity(ids.len());
        for (collection, id) in def.collections.iter().zip(&ids) {
            let draft =
                resolve_collection(collection, *id).map_err(|error| error.of_collection(&collection.name))?;
            by_name.insert(collection.name.clone(), *id);
            if let Some(slot) = drafts.get_mut(id.index()) {
                *slot = Some(draft);
            }
        }
        for id in &ids {
            resolve_foreign(&mut drafts, &by_name, *id)?;
        }
        let schemas = drafts.into_iter().map(|draft| draft.map(|schema| share(schema, current))).collect();
        let defers = def.collections.iter().any(|def| def.foreign.iter().any(|foreign| foreign.deferred));
        Ok(Catalog { schemas, by_name, defers })
    }
}

impl Catalog {
    /// Resolves definitions whose collections have their numbers already, as
    /// another catalog had given them; what did not change is shared with `current`.
    ///
    /// # Errors
    /// Those of [`Catalog::resolve`]; `InvalidSchema` for numbers that are too
    /// great or are given twice.
    pub fn numbered(collections: Vec<(CollectionId, CollectionDef)>, current: &Catalog) -> Result<Catalog> {
        let mut numbers = HashSet::new();
        if let Some((id, _)) = collections.iter().find(|(id, _)| id.0 > MOST || !numbers.insert(id.0)) {
            return Err(invalid(format!("no collection can have number {}", id.0)));
        }
        let by_name = collections.iter().map(|(id, def)| (def.name.clone(), *id)).collect();
        let def = SchemaDef { collections: collections.into_iter().map(|(_, def)| def).collect() };
        let current = Self { schemas: current.schemas.clone(), by_name, defers: current.defers };
        Self::resolve(&def, &current)
    }
}

/// No collection has a greater number: those of dropped ones are used again.
const MOST: u32 = 1 << 20;

/// An equal schema of the current catalog, so that what did not change is the same by pointer.
fn share(schema: Schema, current: &Catalog) -> Arc<Schema> {
    match current.schema(schema.id) {
        Some(same) if **same == schema => Arc::clone(same),
        _ => Arc::new(schema),
    }
}

/// Collections that exist keep their number; new ones take the lowest that are free.
fn number(def: &SchemaDef, current: &Catalog) -> Result<Vec<CollectionId>> {
    let mut names = HashSet::new();
    for collection in &def.collections {
        let name = collection.name.as_str();
        if name.is_empty() {
            return Err(invalid("a collection has no name".to_owned()));
        }
        if !names.insert(name) {
            return Err(invalid(format!("collection \"{name}\" is defined twice")).of_collection(name));
        }
    }
    let mut taken: HashSet<u32> =
        names.iter().filter_map(|name| current.by_name.get(*name)).map(|id| id.0).collect();
    let mut next = 0;
    let mut free = || {
        while !taken.insert(next) {
            next += 1;
        }
        CollectionId(next)
    };
    Ok(def
        .collections
        .iter()
        .map(|collection| current.by_name.get(&collection.name).copied().unwrap_or_else(&mut free))
        .collect())
}

/// Everything that concerns the collection alone.
fn resolve_collection(def: &CollectionDef, id: CollectionId) -> Result<Schema> {
    let mut schema = Schema {
        id,
        def: def.clone(),
        fields: Vec::with_capacity(def.fields.len()),
        primary: Vec::new(),
        indexes: Vec::new(),
        foreign: Vec::new(),
        incoming: Vec::new(),
        auto_increment: None,
        positions: HashMap::with_capacity(def.fields.len()),
    };
    for field in &def.fields {
        let position = FIRST_FIELD + schema.fields.len();
        let of = |error: Error| error.of_fields([field.name.as_str()]);
        if field.name.is_empty() || field.name.starts_with('$') {
            let message = format!(
                "field \"{}\" of collection \"{}\" needs a name that does not begin with \"$\"",
                field.name, def.name
            );
            return Err(of(invalid(message)));
        }
        if schema.positions.insert(field.name.clone(), position).is_some() {
            let message = format!("field \"{}\" of collection \"{}\" is defined twice", field.name, def.name);
            return Err(of(Error::new(ErrorCode::FieldDuplicate, message)));
        }
        if field.auto_increment {
            check_auto_increment(&mut schema, field.kind, position).map_err(of)?;
        }
        let default = DefaultValue::resolve(field)?;
        schema.fields.push(Field { def: field.clone(), position, default });
    }
    schema.primary = positions(&schema, &def.primary, "the primary key")?;
    if schema.primary.is_empty() {
        return Err(invalid(format!("collection \"{}\" needs a primary key", def.name)));
    }
    for position in &schema.primary {
        if let Some(field) = schema.field(*position).filter(|field| field.def.nullable) {
            let message = format!(
                "field \"{}\" of the primary key of \"{}\" must not be nullable",
                field.def.name, def.name
            );
            return Err(invalid(message).of_fields([field.def.name.as_str()]));
        }
    }
    let mut names = HashSet::new();
    for index in &def.indexes {
        if index.name.is_empty() || !names.insert(index.name.as_str()) {
            let message =
                format!("collection \"{}\" has two indexes of the name \"{}\"", def.name, index.name);
            return Err(invalid(message).of_constraint(&index.name));
        }
        let spec = resolve_index(&schema, index).map_err(|error| error.of_constraint(&index.name))?;
        schema.indexes.push(Arc::new(spec));
    }
    Ok(schema)
}

fn check_auto_increment(schema: &mut Schema, kind: FieldType, position: usize) -> Result<()> {
    let collection = schema.name().to_owned();
    if !matches!(kind, FieldType::Int | FieldType::BigInt) {
        let message = format!(
            "an auto-increment field of collection \"{collection}\" must be of type int or bigint, not {}",
            kind.as_str()
        );
        return Err(invalid(message));
    }
    if schema.auto_increment.replace(position).is_some() {
        return Err(invalid(format!("collection \"{collection}\" has two auto-increment fields")));
    }
    Ok(())
}

fn resolve_index(schema: &Schema, def: &IndexDef) -> Result<IndexSpec> {
    if def.paths.is_empty() {
        let message = format!("index \"{}\" of collection \"{}\" has no fields", def.name, schema.name());
        return Err(invalid(message));
    }
    let components = def.paths.iter().map(|path| schema.component(path)).collect::<Result<Vec<_>>>()?;
    let mut seen = HashSet::new();
    for (component, path) in components.iter().zip(&def.paths) {
        if !seen.insert(component) {
            let message =
                format!("index \"{}\" of collection \"{}\" has \"{path}\" twice", def.name, schema.name());
            return Err(Error::new(ErrorCode::FieldDuplicate, message).of_fields([path.to_string()]));
        }
    }
    Ok(IndexSpec { name: def.name.clone(), components, unique: def.unique, origin: IndexOrigin::Declared })
}

/// The row positions of different fields of a collection.
fn positions(schema: &Schema, names: &[String], what: &str) -> Result<Vec<usize>> {
    let mut positions = Vec::with_capacity(names.len());
    for name in names {
        let position = schema.position(name)?;
        if position < FIRST_FIELD {
            let message = format!("\"{name}\" cannot be part of {what} of \"{}\"", schema.name());
            return Err(invalid(message).of_fields([name.as_str()]));
        }
        if positions.contains(&position) {
            let message = format!("{what} of \"{}\" has field \"{name}\" twice", schema.name());
            return Err(Error::new(ErrorCode::FieldDuplicate, message).of_fields([name.as_str()]));
        }
        positions.push(position);
    }
    Ok(positions)
}

/// The foreign keys of one collection, and their mirror images in the targets.
fn resolve_foreign(
    drafts: &mut [Option<Schema>],
    by_name: &HashMap<String, CollectionId>,
    id: CollectionId,
) -> Result<()> {
    let Some(mut schema) = drafts.get(id.index()).cloned().flatten() else { return Ok(()) };
    let defs = schema.def.foreign.clone();
    let mut names = HashSet::new();
    for def in &defs {
        let of = |error: Error| error.of_collection(&schema.def.name).of_constraint(&def.name);
        if def.name.is_empty() || !names.insert(def.name.as_str()) {
            let message = format!("collection \"{}\" has two foreign keys \"{}\"", schema.name(), def.name);
            return Err(of(invalid(message)));
        }
        let target = by_name.get(&def.target).and_then(|id| drafts.get(id.index())?.as_ref());
        let target = target.ok_or_else(|| {
            let existing = by_name.keys().map(String::as_str);
            let of_key = format!(" as target of foreign key \"{}\" of \"{}\"", def.name, schema.name());
            let message = unknown("collection", &def.target, &of_key, existing);
            Error::new(ErrorCode::CollectionNotFound, message)
                .of_collection(&def.target)
                .of_constraint(&def.name)
        })?;
        let mut key = match_fields(&schema, target, def).map_err(of)?;
        key.access = referencing(&mut schema, &key);
        let incoming = Incoming { collection: id, foreign: schema.foreign.len() };
        schema.foreign.push(key);
        let target = target.id;
        // A collection that points at itself is the copy, put back below.
        let target = if target == id {
            Some(&mut schema)
        } else {
            drafts.get_mut(target.index()).and_then(Option::as_mut)
        };
        if let Some(target) = target {
            target.incoming.push(incoming);
        }
    }
    if let Some(slot) = drafts.get_mut(id.index()) {
        *slot = Some(schema);
    }
    Ok(())
}

/// Pairs the fields of a foreign key with those of the target's key, in that key's order.
fn match_fields(schema: &Schema, target: &Schema, def: &ForeignDef) -> Result<ForeignKey> {
    let what = format!("foreign key \"{}\"", def.name);
    let fields = positions(schema, &def.fields, &what)?;
    let target_fields = positions(target, &def.target_fields, &what)?;
    if fields.is_empty() || fields.len() != target_fields.len() {
        let message = format!(
            "{what} of \"{}\" has {} fields and points at {} fields of \"{}\"",
            schema.name(),
            fields.len(),
            target_fields.len(),
            target.name()
        );
        return Err(invalid(message).of_fields(def.fields.iter().map(String::as_str)));
    }
    for (from, to) in fields.iter().zip(&target_fields) {
        let (Some(from), Some(to)) = (schema.field(*from), target.field(*to)) else { continue };
        if !from.def.kind.fits(to.def.kind) {
            let message = format!(
                "{what} of \"{}\": field \"{}\" of type {} cannot point at \"{}.{}\" of type {}",
                schema.name(),
                from.def.name,
                from.def.kind.as_str(),
                target.name(),
                to.def.name,
                to.def.kind.as_str()
            );
            return Err(invalid(message).of_fields([from.def.name.as_str()]));
        }
    }
    let (target_access, order) = target_key(target, &target_fields).ok_or_else(|| {
        let message = format!(
            "{what} of \"{}\" points at ({}) of \"{}\", which is neither its primary key nor a unique index",
            schema.name(),
            def.target_fields.join(", "),
            target.name()
        );
        invalid(message).of_fields(def.fields.iter().map(String::as_str))
    })?;
    let sorted = |list: &[usize]| order.iter().filter_map(|at| list.get(*at).copied()).collect();
    Ok(ForeignKey {
        name: def.name.clone(),
        fields: sorted(&fields),
        access: Access::Primary,
        target: target.id,
        target_fields: sorted(&target_fields),
        target_access,
        on_delete: def.on_delete,
        on_update: def.on_update,
        deferred: def.deferred,
    })
}

/// The key of the target that consists of these fields, and at which place in
/// them each of its components is.
fn target_key(target: &Schema, fields: &[usize]) -> Option<(Access, Vec<usize>)> {
    let places = |key: &[usize]| -> Option<Vec<usize>> {
        if key.len() != fields.len() {
            return None;
        }
        key.iter().map(|position| fields.iter().position(|field| field == position)).collect()
    };
    if let Some(order) = places(&target.primary) {
        return Some((Access::Primary, order));
    }
    target.indexes.iter().enumerate().filter(|(_, spec)| spec.unique).find_map(|(number, spec)| {
        let plain = spec.components.iter().all(|component| component.json.is_empty());
        let key: Vec<usize> = spec.components.iter().map(|component| component.position).collect();
        places(&key).filter(|_| plain).map(|order| (Access::Index(number), order))
    })
}

/// Where the rows that point are found; where nothing serves, in an index made for it.
fn referencing(schema: &mut Schema, key: &ForeignKey) -> Access {
    if schema.primary.starts_with(&key.fields) {
        return Access::Primary;
    }
    if let Some(number) = schema.indexes.iter().position(|spec| spec.begins_with(&key.fields)) {
        return Access::Index(number);
    }
    schema.indexes.push(Arc::new(IndexSpec {
        name: key.name.clone(),
        components: key.fields.iter().copied().map(Component::field).collect(),
        unique: false,
        origin: IndexOrigin::Foreign,
    }));
    Access::Index(schema.indexes.len() - 1)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidSchema, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn resolve(collections: Json) -> Result<Catalog> {
        let def: SchemaDef = serde_json::from_value(json!({ "collections": collections })).unwrap();
        Catalog::resolve(&def, &Catalog::default())
    }

    fn field(name: &str, kind: &str) -> Json {
        json!({"name": name, "type": kind})
    }

    /// A collection with a key and one more field, and whatever else is given.
    fn with(rest: Json) -> Json {
        let mut def =
            json!({"name": "t", "fields": [field("id", "int"), field("a", "text")], "primary": ["id"]});
        for (key, value) in rest.as_object().unwrap() {
            def[key] = value.clone();
        }
        json!([def])
    }

    fn pointing(foreign: Json) -> Json {
        let target = json!({
            "name": "target", "primary": ["x", "y"],
            "fields": [field("x", "int"), field("y", "text"), field("z", "bigint")],
            "indexes": [{"name": "z", "paths": [{"field": "z"}], "unique": true}]
        });
        let mut defs = with(json!({"foreign": [foreign]}));
        defs.as_array_mut().unwrap().push(target);
        defs
    }

    #[track_caller]
    fn refused(collections: Json, code: ErrorCode, message: &str) {
        let error = resolve(collections).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }

    #[test]
    fn names_become_positions() {
        let catalog = resolve(with(json!({"indexes": [{"name": "i", "paths": [{"field": "a"}]}]}))).unwrap();
        let schema = catalog.get("t").unwrap();
        assert_eq!((schema.position("$inserted").unwrap(), schema.position("$updated").unwrap()), (0, 1));
        assert_eq!((schema.position("id").unwrap(), schema.position("a").unwrap()), (2, 3));
        assert_eq!(schema.primary, [2]);
        assert!(schema.indexes[0].is_over(&[3]));
        assert_eq!(schema.width(), 4);
        let error = schema.position("aa").unwrap_err();
        assert_eq!(error.message, "unknown field \"aa\" of collection \"t\"; did you mean \"a\"?");
        let error = catalog.get("x").unwrap_err();
        assert_eq!(error.code, ErrorCode::CollectionNotFound);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        use ErrorCode::{FieldDuplicate, FieldNotFound, InvalidSchema};
        let two = |one: Json| [one[0].clone(), one[0].clone()].into_iter().collect();
        refused(two(with(json!({}))), InvalidSchema, "collection \"t\" is defined twice");
        refused(with(json!({"name": ""})), InvalidSchema, "a collection has no name");
        refused(
            with(json!({"fields": [field("id", "int"), field("id", "int")]})),
            FieldDuplicate,
            "field \"id\" of collection \"t\" is defined twice",
        );
        refused(
            with(json!({"fields": [field("$id", "int")]})),
            InvalidSchema,
            "field \"$id\" of collection \"t\" needs a name that does not begin with \"$\"",
        );
        refused(with(json!({"primary": []})), InvalidSchema, "collection \"t\" needs a primary key");
        refused(
            with(json!({"primary": ["nr"]})),
            FieldNotFound,
            "unknown field \"nr\" of collection \"t\"; there are: id, a",
        );
        refused(
            with(json!({"primary": ["id", "id"]})),
            FieldDuplicate,
            "the primary key of \"t\" has field \"id\" twice",
        );
        refused(
            with(json!({"fields": [{"name": "id", "type": "int", "nullable": true}]})),
            InvalidSchema,
            "field \"id\" of the primary key of \"t\" must not be nullable",
        );
        refused(
            with(json!({"indexes": [{"name": "i", "paths": [{"field": "b"}]}]})),
            FieldNotFound,
            "unknown field \"b\" of collection \"t\"; there are: id, a",
        );
        refused(
            with(json!({"indexes": [{"name": "i", "paths": []}]})),
            InvalidSchema,
            "index \"i\" of collection \"t\" has no fields",
        );
        refused(
            with(json!({"indexes": [{"name": "i", "paths": [{"field": "a"}, {"field": "a"}]}]})),
            FieldDuplicate,
            "index \"i\" of collection \"t\" has \"a\" twice",
        );
        refused(
            with(json!({"indexes": [{"name": "i", "paths": [{"field": "a", "json": ["b"]}]}]})),
            ErrorCode::TypeMismatch,
            "\"a.b\" leads into field \"a\" of collection \"t\", which is not of type json",
        );
        let index = json!({"name": "i", "paths": [{"field": "a"}]});
        refused(
            with(json!({"indexes": [index, index]})),
            InvalidSchema,
            "collection \"t\" has two indexes of the name \"i\"",
        );
    }

    #[test]
    fn defaults_and_counters_fit_their_field() {
        let one = |extra: Json| {
            let mut id = field("id", "text");
            for (key, value) in extra.as_object().unwrap() {
                id[key] = value.clone();
            }
            with(json!({"fields": [id]}))
        };
        resolve(one(json!({"default": {"now": true}}))).unwrap();
        let invalid = |extra: Json, message: &str| refused(one(extra), ErrorCode::InvalidSchema, message);
        invalid(
            json!({"type": "int", "default": {"value": "x"}}),
            "the default of field \"id\" does not fit: text \"x\" cannot be stored in field \"id\" of type int",
        );
        invalid(
            json!({"type": "bool", "default": {"now": true}}),
            "the default of field \"id\" is the time, which type bool cannot hold",
        );
        invalid(
            json!({"default": {"now": false}}),
            "the default of field \"id\" must be {\"now\": true} or {\"value\": …}",
        );
        invalid(
            json!({"autoIncrement": true}),
            "an auto-increment field of collection \"t\" must be of type int or bigint, not text",
        );
        let counting = json!({"name": "id", "type": "int", "autoIncrement": true});
        let second = json!({"name": "no", "type": "int", "autoIncrement": true});
        refused(
            with(json!({"fields": [counting, second]})),
            ErrorCode::InvalidSchema,
            "collection \"t\" has two auto-increment fields",
        );
    }

    #[test]
    fn foreign_keys_point_at_keys() {
        let key = |fields: &[&str], target: &str, target_fields: &[&str]| {
            pointing(json!({"name": "f", "fields": fields, "target": target, "targetFields": target_fields}))
        };
        refused(
            key(&["id"], "targte", &["x"]),
            ErrorCode::CollectionNotFound,
            "unknown collection \"targte\" as target of foreign key \"f\" of \"t\"; did you mean \"target\"?",
        );
        refused(
            key(&["id"], "target", &["x", "y"]),
            ErrorCode::InvalidSchema,
            "foreign key \"f\" of \"t\" has 1 fields and points at 2 fields of \"target\"",
        );
        refused(
            key(&["id", "a"], "target", &["y", "x"]),
            ErrorCode::InvalidSchema,
            "foreign key \"f\" of \"t\": field \"id\" of type int cannot point at \"target.y\" of type text",
        );
        refused(
            key(&["id"], "target", &["x"]),
            ErrorCode::InvalidSchema,
            "foreign key \"f\" of \"t\" points at (x) of \"target\", which is neither its primary key nor a unique index",
        );
        refused(
            key(&["b"], "target", &["z"]),
            ErrorCode::FieldNotFound,
            "unknown field \"b\" of collection \"t\"; there are: id, a",
        );
        let catalog = resolve(key(&["a", "id"], "target", &["y", "x"])).unwrap();
        let schema = catalog.get("t").unwrap();
        let foreign = &schema.foreign[0];
        assert_eq!((foreign.fields.as_slice(), foreign.target_fields.as_slice()), (&[2, 3][..], &[2, 3][..]));
        assert_eq!(foreign.target_access, Access::Primary);
        assert_eq!(foreign.access, Access::Index(0), "an index was made for it");
        assert_eq!(schema.indexes[0].origin, IndexOrigin::Foreign);
        assert_eq!(catalog.get("target").unwrap().incoming, [Incoming { collection: schema.id, foreign: 0 }]);
        let catalog = resolve(key(&["id"], "target", &["z"])).unwrap();
        let foreign = &catalog.get("t").unwrap().foreign[0];
        assert_eq!((foreign.target_access, foreign.access), (Access::Index(0), Access::Primary));
    }

    #[test]
    fn what_did_not_change_stays_the_same() {
        let def = |collections: Json| -> SchemaDef {
            serde_json::from_value(json!({"collections": collections})).unwrap()
        };
        let two = |name: &str| {
            let mut defs = with(json!({}));
            let mut other = defs[0].clone();
            other["name"] = json!(name);
            defs.as_array_mut().unwrap().insert(0, other);
            def(defs)
        };
        let before = Catalog::resolve(&two("a"), &Catalog::default()).unwrap();
        let after = Catalog::resolve(&two("b"), &before).unwrap();
        assert!(Arc::ptr_eq(before.get("t").unwrap(), after.get("t").unwrap()));
        assert_eq!(after.get("b").unwrap().id, CollectionId(0), "a free number is used again");
    }
}
