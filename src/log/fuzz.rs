//! What reads bytes from the disk, as functions of bytes: checksums, which keep
//! chance away, are not looked at here. Only for tests and `fuzz/`.

use std::io::Cursor;

use super::checkpoint::Loading;
use super::frame::{self, Frames, Next};
use super::header::{Header, Kind, LENGTH};
use super::record::Record;
use super::state::State;
use crate::error::{Error, ErrorCode, Result};

fn corrupt(why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, why)
}

/// The contents of the frames of a whole file, up to what is not whole.
pub fn frames_of(file: &[u8]) -> Vec<Vec<u8>> {
    let kinds = [Kind::Segment, Kind::Checkpoint];
    let header = kinds.into_iter().find_map(|kind| Header::decode(kind, "", file).ok().flatten());
    let Some(header) = header else { return Vec::new() };
    frames(file.get(LENGTH..).unwrap_or_default(), header.seed(), header.kind == Kind::Checkpoint)
}

/// The contents of frames, each of which is of the seed, or of the checksum of
/// the one before, where they are chained.
pub fn frames(bytes: &[u8], mut seed: u32, chained: bool) -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let mut frames = Frames::new(source, LENGTH as u64, (LENGTH + bytes.len()) as u64);
    loop {
        let at = frames.at as usize - LENGTH;
        match frames.next(seed) {
            Ok(Next::Frame(frame, sum)) => {
                contents.push(frame.to_vec());
                seed = if chained { sum } else { seed };
            }
            Ok(Next::Mark) => {}
            Ok(Next::End) | Err(_) => return contents,
            Ok(Next::Broken(_)) => {
                // What is asked of the end of a log, whatever the answer.
                let _ = frame::any_mark(bytes, at as u64 + 1, seed);
                return contents;
            }
        }
    }
}

/// The state that a record makes of another, as if it were the one it stands on.
///
/// # Errors
/// `Corrupt` with what is wrong.
pub fn apply(mut state: State, record: &[u8]) -> Result<State> {
    let record = Record::open(record).ok_or_else(|| corrupt("a record is of an unknown kind"))?;
    state.sequence = record.base;
    state.apply(record)?;
    Ok(state)
}

/// The state that the frames of a checkpoint make.
///
/// # Errors
/// `Corrupt` with what is wrong.
pub fn load<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Result<State> {
    let mut loading = Loading::default();
    for frame in frames {
        loading.take(frame)?;
    }
    loading.end()
}
