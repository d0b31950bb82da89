//! Reading the rows of a cursor, chunk by chunk.

use std::collections::VecDeque;

use super::pack::{Packer, Text};
use crate::error::{Error, ErrorCode, Result};
use crate::query::{Cursor, Params, Plan, Session};

/// The most rows of a chunk. JavaScript's substrings keep the text of their
/// chunk alive, so one surviving string holds no more than this.
const MOST_ROWS: usize = 256;

/// How much is packed ahead, in slots and characters.
const MOST_AHEAD: usize = 1 << 21;
/// The slots that most chunks find room in.
const ROOM: usize = 8192;

/// The places in the output before the rows: affected or counted, rows in this
/// chunk, handle of the cursor if there is more, and the capacity needed if the
/// output was too small, in which case it holds no rows yet; of a statement that
/// is to be run in a thread, -1.
const HEADER: usize = 4;
const AFFECTED: usize = 0;
const ROWS: usize = 1;
const CURSOR: usize = 2;
const NEEDED: usize = 3;

/// A cursor and what has been packed of it.
pub struct Reading {
    cursor: Cursor,
    affected: u64,
    /// Chunks that wait to be asked for, or for a larger output.
    waiting: VecDeque<Waiting>,
}

/// A packed chunk.
struct Waiting {
    rows: usize,
    slots: Vec<f64>,
    text: Text,
}

impl Reading {
    pub(super) fn new(cursor: Cursor, affected: u64) -> Self {
        Self { cursor, affected, waiting: VecDeque::new() }
    }

    /// Packs chunks that nobody has asked for yet.
    pub(super) fn pack_ahead(&mut self) -> Result<()> {
        let mut room = vec![0.0; ROOM];
        let mut packed = 0;
        while packed < MOST_AHEAD && !self.cursor.is_done() {
            let mut text = Text::default();
            let mut packer = Packer::new(&mut room, &mut text);
            let rows = self.cursor.next_chunk(MOST_ROWS, &mut packer)?;
            let used = packer.used();
            let overflow = packer.into_overflow();
            if rows > 0 {
                let slots = [room.get(..used).unwrap_or_default(), &overflow].concat();
                packed += slots.len() + text.len();
                self.waiting.push_back(Waiting { rows, slots, text });
            }
        }
        if self.cursor.is_done() {
            // Letting go of what it was made of takes long, too.
            self.cursor = Cursor::empty();
        }
        Ok(())
    }

    /// What is read from now on may take its time.
    pub(super) fn relax(&self) {
        self.cursor.relax();
    }

    /// Packs the next chunk into the output; tells whether there is more to read.
    pub(super) fn read(&mut self, output: &mut [f64], text: &mut Text) -> Result<bool> {
        text.clear();
        let (header, room) = output.split_at_mut_checked(HEADER).ok_or_else(too_small)?;
        header.fill(0.0);
        if let Some(slot) = header.get_mut(AFFECTED) {
            *slot = self.affected as f64;
        }
        if let Some(waiting) = self.waiting.pop_front() {
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
        self.waiting.push_front(Waiting { rows, slots, text: std::mem::take(text) });
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
                Ok(!self.waiting.is_empty() || !self.cursor.is_done())
            }
            None => {
                set(header, NEEDED, HEADER + waiting.slots.len());
                self.waiting.push_front(waiting);
                Ok(true)
            }
        }
    }
}

/// Packs the row of a find of one row by its key; false where the plan is not that, or the output too small: then it is
/// to be run as any other.
pub(super) fn read_one(
    plan: &Plan,
    session: &mut Session<'_>,
    params: &Params,
    output: &mut [f64],
    text: &mut Text,
) -> Result<bool> {
    text.clear();
    let (header, room) = output.split_at_mut_checked(HEADER).ok_or_else(too_small)?;
    let mut packer = Packer::new(room, text);
    let Some(rows) = plan.find_one(session, params, &mut packer)? else { return Ok(false) };
    if !packer.into_overflow().is_empty() {
        return Ok(false);
    }
    header.fill(0.0);
    set(header, ROWS, rows);
    Ok(true)
}

/// Says in the output which cursor goes on.
pub(super) fn set_cursor(output: &mut [f64], cursor: f64) {
    if let Some(slot) = output.get_mut(CURSOR) {
        *slot = cursor;
    }
}

/// Says in the output that a statement is to be run in a thread.
pub(super) fn set_away(output: &mut [f64], cursor: f64) {
    output.iter_mut().take(HEADER).for_each(|slot| *slot = 0.0);
    set_cursor(output, cursor);
    if let Some(slot) = output.get_mut(NEEDED) {
        *slot = -1.0;
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
