//! Results that are read piece by piece.

use std::sync::Arc;

use super::access::Position;
use super::execution::Execution;
use super::planner::Choice;
use super::project::project_fields;
use super::shape::{Body, FindShape, SelectShape, Shape};
use super::sink::Sink;
use crate::error::Result;
use crate::store::Collection;
use crate::value::{Row, Value};

/// The rows of a result. It keeps the version of the data that it was made of,
/// whatever is written in the meantime.
#[derive(Default)]
pub struct Cursor(Rows);

#[derive(Default)]
enum Rows {
    #[default]
    None,
    Find(Box<Find>),
    Written(Written),
    Documents(Documents),
}

/// The rows of a find.
struct Find {
    execution: Execution,
    shape: Arc<Shape>,
    source: Source,
    now: State,
}

/// How far a find has come.
#[derive(Clone, Copy)]
struct State {
    position: Position,
    /// Rows still to leave out.
    skip: usize,
    /// Rows still to hand out.
    left: usize,
    done: bool,
}

enum Source {
    /// Found while they are read.
    Walk { collection: Arc<Collection>, choice: Choice },
    /// Found and sorted.
    Sorted(Vec<Row>),
}

/// Rows written, with their places among those of the parameters; or a row of each group, with the size of the group.
struct Written {
    shape: Arc<Shape>,
    rows: Vec<(usize, Row)>,
    now: usize,
}

/// Documents, each a row of one field of wire `Json`.
struct Documents {
    documents: Vec<Value>,
    now: usize,
}

impl Cursor {
    /// A cursor over documents: rows of one field of wire `Json`.
    pub fn documents(documents: Vec<Value>) -> Self {
        Self(Rows::Documents(Documents { documents, now: 0 }))
    }

    /// A cursor without rows.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether there are certainly no more rows. Where rows are found while they
    /// are read, the last piece may turn out to be empty.
    pub fn is_done(&self) -> bool {
        match &self.0 {
            Rows::None => true,
            Rows::Find(find) => find.now.done,
            Rows::Written(written) => written.now == written.rows.len(),
            Rows::Documents(rows) => rows.now == rows.documents.len(),
        }
    }

    /// Hands out at most so many rows; gives their number, which may be none though
    /// more are to come: a piece also ends where the sink is full, or where many rows were looked at.
    ///
    /// # Errors
    /// `PatternTooComplex` when a pattern takes too long, `TooLong` as [`Plan::run_within`](super::Plan::run_within).
    /// The rows handed out before must not be used then.
    pub fn next_chunk<S: Sink + ?Sized>(&mut self, most: usize, sink: &mut S) -> Result<usize> {
        match &mut self.0 {
            Rows::None => Ok(0),
            Rows::Find(find) => find.next_chunk(most, sink),
            Rows::Written(written) => Ok(written.next_chunk(most, sink)),
            Rows::Documents(rows) => Ok(rows.next_chunk(most, sink)),
        }
    }

    /// What is read from now on may take its time.
    pub fn relax(&self) {
        if let Rows::Find(find) = &self.0 {
            find.execution.allowance.relax();
        }
    }

    /// The same rows, all found, but for those that are not accepted, at most so
    /// many; `None` if the rows are not those of a find.
    pub(super) fn kept(
        self,
        most: usize,
        accept: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<Option<Self>> {
        match self.0 {
            Rows::Find(mut find) => {
                let rows = find.keep(most, accept)?;
                let Find { execution, shape, .. } = *find;
                let most = rows.len();
                Ok(Some(Self::sorted(execution, shape, rows, 0, most)))
            }
            Rows::None | Rows::Written(_) | Rows::Documents(_) => Ok(None),
        }
    }

    /// Rows found while they are read.
    pub(super) fn walk(
        execution: Execution,
        shape: Arc<Shape>,
        collection: Arc<Collection>,
        choice: Choice,
        offset: usize,
        limit: usize,
    ) -> Self {
        let behind = choice.direction.filter(|_| choice.is_exact());
        let (position, skip) = behind
            .and_then(|direction| choice.access.skip(&collection, direction, offset))
            .map_or((Position::default(), offset), |position| (position, 0));
        let done = limit == 0 || choice.access.entries() == 0;
        let state = State { position, skip, left: limit, done };
        Self::find(execution, shape, Source::Walk { collection, choice }, state)
    }

    /// Rows in their order.
    pub(super) fn sorted(
        execution: Execution,
        shape: Arc<Shape>,
        rows: Vec<Row>,
        offset: usize,
        limit: usize,
    ) -> Self {
        let left = limit.min(rows.len().saturating_sub(offset));
        let state = State { position: Position::default(), skip: offset, left, done: left == 0 };
        Self::find(execution, shape, Source::Sorted(rows), state)
    }

    fn find(execution: Execution, shape: Arc<Shape>, source: Source, state: State) -> Self {
        Self(Rows::Find(Box::new(Find { execution, shape, source, now: state })))
    }

    /// Rows that were written.
    pub(super) fn written(shape: &Arc<Shape>, rows: Vec<(usize, Row)>) -> Self {
        if rows.is_empty() {
            return Self::empty();
        }
        Self(Rows::Written(Written { shape: Arc::clone(shape), rows, now: 0 }))
    }
}

impl Find {
    /// The rows from where the find has come to that are accepted, at most so many.
    fn keep(&mut self, most: usize, accept: &mut dyn FnMut(&Row) -> Result<bool>) -> Result<Vec<Row>> {
        let mut kept = Vec::new();
        let Body::Find(FindShape { rows: matching, .. }) = &self.shape.body else { return Ok(kept) };
        let State { position, skip, left, done } = &mut self.now;
        let mut left = most.min(*left);
        let mut keep = |row: &Row| {
            if accept(row)? {
                kept.push(row.clone());
                left -= 1;
            }
            Ok(left)
        };
        if *done || most == 0 {
            return Ok(kept);
        }
        match &self.source {
            Source::Sorted(rows) => {
                for row in rows.iter().skip(*skip) {
                    if keep(row)? == 0 {
                        break;
                    }
                }
            }
            Source::Walk { collection, choice } => {
                let direction = choice.direction.unwrap_or_default();
                let execution = &self.execution;
                choice.access.walk(collection, direction, position, &mut |row| {
                    execution.allowance.spend(1)?;
                    if !execution.holds_rest(&matching.filter, &choice.covered, row)? {
                        return Ok(usize::MAX);
                    }
                    if *skip > 0 {
                        *skip -= 1;
                        return Ok(usize::MAX);
                    }
                    keep(row)
                })?;
            }
        }
        Ok(kept)
    }

    fn next_chunk<S: Sink + ?Sized>(&mut self, most: usize, sink: &mut S) -> Result<usize> {
        let Body::Find(FindShape { rows: matching, select, .. }) = &self.shape.body else { return Ok(0) };
        let execution = &self.execution;
        let allowance = &execution.allowance;
        allowance.resume();
        let state = &mut self.now;
        let most = most.min(state.left);
        let mut given = 0;
        if state.done || most == 0 {
            return Ok(0);
        }
        match &self.source {
            Source::Sorted(rows) => {
                for row in rows.iter().skip(state.skip).take(most) {
                    execution.project(select, row, 0, sink)?;
                    given += 1;
                    if sink.is_full() || allowance.pauses() {
                        break;
                    }
                }
                state.skip += given;
                state.left -= given;
                state.done = state.left == 0;
            }
            Source::Walk { collection, choice } => {
                let direction = choice.direction.unwrap_or_default();
                let State { position, skip, .. } = state;
                let end = choice.access.walk(collection, direction, position, &mut |row| {
                    allowance.spend(1)?;
                    if execution.holds_rest(&matching.filter, &choice.covered, row)? {
                        if *skip > 0 {
                            *skip -= 1;
                        } else {
                            execution.project(select, row, 0, sink)?;
                            given += 1;
                        }
                    }
                    Ok(if sink.is_full() || allowance.pauses() { 0 } else { most - given })
                })?;
                state.left -= given;
                state.done = end || state.left == 0;
            }
        }
        Ok(given)
    }
}

impl Written {
    fn next_chunk<S: Sink + ?Sized>(&mut self, most: usize, sink: &mut S) -> usize {
        let before = self.now;
        let fields = returning(&self.shape).map_or(&[][..], |select| &select.fields);
        for (place, row) in self.rows.iter().skip(self.now).take(most) {
            project_fields(fields, row, *place, sink);
            self.now += 1;
            if sink.is_full() {
                break;
            }
        }
        self.now - before
    }
}

impl Documents {
    fn next_chunk<S: Sink + ?Sized>(&mut self, most: usize, sink: &mut S) -> usize {
        let before = self.now;
        for document in self.documents.iter().skip(self.now).take(most) {
            sink.json(document.as_ref());
            self.now += 1;
            if sink.is_full() {
                break;
            }
        }
        self.now - before
    }
}

/// What a write, or a count by groups, hands out.
pub(super) fn returning(shape: &Shape) -> Option<&SelectShape> {
    match &shape.body {
        Body::Insert(insert) => Some(&insert.returning),
        Body::CountBy(count) => Some(&count.returning),
        Body::Update(update) => Some(&update.returning),
        Body::UpdateMany(update) => Some(&update.returning),
        Body::Find(_) | Body::Count(_) | Body::Delete(_) => None,
    }
}
