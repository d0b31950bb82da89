//! Data that survives: a log of transactions, checkpoints, and how a store is
//! found again in its files.
//!
//! A directory holds a manifest, at most one checkpoint that counts, and the
//! segments of the log behind it. A checkpoint is a whole version; a record of
//! the log is one transaction: images of the rows it changed, never statements.
//! All files are reached through [`Vfs`], so that tests can take the disk away at
//! any moment. The formats are described in `docs/file-format.md`.

mod backup;
mod checkpoint;
mod codec;
mod commit;
mod finding;
mod frame;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod header;
mod lock;
mod manifest;
mod names;
mod open;
mod record;
mod scan;
mod segment;
mod state;
mod survey;
#[cfg(test)]
pub(crate) mod tests;
mod vfs;

pub use backup::{backup, backup_beside, must_be_empty};
pub use commit::{FileLog, Statistics};
pub use finding::{Finding, FindingKind, Findings, Severity};
pub use open::{Opened, open, view};
pub use record::RecordWriter;
pub use state::{State, Stored};
pub use survey::{Apart, Survey, survey};
pub use vfs::{Directory, Held, Vfs, VfsFile};
#[cfg(test)]
pub use vfs::{Fault, TestDirectory};

use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};

/// When a commit counts as made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk: it survives the loss of power.
    #[default]
    Commit,
    /// At once; it is on the disk after this time at the latest.
    Interval(Duration),
    /// At once; the operating system writes it when it sees fit.
    None,
}

impl Durability {
    /// The name in options and statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Interval(_) => "interval",
            Self::None => "none",
        }
    }
}

/// Told, from whatever thread, what became of a commit.
pub type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// The beginning of a checkpoint: what is appended from here on is not part of it.
#[derive(Debug)]
pub struct Boundary {
    /// The first segment of the log that is needed beside the checkpoint.
    segment: u64,
    /// The version that the checkpoint is of.
    sequence: u64,
    /// The bytes of the log that it replaces.
    bytes: u64,
}

/// Where a store keeps what it commits.
pub trait Log: Send + Sync {
    /// Takes the transaction that makes the version `sequence`, in order of the
    /// versions. It does not wait for the disk, unless that is far behind.
    ///
    /// # Errors
    /// `Storage` with the cause, once anything could not be written.
    fn append(&self, sequence: u64, write: &mut dyn FnMut(&mut RecordWriter)) -> Result<()>;

    /// What [`Log::when_durable`] would tell at once, if it would.
    fn durable(&self, sequence: u64) -> Option<Result<()>>;

    /// Calls back once a version, and all before it, survive what [`Durability`] says.
    fn when_durable(&self, sequence: u64, done: Done);

    /// Whether so much has been appended that a checkpoint is worth its while.
    fn wants_checkpoint(&self) -> bool;

    /// Begins a checkpoint of the version that was appended last; nothing is to be
    /// appended meanwhile.
    ///
    /// # Errors
    /// `Storage` with the cause, once anything could not be written.
    fn begin_checkpoint(&self) -> Result<Boundary>;

    /// Writes the checkpoint while more is appended, then forgets what it replaces.
    ///
    /// # Errors
    /// `Storage` if it could not be written; the log goes on without it.
    fn write_checkpoint(&self, boundary: Boundary, state: &State) -> Result<()>;

    /// How the log is doing.
    fn statistics(&self) -> Statistics;

    /// Brings everything to the disk and ends.
    ///
    /// # Errors
    /// `Storage` with the cause if that could not be done, or something before.
    fn close(&self) -> Result<()>;
}

/// What the operating system said about a file.
fn failed(doing: &str, name: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Storage, format!("{doing} {name} failed: {error}"))
}

/// Bytes that are not what they should be.
fn damaged(name: &str, at: u64, why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{name} is damaged at byte {at}: {why}"))
}

/// What whoever finds a store damaged can do.
fn advise(error: Error, place: &str) -> Error {
    if error.code != ErrorCode::Corrupt {
        return error;
    }
    let message = format!(
        "{}; nothing was changed: restore a backup, or see all that is wrong by `npx collection-store check {place}` and save what can be read by `npx collection-store salvage {place} <new directory>`",
        error.message
    );
    Error { message, ..error }
}
