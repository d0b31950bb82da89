//! An embedded collection store: an immutable, versioned database value behind
//! transactions, savepoints and snapshots that cost nothing.
//!
//! The modules form layers; each knows only those named before it:
//! [`value`] (typed values, their order, rows and keys), [`tree`] (counted
//! copy-on-write B+tree), [`catalog`] (what a collection is), [`log`] (data that
//! survives), [`store`] (versions and transactions), [`query`] (plans to rows) and `node` (the
//! Node-API binding, the only module that knows JavaScript exists).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]

pub mod catalog;
pub mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod log;
#[cfg(feature = "node")]
// What registers its functions is not generated for tests.
#[cfg_attr(test, allow(dead_code))]
mod node;
pub mod query;
pub mod store;
mod sync;
pub mod tree;
pub mod value;

/// A commit makes and drops some dozens of nodes of up to a few kilobytes, which
/// the allocators of systems are slow at.
#[cfg(all(feature = "node", not(test), not(windows)))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
