//! Writes a file in the one style that mmf has. Only blanks, line ends, and commas and semicolons that say nothing change;
//! what the author has broken into lines stays broken, what is too wide is broken.

use super::align;
use super::layout::layout;
use super::parser::parse;
use super::shape::{Role, Shape, shape};
use crate::diagnostic::Diagnostic;
use crate::span::FileId;

/// How wide a row may be before a pipe or a block in it is broken: 120 columns, and an indent more for what just spills.
const WIDTH: usize = 124;

/// Formats a file; fails with its mistakes of syntax where it has any. Formatting twice changes nothing more. The result
/// has the line ends of the first line, and no byte-order mark.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (file, errors) = parse(FileId(0), text);
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut shape = shape(text, &file);
    loop {
        let mut rows = layout(&shape);
        align::align(&mut rows);
        let wide: Vec<_> = rows.iter().filter(|row| align::width(row) > WIDTH).map(|row| row.tokens.clone()).collect();
        let mut broken = false;
        for tokens in wide {
            broken |= shape.break_up(tokens);
        }
        if !broken {
            let written = align::write(&rows);
            let windows = text.find('\n').is_some_and(|end| text[..end].ends_with('\r'));
            return Ok(if windows { written.replace('\n', "\r\n") } else { written });
        }
    }
}

impl Shape<'_> {
    /// Breaks the outermost pipe or block among these tokens; returns false where there is none to break.
    fn break_up(&mut self, tokens: std::ops::Range<usize>) -> bool {
        for token in &self.tokens[tokens] {
            let lines = matches!(self.frames[token.frame].open, ' ' | '{');
            match token.role {
                Role::Pipe if lines && !self.items[token.item].broken => {
                    self.items[token.item].broken = true;
                    return true;
                }
                Role::Opens(frame) if self.frames[frame].open == '{' && !self.frames[frame].broken => {
                    let holds = !self.frames[frame].empty;
                    if holds && self.items[token.item].steps == 0 {
                        self.frames[frame].broken = true;
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}
