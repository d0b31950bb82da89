//! Tests of the log, and what those of the store share with them.

use std::io::Cursor;

use super::RecordWriter;
use super::frame::{self, Frames, HEAD, Next};
use super::header::{Header, Kind, LENGTH};

/// Numbers by chance, the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
}

/// A file of a store with one more frame at its end, whatever is in it, whose
/// checksum is right. Frames of checkpoints are chained.
pub fn with_frame(file: &[u8], contents: &[u8]) -> Vec<u8> {
    let kinds = [Kind::Segment, Kind::Checkpoint];
    let header = kinds.into_iter().find_map(|kind| Header::decode(kind, "", file).ok().flatten()).unwrap();
    let mut seed = header.seed();
    if header.kind == Kind::Checkpoint {
        let source = Box::new(Cursor::new(file[LENGTH..].to_vec()));
        let mut frames = Frames::new(source, LENGTH as u64, file.len() as u64);
        while let Ok(Next::Frame(_, sum)) = frames.next(seed) {
            seed = sum;
        }
    }
    let mut out = file.to_vec();
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    out.extend_from_slice(contents);
    frame::seal(&mut out, start, seed);
    out
}

/// The record of a transaction.
pub fn record(sequence: u64, base: u64, write: impl FnOnce(&mut RecordWriter)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut RecordWriter::begin(&mut out, sequence, base));
    out
}
