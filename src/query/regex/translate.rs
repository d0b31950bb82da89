//! From ECMAScript's syntax to that of `fancy-regex`, for patterns known to be valid.

use std::fmt::Write;

use super::{Flags, unsupported};
use crate::error::Result;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str =
    r"\x{9}-\x{D}\x{20}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const NO_LINE_END: &str = r"[^\x{A}\x{D}\x{2028}\x{2029}]";
const NEVER: &str = r"[a&&b]";
const ALWAYS: &str = r"(?s:.)";

/// Translates a pattern.
pub(super) fn translate(source: &str, flags: Flags) -> Result<String> {
    let chars: Vec<char> = source.chars().collect();
    let groups = Groups::of(&chars);
    let mut translator = Translator {
        source,
        chars: &chars,
        at: 0,
        flags,
        groups: &groups,
        out: String::new(),
        open: Vec::new(),
    };
    translator.pattern()?;
    let body = translator.out;
    let begin = if flags.sticky { r"\A" } else { "" };
    let case = if flags.ignore_case { "i:" } else { ":" };
    Ok(format!("{begin}(?{case}{body})"))
}

/// The capturing groups of a pattern: the name of each, by number less one.
struct Groups(Vec<Option<String>>);

impl Groups {
    fn of(chars: &[char]) -> Self {
        let mut names = Vec::new();
        let mut depth = 0usize;
        let mut at = 0;
        while let Some(char) = chars.get(at) {
            let next = |more: usize| chars.get(at + more).copied();
            match char {
                '\\' => at += 1,
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                '(' if depth == 0 && next(1) != Some('?') => names.push(None),
                '(' if depth == 0 && next(2) == Some('<') && !matches!(next(3), Some('=' | '!')) => {
                    let name = chars.iter().skip(at + 3).take_while(|char| **char != '>').collect();
                    names.push(Some(name));
                }
                _ => {}
            }
            // Without set operations a bracket inside of brackets is a mere character.
            if depth > 1 {
                depth = 1;
            }
            at += 1;
        }
        Self(names)
    }

    fn named(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }
}

/// A group that is open.
struct Open {
    /// Whether it looks ahead, which it does inside of a group that does not.
    ahead: bool,
    /// Whether it has a number.
    captures: bool,
    /// The flags that hold again behind it.
    flags: Flags,
}

struct Translator<'a> {
    source: &'a str,
    chars: &'a [char],
    at: usize,
    flags: Flags,
    groups: &'a Groups,
    out: String,
    open: Vec<Open>,
}

impl Translator<'_> {
    fn peek(&self, more: usize) -> Option<char> {
        self.chars.get(self.at + more).copied()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(more, char)| self.peek(more) == Some(char));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn strict(&self) -> bool {
        self.flags.unicode || self.flags.unicode_sets
    }

    fn pattern(&mut self) -> Result<()> {
        while let Some(char) = self.peek(0) {
            if let Some(quantifier) = self.quantifier() {
                self.out.push_str(&quantifier);
                continue;
            }
            self.at += 1;
            match char {
                '^' if self.flags.multiline => self.out.push_str(&format!("(?<!{NO_LINE_END})")),
                '^' => self.out.push_str(r"\A"),
                '$' if self.flags.multiline => self.out.push_str(&format!("(?!{NO_LINE_END})")),
                '$' => self.out.push_str(r"\z"),
                '.' => self.out.push_str(if self.flags.dot_all { ALWAYS } else { NO_LINE_END }),
                '|' => self.out.push(char),
                '(' => self.group()?,
                ')' => self.end_group(),
                '[' => {
                    let class = self.class()?;
                    self.out.push_str(&class);
                }
                '\\' => self.escape()?,
                _ => self.literal(u32::from(char)),
            }
        }
        Ok(())
    }

    fn group(&mut self) -> Result<()> {
        let flags = self.flags;
        let (mut ahead, mut captures) = (false, false);
        if self.take("?:") {
            self.out.push_str("(?:");
        } else if self.take("?<=") {
            self.out.push_str("(?<=");
        } else if self.take("?<!") {
            self.out.push_str("(?<!");
        } else if self.take("?<") {
            // Names may occur twice in alternatives; numbers serve as well.
            while self.peek(0).is_some_and(|char| char != '>') {
                self.at += 1;
            }
            self.at += 1;
            captures = true;
            self.out.push('(');
        } else if self.take("?=") {
            self.out.push_str("(?:(?=");
            ahead = true;
        } else if self.take("?!") {
            self.out.push_str("(?:(?!");
            ahead = true;
        } else if self.take("?") {
            self.modifiers();
        } else {
            captures = true;
            self.out.push('(');
        }
        self.open.push(Open { ahead, captures, flags });
        Ok(())
    }

    fn end_group(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.flags = open.flags;
        if open.ahead {
            self.out.push(')');
        }
        // What cannot take up a character must not be repeated over there, a choice may.
        if !open.captures && self.quantifier_length().is_some() {
            let _ = write!(self.out, "|{NEVER}");
        }
        self.out.push(')');
    }

    /// Takes the quantifier that follows.
    fn quantifier(&mut self) -> Option<String> {
        let length = self.quantifier_length()?;
        let text = self.chars.iter().skip(self.at).take(length).collect();
        self.at += length;
        Some(text)
    }

    fn quantifier_length(&self) -> Option<usize> {
        let mut length = match self.peek(0)? {
            '*' | '+' | '?' => 1,
            '{' => {
                let digits = |from: usize| {
                    self.chars.iter().skip(from).take_while(|char| char.is_ascii_digit()).count()
                };
                let least = digits(self.at + 1);
                let mut length = 1 + least;
                if self.peek(length) == Some(',') {
                    length += 1 + digits(self.at + length + 1);
                }
                if least == 0 || self.peek(length) != Some('}') {
                    return None;
                }
                length + 1
            }
            _ => return None,
        };
        if self.peek(length) == Some('?') {
            length += 1;
        }
        Some(length)
    }

    /// `(?i-ms:`, from behind the question mark.
    fn modifiers(&mut self) {
        let mut on = true;
        while let Some(char) = self.peek(0) {
            self.at += 1;
            match char {
                '-' => on = false,
                'i' => self.flags.ignore_case = on,
                'm' => self.flags.multiline = on,
                's' => self.flags.dot_all = on,
                _ => break,
            }
        }
        self.out.push_str(if self.flags.ignore_case { "(?i:" } else { "(?-i:" });
    }

    fn literal(&mut self, code: u32) {
        match char::from_u32(code) {
            // Half a pair is in no text.
            None => self.out.push_str(NEVER),
            // By the flag `u` these have partners outside of ASCII, without it they have not.
            Some(char @ ('k' | 'K' | 's' | 'S')) if self.flags.ignore_case && !self.strict() => {
                let (upper, lower) = (char.to_ascii_uppercase(), char.to_ascii_lowercase());
                let _ = write!(self.out, "(?-i:[{upper}{lower}])");
            }
            Some(char) => push_char(&mut self.out, char),
        }
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self) -> Result<()> {
        let Some(char) = self.peek(0) else { return Ok(()) };
        match char {
            'b' | 'B' => {
                self.at += 1;
                let (same, other) = if char == 'b' { ("!", "=") } else { ("=", "!") };
                let word = self.fixed_case(&format!("[{WORD}]"));
                let _ = write!(self.out, "(?:(?<={word})(?{same}{word})|(?<!{word})(?{other}{word}))");
            }
            'k' if self.strict() || self.groups.named() => {
                self.at += 2;
                let name: String = self.chars.iter().skip(self.at).take_while(|char| **char != '>').collect();
                self.at += name.chars().count() + 1;
                self.out.push_str("(?:");
                for (number, group) in self.groups.0.iter().enumerate() {
                    if group.as_ref() == Some(&name) {
                        push_reference(&mut self.out, number + 1);
                    }
                }
                self.out.push(')');
            }
            '1'..='9' => {
                let digits: String =
                    self.chars.iter().skip(self.at).take_while(|char| char.is_ascii_digit()).collect();
                match digits.parse::<usize>() {
                    Ok(number) if number <= self.groups.0.len() => {
                        self.at += digits.len();
                        self.out.push_str("(?:");
                        push_reference(&mut self.out, number);
                        self.out.push(')');
                    }
                    _ => {
                        let code = self.escaped_char();
                        self.literal(code);
                    }
                }
            }
            _ => match self.escaped_set()? {
                Some(set) => self.out.push_str(&set),
                None => {
                    let code = self.escaped_char();
                    self.literal(code);
                }
            },
        }
        Ok(())
    }

    /// Keeps letters outside of ASCII from becoming partners of those in a set.
    fn fixed_case(&self, set: &str) -> String {
        if self.flags.ignore_case && !self.strict() { format!("(?-i:{set})") } else { set.to_owned() }
    }

    /// `\d`, `\p{L}` and their kin, as a class.
    fn escaped_set(&mut self) -> Result<Option<String>> {
        let Some(char) = self.peek(0) else { return Ok(None) };
        let set = match char.to_ascii_lowercase() {
            'd' => DIGIT,
            'w' => WORD,
            's' => SPACE,
            'p' if self.strict() && self.peek(1) == Some('{') => {
                let name: String =
                    self.chars.iter().skip(self.at + 2).take_while(|char| **char != '}').collect();
                self.at += 3 + name.chars().count();
                return Ok(Some(format!("\\{char}{{{}}}", property(&name))));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        let not = if char.is_ascii_uppercase() { "^" } else { "" };
        Ok(Some(format!("[{not}{set}]")))
    }

    /// The character that an escape stands for, from behind the backslash.
    fn escaped_char(&mut self) -> u32 {
        let Some(char) = self.peek(0) else { return u32::from('\\') };
        self.at += 1;
        match char {
            't' => 0x09,
            'n' => 0x0A,
            'v' => 0x0B,
            'f' => 0x0C,
            'r' => 0x0D,
            'c' => match self.peek(0) {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    self.at += 1;
                    u32::from(letter) % 32
                }
                _ => {
                    // A mere backslash; the letter follows.
                    self.at -= 1;
                    u32::from('\\')
                }
            },
            'x' => self.hex(2).unwrap_or(u32::from('x')),
            'u' => self.unicode_escape(),
            '0'..='7' => self.octal(char),
            _ => u32::from(char),
        }
    }

    /// Up to three octal digits, at most 0o377.
    fn octal(&mut self, first: char) -> u32 {
        let mut value = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek(0).and_then(|char| char.to_digit(8)) else { break };
            if value * 8 + digit > 0o377 {
                break;
            }
            value = value * 8 + digit;
            self.at += 1;
        }
        value
    }

    /// Exactly so many hexadecimal digits, or nothing is taken.
    fn hex(&mut self, digits: usize) -> Option<u32> {
        let mut value = 0;
        for more in 0..digits {
            value = value * 16 + self.peek(more)?.to_digit(16)?;
        }
        self.at += digits;
        Some(value)
    }

    /// `\u0041`, `\ud83d\ude00` or `\u{41}`, from behind the `u`.
    fn unicode_escape(&mut self) -> u32 {
        if self.strict() && self.take("{") {
            let mut value = 0u32;
            while let Some(char) = self.peek(0) {
                self.at += 1;
                let Some(digit) = char.to_digit(16) else { break };
                value = value.saturating_mul(16).saturating_add(digit);
            }
            return value;
        }
        let Some(high) = self.hex(4) else { return u32::from('u') };
        if !(0xD800..0xDC00).contains(&high) {
            return high;
        }
        let before = self.at;
        if self.take("\\u")
            && let Some(low @ 0xDC00..0xE000) = self.hex(4)
        {
            return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        }
        self.at = before;
        high
    }

    /// A class, from behind its bracket.
    fn class(&mut self) -> Result<String> {
        let not = self.take("^");
        let mut items = String::new();
        while let Some(char) = self.peek(0) {
            if char == ']' {
                break;
            }
            if self.flags.unicode_sets {
                if self.take("[") {
                    items.push_str(&self.class()?);
                    continue;
                }
                if let Some(operator) = ["&&", "--"].into_iter().find(|operator| self.take(operator)) {
                    items.push_str(operator);
                    continue;
                }
                if self.take("\\q{") {
                    return Err(unsupported(self.source, "strings in a class (\\q)"));
                }
            }
            self.class_item(&mut items)?;
        }
        self.at += 1;
        Ok(match (items.is_empty(), not) {
            (true, true) => ALWAYS.to_owned(),
            (true, false) => NEVER.to_owned(),
            (false, true) => format!("[^{items}]"),
            (false, false) => format!("[{items}]"),
        })
    }

    /// A character, a range or a set.
    fn class_item(&mut self, items: &mut String) -> Result<()> {
        let Some(low) = self.class_atom(items)? else { return Ok(()) };
        let ranges = self.peek(0) == Some('-') && !matches!(self.peek(1), None | Some(']'));
        if !ranges || (self.flags.unicode_sets && self.peek(1) == Some('-')) {
            push_range(items, low, low);
            return Ok(());
        }
        self.at += 1;
        match self.class_atom(items)? {
            Some(high) => push_range(items, low, high),
            // With a set on its right the hyphen is itself.
            None => {
                push_range(items, low, low);
                push_range(items, u32::from('-'), u32::from('-'));
            }
        }
        Ok(())
    }

    /// A character; a set is written out at once and nothing comes back.
    fn class_atom(&mut self, items: &mut String) -> Result<Option<u32>> {
        let Some(char) = self.peek(0) else { return Ok(None) };
        self.at += 1;
        if char != '\\' {
            return Ok(Some(u32::from(char)));
        }
        if self.take("b") {
            return Ok(Some(0x08));
        }
        if self.peek(0) == Some('c') && !self.strict() {
            // Digits and `_` count as well in here.
            if let Some(next @ ('0'..='9' | '_')) = self.peek(1) {
                self.at += 2;
                return Ok(Some(u32::from(next) % 32));
            }
        }
        if let Some(set) = self.escaped_set()? {
            items.push_str(&set);
            return Ok(None);
        }
        Ok(Some(self.escaped_char()))
    }
}

/// Matches what the group matched; a group that took no part matched nothing, which is everywhere.
fn push_reference(out: &mut String, number: usize) {
    let _ = write!(out, "(?({number})\\{number}|)");
}

fn push_char(out: &mut String, char: char) {
    if char.is_alphanumeric() || char == ' ' || char == '_' {
        out.push(char);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(char));
    }
}

/// A range of a class, without the halves of pairs, which are in no text.
fn push_range(items: &mut String, low: u32, high: u32) {
    let low = if (0xD800..0xE000).contains(&low) { 0xE000 } else { low };
    let high = if (0xD800..0xE000).contains(&high) { 0xD7FF } else { high };
    if low > high {
        // Nothing of it is left, but a class must not thereby become empty.
        items.push_str(NEVER);
        return;
    }
    let _ = write!(items, "\\x{{{low:X}}}");
    if low < high {
        let _ = write!(items, "-\\x{{{high:X}}}");
    }
}

/// The name of a property as Rust's regular expressions know it.
fn property(name: &str) -> String {
    match name.split_once('=') {
        Some(("General_Category" | "gc", value)) => value.to_owned(),
        Some(("Script_Extensions", value)) => format!("scx={value}"),
        Some(("Script", value)) => format!("sc={value}"),
        _ => name.to_owned(),
    }
}
