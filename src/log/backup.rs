//! Copies of a version in a directory of their own.

use super::header::{Header, Kind};
use super::names::{self, LOCK, MANIFEST, NEXT_MANIFEST};
use super::open::by_chance;
use super::vfs::Vfs;
use super::{State, checkpoint, failed, lock, manifest, segment};
use crate::error::{Error, ErrorCode, Result};

/// Writes a version into an empty directory, as a store that can be opened. It
/// is on the disk when this returns; what is broken off before is no store, and
/// what fails is removed, so that a full disk is no fuller than before.
///
/// # Errors
/// `StoreExists` if the directory is not empty, `Storage` for what the disk says.
pub fn backup(vfs: &dyn Vfs, state: &State) -> Result<()> {
    assert_empty(vfs)?;
    let lock = lock::lock(vfs)?;
    // Another may have been faster to lock it.
    assert_empty(vfs)?;
    let header = Header { kind: Kind::Manifest, store: by_chance(), segment: 1, sequence: state.sequence };
    let made = write(vfs, &header, state);
    if made.is_err() {
        remove(vfs, &header);
    }
    drop(lock);
    made
}

/// Nothing may be there but what locks it.
fn assert_empty(vfs: &dyn Vfs) -> Result<()> {
    let there = vfs.names().map_err(|error| failed("reading", "the directory", &error))?;
    if there.iter().all(|name| name == LOCK) {
        return Ok(());
    }
    let message = format!("the directory {} is not empty: name a new one", vfs.place());
    Err(Error::new(ErrorCode::StoreExists, message))
}

fn write(vfs: &dyn Vfs, header: &Header, state: &State) -> Result<()> {
    // Before the first segment, which alone would pass for a store that is being made.
    if header.sequence > 0 {
        checkpoint::write(vfs, &Header { kind: Kind::Checkpoint, ..*header }, state)?;
    }
    drop(segment::create(vfs, &Header { kind: Kind::Segment, ..*header })?);
    manifest::write(vfs, header)
}

/// Removes what was written, as far as the disk lets it.
fn remove(vfs: &dyn Vfs, header: &Header) {
    for name in [MANIFEST, NEXT_MANIFEST, &names::segment(header.segment)] {
        let _ = vfs.remove(name);
    }
    // Last, for the same reason that it is first.
    if vfs.sync().is_ok() {
        let _ = vfs.remove(&names::checkpoint(header.sequence));
    }
}
