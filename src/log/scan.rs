//! Reading on behind damage: what is whole of a file, wherever it is.
//!
//! Nothing is taken for whole but what a checksum proves. Where a frame is not,
//! the next place is looked for at which one is.

use super::frame::{self, HEAD};
use super::record;

/// A part of a file behind its header.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The contents of a whole frame, and where it begins.
    Frame(usize, &'a [u8]),
    /// From here up to there nothing is whole.
    Broken(usize, usize, &'static str),
}

/// What lies at a place.
enum At<'a> {
    Frame(&'a [u8], u32, usize),
    Mark(usize),
    Broken(&'static str),
}

fn at(file: &[u8], place: usize, seed: u32) -> At<'_> {
    let Some((head, rest)) = file.get(place..).and_then(|rest| rest.split_at_checked(HEAD)) else {
        return At::Broken("it ends within the head of a frame");
    };
    let (length, sum) = parts(head);
    if length == 0 {
        return match frame::mark(seed, place as u64) == head {
            true => At::Mark(place + HEAD),
            false => At::Broken("a mark is at the wrong place"),
        };
    }
    match rest.get(..length) {
        None => At::Broken("it ends within a frame"),
        Some(contents) if frame::checksum(seed, (length as u32).to_le_bytes(), contents) == sum => {
            At::Frame(contents, sum, place + HEAD + length)
        }
        Some(_) => At::Broken("the checksum of a frame is wrong"),
    }
}

/// Length and checksum of the head of a frame.
fn parts(head: &[u8]) -> (usize, u32) {
    let number = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    (number(head.first_chunk()) as usize, number(head.last_chunk()))
}

/// How much may be looked at in search of the next whole frame: so that a file
/// made for it cannot keep anybody busy for ever.
struct Budget(usize);

impl Budget {
    fn of(file: &[u8]) -> Self {
        Self(file.len().saturating_mul(64).saturating_add(1 << 24))
    }

    /// Whether so many bytes may be looked at, too.
    fn spend(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// The parts of a segment. Every frame and every mark begins with the same seed,
/// so each proves itself.
pub fn segment(file: &[u8], start: usize, seed: u32) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut budget = Budget::of(file);
    let mut place = start;
    while place < file.len() {
        match at(file, place, seed) {
            At::Frame(contents, _, end) => {
                pieces.push(Piece::Frame(place, contents));
                place = end;
            }
            At::Mark(end) => place = end,
            // Room that was made for what was to come.
            At::Broken(_) if file.get(place..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0)) => {
                break;
            }
            At::Broken(why) => {
                let end = next_in_segment(file, place + 1, seed, &mut budget).unwrap_or(file.len());
                pieces.push(Piece::Broken(place, end, why));
                place = end;
            }
        }
    }
    pieces
}

/// Where the next frame or mark begins.
fn next_in_segment(file: &[u8], from: usize, seed: u32, budget: &mut Budget) -> Option<usize> {
    for place in from..file.len().checked_sub(HEAD)?.checked_add(1)? {
        let (head, rest) = file.get(place..)?.split_at_checked(HEAD)?;
        let (length, _) = parts(head);
        let plausible = length == 0 || (length <= rest.len() && rest.first() == Some(&record::TRANSACTION));
        if plausible {
            if !budget.spend(HEAD + length) {
                return None;
            }
            if !matches!(at(file, place, seed), At::Broken(_)) {
                return Some(place);
            }
        }
    }
    None
}

/// The parts of a checkpoint. The seed of a frame is the checksum of the one
/// before, so a frame behind damage is proved by what is left of that, or, as the
/// beginning of a chain, proves the one behind itself.
pub fn checkpoint(file: &[u8], start: usize, seed: u32) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut budget = Budget::of(file);
    let (mut place, mut seed) = (start, seed);
    while place < file.len() {
        let why = match at(file, place, seed) {
            At::Frame(contents, sum, end) => {
                pieces.push(Piece::Frame(place, contents));
                (place, seed) = (end, sum);
                continue;
            }
            At::Mark(_) => "it has an empty frame",
            At::Broken(why) => why,
        };
        match next_in_checkpoint(file, place, seed, &mut budget) {
            Some(Behind { end, seed: next, proved }) => {
                let lost = if proved.is_some() { place + HEAD } else { end };
                pieces.push(Piece::Broken(place, lost, why));
                pieces.extend(proved.map(|contents| Piece::Frame(place, contents)));
                (place, seed) = (end, next);
            }
            None => {
                pieces.push(Piece::Broken(place, file.len(), why));
                break;
            }
        }
    }
    pieces
}

/// Where a checkpoint goes on behind damage.
struct Behind<'a> {
    /// Where the next frame that can be proved begins.
    end: usize,
    /// Its seed.
    seed: u32,
    /// The contents of the damaged frame, where only its checksum is, which the next one proves.
    proved: Option<&'a [u8]>,
}

fn next_in_checkpoint<'a>(
    file: &'a [u8],
    broken: usize,
    seed: u32,
    budget: &mut Budget,
) -> Option<Behind<'a>> {
    // The bytes of the frame may be damaged and its head not, or only its checksum.
    if let Some((length, sum, contents)) = said(file, broken) {
        let own = frame::checksum(seed, (length as u32).to_le_bytes(), contents);
        let end = broken + HEAD + length;
        if own != sum && is_frame(file, end, own, budget)? {
            return Some(Behind { end, seed: own, proved: Some(contents) });
        }
    }
    // What a head says leads to the next one, as long as heads are whole.
    let mut place = broken;
    while let Some((length, sum, _)) = said(file, place) {
        place += HEAD + length;
        if is_frame(file, place, sum, budget)? {
            return Some(Behind { end: place, seed: sum, proved: None });
        }
    }
    // Elsewhere a frame may begin anywhere. What a damaged head says of the checksum may still be right.
    let head = file.get(broken..)?.get(..HEAD)?;
    let (_, sum) = parts(head);
    for place in broken + 1..file.len() {
        let Some((length, sum_here, _)) = said(file, place) else { continue };
        if is_frame(file, place, sum, budget)? {
            return Some(Behind { end: place, seed: sum, proved: None });
        }
        let end = place + HEAD + length;
        if is_frame(file, end, sum_here, budget)? {
            return Some(Behind { end, seed: sum_here, proved: None });
        }
    }
    None
}

/// Length, checksum and contents of what may be a frame of a checkpoint.
fn said(file: &[u8], place: usize) -> Option<(usize, u32, &[u8])> {
    let (head, rest) = file.get(place..)?.split_at_checked(HEAD)?;
    let (length, sum) = parts(head);
    let contents = rest.get(..length)?;
    contents.first().is_some_and(|tag| (1..=3).contains(tag)).then_some((length, sum, contents))
}

/// Whether a frame of this seed lies at a place; `None` where too much was looked at.
fn is_frame(file: &[u8], place: usize, seed: u32, budget: &mut Budget) -> Option<bool> {
    let Some((length, ..)) = said(file, place) else { return Some(false) };
    budget.spend(length).then(|| matches!(at(file, place, seed), At::Frame(..)))
}
