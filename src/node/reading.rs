//! Reading the rows of a cursor, chunk by chunk.

use super::pack::{Packer, Text};
use crate::error::{Error, ErrorCode, Result};
use crate::query::Cursor;

/// The most rows of a chunk. JavaScript's substrings keep the text of their
/// chunk alive, so one surviving string holds no more than this.
const MOST_ROWS: usize = 256;

/// The places in the output before the rows: affected or counted, rows in this
/// chunk, handle of the cursor if there is more, and the capacity needed if the
/// output was too small, in which case it holds no rows yet.
const HEADER: usize = 4;
const AFFECTED: usize = 0;
const ROWS: usize = 1;
const CURSOR: usize = 2;
const NEEDED: usize = 3;

/// A cursor and a chunk of it that waits for a larger output.
pub(super) struct Reading {
    cursor: Cursor,
    waiting: Option<Waiting>,
}

struct Waiting {
    rows: usize,
    slots: Vec<f64>,
    text: Text,
}

impl Reading {
    pub(super) fn new(cursor: Cursor) -> Self {
        Self { cursor, waiting: None }
    }

    /// Packs the next chunk into the output; tells whether there is more to read.
    pub(super) fn read(&mut self, output: &mut [f64], text: &mut Text) -> Result<bool> {
        text.clear();
        let (header, room) = output.split_at_mut_checked(HEADER).ok_or_else(too_small)?;
        header.fill(0.0);
        if let Some(waiting) = self.waiting.take() {
            return self.deliver(waiting, header, room, text);
        }
        let mut packer = Packer::new(room, text);
        let rows = self.cursor.next_chunk(MOST_ROWS, &mut packer)?;
        let used = packer.used();
        let overflow = packer.into_overflow();
        if overflow.is_empty() {
            set(header, ROWS, rows);
            return Ok(!self.cursor.is_done());
        }
        let mut slots = room.get(..used).unwrap_or_default().to_vec();
        slots.extend(overflow);
        set(header, NEEDED, HEADER + slots.len());
        self.waiting = Some(Waiting { rows, slots, text: std::mem::take(text) });
        Ok(true)
    }

    fn deliver(
        &mut self,
        waiting: Waiting,
        header: &mut [f64],
        room: &mut [f64],
        text: &mut Text,
    ) -> Result<bool> {
        match room.get_mut(..waiting.slots.len()) {
            Some(slots) => {
                slots.copy_from_slice(&waiting.slots);
                set(header, ROWS, waiting.rows);
                *text = waiting.text;
                Ok(!self.cursor.is_done())
            }
            None => {
                set(header, NEEDED, HEADER + waiting.slots.len());
                self.waiting = Some(waiting);
                Ok(true)
            }
        }
    }
}

/// Says in the output how many rows a statement affected.
pub(super) fn set_affected(output: &mut [f64], affected: u64) {
    if let Some(slot) = output.get_mut(AFFECTED) {
        *slot = affected as f64;
    }
}

/// Says in the output which cursor goes on.
pub(super) fn set_cursor(output: &mut [f64], cursor: f64) {
    if let Some(slot) = output.get_mut(CURSOR) {
        *slot = cursor;
    }
}

fn set(header: &mut [f64], place: usize, value: usize) {
    if let Some(slot) = header.get_mut(place) {
        *slot = value as f64;
    }
}

fn too_small() -> Error {
    Error::new(ErrorCode::Internal, format!("The output buffer needs at least {HEADER} slots."))
}
