//! Values in messages, shortened.

use std::fmt::{self, Write};

use super::{ValueRef, format_date};

/// About how many characters of a value a message shows.
const LIMIT: usize = 40;

/// A value that displays shortened; see [`ValueRef::short`].
#[derive(Clone, Copy, Debug)]
pub struct Short<'a>(pub(super) ValueRef<'a>);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Limited { text: String::new(), left: LIMIT };
        // A text that is cut keeps its quotes, so that it is seen where it ends.
        let (quote, written) = match self.0 {
            ValueRef::Text(text) => ("\"", write_escaped(&mut out, text)),
            value => ("", write(&mut out, value)),
        };
        let ellipsis = if written.is_ok() { "" } else { "…" };
        write!(f, "{quote}{}{ellipsis}{quote}", out.text)
    }
}

/// Takes so many characters and fails at the next, which ends the writing.
struct Limited {
    text: String,
    left: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let cut = text.char_indices().nth(self.left).map_or(text.len(), |(at, _)| at);
        let (taken, rest) = text.split_at_checked(cut).unwrap_or((text, ""));
        self.text.push_str(taken);
        self.left -= taken.chars().count();
        if rest.is_empty() { Ok(()) } else { Err(fmt::Error) }
    }
}

fn write(out: &mut Limited, value: ValueRef) -> fmt::Result {
    match value {
        ValueRef::Null => out.write_str("null"),
        ValueRef::Bool(value) => write!(out, "{value}"),
        ValueRef::Int(value) => write!(out, "{value}"),
        ValueRef::Float(value) => write!(out, "{value}"),
        ValueRef::Decimal(text) => out.write_str(text),
        ValueRef::Date(value) => out.write_str(&format_date(value)),
        ValueRef::Text(text) => write_quoted(out, text),
        ValueRef::Bytes(bytes) => {
            out.write_str("0x")?;
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        ValueRef::Array(items) => {
            out.write_char('[')?;
            for (index, item) in items.iter().enumerate() {
                separate(out, index)?;
                write(out, item)?;
            }
            out.write_char(']')
        }
        ValueRef::Doc(doc) => {
            out.write_char('{')?;
            for (index, (key, value)) in doc.iter().enumerate() {
                separate(out, index)?;
                write_quoted(out, key)?;
                out.write_str(": ")?;
                write(out, value)?;
            }
            out.write_char('}')
        }
    }
}

fn separate(out: &mut Limited, index: usize) -> fmt::Result {
    if index == 0 { Ok(()) } else { out.write_str(", ") }
}

fn write_quoted(out: &mut Limited, text: &str) -> fmt::Result {
    out.write_char('"')?;
    write_escaped(out, text)?;
    out.write_char('"')
}

fn write_escaped(out: &mut Limited, text: &str) -> fmt::Result {
    text.chars().try_for_each(|char| match char {
        '"' | '\\' => write!(out, "\\{char}"),
        char if char.is_control() => write!(out, "{}", char.escape_default()),
        char => out.write_char(char),
    })
}
