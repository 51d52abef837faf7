//! Mends the text of a declaration where the grammar stopped.

use super::work::Work;
use crate::diagnostic::Diagnostic;
use crate::say;

pub(crate) fn close_brackets(_work: &mut Work, _errors: &mut Vec<Diagnostic>) -> Result<(), Diagnostic> {
    Ok(())
}

#[derive(Default)]
pub(crate) struct Mender {}

impl Mender {
    pub(crate) fn mend(&mut self, work: &mut Work, at: usize, errors: &mut Vec<Diagnostic>) -> bool {
        errors.push(Diagnostic::error("E0001", work.span(at..at), say!("this cannot stand here", "此处不能这样写")));
        false
    }
}
