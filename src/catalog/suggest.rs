//! Messages about names that do not exist: what was meant, and what there is.

/// How many existing names a message lists before it stops.
const LISTED: usize = 12;

/// "unknown field "nmae" of collection "user", did you mean "name"?", or the names there are.
pub fn unknown<'a>(what: &str, name: &str, of: &str, existing: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = existing.collect();
    let close = names
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .filter(|(edits, candidate)| {
            let length = candidate.chars().count().min(name.chars().count());
            *edits <= 1 + length / 4 && *edits < candidate.chars().count().max(name.chars().count())
        })
        .min();
    let advice = match close {
        Some((_, candidate)) => format!("did you mean \"{candidate}\"?"),
        None if names.is_empty() => "there are none".to_owned(),
        None => {
            let more = names.len().saturating_sub(LISTED);
            names.truncate(LISTED);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("there are: {}{rest}", names.join(", "))
        }
    };
    format!("unknown {what} \"{name}\"{of}; {advice}")
}

/// Edits from one name to the other, upper and lower case being the same
/// (Wagner and Fischer, 1974, one row at a time).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = substituted.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("Name", "name"), 0);
    }

    #[test]
    fn suggests_what_was_meant_or_lists_what_there_is() {
        let names = || ["id", "name", "email"].into_iter();
        assert!(unknown("field", "title", "", names()).ends_with("there are: id, name, email"));
        assert!(unknown("field", "Nmae", "", names()).ends_with("did you mean \"name\"?"));
        assert!(unknown("field", "x", "", std::iter::empty()).ends_with("there are none"));
    }
}
