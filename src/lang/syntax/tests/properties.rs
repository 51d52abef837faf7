//! What holds for every text: sound ones keep their meaning when formatted, and no text makes the parser fail.

use super::formatting::formatted;
use super::generate::Maker;
use super::language::pipelines;
use crate::span::FileId;
use crate::syntax::message::CODES;
use crate::syntax::parser::parse;
use proptest::prelude::*;

/// Parses a text that may be anything, and checks what must hold for each.
fn survives(text: &str) {
    let (file, errors) = parse(FileId(7), text);
    for error in &errors {
        for span in std::iter::once(error.span).chain(error.labels.iter().map(|l| l.span)) {
            let range = span.range();
            assert!(range.start <= range.end && range.end <= text.len(), "{range:?} in {} of {text:?}", error.code);
            assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end), "{range:?} of {text:?}");
            assert_eq!(span.file, FileId(7));
        }
        assert!(CODES.iter().any(|(code, _)| *code == error.code), "{}", error.code);
        assert!(!error.message.en.is_empty() && !error.message.zh.is_empty());
    }
    for declaration in &file.declarations {
        let range = declaration.span.range();
        assert!(range.start <= range.end && range.end <= text.len());
    }
    if errors.is_empty() {
        formatted(text);
    }
}

/// Pieces of the language, of other languages, and of nothing.
const PIECES: &[&str] = &[
    "param",
    "source",
    "x",
    "y",
    "标题",
    "=",
    "|>",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\n    ",
    "\"",
    "\"a\"",
    "'",
    "3",
    "5m",
    "007",
    "80%",
    "..=",
    "..",
    "in ",
    "and",
    "not",
    "&&",
    "||",
    ":",
    "?",
    "<",
    ">",
    "+",
    "-",
    "@",
    ".",
    "#",
    "## d\n",
    ";",
    "//",
    "/*",
    "\u{1}",
    "\r",
    "\r\n",
    "，",
    "（",
    "“",
    "\\",
    "{a}",
    "metric m = t on p",
    "use \"a\"",
    "def f(",
    "\u{feff}",
    "_",
    "true",
    " ",
    "!",
    "=>",
    "\u{301}",
    "🙂",
    "on",
    "2022-01-01",
    "1e999",
    "99999999999999999999",
    "\u{0}",
    "`",
    "%",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sound_files_are_read_and_keep_their_meaning(choices in proptest::collection::vec(any::<u16>(), 0..600)) {
        let text = Maker::file(&choices);
        let (_, errors) = parse(FileId(0), &text);
        prop_assert!(errors.is_empty(), "{text}\n{errors:?}");
        formatted(&text);
    }

    #[test]
    fn no_sequence_of_pieces_makes_it_fail(pieces in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        survives(&pieces.iter().map(|&i| PIECES[i]).collect::<String>());
    }

    #[test]
    fn no_text_makes_it_fail(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&text);
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_change_of_a_pipeline_makes_it_fail(
        which in 0..21usize,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..8usize, 0..PIECES.len()), 1..5),
    ) {
        let mut text = pipelines().swap_remove(which).1;
        for (at, length, piece) in edits {
            let bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
            let start = at.index(bounds.len());
            let end = (start + length).min(bounds.len() - 1);
            text.replace_range(bounds[start]..bounds[end], if length % 2 == 0 { PIECES[piece] } else { "" });
        }
        survives(&text);
    }
}

#[test]
fn deep_nesting_is_a_mistake_and_not_a_crash() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("f(", ")"), ("{ ", " }"), ("{ a = ", " }"), ("f { a = ", " }"), ("", "")]
    {
        for depth in [20, 90, 100_000] {
            let text = format!("param a = {}1{}\nparam b = 2\n", open.repeat(depth), close.repeat(depth));
            let (file, errors) = parse(FileId(0), &text);
            assert_eq!(errors.len(), usize::from(depth > 100 && !open.is_empty()), "{open} {depth}: {errors:?}");
            assert_eq!(file.declarations.len(), 2);
        }
    }
    let types = format!("source a: {}b{} = c\n", "col<".repeat(50_000), ">".repeat(50_000));
    assert_eq!(parse(FileId(0), &types).1.len(), 1);
    for link in [" |> f", " + b", ".c", " and b"] {
        let text = format!("fuse a = b{}\nfuse c = d\n", link.repeat(50_000));
        let (file, errors) = parse(FileId(0), &text);
        assert_eq!(errors.iter().map(|e| e.code).collect::<Vec<_>>(), ["E0023"], "{link}");
        assert_eq!(file.declarations.len(), 2);
    }
    for text in
        ["(".repeat(100_000), "param a = ".to_string() + &"(".repeat(100_000), "{".repeat(50_000) + "\nparam a = 1"]
    {
        assert!(!parse(FileId(0), &text).1.is_empty());
    }
}
