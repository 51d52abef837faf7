//! The formatter on whole files.

use super::language::pipelines;
use crate::span::FileId;
use crate::syntax::dump::dump;
use crate::syntax::format::format;
use crate::syntax::parser::parse;

/// Formats a sound text, and checks what must hold for each: the meaning and the comments stay, and a second time changes
/// nothing.
pub(super) fn formatted(text: &str) -> String {
    let once = format(text).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    let again = format(&once).unwrap_or_else(|errors| panic!("{text}\n--- became\n{once}\n{errors:?}"));
    assert_eq!(once, again, "formatted twice:\n{text}");
    let (before, _) = parse(FileId(0), text);
    let (after, _) = parse(FileId(0), &once);
    assert_eq!(dump(&before), dump(&after), "{text}\n--- became\n{once}");
    let comments = |file: &crate::syntax::tree::File| -> Vec<String> { file.comments.iter().map(|c| c.text.clone()).collect() };
    assert_eq!(comments(&before), comments(&after), "{text}");
    once
}

#[test]
fn pipelines_keep_their_meaning() {
    for (_, text) in pipelines() {
        formatted(&text);
    }
}

#[test]
fn show() {
    for (name, text) in pipelines() {
        std::fs::write(format!("/tmp/fmt-{name}"), format(&text).unwrap()).unwrap();
    }
}
