//! What the files of a store are called.

/// Says which checkpoint and which segments count.
pub const MANIFEST: &str = "MANIFEST";
/// The manifest to be, until it takes the place of the other.
pub const NEXT_MANIFEST: &str = "MANIFEST.next";
/// Held by the process that has the store open.
pub const LOCK: &str = "LOCK";

const SEGMENT: &str = "log-";
const CHECKPOINT: &str = "checkpoint-";

/// The segment of a number.
pub fn segment(number: u64) -> String {
    format!("{SEGMENT}{number:016x}")
}

/// The checkpoint of a version.
pub fn checkpoint(sequence: u64) -> String {
    format!("{CHECKPOINT}{sequence:016x}")
}

/// The number of a segment, if that is what the name says.
pub fn segment_number(name: &str) -> Option<u64> {
    number(name, SEGMENT)
}

/// The version of a checkpoint, if that is what the name says.
pub fn checkpoint_sequence(name: &str) -> Option<u64> {
    number(name, CHECKPOINT)
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    let right = digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right { u64::from_str_radix(digits, 16).ok() } else { None }
}
