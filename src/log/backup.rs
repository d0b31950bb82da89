//! Copies of a version in a directory of their own, and a look at a directory
//! that changes nothing in it.

use super::header::{Header, Kind};
use super::open::{by_chance, read};
use super::vfs::Vfs;
use super::{State, checkpoint, damaged, failed, lock, manifest, names, segment};
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

/// Reads the version that the files of a directory make, every checksum of them,
/// and changes none. Gives also what opening it would put right.
///
/// # Errors
/// What opening it would say, and `Storage` where there is no store.
pub fn inspect(vfs: &dyn Vfs) -> Result<(State, Option<String>)> {
    let io = |error: std::io::Error| failed("reading", "the directory", &error);
    let mut files = vfs.names().map_err(io)?;
    let ours = |name: &String| {
        name == names::MANIFEST
            || names::segment_number(name).is_some()
            || names::checkpoint_sequence(name).is_some()
    };
    if !files.iter().any(ours) {
        return Err(Error::new(ErrorCode::Storage, format!("there is no store at {}", vfs.place())));
    }
    let _lock = lock::lock(vfs)?;
    // Whoever had it until now may have made and removed some.
    files = vfs.names().map_err(io)?;
    if !files.iter().any(|name| name == names::MANIFEST) {
        return Err(damaged(names::MANIFEST, 0, "it is missing"));
    }
    let manifest = manifest::read(vfs)?;
    let found = read(vfs, &files, &manifest)?;
    let notice = match found.end {
        0 => Some("was being made".to_owned()),
        end if found.torn => Some(format!("ends, from byte {end} on, in what was being written")),
        _ => None,
    };
    let notice = notice.map(|what| {
        let name = &found.name;
        format!("{name} {what} when the process or the machine stopped: opening the store puts that right")
    });
    Ok((found.state, notice))
}
