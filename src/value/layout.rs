//! How values lie in bytes.
//!
//! Rows, arrays and documents share one shape, *slots*: a header byte (width of
//! an offset in the low two bits, number of slots above; 63 says that the
//! number follows in 8 bytes), the table of the slots' ends, then their
//! contents. So any slot is found in constant time.
//!
//! A value is a tag byte and its payload; the slot says where it ends. An empty
//! slot is null. An integer takes as many bytes as it needs. A document has a
//! slot for each entry (length of the key, key, value) in the order given, and
//! a last one with the entries' numbers by ascending key, which is empty if
//! they are ascending anyway. All integers are little-endian.

use super::ValueRef;
use super::refs::{ArrayRef, DocRef};

pub(super) mod tag {
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const INT: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DECIMAL: u8 = 5;
    pub const DATE: u8 = 6;
    pub const TEXT: u8 = 7;
    pub const BYTES: u8 = 8;
    pub const ARRAY: u8 = 9;
    pub const DOC: u8 = 10;
}

/// The number of slots that no longer fits in the header byte.
const MANY: u8 = 63;

/// A view of slots.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a> {
    width: usize,
    table: &'a [u8],
    contents: &'a [u8],
}

impl<'a> Slots<'a> {
    /// Slots that were slots when they were written; from outside, `valid` asks
    /// once whether they are.
    #[inline]
    pub fn open(bytes: &'a [u8]) -> Self {
        let slots = Self::parse(bytes);
        debug_assert!(slots.is_some(), "stored slots are sound");
        slots.unwrap_or(Self { width: 1, table: &[], contents: &[] })
    }

    /// `None` where header or table are cut short.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&head, rest) = bytes.split_first()?;
        let width = 1 << (head & 3);
        let (count, rest) = match head >> 2 {
            MANY => {
                let (count, rest) = rest.split_first_chunk()?;
                (usize::try_from(u64::from_le_bytes(*count)).ok()?, rest)
            }
            few => (usize::from(few), rest),
        };
        let (table, contents) = rest.split_at_checked(count.checked_mul(width)?)?;
        Some(Self { width, table, contents })
    }

    pub fn len(self) -> usize {
        self.table.len() / self.width
    }

    #[inline]
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        if self.width != 1 {
            return self.get_wide(index);
        }
        // Most rows are short.
        let end = usize::from(*self.table.get(index)?);
        let start = if index == 0 { 0 } else { usize::from(*self.table.get(index - 1)?) };
        self.contents.get(start..end)
    }

    #[inline(never)]
    fn get_wide(self, index: usize) -> Option<&'a [u8]> {
        let end = self.end(index)?;
        let start = if index == 0 { 0 } else { self.end(index - 1)? };
        self.contents.get(start..end)
    }

    /// All that follows the table.
    pub fn contents(self) -> &'a [u8] {
        self.contents
    }

    /// Where a slot ends, counted from the start of the contents.
    #[inline]
    pub fn end(self, index: usize) -> Option<usize> {
        read_unsigned(self.table, self.width, index)
    }
}

/// Turns the contents that start at `start` into slots that end at `ends`
/// (counted from `start`), by putting header and table before them.
pub(super) fn seal(out: &mut Vec<u8>, start: usize, ends: &[usize]) {
    let length = out.len() - start;
    let (width_code, width) = match length {
        0..=0xff => (0, 1),
        0x100..=0xffff => (1, 2),
        0x1_0000..=0xffff_ffff => (2, 4),
        _ => (3, 8),
    };
    let few = u8::try_from(ends.len()).ok().filter(|&count| count < MANY);
    let before = if few.is_some() { 1 } else { 9 } + ends.len() * width;
    out.resize(out.len() + before, 0);
    out.copy_within(start..start + length, start + before);
    let (head, mut rest) = match out.get_mut(start..start + before).and_then(<[u8]>::split_first_mut) {
        Some(parts) => parts,
        None => return debug_assert!(false, "room was made above"),
    };
    *head = few.unwrap_or(MANY) << 2 | width_code;
    if few.is_none() {
        let (count, table) = rest.split_at_mut(8);
        count.copy_from_slice(&(ends.len() as u64).to_le_bytes());
        rest = table;
    }
    match width {
        // Most rows are short.
        1 => rest.iter_mut().zip(ends).for_each(|(field, end)| *field = *end as u8),
        _ => {
            for (field, end) in rest.chunks_exact_mut(width).zip(ends) {
                field.copy_from_slice(&(*end as u64).to_le_bytes()[..width]);
            }
        }
    }
}

/// Appends a value as the content of a slot.
pub(super) fn encode(out: &mut Vec<u8>, value: ValueRef) {
    match value {
        ValueRef::Null => {}
        ValueRef::Bool(false) => out.push(tag::FALSE),
        ValueRef::Bool(true) => out.push(tag::TRUE),
        ValueRef::Int(value) => encode_integer(out, tag::INT, value),
        ValueRef::Float(value) => encode_bytes(out, tag::FLOAT, &value.to_le_bytes()),
        ValueRef::Decimal(text) => encode_bytes(out, tag::DECIMAL, text.as_bytes()),
        ValueRef::Date(value) => encode_integer(out, tag::DATE, value),
        ValueRef::Text(text) => encode_bytes(out, tag::TEXT, text.as_bytes()),
        ValueRef::Bytes(bytes) => encode_bytes(out, tag::BYTES, bytes),
        ValueRef::Array(items) => encode_array(out, items),
        ValueRef::Doc(doc) => encode_doc(out, doc),
    }
}

fn encode_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn encode_integer(out: &mut Vec<u8>, tag: u8, value: i64) {
    // One bit more than the magnitude, for the sign; zero needs no byte.
    let bits = 64 - (value ^ (value >> 63)).leading_zeros() as usize;
    let length = if value == 0 { 0 } else { bits / 8 + 1 };
    encode_bytes(out, tag, &value.to_le_bytes()[..length]);
}

fn encode_array(out: &mut Vec<u8>, items: ArrayRef) {
    if let Some(bytes) = items.encoded() {
        return encode_bytes(out, tag::ARRAY, bytes);
    }
    out.push(tag::ARRAY);
    let start = out.len();
    let mut ends = Vec::with_capacity(items.len());
    for item in items {
        encode(out, item);
        ends.push(out.len() - start);
    }
    seal(out, start, &ends);
}

fn encode_doc(out: &mut Vec<u8>, doc: DocRef) {
    if let Some(bytes) = doc.encoded() {
        return encode_bytes(out, tag::DOC, bytes);
    }
    out.push(tag::DOC);
    let start = out.len();
    let mut ends = Vec::with_capacity(doc.len() + 1);
    let mut by_key = Vec::with_capacity(doc.len());
    for (index, (key, value)) in doc.iter().enumerate() {
        by_key.push((key, index));
        encode_length(out, key.len());
        out.extend_from_slice(key.as_bytes());
        encode(out, value);
        ends.push(out.len() - start);
    }
    if !by_key.is_sorted() {
        by_key.sort_unstable();
        let width = number_width(by_key.len());
        for (_, index) in by_key {
            out.extend_from_slice(&(index as u64).to_le_bytes()[..width]);
        }
    }
    ends.push(out.len() - start);
    seal(out, start, &ends);
}

/// Reads the content of a slot.
#[inline]
pub(super) fn decode(slot: &[u8]) -> ValueRef<'_> {
    let Some((&tag, payload)) = slot.split_first() else {
        return ValueRef::Null;
    };
    match tag {
        tag::INT => ValueRef::Int(read_integer(payload)),
        tag::TEXT => ValueRef::Text(text(payload)),
        tag::FALSE => ValueRef::Bool(false),
        tag::TRUE => ValueRef::Bool(true),
        tag::FLOAT => ValueRef::Float(payload.try_into().map_or(f64::NAN, f64::from_le_bytes)),
        tag::DECIMAL => ValueRef::Decimal(text(payload)),
        tag::DATE => ValueRef::Date(read_integer(payload)),
        tag::BYTES => ValueRef::Bytes(payload),
        tag::ARRAY => ValueRef::Array(ArrayRef::of_encoded(payload)),
        tag::DOC => ValueRef::Doc(DocRef::of_encoded(payload)),
        _ => ValueRef::Null,
    }
}

/// The bytes of a text in the content of a slot; `None` where it is something else.
#[inline]
pub(super) fn text_bytes(slot: &[u8]) -> Option<&[u8]> {
    match slot.split_first() {
        Some((&tag::TEXT, payload)) => Some(payload),
        _ => None,
    }
}

/// The number in the content of a slot; `None` where it is something else.
#[inline]
pub(super) fn number(slot: &[u8]) -> Option<f64> {
    match slot.split_first()? {
        (&tag::INT, payload) => Some(read_integer(payload) as f64),
        (&tag::FLOAT, payload) => Some(f64::from_le_bytes(payload.try_into().ok()?)),
        _ => None,
    }
}

/// Text that was text when it was encoded.
#[inline]
pub(super) fn text(bytes: &[u8]) -> &str {
    let text = std::str::from_utf8(bytes);
    debug_assert!(text.is_ok(), "stored text is valid UTF-8");
    text.unwrap_or_default()
}

/// Reads from both ends at once what lies between two and eight bytes: where
/// the halves overlap they agree.
#[inline]
fn read_integer(bytes: &[u8]) -> i64 {
    if let (Some(&low), Some(&high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = i64::from(i32::from_le_bytes(high)).wrapping_shl(8 * (bytes.len() as u32 - 4));
        return high | i64::from(u32::from_le_bytes(low));
    }
    if let (Some(&low), Some(&high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = i64::from(i16::from_le_bytes(high)) << (8 * (bytes.len() - 2));
        return high | i64::from(u16::from_le_bytes(low));
    }
    bytes.first().map_or(0, |&byte| i64::from(byte as i8))
}

/// The number at a position in a table of numbers of this many bytes.
#[inline]
fn read_unsigned(table: &[u8], width: usize, index: usize) -> Option<usize> {
    let field = table.get(index.checked_mul(width)?..)?;
    Some(match width {
        1 => (*field.first()?).into(),
        2 => u16::from_le_bytes(*field.first_chunk()?).into(),
        // On a machine of 32 bits nothing that long can be in memory.
        4 => usize::try_from(u32::from_le_bytes(*field.first_chunk()?)).ok()?,
        _ => usize::try_from(u64::from_le_bytes(*field.first_chunk()?)).ok()?,
    })
}

/// A length in groups of 7 bits, lowest first; the high bit says that more follow.
fn encode_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Splits an entry of a document into key and value.
pub(super) fn split_entry(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0usize;
    for (index, &byte) in entry.iter().enumerate().take(9) {
        length |= usize::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte < 0x80 {
            return entry.get(index + 1..)?.split_at_checked(length);
        }
    }
    None
}

/// How many entries the slots of a document hold.
pub(super) fn entry_count(doc: Slots) -> usize {
    doc.len().saturating_sub(1)
}

/// The key and the value of an entry, by its position.
pub(super) fn entry(doc: Slots<'_>, index: usize) -> Option<(&[u8], &[u8])> {
    if index < entry_count(doc) { split_entry(doc.get(index)?) } else { None }
}

/// The positions of a document's entries by ascending key.
#[derive(Clone, Copy)]
pub(super) struct KeyOrder<'a> {
    numbers: &'a [u8],
    width: usize,
}

impl<'a> KeyOrder<'a> {
    pub fn of(doc: Slots<'a>) -> Option<Self> {
        let count = entry_count(doc);
        Some(Self { numbers: doc.get(count)?, width: number_width(count) })
    }

    /// Bytes of the order as stored; none where it is that of the entries.
    pub fn stored_len(self) -> usize {
        self.numbers.len()
    }

    #[inline]
    pub fn position(self, rank: usize) -> Option<usize> {
        if self.numbers.is_empty() { Some(rank) } else { read_unsigned(self.numbers, self.width, rank) }
    }
}

/// The value of a key, by binary search; of equal keys the last.
pub(super) fn find_entry<'a>(doc: Slots<'a>, key: &str) -> Option<&'a [u8]> {
    let order = KeyOrder::of(doc)?;
    let at_rank = |rank| split_entry(doc.get(order.position(rank)?)?);
    let (mut low, mut high) = (0, entry_count(doc));
    while low < high {
        let middle = low + (high - low) / 2;
        if at_rank(middle)?.0 <= key.as_bytes() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let (found, value) = at_rank(low.checked_sub(1)?)?;
    (found == key.as_bytes()).then_some(value)
}

/// Bytes that the number of one of `count` entries takes.
pub(super) fn number_width(count: usize) -> usize {
    match count {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 8,
    }
}
