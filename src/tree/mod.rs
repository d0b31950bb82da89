//! A counted copy-on-write B+tree over byte-string keys.
