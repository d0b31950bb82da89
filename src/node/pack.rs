//! Rows on their way out: numbers into a buffer shared with JavaScript, all
//! text into one string.

use crate::query::{Sink, Wire};
use crate::value::{ArrayRef, DocRef, ValueRef};

/// What each value of a document begins with. `driver/native/pack.ts` has the same list.
pub(super) mod tag {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const NUMBER: u8 = 3;
    pub const TEXT: u8 = 4;
    pub const DATE: u8 = 5;
    pub const BYTES: u8 = 6;
    pub const ARRAY: u8 = 7;
    pub const DOCUMENT: u8 = 8;
    pub const BIGINT: u8 = 9;
    pub const DECIMAL: u8 = 10;
    pub const ABSENT: u8 = 11;
}

/// The length that stands for a null text.
const NULL_TEXT: f64 = -1.0;

/// The text, in UTF-16 units, after which no row is added: far below the longest
/// string of any JavaScript engine, so that no number of rows comes near it.
const MOST_TEXT: usize = 1 << 20;

/// The largest whole number up to which every whole number is a double.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The text of a chunk, one byte a character as long as that will do.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Of these bytes the first `used` are the text; the others are room.
    latin1: Vec<u8>,
    used: usize,
    /// All of the text, once a character beyond Latin-1 came.
    wide: Option<Vec<u16>>,
}

/// A text in the form that JavaScript takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PackedText<'a> {
    /// A byte a character.
    Latin1(&'a [u8]),
    /// UTF-16 units.
    Wide(&'a [u16]),
}

impl Text {
    /// Empties the text, keeping its memory unless that is large.
    pub(super) fn clear(&mut self) {
        const LARGEST_KEPT: usize = 1 << 20;
        self.wide = None;
        self.used = 0;
        if self.latin1.len() > LARGEST_KEPT {
            self.latin1 = Vec::new();
        }
    }

    /// How long it is, in UTF-16 units.
    pub(super) fn len(&self) -> usize {
        self.wide.as_ref().map_or(self.used, Vec::len)
    }

    /// The whole text.
    pub(super) fn as_packed(&self) -> PackedText<'_> {
        match &self.wide {
            Some(units) => PackedText::Wide(units),
            None => PackedText::Latin1(self.latin1()),
        }
    }

    /// Appends a text and tells its length in UTF-16 units.
    fn push(&mut self, text: &str) -> usize {
        if let Some(wide) = &mut self.wide {
            let before = wide.len();
            wide.extend(text.encode_utf16());
            return wide.len() - before;
        }
        if self.push_ascii(text.as_bytes()) {
            return text.len();
        }
        let before = self.used;
        // A character takes at least as many bytes in UTF-8.
        let room = self.room(text.len());
        let mut length = 0;
        for (place, character) in room.iter_mut().zip(text.chars()) {
            let Ok(byte) = u8::try_from(u32::from(character)) else {
                self.widen();
                return self.push(text);
            };
            *place = byte;
            length += 1;
        }
        self.used = before + length;
        length
    }

    /// Appends a text that is nothing but ASCII, where the text takes a byte a character so far; tells whether it did.
    #[inline]
    fn push_ascii(&mut self, text: &[u8]) -> bool {
        let ascii = self.wide.is_none() && copy_ascii(text, self.room(text.len()));
        if ascii {
            self.used += text.len();
        }
        ascii
    }

    /// Appends bytes, each as the character of its number.
    fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        match &mut self.wide {
            Some(wide) => wide.extend(bytes.iter().map(|&byte| u16::from(byte))),
            None => {
                self.room(bytes.len()).copy_from_slice(bytes);
                self.used += bytes.len();
            }
        }
        bytes.len()
    }

    fn latin1(&self) -> &[u8] {
        self.latin1.get(..self.used).unwrap_or_default()
    }

    /// Room for so many bytes more.
    #[inline]
    fn room(&mut self, length: usize) -> &mut [u8] {
        let end = self.used + length;
        if end > self.latin1.len() {
            self.grow(end);
        }
        self.latin1.get_mut(self.used..end).unwrap_or_default()
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        self.latin1.resize(end.next_power_of_two().max(1024), 0);
    }

    fn widen(&mut self) {
        self.wide = Some(self.latin1().iter().map(|&byte| u16::from(byte)).collect());
        self.latin1 = Vec::new();
        self.used = 0;
    }
}

/// Copies a text to where there is room for just that; whether all of it is ASCII. What is left at the end is
/// copied with what was before it.
#[inline]
fn copy_ascii(text: &[u8], room: &mut [u8]) -> bool {
    const ABOVE_ASCII: u128 = u128::from_ne_bytes([0x80; 16]);
    let mut seen = 0;
    if let Some(last) = text.last_chunk() {
        for (from, to) in text.as_chunks::<16>().0.iter().zip(room.as_chunks_mut::<16>().0) {
            *to = *from;
            seen |= u128::from_ne_bytes(*from);
        }
        if let Some(place) = room.last_chunk_mut() {
            *place = *last;
        }
        seen |= u128::from_ne_bytes(*last);
    } else {
        seen = copy_few(text, room);
    }
    seen & ABOVE_ASCII == 0
}
/// As [`copy_ascii`], of fewer than 16 bytes; gives all bits that were seen.
#[inline]
fn copy_few(text: &[u8], room: &mut [u8]) -> u128 {
    if let (Some(&first), Some(&last)) = (text.first_chunk(), text.last_chunk()) {
        for (place, bytes) in [(0, first), (text.len() - 8, last)] {
            if let Some(place) = room.get_mut(place..place + 8) {
                place.copy_from_slice(&bytes);
            }
        }
        return (u64::from_ne_bytes(first) | u64::from_ne_bytes(last)).into();
    }
    let mut seen = 0;
    for (from, to) in text.iter().zip(room) {
        *to = *from;
        seen |= from;
    }
    u128::from_ne_bytes([seen; 16])
}

/// Packs rows into a slice; what does not fit is counted and kept beside it.
#[derive(Debug)]
pub(super) struct Packer<'a> {
    slots: &'a mut [f64],
    used: usize,
    /// The slots beyond the end of the slice.
    overflow: Vec<f64>,
    text: &'a mut Text,
}

impl<'a> Packer<'a> {
    pub(super) fn new(slots: &'a mut [f64], text: &'a mut Text) -> Self {
        Self { slots, used: 0, overflow: Vec::new(), text }
    }

    /// How many slots of the slice are used.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// What did not fit into the slice; empty when all did.
    pub(super) fn into_overflow(self) -> Vec<f64> {
        self.overflow
    }

    #[inline]
    fn slot(&mut self, value: f64) {
        match self.slots.get_mut(self.used) {
            Some(slot) => {
                *slot = value;
                self.used += 1;
            }
            None => self.overflow.push(value),
        }
    }

    fn tagged(&mut self, tag: u8, payload: f64) {
        self.slot(f64::from(tag));
        self.slot(payload);
    }

    fn tagged_text(&mut self, tag: u8, text: &str) {
        let length = self.text.push(text);
        self.tagged(tag, length as f64);
    }

    fn document(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.slot(f64::from(tag::NULL)),
            ValueRef::Bool(value) => self.slot(f64::from(if value { tag::TRUE } else { tag::FALSE })),
            ValueRef::Int(value) if value.unsigned_abs() > SAFE_INTEGER => {
                self.tagged_text(tag::BIGINT, &value.to_string());
            }
            ValueRef::Int(value) => self.tagged(tag::NUMBER, value as f64),
            ValueRef::Float(value) => self.tagged(tag::NUMBER, value),
            ValueRef::Decimal(value) => self.tagged_text(tag::DECIMAL, value),
            ValueRef::Date(value) => self.tagged(tag::DATE, value as f64),
            ValueRef::Text(value) => self.tagged_text(tag::TEXT, value),
            ValueRef::Bytes(value) => {
                let length = self.text.push_bytes(value);
                self.tagged(tag::BYTES, length as f64);
            }
            ValueRef::Array(items) => self.array(items),
            ValueRef::Doc(entries) => self.entries(entries),
        }
    }

    fn array(&mut self, items: ArrayRef<'_>) {
        self.tagged(tag::ARRAY, items.len() as f64);
        for item in items.iter() {
            self.document(item);
        }
    }

    fn entries(&mut self, entries: DocRef<'_>) {
        self.tagged(tag::DOCUMENT, entries.len() as f64);
        for (key, item) in entries.iter() {
            let length = self.text.push(key);
            self.slot(length as f64);
            self.document(item);
        }
    }
}

impl Sink for Packer<'_> {
    fn null(&mut self, wire: Wire) {
        self.slot(match wire {
            Wire::Number | Wire::Bool | Wire::Date => f64::NAN,
            Wire::Text | Wire::Decimal | Wire::Bigint | Wire::Bytes => NULL_TEXT,
            Wire::Json => f64::from(tag::NULL),
        });
    }

    fn number(&mut self, value: f64) {
        self.slot(value);
    }

    fn bool(&mut self, value: bool) {
        self.slot(f64::from(u8::from(value)));
    }

    fn bigint(&mut self, value: i64) {
        self.text(&value.to_string());
    }

    fn text(&mut self, value: &str) {
        let length = self.text.push(value);
        self.slot(length as f64);
    }

    fn text_bytes(&mut self, value: &[u8]) {
        if self.text.push_ascii(value) {
            self.slot(value.len() as f64);
        } else {
            self.text(std::str::from_utf8(value).unwrap_or_default());
        }
    }

    fn bytes(&mut self, value: &[u8]) {
        let length = self.text.push_bytes(value);
        self.slot(length as f64);
    }

    fn json(&mut self, value: ValueRef<'_>) {
        self.document(value);
    }

    fn one(&mut self, present: bool) {
        self.bool(present);
    }

    fn many(&mut self, rows: usize) {
        self.slot(rows as f64);
    }

    fn is_full(&self) -> bool {
        self.text.len() >= MOST_TEXT || !self.overflow.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn packed(room: usize, pack: impl FnOnce(&mut Packer<'_>)) -> (Vec<f64>, Vec<f64>, String, bool) {
        let mut slots = vec![f64::MIN; room];
        let mut text = Text::default();
        let mut packer = Packer::new(&mut slots, &mut text);
        pack(&mut packer);
        let used = packer.used();
        let overflow = packer.into_overflow();
        slots.truncate(used);
        let (text, wide) = match text.as_packed() {
            PackedText::Latin1(bytes) => (bytes.iter().map(|&byte| char::from(byte)).collect(), false),
            PackedText::Wide(units) => (String::from_utf16(units).unwrap(), true),
        };
        (slots, overflow, text, wide)
    }

    #[test]
    fn latin_text_takes_a_byte_a_character_and_lengths_count_characters() {
        let (slots, _, text, wide) = packed(8, |packer| {
            packer.text("plain");
            packer.text("né");
            packer.bytes(&[0, 255]);
        });
        assert_eq!(slots, [5.0, 2.0, 2.0]);
        assert_eq!(text, "plainné\0ÿ");
        assert!(!wide);
    }

    #[test]
    fn texts_of_every_length_arrive_whole_whatever_is_beyond_ascii_in_them() {
        for length in 0..70 {
            let plain: String = ('!'..).take(length).collect();
            let (slots, _, text, wide) = packed(4, |packer| {
                packer.text("before");
                packer.text(&plain);
                packer.text("after");
            });
            assert_eq!((slots[1], wide), (length as f64, false));
            assert_eq!(text, format!("before{plain}after"));
            for place in 0..length {
                for (other, wide) in [('ÿ', false), ('я', true)] {
                    let mixed: String =
                        plain.chars().enumerate().map(|(i, c)| if i == place { other } else { c }).collect();
                    let (slots, _, text, is_wide) = packed(4, |packer| {
                        packer.text("before");
                        packer.text_bytes(mixed.as_bytes());
                        packer.text("after");
                    });
                    assert_eq!((slots[1], is_wide), (length as f64, wide));
                    assert_eq!(text, format!("before{mixed}after"));
                }
            }
        }
    }

    #[test]
    fn one_wider_character_widens_all_of_the_chunk_and_lengths_count_utf16_units() {
        let (slots, _, text, wide) = packed(8, |packer| {
            packer.text("é");
            packer.text("né😀");
            packer.bytes(&[200]);
            packer.text("end");
        });
        assert_eq!(slots, [1.0, 4.0, 1.0, 3.0]);
        assert_eq!(text, "éné😀Èend");
        assert!(wide);
    }

    #[test]
    fn what_does_not_fit_is_kept_beside() {
        let (slots, overflow, ..) = packed(2, |packer| (0..5).for_each(|i| packer.number(f64::from(i))));
        assert_eq!(slots, [0.0, 1.0]);
        assert_eq!(overflow, [2.0, 3.0, 4.0]);
    }

    #[test]
    fn nulls_are_what_no_value_of_their_wire_is() {
        let (slots, ..) = packed(8, |packer| {
            for wire in [Wire::Number, Wire::Bool, Wire::Date, Wire::Text, Wire::Bytes, Wire::Json] {
                packer.null(wire);
            }
        });
        assert!(slots[..3].iter().all(|slot| slot.is_nan()));
        assert_eq!(slots[3..], [-1.0, -1.0, 0.0]);
    }

    #[test]
    fn documents_are_tagged_and_large_integers_keep_their_digits() {
        let document = Value::Doc(vec![
            ("a".into(), Value::Array(vec![Value::Null, Value::Bool(true), Value::Float(0.5)])),
            ("big".into(), Value::Int(i64::MAX)),
        ]);
        let (slots, _, text, _) = packed(32, |packer| packer.json(document.as_ref()));
        assert_eq!(text, "abig9223372036854775807");
        assert_eq!(slots, [8., 2., 1., 7., 3., 0., 2., 3., 0.5, 3., 9., 19.]);
    }
}
