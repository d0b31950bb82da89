//! One run of a statement on one version: what conditions, orders and outputs
//! need to know beyond the row at hand.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use super::lookup::Lookup;
use super::operand::{self, Operand};
use super::params::Params;
use super::related::Relation;
use super::shape::{OperandId, Shape};
use super::watch::Watch;
use crate::catalog::{CollectionId, Component};
use crate::error::{Error, ErrorCode, Result};
use crate::store::Root;
use crate::value::Row;

/// A run. Remembers what it has found out about joins and relations.
pub(super) struct Execution {
    pub root: Arc<Root>,
    operands: Vec<Operand>,
    /// By the number of the join.
    pub lookups: Vec<OnceCell<Lookup>>,
    /// By the number of the relation.
    pub relations: Vec<RefCell<Relation>>,
    /// Indexes that would have saved work.
    pub wishes: RefCell<Vec<Wish>>,
    /// The rows that lead to the one at hand, where conditions look back at them.
    way: Option<RefCell<Vec<Row>>>,
    /// Where to note what is read.
    pub watch: Watch,
    pub allowance: Allowance,
}

/// How many rows a run may still look at before it is given up, or before it
/// pauses. What takes longer than a look counts as several.
pub(super) struct Allowance {
    left: Cell<usize>,
    /// Whether the run is given up then.
    strict: Cell<bool>,
}

impl Allowance {
    /// What there is between two pauses.
    const PIECE: usize = 16_384;

    fn new(most: usize) -> Self {
        Self { left: Cell::new(most), strict: Cell::new(most != usize::MAX) }
    }

    /// Takes so many looks away.
    ///
    /// # Errors
    /// `TooLong` if there were fewer, and the run is given up then.
    pub fn spend(&self, looks: usize) -> Result<()> {
        match self.left.get().checked_sub(looks) {
            Some(left) => self.left.set(left),
            None if self.strict.get() => return Err(too_long()),
            None => self.left.set(0),
        }
        Ok(())
    }

    /// `TooLong` if there are not so many looks left, and the run is given up for it.
    pub fn require(&self, looks: usize) -> Result<()> {
        if self.strict.get() && self.left.get() < looks { Err(too_long()) } else { Ok(()) }
    }

    /// Begins a piece of a run that pauses.
    pub fn resume(&self) {
        if !self.strict.get() {
            self.left.set(Self::PIECE);
        }
    }

    /// Whether it is time to pause.
    pub fn pauses(&self) -> bool {
        self.left.get() == 0 && !self.strict.get()
    }

    /// From now on the run pauses, and is never given up.
    pub fn relax(&self) {
        self.strict.set(false);
    }
}

fn too_long() -> Error {
    Error::new(ErrorCode::TooLong, "the statement looks at more rows than it may here")
}

/// An index that would have saved work.
pub(super) struct Wish {
    pub collection: CollectionId,
    pub components: Vec<Component>,
    /// The rows that are looked at for want of it.
    pub rows: usize,
}

impl Execution {
    /// Begins a run that looks at so many rows at most, and is given up where that is not enough.
    ///
    /// # Errors
    /// Those of [`operand::bind`].
    pub fn new(root: Arc<Root>, shape: &Shape, params: &Params, most: usize) -> Result<Self> {
        Ok(Self {
            root,
            operands: operand::bind(&shape.operands, params)?,
            lookups: shape.joins.iter().map(|_| OnceCell::new()).collect(),
            wishes: RefCell::default(),
            relations: (0..shape.relations).map(|_| RefCell::default()).collect(),
            way: shape.looks_back.then(RefCell::default),
            watch: Watch::default(),
            allowance: Allowance::new(most),
        })
    }

    /// The same run, noting what it reads.
    pub fn watched(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// The same run without its version, which a write then need not copy: for what
    /// is known without looking at rows.
    pub fn released(self) -> Self {
        Self { root: Root::nothing(), ..self }
    }

    /// The same run on another version.
    pub fn on(self, root: Arc<Root>) -> Self {
        Self {
            root,
            operands: self.operands,
            wishes: RefCell::default(),
            lookups: self.lookups.iter().map(|_| OnceCell::new()).collect(),
            relations: self.relations.iter().map(|_| RefCell::default()).collect(),
            way: self.way,
            watch: self.watch,
            allowance: self.allowance,
        }
    }

    /// Whether what is found behind a row may depend on the rows that lead to it.
    pub fn looks_back(&self) -> bool {
        self.way.is_some()
    }

    /// Goes on from a row, which is the one before those that are found meanwhile.
    pub fn onward<T>(&self, row: &Row, go: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(way) = &self.way else { return go() };
        way.borrow_mut().push(row.clone());
        let result = go();
        way.borrow_mut().pop();
        result
    }

    /// Looks at the row before the one at hand, from where it stands.
    pub fn before<T>(&self, look: impl FnOnce(&Row) -> Result<T>) -> Result<T> {
        let way = self.way.as_ref().ok_or_else(|| defect("no way is remembered"))?;
        let row = way.borrow_mut().pop().ok_or_else(|| defect("no row leads here"))?;
        let result = look(&row);
        way.borrow_mut().push(row);
        result
    }

    /// An operand of the statement.
    pub fn operand(&self, id: OperandId) -> Result<&Operand> {
        self.operands.get(id).ok_or_else(|| defect("an operand is not there"))
    }
}

/// What cannot happen, unless the engine itself is wrong.
pub(super) fn defect(what: &str) -> Error {
    Error::new(ErrorCode::Internal, format!("internal error: {what}"))
}
