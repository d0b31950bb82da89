//! Plans in, rows out: filters, order, pages, access paths and writes.
