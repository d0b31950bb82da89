//! Plans in, rows out: filters, order, pages, access paths and writes.

mod like;
mod plan;
mod regex;
mod sink;

pub use plan::*;
pub use sink::Sink;
