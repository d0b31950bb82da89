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

/// So many bytes are brought to the disk at a time: a commit that is to be synced meanwhile waits for no more than these.
const PORTION: u64 = 256 << 10;

/// Writes a version; it is on the disk when this returns. Gives its bytes.
pub fn write(vfs: &dyn Vfs, header: &Header, state: &State) -> Result<u64> {
    let name = names::checkpoint(header.sequence);
    let definition = State::definition(&state.catalog)?;
    let make = || {
        let (out, sum) = (header.encode(), header.seed());
        let mut writer = Writer { file: vfs.create(&name)?, out, sum, bytes: 0, synced: 0 };
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
    /// So many of them are on the disk.
    synced: u64,
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
        if self.bytes - self.synced >= PORTION {
            self.file.sync()?;
            self.synced = self.bytes;
        }
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

/// The contents of a frame.
pub enum Frame<'a> {
    /// The definition as JSON.
    Schema(&'a [u8]),
    /// Rows of a collection.
    Rows(CollectionId, Rows<'a>),
    /// What there was of each collection.
    End(Ends<'a>),
}

/// Rows as bytes; `None` where they are cut short.
pub struct Rows<'a>(Reader<'a>);

/// Number, counter and number of rows of collections; `None` where they are cut short.
pub struct Ends<'a>(Reader<'a>);

impl<'a> Frame<'a> {
    pub fn open(contents: &'a [u8]) -> Option<Self> {
        let (tag, contents) = contents.split_first()?;
        let mut parts = Reader::new(contents);
        match *tag {
            tag::SCHEMA => Some(Self::Schema(contents)),
            tag::ROWS => {
                let id = u32::try_from(parts.number()?).ok()?;
                Some(Self::Rows(CollectionId(id), Rows(parts)))
            }
            tag::END => Some(Self::End(Ends(parts))),
            _ => None,
        }
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| self.0.bytes())
    }
}

impl Iterator for Ends<'_> {
    type Item = Option<(CollectionId, i64, u64)>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| {
            let id = u32::try_from(self.0.number()?).ok()?;
            Some((CollectionId(id), self.0.signed()?, self.0.number()?))
        })
    }
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
        match Frame::open(contents) {
            Some(Frame::Schema(json)) if !self.defined => {
                self.defined = true;
                self.state.redefine(json)
            }
            Some(Frame::Rows(id, rows)) if self.defined && !self.ended => self.load(id, rows),
            Some(Frame::End(ends)) if self.defined && !self.ended => {
                self.ended = true;
                self.finish()?;
                ends.into_iter().try_for_each(|end| self.close(end))
            }
            _ => Err(corrupt("a frame is of an unknown kind or at the wrong place")),
        }
    }

    /// The version, once all of it was read.
    pub fn end(self) -> Result<State> {
        if self.ended { Ok(self.state) } else { Err(corrupt("its end is missing")) }
    }

    fn load(&mut self, id: CollectionId, rows: Rows<'_>) -> Result<()> {
        if self.current != Some(id) {
            self.finish()?;
            self.current = Some(id);
        }
        let stored = self.state.stored(Some(id))?;
        for row in rows {
            let row = Row::from_bytes(row.ok_or_else(|| corrupt("rows are cut short"))?)?;
            let key = stored.schema.primary_key(&row);
            if self.rows.last().is_some_and(|(last, _)| *last >= key) {
                return Err(corrupt("rows are out of order"));
            }
            self.rows.push((key, row));
        }
        Ok(())
    }

    /// Makes the collection of the rows that were read.
    fn finish(&mut self) -> Result<()> {
        if let Some(id) = self.current.take() {
            let rows = std::mem::take(&mut self.rows);
            self.state.stored(Some(id))?.rows = Tree::from_sorted(rows);
        }
        Ok(())
    }

    fn close(&mut self, end: Option<(CollectionId, i64, u64)>) -> Result<()> {
        let (id, counter, rows) = end.ok_or_else(|| corrupt("its end is cut short"))?;
        let stored = self.state.stored(Some(id))?;
        if stored.rows.len() as u64 != rows {
            return Err(corrupt("a collection has not as many rows as it should"));
        }
        stored.counter = counter;
        Ok(())
    }
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, why)
}
