//! Versions of the database, transactions, savepoints and snapshots.
