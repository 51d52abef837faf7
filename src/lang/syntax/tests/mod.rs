//! The parser and the formatter on whole files.

use crate::span::{FileId, place};
use crate::syntax::parser::parse;

mod formatting;
mod generate;
mod language;
mod mistakes;
mod properties;

/// Returns the mistakes in a text, a line each: the code, the place, what is said, and the help.
fn report(text: &str) -> String {
    let (_, errors) = parse(FileId(0), text);
    let line = |error: &crate::diagnostic::Diagnostic| {
        let at = place(text, error.span.start as usize);
        let help = error.help.as_ref().map_or(String::new(), |help| format!(" ({})", help.en));
        format!("{} {}:{} {}{help}\n", error.code, at.line, at.column, error.message.en)
    };
    errors.iter().map(line).collect()
}
