use proptest::prelude::*;

use super::*;

fn matches(source: &str, flags: &str, text: &str) -> bool {
    Regex::new(source, flags).unwrap().matches(text).unwrap()
}

/// What ECMAScript says, by hand.
#[test]
fn matches_as_ecmascript_does() {
    let cases = [
        ("", "", "", true),
        ("a.c", "", "xabcx", true),
        ("a.c", "", "a\nc", false),
        ("a.c", "s", "a\nc", true),
        ("^b", "", "a\nb", false),
        ("^b", "m", "a\nb", true),
        ("a$", "m", "a\u{2028}b", true),
        ("a$", "", "a\n", false),
        (r"\d", "", "٣", false),
        (r"\w", "", "é", false),
        (r"\bé", "", "aé", true),
        (r"\s", "", "\u{feff}", true),
        (r"\u0041", "", "A", true),
        (r"\u{41}", "u", "A", true),
        (r"u{2}", "", "uu", true),
        (r"\ud83d\ude00", "", "😀", true),
        (r"^.$", "u", "😀", true),
        (r"\p{Lu}", "u", "é", false),
        (r"\p{Script=Greek}", "u", "α", true),
        (r"[\p{L}--[a-z]]", "v", "b", false),
        (r"[\p{L}--[a-z]]", "v", "B", true),
        (r"(a)|\1b", "", "b", true),
        (r"(?<year>\d{4})-\k<year>", "", "2020-2020", true),
        (r"(?<=\$)\d+", "", "$42", true),
        (r"(?<!\$)\b\d+", "", "$42", false),
        (r"a{,2}", "", "a{,2}", true),
        (r"a{,2}", "", "aa", false),
        (r"]", "", "]", true),
        (r"[]", "", "a", false),
        (r"[^]", "", "\n", true),
        (r"[\b]", "", "\u{8}", true),
        (r"[\d-x]", "", "-", true),
        (r"[\w&&[a]", "", "&", true),
        (r"[[]", "", "[", true),
        (r"\cA", "", "\u{1}", true),
        (r"\x41\101", "", "AA", true),
        (r"\/\-\#", "", "/-#", true),
        (r"(?=a)*b", "", "b", true),
        ("k", "i", "\u{212a}", false),
        ("k", "iu", "\u{212a}", true),
        ("É", "i", "é", true),
        ("a b #c", "", "a b #c", true),
        ("b", "y", "ab", false),
        ("b", "g", "ab", true),
        (r"[\ud800-\udbff]", "", "x", false),
        (r"[^\ud800-\udfff]", "", "x", true),
        ("(?i:a)b", "", "Ab", true),
        ("(?i:a)b", "", "AB", false),
        (r"(a*)*$", "", "aaab", true),
        ("\u{0}", "", "a\u{0}b", true),
    ];
    for (source, flags, text, expected) in cases {
        assert_eq!(matches(source, flags, text), expected, "/{source}/{flags} on {text:?}");
    }
}

#[test]
fn names_what_is_wrong() {
    for (source, flags) in
        [("(", ""), ("a**", ""), ("[b-a]", ""), ("a", "z"), ("a", "ii"), ("a", "uv"), (r"\u{", "u")]
    {
        let error = Regex::new(source, flags).unwrap_err();
        assert_eq!(error.code, ErrorCode::PatternSyntax, "/{source}/{flags}");
        assert!(error.message.contains(source), "{error}");
    }
}

#[test]
fn gives_up_on_what_would_take_for_ever() {
    let text = format!("{}b", "a".repeat(64));
    assert!(!matches("^(a+)+$", "", &text));
    let error = Regex::new(r"^(?:(a+)\1?)+$", "").unwrap().matches(&text).unwrap_err();
    assert_eq!(error.code, ErrorCode::PatternTooComplex);
    let error = Regex::new("((a{1000}){1000}){1000}", "").unwrap_err();
    assert_eq!(error.code, ErrorCode::PatternTooComplex);
}

/// Patterns whose loops take up a character each time round: the reference has no
/// bound on its time, nor on its memory.
fn pattern() -> impl Strategy<Value = String> {
    const QUANTIFIERS: [&str; 8] = ["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?"];
    let character = prop_oneof![
        4 => "[abcAB1_é😀 -]",
        2 => prop::sample::select(vec![
            ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\n", r"\x61", r"\u0062", r"\.", r"\-", "[ab]",
            "[^ab]", r"[a-c\d]", r"[^\w]", r"[\s_-]", "[]", "[^]", "[é-ü]",
        ]).prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        3 => character.clone(),
        2 => (character, prop::sample::select(QUANTIFIERS.to_vec())).prop_map(|(one, many)| format!("{one}{many}")),
        1 => prop::sample::select(vec![r"\b", r"\B", "^", "$"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..4).prop_map(|pieces| pieces.concat()),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|options| format!("(?:{})", options.join("|"))),
            1 => (inner.clone(), prop::sample::select(vec!["?", "{2}", "{0,2}", "??"]))
                .prop_map(|(body, some)| format!("(?:{body}){some}")),
            1 => inner.clone().prop_map(|body| format!("({body})")),
            1 => inner.clone().prop_map(|body| format!("(?={body})")),
            1 => inner.clone().prop_map(|body| format!("(?!{body})*")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// The translation means what the original means.
    #[test]
    fn agrees_with_regress(
        pattern in pattern(),
        flags in prop::sample::select(vec!["", "i", "m", "s", "u", "iu", "ims"]),
        texts in prop::collection::vec("[abcABC12_éÉ😀 \n-]{0,8}", 1..6),
    ) {
        let Ok(reference) = regress::Regex::with_flags(&pattern, flags) else { return Ok(()) };
        let regex = Regex::new(&pattern, flags).unwrap();
        for text in &texts {
            prop_assert_eq!(
                regex.matches(text).unwrap(),
                reference.find(text).is_some(),
                "/{}/{} on {:?}: {:?}", pattern, flags, text, regex.compiled.as_str()
            );
        }
    }

    /// A reference to a group outside of repetitions means the same too.
    #[test]
    fn agrees_on_references(
        first in "[ab]{1,2}[?*]?",
        between in "[ab|]{0,3}",
        texts in prop::collection::vec("[ab]{0,6}", 1..6),
    ) {
        let pattern = format!("^(?:({first}){between})\\1$");
        let Ok(reference) = regress::Regex::new(&pattern) else { return Ok(()) };
        let regex = Regex::new(&pattern, "").unwrap();
        for text in &texts {
            prop_assert_eq!(regex.matches(text).unwrap(), reference.find(text).is_some(), "/{}/ on {:?}", pattern, text);
        }
    }
}
