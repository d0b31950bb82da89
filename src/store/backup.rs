//! Backups of stores, on a disk or in memory, and checks of directories.

use std::path::Path;
use std::sync::Arc;

use super::{Root, Store, image};
use crate::error::{Error, ErrorCode, Result};
use crate::log::{self, Directory, Findings, Survey, Vfs};

/// What was found in the directory of a store.
#[derive(Debug)]
pub struct Checked {
    /// The version that it holds, or what can be read of it.
    pub root: Arc<Root>,
    /// What is wrong with it, and what opening it would put right.
    pub findings: Findings,
}

/// What something that takes long is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading files, counted in bytes.
    Files,
    /// Looking at rows, counted one by one.
    Rows,
}

/// Hears how much of how much of a step is done.
pub type Watch<'a> = &'a mut dyn FnMut(Step, u64, u64);

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
    /// Examines the store in a directory that nobody has open, and changes nothing:
    /// every checksum, that the log has no gap, and all that [`Root::examine`] looks
    /// at, of as much as can be read. `watch` hears how far it is.
    ///
    /// # Errors
    /// `StoreLocked`, `NewerFormat`, and `Storage` for what the disk says or where
    /// there is no store. Whatever is damaged is a finding.
    pub fn check_path(path: &Path, watch: Watch<'_>) -> Result<Checked> {
        let directory = Directory::existing(path).map_err(|error| unreachable_at(path, &error))?;
        Self::check_in(&directory, watch)
    }

    pub(super) fn check_in(vfs: &dyn Vfs, watch: Watch<'_>) -> Result<Checked> {
        let Survey { state, mut findings, .. } =
            log::survey(vfs, &mut |done, total| watch(Step::Files, done, total))?;
        let (root, _) = image::to_root(state)?;
        let total = root.collections().map(|collection| collection.rows.len() as u64).sum();
        findings.append(root.examine(&mut |done| watch(Step::Rows, done, total)));
        Ok(Checked { root: Arc::new(root), findings })
    }
}

pub(super) fn unreachable_at(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Storage, format!("opening directory {} failed: {error}", path.display()))
}
