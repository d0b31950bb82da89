//! What reads bytes that may be anything: the entry points of `fuzz/`, which the
//! tests below drive with bytes that are nearly right. Each gives what was read
//! or an error; it never ends in a panic, nor takes memory beyond reason.

use crate::log::State;
pub use crate::log::fuzz::frames_of;
use crate::log::fuzz::{apply, frames, load};
use crate::store::to_root;
use crate::value::Row;

/// Reads a row; one that is read can be walked, and is what was read.
pub fn row(bytes: &[u8]) {
    if let Ok(row) = Row::from_bytes(bytes) {
        walk(&row);
        assert_eq!(row.as_bytes(), bytes);
    }
}

/// Reads the frames of a file.
pub fn segment(bytes: &[u8]) {
    frames(bytes, 0, false);
    frames(bytes, 0, true);
}

/// Reads a record of the log, on what the records of a whole segment have made.
pub fn record(segment: &[u8], bytes: &[u8]) {
    let mut state = State::default();
    for record in frames_of(segment) {
        match apply(state.clone(), &record) {
            Ok(next) => state = next,
            Err(_) => return,
        }
    }
    on(state, bytes);
}

/// Reads a record of the log on a state.
fn on(state: State, record: &[u8]) {
    if let Ok(state) = apply(state, record) {
        open(state);
    }
}

/// Reads a checkpoint: its frames, each behind its length in two bytes.
pub fn checkpoint(mut bytes: &[u8]) {
    let frames = std::iter::from_fn(|| {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (frame, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(frame)
    });
    if let Ok(state) = load(frames) {
        open(state);
    }
}

/// Goes on with what was read, as far as the opening of a store does, and reads all of it.
fn open(state: State) {
    if let Ok((root, _)) = to_root(state) {
        for collection in root.collections() {
            collection.rows.iter().for_each(|(_, row)| walk(row));
        }
    }
}

fn walk(row: &Row) {
    for at in 0..row.len() {
        // Only that it can be read is asked.
        let _ = row.get(at).to_json();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::log::tests::Random;

    /// The files of stores of every released format.
    fn files(prefix: &str) -> Vec<Vec<u8>> {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
        let mut files = Vec::new();
        for format in fs::read_dir(directory).unwrap() {
            for kept in fs::read_dir(format.unwrap().path()).unwrap() {
                for file in fs::read_dir(kept.unwrap().path()).unwrap() {
                    let file = file.unwrap();
                    if file.file_name().to_str().unwrap().starts_with(prefix) {
                        files.push(fs::read(file.path()).unwrap());
                    }
                }
            }
        }
        assert!(!files.is_empty());
        files
    }

    const FLIPS: [u8; 4] = [0x01, 0x40, 0x80, 0xff];

    /// Each byte in turn made another, all cuts, and changes by chance.
    fn mutated(bytes: &[u8], flips: &[u8], by_chance: u64, mut read: impl FnMut(&[u8])) {
        read(bytes);
        let mut changed = bytes.to_vec();
        for at in 0..bytes.len() {
            for flip in flips {
                changed[at] ^= flip;
                read(&changed);
                changed[at] = bytes[at];
            }
            read(&bytes[..at]);
        }
        let seed = std::env::var("STORE_CRASH_SEED").ok().and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 16);
        println!("STORE_CRASH_SEED={seed}");
        let mut random = Random::new(seed);
        for _ in 0..by_chance {
            let mut changed = bytes.to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(changed.len() as u64 + 1) as usize;
                match random.below(4) {
                    0 => changed.insert(at, random.number() as u8),
                    1 => changed.truncate(at),
                    2 => {
                        let end = (at + random.below(40) as usize).min(changed.len());
                        let copied = changed[at..end].to_vec();
                        changed.splice(at..at, copied);
                    }
                    _ => changed.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.number() as u8),
                }
            }
            read(&changed);
        }
    }

    #[test]
    fn rows_that_are_nearly_right_are_read_or_refused() {
        let mut rows = 0;
        for file in files("log-") {
            let mut state = State::default();
            for record in frames_of(&file) {
                let Ok(next) = apply(state.clone(), &record) else { break };
                state = next;
            }
            for stored in state.collections.iter().flatten() {
                for (_, one) in stored.rows.iter() {
                    mutated(one.as_bytes(), &FLIPS, 300, row);
                    rows += 1;
                }
            }
        }
        assert!(rows > 3, "{rows} rows");
    }

    #[test]
    fn records_that_are_nearly_right_are_read_or_refused() {
        let mut records = 0;
        for file in files("log-") {
            let mut state = State::default();
            for record in frames_of(&file) {
                let Ok(next) = apply(state.clone(), &record) else { break };
                mutated(&record, &FLIPS, 300, |record| on(state.clone(), record));
                state = next;
                records += 1;
            }
        }
        assert!(records > 3, "{records} records");
    }

    #[test]
    fn checkpoints_that_are_nearly_right_are_read_or_refused() {
        for file in files("checkpoint-") {
            let mut bytes = Vec::new();
            for frame in frames_of(&file) {
                bytes.extend_from_slice(&u16::try_from(frame.len()).unwrap().to_le_bytes());
                bytes.extend_from_slice(&frame);
            }
            assert!(bytes.len() > 100);
            mutated(&bytes, &FLIPS, 2000, checkpoint);
        }
    }

    #[test]
    fn frames_that_are_nearly_right_are_read_or_refused() {
        for file in files("log-") {
            mutated(&file, &[0x80], 300, |file| drop(frames_of(file)));
            mutated(file.get(48..200).unwrap(), &FLIPS, 300, segment);
        }
    }
}
