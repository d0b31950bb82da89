//! Whether bytes from outside are a row. What passes here reads without surprise.

use super::decimal;
use super::layout::{self, KeyOrder, Slots, tag};
use super::value::MAX_DEPTH;
use crate::error::{Error, ErrorCode, Result};

type Verdict = std::result::Result<(), &'static str>;

/// Refuses bytes that are not a row with `Corrupt`.
pub(super) fn check_row(bytes: &[u8]) -> Result<()> {
    check_items(bytes, MAX_DEPTH)
        .map_err(|reason| Error::new(ErrorCode::Corrupt, format!("These bytes are not a row: {reason}")))
}

fn check_items(bytes: &[u8], depth: usize) -> Verdict {
    let slots = check_slots(bytes)?;
    (0..slots.len()).try_for_each(|index| check_value(slots.get(index).ok_or("a slot is missing")?, depth))
}

/// The ends must ascend to the end of the contents; then every slot is there.
fn check_slots(bytes: &[u8]) -> std::result::Result<Slots<'_>, &'static str> {
    let slots = Slots::parse(bytes).ok_or("the table of slots is cut short")?;
    let mut last = 0;
    for index in 0..slots.len() {
        let end = slots.end(index).ok_or("the table of slots is cut short")?;
        if end < last {
            return Err("a slot ends before it starts");
        }
        last = end;
    }
    if last == slots.contents().len() { Ok(slots) } else { Err("the contents do not end with the last slot") }
}

fn check_value(slot: &[u8], depth: usize) -> Verdict {
    let Some((&tag, payload)) = slot.split_first() else {
        return Ok(());
    };
    let nested = || depth.checked_sub(1).ok_or("it nests too deep");
    match tag {
        tag::FALSE | tag::TRUE => length(payload.is_empty()),
        tag::INT | tag::DATE => length(payload.len() <= 8),
        tag::FLOAT => length(payload.len() == 8),
        tag::DECIMAL => match decimal::check(text(payload)?) {
            Ok(()) => Ok(()),
            Err(_) => Err("a decimal is none"),
        },
        tag::TEXT => text(payload).map(drop),
        tag::BYTES => Ok(()),
        tag::ARRAY => check_items(payload, nested()?),
        tag::DOC => check_doc(payload, nested()?),
        _ => Err("a value has an unknown type"),
    }
}

fn length(right: bool) -> Verdict {
    if right { Ok(()) } else { Err("a value has the wrong length") }
}

fn text(bytes: &[u8]) -> std::result::Result<&str, &'static str> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")
}

fn check_doc(bytes: &[u8], depth: usize) -> Verdict {
    let doc = check_slots(bytes)?;
    let count = layout::entry_count(doc);
    let order = KeyOrder::of(doc).ok_or("a document has no order of keys")?;
    if ![Some(0), count.checked_mul(layout::number_width(count))].contains(&Some(order.stored_len())) {
        return Err("the order of keys has the wrong length");
    }
    for index in 0..count {
        let (key, value) = layout::entry(doc, index).ok_or("an entry is cut short")?;
        text(key)?;
        check_value(value, depth)?;
    }
    // Strictly ascending (key, position) pairs: every entry is there exactly once.
    let mut last = None;
    for rank in 0..count {
        let index = order.position(rank).ok_or("the order of keys is cut short")?;
        let (key, _) = layout::entry(doc, index).ok_or("the order of keys names no entry")?;
        if last >= Some((key, index)) {
            return Err("the order of keys is wrong");
        }
        last = Some((key, index));
    }
    Ok(())
}
