//! Copies of a version in a directory of their own.

use super::header::{Header, Kind};
use super::names::{self, LOCK, MANIFEST, NEXT_MANIFEST};
use super::open::by_chance;
use super::vfs::{Vfs, write_all};
use super::{State, checkpoint, failed, lock, manifest, segment};
use crate::error::{Error, ErrorCode, Result};

/// Writes a version into an empty directory, as a store that can be opened. It
/// is on the disk when this returns; what is broken off before is no store, and
/// what fails is removed, so that a full disk is no fuller than before.
///
/// # Errors
/// `StoreExists` if the directory is not empty, `Storage` for what the disk says.
pub fn backup(vfs: &dyn Vfs, state: &State) -> Result<()> {
    backup_beside(vfs, state, None)
}

/// A file of lines that is to lie beside a store.
pub type Lines<'a> = (&'a str, &'a mut dyn Iterator<Item = String>);

/// The same with one more file beside it, which is on the disk before the store is one.
///
/// # Errors
/// Those of [`backup`].
pub fn backup_beside(vfs: &dyn Vfs, state: &State, lines: Option<Lines<'_>>) -> Result<()> {
    must_be_empty(vfs)?;
    let lock = lock::lock(vfs)?;
    // Another may have been faster to lock it.
    must_be_empty(vfs)?;
    let header = Header { kind: Kind::Manifest, store: by_chance(), segment: 1, sequence: state.sequence };
    let beside = lines.as_ref().map(|(name, _)| *name);
    let made = write_lines(vfs, lines).and_then(|()| write(vfs, &header, state));
    if made.is_err() {
        remove(vfs, &header, beside);
    }
    drop(lock);
    made
}

/// Refuses a directory that has something in it but what locks it.
///
/// # Errors
/// `StoreExists` if it has, `Storage` for what the disk says.
pub fn must_be_empty(vfs: &dyn Vfs) -> Result<()> {
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

fn write_lines(vfs: &dyn Vfs, lines: Option<Lines<'_>>) -> Result<()> {
    let Some((name, lines)) = lines else { return Ok(()) };
    let mut make = || {
        let mut file = vfs.create(name)?;
        let mut out = Vec::new();
        for line in &mut *lines {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
            if out.len() > 1 << 16 {
                write_all(file.as_mut(), &out)?;
                out.clear();
            }
        }
        write_all(file.as_mut(), &out)?;
        file.sync()
    };
    make().map_err(|error| failed("writing", name, &error))
}

/// Removes what was written, as far as the disk lets it.
fn remove(vfs: &dyn Vfs, header: &Header, beside: Option<&str>) {
    let segment = names::segment(header.segment);
    for name in [MANIFEST, NEXT_MANIFEST, &segment].into_iter().chain(beside) {
        let _ = vfs.remove(name);
    }
    // Last, for the same reason that it is first.
    if vfs.sync().is_ok() {
        let _ = vfs.remove(&names::checkpoint(header.sequence));
    }
}
