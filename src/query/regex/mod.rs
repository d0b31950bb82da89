//! Regular expressions with ECMAScript's syntax and a bound on their time.
//!
//! `regress` decides whether a pattern is valid. It has no bound on
//! backtracking, so the pattern is translated for `fancy-regex`, which has one
//! and takes linear time where nothing needs backtracking.
//!
//! Texts are code points here, whether or not the pattern has the flag `u`:
//! a character outside of the basic plane is one character.

mod translate;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};

/// Steps back before a pattern is given up on, for each text.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// A compiled pattern.
#[derive(Debug)]
pub struct Regex {
    compiled: fancy_regex::Regex,
    source: String,
}

impl Regex {
    /// Compiles the source and the flags of an ECMAScript regular expression.
    ///
    /// # Errors
    /// `PatternSyntax` when they are not valid, `PatternTooComplex` when the
    /// pattern is too large, `Unsupported` when it has a part that has no translation.
    pub fn new(source: &str, flags: &str) -> Result<Self> {
        let flags = Flags::parse(source, flags)?;
        regress::Regex::with_flags(source, flags.validated())
            .map_err(|error| syntax(source, &error.to_string()))?;
        let translated = translate::translate(source, flags)?;
        let compiled = fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(BACKTRACK_LIMIT)
            .max_prog_size(1 << 20)
            .build()
            .map_err(|error| too_complex(source, &error.to_string()))?;
        Ok(Self { compiled, source: source.to_owned() })
    }

    /// Whether a part of the text matches.
    ///
    /// # Errors
    /// `PatternTooComplex` when that takes too many steps to find out.
    pub fn matches(&self, text: &str) -> Result<bool> {
        self.compiled.is_match(text).map_err(|_| {
            too_complex(&self.source, &format!("it was given up after going back {BACKTRACK_LIMIT} times"))
        })
    }
}

/// The pattern that was compiled last: most often it is wanted again.
#[derive(Debug, Default)]
pub struct LastRegex(Mutex<Option<(String, Arc<Regex>)>>);

impl LastRegex {
    /// The compiled pattern, as [`Regex::new`] gives it.
    pub fn compile(&self, source: &str, flags: &str) -> Result<Arc<Regex>> {
        let mut last = self.0.lock();
        if let Some((known, regex)) = &*last
            && known == flags
            && regex.source == source
        {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(Regex::new(source, flags)?);
        *last = Some((flags.to_owned(), Arc::clone(&regex)));
        Ok(regex)
    }
}

/// The flags that matter to whether a text matches.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// `i`: upper and lower case are the same.
    ignore_case: bool,
    /// `m`: `^` and `$` match at line ends.
    multiline: bool,
    /// `s`: `.` matches line ends.
    dot_all: bool,
    /// `u`: strict syntax, code points.
    unicode: bool,
    /// `v`: as `u`, with operations on sets.
    unicode_sets: bool,
    /// `y`: only at the beginning.
    sticky: bool,
}

impl Flags {
    fn parse(source: &str, text: &str) -> Result<Self> {
        let mut flags = Self::default();
        for (at, flag) in text.char_indices() {
            match flag {
                _ if text.get(..at).is_some_and(|before| before.contains(flag)) => {
                    return Err(syntax(source, &format!("flag \"{flag}\" is given twice")));
                }
                'i' => flags.ignore_case = true,
                'm' => flags.multiline = true,
                's' => flags.dot_all = true,
                'u' => flags.unicode = true,
                'v' => flags.unicode_sets = true,
                'y' => flags.sticky = true,
                // Where a match is and how often does not matter here.
                'd' | 'g' => {}
                _ => return Err(syntax(source, &format!("there is no flag \"{flag}\""))),
            }
        }
        if flags.unicode && flags.unicode_sets {
            return Err(syntax(source, "flags \"u\" and \"v\" exclude each other"));
        }
        Ok(flags)
    }

    fn validated(self) -> regress::Flags {
        regress::Flags {
            icase: self.ignore_case,
            multiline: self.multiline,
            dot_all: self.dot_all,
            no_opt: false,
            unicode: self.unicode,
            unicode_sets: self.unicode_sets,
        }
    }
}

fn syntax(source: &str, reason: &str) -> Error {
    Error::new(
        ErrorCode::PatternSyntax,
        format!("the regular expression /{}/ is not valid: {reason}", shortened(source)),
    )
}

fn too_complex(source: &str, reason: &str) -> Error {
    Error::new(
        ErrorCode::PatternTooComplex,
        format!("the regular expression /{}/ is too complex: {reason}", shortened(source)),
    )
}

fn unsupported(source: &str, part: &str) -> Error {
    Error::new(
        ErrorCode::Unsupported,
        format!("the regular expression /{}/ uses {part}, which is not supported", shortened(source)),
    )
}

fn shortened(source: &str) -> String {
    const MOST: usize = 60;
    if source.chars().nth(MOST).is_none() {
        return source.to_owned();
    }
    source.chars().take(MOST).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
