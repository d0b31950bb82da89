//! Typed values: their total order, order-preserving keys and compact rows.
