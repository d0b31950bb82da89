//! Checkpoints: a whole version in one file.
//!
//! The definition, then the rows of each collection in the order of their keys,
//! then what there was of each. The checksum of each frame begins with that of
//! the one before, so that none is missing and none is moved.

use std::io::Read;

use super::codec::{Reader, push_bytes, push_number, push_signed};
use super::frame::{self, Frames, HEAD, Next};
use super::header::{Header, Kind, LENGTH};
use super::state::State;
use super::vfs::{Vfs, VfsFile, write_all};
use super::{damaged, failed, names};
use crate::catalog::CollectionId;
use crate::error::{Error, ErrorCode, Result};
use crate::tree::Tree;
use crate::value::Row;

mod tag {
    pub const SCHEMA: u8 = 1;
    pub const ROWS: u8 = 2;
    pub const END: u8 = 3;
}

/// Frames of rows are about this long.
const CHUNK: usize = 1 << 16;

/// Writes a version; it is on the disk when this returns. Gives its bytes.
pub fn write(vfs: &dyn Vfs, header: &Header, state: &State) -> Result<u64> {
    let name = names::checkpoint(header.sequence);
    let definition = State::definition(&state.catalog)?;
    let make = || {
        let mut writer =
            Writer { file: vfs.create(&name)?, out: header.encode(), sum: header.seed(), bytes: 0 };
        writer.flush()?;
        writer.frame(tag::SCHEMA, |out| out.extend_from_slice(&definition))?;
        for stored in state.collections.iter().flatten() {
            let mut rows = stored.rows.iter().peekable();
            while rows.peek().is_some() {
                writer.frame(tag::ROWS, |out| {
                    push_number(out, stored.schema.id.0.into());
                    while out.len() < CHUNK
                        && let Some((_, row)) = rows.next()
                    {
                        push_bytes(out, row.as_bytes());
                    }
                })?;
            }
        }
        writer.frame(tag::END, |out| {
            for stored in state.collections.iter().flatten() {
                push_number(out, stored.schema.id.0.into());
                push_signed(out, stored.counter);
                push_number(out, stored.rows.len() as u64);
            }
        })?;
        writer.file.sync()?;
        vfs.sync()?;
        Ok(writer.bytes)
    };
    make().map_err(|error| failed("writing", &name, &error))
}

struct Writer {
    file: Box<dyn VfsFile>,
    out: Vec<u8>,
    sum: u32,
    bytes: u64,
}

impl Writer {
    fn frame(&mut self, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) -> std::io::Result<()> {
        self.out.extend_from_slice(&[0; HEAD]);
        self.out.push(tag);
        fill(&mut self.out);
        if self.out.len() - HEAD > frame::LONGEST {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.sum = frame::seal(&mut self.out, 0, self.sum);
        self.flush()
    }

    fn flush(&mut self) -> std::io::Result<()> {
        write_all(self.file.as_mut(), &self.out)?;
        self.bytes += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }
}

/// Reads the checkpoint of a version of a store; gives its bytes, too.
///
/// # Errors
/// `Corrupt` with what, where and what can be done; `NewerFormat`; `Storage`.
pub fn read(vfs: &dyn Vfs, store: &[u8; 16], sequence: u64) -> Result<(State, u64)> {
    let name = names::checkpoint(sequence);
    let io = |error: std::io::Error| failed("reading", &name, &error);
    let size = vfs.size(&name).map_err(io)?;
    let mut source = vfs.read(&name).map_err(io)?;
    let mut head = Vec::with_capacity(LENGTH);
    source.by_ref().take(LENGTH as u64).read_to_end(&mut head).map_err(io)?;
    let header = Header::decode(Kind::Checkpoint, &name, &head)?;
    let header = header
        .filter(|header| header.store == *store && header.sequence == sequence)
        .ok_or_else(|| damaged(&name, 0, "its header is wrong"))?;
    let mut frames = Frames::new(source, LENGTH as u64, size);
    let mut loading = Loading::default();
    let mut sum = header.seed();
    loop {
        let at = frames.at;
        match frames.next(sum).map_err(io)? {
            Next::Frame(contents, own) => {
                sum = own;
                loading.take(contents).map_err(|error| damaged(&name, at, &error.message))?;
            }
            Next::End => break,
            Next::Mark => return Err(damaged(&name, at, "it has an empty frame")),
            Next::Broken(why) => return Err(damaged(&name, at, why)),
        }
    }
    let mut state = loading.end().map_err(|error| damaged(&name, size, &error.message))?;
    state.sequence = sequence;
    Ok((state, size))
}

/// A checkpoint that is being read.
#[derive(Default)]
pub struct Loading {
    state: State,
    defined: bool,
    ended: bool,
    /// The collection whose rows are being read, and those read so far.
    current: Option<CollectionId>,
    rows: Vec<(Vec<u8>, Row)>,
}

impl Loading {
    pub fn take(&mut self, contents: &[u8]) -> Result<()> {
        let (tag, contents) = contents.split_first().ok_or_else(|| corrupt("a frame is empty"))?;
        match *tag {
            tag::SCHEMA if !self.defined => {
                self.defined = true;
                self.state.redefine(contents)
            }
            tag::ROWS if self.defined && !self.ended => {
                self.load(Reader::new(contents)).unwrap_or_else(|| Err(corrupt("rows are cut short")))
            }
            tag::END if self.defined && !self.ended => {
                self.ended = true;
                self.finish()?;
                self.close(Reader::new(contents)).unwrap_or_else(|| Err(corrupt("its end is cut short")))
            }
            _ => Err(corrupt("a frame is of an unknown kind or at the wrong place")),
        }
    }

    /// The version, once all of it was read.
    pub fn end(self) -> Result<State> {
        if self.ended { Ok(self.state) } else { Err(corrupt("its end is missing")) }
    }

    fn load(&mut self, mut parts: Reader<'_>) -> Option<Result<()>> {
        let id = CollectionId(u32::try_from(parts.number()?).ok()?);
        if self.current != Some(id) {
            if let Err(error) = self.finish() {
                return Some(Err(error));
            }
            self.current = Some(id);
        }
        let stored = match self.state.stored(Some(id)) {
            Ok(stored) => stored,
            Err(error) => return Some(Err(error)),
        };
        while !parts.is_empty() {
            match Row::from_bytes(parts.bytes()?) {
                Ok(row) => self.rows.push((stored.schema.primary_key(&row), row)),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(()))
    }

    /// Makes the collection of the rows that were read.
    fn finish(&mut self) -> Result<()> {
        if let Some(id) = self.current.take() {
            let rows = std::mem::take(&mut self.rows);
            self.state.stored(Some(id))?.rows = Tree::from_sorted(rows);
        }
        Ok(())
    }

    fn close(&mut self, mut parts: Reader<'_>) -> Option<Result<()>> {
        while !parts.is_empty() {
            let id = CollectionId(u32::try_from(parts.number()?).ok()?);
            let counter = parts.signed()?;
            let rows = parts.number()?;
            match self.state.stored(Some(id)) {
                Err(error) => return Some(Err(error)),
                Ok(stored) if stored.rows.len() as u64 != rows => {
                    return Some(Err(corrupt("a collection has not as many rows as it should")));
                }
                Ok(stored) => stored.counter = counter,
            }
        }
        Some(Ok(()))
    }
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, why)
}
