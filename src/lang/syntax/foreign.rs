//! What people carry over from other languages and keyboards, found before the grammar sees it.

use super::scan::Piece;
use crate::diagnostic::Diagnostic;
use crate::span::FileId;
use std::ops::Range;

/// What is written over a mistake, so that the rest can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) range: Range<usize>,
    pub(crate) with: String,
}

pub(crate) fn find(_file: FileId, _text: &str, _pieces: &[Piece]) -> (Vec<Patch>, Vec<Diagnostic>) {
    (Vec::new(), Vec::new())
}
