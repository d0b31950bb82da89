//! Plans in, rows out: filters, order, pages, access paths and writes.
//!
//! A [`Plan`] is read from the plan language (`plan`), resolved against a catalog
//! (`resolve`, `shape`) and run by an `execution`: the `planner` chooses an
//! `access` path by counting, `evaluate` checks what the path leaves open, `sort`
//! orders what the path does not, and a [`Cursor`] hands rows to a [`Sink`].

mod access;
mod branches;
mod by_key;
mod changes;
mod cursor;
mod direct;
mod document;
mod evaluate;
mod execution;
mod explain;
mod grouped;
mod insert;
mod join;
mod like;
mod locking;
mod lookup;
mod operand;
mod params;
mod per_group;
mod plan;
mod planner;
mod project;
mod read;
mod regex;
mod related;
mod resolve;
mod run;
mod shape;
mod sink;
mod sort;
mod update;
mod watch;

pub use changes::change_documents;
pub use cursor::Cursor;
pub use params::Params;
pub use plan::*;
pub use run::{Outcome, Plan, Session};
pub use sink::Sink;
