//! Plans as text for people.

use std::fmt::Write;

use super::access::Access;
use super::execution::Execution;
use super::planner::{Choice, Need};
use super::read::{COUNT, find_need};
use super::shape::{Body, Matching, Shape};
use crate::error::Result;

impl Execution {
    /// How a statement would run.
    pub fn explain(&self, shape: &Shape) -> Result<String> {
        let mut text = String::new();
        match &shape.body {
            Body::Find(find) => {
                let (offset, limit) = self.page(find)?;
                let need = find_need(find, offset, limit);
                let choice = self.describe(&mut text, "find in", &find.rows, need)?;
                let order = match (&choice.direction, find.order.keys.is_empty()) {
                    (None, _) if need.rows.is_none() => "by sorting all rows",
                    (None, _) => "by sorting, keeping the first rows only",
                    (Some(_), true) => "that of the access path (primary key)",
                    (Some(direction), false) if direction.reverse => "that of the access path, backwards",
                    (Some(_), false) => "that of the access path",
                };
                line(&mut text, "order", order);
                if let Some(per) = &find.per {
                    let (offset, limit) =
                        (self.row_count(per.offset, 0)?, self.row_count(Some(per.limit), usize::MAX)?);
                    line(&mut text, "page of each group", &page(offset, limit));
                }
                if limit != usize::MAX || offset > 0 {
                    line(&mut text, "page", &page(offset, limit));
                }
            }
            Body::Count(matching) => {
                let choice = self.describe(&mut text, "count in", matching, COUNT)?;
                let how = if choice.is_exact() { "from the tree" } else { "by looking at the rows" };
                line(&mut text, "counted", how);
            }
            Body::CountBy(count) => {
                self.describe(&mut text, "count by groups in", &count.rows, Need::ALL)?;
            }
            Body::Update(update) => {
                self.describe(&mut text, "update in", &update.rows, Need::ALL)?;
            }
            Body::Delete(matching) => {
                self.describe(&mut text, "delete from", matching, Need::ALL)?;
            }
            Body::Insert(insert) => text = format!("insert into {}\n", insert.schema.name()),
            Body::UpdateMany(update) => {
                text = format!("update many in {}, each by primary key\n", update.schema.name());
            }
        }
        Ok(text)
    }

    fn describe(&self, text: &mut String, verb: &str, matching: &Matching, need: Need<'_>) -> Result<Choice> {
        let collection = self.root.collection(matching.schema.id)?;
        let choice = self.choose(collection, &matching.filter, need)?;
        let entries = choice.access.entries();
        let rows = match &choice.access {
            Access::Points(_) => format!("at most {entries}"),
            Access::Spans { .. } => entries.to_string(),
        };
        let left = choice.covered.iter().filter(|covered| !**covered).count();
        *text = format!("{verb} {}\n", matching.schema.name());
        line(text, "access", &choice.note);
        line(text, "rows", &format!("{rows} of {}", collection.rows.len()));
        line(text, "conditions checked on rows", &left.to_string());
        Ok(choice)
    }
}

fn page(offset: usize, limit: usize) -> String {
    let limit = if limit == usize::MAX { "none".to_owned() } else { limit.to_string() };
    format!("offset {offset}, limit {limit}")
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing into a String does not fail.
    let _ = writeln!(text, "  {name}: {value}");
}
