//! Compiled plans and where they run.

use std::borrow::Cow;
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use super::cursor::Cursor;
use super::execution::Execution;
use super::locking::{find_locked, needs_transaction};
use super::params::Params;
use super::plan::Statement;
use super::planner::{Choice, Need};
use super::read::{COUNT, find_need};
use super::resolve::resolve;
use super::shape::{Body, Matching, Shape};
use super::watch::Watch;
use crate::catalog::{Catalog, CollectionId, Component};
use crate::error::{Error, ErrorCode, Result};
use crate::store::{Begin, Root, Store, Transaction};
use crate::value::Row;

/// Rows looked at in vain, in multiples of the collection, that an automatic index is made for.
const PATIENCE: u64 = 2;

/// What writing a row costs, in rows looked at.
pub(super) const WRITING: usize = 8;
/// What a row costs that an index is made of.
const INDEXING: usize = 4;

/// A plan, compiled once for all runs. Belongs to no store in particular.
pub struct Plan {
    statement: Statement,
    /// The shape in the catalog that it was last run on.
    pub(super) shape: RwLock<Option<(Weak<Catalog>, Arc<Shape>)>>,
}

/// Where a plan runs.
pub enum Session<'a> {
    /// On the newest version; a write begins and commits a transaction of its own.
    Store(&'a Arc<Store>),
    /// In a transaction.
    Transaction(&'a mut Transaction),
}

/// What a run gives.
pub struct Outcome {
    /// The number of a count, the rows inserted, changed, found or deleted by a write, 0 of a find.
    pub affected: u64,
    /// The rows.
    pub rows: Cursor,
}

impl Session<'_> {
    fn root(&mut self) -> Result<Arc<Root>> {
        match self {
            Self::Store(store) => store.current(),
            Self::Transaction(transaction) => transaction.root().cloned(),
        }
    }

    fn watch(&self) -> Watch {
        match self {
            Self::Store(_) => Watch::default(),
            Self::Transaction(transaction) => Watch::of(transaction.reads()),
        }
    }

    /// The version with an automatic index more.
    fn index(&mut self, root: &Arc<Root>, id: CollectionId, components: &[Component]) -> Result<Arc<Root>> {
        match self {
            Self::Store(store) => store.install_auto_index(root, id, components),
            Self::Transaction(transaction) => {
                transaction.install_auto_index(id, components)?;
                transaction.root().cloned()
            }
        }
    }
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// `InvalidPlan` with the place in the text.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { statement: Statement::parse(text)?, shape: RwLock::new(None) })
    }

    /// Whether it changes anything.
    pub fn writes(&self) -> bool {
        !matches!(self.statement, Statement::Find(_) | Statement::Count(_))
    }

    /// Runs the plan.
    ///
    /// # Errors
    /// `CollectionNotFound`, `FieldNotFound`, `InvalidPlan` and `TypeMismatch` for a plan that does not fit the
    /// catalog or parameters that do not fit the plan; for writes, those of [`crate::store::Writer`] and of
    /// [`Transaction::commit`].
    pub fn run(&self, session: Session<'_>, params: Params) -> Result<Outcome> {
        self.run_within(session, &params, usize::MAX)
    }

    /// As [`Plan::run`], where looking at `most` rows, or writing an eighth as many, is the most that it may take.
    ///
    /// # Errors
    /// Those of [`Plan::run`], and `TooLong` if it would take more, which the cursor of a read may also say of its first
    /// piece: then nothing has happened, and [`Plan::run`] is to be called where it may take its time.
    pub fn run_within(&self, mut session: Session<'_>, params: &Params, most: usize) -> Result<Outcome> {
        if self.writes() {
            return match session {
                Session::Store(store) => self.write_alone(store, params, most),
                Session::Transaction(transaction) => self.write(transaction, params, most),
            };
        }
        loop {
            match self.read(&mut session, params, most) {
                Err(Error { code: ErrorCode::Stale, .. }) => {}
                result => {
                    if let (Ok(_), Session::Transaction(transaction)) = (&result, &mut session) {
                        transaction.settle();
                    }
                    return result;
                }
            }
        }
    }

    fn read(&self, session: &mut Session<'_>, params: &Params, most: usize) -> Result<Outcome> {
        let root = session.root()?;
        let shape = self.shape(&root.catalog)?;
        let execution = begin(&shape, root, params, most)?.watched(session.watch());
        match &shape.body {
            Body::Find(find) => {
                let (offset, limit) = execution.page(find)?;
                let need = find_need(find, offset, limit);
                let (execution, choice) = settle(session, execution, &shape, &find.rows, need)?;
                // How far rows that come in order are read is up to who reads them.
                if choice.direction.is_none() || limit == usize::MAX {
                    execution.allowance.require(choice.access.entries())?;
                }
                let rows = match (&find.lock, session) {
                    (None, _) => execution.find(&shape, find, choice)?,
                    (Some(lock), Session::Transaction(transaction)) => {
                        find_locked(transaction, execution, &shape, find, lock, choice)?
                    }
                    (Some(_), Session::Store(_)) => return Err(needs_transaction()),
                };
                Ok(Outcome { affected: 0, rows })
            }
            Body::Count(matching) => {
                let (execution, choice) = settle(session, execution, &shape, matching, COUNT)?;
                Ok(Outcome { affected: execution.count(matching, choice)?, rows: Cursor::empty() })
            }
            Body::CountBy(count) => {
                let (execution, choice) = settle(session, execution, &shape, &count.rows, Need::ALL)?;
                execution.allowance.require(choice.access.entries())?;
                let groups = execution.count_by(count, &choice)?;
                Ok(Outcome { affected: groups.len() as u64, rows: Cursor::written(&shape, groups) })
            }
            _ => Err(super::execution::defect("a read became a write")),
        }
    }

    /// Runs a write in a transaction of its own.
    fn write_alone(&self, store: &Arc<Store>, params: &Params, most: usize) -> Result<Outcome> {
        loop {
            let mut transaction = store.begin(Begin::READ_COMMITTED)?;
            let outcome = self.write(&mut transaction, params, most)?;
            match transaction.commit() {
                Ok(_) => return Ok(outcome),
                // Whatever stands against it is a commit of others since it began: it is
                // theirs that the statement is then run on, and that decides.
                Err(error) if !transaction.was_overtaken() => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Runs a write in a transaction: again where a row was changed by others
    /// while it ran.
    fn write(&self, transaction: &mut Transaction, params: &Params, most: usize) -> Result<Outcome> {
        loop {
            match self.try_write(transaction, params, most) {
                Err(Error { code: ErrorCode::Stale, .. }) => {}
                result => return result,
            }
        }
    }

    fn try_write(&self, transaction: &mut Transaction, params: &Params, most: usize) -> Result<Outcome> {
        if let Some(outcome) = self.write_directly(transaction, params, most)? {
            return Ok(outcome);
        }
        let root = Arc::clone(transaction.root()?);
        let shape = self.shape(&root.catalog)?;
        let execution = begin(&shape, root, params, most)?.watched(Watch::of(transaction.reads()));
        match &shape.body {
            Body::Insert(insert) => {
                execution.allowance.require(params.rows(insert.fields.len()).saturating_mul(WRITING))?;
                super::insert::insert(transaction, Some(execution.released()), &shape, insert, params)
            }
            Body::UpdateMany(update) => {
                let width = update.key.len() + update.set.len();
                execution.allowance.require(params.rows(width).saturating_mul(WRITING))?;
                super::update::update_many(transaction, execution.released(), &shape, update, params)
            }
            Body::Update(update) => {
                let mut session = Session::Transaction(transaction);
                let (execution, choice) = settle(&mut session, execution, &shape, &update.rows, Need::ALL)?;
                let rows = execution.rows(&update.rows, &choice)?;
                execution.allowance.require(rows.len().saturating_mul(WRITING))?;
                let execution = execution.released();
                let value = |operand| execution.value(operand).map(Cow::Borrowed);
                super::update::update(transaction, value, &shape, update, rows.into_iter())
            }
            Body::Delete(matching) => {
                let mut session = Session::Transaction(transaction);
                let (execution, choice) = settle(&mut session, execution, &shape, matching, Need::ALL)?;
                let collection = execution.root.collection(matching.schema.id)?;
                let all = choice.is_exact() && choice.access.is_everything(collection);
                let rows = if all { None } else { Some(execution.rows(matching, &choice)?) };
                let affected = rows.as_ref().map_or_else(|| collection.rows.len(), Vec::len);
                execution.allowance.require(affected.saturating_mul(WRITING))?;
                drop(execution);
                match rows {
                    None => {
                        transaction.statement_of(affected, |writer| writer.delete_all(matching.schema.id))?;
                        Ok(Outcome { affected: affected as u64, rows: Cursor::empty() })
                    }
                    Some(rows) => delete(transaction, matching, rows.into_iter()),
                }
            }
            Body::Find(_) | Body::Count(_) | Body::CountBy(_) => {
                Err(super::execution::defect("a write became a read"))
            }
        }
    }

    /// How the plan would run, for people: access path, index, rows, order.
    ///
    /// # Errors
    /// As [`Plan::run`], but for those of writing.
    pub fn explain(&self, mut session: Session<'_>, params: Params) -> Result<String> {
        let root = session.root()?;
        let shape = self.shape(&root.catalog)?;
        begin(&shape, root, &params, usize::MAX)?.explain(&shape)
    }

    /// The plan in terms of a catalog; made anew only when the catalog is another.
    fn shape(&self, catalog: &Arc<Catalog>) -> Result<Arc<Shape>> {
        if let Some((known, shape)) = &*self.shape.read()
            && std::ptr::eq(known.as_ptr(), Arc::as_ptr(catalog))
        {
            return Ok(Arc::clone(shape));
        }
        let shape = Arc::new(resolve(&self.statement, catalog)?);
        *self.shape.write() = Some((Arc::downgrade(catalog), Arc::clone(&shape)));
        Ok(shape)
    }
}

/// Deletes rows of the transaction's version.
pub(super) fn delete(
    transaction: &mut Transaction,
    matching: &Matching,
    mut rows: impl ExactSizeIterator<Item = Row>,
) -> Result<Outcome> {
    let affected = rows.len();
    transaction.statement_of(affected, |writer| {
        rows.try_for_each(|row| writer.delete_row(matching.schema.id, row))
    })?;
    Ok(Outcome { affected: affected as u64, rows: Cursor::empty() })
}

/// Begins a run. A plan needs the parameters it names; where a condition came to
/// be always or never true, those of its parts are left over.
fn begin(shape: &Arc<Shape>, root: Arc<Root>, params: &Params, most: usize) -> Result<Execution> {
    let rows = matches!(shape.body, Body::Insert(_) | Body::UpdateMany(_));
    if !rows && params.len() < shape.parameters {
        let message = format!("the plan needs {} parameters, not {}", shape.parameters, params.len());
        return Err(Error::new(ErrorCode::InvalidPlan, message));
    }
    Execution::new(root, shape, params, most)
}

/// Chooses an access path, after making the indexes that have been missed often enough.
fn settle(
    session: &mut Session<'_>,
    execution: Execution,
    shape: &Shape,
    matching: &Matching,
    need: Need<'_>,
) -> Result<(Execution, Choice)> {
    let choose = |execution: &Execution| {
        execution.choose(execution.root.collection(matching.schema.id)?, &matching.filter, need)
    };
    let choice = choose(&execution)?;
    execution.wish_for_joins(&shape.joins)?;
    let wishes = execution.wishes.take();
    if wishes.is_empty() {
        return Ok((execution, choice));
    }
    let mut root = Arc::clone(&execution.root);
    for wish in wishes {
        let collection = Arc::clone(root.collection(wish.collection)?);
        let missed = collection.note_scan(&wish.components, wish.rows as u64);
        if missed >= PATIENCE.saturating_mul(collection.rows.len() as u64) {
            execution.allowance.require(collection.rows.len().saturating_mul(INDEXING))?;
            root = session.index(&root, wish.collection, &wish.components)?;
        }
    }
    if Arc::ptr_eq(&root, &execution.root) {
        return Ok((execution, choice));
    }
    let execution = execution.on(root);
    let choice = choose(&execution)?;
    Ok((execution, choice))
}

impl Execution {
    /// The rows that a write is about, in the order of their keys.
    fn rows(&self, matching: &Matching, choice: &Choice) -> Result<Vec<Row>> {
        let collection = self.root.collection(matching.schema.id)?;
        let mut rows = Vec::new();
        self.allowance.require(choice.access.entries())?;
        self.walk_choice(collection, &matching.filter, choice, &mut |row| {
            rows.push(row.clone());
            Ok(true)
        })?;
        rows.sort_by_cached_key(|row| collection.schema.primary_key(row));
        Ok(rows)
    }
}
