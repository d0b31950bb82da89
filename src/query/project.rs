//! Rows out: fields in the form asked for, nested rows found through joins.

use super::execution::Execution;
use super::plan::Wire;
use super::shape::{NestedShape, Output, OutputField, SelectShape, Step};
use super::sink::Sink;
use super::sort::Sorter;
use crate::error::Result;
use crate::value::{Decimal, Row, ValueRef};

impl Execution {
    /// Hands out a row; `place` is its place among the rows of the parameters.
    pub fn project<S: Sink + ?Sized>(
        &self,
        select: &SelectShape,
        row: &Row,
        place: usize,
        sink: &mut S,
    ) -> Result<()> {
        project_fields(&select.fields, row, place, sink);
        for nested in &select.nested {
            let mut rows = self.nested(nested, row)?;
            if nested.many {
                sink.many(rows.len());
            } else {
                rows.truncate(1);
                sink.one(!rows.is_empty());
            }
            for row in &rows {
                self.project(&nested.select, row, 0, sink)?;
            }
        }
        Ok(())
    }

    fn nested(&self, nested: &NestedShape, row: &Row) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        if nested.order.keys.is_empty() {
            self.descend(&nested.steps, row, &mut |row| {
                rows.push(row.clone());
                // Of a single row the first will do.
                Ok(nested.many)
            })?;
            return Ok(rows);
        }
        let Some(last) = nested.steps.last() else { return Ok(rows) };
        let schema = &self.root.collection(last.join.target)?.schema;
        let mut sorter = Sorter::new(&nested.order, if nested.many { usize::MAX } else { 1 });
        self.descend(&nested.steps, row, &mut |row| {
            sorter.push(self, schema, row)?;
            Ok(true)
        })?;
        Ok(sorter.finish())
    }

    fn descend(
        &self,
        steps: &[Step],
        row: &Row,
        visit: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<bool> {
        let Some((step, rest)) = steps.split_first() else { return visit(row) };
        self.follow_in_order(&step.join, row, &mut |row| {
            if self.holds(&step.filter, row)? { self.descend(rest, row, visit) } else { Ok(true) }
        })
    }
}

/// Hands out fields.
pub(super) fn project_fields<S: Sink + ?Sized>(fields: &[Output], row: &Row, place: usize, sink: &mut S) {
    let row = row.view();
    for output in fields {
        match output.field {
            OutputField::Position(position) => {
                let stored = row.stored(position);
                if output.wire == Wire::Text
                    && let Some(text) = stored.text_bytes()
                {
                    sink.text_bytes(text);
                } else if output.wire == Wire::Number
                    && let Some(number) = stored.number()
                {
                    sink.number(number);
                } else {
                    hand_out(output.wire, stored.value(), sink);
                }
            }
            OutputField::Place => sink.number(place as f64),
        }
    }
}

fn hand_out<S: Sink + ?Sized>(wire: Wire, value: ValueRef<'_>, sink: &mut S) {
    match (wire, value) {
        (_, ValueRef::Null) => sink.null(wire),
        (Wire::Json, value) => sink.json(value),
        (Wire::Number | Wire::Date, ValueRef::Int(value) | ValueRef::Date(value)) => {
            sink.number(value as f64)
        }
        (Wire::Number, ValueRef::Float(value)) => sink.number(value),
        (Wire::Number, ValueRef::Bool(value)) => sink.number(f64::from(u8::from(value))),
        (Wire::Number, ValueRef::Decimal(text)) => {
            sink.number(Decimal::parse(text).map_or(f64::NAN, |decimal| decimal.to_f64()));
        }
        (Wire::Bigint, ValueRef::Int(value)) => sink.bigint(value),
        // A number beyond 64 bits has no exact form of that kind.
        (Wire::Bigint, ValueRef::Float(value)) => sink.bigint(value as i64),
        (Wire::Bool, ValueRef::Bool(value)) => sink.bool(value),
        (Wire::Text | Wire::Decimal, ValueRef::Text(text) | ValueRef::Decimal(text)) => sink.text(text),
        (Wire::Text | Wire::Decimal, ValueRef::Int(value)) => sink.text(&value.to_string()),
        (Wire::Text | Wire::Decimal, ValueRef::Float(value)) => sink.text(&value.to_string()),
        (Wire::Bytes, ValueRef::Bytes(bytes)) => sink.bytes(bytes),
        // The types of fields leave nothing else.
        _ => sink.null(wire),
    }
}
