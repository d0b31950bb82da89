//! Backups of stores, on a disk or in memory, and checks of directories.

use std::path::Path;
use std::sync::Arc;

use super::{Root, Store, image};
use crate::error::{Error, ErrorCode, Result};
use crate::log::{self, Directory, Vfs};

/// What was found in the directory of a store that is right.
#[derive(Debug)]
pub struct Checked {
    /// The version that it holds.
    pub root: Arc<Root>,
    /// What opening it would put right.
    pub notice: Option<String>,
}

impl Root {
    /// Writes this version to a directory, new or empty, as a store that can be opened.
    ///
    /// # Errors
    /// `StoreExists` if the directory is not empty, `Storage` for what the disk says.
    pub fn backup(&self, path: &Path) -> Result<()> {
        let directory = Directory::open(path).map_err(|error| unreachable_at(path, &error))?;
        self.backup_in(&directory)
    }

    pub(super) fn backup_in(&self, vfs: &dyn Vfs) -> Result<()> {
        log::backup(vfs, &image::of_root(self))
    }
}

impl Store {
    /// Checks the store in a directory that nobody has open, and changes nothing:
    /// every checksum, that the log has no gap, and the constraints of the rows.
    ///
    /// # Errors
    /// `Corrupt` with what is wrong, where, and what can be done; `StoreLocked`,
    /// `NewerFormat`, and `Storage` for what the disk says or where there is no store.
    pub fn check_path(path: &Path) -> Result<Checked> {
        let directory = Directory::existing(path).map_err(|error| unreachable_at(path, &error))?;
        Self::check_in(&directory)
    }

    pub(super) fn check_in(vfs: &dyn Vfs) -> Result<Checked> {
        let (state, notice) = log::inspect(vfs)?;
        let (root, _) = image::to_root(state)?;
        root.check().map_err(|why| Error::new(ErrorCode::Corrupt, why))?;
        Ok(Checked { root: Arc::new(root), notice })
    }
}

fn unreachable_at(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Storage, format!("opening directory {} failed: {error}", path.display()))
}
