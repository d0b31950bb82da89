//! The beginning of every file: what it is, of which store, and in which format.

use crate::error::{Error, ErrorCode, Result};

/// The version of the formats that this code writes.
pub const FORMAT: u32 = 1;
/// The bytes of a header.
pub const LENGTH: usize = 48;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Manifest,
    Segment,
    Checkpoint,
}

impl Kind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Manifest => b"CSTOREmf",
            Self::Segment => b"CSTORElg",
            Self::Checkpoint => b"CSTOREcp",
        }
    }
}

/// The beginning of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    /// The store's own number, by chance, so that files of two are not mixed up.
    pub store: [u8; 16],
    /// The number of a segment; of the first that counts, in a manifest.
    pub segment: u64,
    /// The version that a segment stands on, or of the checkpoint; 0 for none.
    pub sequence: u64,
}

impl Header {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH);
        out.extend_from_slice(self.kind.magic());
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&self.store);
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.seed().to_le_bytes());
        out
    }

    /// What the checksums of the file begin with: frames of one file are none in another.
    pub fn seed(&self) -> u32 {
        let mut sum = crc32c::crc32c(self.kind.magic());
        sum = crc32c::crc32c_append(sum, &FORMAT.to_le_bytes());
        sum = crc32c::crc32c_append(sum, &self.store);
        sum = crc32c::crc32c_append(sum, &self.segment.to_le_bytes());
        crc32c::crc32c_append(sum, &self.sequence.to_le_bytes())
    }

    /// The header of a file of a kind; `None` if these bytes are none.
    ///
    /// # Errors
    /// `NewerFormat` if it was written by a version of this software that is yet to come.
    pub fn decode(kind: Kind, name: &str, bytes: &[u8]) -> Result<Option<Self>> {
        let Some((format, header)) = parse(kind, bytes) else { return Ok(None) };
        if format > FORMAT {
            return Err(newer(name, format));
        }
        Ok(header.filter(|_| format == FORMAT))
    }
}

/// The refusal of a file whose format is yet to come.
pub fn newer(name: &str, format: u32) -> Error {
    let message = format!(
        "{name} has format {format}, and this version of the software knows formats up to {FORMAT}: open it with a newer version"
    );
    Error::new(ErrorCode::NewerFormat, message)
}

/// The format of a whole header, if that is one that is yet to come. A header
/// keeps its form in all formats.
pub fn newer_format(kind: Kind, bytes: &[u8]) -> Option<u32> {
    let (head, sum) = bytes.get(..LENGTH)?.split_last_chunk()?;
    let (format, _) = head.strip_prefix(kind.magic())?.split_first_chunk()?;
    let format = u32::from_le_bytes(*format);
    (format > FORMAT && crc32c::crc32c(head) == u32::from_le_bytes(*sum)).then_some(format)
}

/// The format, and the header if its checksum is right.
fn parse(kind: Kind, bytes: &[u8]) -> Option<(u32, Option<Header>)> {
    let rest = bytes.strip_prefix(kind.magic())?;
    let (format, rest) = rest.split_first_chunk()?;
    let format = u32::from_le_bytes(*format);
    let (store, rest) = rest.split_first_chunk()?;
    let (segment, rest) = rest.split_first_chunk()?;
    let (sequence, rest) = rest.split_first_chunk()?;
    let (sum, _) = rest.split_first_chunk()?;
    let header = Header {
        kind,
        store: *store,
        segment: u64::from_le_bytes(*segment),
        sequence: u64::from_le_bytes(*sequence),
    };
    Some((format, (header.seed() == u32::from_le_bytes(*sum)).then_some(header)))
}
