//! Members of arrays as rows of a single json field, so that conditions on
//! members are conditions on rows.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::def::{CollectionDef, FieldDef, FieldType};
use super::schema::{CollectionId, FIRST_FIELD, Field, Schema};
use crate::value::{Row, ValueRef};

/// The name of the field that a member is.
pub const MEMBER: &str = "$member";

/// The schema of members. Its collection is in no database.
pub fn member_schema() -> &'static Arc<Schema> {
    static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
        let field = FieldDef {
            name: MEMBER.to_owned(),
            kind: FieldType::Json,
            nullable: true,
            default: None,
            auto_increment: false,
            one_of: None,
        };
        Arc::new(Schema {
            id: CollectionId(u32::MAX),
            def: CollectionDef {
                name: "members of an array".to_owned(),
                fields: vec![field.clone()],
                primary: Vec::new(),
                indexes: Vec::new(),
                foreign: Vec::new(),
            },
            fields: vec![Field { def: field, position: FIRST_FIELD, default: None }],
            primary: Vec::new(),
            indexes: Vec::new(),
            foreign: Vec::new(),
            incoming: Vec::new(),
            auto_increment: None,
            positions: HashMap::from([(MEMBER.to_owned(), FIRST_FIELD)]),
        })
    });
    &SCHEMA
}

/// A member as a row.
pub fn member_row(member: ValueRef<'_>) -> Row {
    let mut values = [ValueRef::Null; FIRST_FIELD + 1];
    values[FIRST_FIELD] = member;
    Row::from_values(&values)
}
