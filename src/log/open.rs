//! Finding a store in its files, or making one where there is none.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use super::commit::{FileLog, Resume, forget_old};
use super::header::{Header, Kind, LENGTH};
use super::names::{self, MANIFEST};
use super::segment::{self, Ending};
use super::vfs::Vfs;
use super::{Durability, State, advise, checkpoint, damaged, failed, lock, manifest};
use crate::error::{Error, ErrorCode, Result};

/// A store as it was found.
#[derive(Debug)]
pub struct Opened {
    /// The newest version.
    pub state: State,
    /// Where it goes on.
    pub log: FileLog,
    /// What was found that its owner should know, and what was done.
    pub notices: Vec<String>,
}

/// Opens the store in a directory, or makes an empty one there. A checkpoint is
/// worth its while when the log has so many bytes, or as many as the last one.
///
/// # Errors
/// `StoreLocked` if it is open already; `Corrupt` with what is damaged, where,
/// and what can be done; `NewerFormat`; `Storage` for what the disk says.
pub fn open(vfs: Arc<dyn Vfs>, durability: Durability, checkpoint_after: u64) -> Result<Opened> {
    let place = vfs.place();
    find(vfs, durability, checkpoint_after).map_err(|error| advise(error, &place))
}

fn find(vfs: Arc<dyn Vfs>, durability: Durability, checkpoint_after: u64) -> Result<Opened> {
    let lock = lock::lock(vfs.as_ref())?;
    let io = |error: std::io::Error| failed("reading", "the directory", &error);
    let files = vfs.names().map_err(io)?;
    if !files.iter().any(|name| name == MANIFEST) {
        found(vfs.as_ref(), &files)?;
    }
    let manifest = manifest::read(vfs.as_ref())?;
    let files = vfs.names().map_err(io)?;
    let Found { state, segment, name, size, end, torn, checkpoint_bytes, log_bytes } =
        read(vfs.as_ref(), &files, &manifest)?;
    let mut notices = Vec::new();
    let (file, at) = if end == 0 {
        (segment::create(vfs.as_ref(), &segment)?, LENGTH as u64)
    } else {
        let cut = || {
            let mut file = vfs.append(&name)?;
            if end < size {
                file.truncate(end)?;
            }
            // What was read may not have been on the disk yet.
            file.sync()?;
            Ok(file)
        };
        if torn {
            notices.push(format!(
                "{name} ended in {} bytes that were being written when the process or the machine stopped; no commit was told to have been made by then, and they were cut off",
                size - end
            ));
        }
        (cut().map_err(|error| failed("writing", &name, &error))?, end)
    };
    forget_old(vfs.as_ref(), &files, &manifest);
    let sequence = state.sequence;
    let resume = Resume { vfs, lock, manifest, segment, file, at, sequence, log_bytes, checkpoint_bytes };
    let log = FileLog::resume(resume, durability, checkpoint_after)?;
    Ok(Opened { state, log, notices })
}

/// Reads what opening the store in a directory would find, and changes nothing.
///
/// # Errors
/// Those of [`open`], and `Storage` where there is no store.
pub fn view(vfs: &dyn Vfs) -> Result<State> {
    let look = || {
        let io = |error: std::io::Error| failed("reading", "the directory", &error);
        let _lock = lock::lock(vfs)?;
        let files = vfs.names().map_err(io)?;
        if !files.iter().any(|name| name == MANIFEST) {
            return Err(match more_than_begun(vfs, &files)? {
                Some(name) => damaged(MANIFEST, 0, &format!("it is missing, but there is {name}")),
                None => Error::new(ErrorCode::Storage, format!("there is no store at {}", vfs.place())),
            });
        }
        Ok(read(vfs, &files, &manifest::read(vfs)?)?.state)
    };
    look().map_err(|error| advise(error, &vfs.place()))
}

/// What the files that a manifest counts make together.
pub(super) struct Found {
    pub state: State,
    /// The header of the last segment.
    segment: Header,
    /// The last segment.
    pub name: String,
    /// Its length.
    pub size: u64,
    /// Where what counts of it ends; 0 where it has yet to be made.
    pub end: u64,
    /// Whether something that is not whole is behind that.
    pub torn: bool,
    checkpoint_bytes: u64,
    log_bytes: u64,
}

/// Reads the checkpoint and the segments that count, and changes nothing.
///
/// # Errors
/// `Corrupt` with what is damaged, where, and what can be done; `NewerFormat`; `Storage`.
pub(super) fn read(vfs: &dyn Vfs, files: &[String], manifest: &Header) -> Result<Found> {
    let (mut state, checkpoint_bytes) = match manifest.sequence {
        0 => (State::default(), 0),
        sequence if !files.contains(&names::checkpoint(sequence)) => {
            return Err(damaged(&names::checkpoint(sequence), 0, "it is missing"));
        }
        sequence => checkpoint::read(vfs, &manifest.store, sequence)?,
    };
    let numbers: BTreeSet<u64> = files
        .iter()
        .filter_map(|name| names::segment_number(name))
        .filter(|number| *number >= manifest.segment)
        .collect();
    let last = numbers.last().copied().unwrap_or(manifest.segment);
    let mut log_bytes = 0;
    for (number, expected) in numbers.iter().copied().zip(manifest.segment..) {
        if number != expected {
            return Err(damaged(&names::segment(expected), 0, "it is missing"));
        }
        let name = names::segment(number);
        let segment = Header { kind: Kind::Segment, segment: number, sequence: state.sequence, ..*manifest };
        let size = vfs.size(&name).map_err(|error| failed("reading", &name, &error))?;
        let ending = segment::replay(vfs, number, &manifest.store, number == last, &mut state)?;
        let torn = matches!(ending, Ending::Torn(_));
        let end = match ending {
            Ending::Whole(at) | Ending::Torn(at) => at,
            Ending::Unborn if number == manifest.segment => {
                return Err(damaged(&name, 0, "its header is missing"));
            }
            Ending::Unborn => 0,
        };
        log_bytes += end;
        if number == last {
            return Ok(Found { state, segment, name, size, end, torn, checkpoint_bytes, log_bytes });
        }
    }
    Err(damaged(&names::segment(manifest.segment), 0, "it is missing"))
}

/// What there would not be yet in a directory without a manifest if the store
/// were only being made.
pub(super) fn more_than_begun(vfs: &dyn Vfs, files: &[String]) -> Result<Option<String>> {
    for name in files {
        let empty = || Ok(vfs.size(name)? <= LENGTH as u64);
        let begun = match names::segment_number(name) {
            // As far as the making of one gets before there is a manifest.
            Some(1) => empty().map_err(|error| failed("reading", name, &error))?,
            Some(_) => false,
            None => names::checkpoint_sequence(name).is_none(),
        };
        if !begun {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

/// Makes an empty store, unless there is one that has lost its manifest.
fn found(vfs: &dyn Vfs, files: &[String]) -> Result<()> {
    if let Some(name) = more_than_begun(vfs, files)? {
        return Err(damaged(MANIFEST, 0, &format!("it is missing, but there is {name}")));
    }
    let header = Header { kind: Kind::Segment, store: by_chance(), segment: 1, sequence: 0 };
    drop(segment::create(vfs, &header)?);
    manifest::write(vfs, &Header { kind: Kind::Manifest, ..header })
}

/// The hash maps of the standard library begin with numbers that the system makes by chance.
pub(super) fn by_chance() -> [u8; 16] {
    let half = || RandomState::new().build_hasher().finish().to_le_bytes();
    let mut store = [0; 16];
    let (first, second) = store.split_at_mut(8);
    first.copy_from_slice(&half());
    second.copy_from_slice(&half());
    store
}
