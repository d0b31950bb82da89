//! Plans in, rows out: filters, order, pages, access paths and writes.

mod plan;
mod sink;

pub use plan::*;
pub use sink::Sink;
