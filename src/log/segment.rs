//! Segments: the files of the log.

use std::io::Read;

use super::frame::{self, Frames, Next};
use super::header::{Header, Kind, LENGTH};
use super::record::Record;
use super::state::State;
use super::vfs::{Vfs, VfsFile, write_all};
use super::{damaged, failed, names};
use crate::error::{Error, ErrorCode, Result};

/// Creates a segment; its header and its name are on the disk when it returns.
pub fn create(vfs: &dyn Vfs, header: &Header) -> Result<Box<dyn VfsFile>> {
    let name = names::segment(header.segment);
    let make = || {
        let mut file = vfs.create(&name)?;
        write_all(file.as_mut(), &header.encode())?;
        file.sync()?;
        vfs.sync()?;
        Ok(file)
    };
    make().map_err(|error| failed("creating", &name, &error))
}

/// How reading a segment ended.
pub enum Ending {
    /// There is nothing behind the last record, which ends here, but zeroes.
    Whole(u64),
    /// What is behind this place was being written when the power went.
    Torn(u64),
    /// Not even the header was written.
    Unborn,
}

/// Reads a segment into the state that it goes on from.
///
/// # Errors
/// `Corrupt` with what, where and what can be done; `NewerFormat`; `Storage`.
pub fn replay(vfs: &dyn Vfs, number: u64, store: &[u8; 16], last: bool, state: &mut State) -> Result<Ending> {
    let name = names::segment(number);
    let io = |error: std::io::Error| failed("reading", &name, &error);
    let size = vfs.size(&name).map_err(io)?;
    let mut source = vfs.read(&name).map_err(io)?;
    let mut head = Vec::with_capacity(LENGTH);
    source.by_ref().take(LENGTH as u64).read_to_end(&mut head).map_err(io)?;
    let Some(header) = Header::decode(Kind::Segment, &name, &head)? else {
        // The header is synced before anything follows it.
        return match last && size <= LENGTH as u64 {
            true => Ok(Ending::Unborn),
            false => Err(damaged(&name, 0, "its header is wrong")),
        };
    };
    if header.segment != number || header.store != *store || header.sequence != state.sequence {
        let why = format!(
            "it is not the segment that is to follow version {} of this store, but one that follows version {}",
            state.sequence, header.sequence
        );
        return Err(damaged(&name, 0, &why));
    }
    let seed = header.seed();
    let mut frames = Frames::new(source, LENGTH as u64, size);
    loop {
        let at = frames.at;
        match frames.next(seed).map_err(io)? {
            Next::End => return Ok(Ending::Whole(at)),
            Next::Mark => {}
            Next::Frame(contents, _) => apply(state, contents, &name, at)?,
            Next::Broken(why) => {
                let again = || vfs.read(&name);
                if frame::only_zeroes(again().map_err(io)?, at).map_err(io)? {
                    return Ok(Ending::Whole(at));
                }
                if last && !frame::any_mark(again().map_err(io)?, at + 1, seed).map_err(io)? {
                    return Ok(Ending::Torn(at));
                }
                return Err(damaged(&name, at, why));
            }
        }
    }
}

fn apply(state: &mut State, contents: &[u8], name: &str, at: u64) -> Result<()> {
    let record = Record::open(contents)
        .ok_or_else(|| Error::new(ErrorCode::Corrupt, "a record is of an unknown kind"));
    record.and_then(|record| state.apply(record)).map(drop).map_err(|error| damaged(name, at, &error.message))
}
