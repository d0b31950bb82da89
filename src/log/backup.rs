//! Copies of a version in a directory of their own.

use super::header::{Header, Kind};
use super::open::by_chance;
use super::vfs::Vfs;
use super::{State, checkpoint, failed, lock, manifest, segment};
use crate::error::{Error, ErrorCode, Result};

/// Writes a version into an empty directory, as a store that can be opened. It
/// is on the disk when this returns; what is broken off before is no store.
///
/// # Errors
/// `StoreExists` if the directory is not empty, `Storage` for what the disk says.
pub fn backup(vfs: &dyn Vfs, state: &State) -> Result<()> {
    let there = vfs.names().map_err(|error| failed("reading", "the directory", &error))?;
    if !there.is_empty() {
        let message = format!("the directory {} is not empty: name a new one", vfs.place());
        return Err(Error::new(ErrorCode::StoreExists, message));
    }
    let _lock = lock::lock(vfs)?;
    let header = Header { kind: Kind::Manifest, store: by_chance(), segment: 1, sequence: state.sequence };
    // Before the first segment, which alone would pass for a store that is being made.
    if state.sequence > 0 {
        checkpoint::write(vfs, &Header { kind: Kind::Checkpoint, ..header }, state)?;
    }
    drop(segment::create(vfs, &Header { kind: Kind::Segment, ..header })?);
    manifest::write(vfs, &header)
}
