//! LIKE patterns: `%` stands for any text, `_` for any one character. As each has
//! it where it comes from, SQLite's LIKE has no escapes, and in PostgreSQL's ILIKE
//! a backslash before either of them, or before another backslash, takes it for
//! the character itself.

use super::plan::Fold;

/// A pattern, compiled.
#[derive(Debug)]
pub struct Like {
    tokens: Vec<Token>,
    fold: Fold,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    /// `%`
    Any,
    /// `_`
    One,
    /// A character, folded.
    Char(char),
}

/// More starts than this are not worth as many ranges of an index.
const MOST_STARTS: usize = 8;

impl Like {
    /// Compiles a pattern. Every text is one.
    pub fn new(pattern: &str, fold: Fold) -> Self {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut chars = pattern.chars().peekable();
        while let Some(char) = chars.next() {
            let token = match char {
                '%' if tokens.last() == Some(&Token::Any) => continue,
                '%' => Token::Any,
                '_' => Token::One,
                '\\' if fold == Fold::Unicode => {
                    Token::Char(chars.next_if(|next| matches!(next, '%' | '_' | '\\')).unwrap_or(char))
                }
                _ => Token::Char(folded(char, fold)),
            };
            tokens.push(token);
        }
        Self { tokens, fold }
    }

    /// Whether the whole text matches. Time is at most the product of both lengths.
    pub fn matches(&self, text: &str) -> bool {
        let mut pattern = self.tokens.iter();
        let mut rest = text.chars();
        // Where to go on after a mismatch: behind the last `%`, one character further on.
        let mut retry = None;
        loop {
            match pattern.as_slice().first() {
                Some(Token::Any) => {
                    pattern.next();
                    if pattern.as_slice().is_empty() {
                        return true;
                    }
                    retry = Some((pattern.clone(), rest.clone()));
                    continue;
                }
                Some(token) => {
                    let Some(char) = rest.next() else { return false };
                    if *token == Token::One || *token == Token::Char(folded(char, self.fold)) {
                        pattern.next();
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, start)) = &mut retry else { return false };
            if start.next().is_none() {
                return false;
            }
            pattern = after.clone();
            rest = start.clone();
        }
    }

    /// Texts of which every match begins with one. Few, and none of them the
    /// beginning of another; a single empty one says nothing.
    pub fn starts(&self) -> Vec<String> {
        let mut starts = vec![String::new()];
        for token in &self.tokens {
            let Token::Char(char) = *token else { break };
            let cases = match self.fold {
                _ if char.is_ascii() && !char.is_ascii_alphabetic() => vec![char],
                Fold::Ascii if char.is_ascii() => vec![char.to_ascii_uppercase(), char],
                Fold::Ascii => vec![char],
                // Letters outside of ASCII may fold to it as well.
                Fold::Unicode => break,
            };
            if starts.len() * cases.len() > MOST_STARTS {
                break;
            }
            starts = starts
                .iter()
                .flat_map(|start| cases.iter().map(move |case| format!("{start}{case}")))
                .collect();
        }
        starts
    }
}

/// The representative of all characters that count as the same.
fn folded(char: char, fold: Fold) -> char {
    if char.is_ascii() || fold == Fold::Ascii {
        return char.to_ascii_lowercase();
    }
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_sqlite_does() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("%", "anything", true),
            ("%%", "", true),
            ("_", "", false),
            ("_", "é", true),
            ("_", "😀", true),
            ("__", "a", false),
            ("abc", "ABC", true),
            ("ABC", "abc", true),
            ("É", "é", false),
            ("é", "é", true),
            ("a%", "Apple", true),
            ("a%", "banana", false),
            ("%a", "banana", true),
            ("%an%", "banana", true),
            ("%nn%", "banana", false),
            ("b%n%a", "banana", true),
            ("%a_a", "banana", true),
            ("%ana", "banana", true),
            ("a%b%c", "aXbXbXc", true),
            ("a%b%c", "aXbXbX", false),
            ("100\\%", "100%", false),
            ("100\\%", "100\\x", true),
            ("a\\b", "a\\b", true),
            ("a\\", "a\\", true),
            ("\u{0}%", "\u{0}x", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Like::new(pattern, Fold::Ascii).matches(text), expected, "{text:?} like {pattern:?}");
        }
    }

    #[test]
    fn folds_all_letters_when_told_to() {
        for (pattern, text, expected) in [
            ("É%", "école", true),
            ("привет", "ПРИВЕТ", true),
            ("straße", "STRASSE", false),
            ("k", "\u{212a}", true),
            ("%ß", "Fuß", true),
            ("100\\%", "100%", true),
            ("100\\%", "1000", false),
            ("a\\_b", "a_b", true),
            ("a\\_b", "axb", false),
            ("a\\\\b", "a\\b", true),
            ("a\\b", "a\\b", true),
        ] {
            assert_eq!(
                Like::new(pattern, Fold::Unicode).matches(text),
                expected,
                "{text:?} ilike {pattern:?}"
            );
        }
    }

    #[test]
    fn starts_cover_every_match() {
        let starts = |pattern, fold| Like::new(pattern, fold).starts();
        assert_eq!(starts("12-%", Fold::Ascii), ["12-"]);
        assert_eq!(starts("a1%", Fold::Ascii), ["A1", "a1"]);
        assert_eq!(starts("abcd%", Fold::Ascii).len(), 8);
        assert_eq!(starts("é1", Fold::Ascii), ["é1"]);
        assert_eq!(starts("%x", Fold::Ascii), [""]);
        assert_eq!(starts("1a%", Fold::Unicode), ["1"]);
        assert_eq!(starts("é", Fold::Unicode), [""]);
    }

    #[test]
    fn many_wildcards_take_no_exponential_time() {
        let text = "a".repeat(5_000);
        assert!(!Like::new(&format!("{}b", "%a".repeat(50)), Fold::Ascii).matches(&text));
    }
}
