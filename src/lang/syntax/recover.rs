//! Lines that stand where a declaration should, and what is kept of broken declarations.

use super::tree::{Declaration, Keyword, Name};
use super::work::Work;
use crate::diagnostic::Diagnostic;

#[derive(Default)]
pub(crate) struct Strays {}

impl Strays {
    pub(crate) fn end(&mut self) {}
}

pub(crate) fn begin(_: &mut Work, _: &mut Strays, _: &mut Vec<Declaration>, _: &mut Vec<Diagnostic>) -> bool {
    true
}

pub(crate) fn thin(_text: &str, _errors: &mut Vec<Diagnostic>) {}

pub(crate) fn head(work: &Work) -> Option<(Option<Keyword>, Name)> {
    let pieces = super::scan::scan(&work.text);
    let (word, name) = (pieces.first()?, pieces.get(1)?);
    let keyword = Keyword::ALL.into_iter().find(|k| k.word() == word.of(&work.text));
    let text = super::build::normal(name.of(&work.text));
    Some((keyword, Name { text, span: work.span(name.start..name.end) }))
}
