//! Frames: a length, a checksum (CRC32C) and that many bytes.
//!
//! A frame without bytes is a mark. It says that everything before it was on the
//! disk when it was written. So a torn end can be told from damage: behind what
//! the loss of power has torn, there is no mark.

use std::io::{self, BufRead, BufReader, Read};

/// The bytes before the contents of a frame, and of a mark.
pub const HEAD: usize = 8;
/// The longest contents of a frame.
pub const LONGEST: usize = u32::MAX as usize;

/// Turns the bytes from `start` on, the first [`HEAD`] of which are room for it, into a frame.
pub fn seal(out: &mut [u8], start: usize, seed: u32) -> u32 {
    let Some((head, contents)) = out.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(HEAD))
    else {
        return seed;
    };
    let length = (contents.len() as u32).to_le_bytes();
    let sum = checksum(seed, length, contents);
    let (first, second) = head.split_at_mut(4);
    first.copy_from_slice(&length);
    second.copy_from_slice(&sum.to_le_bytes());
    sum
}

/// The mark at a place of a file.
pub fn mark(seed: u32, at: u64) -> [u8; HEAD] {
    let mut mark = [0; HEAD];
    let (_, sum) = mark.split_at_mut(4);
    sum.copy_from_slice(&crc32c::crc32c_append(seed, &at.to_le_bytes()).to_le_bytes());
    mark
}

/// The checksum of a frame.
pub fn checksum(seed: u32, length: [u8; 4], contents: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &length), contents)
}

/// What comes next in a file.
pub enum Next<'a> {
    /// The contents of a frame, and its checksum.
    Frame(&'a [u8], u32),
    Mark,
    End,
    Broken(&'static str),
}

/// Reads frames one after another, never more than the file has.
pub struct Frames {
    source: BufReader<Box<dyn Read + Send>>,
    /// Where the next frame begins.
    pub at: u64,
    size: u64,
    contents: Vec<u8>,
}

impl Frames {
    /// Reads on behind the header of a file.
    pub fn new(source: Box<dyn Read + Send>, at: u64, size: u64) -> Self {
        Self { source: BufReader::with_capacity(1 << 18, source), at, size, contents: Vec::new() }
    }

    pub fn next(&mut self, seed: u32) -> io::Result<Next<'_>> {
        let left = self.size.saturating_sub(self.at);
        if left == 0 {
            return Ok(Next::End);
        }
        if left < HEAD as u64 {
            return Ok(Next::Broken("it ends within the head of a frame"));
        }
        let (mut length, mut sum) = ([0; 4], [0; 4]);
        self.source.read_exact(&mut length)?;
        self.source.read_exact(&mut sum)?;
        if length == [0; 4] {
            if !mark(seed, self.at).ends_with(&sum) {
                return Ok(Next::Broken("a mark is at the wrong place"));
            }
            self.at += HEAD as u64;
            return Ok(Next::Mark);
        }
        let contents = u64::from(u32::from_le_bytes(length));
        if contents > left - HEAD as u64 {
            return Ok(Next::Broken("it ends within a frame"));
        }
        self.contents.clear();
        let read = self.source.by_ref().take(contents).read_to_end(&mut self.contents)?;
        if read as u64 != contents {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let sum = u32::from_le_bytes(sum);
        if checksum(seed, length, &self.contents) != sum {
            return Ok(Next::Broken("the checksum of a frame is wrong"));
        }
        self.at += HEAD as u64 + contents;
        Ok(Next::Frame(&self.contents, sum))
    }
}

/// Whether a file has nothing but zeroes from a place on.
pub fn only_zeroes(mut source: impl Read, from: u64) -> io::Result<bool> {
    io::copy(&mut source.by_ref().take(from), &mut io::sink())?;
    let mut source = BufReader::new(source);
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() || bytes.iter().any(|byte| *byte != 0) {
            return Ok(bytes.is_empty());
        }
        let count = bytes.len();
        source.consume(count);
    }
}

/// Whether a mark begins anywhere in a file from a place on.
pub fn any_mark(mut source: impl Read, from: u64, seed: u32) -> io::Result<bool> {
    io::copy(&mut source.by_ref().take(from), &mut io::sink())?;
    let mut window = [1; HEAD];
    let mut end = from;
    for byte in BufReader::new(source).bytes() {
        window.rotate_left(1);
        if let Some(last) = window.last_mut() {
            *last = byte?;
        }
        end += 1;
        if window.starts_with(&[0; 4]) && end >= from + HEAD as u64 && window == mark(seed, end - HEAD as u64)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
